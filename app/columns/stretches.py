"""Columns at several revisions at once, so that a question is asked of all of them together.

Most people stay as they are from one revision to the next. While nothing of a person changes lasts a *stretch*, and in
place of the keys of people and spells stand numbers of stretches: rows that are joined by key then hold at the same
revisions, and whatever chooses rows at one revision chooses them here, each with the revisions at which it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.columns.reading import Columns
from app.columns.rows import STANDS, Array, Places, Rows
from app.columns.table import Table
from app.columns.tables import PERSON, SINCE, UNTIL, Kept

# A bit of one whole number for each.
MOST_REVISIONS = 64
# Beside the columns of its table, a row has the place of the first revision at which it holds, and the one behind the
# last.
FROM, TO = "from", "to"
SPELL = "spell"

# What a question reads of a table: all of it, or the rows with a text in a column of codes.
Read = tuple[Kept, tuple[str, str] | None]


class _Numbered:
    """Numbers for the stretches of some keys. `cuts`: by key, a bit for each revision at which one begins, that of the
    first revision for every key that has any."""

    def __init__(self, cuts: Array) -> None:
        self.cuts = cuts
        number = np.bitwise_count(cuts)
        self._first = np.cumsum(number, dtype=np.int32) - number
        self.total = int(number.sum(dtype=np.int64))

    def at(self, keys: Array, revisions: Array) -> Array:
        """The numbers of the stretches in which these revisions are, by their places."""
        stretches: Array = self._first[keys] + np.bitwise_count(self.cuts[keys] & _up_to(revisions))
        return stretches - 1

    def first_from(self, key: int) -> int:
        """The first number of all keys from this one on."""
        return int(self._first[key]) if key < len(self._first) else self.total


@dataclass(frozen=True, kw_only=True)
class ColumnsOver(Columns):
    """Columns at some revisions. `parted`: the rows that a question reads, by table and by the value of a column;
    `numbers`: one more than the highest number of a stretch."""

    parted: dict[Read, Rows]
    numbers: int

    @property
    def keys(self) -> int:
        return self.numbers

    @property
    def size(self) -> int:
        """The bytes that they take."""
        return sum(rows.size for rows in self.parted.values())

    def rows(self, kept: Kept, _revision: int, within: tuple[str, str] | None = None) -> Rows:
        """The rows of a table that hold at any of the revisions."""
        return self.parted[kept, within]


class _Parts(Rows):
    """Rows with columns of their own (`own`) in place of those of the table."""

    def __init__(self, table: Table, places: Places, own: dict[str, Array]) -> None:
        super().__init__(table.arrays, places)
        self._table, self._own = table, own
        self._gathered |= own

    def at(self, places: Places) -> Rows:
        return _Parts(self._table, self._places[places], {name: column[places] for name, column in self._own.items()})


def over(columns: Columns, revisions: Sequence[int], read: Sequence[Read]) -> ColumnsOver:
    """The columns at these revisions, which ascend. `read`: all that the question reads."""
    number = len(revisions)
    assert number <= MOST_REVISIONS
    places = np.repeat(np.arange(number + 1, dtype=np.uint8), np.diff([-1, *revisions, columns.head + 1]))
    held = {each: _held(columns, each, places) for each in read}
    # Of a row that begins before all of them or ends after all of them no stretch begins there.
    bit = np.append(np.uint64(1) << np.arange(number, dtype=np.uint64), np.uint64(1))
    of_people, of_spells = np.zeros(columns.keys, np.uint64), np.zeros(columns.keys, np.uint64)
    for rows in held.values():
        np.bitwise_or.at(of_people, rows.person, bit[0] | bit[rows.begin] | bit[rows.end])
    for rows in held.values():  # a stretch of a spell is one of its person, or a part of it
        if rows.spell is not None:
            np.bitwise_or.at(of_spells, rows.spell, of_people[rows.person])
    people, spells = _Numbered(of_people), _Numbered(of_spells)
    first_apart = STANDS if columns.first_apart == STANDS else spells.first_from(columns.first_apart)
    return ColumnsOver(
        head=columns.head,
        rules=columns.rules,
        leaves=columns.leaves,
        tables=columns.tables,
        classes=columns.classes,
        codes=columns.codes,
        values=columns.values,
        are_personal=columns.are_personal,
        first_apart=first_apart,
        parted={each: _parted(columns.tables[each[0].name], rows, people, spells) for each, rows in held.items()},
        numbers=max(people.total, spells.total),
    )


class _Held(NamedTuple):
    """Rows that hold at any of the revisions: where each stands, from which to before which it holds, and of whom it
    is."""

    places: Places
    begin: Array
    end: Array
    person: Array
    spell: Array | None


def _held(columns: Columns, read: Read, places: Array) -> _Held:
    """`places`: by revision, how many of those asked for come before it."""
    kept, within = read
    table = columns.tables[kept.name]
    begin, end = places[table.column(SINCE)], places[np.minimum(table.column(UNTIL), len(places) - 1)]
    chosen = begin < end
    if within is not None:
        chosen &= table.column(within[0]) == columns.codes.of(within[1])
    rows = np.flatnonzero(chosen)
    spell = table.column(SPELL)[rows] if SPELL in kept.columns else None
    return _Held(rows, begin[rows], end[rows], table.column(PERSON)[rows], spell)


def _parted(table: Table, rows: _Held, people: _Numbered, spells: _Numbered) -> Rows:
    """Rows parted where stretches begin."""
    cuts = people.cuts[rows.person] if rows.spell is None else spells.cuts[rows.spell]
    of, begin, end = _parts(rows.begin, rows.end, cuts)
    own = {FROM: begin, TO: end, PERSON: people.at(rows.person[of], begin)}
    if rows.spell is not None:
        own[SPELL] = spells.at(rows.spell[of], begin)
    return _Parts(table, rows.places[of], own)


def _parts(begin: Array, end: Array, cuts: Array) -> tuple[Places, Array, Array]:
    """Of which row each part is, and from which to before which revision it holds."""
    of, parts = np.arange(len(begin)), []
    cuts = cuts & ~_up_to(begin) & _up_to(end - 1)
    while len(of):
        first = cuts & (~cuts + np.uint64(1))
        until = np.where(cuts, np.bitwise_count(first - np.uint64(1)), end)
        parts.append((of, begin, until))
        longer = np.flatnonzero(cuts)
        of, begin, end, cuts = of[longer], until[longer], end[longer], (cuts ^ first)[longer]
    if not parts:
        return of, begin, end
    places, begins, ends = zip(*parts, strict=True)
    return np.concatenate(places), np.concatenate(begins), np.concatenate(ends)


def _up_to(revisions: Array) -> Array:
    """The bits of all revisions up to each of these, by their places."""
    bits: Array = (np.uint64(2) << revisions.astype(np.uint64)) - np.uint64(1)
    return bits
