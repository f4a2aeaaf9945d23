"""Why somebody reported as held does not count as held on the day of filing, by this source's word alone (pure)."""

from app.dates import parse
from app.exchange.imports.lost_and_gained import Says
from app.registry.projection.statements import ASSERTIONS
from app.vocabulary import Verdict
from app.wire.imports import NotHeld

NO_DAY: NotHeld = "no_day_of_arrest"
VAGUE_DAY: NotHeld = "day_not_past"
NOT_ASSERTED: NotHeld = "not_asserted"
NOT_HELD = (NO_DAY, VAGUE_DAY, NOT_ASSERTED)


def why_not_held(said: Says, today: int) -> NotHeld | None:
    """Why a report of custody does not count on the day of filing (`today`, an ordinal); None where it does."""
    if said.get("verification.verdict", Verdict.REPORTED) not in ASSERTIONS:
        return NOT_ASSERTED
    days = [parse(said[name]).hi for name in ("detention.detained_on", "detention.held_on") if name in said]
    if not days:
        return NO_DAY
    return None if min(days) <= today else VAGUE_DAY
