"""The people of records that a recall withdraws: what was decided about a person by such a record holds for everybody
who was that person with it.

A thief could otherwise show people: by a report that is tied to them, whose ids the family or an objection then names.
Hiding too much is the safe side, and curators can end it. Where nobody else is left, the objection ends after the usual
days, and the hiding waits for the record to stand again.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import exists, insert, or_, select, update
from sqlmodel import Session, col

from app.db.engine import chunks
from app.log import vault
from app.log.entries import entry_at
from app.models import OPEN, Consent, Detainee, Objection, ObjectionHiding, Placement, Record
from app.registry import records
from app.registry.components import of_one_person_with
from app.registry.objections import UNDECIDED
from app.registry.publication_class import stricter
from app.registry.write import WriteContext, new_id
from app.vocabulary import Publish

GIVEN_BY = "the registry: so said a consent by the id of a report that was recalled"
REASON = "The report made one person of two, or of one who is reported still."
_TEXTS = ("words", "contact")  # sealed, of an objection


class Concerned(NamedTuple):
    """A record to be withdrawn of whose person something was decided by it, and the other records of that person."""

    key: int
    id: uuid.UUID
    others: list[int]


class _Part(NamedTuple):
    """A person who stands: the oldest of the records, and the class by the log and of today."""

    record: uuid.UUID
    key: int
    publish: str
    publish_now: str


def concerned(session: Session, withdrawn: Collection[int]) -> list[Concerned]:
    """The records to be withdrawn by which something was decided, as they stand before that."""
    decided = or_(
        exists().where(col(Consent.record) == col(Record.key)),
        exists().where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN),
        exists().where(col(Objection.record) == col(Record.key), col(Objection.state).in_(UNDECIDED)),
    )
    found = []
    for some in chunks(withdrawn):
        mine = (col(Record.key).in_(some), col(Record.redacted).is_(False), decided)
        for record in session.scalars(select(Record).where(*mine)).all():
            others = {other.key for other in records.of_person(session, record)} - set(withdrawn)
            found.append(Concerned(record.key, record.id, sorted(others)))
    return found


def keep_decisions(context: WriteContext, before: Iterable[Concerned]) -> None:
    """Let what was decided by records that are withdrawn now hold for whoever is left of their people."""
    session = context.session
    for recalled in before:
        same = of_one_person_with(session, recalled.id)
        others = list(_parts(session, recalled.others if same is None else [same, *recalled.others]))
        mine = [part for part in others if part.key == same]
        for part in others:
            if part not in mine:  # of one person with the record its consents hold anyway
                _keep_consent(context, recalled.key, part)
        hides = (col(ObjectionHiding.record) == recalled.key, col(ObjectionHiding.until) == OPEN)
        if session.scalars(select(col(ObjectionHiding.key)).where(*hides)).first() is not None:
            for part in others:
                context.write("consent", {"record": str(part.record), "objection": "received"})
            if mine:
                context.write("consent", {"record": str(recalled.id), "objection": "lapsed"})
        _move_objections(context, recalled.key, others, mine)


def _parts(session: Session, keys: Collection[int]) -> Iterator[_Part]:
    """The people of records that stand, each by the first of these records."""
    people = set()
    for key in keys:
        row = session.execute(
            select(col(Record.id), col(Record.publish_now), col(Detainee.detainee), col(Detainee.publish))
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .join(Detainee, (col(Detainee.detainee) == col(Placement.detainee)) & (col(Detainee.until) == OPEN))
            .where(col(Record.key) == key)
        ).one_or_none()
        if row is not None and row.detainee not in people:
            people.add(row.detainee)
            yield _Part(row.id, key, row.publish, row.publish_now)


def _keep_consent(context: WriteContext, recalled: int, part: _Part) -> None:
    """Write what the last consent by a recalled record said, where it is stricter than what holds. A consent opens who
    may have been a child, so that only `counted` is written about whom nobody may see anyway."""
    of_record = select(Consent).where(col(Consent.record) == recalled).order_by(col(Consent.key).desc())
    last = context.session.scalars(of_record).first()
    if last is None or not stricter(last.publish, part.publish):
        return
    if last.publish != Publish.COUNTED and part.publish_now == Publish.COUNTED:
        return
    said = entry_at(context.session, last.key).personal
    contact = False if said.get("contact") is False else None
    given = {"given_by": GIVEN_BY, "given_on": said["given_on"], "reason": REASON, "contact": contact}
    context.write("consent", {"record": str(part.record), "publish": last.publish}, given)


def _move_objections(context: WriteContext, recalled: int, parts: Sequence[_Part], mine: Sequence[_Part]) -> None:
    """Let curators find the objections to a recalled record at everybody whom it may be about."""
    run = context.session.connection().execute
    to_record = (col(Objection.record) == recalled, col(Objection.state).in_(UNDECIDED))
    for row in run(select(Objection).where(*to_record)).mappings().all():
        for part in parts:
            if part not in mine:
                own = new_id()
                texts = {name: row[name] and _moved(context, row[name], row["id"], own, name) for name in _TEXTS}
                run(insert(Objection), {**row, **texts, "id": own, "slot": None, "record": part.key})
    if mine:
        run(update(Objection).where(col(Objection.record) == recalled).values(record=mine[0].key))
    else:
        run(update(Objection).where(*to_record).values(state="open", slot=None))


def _moved(context: WriteContext, text: bytes, old: uuid.UUID, new: uuid.UUID, name: str) -> bytes:
    """A sealed text of an objection, for a copy of it."""
    return vault.seal(context.secret, vault.unseal(context.secret, text, old, name), new, name)
