"""Decide which rows the reader may see, by today's class of each person, and which rows match personal terms.

Hidden values never affect an answer or its timing: they are removed from a condition before it selects any row (rule
11). `Record.publish_now` is today's class; for an earlier revision, objections and possible children are judged
separately, because the class in the rows does not include them. Contact permissions from consents are for readers who
see restricted fields."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, true, union_all
from sqlmodel import Session, col

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import Array, Mask, Rows, flag_keys, has_match, has_pair_match, is_any_of
from app.log import entries
from app.models import CURRENT_CLASSES, OPEN, ClassHold, Consent, Head, ObjectionHiding, Placement, Record, Sealed
from app.projection.person import AGE_TRAIT
from app.queries.dimensions import DIMENSIONS, ValueOrigin
from app.queries.terms import PersonTerms
from app.registry.identity.clusters import find_recalled_keys
from app.registry.publication.permissions import Reader
from app.schemas.records import ContactOut

SqlCondition = ColumnElement[bool]


def valid_at(table: Any, revision: int) -> SqlCondition:
    """Return the condition that a row of a projected table is valid at a revision."""
    return and_(col(table.since) <= revision, col(table.until) > revision)


def has_class_among(detainee: Any, classes: tuple[str, ...], revision: int) -> SqlCondition:
    """Return the condition that today's class of a person is among `classes`.

    The person is the one at the revision; its class is the strictest of today's classes of the records it had then."""
    return exists(
        select(1)
        .select_from(Placement)
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(Placement.detainee) == detainee, valid_at(Placement, revision), col(Record.publish_now).in_(classes))
    )


def can_see_values(reader: Reader, publish: str, name: str, values: Sequence[str]) -> bool:
    """Return whether the reader may see these values of a dimension (or any value, if empty) for people of a class."""
    return all(reader.can_see_trait(publish, name, value) for value in values or (None,))


def visible_to(reader: Reader, detainee: Any, revision: int) -> SqlCondition:
    """Return the condition that the reader may see a person in lists."""
    classes = tuple(publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish))
    return ~has_class_among(detainee, classes, revision) if classes else true()


_EARLIER_CLASSES = "class bits at the last earlier revision read"


def load_class_bits(columns: Columns, revision: int) -> Array:
    """Return by person a bit mask of today's classes of the records that the person had at the revision. Bits follow
    CURRENT_CLASSES."""
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
    placements = columns.rows(table.PLACEMENTS, revision)
    record_classes, people = columns.classes[placements["record"]], placements[table.PERSON_COLUMN]
    bits = np.zeros(columns.key_count, np.uint8)
    for place in range(len(CURRENT_CLASSES)):
        bits[people[np.flatnonzero(record_classes == place)]] |= np.uint8(1 << place)
    return bits


def _refresh_class_bits(columns: Columns, old_bits: Array, changed_people: Collection[int]) -> Array:
    """Return the class bits at the head. `old_bits`: those at an earlier head. `changed_people`: people whose classes
    may have changed."""
    bits = np.zeros(columns.key_count, np.uint8)
    bits[: len(old_bits)] = old_bits
    placements = columns.tables[table.PLACEMENTS.name]
    record, valid_until = placements.column("record"), placements.column(table.UNTIL_COLUMN)
    for person in changed_people:
        classes = {
            int(columns.classes[record[place]])
            for place in placements.places([person])
            if valid_until[place] > columns.head
        }
        bits[person] = sum(1 << place for place in classes)
    return bits


def match_classes(columns: Columns, people: Array, classes: Sequence[str], revision: int) -> Mask:
    """Return whether today's class of each of these people is among `classes`.

    The person is the one at the revision; its class is the strictest of today's classes of the records it had then."""
    bits = sum(1 << CURRENT_CLASSES.index(publish) for publish in classes)
    mask: Mask = (load_class_bits(columns, revision)[people] & bits) != 0
    return mask


def match_hidden_trait(
    columns: Columns, people: Array, reader: Reader, name: str, revision: int, values: Sequence[str] = ()
) -> Mask | None:
    """Return for which people a personal dimension (with one of these values) is hidden from the reader; None if for
    nobody."""
    classes = [publish for publish in CURRENT_CLASSES if not can_see_values(reader, publish, name, values)]
    return match_classes(columns, people, classes, revision) if classes else None


def match_visible(columns: Columns, people: Array, reader: Reader, revision: int) -> Mask:
    """Return which of these people the reader may see in lists."""
    classes = [publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish)]
    return ~match_classes(columns, people, classes, revision)


_RECORD_JOIN = col(Record.key) == col(Placement.record)
_OBJECTION_JOIN = col(ObjectionHiding.record) == col(Placement.record)
_CONSENT_JOIN = col(Consent.record) == col(Placement.record)


def permission_may_have_changed(detainee: Any, since: int, revision: int) -> SqlCondition:
    """Return the condition that a consent, an agreement, an objection or an erasure since a revision may have changed
    what is shown of a person. It may have changed no row."""
    people = select(col(Placement.detainee)).where(valid_at(Placement, revision))
    has_ended = (col(ObjectionHiding.until) > since) & (col(ObjectionHiding.until) < OPEN)
    has_later_erasure = select(col(Head.erased)).scalar_subquery() > since
    changed_people = union_all(
        people.join(Consent, _CONSENT_JOIN).where(col(Consent.key) > since),
        people.join(ObjectionHiding, _OBJECTION_JOIN).where(or_(col(ObjectionHiding.key) > since, has_ended)),
        people.join(Record, _RECORD_JOIN).where(col(Record.redacted), has_later_erasure),
        people.join(ClassHold, col(ClassHold.detainee) == col(Placement.detainee)).where(
            or_(col(ClassHold.since) > since, (col(ClassHold.until) > since) & (col(ClassHold.until) < OPEN))
        ),
    )
    condition: SqlCondition = detainee.in_(changed_people)
    return condition


def find_hidden_by_objection(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """Return the people hidden by an objection at a revision."""
    return set(
        session.scalars(
            _select_people(detainees, revision).join(ObjectionHiding, _OBJECTION_JOIN).where(_is_hiding_valid(revision))
        )
    )


def find_held_classes(session: Session, detainees: Collection[int], revision: int) -> dict[int, str]:
    """Return person → the class that waited for an agreement at a revision."""
    held = select(col(ClassHold.detainee), col(ClassHold.publish)).where(
        col(ClassHold.detainee).in_(detainees), valid_at(ClassHold, revision)
    )
    return dict(session.execute(held).all())


def was_hidden_by_objection(detainee: Any, revision: int) -> SqlCondition:
    """Return the condition that an objection hid a person at a revision."""
    people = select(col(Placement.detainee)).where(valid_at(Placement, revision))
    condition: SqlCondition = detainee.in_(
        people.join(ObjectionHiding, _OBJECTION_JOIN).where(_is_hiding_valid(revision))
    )
    return condition


def find_consented(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """Return the people with a consent recorded by a revision."""
    people = _select_people(detainees, revision).join(Consent, _CONSENT_JOIN).where(col(Consent.key) <= revision)
    return set(session.scalars(people))


def find_first_consented(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """Return the people whose first consent came after a revision.

    Whether it opened a person who was possibly a child is not distinguished: that would disclose hidden births."""
    people = _select_people(detainees, revision).join(Consent, _CONSENT_JOIN).group_by(col(Placement.detainee))
    return set(session.scalars(people.having(func.min(col(Consent.key)) > since)))


def find_erased(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """Return the erased people among these, if anybody was erased since a revision; rows do not have the time of an
    erasure."""
    if session.scalars(select(col(Head.erased))).one() <= since:
        return set()
    return set(
        session.scalars(_select_people(detainees, revision).join(Record, _RECORD_JOIN).where(col(Record.redacted)))
    )


def _is_hiding_valid(revision: int) -> SqlCondition:
    return (col(ObjectionHiding.key) <= revision) & (col(ObjectionHiding.until) > revision)


def _select_people(detainees: Collection[int], revision: int) -> Any:
    return select(col(Placement.detainee)).where(col(Placement.detainee).in_(detainees), valid_at(Placement, revision))


# Built once: building a statement costs more than running it.
_CONTACT_CONSENTS = (
    select(col(Consent.key), col(Consent.record), col(Sealed.disclosures))
    .join(Sealed, col(Sealed.revision) == col(Consent.key))
    .where(col(Consent.record).in_(bindparam("records", expanding=True)))
    .order_by(col(Consent.key))
)


def load_contact_permission(session: Session, records: Collection[int], reader: Reader) -> ContactOut | None:
    """Return the contact permission from the consents for a person's records; None without any, or if the reader may
    not see it.

    It is judged by today, like a publication class: the latest current consent per record, and the strictest of these
    if several people turn out to be one."""
    if not reader.can_see_restricted:
        return None
    ids = session.scalars(select(col(Record.id)).where(col(Record.key).in_(records))).all()
    all_records = {*records, *find_recalled_keys(session, ids)}  # consents for a recalled report remain valid
    latest: dict[int, ContactOut] = {}
    for _key, record, disclosures in session.execute(_CONTACT_CONSENTS, {"records": list(all_records)}):
        values = entries.load_values(disclosures)
        if values.get("contact") is not None:
            latest.pop(record, None)  # so that the newest answer is last
            latest[record] = {
                "allowed": values["contact"],
                "given_by": values["given_by"],
                "given_on": values["given_on"],
            }
    return min(reversed(latest.values()), key=lambda answer: answer["allowed"], default=None)


def rests_on_source(name: str, *, uses_source_rows: bool) -> bool:
    """Return whether a personal dimension of a row depends on the source whose row it is."""
    return uses_source_rows and name in DIMENSIONS and DIMENSIONS[name].origin is ValueOrigin.PLACE


def load_traits(columns: Columns, name: str, revision: int, *, by_source: bool) -> Rows:
    """Return the rows of a personal dimension at a revision."""
    return columns.rows(table.SOURCE_TRAITS if by_source else table.TRAITS, revision, ("name", name))


def match_statements(columns: Columns, rows: Rows, statements: Rows, mask: Mask, *, by_source: bool) -> Mask:
    """Return whether a selected statement concerns a row: its spell, or its spell and source."""
    if not by_source:
        return has_match(columns.key_count, rows["spell"], statements["spell"], mask)
    return has_pair_match(
        columns.key_count, (rows["spell"], rows["source"]), (statements["spell"], statements["source"]), mask
    )


def _match_trait(
    columns: Columns, rows: Rows, name: str, revision: int, values: Sequence[str] | None, *, uses_source_rows: bool
) -> Mask:
    """Return whether a row has a value of a dimension, one of `values` if given."""
    by_source = rests_on_source(name, uses_source_rows=uses_source_rows)
    trait_rows = load_traits(columns, name, revision, by_source=by_source)
    is_requested = (
        np.ones(len(trait_rows), bool)
        if values is None
        else is_any_of(trait_rows["value"], columns.values.find_codes(values))
    )
    # Every statement is read, so that the time does not disclose how many were requested.
    return match_statements(columns, rows, trait_rows, is_requested, by_source=by_source)


def _iter_personal_filters(
    columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, uses_source_rows: bool
) -> Iterator[tuple[str, list[str], Mask]]:
    """Yield `(dimension, requested values, whether each row matches)`; the facility by its slug."""
    for name, values in terms.trait_values().items():
        yield name, values, _match_trait(columns, rows, name, revision, values, uses_source_rows=uses_source_rows)
    for name, values in terms.excluded_values().items():
        has_value = _match_trait(columns, rows, name, revision, None, uses_source_rows=uses_source_rows)
        yield (
            name,
            values,
            has_value & ~_match_trait(columns, rows, name, revision, values, uses_source_rows=uses_source_rows),
        )
    if terms.ages is not None:
        ages = [str(age) for age in terms.ages]
        yield AGE_TRAIT, [], _match_trait(columns, rows, AGE_TRAIT, revision, ages, uses_source_rows=uses_source_rows)


def _lacks_value(
    columns: Columns, rows: Rows, name: str, reader: Reader, revision: int, *, uses_source_rows: bool
) -> Mask:
    """Return whether a row has no value of a dimension among those that are not private."""
    by_source = rests_on_source(name, uses_source_rows=uses_source_rows)
    trait_rows = load_traits(columns, name, revision, by_source=by_source)
    is_private = is_any_of(trait_rows["value"], columns.values.find_codes([*reader.get_private_values(name)]))
    return ~match_statements(columns, rows, trait_rows, ~is_private, by_source=by_source)


def iter_conditions(
    columns: Columns,
    rows: Rows,
    terms: PersonTerms,
    reader: Reader,
    revision: int,
    *,
    uses_source_rows: bool,
    possible: bool = False,
) -> Iterator[Mask]:
    """Yield the conditions of the terms on the person and the detention, except its day.

    `uses_source_rows`: the rows are those of sources, which themselves decide where the person was held. `possible`:
    rows match a personal term also without a value, or with a value that is hidden from the reader."""
    if terms.country is not None:
        yield rows["country"] == columns.codes.find_code(terms.country)
    if terms.designation is not None:
        yield rows["designation"] == columns.codes.find_code(terms.designation)
    for name, values, matching in _iter_personal_filters(
        columns, rows, terms, revision, uses_source_rows=uses_source_rows
    ):
        is_hidden = match_hidden_trait(columns, rows[table.PERSON_COLUMN], reader, name, revision, values)
        if possible:
            matching = matching | _lacks_value(columns, rows, name, reader, revision, uses_source_rows=uses_source_rows)
            yield matching if is_hidden is None else matching | is_hidden
        else:
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
    """Return the rows (matching all terms but the personal ones) whose person's class hides at least one personal term
    from the reader, and that match all others.

    None if no class hides any from the reader. Neither a hidden value nor whether one exists is read."""
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
