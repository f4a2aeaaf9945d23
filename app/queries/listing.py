"""Find the items of a list at a revision, and put them in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlmodel import Session

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NULL, Array, Mask, Places, Rows, flag_keys
from app.columns.store import get_columns
from app.columns.table import TableSpec
from app.db.engine import require_time
from app.queries.parameters import (
    AFTER_ANY_DAY,
    BEFORE_ANY_DAY,
    DetaineeQuery,
    RecordListQuery,
)
from app.queries.selection import visibility
from app.queries.selection.build import build_selection
from app.queries.selection.windows import match_window
from app.queries.term_names import resolve_places
from app.queries.terms import PersonTerms, ReleaseTerms, SourcedTerms
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind

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
ItemFinder = Callable[[RecordListQuery, int], ListedItems]


def find_counted_items(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> ListedItems:
    """Return the items that a count with the same terms counts."""
    selection = build_selection(session, terms, reader, revision)
    rows = selection.rows.where(selection.match_listed(terms))
    day, _last_day = selection.day_columns
    return ListedItems(rows["spell"], rows[table.PERSON_COLUMN], rows[day], rows, selection.uses_source_rows)


# The table with a row for each record of a kind, and its column with the key of the record.
RECORD_TABLES: dict[str, tuple[TableSpec, str]] = {
    "release": (table.FURTHEST_STAGES, "spell"),
    "detention": (table.ARRESTS, "spell"),
    "detainee": (table.PEOPLE, table.PERSON_COLUMN),
}


def match_recorded(columns: Columns, items: ListedItems, kind: TargetKind, revision: int) -> Mask:
    """Return which items have a combined record. A source's own row under review may have none (rule 21)."""
    record_table, column = RECORD_TABLES[kind]
    return flag_keys(columns.key_count, columns.rows(record_table, revision)[column])[items.key]


def find_person_items(session: Session, query: DetaineeQuery, reader: Reader, revision: int) -> ListedItems:
    """Return people. Terms of detentions select people with a detention that matches all of them; terms of releases
    select people with such a release."""
    columns = get_columns(session)
    keys = columns.rows(table.PEOPLE, revision)[table.PERSON_COLUMN]
    spells = _load_matching_detentions(session, query, reader, revision)
    if any(getattr(query, name) not in (None, []) for name in PersonTerms.model_fields):
        keys = keys[flag_keys(columns.key_count, spells[table.PERSON_COLUMN])[keys]]
    if query.model_fields_set & RELEASE_TERMS:
        selection = build_selection(session, query, reader, revision)
        keys = keys[flag_keys(columns.key_count, selection.person[selection.match_listed(query)])[keys]]
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
    if sort is None or sort.removeprefix("-") == "added" or items.day is None:
        return by_key
    undated_value = BEFORE_ANY_DAY if is_descending else AFTER_ANY_DAY
    return [(np.where(items.day == NULL, undated_value, items.day), is_descending), *by_key]


def _load_matching_detentions(session: Session, terms: PersonTerms, reader: Reader, revision: int) -> Rows:
    """Return the detentions of any time that match all terms on the person and the detention. Raises like
    `build_selection`."""
    terms = resolve_places(session, terms, revision)
    columns = get_columns(session)
    rows = columns.rows(table.ARRESTS, revision)
    mask = match_window(rows["detained_lo"], rows["detained_hi"], terms.arrest_window).is_inside
    for condition in visibility.iter_conditions(columns, rows, terms, reader, revision, uses_source_rows=False):
        mask &= condition
    require_time(session.connection())
    return rows.where(mask)
