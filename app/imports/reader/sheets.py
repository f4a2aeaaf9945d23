"""Open the sheets of a list: their row of headings, their columns, and their rows.

A date that stands in columns of its day, month and year is joined."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

from app.imports.faults import BadFile
from app.imports.fields import GIVEN_NAMES, NAME, SURNAMES
from app.imports.formats.csv import Cells
from app.imports.formats.workbook_reader import Workbook
from app.imports.mapping import LAST_HEADER, ListMapping, fold_heading
from app.imports.reader.cell_values import is_name_like
from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.figure_files import EXAMPLE_SHEETS, MAX_SHEETS
from app.imports.reader.heading_recognition import SOME
from app.imports.reader.layout import (
    MAX_HEADING_ROW,
    Column,
    HeadingRow,
    ReadRows,
    build_columns,
    find_heading_row,
    has_people,
    repeat_cells_above,
)
from app.imports.reader.sheet_dates import MONTHS, DateContext, DateOrder, list_possible_days, strip_accents
from app.imports.reader.states import UNKNOWN, StateReading, read_state
from app.matching.scripts import fold

_WORDS = CELL_WORDS["date_parts"]
DAY, MONTH, YEAR = "day", "month", "year"
_PARTS = {fold(word): part for part in (DAY, MONTH, YEAR) for word in _WORDS[part]}
_PARTICLES = frozenset(map(fold, _WORDS["particles"]))


@dataclass(frozen=True, slots=True)
class SplitDate:
    """A date in several columns: the place of each part, and the heading of the whole."""

    places: dict[str, int]
    heading: str

    @property
    def place(self) -> int:
        """The column in which the whole date is read."""
        return min(self.places.values())


def find_split_dates(heading_row: HeadingRow) -> list[SplitDate]:
    """Return the dates whose parts are in neighbouring columns: "Día", "Mes", "Año". A month and a year suffice."""
    found: list[SplitDate] = []
    places: dict[str, int] = {}
    title: tuple[str, str] = ("", "")
    for place in range(len(heading_row.headings) + 1):
        part, own_title = _read_part(heading_row, place)
        is_same_date = part is not None and part not in places and (not places or own_title[0] == title[0])
        if is_same_date and "" not in (title[1], own_title[1]) and title[1] != own_title[1]:
            is_same_date = False
        if not is_same_date:
            if {MONTH, YEAR} <= places.keys():
                found.append(SplitDate(places, _build_heading(title)))
            places, title = {}, ("", "")
        if part is not None:
            places = {**places, part: place}
            title = (own_title[0], title[1] or own_title[1])
    return found


def _build_heading(title: tuple[str, str]) -> str:
    group, rest = title
    return group or f"{_WORDS['heading']} {rest}".strip()


def _read_part(heading_row: HeadingRow, place: int) -> tuple[str | None, tuple[str, str]]:
    """Return the part of a date that a heading names; the heading of its group, and the rest of its own."""
    if place >= len(heading_row.headings):
        return None, ("", "")
    words = heading_row.headings[place].split()
    parts = [fold(word) for word in words if fold(word) in _PARTS]
    if len(parts) != 1:
        return None, ("", "")
    rest = " ".join(word for word in words if fold(word) not in _PARTS and fold(word) not in _PARTICLES)
    return _PARTS[parts[0]], (heading_row.groups[place], rest)


def join_headings(heading_row: HeadingRow, split_dates: Sequence[SplitDate]) -> HeadingRow:
    """Return the headings with one for each date, at the place of its first part."""
    headings, groups = list(heading_row.headings), list(heading_row.groups)
    for split_date in split_dates:
        for place in split_date.places.values():
            headings[place] = groups[place] = ""
        headings[split_date.place] = split_date.heading
    return replace(heading_row, headings=headings, groups=groups)


def join_dates(rows: Iterable[Cells], split_dates: Sequence[SplitDate]) -> Iterator[Cells]:
    """Write each date as a whole into the cell of its first part."""
    for row in rows:
        texts = list(row.texts)
        for split_date in split_dates:
            parts = {part: row.text(place) for part, place in split_date.places.items()}
            for place in split_date.places.values():
                if place < len(texts):
                    texts[place] = ""
            if any(parts.values()):
                texts += [""] * (split_date.place + 1 - len(texts))
                texts[split_date.place] = _join_parts(parts)
        yield row._replace(texts=texts)


def _join_parts(parts: dict[str, str]) -> str:
    """Return the date as ISO 8601 if its parts are plain numbers or months; else as it stands, to be a fault. Nothing
    completes a year whose own cell is empty."""
    day, month, year = (parts.get(part, "").removesuffix(".0") for part in (DAY, MONTH, YEAR))
    number = MONTHS.get(strip_accents(month.strip(".")))
    month = str(number) if number is not None else month
    numbers = [text for text in (year, month, day) if text]
    if len(year) == len("2025") and all(map(str.isdecimal, numbers)) and (month or not day):
        return "-".join(text.zfill(2) for text in numbers)
    texts = {DAY: day, MONTH: month, YEAR: year}
    return " / ".join(text or "?" for part, text in texts.items() if part in parts)


# Rows of a sheet that is not read, counted for the question whether it belongs to the list.
MAX_COUNTED_ROWS = 100_000
MAX_CACHED_ROWS = 5_000  # rows of a sheet that are kept in memory


# Digest of a row of headings → the mapping saved for them.
FindSavedMapping = Callable[[str], ListMapping | None]


def find_nothing_saved(_digest: str) -> None:
    """Find no mapping: nothing is saved for a list that is only compared."""


@dataclass
class OpenedSheet:
    """A sheet, or the whole of a text file: its row of headings, its columns, and its rows below the headings.

    `number`: its place in the workbook, from 1. `is_used`: its rows are people of the list; `is_sure`: no doubt of it.
    `rows_above`: the texts above the headings."""

    name: str | None
    number: int
    heading_row: HeadingRow
    columns: list[Column]
    read_rows: ReadRows
    row_count: int
    is_used: bool = True
    is_sure: bool = False
    rows_above: list[str] = field(default_factory=list)
    split_dates: list[SplitDate] = field(default_factory=list)

    def read_cells(self) -> Iterator[Cells]:
        """Read the rows below the headings; a ditto mark has the text of the cell above it."""
        rows = repeat_cells_above(row for row in self.read_rows() if row.number > self.heading_row.number)
        return join_dates(rows, self.split_dates) if self.split_dates else rows

    @property
    def state(self) -> StateReading | None:
        """What the sheet's name says of all its people. A day in it may be that of the sheet: it is left out."""
        reading = None if self.name is None else read_state(self.name, DateContext())
        return None if reading is None or reading.state == UNKNOWN else replace(reading, on=None)


class SheetOpener:
    """Opens the sheets of one list by the answers sent with it, on top of the mapping saved for its headings."""

    def __init__(self, mapping: ListMapping | None, find_saved: FindSavedMapping = find_nothing_saved) -> None:
        self.mapping = mapping or ListMapping()
        self._find_saved = find_saved
        self.is_mapping_saved = False

    def open_sheet(
        self,
        read_rows: ReadRows,
        name: str | None = None,
        number: int = 1,
        hidden_columns: frozenset[int] = frozenset(),
        *,
        is_alone: bool = True,
    ) -> OpenedSheet:
        heading_number = self.mapping.headers.get(name or "", self.mapping.header)
        first_rows = list(islice(read_rows(), MAX_HEADING_ROW + LAST_HEADER))
        heading_row = find_heading_row(first_rows, self.mapping, heading_number)
        if not self.is_mapping_saved and heading_row.is_found:
            saved = self._find_saved(heading_row.digest)
            # Answers about one sheet, such as its verdict, say nothing of another with the same headings.
            if saved is not None and saved.sheet in (None, name) and self.mapping.sheet in (None, name):
                self.mapping, self.is_mapping_saved = self.mapping.lay_over(saved), True
        if not heading_row.is_found and heading_number is None:
            heading_row = _guess_heading_row(first_rows)
        sheet_name = None if is_alone else name
        split_dates = [found for found in find_split_dates(heading_row) if not self._names_parts(heading_row, found)]
        heading_row = join_headings(heading_row, split_dates)
        sheet = OpenedSheet(name, number, heading_row, [], read_rows, 0, split_dates=split_dates)
        sheet.columns = build_columns(heading_row, self.mapping, sheet.read_cells(), sheet_name, hidden_columns)
        sheet.rows_above = [
            text for row in first_rows if row.number < heading_row.number for text in row.texts if text.strip()
        ]
        return sheet

    def _names_parts(self, heading_row: HeadingRow, split_date: SplitDate) -> bool:
        """Whether the mapping names the columns of a date, which are then read one by one."""
        headings = {fold_heading(heading_row.headings[place]) for place in split_date.places.values()}
        return not headings.isdisjoint(self.mapping.targets)


def _guess_heading_row(rows: Sequence[Cells]) -> HeadingRow:
    """Return the first of the widest rows as headings of which none is known: the officer says what they mean.

    A row with a day is a person, and the sheet has no headings."""
    widest = max((sum(1 for text in row.texts if text.strip()) for row in rows[:MAX_HEADING_ROW]), default=0)
    for row in rows[:MAX_HEADING_ROW]:
        if sum(1 for text in row.texts if text.strip()) == widest > 1:
            if any(list_possible_days(text, DateOrder.DAY_FIRST) for text in row.texts):
                break
            return HeadingRow(row.number, list(row.texts), [""] * len(row.texts))
    return HeadingRow()


class _SheetReader:
    """Reads the rows of a sheet. Those of a short one are kept: a process reads the whole file each time."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name
        self._rows: list[Cells] | None = None
        with closing(Workbook(data, name, with_hidden=True)) as book:
            self.hidden_columns = book.sheet.hidden_columns
            rows = list(islice(book.read_rows(), MAX_CACHED_ROWS + 1))
        if len(rows) <= MAX_CACHED_ROWS:
            self._rows = rows

    def read_rows(self) -> Iterator[Cells]:
        if self._rows is not None:
            yield from self._rows
            return
        with closing(Workbook(self._data, self._name, with_hidden=True)) as book:
            yield from book.read_rows()


_DOUBTFUL_NAMES = re.compile(rf"\b(?:{'|'.join(map(fold, CELL_WORDS['asked']['sheets']))})\b")


def _is_list(sheet: OpenedSheet) -> bool:
    return sheet.heading_row.is_found and has_people(sheet.columns) and sheet.row_count > 0


def _is_like_others(sheet: OpenedSheet, used: Sequence[OpenedSheet]) -> bool:
    """Whether a sheet has the recognised headings of the largest one, and other people than the others."""
    largest = max(used, key=lambda other: other.row_count)
    fields, expected = ({c.fields[0] for c in one.columns if c.fields} for one in (sheet, largest))
    people = _list_people(sheet)
    known = {person for other in used if other is not sheet for person in _list_people(other)}
    return (
        2 * len(fields & expected) > max(len(fields), len(expected))
        and bool(people)
        and 2 * len(people & known) < len(people)
        and _DOUBTFUL_NAMES.search(fold(sheet.name or "")) is None
    )


def _list_people(sheet: OpenedSheet) -> set[str]:
    places = [c.place for c in sheet.columns if c.fields and c.fields[0] in (NAME, GIVEN_NAMES, SURNAMES)]
    names = (" ".join(row.text(place) for place in places).strip() for row in sheet.read_cells())
    return {name.casefold() for name in names if name}


def _has_no_list(sheet: OpenedSheet) -> bool:
    """Whether a sheet is empty, or has neither a column with a known meaning nor one of names or days."""
    return not sheet.row_count or not any(
        (c.fields and c.is_sure) or c.profile.dates >= SOME or _holds_names(c.profile.samples) for c in sheet.columns
    )


def _holds_names(samples: Sequence[str]) -> bool:
    names = [text for text in samples if is_name_like(text) and all(len(w) < 4 or w[0].isupper() for w in text.split())]
    return len(names) >= max(1, SOME * len(samples))


def open_workbook(opener: SheetOpener, data: bytes) -> list[OpenedSheet]:
    """Return the sheets, of the hidden ones those with people. The visible ones with people are used, unless the
    answers say otherwise."""
    mapping = opener.mapping
    with closing(Workbook(data, mapping.sheet)) as book:
        first = book.sheet
    hidden_names = [sheet.name for sheet in first.sheets if sheet.is_hidden]
    names = [first.name, *(name for name in [*first.other_sheets, *hidden_names] if name not in EXAMPLE_SHEETS)]
    if mapping.sheet:
        names = names[:1]
    elif len(names) > MAX_SHEETS:
        raise BadFile(
            "too_many_sheets",
            f"A workbook is read up to {MAX_SHEETS} sheets: divide it, or name one in a mapping.",
        )

    # Letters in the answers are those of the used sheet: they must not make a list of another.
    headings_only = SheetOpener(ListMapping(columns=mapping.columns, header=mapping.header, headers=mapping.headers))
    sheets: list[OpenedSheet] = []
    judged: dict[int, OpenedSheet] = {}
    for number, name in enumerate(names, 1):
        reader = _SheetReader(data, name)
        sheet = opener.open_sheet(reader.read_rows, name, number, reader.hidden_columns)
        sheet.row_count = sum(1 for _row in islice(sheet.read_cells(), MAX_COUNTED_ROWS))
        judged[number] = sheet
        if len(names) > 1:
            judged[number] = headings_only.open_sheet(reader.read_rows, name, number, reader.hidden_columns)
            judged[number].row_count = sheet.row_count
        if _is_list(sheet) or name not in hidden_names:
            sheets.append(sheet)
    mapping = opener.mapping  # perhaps one saved for the headings of a sheet
    has_list = any(_is_list(judged[sheet.number]) for sheet in sheets if sheet.name not in hidden_names)
    for sheet in sheets:
        is_list = _is_list(judged[sheet.number] if has_list else sheet)
        is_used = mapping.sheets.get(sheet.name or "", is_list and sheet.name not in hidden_names)
        sheet.is_used = is_used and mapping.sheet in (None, sheet.name)
    used = [sheet for sheet in sheets if sheet.is_used]
    for sheet in sheets:
        others = [judged[other.number] for other in used]
        own = judged[sheet.number]
        is_clear = _is_like_others(own, others) if sheet.is_used else _has_no_list(own)
        sheet.is_sure = is_clear and sheet.name not in hidden_names
    if len(used) > 1:  # their columns are named by sheet and letter
        for sheet in used:
            sheet.columns = opener.open_sheet(sheet.read_rows, sheet.name, sheet.number, is_alone=False).columns
    elif not used:
        left = [sheet for sheet in sheets if sheet.name not in [*hidden_names, *mapping.sheets]]
        left = [sheet for sheet in left if mapping.sheet in (None, sheet.name)]
        likeliest = max(left, key=lambda sheet: (has_people(sheet.columns), sheet.row_count), default=None)
        if likeliest is not None:
            likeliest.is_used = True
    return sheets
