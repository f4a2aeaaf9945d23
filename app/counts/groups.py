"""Days, ISO weeks and months of ordinals, over columns and back.

Ordinal 1 is Monday, 1 January of year 1. Months follow H. Hinnant, "chrono-compatible low-level date algorithms"
(days_from_civil), in whole numbers.

How many cells a count may have: a group has one for each status, and for each number of verifying sources.

The addresses of the lists behind numbers, where terms can say which releases or detentions these count.

The groups of a count: which rows of a selection are in which, and how many rows and people."""

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
from app.queries import terms as wording
from app.queries import visibility
from app.queries.countables import Countable
from app.queries.selection import COUNTABLE_STATUSES, Selection
from app.queries.terms import (
    DIMENSIONS,
    DayUnit,
    Dimension,
    DimensionValue,
    EchoedTerms,
    SourcedTerms,
    WindowEvent,
    parse_window,
)
from app.queries.visibility import match_hidden_trait
from app.registry.publication.permissions import Reader
from app.schemas.reports import MAX_SOURCES
from app.vocabulary import CODE_LISTS

# Days from 1 March of year 0, where the algorithm begins, to the day before ordinal 1.
BEFORE_FIRST_DAY = 305
DAYS_PER_ERA, YEARS_PER_ERA = 146_097, 400
DAYS_PER_WEEK, MONTHS_PER_YEAR = 7, 12


def compute_bucket_numbers(lo: Array, hi: Array, unit: DayUnit) -> Array:
    """The number of the one bucket that holds each date; NONE where it straddles two, or there is no date."""
    numbers, has_date = np.full(len(lo), NULL, np.int64), lo != NULL
    if has_date.any():
        first, last = int(lo[has_date].min()), int(hi[has_date].max())
        # Many events fall on few days: each day is looked up in a calendar of them.
        numbers_by_day = {"day": lambda day: day, "week": _to_weeks, "month": _to_months}[unit](
            np.arange(first, last + 1)
        )
        begins, ends = numbers_by_day[lo[has_date] - first], numbers_by_day[hi[has_date] - first]
        numbers[has_date] = np.where(begins == ends, begins, NULL)
    return numbers


def _to_weeks(day: Array) -> Array:
    return (day - 1) // DAYS_PER_WEEK


def _to_months(day: Array) -> Array:
    """Months since March of year 0."""
    z = day + BEFORE_FIRST_DAY
    era = z // DAYS_PER_ERA
    doe = z - era * DAYS_PER_ERA
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    months: Array = (era * YEARS_PER_ERA + yoe) * MONTHS_PER_YEAR + (5 * doy + 2) // 153
    return months


def format_bucket(number: int, unit: DayUnit) -> str | None:
    """`2026-01-12`, `2026-W03` or `2026-01`; None for NONE."""
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
    """First and last day of a bucket, as partial dates that open and close a window."""
    if unit == "week":
        year, week = text.split("-W")
        return tuple(date.fromisocalendar(int(year), int(week), day).isoformat() for day in (1, 7))  # type: ignore[return-value]
    return text, text


def _to_civil(number: int) -> tuple[int, int]:
    year, from_march = divmod(number, MONTHS_PER_YEAR)
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year + (month <= 2), month


# A year by days, statuses and ten sources. Ten megabytes; nobody reads more as one table.
MAX_CELLS = 20_000
TOO_MANY_CELLS = (
    f"These groups would have more than {MAX_CELLS} cells: group by less, by weeks or months, or ask for fewer days."
)
MIN_DAYS_PER_UNIT = {"day": 1, "week": 7, "month": 28}  # at least


def refuse_too_many_cells(terms: SourcedTerms, names: list[str]) -> None:
    """Raises Invalid where the terms alone span too many, before anything is counted."""
    if prod(_count_values(DIMENSIONS[name], terms) for name in names) > MAX_CELLS:
        raise build_too_many_cells_error()


def build_too_many_cells_error() -> Invalid:
    return Invalid.at_pointer("/group_by", "too_many_groups", TOO_MANY_CELLS)


def _count_values(dimension: Dimension, terms: SourcedTerms) -> int:
    """How many values of a dimension the terms leave, as far as they say: 1 where only the registry knows."""
    if dimension.event_and_unit is not None:
        event, unit = dimension.event_and_unit
        first, last = parse_window(getattr(terms, f"{event}_from"), getattr(terms, f"{event}_to"))
        return 1 if first is None or last is None else max(1, (last - first) // MIN_DAYS_PER_UNIT[unit] + 1)
    requested = getattr(terms, dimension.name, None)
    if requested:
        return len(requested) if isinstance(requested, list) else 1
    return 1 if dimension.code_list is None else len(CODE_LISTS[dimension.code_list])


WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING_DIMENSIONS = frozenset(
    name for name, dimension in DIMENSIONS.items() if dimension.is_personal and dimension.is_multivalued
)

# Values of some dimensions → the terms by which a list is narrowed to them; None where no filter can.
Narrowing = Callable[..., EchoedTerms | None]


class ListAddresses:
    """The addresses of the lists behind the groups of one count. It may have thousands of them, and each value stands
    in many: how an address asks for one is worked out once."""

    def __init__(self, countable: Countable, echoed_terms: EchoedTerms, names: Sequence[str], as_of: Pin) -> None:
        """`echoed_terms`: the terms of the count; `names`: its dimensions, none for the list behind the total."""
        self._path, self._echoed_terms = countable.list_path, echoed_terms
        self._terms = {name: value for name, value in echoed_terms.items() if name != "group_by"}
        if "source" not in names:
            self._terms.setdefault("status", list(COUNTABLE_STATUSES))
        self._parameters = _encode_terms(self._terms)
        self._pin_parameters = [wording.encode_term(*pair) for pair in wording.build_pin_terms(as_of)]
        # Net, the end of a bucket would become the day by which a re-arrest counts.
        self._has_no_lists = bool(echoed_terms.get("net")) and any(
            DIMENSIONS[name].window == "released" for name in names
        )
        self._narrowings = [
            (cache(partial(_encode_narrowing, narrowing)), places)
            for narrowing, places in self._build_narrowings(names)
        ]

    def build_address(self, values: Sequence[DimensionValue]) -> str | None:
        """The address of the list behind a group, by the values of its dimensions; None where no filter can say what it
        lists."""
        if self._has_no_lists:
            return None
        parameters = {**self._parameters}
        for narrow, places in self._narrowings:
            added = narrow(*(values[place] for place in places))
            if added is None:
                return None
            parameters.update(added)
        return wording.join_query_url(self._path, [*parameters.values(), *self._pin_parameters])

    def _build_narrowings(self, names: Sequence[str]) -> list[tuple[Narrowing, list[int]]]:
        """In the order in which their terms stand, each with the places of its values: one for each dimension, for
        those of the days of one event together, and for what a group by source counts."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(DIMENSIONS[name].window or name, []).append(place)
        narrowings: list[tuple[Narrowing, list[int]]] = (
            [(self._narrow_to_source, places["source"])] if "source" in places else []
        )
        for value_places in places.values():
            dimensions = [names[place] for place in value_places]
            window = DIMENSIONS[dimensions[0]].window
            narrowing = (
                partial(self._narrow_to_value, dimensions[0])
                if window is None
                else partial(self._narrow_to_days, window, dimensions)
            )
            narrowings.append((narrowing, value_places))
        return narrowings

    def _narrow_to_source(self, slug: str) -> EchoedTerms:
        """By that source's own days and kinds, as the group counts."""
        terms: EchoedTerms = {**add_verifying_source(self._terms, slug)}
        # `source` stands before the other terms, as in the addresses in print.
        return {**terms, "source": slug} if "net" in self._echoed_terms else terms

    def _narrow_to_value(self, name: str, value: DimensionValue) -> EchoedTerms | None:
        """None where the value is missing or withheld, or where the terms already ask for another value of a dimension
        that can have several."""
        if value in (None, WITHHELD):
            return None
        if (
            name in OVERLAPPING_DIMENSIONS
            and name in self._echoed_terms
            and value not in wording.list_values(self._echoed_terms[name])
        ):
            return None
        return {name: [str(value)] if DIMENSIONS[name].accepts_list else str(value)}

    def _narrow_to_days(self, window: WindowEvent, names: Sequence[str], *texts: str | None) -> EchoedTerms | None:
        """The days that buckets and the window of the terms have in common."""
        opens, closes = f"{window}_from", f"{window}_to"
        narrowed_terms = self._terms
        for name, text in zip(names, texts, strict=True):
            event_and_unit = DIMENSIONS[name].event_and_unit
            if text is None or event_and_unit is None:
                return None
            first, last = parse_bucket(text, event_and_unit[1])
            narrowed_terms = {
                **narrowed_terms,
                opens: max(str(narrowed_terms.get(opens, first)), first, key=parse_window_start),
                closes: min(str(narrowed_terms.get(closes, last)), last, key=parse_window_end),
            }
        return {name: narrowed_terms[name] for name in (opens, closes)}


def _encode_terms(terms: EchoedTerms) -> dict[str, str]:
    return {name: wording.encode_term(name, value) for name, value in terms.items()}


def _encode_narrowing(narrowing: Narrowing, *values: DimensionValue) -> dict[str, str] | None:
    terms = narrowing(*values)
    return None if terms is None else _encode_terms(terms)


def add_verifying_source(terms: EchoedTerms, slug: str) -> EchoedTerms:
    """The term that asks that this source verified it too: `verified_by`, or where that has no room for another source
    `all_of`, which means the same."""
    full = len(wording.get_term_values(terms, "verified_by")) == MAX_SOURCES
    name = "all_of" if full else "verified_by"
    return {name: list(dict.fromkeys([*wording.get_term_values(terms, name), slug]))}


# The code of a value that the reader may not see, beside those of texts.
HIDDEN_VALUE = -1

GroupKey = tuple[DimensionValue, ...]


@dataclass(frozen=True)
class GroupedRows:
    """Rows of a selection in groups. A row is a member of several groups where a dimension has several values:
    `place` is the row of each member, None where each row is one; `group` the group of each member."""

    selection: Selection
    names: Sequence[str]
    place: Places | None
    group: Cells

    def count_rows(self, mask: Mask, *extra_columns: Array) -> dict[tuple[int, ...], int]:
        """`(group, *by)` → how many rows for which a condition holds; `extra_columns`: further columns of the selection. Raises
        Invalid for more than MOST_CELLS."""
        member_cells = count_cells(self._select_members(mask, *extra_columns))
        if len(member_cells) > MAX_CELLS:
            raise build_too_many_cells_error()
        values = (column.tolist() for column in (*member_cells.values, member_cells.sizes()))
        return {cell[:-1]: cell[-1] for cell in zip(*values, strict=True)}

    def _select_members(self, mask: Mask, *extra_columns: Array) -> list[Array]:
        """The group of each member for whose row a condition holds, and columns of the selection."""
        if self.place is not None:
            mask, extra_columns = mask[self.place], tuple(column[self.place] for column in extra_columns)
        columns = [self.group.cell_numbers, *extra_columns]
        return columns if mask.all() else [column[np.flatnonzero(mask)] for column in columns]

    def count_people(self, mask: Mask) -> dict[int, int]:
        """Group → how many people the rows are of for which a condition holds."""
        group, person = self._select_members(mask, self.selection.person)
        # Whoever was detained once stands in a group once: only of the others are the same looked for.
        keys, groups = self.selection.columns.key_count, len(self.group)
        repeated = np.flatnonzero(_find_repeat_detainees(self.selection.columns)[person])
        number = np.bincount(group, minlength=groups) - np.bincount(group[repeated], minlength=groups)
        unique_pairs = _sort_unique(group[repeated] * keys + person[repeated])
        number += np.bincount(unique_pairs // keys, minlength=groups)
        return {group_number: count for group_number, count in enumerate(number.tolist()) if count}

    def format_keys(self, slugs: Mapping[int, str]) -> list[GroupKey]:
        """For each group the values of its dimensions, as clients read them. `slugs`: of the sources, by key."""
        columns = []
        for name, values in zip(self.names, self.group.values, strict=True):
            numbers = values.tolist()
            formatted = {
                value: _format_dimension_value(self.selection.columns, name, value, slugs) for value in set(numbers)
            }
            columns.append([formatted[value] for value in numbers])
        return [*zip(*columns, strict=True)]


def build_groups(selection: Selection, names: Sequence[str], reader: Reader) -> GroupedRows:
    """The rows of a selection that are inside or uncertain, in groups by dimensions."""
    selection = selection.where(selection.inside | selection.uncertain)
    place: Places | None = None
    columns: list[Array] = []
    for name in names:
        if DIMENSIONS[name].is_personal:
            row_places, values = _read_trait_values(selection, place, name, reader)
            if len(row_places) > len(selection.rows if place is None else place):  # some row has several values
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
    """The values of a dimension that is not personal, for each row of a selection."""
    dimension, rows = DIMENSIONS[name], selection.rows
    if dimension.event_and_unit is not None:
        return compute_bucket_numbers(rows["lo"], rows["hi"], dimension.event_and_unit[1])
    column_names = {"status": "status", "sources": "independent_verified"}
    return selection.consolidated[column_names[name]] if name in column_names else rows[name]


def _read_trait_values(selection: Selection, place: Places | None, name: str, reader: Reader) -> tuple[Places, Array]:
    """A personal dimension of some rows: the row of each value, by its place among them, and the value. A row of which
    the reader may not see it has one, UNSEEN; a row without a value has one, NOTHING."""
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
        row_keys = np.where(
            is_hidden, NO_PLACE, row_keys
        )  # nothing that is said of whoever may not be seen is looked up
    row_places, trait_places = outer_join(row_keys, trait_keys)
    values = np.full(len(row_places), NULL_CODE, np.int32)
    has_trait = trait_places != NO_PLACE
    values[has_trait] = trait_rows["value"][trait_places[has_trait]]
    values[values == columns.values.find_code(WITHHELD)] = (
        HIDDEN_VALUE  # a place of that name stands in the group of that name
    )
    if is_hidden is not None:
        values[is_hidden[row_places]] = HIDDEN_VALUE
    return row_places, values


def _find_repeat_detainees(columns: Columns) -> Mask:
    """By person, whether the person has had more than one spell, at any revision."""
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
    """Numbers without repetition; np.unique takes ten times as long for them."""
    in_order = np.sort(numbers)
    return in_order[np.flatnonzero(np.diff(in_order, prepend=NO_PLACE))]


def _format_dimension_value(columns: Columns, name: str, value: int, slugs: Mapping[int, str]) -> DimensionValue:
    """A dimension's value as clients read it."""
    dimension = DIMENSIONS[name]
    if dimension.event_and_unit is not None:
        return format_bucket(value, dimension.event_and_unit[1])
    if name == "source":
        return slugs[value]
    if name == "sources":
        return value
    if dimension.is_personal:
        return WITHHELD if value == HIDDEN_VALUE else columns.values.text(value)
    return columns.codes.text(value)
