"""A row of cells made the body of a report, with what is wrong with it, column by column (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app.exchange.imports.cells import UnreadCell, plain, value
from app.exchange.imports.faults import Fault, letter
from app.exchange.imports.fields import FIELDS, GIVEN_NAMES, SURNAMES
from app.exchange.imports.genders import GENDER
from app.exchange.imports.headings import Column, day_of_ages
from app.exchange.imports.mapping import DAYS_OF_AGES, Mapping
from app.matching.fold import fold
from app.registry.content import AGE, AGE_ON
from app.registry.schemas import NAME_LENGTH

NAME = "detainee.full_name"
# Rows below a list that sum it up: nobody is called so.
SUMS = frozenset({"total", "totales", "subtotal", "gran total", "grand total", "totals", "total general"})
LONGEST_SUM = 20  # characters that are looked at: more than the longest of these has
Body = dict[str, Any]
REMEMBERED = 10_000  # cells: some megabytes
REPEATED = frozenset({"date", "code", "codes", "country", "countries"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number in the file: the body that it makes, or what is wrong with it. `columns`: the column that
    each field was read from, for telling where a body is wrong."""

    number: int
    body: Body | None
    faults: list[Fault]
    columns: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads the rows of one list."""

    def __init__(self, columns: Sequence[Column], mapping: Mapping, genders: dict[str, str] | None = None) -> None:
        """`genders`: what a letter means in this list, where its mapping does not say so."""
        self._columns = [column for column in columns if column.fields]
        self._width = len(columns)
        self._order = mapping.dates
        self._meanings = {**mapping.meanings, GENDER: (genders or {}) | mapping.meanings.get(GENDER, {})}
        self._constants = {name: mapping.constant(name) for name in mapping.constants}
        self._day_of_ages = mapping.age_on or day_of_ages(columns)
        # Of days, places and codes a list holds few, and each many times.
        self._value = lru_cache(maxsize=REMEMBERED)(self._said)
        self._letters = {name: column.letter for column in reversed(self._columns) for name in column.fields}

    def read(self, number: int, cells: Sequence[str], without: Sequence[int] = ()) -> Row:
        """The body of a row, or its faults. `without`: places of cells whose value the sheet does not hold."""
        faults: list[Fault] = []
        found: Body = dict(self._constants)
        for column in self._columns:
            if column.place in without:
                detail = "This cell has no value, only a formula or an error: put the value there."
                faults.append(Fault(column.letter, pointer_to(column.fields[0]), "formula", detail))
                continue
            cell = cells[column.place] if column.place < len(cells) else ""
            if not cell:
                continue
            try:
                text = plain(cell)
                if text:
                    self._take(found, column, text)
            except UnreadCell as error:
                faults.append(Fault(column.letter, pointer_to(column.fields[0]), error.code, str(error)))
        beyond = next((place for place in range(self._width, len(cells)) if cells[place].strip()), None)
        if beyond is not None:
            detail = "This row has more cells than there are headings: is a quotation mark or a delimiter wrong in it?"
            faults.append(Fault(letter(beyond), "", "too_many_cells", detail))
        _join_names(found)
        self._date_age(found)
        if sums_up(str(found.get(NAME, ""))):
            detail = "This row sums the list up: delete it."
            faults.append(Fault(self._letters.get(NAME), pointer_to(NAME), "not_a_person", detail))
        return Row(number, None if faults else unfold(found), faults, self._letters)

    def _date_age(self, found: Body) -> None:
        """Give the age of a row its day, where a heading or the mapping says which."""
        day = self._day_of_ages
        if day is None or AGE not in found or AGE_ON in found:
            return
        on = found.get(DAYS_OF_AGES[day]) if day in DAYS_OF_AGES else day
        if on is not None:
            found[AGE_ON] = on

    def _said(self, name: str, text: str) -> Any:
        return value(name, text, self._order, self._meanings.get(name))

    def _take(self, found: Body, column: Column, text: str) -> None:
        """Let the first of the column's fields that can read the cell have it; the last one's reason is told."""
        for name in column.fields:
            try:
                read = (self._value if FIELDS[name].kind in REPEATED else self._said)(name, text)
            except UnreadCell:
                if name == column.fields[-1]:
                    raise
                continue
            if too_long(name, read) and name != column.fields[-1]:
                continue
            if name == "note" and name in found:
                read = f"{found[name]}\n{read}"
            if read is not None:
                found[name] = read
            return


def sums_up(name: str) -> bool:
    """Whether what stands where a list has its names says that its row is a sum."""
    return fold(name[:LONGEST_SUM]) in SUMS


def too_long(name: str, read: Any) -> bool:
    """Whether a text is longer than its field takes, so that the next field of the column is asked."""
    texts = read if isinstance(read, list) else [read]
    return name != "note" and any(isinstance(text, str) and len(text) > NAME_LENGTH for text in texts)


def _join_names(found: Body) -> None:
    parts = [found.pop(name, None) for name in (GIVEN_NAMES, SURNAMES)]
    if any(parts) and NAME not in found:
        found[NAME] = " ".join(part for part in parts if part)


def unfold(found: Body) -> Body:
    """`{"release.kind": …}` → `{"release": {"kind": …}}`."""
    body: Body = {}
    for path, read in found.items():
        *sections, name = path.split(".")
        target = body
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = read
    return body


def pointer_to(name: str) -> str:
    return "/" + name.replace(".", "/")
