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
from app.columns.rows import NO_PLACE, NONE, Array, Cells, Mask, Places, cells, flags, outer_join, pairs
from app.columns.table import NOTHING
from app.dates import parse_from, parse_to
from app.errors import Invalid
from app.log.entries import Pin
from app.queries import terms as wording
from app.queries import visibility
from app.queries.countables import Countable
from app.queries.selection import COUNTING, Selection
from app.queries.terms import DIMENSIONS, Dimension, DimensionValue, EchoedTerms, SourcedTerms, Unit, Window, edges
from app.queries.visibility import hidden_trait
from app.registry.publication.permissions import Reader
from app.schemas.reports import MOST_SOURCES
from app.vocabulary import LISTS

# Days from 1 March of year 0, where the algorithm begins, to the day before ordinal 1.
BEFORE_FIRST_DAY = 305
DAYS_OF_ERA, YEARS_OF_ERA = 146_097, 400
DAYS_OF_WEEK, MONTHS_OF_YEAR = 7, 12


def bucket_numbers(lo: Array, hi: Array, unit: Unit) -> Array:
    """The number of the one bucket that holds each date; NONE where it straddles two, or there is no date."""
    numbers, known = np.full(len(lo), NONE, np.int64), lo != NONE
    if known.any():
        first, last = int(lo[known].min()), int(hi[known].max())
        # Many events fall on few days: each day is looked up in a calendar of them.
        of_day = {"day": lambda day: day, "week": _week, "month": _month}[unit](np.arange(first, last + 1))
        begins, ends = of_day[lo[known] - first], of_day[hi[known] - first]
        numbers[known] = np.where(begins == ends, begins, NONE)
    return numbers


def _week(day: Array) -> Array:
    return (day - 1) // DAYS_OF_WEEK


def _month(day: Array) -> Array:
    """Months since March of year 0."""
    z = day + BEFORE_FIRST_DAY
    era = z // DAYS_OF_ERA
    doe = z - era * DAYS_OF_ERA
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    months: Array = (era * YEARS_OF_ERA + yoe) * MONTHS_OF_YEAR + (5 * doy + 2) // 153
    return months


def bucket_text(number: int, unit: Unit) -> str | None:
    """`2026-01-12`, `2026-W03` or `2026-01`; None for NONE."""
    if number == NONE:
        return None
    if unit == "day":
        return date.fromordinal(number).isoformat()
    if unit == "week":
        year, week, _day = date.fromordinal(number * DAYS_OF_WEEK + 1).isocalendar()
        return f"{year:04}-W{week:02}"
    year, month = _civil(number)
    return f"{year:04}-{month:02}"


def bucket_dates(text: str, unit: Unit) -> tuple[str, str]:
    """First and last day of a bucket, as partial dates that open and close a window."""
    if unit == "week":
        year, week = text.split("-W")
        return tuple(date.fromisocalendar(int(year), int(week), day).isoformat() for day in (1, 7))  # type: ignore[return-value]
    return text, text


def _civil(number: int) -> tuple[int, int]:
    year, from_march = divmod(number, MONTHS_OF_YEAR)
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year + (month <= 2), month


# A year by days, statuses and ten sources. Ten megabytes; nobody reads more as one table.
MOST_CELLS = 20_000
TOO_MANY = (
    f"These groups would have more than {MOST_CELLS} cells: group by less, by weeks or months, or ask for fewer days."
)
DAYS_OF = {"day": 1, "week": 7, "month": 28}  # at least


def refuse_too_many(terms: SourcedTerms, names: list[str]) -> None:
    """Raises Invalid where the terms alone span too many, before anything is counted."""
    if prod(_values(DIMENSIONS[name], terms) for name in names) > MOST_CELLS:
        raise too_many()


def too_many() -> Invalid:
    return Invalid.at("/group_by", "too_many_groups", TOO_MANY)


def _values(dimension: Dimension, terms: SourcedTerms) -> int:
    """How many values of a dimension the terms leave, as far as they say: 1 where only the registry knows."""
    if dimension.of_day is not None:
        event, unit = dimension.of_day
        first, last = edges(getattr(terms, f"{event}_from"), getattr(terms, f"{event}_to"))
        return 1 if first is None or last is None else max(1, (last - first) // DAYS_OF[unit] + 1)
    asked = getattr(terms, dimension.name, None)
    if asked:
        return len(asked) if isinstance(asked, list) else 1
    return 1 if dimension.codes is None else len(LISTS[dimension.codes])


WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING = frozenset(name for name, of in DIMENSIONS.items() if of.personal and of.several)

# Values of some dimensions → the terms by which a list is narrowed to them; None where no filter can.
Narrowing = Callable[..., EchoedTerms | None]


class ListAddresses:
    """The addresses of the lists behind the groups of one count. It may have thousands of them, and each value stands
    in many: how an address asks for one is worked out once."""

    def __init__(self, countable: Countable, echoed: EchoedTerms, names: Sequence[str], as_of: Pin) -> None:
        """`echoed`: the terms of the count; `names`: its dimensions, none for the list behind the total."""
        self._path, self._echoed = countable.listed, echoed
        self._terms = {name: value for name, value in echoed.items() if name != "group_by"}
        if "source" not in names:
            self._terms.setdefault("status", list(COUNTING))
        self._asked = _asked(self._terms)
        self._pinned = [wording.asked(*pair) for pair in wording.pinned(as_of)]
        # Net, the end of a bucket would become the day by which a re-arrest counts.
        self._is_none = bool(echoed.get("net")) and any(DIMENSIONS[name].window == "released" for name in names)
        self._narrowings = [
            (cache(partial(_asked_if_any, narrowing)), places) for narrowing, places in self._of_dimensions(names)
        ]

    def of(self, values: Sequence[DimensionValue]) -> str | None:
        """The address of the list behind a group, by the values of its dimensions; None where no filter can say what it
        lists."""
        if self._is_none:
            return None
        asked = {**self._asked}
        for narrowed, places in self._narrowings:
            more = narrowed(*(values[place] for place in places))
            if more is None:
                return None
            asked.update(more)
        return wording.address(self._path, [*asked.values(), *self._pinned])

    def _of_dimensions(self, names: Sequence[str]) -> list[tuple[Narrowing, list[int]]]:
        """In the order in which their terms stand, each with the places of its values: one for each dimension, for
        those of the days of one event together, and for what a group by source counts."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(DIMENSIONS[name].window or name, []).append(place)
        found: list[tuple[Narrowing, list[int]]] = [(self._by_source, places["source"])] if "source" in places else []
        for of_them in places.values():
            dimensions = [names[place] for place in of_them]
            window = DIMENSIONS[dimensions[0]].window
            narrowing = (
                partial(self._with_value, dimensions[0])
                if window is None
                else partial(self._within_days, window, dimensions)
            )
            found.append((narrowing, of_them))
        return found

    def _by_source(self, slug: str) -> EchoedTerms:
        """By that source's own days and kinds, as the group counts."""
        terms: EchoedTerms = {**verified_too(self._terms, slug)}
        # `source` stands before the other terms, as in the addresses in print.
        return {**terms, "source": slug} if "net" in self._echoed else terms

    def _with_value(self, name: str, value: DimensionValue) -> EchoedTerms | None:
        """None where the value is missing or withheld, or where the terms already ask for another value of a dimension
        that can have several."""
        if value in (None, WITHHELD):
            return None
        if name in OVERLAPPING and name in self._echoed and value not in wording.each(self._echoed[name]):
            return None
        return {name: [str(value)] if DIMENSIONS[name].asked_as_list else str(value)}

    def _within_days(self, window: Window, names: Sequence[str], *texts: str | None) -> EchoedTerms | None:
        """The days that buckets and the window of the terms have in common."""
        opens, closes = f"{window}_from", f"{window}_to"
        narrowed = self._terms
        for name, text in zip(names, texts, strict=True):
            of_day = DIMENSIONS[name].of_day
            if text is None or of_day is None:
                return None
            first, last = bucket_dates(text, of_day[1])
            narrowed = {
                **narrowed,
                opens: max(str(narrowed.get(opens, first)), first, key=parse_from),
                closes: min(str(narrowed.get(closes, last)), last, key=parse_to),
            }
        return {name: narrowed[name] for name in (opens, closes)}


def _asked(terms: EchoedTerms) -> dict[str, str]:
    return {name: wording.asked(name, value) for name, value in terms.items()}


def _asked_if_any(narrowing: Narrowing, *values: DimensionValue) -> dict[str, str] | None:
    terms = narrowing(*values)
    return None if terms is None else _asked(terms)


def verified_too(terms: EchoedTerms, slug: str) -> EchoedTerms:
    """The term that asks that this source verified it too: `verified_by`, or where that has no room for another source
    `all_of`, which means the same."""
    full = len(wording.values_of(terms, "verified_by")) == MOST_SOURCES
    name = "all_of" if full else "verified_by"
    return {name: list(dict.fromkeys([*wording.values_of(terms, name), slug]))}


# The code of a value that the reader may not see, beside those of texts.
UNSEEN = -1

Key = tuple[DimensionValue, ...]


@dataclass(frozen=True)
class Groups:
    """Rows of a selection in groups. A row is a member of several groups where a dimension has several values:
    `place` is the row of each member, None where each row is one; `group` the group of each member."""

    selection: Selection
    names: Sequence[str]
    place: Places | None
    group: Cells

    def numbers(self, where: Mask, *by: Array) -> dict[tuple[int, ...], int]:
        """`(group, *by)` → how many rows for which a condition holds; `by`: further columns of the selection. Raises
        Invalid for more than MOST_CELLS."""
        found = cells(self._members(where, *by))
        if len(found) > MOST_CELLS:
            raise too_many()
        values = (column.tolist() for column in (*found.values, found.sizes()))
        return {cell[:-1]: cell[-1] for cell in zip(*values, strict=True)}

    def _members(self, where: Mask, *by: Array) -> list[Array]:
        """The group of each member for whose row a condition holds, and columns of the selection."""
        if self.place is not None:
            where, by = where[self.place], tuple(column[self.place] for column in by)
        columns = [self.group.number, *by]
        return columns if where.all() else [column[np.flatnonzero(where)] for column in columns]

    def people(self, where: Mask) -> dict[int, int]:
        """Group → how many people the rows are of for which a condition holds."""
        group, person = self._members(where, self.selection.person)
        # Whoever was detained once stands in a group once: only of the others are the same looked for.
        keys, groups = self.selection.columns.keys, len(self.group)
        again = np.flatnonzero(_detained_again(self.selection.columns)[person])
        number = np.bincount(group, minlength=groups) - np.bincount(group[again], minlength=groups)
        each = _each_once(group[again] * keys + person[again])
        number += np.bincount(each // keys, minlength=groups)
        return {at: count for at, count in enumerate(number.tolist()) if count}

    def told(self, slugs: Mapping[int, str]) -> list[Key]:
        """For each group the values of its dimensions, as clients read them. `slugs`: of the sources, by key."""
        columns = []
        for name, values in zip(self.names, self.group.values, strict=True):
            numbers = values.tolist()
            read = {value: _wire(self.selection.columns, name, value, slugs) for value in set(numbers)}
            columns.append([read[value] for value in numbers])
        return [*zip(*columns, strict=True)]


def grouped(selection: Selection, names: Sequence[str], reader: Reader) -> Groups:
    """The rows of a selection that are inside or uncertain, in groups by dimensions."""
    selection = selection.where(selection.inside | selection.uncertain)
    place: Places | None = None
    columns: list[Array] = []
    for name in names:
        if DIMENSIONS[name].personal:
            of, values = _traits(selection, place, name, reader)
            if len(of) > len(selection.rows if place is None else place):  # some row has several values
                place, columns = of if place is None else place[of], [column[of] for column in columns]
            columns.append(values)
        else:
            column = _column(selection, name)
            columns.append(column if place is None else column[place])
    return Groups(selection, names, place, cells(columns))


def _column(selection: Selection, name: str) -> Array:
    """The values of a dimension that is not personal, for each row of a selection."""
    dimension, rows = DIMENSIONS[name], selection.rows
    if dimension.of_day is not None:
        return bucket_numbers(rows["lo"], rows["hi"], dimension.of_day[1])
    together = {"status": "status", "sources": "independent_verified"}
    return selection.together[together[name]] if name in together else rows[name]


def _traits(selection: Selection, place: Places | None, name: str, reader: Reader) -> tuple[Places, Array]:
    """A personal dimension of some rows: the row of each value, by its place among them, and the value. A row of which
    the reader may not see it has one, UNSEEN; a row without a value has one, NOTHING."""
    columns, revision = selection.columns, selection.revision
    rows = selection.rows if place is None else selection.rows.at(place)
    by_source = visibility.rests_on_source(name, own=selection.own)
    said = visibility.traits(columns, name, revision, by_source=by_source)
    unseen = hidden_trait(columns, rows[table.PERSON], reader, name, revision)
    of_rows, of_said = rows["spell"], said["spell"]
    if by_source:
        of_rows, of_said = pairs(columns.keys, (of_rows, rows["source"]), (of_said, said["source"]))
    if unseen is not None:
        of_rows = np.where(unseen, NO_PLACE, of_rows)  # nothing that is said of whoever may not be seen is looked up
    of, found = outer_join(of_rows, of_said)
    values = np.full(len(of), NOTHING, np.int32)
    has = found != NO_PLACE
    values[has] = said["value"][found[has]]
    values[values == columns.values.of(WITHHELD)] = UNSEEN  # a place of that name stands in the group of that name
    if unseen is not None:
        values[unseen[of]] = UNSEEN
    return of, values


def _detained_again(columns: Columns) -> Mask:
    """By person, whether the person has had more than one spell, at any revision."""
    arrests = columns.tables[table.ARRESTS.name]
    every_person, every_spell = arrests.column(table.PERSON), arrests.column("spell")

    def make() -> Mask:
        last = np.zeros(columns.keys, np.int32)
        last[every_person] = every_spell
        return flags(columns.keys, every_person[every_spell != last[every_person]])

    def renew(before: Mask, touched: Collection[int]) -> Mask:
        again = np.zeros(columns.keys, bool)
        again[: len(before)] = before
        for person in touched:
            again[person] = len({*every_spell[[*arrests.places([person])]].tolist()}) > 1
        return again

    return columns.in_common("people with several spells", make, renew)


def _each_once(numbers: Array) -> Array:
    """Numbers without repetition; np.unique takes ten times as long for them."""
    in_order = np.sort(numbers)
    return in_order[np.flatnonzero(np.diff(in_order, prepend=NO_PLACE))]


def _wire(columns: Columns, name: str, value: int, slugs: Mapping[int, str]) -> DimensionValue:
    """A dimension's value as clients read it."""
    dimension = DIMENSIONS[name]
    if dimension.of_day is not None:
        return bucket_text(value, dimension.of_day[1])
    if name == "source":
        return slugs[value]
    if name == "sources":
        return value
    if dimension.personal:
        return WITHHELD if value == UNSEEN else columns.values.text(value)
    return columns.codes.text(value)
