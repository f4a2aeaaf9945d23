"""Why a person reported in custody does not count as held on the day of filing, by this source alone (pure)."""

from typing import get_args

from app.dates import parse
from app.exchange.imports.lost_and_gained import Says
from app.projection.statements import ASSERTIONS
from app.schemas.imports import NotHeld
from app.vocabulary import Verdict

NOT_HELD: tuple[NotHeld, ...] = get_args(NotHeld)


def why_not_held(values: Says, today: int) -> NotHeld | None:
    """Why a report of custody does not count on the day of filing (`today`, an ordinal); None if it counts."""
    if values.get("verification.verdict", Verdict.REPORTED) not in ASSERTIONS:
        return "not_asserted"
    days = [parse(values[name]).hi for name in ("detention.detained_on", "detention.held_on") if name in values]
    if not days:
        return "no_day_of_arrest"
    return None if min(days) <= today else "day_not_past"
