"""What the log keeps of the class of publication that a report asks for: since when, and whether it may hide at once.

A curator's answer stands over what a source reports of the person later, so a report that asks for what an earlier one
of that source asked for is no new wish; one whose `publish_given_on` is later than any day before is. And whoever holds
one key must not hide people faster than curators can look: beyond MOST_UNANSWERED the wishes of a source wait without
hiding anybody whom others show.
"""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import parse
from app.models import OPEN, Placement, ProvisionalHiding, Record
from app.registry import records
from app.registry.consent import CLASS, OPENNESS
from app.registry.content import ASKED, Content
from app.registry.records import Version
from app.registry.write import Desk
from app.vocabulary import Publish

# Provisional hidings of one source that may wait for a curator at once. Families change their minds one by one, and a
# curator reads ten in a sitting; whoever holds a stolen key and would hide a whole list is stopped at its tenth name.
MOST_UNANSWERED = 10
BURST = "hiding_burst"  # a source has so many wishes unanswered that further ones wait
GIVEN_ON = "detainee.publish_given_on"

_UNANSWERED = (
    select(col(ProvisionalHiding.source), func.count())
    .where(
        col(ProvisionalHiding.until) == OPEN,
        col(ProvisionalHiding.stopped).is_(False),
        col(ProvisionalHiding.publish) == Publish.COUNTED,
    )
    .group_by(col(ProvisionalHiding.source))
)
_HOLDER: Any = aliased(Placement)
_NAMED: Any = aliased(Record)
_OWN_OF_PERSON = (
    select(col(Record.key))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_HOLDER, (_HOLDER.detainee == col(Placement.detainee)) & (_HOLDER.until == OPEN))
    .join(_NAMED, _NAMED.key == _HOLDER.record)
    .where(_NAMED.id == bindparam("id"), col(Record.source) == bindparam("of"))
    .order_by(col(Record.key))
)
_UNANSWERED_OF = _UNANSWERED.where(col(ProvisionalHiding.source) == bindparam("of"))

log = logging.getLogger("recuento")


def unanswered(session: Session) -> dict[int, int]:
    """Source → its reports that hide somebody against what stands and wait for a curator; those that close a name
    alone wait too, and hide nobody."""
    return {row[0]: row[1] for row in session.connection().execute(_UNANSWERED)}


def stopped_sources(session: Session) -> set[int]:
    """The sources whose further wishes wait without hiding anybody."""
    return {source for source, number in unanswered(session).items() if number >= MOST_UNANSWERED}


def warnings(session: Session) -> list[str]:
    """What whoever runs the registry should look at, without saying of whom."""
    return [BURST] if stopped_sources(session) else []


def of_new_report(desk: Desk, said: Content, tied: uuid.UUID | None) -> dict[str, Any]:
    """What the entry of a new report keeps of its wish; one that nothing ties to anybody closes nobody else's. `tied`:
    a record of the person it is tied to."""
    if tied is None or said.get(CLASS) in (None, Publish.NAMED):
        return {}
    return _kept(desk, said, _earlier(desk, tied))


def of_next_version(desk: Desk, record: Record, version: Version, said: Content) -> dict[str, Any]:
    """What the entry of a report's next version keeps of its wish."""
    if said.get(CLASS) in (None, Publish.NAMED):
        return {}
    before = version.content
    if (said[CLASS], said.get(GIVEN_ON)) == (before.get(CLASS), before.get(GIVEN_ON)):
        return _entry(_since(version), _stopped(version) and ASKED not in said)
    return _kept(desk, said, _earlier(desk, record.id))


def _earlier(desk: Desk, record: uuid.UUID) -> list[Version]:
    """Every version of this source's reports of the person that holds a record: a curator answers a source, and a new
    case number is no new wish."""
    keys = desk.session.connection().execute(_OWN_OF_PERSON, {"id": record, "of": desk.actor.source}).scalars().all()
    return [one for key in keys for one in records.versions(desk.session, key)]


def _kept(desk: Desk, said: Content, earlier: Sequence[Version]) -> dict[str, Any]:
    days = [parse(one.content[GIVEN_ON]) for one in earlier if GIVEN_ON in one.content]
    renewed = GIVEN_ON in said and all(parse(said[GIVEN_ON]).lo > day.hi for day in days)
    as_strict = [one for one in earlier if _as_strict(one.content, said)]
    if renewed or not as_strict:
        return _entry(None, _stops(desk, said))
    last = max(as_strict, key=_since)
    return _entry(_since(last), _stopped(last) and ASKED not in said)


def _entry(since: int | None, stopped: bool) -> dict[str, Any]:
    kept = {**({} if since is None else {"since": since}), **({"stopped": True} if stopped else {})}
    return {"wish": kept} if kept else {}


def _since(version: Version) -> int:
    """The revision at which a version's wish was first made."""
    since: int = version.entry.body.get("wish", {}).get("since", version.entry.revision)
    return since


def _stopped(version: Version) -> bool:
    return bool(version.entry.body.get("wish", {}).get("stopped", False))


def _as_strict(before: Content, said: Content) -> bool:
    return CLASS in before and OPENNESS.index(before[CLASS]) >= OPENNESS.index(said[CLASS])


def _stops(desk: Desk, said: Content) -> bool:
    """Whether a new wish must wait. One that follows from a birth never does: it may be a child's."""
    source = desk.actor.source
    if said.get(CLASS) != Publish.COUNTED or ASKED in said or source is None:
        return False
    number = desk.session.connection().execute(_UNANSWERED_OF, {"of": source}).one_or_none()
    if number is None or number[1] < MOST_UNANSWERED:
        return False
    log.warning("wishes of source %s to hide people wait for a curator: %d are unanswered", desk.actor.slug, number[1])
    return True
