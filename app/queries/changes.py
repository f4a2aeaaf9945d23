"""Find the items of a list, their order, and what changed in a list for its reader since a revision.

What the reader could be shown then is compared with what the reader is shown now. So a change of a hidden value is no
change, while consent given or withdrawn is one, as is a decision about two people.

An item that left becomes a tombstone, an id only, if it was listed for everyone then. Tombstones of items that no
longer exist or may no longer be shown do not depend on the terms: otherwise narrower and narrower terms would disclose
what left. Tombstones of items still shown depend on the terms that read nothing personal."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns.loader import CHANGED_PEOPLE_QUERY, Columns
from app.columns.rows import Mask, flag_keys
from app.columns.store import get_columns
from app.columns.table import PERSON_COLUMN
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
from app.queries import person_records, shapes
from app.queries.listing import RECORD_TABLES, ItemFinder
from app.queries.parameters import (
    UNTOLD_CAVEATS,
    Page,
    PageQuery,
    RecordListQuery,
    Row,
    fetch_after,
    read_cursor,
    write_cursor,
)
from app.queries.rows import build_rows
from app.queries.selection import visibility
from app.queries.selection.visibility import SqlCondition, match_visible, valid_at
from app.queries.shapes import Person
from app.registry.publication.classes import find_strictest_class, limit_named_class
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.base import Tombstone
from app.schemas.records import DetaineeShape, ReleaseShape, VerificationShape
from app.vocabulary import Publish

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
    `show_changed`: builds these rows, None for a row without a change. `fetch_gone`: fetches key and id
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
    kept_tombstones = tombstones[: query.limit - len(rows)]
    return Page(rows[: query.limit], cursor, tombstones=kept_tombstones, build_caveats=lambda: UNTOLD_CAVEATS)


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
    find_items: ItemFinder,
    query: RecordListQuery,
    reader: Reader,
    since: int,
    revision: int,
    *,
    include_detainee: bool,
) -> Callable[[list[Any]], list[Any]]:
    """Return a function that builds the rows of `(key, person)` items, with None for items that were listed
    identically at `since`."""
    earlier_items = find_items(query, since)
    earlier_keys = set(earlier_items.key.tolist())
    column = getattr(_KIND_ALIASES[kind], _KEY_COLUMNS[kind][1])

    def show_changed(rows: list[Any]) -> list[Any]:
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
        held_classes = visibility.find_held_classes(session, earlier_people.keys(), since)
        changed_people = visibility.find_first_consented(session, current_people.keys(), since, revision)
        changed_people |= visibility.find_erased(session, current_people.keys(), since, revision)

        def is_shown_alike(key: int, person: Person) -> bool:
            earlier_person = earlier_people.get(earlier_owners.get(key, 0))
            if earlier_person is None or person.detainee["detainee"] in changed_people:
                return False
            detainee = earlier_person.detainee["detainee"]
            class_by_consent = limit_named_class(earlier_person.detainee["publish"], detainee in consented_people)
            earlier_class = Publish.COUNTED.value if detainee in hidden_people else class_by_consent
            earlier_class = find_strictest_class([earlier_class, held_classes.get(detainee, earlier_class)])
            earlier_person = replace(earlier_person, publish=earlier_class)  # shown then according to the class of then
            return reader.can_see_person(earlier_person.publish) and _collect_visible(
                kind, earlier_person, key, reader
            ) == _collect_visible(kind, person, key, reader)

        candidates = [(key, person) for key, person in rows if key in changed_keys]
        built_rows = build_rows(
            session, current_people, candidates, kind, reader, revision, include_detainee=include_detainee
        )
        changed = {
            key: row
            for (key, person), row in zip(candidates, built_rows, strict=True)
            # What changed and changed back is shown alike, but its row has a newer `revision`.
            if row["revision"] > since or not is_shown_alike(key, current_people[person])
        }
        return [changed.get(key) for key, _person in rows]

    return show_changed


def _collect_visible(
    kind: TargetKind, person: Person, key: int, reader: Reader
) -> tuple[DetaineeShape, list[ReleaseShape], list[list[VerificationShape]]]:
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
    columns, (record_table, name) = get_columns(session), RECORD_TABLES[kind]
    current_rows, earlier_rows = columns.rows(record_table, revision), columns.rows(record_table, since)
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
