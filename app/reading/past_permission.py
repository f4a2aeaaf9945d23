"""Who may have been closed at an earlier revision by the permission of then. `Record.publish_now` says today's, and the
class in the rows does not say whom an objection hid or who may have been a child."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, or_, select, union_all
from sqlmodel import Session, col

from app.models import OPEN, Consent, Head, ObjectionHiding, Placement, Record
from app.reading.visibility import Condition, at

_OF_RECORD = col(Record.key) == col(Placement.record)
_OBJECTED = col(ObjectionHiding.record) == col(Placement.record)
_CONSENTED = col(Consent.record) == col(Placement.record)


def may_have_changed(detainee: Any, since: int, revision: int) -> Condition:
    """Whether a consent, an objection or an erasure may have changed since a revision what is shown of a person. It
    need not have changed a row."""
    people = select(col(Placement.detainee)).where(at(Placement, revision))
    answered = (col(ObjectionHiding.until) > since) & (col(ObjectionHiding.until) < OPEN)
    erased = select(col(Head.erased)).scalar_subquery() > since
    touched = union_all(
        people.join(Consent, _CONSENTED).where(col(Consent.key) > since),
        people.join(ObjectionHiding, _OBJECTED).where(or_(col(ObjectionHiding.key) > since, answered)),
        people.join(Record, _OF_RECORD).where(col(Record.redacted), erased),
    )
    changed: Condition = detainee.in_(touched)
    return changed


def hidden_at(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """The people whom an objection hid at a revision."""
    return set(session.scalars(_of_them(detainees, revision).join(ObjectionHiding, _OBJECTED).where(_hiding(revision))))


def hid(detainee: Any, revision: int) -> Condition:
    """Whether an objection hid a person at a revision."""
    people = select(col(Placement.detainee)).where(at(Placement, revision))
    hidden: Condition = detainee.in_(people.join(ObjectionHiding, _OBJECTED).where(_hiding(revision)))
    return hidden


def consented(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """The people of whom a consent was recorded by a revision."""
    people = _of_them(detainees, revision).join(Consent, _CONSENTED).where(col(Consent.key) <= revision)
    return set(session.scalars(people))


def first_consented(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """The people whose first consent came after a revision. Whether it opened somebody who was perhaps a child is not
    told apart: that would tell of births that nobody may see."""
    people = _of_them(detainees, revision).join(Consent, _CONSENTED).group_by(col(Placement.detainee))
    return set(session.scalars(people.having(func.min(col(Consent.key)) > since)))


def erased_since(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """The erased among the people, if anybody was erased since a revision: no row says when each of them was."""
    if session.scalars(select(col(Head.erased))).one() <= since:
        return set()
    return set(session.scalars(_of_them(detainees, revision).join(Record, _OF_RECORD).where(col(Record.redacted))))


def _hiding(revision: int) -> Condition:
    return (col(ObjectionHiding.key) <= revision) & (col(ObjectionHiding.until) > revision)


def _of_them(detainees: Collection[int], revision: int) -> Any:
    return select(col(Placement.detainee)).where(col(Placement.detainee).in_(detainees), at(Placement, revision))
