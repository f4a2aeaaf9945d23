"""What reports asked for: the classes of publication that each record's versions came to ask for, and when.

Whether a wish is a new one depends on everything its source said of the person before. That is kept with each record as
it is filed, in a row for each class and in no more: read from the versions, one record corrected ten thousand times
would make each write about its person slow, and everybody else's wait behind it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.database import WriteBuffer
from app.dates import parse
from app.log.entries import LogEntry
from app.models import OPEN, Placement, Record, RequestedClass
from app.registry.consent import CLASS
from app.vocabulary import Publish

GIVEN_ON = "detainee.publish_given_on"

_INSERT = insert(RequestedClass)
_STANDING = select(
    col(RequestedClass.revision), col(RequestedClass.since), col(RequestedClass.stopped), col(RequestedClass.given_hi)
).where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
_UPDATE = (
    update(RequestedClass)
    .where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
    .values(
        revision=bindparam("at"), since=bindparam("from"), stopped=bindparam("waits"), given_hi=bindparam("last_day")
    )
)
_HOLDER: Any = aliased(Placement)
_NAMED: Any = aliased(Record)
_OWN_OF_PERSON = (
    select(RequestedClass)
    .join(Record, col(Record.key) == col(RequestedClass.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_HOLDER, (_HOLDER.detainee == col(Placement.detainee)) & (_HOLDER.until == OPEN))
    .join(_NAMED, _NAMED.key == _HOLDER.record)
    .where(_NAMED.id == bindparam("id"), col(Record.source) == bindparam("source"))
)
_LAST_DAY = _OWN_OF_PERSON.with_only_columns(func.max(col(RequestedClass.given_hi)))
_LAST_ASKED = (
    _OWN_OF_PERSON.with_only_columns(col(RequestedClass.since), col(RequestedClass.stopped))
    .where(col(RequestedClass.publish).in_(bindparam("as_strict", expanding=True)))
    .order_by(col(RequestedClass.since).desc(), col(RequestedClass.record), col(RequestedClass.revision))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What one source's reports of a person asked for. `last_day`: the last day on which any of their wishes was given;
    `since`: the revision at which they last came to ask for a class as strict as one in question, and whether that wish
    was `stopped`."""

    last_day: int | None
    since: int | None
    stopped: bool


def earlier(session: Session, record: uuid.UUID, source: int | None, as_strict: Collection[str]) -> Earlier:
    """What a source asked for of the person that holds a record: a curator answers a source, and a new case number is
    no new wish."""
    run, of = session.connection().execute, {"id": record, "source": source}
    last_day = run(_LAST_DAY, of).scalar_one()
    last = run(_LAST_ASKED, {**of, "as_strict": list(as_strict)}).one_or_none()
    return Earlier(last_day, *((None, False) if last is None else last))


def since(entry: LogEntry) -> int:
    """The revision at which the wish of a version was first made."""
    made: int = entry.body.get("wish", {}).get("since", entry.revision)
    return made


def stopped(entry: LogEntry) -> bool:
    """Whether the wish of a version waits without hiding anybody."""
    return bool(entry.body.get("wish", {}).get("stopped", False))


def add(session: Session, entry: LogEntry, record: int, buffer: WriteBuffer) -> None:
    """Hold what a version adds to what its record asked for; of two that repeat one wish the first speaks for it."""
    said = {**entry.body["said"], **entry.personal}
    # Who names no class closes nobody, like those who ask for the name, and is remembered for the day alone.
    publish = said.get(CLASS, Publish.NAMED.value)
    day = parse(said[GIVEN_ON]).hi if GIVEN_ON in said else None
    if publish == Publish.NAMED and day is None:
        return
    stands = None
    if entry.body["version"] > 1:
        stands = session.connection().execute(_STANDING, {"of": record, "class": publish}).one_or_none()
    new = {"revision": entry.revision, "since": since(entry), "stopped": stopped(entry)}
    if stands is None:
        buffer.add(_INSERT, [{"record": record, "publish": publish, "given_hi": day, **new}])
        return
    days = [one for one in (stands.given_hi, day) if one is not None]
    if new["since"] <= stands.since:
        new = {"revision": stands.revision, "since": stands.since, "stopped": stands.stopped}
    if (new["since"], max(days, default=None)) != (stands.since, stands.given_hi):
        values = {"at": new["revision"], "from": new["since"], "waits": new["stopped"]}
        buffer.add(_UPDATE, [{"of": record, "class": publish, "last_day": max(days, default=None), **values}])
