"""Columns at several revisions at once, so that a question is asked of all of them together.

Most people stay as they are from one revision to the next. While nothing of a person changes lasts a *stretch*, and in
place of the keys of people and spells stand numbers of stretches: rows that are joined by key then hold at the same
revisions, and whatever chooses rows at one revision chooses them here, each with the revisions at which it holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

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
    """Columns at some revisions. `people`, `spells`: the stretches; `places`: by revision, how many of those asked for
    come before it; `read`: the tables of which the stretches are; `of`: rows that were asked for."""

    people: _Numbered
    spells: _Numbered
    places: Array
    read: Collection[str]
    of: dict[tuple[str, tuple[str, str] | None], Rows] = field(default_factory=dict)

    @property
    def keys(self) -> int:
        return max(self.people.total, self.spells.total)

    @property
    def size(self) -> int:
        """The bytes that they take."""
        numbers = 2 * self.people.cuts.nbytes + 2 * self.spells.cuts.nbytes
        return numbers + self.places.nbytes + sum(2 * rows.size for rows in [*self.of.values()])

    def rows(self, kept: Kept, _revision: int, within: tuple[str, str] | None = None) -> Rows:
        """The rows of a table that hold at any of the revisions."""
        found = self.of.get((kept.name, within))
        if found is None:
            found = self.of[kept.name, within] = self._rows(kept, within)
        return found

    def _rows(self, kept: Kept, within: tuple[str, str] | None) -> Rows:
        if kept.name not in self.read:
            raise KeyError(kept.name)
        table = self.tables[kept.name]
        places, begin, end = _held(table, self.places)
        if within is not None:
            chosen = np.flatnonzero(table.column(within[0])[places] == self.codes.of(within[1]))
            places, begin, end = places[chosen], begin[chosen], end[chosen]
        by_spell = SPELL in kept.columns
        cuts = (self.spells if by_spell else self.people).cuts[table.column(SPELL if by_spell else PERSON)[places]]
        of, begin, end = _parted(begin, end, cuts)
        places = places[of]
        own = {FROM: begin, TO: end, PERSON: self.people.at(table.column(PERSON)[places], begin)}
        if by_spell:
            own[SPELL] = self.spells.at(table.column(SPELL)[places], begin)
        return Rows(_Gathered(table, places, own), np.arange(len(places)))


class _Gathered(dict[str, Array]):
    """The columns of some rows, gathered when they are asked for."""

    def __init__(self, table: Table, places: Places, own: dict[str, Array]) -> None:
        """`own`: those that stand in place of the table's."""
        super().__init__(own)
        self._table, self._places = table, places

    def __missing__(self, name: str) -> Array:
        column = self[name] = self._table.column(name)[self._places]
        return column


def over(columns: Columns, revisions: Sequence[int], read: Sequence[Kept]) -> ColumnsOver:
    """The columns at these revisions, which ascend. `read`: the tables that the question reads."""
    number = len(revisions)
    assert number <= MOST_REVISIONS
    places = np.repeat(np.arange(number + 1, dtype=np.uint8), np.diff([-1, *revisions, columns.head + 1]))
    # Of a row that begins before all of them or ends after all of them no stretch begins there.
    bit = np.append(np.uint64(1) << np.arange(number, dtype=np.uint64), np.uint64(1))
    people, spells = np.zeros(columns.keys, np.uint64), np.zeros(columns.keys, np.uint64)
    of_spells = []
    for kept in read:
        table = columns.tables[kept.name]
        rows, begin, end = _held(table, places)
        person = table.column(PERSON)[rows]
        np.bitwise_or.at(people, person, bit[0] | bit[begin] | bit[end])
        if SPELL in kept.columns:
            of_spells.append((table.column(SPELL)[rows], person))
    for spell, person in of_spells:  # a stretch of a spell is one of its person, or a part of it
        np.bitwise_or.at(spells, spell, people[person])
    numbered = _Numbered(spells)
    first_apart = STANDS if columns.first_apart == STANDS else numbered.first_from(columns.first_apart)
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
        people=_Numbered(people),
        spells=numbered,
        places=places,
        read={kept.name for kept in read},
    )


def _held(table: Table, places: Array) -> tuple[Places, Array, Array]:
    """The rows that hold at any of the revisions: where each stands, and from which to before which it holds."""
    begin, end = places[table.column(SINCE)], places[np.minimum(table.column(UNTIL), len(places) - 1)]
    rows = np.flatnonzero(begin < end)
    return rows, begin[rows], end[rows]


def _parted(begin: Array, end: Array, cuts: Array) -> tuple[Places, Array, Array]:
    """Rows parted where stretches begin: of which row each part is, and from which to before which revision it
    holds."""
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
