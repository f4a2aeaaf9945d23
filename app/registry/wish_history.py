"""The table `requested_class`: which class of publication the versions of each record asked for, and since when.

Whether a wish for a class is new depends on all that its source reported of the person before. So each record has one
row for each class, written as the versions are filed: read from the versions, a record corrected ten thousand times
would make every write about its person slow, and every other write wait.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import parse
from app.db.write_buffer import WriteBuffer
from app.log.entries import LogEntry
from app.models import OPEN, Placement, Record, RequestedClass
from app.registry.publication_class import CLASS
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
class EarlierWishes:
    """The wishes in one source's reports of a person. `last_day`: of the last wish that has a day; `since`: the
    revision of the last wish for a class at least as strict as the one in question; `stopped`: whether that wish waits
    without hiding the person."""

    last_day: int | None
    since: int | None
    stopped: bool


def earlier(session: Session, record: uuid.UUID, source: int | None, as_strict: Collection[str]) -> EarlierWishes:
    """The earlier wishes of a source for the person of a record, whatever their case numbers: a curator answers a
    source, and a new case number is no new wish."""
    run, of = session.connection().execute, {"id": record, "source": source}
    last_day = run(_LAST_DAY, of).scalar_one()
    last = run(_LAST_ASKED, {**of, "as_strict": list(as_strict)}).one_or_none()
    return EarlierWishes(last_day, *((None, False) if last is None else last))


def since(entry: LogEntry) -> int:
    """The revision at which the wish of this version was first made."""
    made: int = entry.body.get("wish", {}).get("since", entry.revision)
    return made


def stopped(entry: LogEntry) -> bool:
    """Whether the wish of this version waits without hiding the person."""
    return bool(entry.body.get("wish", {}).get("stopped", False))


def asks(entry: LogEntry) -> bool:
    """Whether an entry of a report asks for a class that hides, or says when a wish was given."""
    said = entry.body["said"]
    return GIVEN_ON in entry.personal or GIVEN_ON in said or said.get(CLASS, Publish.NAMED) != Publish.NAMED


def add(session: Session, entry: LogEntry, record: int, buffer: WriteBuffer) -> None:
    """Add to the buffer the class that a version asks for. Of versions that repeat one wish the first counts."""
    content = {**entry.body["said"], **entry.personal}
    # A version without a class hides nobody, like one that asks for `named`: only the day of its wish is stored.
    publish = content.get(CLASS, Publish.NAMED.value)
    day = parse(content[GIVEN_ON]).hi if GIVEN_ON in content else None
    if publish == Publish.NAMED and day is None:
        return
    stands = None
    if entry.body["version"] > 1:
        stands = session.connection().execute(_STANDING, {"of": record, "class": publish}).one_or_none()
    new = {"revision": entry.revision, "since": since(entry), "stopped": stopped(entry)}
    if stands is None:
        buffer.add(_INSERT, [{"record": record, "publish": publish, "given_hi": day, **new}])
        return
    days = [known for known in (stands.given_hi, day) if known is not None]
    if new["since"] <= stands.since:
        new = {"revision": stands.revision, "since": stands.since, "stopped": stands.stopped}
    if (new["since"], max(days, default=None)) != (stands.since, stands.given_hi):
        values = {"at": new["revision"], "from": new["since"], "waits": new["stopped"]}
        buffer.add(_UPDATE, [{"of": record, "class": publish, "last_day": max(days, default=None), **values}])
