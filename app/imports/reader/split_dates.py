"""Join a date that stands in columns of its day, month and year (pure)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.imports.formats.csv import Cells
from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.layout import HeadingRow
from app.imports.reader.sheet_dates import MONTHS, strip_accents
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
    """Return the date as ISO 8601 if its parts are plain numbers or months; else as it stands, to be a fault."""
    day, month, year = (parts.get(part, "").removesuffix(".0") for part in (DAY, MONTH, YEAR))
    number = MONTHS.get(strip_accents(month.strip(".")))
    month = str(number) if number is not None else month
    numbers = [text for text in (year, month, day) if text]
    if len(year) == len("2025") and all(map(str.isdecimal, numbers)) and (month or not day):
        return "-".join(text.zfill(2) for text in numbers)
    return " / ".join(text for text in (day, month, year) if text)
