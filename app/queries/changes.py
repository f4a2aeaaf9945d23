"""Find the items of a list, their order, and what changed in a list for its reader since a revision.

What the reader could be shown then is compared with what the reader is shown now. So a change of a hidden value is no
change, while consent given or withdrawn is one, as is a decision about two people.

An item that left becomes a tombstone, an id only, if it was listed for everyone then. Tombstones of items that no
longer exist or may no longer be shown do not depend on the terms: otherwise narrower and narrower terms would disclose
what left. Tombstones of items still shown depend on the terms that read nothing personal."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns import table
from app.columns.loader import CHANGED_PEOPLE_QUERY, Columns
from app.columns.rows import NULL, Array, Mask, Places, Rows, flag_keys
from app.columns.store import get_columns
from app.columns.table import ARRESTS, FURTHEST_STAGES, PEOPLE, PERSON_COLUMN, TableSpec
from app.db.engine import split_into_chunks
from app.models import (
    Claim,
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Record,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SpellPersonal,
    Trait,
    Verification,
)
from app.queries import person_records, shapes, visibility
from app.queries.parameters import (
    AFTER_ANY_DAY,
    BEFORE_ANY_DAY,
    DetaineeQuery,
    DetentionQuery,
    Page,
    PageQuery,
    RecordListQuery,
    ReleaseQuery,
    Row,
    fetch_after,
    read_cursor,
    write_cursor,
)
from app.queries.selection import build_selection, load_matching_detentions
from app.queries.shapes import Person, ShapeBuilder
from app.queries.terms import PersonTerms, ReleaseTerms
from app.queries.visibility import SqlCondition, match_visible, valid_at
from app.registry.publication.classes import limit_named_class
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.base import Tombstone
from app.schemas.records import DetaineeShape, ReleaseShape, VerificationOut
from app.vocabulary import Publish

# Terms of releases: in a list of detainees they select people with such a release.
RELEASE_TERMS = ReleaseTerms.model_fields.keys() - PersonTerms.model_fields.keys()

# One in SAMPLE_STEP values is sampled to find the first items; the margin makes a second pass rarely necessary.
SAMPLE_STEP, SAMPLE_MARGIN = 64, 16


@dataclass(frozen=True)
class ListedItems:
    """The items that terms select at a revision: key, person and, if any, day of each.

    `spells`: the rows that personal terms read. `uses_source_rows`: these are one source's own rows. A release or
    detention is one spell and has its row at the same index; a person may have several."""

    key: Array
    person: Array
    day: Array | None
    spells: Rows
    uses_source_rows: bool = False
    lists_people: bool = False

    def match_spells(self, mask: Mask) -> Mask:
        """Return which items have a spell selected by a mask over `spells`."""
        if not self.lists_people:
            return mask
        keys = int(self.key.max(initial=0)) + 1
        people = self.spells[table.PERSON_COLUMN][mask]
        return flag_keys(keys, people[people < keys])[self.key]


# Maps a query and a revision to the items that its terms select then.
ItemFinder = Callable[[ReleaseQuery | DetentionQuery | DetaineeQuery, int], ListedItems]


def find_counted_items(
    session: Session, query: ReleaseQuery | DetentionQuery, reader: Reader, revision: int
) -> ListedItems:
    """Return the items that a count with the same terms counts."""
    selection = build_selection(session, query, reader, revision)
    rows = selection.rows.where(selection.is_inside)
    return ListedItems(rows["spell"], rows[table.PERSON_COLUMN], rows["lo"], rows, selection.uses_source_rows)


def find_detention_items(session: Session, query: DetentionQuery, reader: Reader, revision: int) -> ListedItems:
    """Return spells in custody at any time."""
    rows = load_matching_detentions(session, query, reader, revision)
    return ListedItems(rows["spell"], rows[table.PERSON_COLUMN], rows["detained_lo"], rows)


def find_person_items(session: Session, query: DetaineeQuery, reader: Reader, revision: int) -> ListedItems:
    """Return people. Terms of detentions select people with a detention that matches all of them; terms of releases
    select people with such a release."""
    columns = get_columns(session)
    keys = columns.rows(table.PEOPLE, revision)[table.PERSON_COLUMN]
    spells = load_matching_detentions(session, query, reader, revision)
    if query.id:
        requested_keys = session.scalars(
            select_rows(col(Record.key)).where(col(Record.detainee_id).in_(query.id))
        ).all()
        keys = keys[np.isin(keys, requested_keys)]
    if any(getattr(query, name) not in (None, []) for name in PersonTerms.model_fields):
        keys = keys[flag_keys(columns.key_count, spells[table.PERSON_COLUMN])[keys]]
    if query.model_fields_set & RELEASE_TERMS:
        selection = build_selection(session, query, reader, revision)
        keys = keys[flag_keys(columns.key_count, selection.person[selection.is_inside])[keys]]
    return ListedItems(keys, keys, None, spells, lists_people=True)


@dataclass(frozen=True)
class ArrayOrder:
    """An order of items: columns, each with whether it is descending; the last one is a key."""

    columns: Sequence[tuple[Array, bool]]

    def find_after(self, position: Sequence[int] | None, limit: int) -> list[tuple[int, list[int]]]:
        """Return at most `limit` items after a position: the index and position of each."""
        # Integers as wide as the columns, because the arrays cover all items.
        values = [-column if is_descending else column for column, is_descending in self.columns]
        places: Places | None = None
        if position is not None:
            bounds = [
                -number if is_descending else number
                for number, (_column, is_descending) in zip(position, self.columns, strict=True)
            ]
            places = np.flatnonzero(_is_after(values, bounds))
        first = values[0] if places is None else values[0][places]
        if len(first) > limit:
            with_ties = np.flatnonzero(first <= _find_nth_value(first, limit))
            places = with_ties if places is None else places[with_ties]
        elif places is None:
            places = np.arange(len(first))
        in_order: Places = places[np.lexsort([value[places] for value in reversed(values)])][:limit]
        positions = zip(*(column[in_order].tolist() for column, _is_descending in self.columns), strict=True)
        return [(place, [*numbers]) for place, numbers in zip(in_order.tolist(), positions, strict=True)]


def _find_nth_value(values: Array, rank: int) -> int:
    """Return the value at a rank in ascending order. For large arrays a sample excludes most values before
    partitioning."""
    sample = values[::SAMPLE_STEP]
    sample_rank = rank // SAMPLE_STEP * 4 + SAMPLE_MARGIN
    if len(sample) > sample_rank:
        low = values[values <= np.partition(sample, sample_rank)[sample_rank]]
        values = low if len(low) > rank else values
    return int(np.partition(values, rank)[rank])


def _is_after(values: Sequence[Array], bounds: Sequence[int]) -> Mask:
    """Return which rows come after a position, compared lexicographically."""
    is_after, is_equal = np.zeros(len(values[0]), bool), np.ones(len(values[0]), bool)
    for value, number in zip(values, bounds, strict=True):
        is_after |= is_equal & (value > number)
        is_equal &= value == number
    return is_after


def build_order(items: ListedItems, sort: str | None) -> list[tuple[Array, bool]]:
    """Return the order by key, or by day and then key; items without a day are last in either direction."""
    is_descending = sort is not None and sort.startswith("-")
    by_key = [(items.key, is_descending)]
    if sort is None or sort.removeprefix("-") == "recorded" or items.day is None:
        return by_key
    undated_value = BEFORE_ANY_DAY if is_descending else AFTER_ANY_DAY
    return [(np.where(items.day == NULL, undated_value, items.day), is_descending), *by_key]


# Maps a position (None: the start) and a limit to the rows after it, each with its own position.
RowFetcher = Callable[[Sequence[int] | None, int], list[tuple[Any, list[int]]]]

# Aliases, since the list itself may read any of these tables; created once, because that is slower than running a
# statement.
_SPELL_ALIASES: tuple[Any, ...] = tuple(
    aliased(table)
    for table in (
        Release,
        Detention,
        Verification,
        SpellPersonal,
        ReleaseAtStage,
        SourceRelease,
        DetentionState,
        SourceDetention,
        Trait,
        Placement,
    )
)
_PERSON_ALIASES: tuple[Any, ...] = (aliased(Detainee), aliased(DetaineePersonal))
_KEY_COLUMNS: dict[str, tuple[Any, str]] = {
    "release": (Release, "spell"),
    "detention": (Detention, "spell"),
    "detainee": (Detainee, "detainee"),
}
_KIND_ALIASES: dict[str, Any] = {kind: aliased(table) for kind, (table, _key_column) in _KEY_COLUMNS.items()}
_COLUMN_TABLES: dict[str, TableSpec] = {"release": FURTHEST_STAGES, "detention": ARRESTS, "detainee": PEOPLE}
_EARLIER_PERSON: Any = aliased(Detainee)
_EARLIER_CLAIM: Any = aliased(Claim)
_CURRENT_CLAIM: Any = aliased(Claim)
ROW_LISTED, ROW_GONE = 0, 1  # the first number of a cursor: the kind of row at its position


def build_change_page(
    list_name: str,
    width: int,
    fetch_changed: RowFetcher,
    show_changed: Callable[[list[Any]], Sequence[Row | None]],
    fetch_gone: RowFetcher,
    query: PageQuery,
    revision: int,
) -> Page[Row]:
    """Return a page of what changed, followed by what left.

    `list_name`: the list and its order. `fetch_changed`: fetches candidates, with positions of `width` numbers.
    `show_changed`: builds the shapes of these rows, None for a row without a change. `fetch_gone`: fetches key and id
    of items that left, by key."""
    list_name = f"changes of {list_name}"
    position = read_cursor(query.cursor, list_name, 1 + width) or [ROW_LISTED]
    rows: list[Row] = []
    tombstones: list[Tombstone] = []
    positions: list[list[int]] = []
    needed = query.limit + 1
    last_position: Sequence[int] | None = position[1:] or None
    while position[0] == ROW_LISTED and len(rows) < needed:
        batch = fetch_changed(last_position, needed)
        for row, (_key, row_position) in zip(show_changed([row for row, _place in batch]), batch, strict=True):
            if row is not None:
                rows.append(row)
                positions.append([ROW_LISTED, *row_position])
        if len(batch) < needed:
            break
        last_position = batch[-1][1]
    if len(rows) < needed:
        gone_position = position[1:2] if position[0] == ROW_GONE else None
        fill = [0] * (width - 1)
        for (_key, item_id, *_position), (number,) in fetch_gone(gone_position, needed - len(rows)):
            tombstones.append({"id": item_id, "revision": revision, "gone": True})
            positions.append([ROW_GONE, number, *fill])
    cursor = write_cursor(list_name, positions[query.limit - 1]) if len(positions) > query.limit else None
    return Page(rows[: query.limit], cursor, tombstones=tombstones[: query.limit - len(rows)])


def find_changed_people(session: Session, columns: Columns, since: int) -> Mask:
    """Return by person whether entries after a revision changed any row or the permission to see it; may include
    others."""
    changed_keys = session.scalars(CHANGED_PEOPLE_QUERY, {"after": since})
    # People filed after the columns were read are not in them.
    return flag_keys(columns.key_count, np.array([key for key in changed_keys if key < columns.key_count], int))


def _select_changed_keys(
    kind: TargetKind, keys: Collection[int], since: int, revision: int
) -> Select[*tuple[Any, ...]]:
    """Select the keys of items with a row or permission changed after a revision."""
    table, key = _KIND_ALIASES[kind], _key_column(kind)
    return select(key).where(
        key.in_(keys), valid_at(table, revision), _row_may_have_changed(kind, key, table.detainee, since, revision)
    )


def _row_may_have_changed(kind: TargetKind, key: Any, detainee: Any, since: int, revision: int) -> SqlCondition:
    """Return whether any row of an item or its person began or ended after a revision, or the permission to see it
    changed."""

    def has_changed_row(table: Any, belongs: SqlCondition) -> SqlCondition:
        began_after = and_(table.since > since, table.since <= revision)
        ended_after = and_(table.until > since, table.until <= revision)
        return exists(select(1).where(belongs, or_(began_after, ended_after)))

    conditions = [has_changed_row(table, table.detainee == detainee) for table in _PERSON_ALIASES]
    conditions.append(visibility.permission_may_have_changed(detainee, since, revision))
    if kind == "detainee":
        return or_(*conditions, *(has_changed_row(table, table.detainee == key) for table in _SPELL_ALIASES))
    return or_(*conditions, *(has_changed_row(table, table.spell == key) for table in _SPELL_ALIASES))


def build_change_filter(
    session: Session,
    kind: TargetKind,
    build_shape: ShapeBuilder[Row],
    find_items: ItemFinder,
    query: RecordListQuery,
    reader: Reader,
    since: int,
    revision: int,
) -> Callable[[list[Any]], list[Row | None]]:
    """Return a function that builds the shapes of `(key, person)` rows, with None for items that were listed
    identically at `since`."""
    earlier_items = find_items(query, since)
    earlier_keys = set(earlier_items.key.tolist())
    column = getattr(_KIND_ALIASES[kind], _KEY_COLUMNS[kind][1])

    def show_changed(rows: list[Any]) -> list[Row | None]:
        keys = [row[0] for row in rows]
        changed_keys = set(session.scalars(_select_changed_keys(kind, keys, since, revision)))
        listed_earlier = earlier_keys.intersection(keys)
        owners_query = select(column, _KIND_ALIASES[kind].detainee).where(
            column.in_(listed_earlier), valid_at(_KIND_ALIASES[kind], since)
        )
        earlier_owners = dict(map(tuple, session.execute(owners_query))) if listed_earlier else {}
        earlier_people = person_records.load_people(session, set(earlier_owners.values()), since)
        current_people = person_records.load_people(session, {row[1] for row in rows}, revision)
        consented_people = visibility.find_consented(session, earlier_people.keys(), since)
        hidden_people = visibility.find_hidden_by_objection(session, earlier_people.keys(), since)
        changed_people = visibility.find_first_consented(session, current_people.keys(), since, revision)
        changed_people |= visibility.find_erased(session, current_people.keys(), since, revision)

        def is_unchanged(key: int, person: Person) -> bool:
            earlier_person = earlier_people.get(earlier_owners.get(key, 0))
            if key not in changed_keys:
                return True
            if earlier_person is None or person.detainee["detainee"] in changed_people:
                return False
            class_by_consent = limit_named_class(
                earlier_person.detainee["publish"], earlier_person.detainee["detainee"] in consented_people
            )
            earlier_class = (
                Publish.COUNTED if earlier_person.detainee["detainee"] in hidden_people else class_by_consent
            )
            earlier_person = replace(earlier_person, publish=earlier_class)  # shown then according to the class of then
            return reader.can_see_person(earlier_person.publish) and _collect_visible(
                kind, earlier_person, key, reader
            ) == _collect_visible(kind, person, key, reader)

        return [
            None
            if is_unchanged(row[0], current_people[row[1]])
            else build_shape(current_people[row[1]], row[0], reader)
            for row in rows
        ]

    return show_changed


def _collect_visible(
    kind: TargetKind, person: Person, key: int, reader: Reader
) -> tuple[DetaineeShape, list[ReleaseShape], list[list[VerificationOut]]]:
    """Return everything that the reader can see of an item and its person."""
    detainee_shape = shapes.build_detainee_shape(person, reader)
    spells = [*person.detentions]
    if kind != "detainee":
        spells = [key]
        detainee_shape["detentions"] = [shapes.build_detention_shape(person, key, reader)]
    releases = [shapes.build_release_shape(person, spell, reader) for spell in spells if spell in person.releases]
    verdicts = [
        person_records.build_verification_shapes(person, spell, object_kind, reader)
        for spell in spells
        for object_kind in ("detention", "release")
    ]
    return detainee_shape, releases, verdicts


def build_gone_fetcher(
    session: Session,
    kind: TargetKind,
    find_items: ItemFinder,
    query: RecordListQuery,
    reader: Reader,
    since: int,
    revision: int,
    changed_people: Mask,
) -> RowFetcher:
    """Return a fetcher of key and id of items that left a list of records. `changed_people`: people who may have
    changed."""
    columns, column_table = get_columns(session), _COLUMN_TABLES[kind]
    name = _KEY_COLUMNS[kind][1]
    current_rows, earlier_rows = columns.rows(column_table, revision), columns.rows(column_table, since)
    visible_keys = current_rows[name][match_visible(columns, current_rows[PERSON_COLUMN], reader, revision)]
    public_query = query.drop_personal()
    no_longer_matching = flag_keys(columns.key_count, find_items(public_query, since).key) & ~flag_keys(
        columns.key_count, find_items(public_query, revision).key
    )
    is_gone = ~flag_keys(columns.key_count, visible_keys)[earlier_rows[name]] | no_longer_matching[earlier_rows[name]]
    keys = np.sort(
        earlier_rows[name][
            is_gone & changed_people[earlier_rows[PERSON_COLUMN]] if not reader.can_see_restricted else is_gone
        ]
    )

    def fetch_gone(position: Sequence[int] | None, limit: int) -> list[tuple[Any, list[int]]]:
        remaining = keys[keys > position[0]] if position else keys
        rows: list[tuple[Any, list[int]]] = []
        for chunk in split_into_chunks(remaining.tolist()):
            rows += fetch_after(
                session, _select_gone(kind, chunk, reader, since, revision), [(_key_column(kind), False)], None, limit
            )
            if len(rows) >= limit:
                break
        return rows[:limit]

    return fetch_gone


def _key_column(kind: TargetKind) -> Any:
    return getattr(_KIND_ALIASES[kind], _KEY_COLUMNS[kind][1])


def _select_gone(
    kind: TargetKind, keys: Collection[int], reader: Reader, since: int, revision: int
) -> Select[*tuple[Any, ...]]:
    """Select key and id of items that the reader may know to have left: those listed for everyone then."""
    kind_alias, key = _KIND_ALIASES[kind], _key_column(kind)
    statement = (
        select(key, getattr(Record, f"{kind}_id"))
        .join(Record, col(Record.key) == key)
        .where(valid_at(kind_alias, since), key.in_(keys))
    )
    if reader.can_see_restricted:
        return statement
    person = _EARLIER_PERSON
    was_hidden = exists(
        select(1).where(
            person.detainee == kind_alias.detainee, valid_at(person, since), person.publish == Publish.COUNTED.value
        )
    )
    # A person hidden as a possible child was already hidden then, unless a report has changed since.
    may_have_changed = _row_may_have_changed(kind, key, kind_alias.detainee, since, revision)
    return statement.where(
        ~was_hidden, ~visibility.was_hidden_by_objection(kind_alias.detainee, since), may_have_changed
    )


def build_gone_claims_fetcher(
    session: Session, match_terms: Callable[[Any], list[SqlCondition]], since: int, revision: int
) -> RowFetcher:
    """Return a fetcher of key and id of the claims that matched the terms and no longer do."""
    earlier, current = _EARLIER_CLAIM, _CURRENT_CLAIM
    still_matches = exists(
        select(1).where(current.key == earlier.key, valid_at(current, revision), *match_terms(current))
    )
    statement = select(earlier.key, earlier.id).where(valid_at(earlier, since), *match_terms(earlier), ~still_matches)
    return lambda position, limit: fetch_after(session, statement, [(earlier.key, False)], position, limit)
