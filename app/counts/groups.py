"""Group the rows of a count: cells, buckets of days, and the addresses of the lists behind the groups.

Buckets are days, ISO weeks and months of ordinals (ordinal 1 is Monday, 1 January of year 1). Months follow H. Hinnant,
"chrono-compatible low-level date algorithms" (days_from_civil), in whole numbers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from math import prod

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import (
    NO_PLACE,
    NULL,
    Array,
    Cells,
    Mask,
    Places,
    count_cells,
    flag_keys,
    number_pairs,
    outer_join,
)
from app.columns.table import NULL_CODE
from app.dates import parse_window_end, parse_window_start
from app.errors import Invalid
from app.log.entries import Pin
from app.queries import addresses
from app.queries.addresses import EchoedTerms
from app.queries.countables import Countable, get_countable
from app.queries.dimensions import DIMENSIONS, SOURCE_COUNT, DayUnit, Dimension, DimensionValue, find_grouped_event
from app.queries.selection import visibility
from app.queries.selection.build import Selection
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.selection.visibility import match_hidden_trait
from app.queries.selection.windows import DAYS_PER_WEEK, MONTHS_PER_YEAR, compute_bucket_numbers
from app.queries.terms import SourcedTerms, parse_window
from app.registry.publication.permissions import Reader
from app.schemas.base import Links
from app.translations import Message
from app.vocabulary import CODE_LISTS, ReleaseStatus


def format_bucket(number: int, unit: DayUnit) -> str | None:
    """Format a bucket as `2026-01-12`, `2026-W03` or `2026-01`; None for NULL."""
    if number == NULL:
        return None
    if unit == "day":
        return date.fromordinal(number).isoformat()
    if unit == "week":
        year, week, _day = date.fromordinal(number * DAYS_PER_WEEK + 1).isocalendar()
        return f"{year:04}-W{week:02}"
    year, month = _to_civil(number)
    return f"{year:04}-{month:02}"


def parse_bucket(text: str, unit: DayUnit) -> tuple[str, str]:
    """Return the first and last day of a bucket, as partial dates for a window."""
    if unit == "week":
        year, week = text.split("-W")
        return tuple(date.fromisocalendar(int(year), int(week), day).isoformat() for day in (1, 7))  # type: ignore[return-value]
    return text, text


def _to_civil(number: int) -> tuple[int, int]:
    year, from_march = divmod(number, MONTHS_PER_YEAR)
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year + (month <= 2), month


# Enough for a year by days, statuses and ten sources (about 10 MB).
MAX_CELLS = 20_000
TOO_MANY_CELLS = Message(
    "These groups would have more than {highest} cells: group by less, by weeks or months, or ask for fewer days.",
    highest=MAX_CELLS,
)
MIN_DAYS_PER_UNIT = {"day": 1, "week": 7, "month": 28}  # minimum length, to bound the number of buckets


def refuse_too_many_cells(terms: SourcedTerms, names: list[str]) -> None:
    """Raise Invalid if the terms alone imply too many cells, before anything is counted."""
    if prod(_count_values(DIMENSIONS[name], terms) for name in names) > MAX_CELLS:
        raise build_too_many_cells_error()


def build_too_many_cells_error() -> Invalid:
    return Invalid.at_pointer("/group_by", "too_many_groups", TOO_MANY_CELLS)


def _count_values(dimension: Dimension, terms: SourcedTerms) -> int:
    """Return how many values of a dimension the terms allow; 1 if only the data can tell."""
    if dimension.unit is not None:
        event = find_grouped_event(terms.noun, getattr(terms, "stage", None))
        first, last = parse_window(getattr(terms, f"{event}_from"), getattr(terms, f"{event}_to"))
        return 1 if first is None or last is None else max(1, (last - first) // MIN_DAYS_PER_UNIT[dimension.unit] + 1)
    requested = getattr(terms, dimension.name, None)
    if requested:
        return len(requested) if isinstance(requested, list) else 1
    return 1 if dimension.code_list is None else len(CODE_LISTS[dimension.code_list])


WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING_DIMENSIONS = frozenset(
    name for name, dimension in DIMENSIONS.items() if dimension.is_personal and dimension.is_multivalued
)

# Maps values of dimensions to the terms that narrow a list to them; None if no filter can.
Narrowing = Callable[..., EchoedTerms | None]


class ListAddresses:
    """The addresses of the lists behind the groups of one count.

    A count may have thousands of groups that share values, so the parameters of each value are computed once."""

    def __init__(self, countable: Countable, echoed_terms: EchoedTerms, names: Sequence[str], as_of: Pin) -> None:
        """`echoed_terms`: the terms of the count. `names`: its dimensions; empty for the list behind the total."""
        self._path, self._echoed_terms = countable.list_path, echoed_terms
        self._terms = {name: value for name, value in echoed_terms.items() if name != "group_by"}
        # A source's group counts in first place what the source verifies.
        self._terms.setdefault(
            "status", [ReleaseStatus.VERIFIED.value] if "source" in names else list(COUNTABLE_STATUSES)
        )
        self._event = find_grouped_event(countable.noun, echoed_terms.get("stage"))
        self._parameters = _encode_terms(self._terms)
        self._pin_parameters = [addresses.encode_term(*pair) for pair in addresses.build_pin_terms(as_of)]
        # In a net count the end of a bucket would become the day by which a re-arrest counts.
        self._has_no_lists = bool(echoed_terms.get("net")) and any(DIMENSIONS[name].unit is not None for name in names)
        self._narrowings = [
            (cache(partial(_encode_narrowing, narrowing)), places)
            for narrowing, places in self._build_narrowings(names)
        ]

    def build_address(self, values: Sequence[DimensionValue]) -> str | None:
        """Return the address of the list behind a group with these values; None if no filter can express it."""
        if self._has_no_lists:
            return None
        parameters = {**self._parameters}
        for narrow, places in self._narrowings:
            added = narrow(*(values[place] for place in places))
            if added is None:
                return None
            parameters.update(added)
        return addresses.join_query_url(self._path, [*parameters.values(), *self._pin_parameters])

    def _build_narrowings(self, names: Sequence[str]) -> list[tuple[Narrowing, list[int]]]:
        """Return the narrowings in the order of their terms, each with the positions of its values.

        There is one per dimension, and one for all dimensions on the days of the event."""
        narrowings: list[tuple[Narrowing, list[int]]] = [
            (partial(self._narrow_to_value, name), [place])
            for place, name in enumerate(names)
            if DIMENSIONS[name].unit is None
        ]
        day_places = [place for place, name in enumerate(names) if DIMENSIONS[name].unit is not None]
        if day_places:
            narrowings.append((partial(self._narrow_to_days, [names[place] for place in day_places]), day_places))
        return narrowings

    def _narrow_to_value(self, name: str, value: DimensionValue) -> EchoedTerms | None:
        """Return None if the value is missing or withheld, or if the terms already filter a multi-valued dimension by
        other values."""
        if value in (None, WITHHELD):
            return None
        if (
            name in OVERLAPPING_DIMENSIONS
            and name in self._echoed_terms
            and value not in addresses.list_values(self._echoed_terms[name])
        ):
            return None
        if name == SOURCE_COUNT:
            minimum: EchoedTerms = {"min_sources": str(value)} if value else {}
            return {**minimum, "max_sources": str(value)}
        return {name: [str(value)] if DIMENSIONS[name].accepts_list else str(value)}

    def _narrow_to_days(self, names: Sequence[str], *texts: str | None) -> EchoedTerms | None:
        """Return the intersection of the buckets and the window of the terms."""
        opens, closes = f"{self._event}_from", f"{self._event}_to"
        narrowed_terms = self._terms
        for name, text in zip(names, texts, strict=True):
            unit = DIMENSIONS[name].unit
            if text is None or unit is None:
                return None
            first, last = parse_bucket(text, unit)
            narrowed_terms = {
                **narrowed_terms,
                opens: max(str(narrowed_terms.get(opens, first)), first, key=parse_window_start),
                closes: min(str(narrowed_terms.get(closes, last)), last, key=parse_window_end),
            }
        return {name: narrowed_terms[name] for name in (opens, closes)}


def build_links(path: str, parameters: EchoedTerms, terms: SourcedTerms, as_of: Pin) -> Links:
    """Return the links of an answer that has no short address: it is cited by its permalink, relative here.

    `parameters`: of the permalink. `terms`: of the list behind the answer."""
    permalink = addresses.build_query_url(path, parameters, as_of)
    lists = ListAddresses(get_countable(terms), addresses.echo_terms(terms), (), as_of)
    return {"permalink": permalink, "cite": permalink, "list": lists.build_address(())}


def _encode_terms(terms: EchoedTerms) -> dict[str, str]:
    return {name: addresses.encode_term(name, value) for name, value in terms.items()}


def _encode_narrowing(narrowing: Narrowing, *values: DimensionValue) -> dict[str, str] | None:
    terms = narrowing(*values)
    return None if terms is None else _encode_terms(terms)


# Stands for a value that the reader may not see, among the codes of texts.
HIDDEN_VALUE = -1

GroupKey = tuple[DimensionValue, ...]


@dataclass(frozen=True)
class GroupedRows:
    """The rows of a selection in groups.

    A row is a member of several groups if a dimension has several values. `place`: the row of each member, None if
    every row is one member. `group`: the group of each member."""

    selection: Selection
    names: Sequence[str]
    place: Places | None
    group: Cells

    def count_rows(self, mask: Mask, *extra_columns: Array) -> dict[tuple[int, ...], int]:
        """Return a dict of `(group, *extra values)` → number of rows that match a mask.

        `extra_columns`: further columns of the selection. Raise Invalid for more than MAX_CELLS cells."""
        member_cells = count_cells(self._select_members(mask, *extra_columns))
        if len(member_cells) > MAX_CELLS:
            raise build_too_many_cells_error()
        values = (column.tolist() for column in (*member_cells.values, member_cells.sizes()))
        return {cell[:-1]: cell[-1] for cell in zip(*values, strict=True)}

    def _select_members(self, mask: Mask, *extra_columns: Array) -> list[Array]:
        """Return the group of each member whose row matches, followed by columns of the selection."""
        if self.place is not None:
            mask, extra_columns = mask[self.place], tuple(column[self.place] for column in extra_columns)
        columns = [self.group.cell_numbers, *extra_columns]
        return columns if mask.all() else [column[np.flatnonzero(mask)] for column in columns]

    def count_people(self, mask: Mask) -> dict[int, int]:
        """Return a dict of group → number of distinct people in the matching rows."""
        group, person = self._select_members(mask, self.selection.person)
        # A person with one spell occurs once in a group, so only people with several need deduplication.
        keys, groups = self.selection.columns.key_count, len(self.group)
        repeated = np.flatnonzero(_find_repeat_detainees(self.selection.columns)[person])
        number = np.bincount(group, minlength=groups) - np.bincount(group[repeated], minlength=groups)
        unique_pairs = _sort_unique(group[repeated] * keys + person[repeated])
        number += np.bincount(unique_pairs // keys, minlength=groups)
        return {group_number: count for group_number, count in enumerate(number.tolist()) if count}

    def format_keys(self, slugs: Mapping[int, str]) -> list[GroupKey]:
        """Return the values of the dimensions of each group, as in responses. `slugs`: by key of the source."""
        columns = []
        for name, values in zip(self.names, self.group.values, strict=True):
            numbers = values.tolist()
            formatted = {
                value: _format_dimension_value(self.selection.columns, name, value, slugs) for value in set(numbers)
            }
            columns.append([formatted[value] for value in numbers])
        return [*zip(*columns, strict=True)]


def build_groups(selection: Selection, names: Sequence[str], reader: Reader) -> GroupedRows:
    """Group the rows of a selection that are inside or uncertain."""
    selection = selection.where(selection.is_inside | selection.is_uncertain)
    place: Places | None = None
    columns: list[Array] = []
    for name in names:
        if DIMENSIONS[name].is_personal:
            row_places, values = _read_trait_values(selection, place, name, reader)
            if len(row_places) > len(selection.rows if place is None else place):  # a row has several values
                place, columns = (
                    row_places if place is None else place[row_places],
                    [column[row_places] for column in columns],
                )
            columns.append(values)
        else:
            column = _read_column(selection, name)
            columns.append(column if place is None else column[place])
    return GroupedRows(selection, names, place, count_cells(columns))


def _read_column(selection: Selection, name: str) -> Array:
    """Return the values of a dimension that is not personal, one per row."""
    unit, rows = DIMENSIONS[name].unit, selection.rows
    if unit is not None:
        first, last = selection.day_columns
        return compute_bucket_numbers(rows[first], rows[last], unit)
    consolidated_names = {"status": "status", SOURCE_COUNT: "independent_verified"}
    if name in consolidated_names:
        return selection.consolidated_rows[consolidated_names[name]]
    return rows["kind" if name == "release_kind" else name]


def _read_trait_values(selection: Selection, place: Places | None, name: str, reader: Reader) -> tuple[Places, Array]:
    """Return the row (by position) and the code of each value of a personal dimension.

    A row whose value the reader may not see yields one HIDDEN_VALUE; a row without a value yields one NULL_CODE."""
    columns, revision = selection.columns, selection.revision
    rows = selection.rows if place is None else selection.rows.take(place)
    by_source = visibility.rests_on_source(name, uses_source_rows=selection.uses_source_rows)
    trait_rows = visibility.load_traits(columns, name, revision, by_source=by_source)
    is_hidden = match_hidden_trait(columns, rows[table.PERSON_COLUMN], reader, name, revision)
    row_keys, trait_keys = rows["spell"], trait_rows["spell"]
    if by_source:
        row_keys, trait_keys = number_pairs(
            columns.key_count, (row_keys, rows["source"]), (trait_keys, trait_rows["source"])
        )
    if is_hidden is not None:
        row_keys = np.where(is_hidden, NO_PLACE, row_keys)  # never look up values of people the reader may not see
    row_places, trait_places = outer_join(row_keys, trait_keys)
    values = np.full(len(row_places), NULL_CODE, np.int32)
    has_trait = trait_places != NO_PLACE
    values[has_trait] = trait_rows["value"][trait_places[has_trait]]
    # A place named "withheld" belongs to the group of that name.
    values[values == columns.values.find_code(WITHHELD)] = HIDDEN_VALUE
    if is_hidden is not None:
        values[is_hidden[row_places]] = HIDDEN_VALUE
    return row_places, values


def _find_repeat_detainees(columns: Columns) -> Mask:
    """Return by person whether the person has had more than one spell, at any revision."""
    arrests = columns.tables[table.ARRESTS.name]
    every_person, every_spell = arrests.column(table.PERSON_COLUMN), arrests.column("spell")

    def make() -> Mask:
        last = np.zeros(columns.key_count, np.int32)
        last[every_person] = every_spell
        return flag_keys(columns.key_count, every_person[every_spell != last[every_person]])

    def renew(previous: Mask, changed_people: Collection[int]) -> Mask:
        repeated = np.zeros(columns.key_count, bool)
        repeated[: len(previous)] = previous
        for person in changed_people:
            repeated[person] = len({*every_spell[[*arrests.places([person])]].tolist()}) > 1
        return repeated

    return columns.get_shared("people with several spells", make, renew)


def _sort_unique(numbers: Array) -> Array:
    """Sort and deduplicate numbers, ten times as fast as np.unique."""
    in_order = np.sort(numbers)
    return in_order[np.flatnonzero(np.diff(in_order, prepend=NO_PLACE))]


def _format_dimension_value(columns: Columns, name: str, value: int, slugs: Mapping[int, str]) -> DimensionValue:
    """Format a value of a dimension, as in responses."""
    dimension = DIMENSIONS[name]
    if dimension.unit is not None:
        return format_bucket(value, dimension.unit)
    if name == "source":
        return slugs[value]
    if name == SOURCE_COUNT:
        return value
    if dimension.is_personal:
        return WITHHELD if value == HIDDEN_VALUE else columns.values.text(value)
    return columns.codes.text(value)
