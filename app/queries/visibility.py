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
from app.columns.rows import Array, Mask, Rows, flag_keys, has_match, has_pair_match, is_any_of
from app.log import entries
from app.models import CURRENT_CLASSES, OPEN, Consent, Head, ObjectionHiding, Placement, Record, Sealed
from app.queries.terms import DIMENSIONS, PersonTerms, ValueOrigin
from app.registry.identity.clusters import find_recalled_keys
from app.registry.publication.permissions import Reader
from app.schemas.records import ContactOut

SqlCondition = ColumnElement[bool]


def valid_at(table: Any, revision: int) -> SqlCondition:
    """Rows of a projected table that hold at a revision."""
    return and_(col(table.since) <= revision, col(table.until) > revision)


def has_class_among(detainee: Any, classes: tuple[str, ...], revision: int) -> SqlCondition:
    """Whether today's class of a person is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then.
    """
    return exists(
        select(1)
        .select_from(Placement)
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(Placement.detainee) == detainee, valid_at(Placement, revision), col(Record.publish_now).in_(classes))
    )


def can_see_values(reader: Reader, publish: str, name: str, values: Sequence[str]) -> bool:
    """Whether the reader may see these values of a dimension, or any at all, of someone of that class."""
    return all(reader.can_see_trait(publish, name, value) for value in values or (None,))


def visible_to(reader: Reader, detainee: Any, revision: int) -> SqlCondition:
    """Whether a person stands in lists for the reader."""
    classes = tuple(publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish))
    return ~has_class_among(detainee, classes, revision) if classes else true()


_EARLIER_CLASSES = "classes by person, of the earlier revision that was asked for last"


def load_class_bits(columns: Columns, revision: int) -> Array:
    """By person, which of today's classes the records have that were the person's at the revision: a bit for each, by
    its place in CLASSES_OF_TODAY."""
    if revision >= columns.head:
        return columns.get_shared(
            "classes by person",
            lambda: _compute_class_bits(columns, columns.head),
            partial(_refresh_class_bits, columns),
        )
    cached: tuple[int, Array] | None = columns.shared_values.get(_EARLIER_CLASSES)
    if cached is None or cached[0] != revision:
        cached = columns.shared_values[_EARLIER_CLASSES] = revision, _compute_class_bits(columns, revision)
    return cached[1]


def _compute_class_bits(columns: Columns, revision: int) -> Array:
    placements = columns.rows(tables.PLACEMENTS, revision)
    record_classes, people = columns.classes[placements["record"]], placements[tables.PERSON_COLUMN]
    bits = np.zeros(columns.key_count, np.uint8)
    for place in range(len(CURRENT_CLASSES)):
        bits[people[np.flatnonzero(record_classes == place)]] |= np.uint8(1 << place)
    return bits


def _refresh_class_bits(columns: Columns, old_bits: Array, changed_people: Collection[int]) -> Array:
    """The classes at the head. `old_bits`: those at an earlier one; `changed_people`: whose may be others by now."""
    bits = np.zeros(columns.key_count, np.uint8)
    bits[: len(old_bits)] = old_bits
    table = columns.tables[tables.PLACEMENTS.name]
    record, valid_until = table.column("record"), table.column(tables.UNTIL_COLUMN)
    for person in changed_people:
        classes = {
            int(columns.classes[record[place]]) for place in table.places([person]) if valid_until[place] > columns.head
        }
        bits[person] = sum(1 << place for place in classes)
    return bits


def match_classes(columns: Columns, people: Array, classes: Sequence[str], revision: int) -> Mask:
    """Whether today's class of each of these people is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then."""
    bits = sum(1 << CURRENT_CLASSES.index(publish) for publish in classes)
    mask: Mask = (load_class_bits(columns, revision)[people] & bits) != 0
    return mask


def match_hidden_trait(
    columns: Columns, people: Array, reader: Reader, name: str, revision: int, values: Sequence[str] = ()
) -> Mask | None:
    """Of which of these people the reader may not see a personal dimension (with one of these values); None where the
    reader may see it of everyone."""
    classes = [publish for publish in CURRENT_CLASSES if not can_see_values(reader, publish, name, values)]
    return match_classes(columns, people, classes, revision) if classes else None


def match_visible(columns: Columns, people: Array, reader: Reader, revision: int) -> Mask:
    """Which of these people stand in lists for the reader."""
    classes = [publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish)]
    return ~match_classes(columns, people, classes, revision)


_RECORD_JOIN = col(Record.key) == col(Placement.record)
_OBJECTION_JOIN = col(ObjectionHiding.record) == col(Placement.record)
_CONSENT_JOIN = col(Consent.record) == col(Placement.record)


def permission_may_have_changed(detainee: Any, since: int, revision: int) -> SqlCondition:
    """Whether a consent, an objection or an erasure may have changed since a revision what is shown of a person. It
    need not have changed a row."""
    people = select(col(Placement.detainee)).where(valid_at(Placement, revision))
    has_ended = (col(ObjectionHiding.until) > since) & (col(ObjectionHiding.until) < OPEN)
    has_later_erasure = select(col(Head.erased)).scalar_subquery() > since
    changed_people = union_all(
        people.join(Consent, _CONSENT_JOIN).where(col(Consent.key) > since),
        people.join(ObjectionHiding, _OBJECTION_JOIN).where(or_(col(ObjectionHiding.key) > since, has_ended)),
        people.join(Record, _RECORD_JOIN).where(col(Record.redacted), has_later_erasure),
    )
    condition: SqlCondition = detainee.in_(changed_people)
    return condition


def find_hidden_by_objection(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """The people whom an objection hid at a revision."""
    return set(
        session.scalars(
            _select_people(detainees, revision).join(ObjectionHiding, _OBJECTION_JOIN).where(_is_hiding_valid(revision))
        )
    )


def was_hidden_by_objection(detainee: Any, revision: int) -> SqlCondition:
    """Whether an objection hid a person at a revision."""
    people = select(col(Placement.detainee)).where(valid_at(Placement, revision))
    condition: SqlCondition = detainee.in_(
        people.join(ObjectionHiding, _OBJECTION_JOIN).where(_is_hiding_valid(revision))
    )
    return condition


def find_consented(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """The people of whom a consent was recorded by a revision."""
    people = _select_people(detainees, revision).join(Consent, _CONSENT_JOIN).where(col(Consent.key) <= revision)
    return set(session.scalars(people))


def find_first_consented(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """The people whose first consent came after a revision. Whether it opened somebody who was perhaps a child is not
    told apart: that would tell of births that nobody may see."""
    people = _select_people(detainees, revision).join(Consent, _CONSENT_JOIN).group_by(col(Placement.detainee))
    return set(session.scalars(people.having(func.min(col(Consent.key)) > since)))


def find_erased(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """The erased among the people, if anybody was erased since a revision: no row says when each of them was."""
    if session.scalars(select(col(Head.erased))).one() <= since:
        return set()
    return set(
        session.scalars(_select_people(detainees, revision).join(Record, _RECORD_JOIN).where(col(Record.redacted)))
    )


def _is_hiding_valid(revision: int) -> SqlCondition:
    return (col(ObjectionHiding.key) <= revision) & (col(ObjectionHiding.until) > revision)


def _select_people(detainees: Collection[int], revision: int) -> Any:
    return select(col(Placement.detainee)).where(col(Placement.detainee).in_(detainees), valid_at(Placement, revision))


# Made once: building a statement costs more than running it.
_CONTACT_CONSENTS = (
    select(col(Consent.key), col(Consent.record), col(Sealed.disclosures))
    .join(Sealed, col(Sealed.revision) == col(Consent.key))
    .where(col(Consent.record).in_(bindparam("records", expanding=True)))
    .order_by(col(Consent.key))
)


def load_contact_permission(session: Session, records: Collection[int], reader: Reader) -> ContactOut | None:
    """What the consents of a person's records say; None where nobody was asked, and for whom it is nothing.

    Like a class of publication it is judged by today: of each record the latest consent that says it holds, and where
    people with one each turn out to be one person, the strictest of these.
    """
    if not reader.can_see_restricted:
        return None
    ids = session.scalars(select(col(Record.id)).where(col(Record.key).in_(records))).all()
    all_records = {*records, *find_recalled_keys(session, ids)}  # what was said by a recalled report holds
    latest: dict[int, ContactOut] = {}
    for _key, record, disclosures in session.execute(_CONTACT_CONSENTS, {"records": list(all_records)}):
        values = entries.load_values(disclosures)
        if values.get("contact") is not None:
            latest.pop(record, None)  # so that the newest answer stands last
            latest[record] = {
                "allowed": values["contact"],
                "given_by": values["given_by"],
                "given_on": values["given_on"],
            }
    return min(reversed(latest.values()), key=lambda answer: answer["allowed"], default=None)


def rests_on_source(name: str, *, uses_source_rows: bool) -> bool:
    """Whether a personal dimension of a row rests on the word of the source whose row it is."""
    return uses_source_rows and DIMENSIONS[name].origin is ValueOrigin.PLACE


def load_traits(columns: Columns, name: str, revision: int, *, by_source: bool) -> Rows:
    """The rows that say a personal dimension at a revision."""
    return columns.rows(table.SOURCE_TRAITS if by_source else table.TRAITS, revision, ("name", name))


def match_statements(columns: Columns, rows: Rows, statements: Rows, mask: Mask, *, by_source: bool) -> Mask:
    """Whether some of what is said is said of a row: of its spell, or of its spell by its source."""
    if not by_source:
        return has_match(columns.key_count, rows["spell"], statements["spell"], mask)
    return has_pair_match(
        columns.key_count, (rows["spell"], rows["source"]), (statements["spell"], statements["source"]), mask
    )


def _match_trait(
    columns: Columns, rows: Rows, name: str, revision: int, values: Sequence[str] | None, *, uses_source_rows: bool
) -> Mask:
    """Whether a row has a value of a dimension, one of `values` where they are given."""
    by_source = rests_on_source(name, uses_source_rows=uses_source_rows)
    trait_rows = load_traits(columns, name, revision, by_source=by_source)
    is_requested = (
        np.ones(len(trait_rows), bool)
        if values is None
        else is_any_of(trait_rows["value"], columns.values.find_codes(values))
    )
    # All that is said is looked through, so that the time does not tell how much of it was asked about.
    return match_statements(columns, rows, trait_rows, is_requested, by_source=by_source)


def _iter_personal_filters(
    columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, uses_source_rows: bool
) -> Iterator[tuple[str, list[str], Mask]]:
    """`(dimension, values asked about, whether each row matches)`; the facility by its slug."""
    for name, values in terms.trait_values().items():
        yield name, values, _match_trait(columns, rows, name, revision, values, uses_source_rows=uses_source_rows)
    for name, values in terms.excluded_values().items():
        has_value = _match_trait(columns, rows, name, revision, None, uses_source_rows=uses_source_rows)
        yield (
            name,
            values,
            has_value & ~_match_trait(columns, rows, name, revision, values, uses_source_rows=uses_source_rows),
        )


def iter_conditions(
    columns: Columns, rows: Rows, terms: PersonTerms, reader: Reader, revision: int, *, uses_source_rows: bool
) -> Iterator[Mask]:
    """The conditions of the terms on the person and the detention, but for its day. `uses_source_rows`: the rows are those of
    sources, whose own word decides where the person was held."""
    if terms.country is not None:
        yield rows["country"] == columns.codes.find_code(terms.country)
    if terms.designation is not None:
        yield rows["designation"] == columns.codes.find_code(terms.designation)
    for name, values, matching in _iter_personal_filters(
        columns, rows, terms, revision, uses_source_rows=uses_source_rows
    ):
        is_hidden = match_hidden_trait(columns, rows[table.PERSON_COLUMN], reader, name, revision, values)
        yield matching if is_hidden is None else matching & ~is_hidden
    if terms.state is not None or terms.rearrested is not None:
        people = columns.rows(table.PEOPLE, revision)
        is_match = np.ones(len(people), bool)
        if terms.state is not None:
            is_match &= people["state"] == columns.codes.find_code(terms.state)
        if terms.rearrested is not None:
            is_match &= people["rearrested"] == terms.rearrested
        yield flag_keys(columns.key_count, people[table.PERSON_COLUMN][is_match])[rows[table.PERSON_COLUMN]]


def match_partly_hidden(
    columns: Columns, rows: Rows, terms: Any, reader: Reader, revision: int, *, uses_source_rows: bool
) -> Mask | None:
    """Of rows that match the terms without their personal ones, those whose person's class hides at least one of these
    from the reader, and which match all that it opens. None where no class hides any from the reader.

    Neither a value that is hidden nor whether there is one is read."""
    people, all_rows = rows[table.PERSON_COLUMN], np.ones(len(rows), bool)
    filters = [*_iter_personal_filters(columns, rows, terms, revision, uses_source_rows=uses_source_rows)]
    filters += [(name, [], all_rows) for name in getattr(terms, "group_by", []) if DIMENSIONS[name].is_personal]
    result: Mask | None = None
    for class_index, publish in enumerate(CURRENT_CLASSES):
        visible_flags = [can_see_values(reader, publish, name, values) for name, values, _matching in filters]
        if all(visible_flags):
            continue
        is_match = match_classes(columns, people, (publish,), revision)
        is_match &= ~match_classes(columns, people, CURRENT_CLASSES[class_index + 1 :], revision)
        for (_name, _values, matching), is_visible in zip(filters, visible_flags, strict=True):
            if is_visible:
                is_match &= matching
        result = is_match if result is None else result | is_match
    return result
