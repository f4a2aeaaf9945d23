"""Which rows stood at a revision, and whose of them today's reader may see (SQL).

Whose rows of a count or a list today's reader may see, by today's class of each person.

Who may have been closed at an earlier revision by the permission of then. `Record.publish_now` says today's, and the
class in the rows does not say whom an objection hid or who may have been a child.

Whether researchers may contact a person, as consents say it: for readers who see restricted fields alone.

Which terms on the person hold of which rows, as far as the reader may ask (rule 11).

What may not be seen decides nothing: it is taken out of a condition before any row is chosen by it, so that an answer
takes as long whatever a hidden value is."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, true, union_all
from sqlmodel import Session, col

from app.columns import table
from app.columns import table as tables
from app.columns.loader import Columns
from app.columns.rows import Array, Mask, Rows, among, flags, some, some_pairs
from app.log import entries
from app.models import CLASSES_OF_TODAY, OPEN, Consent, Head, ObjectionHiding, Placement, Record, Sealed
from app.queries.terms import DIMENSIONS, PersonTerms, Stands
from app.registry.identity.clusters import recalled_with
from app.registry.publication.permissions import Reader
from app.schemas.records import ContactOut

Condition = ColumnElement[bool]


def at(table: Any, revision: int) -> Condition:
    """Rows of a projected table that hold at a revision."""
    return and_(col(table.since) <= revision, col(table.until) > revision)


def is_hidden(detainee: Any, classes: tuple[str, ...], revision: int) -> Condition:
    """Whether today's class of a person is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then.
    """
    return exists(
        select(1)
        .select_from(Placement)
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(Placement.detainee) == detainee, at(Placement, revision), col(Record.publish_now).in_(classes))
    )


def sees_all(reader: Reader, publish: str, name: str, values: Sequence[str]) -> bool:
    """Whether the reader may see these values of a dimension, or any at all, of someone of that class."""
    return all(reader.sees_trait(publish, name, value) for value in values or (None,))


def visible(reader: Reader, detainee: Any, revision: int) -> Condition:
    """Whether a person stands in lists for the reader."""
    classes = tuple(publish for publish in CLASSES_OF_TODAY if not reader.sees_person(publish))
    return ~is_hidden(detainee, classes, revision) if classes else true()


_CLASSES_BEFORE = "classes by person, of the earlier revision that was asked for last"


def classes_of(columns: Columns, revision: int) -> Array:
    """By person, which of today's classes the records have that were the person's at the revision: a bit for each, by
    its place in CLASSES_OF_TODAY."""
    if revision >= columns.head:
        return columns.in_common(
            "classes by person", lambda: _classes_at(columns, columns.head), partial(_renewed, columns)
        )
    made: tuple[int, Array] | None = columns.made.get(_CLASSES_BEFORE)
    if made is None or made[0] != revision:
        made = columns.made[_CLASSES_BEFORE] = revision, _classes_at(columns, revision)
    return made[1]


def _classes_at(columns: Columns, revision: int) -> Array:
    placed = columns.rows(tables.PLACEMENTS, revision)
    own, people = columns.classes[placed["record"]], placed[tables.PERSON]
    bits = np.zeros(columns.keys, np.uint8)
    for place in range(len(CLASSES_OF_TODAY)):
        bits[people[np.flatnonzero(own == place)]] |= np.uint8(1 << place)
    return bits


def _renewed(columns: Columns, before: Array, touched: Collection[int]) -> Array:
    """The classes at the head. `before`: those at an earlier one; `touched`: whose may be others by now."""
    bits = np.zeros(columns.keys, np.uint8)
    bits[: len(before)] = before
    table = columns.tables[tables.PLACEMENTS.name]
    record, until = table.column("record"), table.column(tables.UNTIL)
    for person in touched:
        classes = {
            int(columns.classes[record[place]]) for place in table.places([person]) if until[place] > columns.head
        }
        bits[person] = sum(1 << place for place in classes)
    return bits


def hidden(columns: Columns, people: Array, classes: Sequence[str], revision: int) -> Mask:
    """Whether today's class of each of these people is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then."""
    bits = sum(1 << CLASSES_OF_TODAY.index(publish) for publish in classes)
    found: Mask = (classes_of(columns, revision)[people] & bits) != 0
    return found


def hidden_trait(
    columns: Columns, people: Array, reader: Reader, name: str, revision: int, values: Sequence[str] = ()
) -> Mask | None:
    """Of which of these people the reader may not see a personal dimension (with one of these values); None where the
    reader may see it of everyone."""
    classes = [publish for publish in CLASSES_OF_TODAY if not sees_all(reader, publish, name, values)]
    return hidden(columns, people, classes, revision) if classes else None


def seen(columns: Columns, people: Array, reader: Reader, revision: int) -> Mask:
    """Which of these people stand in lists for the reader."""
    classes = [publish for publish in CLASSES_OF_TODAY if not reader.sees_person(publish)]
    return ~hidden(columns, people, classes, revision)


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


# Made once: building a statement costs more than running it.
_CONSENTS = (
    select(col(Consent.key), col(Consent.record), col(Sealed.disclosures))
    .join(Sealed, col(Sealed.revision) == col(Consent.key))
    .where(col(Consent.record).in_(bindparam("records", expanding=True)))
    .order_by(col(Consent.key))
)


def contact(session: Session, records: Collection[int], reader: Reader) -> ContactOut | None:
    """What the consents of a person's records say; None where nobody was asked, and for whom it is nothing.

    Like a class of publication it is judged by today: of each record the latest consent that says it holds, and where
    people with one each turn out to be one person, the strictest of these.
    """
    if not reader.restricted:
        return None
    ids = session.scalars(select(col(Record.id)).where(col(Record.key).in_(records))).all()
    every = {*records, *recalled_with(session, ids)}  # what was said by a recalled report holds
    latest: dict[int, ContactOut] = {}
    for _key, record, disclosures in session.execute(_CONSENTS, {"records": list(every)}):
        said = entries.values(disclosures)
        if said.get("contact") is not None:
            latest.pop(record, None)  # so that the newest answer stands last
            latest[record] = {"allowed": said["contact"], "given_by": said["given_by"], "given_on": said["given_on"]}
    return min(reversed(latest.values()), key=lambda one: one["allowed"], default=None)


def rests_on_source(name: str, *, own: bool) -> bool:
    """Whether a personal dimension of a row rests on the word of the source whose row it is."""
    return own and DIMENSIONS[name].stands is Stands.PLACE


def traits(columns: Columns, name: str, revision: int, *, by_source: bool) -> Rows:
    """The rows that say a personal dimension at a revision."""
    return columns.rows(table.SOURCE_TRAITS if by_source else table.TRAITS, revision, ("name", name))


def said_of(columns: Columns, rows: Rows, said: Rows, which: Mask, *, by_source: bool) -> Mask:
    """Whether some of what is said is said of a row: of its spell, or of its spell by its source."""
    if not by_source:
        return some(columns.keys, rows["spell"], said["spell"], which)
    return some_pairs(columns.keys, (rows["spell"], rows["source"]), (said["spell"], said["source"]), which)


def _has_trait(
    columns: Columns, rows: Rows, name: str, revision: int, values: Sequence[str] | None, *, own: bool
) -> Mask:
    """Whether a row has a value of a dimension, one of `values` where they are given."""
    by_source = rests_on_source(name, own=own)
    said = traits(columns, name, revision, by_source=by_source)
    asked = np.ones(len(said), bool) if values is None else among(said["value"], columns.values.each(values))
    # All that is said is looked through, so that the time does not tell how much of it was asked about.
    return said_of(columns, rows, said, asked, by_source=by_source)


def _personal_filters(
    columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, own: bool
) -> Iterator[tuple[str, list[str], Mask]]:
    """`(dimension, values asked about, whether each row matches)`; the facility by its slug."""
    for name, values in terms.traits().items():
        yield name, values, _has_trait(columns, rows, name, revision, values, own=own)
    for name, values in terms.excluded().items():
        known = _has_trait(columns, rows, name, revision, None, own=own)
        yield name, values, known & ~_has_trait(columns, rows, name, revision, values, own=own)


def meant(
    columns: Columns, rows: Rows, terms: PersonTerms, reader: Reader, revision: int, *, own: bool
) -> Iterator[Mask]:
    """The conditions of the terms on the person and the detention, but for its day. `own`: the rows are those of
    sources, whose own word decides where the person was held."""
    if terms.country is not None:
        yield rows["country"] == columns.codes.of(terms.country)
    if terms.designation is not None:
        yield rows["designation"] == columns.codes.of(terms.designation)
    for name, values, matching in _personal_filters(columns, rows, terms, revision, own=own):
        unseen = hidden_trait(columns, rows[table.PERSON], reader, name, revision, values)
        yield matching if unseen is None else matching & ~unseen
    if terms.state is not None or terms.rearrested is not None:
        people = columns.rows(table.PEOPLE, revision)
        such = np.ones(len(people), bool)
        if terms.state is not None:
            such &= people["state"] == columns.codes.of(terms.state)
        if terms.rearrested is not None:
            such &= people["rearrested"] == terms.rearrested
        yield flags(columns.keys, people[table.PERSON][such])[rows[table.PERSON]]


def partly_hidden(columns: Columns, rows: Rows, terms: Any, reader: Reader, revision: int, *, own: bool) -> Mask | None:
    """Of rows that match the terms without their personal ones, those whose person's class hides at least one of these
    from the reader, and which match all that it opens. None where no class hides any from the reader.

    Neither a value that is hidden nor whether there is one is read."""
    people, everybody = rows[table.PERSON], np.ones(len(rows), bool)
    filters = [*_personal_filters(columns, rows, terms, revision, own=own)]
    filters += [(name, [], everybody) for name in getattr(terms, "group_by", []) if DIMENSIONS[name].personal]
    found: Mask | None = None
    for place, publish in enumerate(CLASSES_OF_TODAY):
        seen = [sees_all(reader, publish, name, values) for name, values, _matching in filters]
        if all(seen):
            continue
        theirs = hidden(columns, people, (publish,), revision)
        theirs &= ~hidden(columns, people, CLASSES_OF_TODAY[place + 1 :], revision)
        for (_name, _values, matching), is_seen in zip(filters, seen, strict=True):
            if is_seen:
                theirs &= matching
        found = theirs if found is None else found | theirs
    return found
