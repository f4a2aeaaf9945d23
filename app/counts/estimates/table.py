"""A table of list patterns: how many people stand on exactly these lists, and a CSV file of it."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.counts.estimates.fits import Numbers

FEWEST_LISTS = 2
MOST_LISTS = 12  # 4,095 patterns: what can be fitted within seconds
MOST_COUNTED = 1_000_000_000  # people in one table: more are a mistake, and sums stay exact
COUNT = "count"
DELIMITERS = ",;\t"  # what spreadsheets write, by locale


class BadTable(ValueError):
    """The table cannot be read as list patterns; the message says where and what to do."""


@dataclass(frozen=True)
class Table:
    """List names in the given order, and for each pattern (bit i: on list i) the people with exactly that one."""

    lists: tuple[str, ...]
    people: Mapping[int, int]

    @property
    def observed(self) -> int:
        return sum(self.people.values())

    @cached_property
    def counts(self) -> Numbers:
        """People by pattern, one number for each mask from 0 on; patterns that nobody has are observed zeros."""
        return np.array([self.people.get(cell, 0) for cell in range(2 ** len(self.lists))], dtype=np.float64)

    def on_all(self, term: int) -> int:
        """People on every list of `term`, whatever else they are on."""
        return sum(number for cell, number in self.people.items() if cell & term == term)

    def on_exactly(self, number_of_lists: int) -> int:
        """People on so many lists."""
        return sum(number for cell, number in self.people.items() if cell.bit_count() == number_of_lists)

    @property
    def shared(self) -> int:
        """People on two lists or more: all that an estimate rests on."""
        return sum(number for cell, number in self.people.items() if cell.bit_count() > 1)

    def name(self, term: int) -> str:
        """The lists of `term` in the table's order, joined by colons."""
        return ":".join(name for bit, name in enumerate(self.lists) if term >> bit & 1)

    def sorted_names(self, term: int) -> tuple[str, ...]:
        """The lists of `term`: what does not depend on the order of columns."""
        return tuple(sorted(name for bit, name in enumerate(self.lists) if term >> bit & 1))


def table_of(lists: Sequence[str], patterns: Mapping[frozenset[str], int]) -> Table:
    """The table of people by the set of lists they are on. BadTable for what cannot be one."""
    _check_lists(lists)
    bits = {name: 1 << position for position, name in enumerate(lists)}
    people: dict[int, int] = {}
    for pattern, number in patterns.items():
        if unknown := sorted(pattern - bits.keys()):
            raise BadTable(f"A pattern names {unknown[0]!r}, which is none of the lists.")
        if not pattern:
            raise BadTable("A pattern without lists cannot have been seen: leave it out.")
        if number < 0:
            raise BadTable(f"The count of {' and '.join(sorted(pattern))} is negative.")
        if number:
            people[sum(bits[name] for name in pattern)] = number
    if sum(people.values()) > MOST_COUNTED:
        raise BadTable(f"More than {MOST_COUNTED:,} people: check the counts.")
    return Table(tuple(lists), people)


def _check_lists(lists: Sequence[str]) -> None:
    if len(lists) < FEWEST_LISTS:
        raise BadTable("An estimate needs at least two lists: it comes from whom they share.")
    if len(lists) > MOST_LISTS:
        raise BadTable(f"{len(lists)} lists are too many, {MOST_LISTS} are the most: merge the smallest ones.")
    if len(set(lists)) < len(lists):
        twice = next(name for name in lists if lists.count(name) > 1)
        raise BadTable(f"Two lists are called {twice!r}: give each its own name.")


def read_csv(data: bytes) -> tuple[tuple[str, ...], dict[frozenset[str], int]]:
    """List names and people by pattern from a table with a 0/1 column for each list and a column `count`.

    As spreadsheets write it: comma, semicolon or tab, UTF-8 or UTF-16 with or without its mark, Windows-1252; empty
    lines are passed over. Rows with the same pattern are added up, so a file with one row for each person will do.
    BadTable names the line that is wrong.
    """
    text = _text_of(data)
    delimiter = _delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadTable(f"This is not a CSV file ({error}).") from error
    if not rows:
        raise BadTable("The file is empty.")
    header = [name.strip() for name in rows[0][1]]
    place = _place_of_count(header)
    if unprintable := [position for position, name in enumerate(header, 1) if not name.isprintable()]:
        raise BadTable(
            f"The name of column {unprintable[0]} has a line break or a control character: write it plainly."
        )
    lists = tuple(name for position, name in enumerate(header) if position != place)
    if "" in lists:
        raise BadTable(f"Column {header.index('') + 1} has no name: name it after its list, or remove it.")
    _check_lists(lists)
    people: dict[frozenset[str], int] = {}
    for line, row in rows[1:]:
        pattern, number = _row(lists, place, [cell.strip() for cell in row], line)
        people[pattern] = people.get(pattern, 0) + number
    if not people:
        raise BadTable("The table has no rows below its header.")
    return lists, people


def _text_of(data: bytes) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "cp1252"]:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise BadTable("The file is not text: save it as CSV in UTF-8.")


def _delimiter_of(text: str) -> str:
    """The one that parts the header into most columns."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    try:
        return max(DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))
    except csv.Error as error:
        raise BadTable(f"This is not a CSV file ({error}).") from error


def _place_of_count(header: Sequence[str]) -> int:
    places = [position for position, name in enumerate(header) if name.casefold() == COUNT]
    if len(places) != 1:
        raise BadTable("The table needs one column `count`: the people with exactly the row's lists.")
    return places[0]


def _row(lists: Sequence[str], place: int, cells: list[str], line: int) -> tuple[frozenset[str], int]:
    if len(cells) != len(lists) + 1:
        raise BadTable(f"Line {line} has {len(cells)} columns, the header {len(lists) + 1}.")
    count = cells.pop(place)
    # Eleven digits are above the limit, and as many as one likes would take for ever to read.
    if not (count.isascii() and count.isdigit() and len(count) < 11):
        raise BadTable(f"Line {line}: count is {count[:40]!r}, not a whole number of people from 0 on.")
    for name, cell in zip(lists, cells, strict=True):
        if cell not in ("0", "1"):
            raise BadTable(f"Line {line}: {name} is {cell[:40]!r}; write 1 for on the list and 0 for not on it.")
    pattern = frozenset(name for name, cell in zip(lists, cells, strict=True) if cell == "1")
    if not pattern:
        raise BadTable(f"Line {line} is on no list: nobody can have seen these people, so remove it.")
    return pattern, int(count)
