"""Texts of columns as small whole numbers.

Which columns of which tables are kept, and as what.

All rows of one table in arrays, which grow at their end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from app.columns.rows import NONE, STANDS, Array, Places, Rows
from app.models import (
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    Trait,
)

NOTHING = 0  # the code of null
UNKNOWN = -1  # the code of a text that no row has


class Codes:
    """Text ↔ code. A text keeps its code for as long as the columns are held; null is NOTHING."""

    def __init__(self, texts: Sequence[str | None] = (None,)) -> None:
        """`texts`: by code, None where a code is no text's any more."""
        self._texts = [*texts]
        self._codes = {text: code for code, text in enumerate(texts) if text is not None} | {None: NOTHING}

    def add(self, text: str | None) -> int:
        """The code of a text, a new one where it has none."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return code

    def of(self, text: str) -> int:
        """The code of a text, UNKNOWN where no row has it."""
        return self._codes.get(text, UNKNOWN)

    def each(self, texts: Iterable[str]) -> list[int]:
        return [self.of(text) for text in texts]

    def text(self, code: int) -> str | None:
        return self._texts[code]

    def texts(self) -> list[str | None]:
        """All texts by their codes."""
        return [*self._texts]

    def copy(self) -> "Codes":
        return Codes(self._texts)

    def without_others(self, codes: Collection[int]) -> "Codes":
        """The same codes without the texts of all but these: no row has those any more."""
        return Codes([text if code in codes else None for code, text in enumerate(self._texts)])


NUMBER, SMALL, CODE, VALUE, FLAG = "number", "small number", "code", "value of a personal dimension", "flag"
WORD = "word"  # of a text about a person: each of its words makes a row of its own
TYPES: dict[str, DTypeLike] = {
    NUMBER: np.int32, SMALL: np.int16, CODE: np.int16, VALUE: np.int32, FLAG: np.bool_, WORD: np.int32,
}  # fmt: skip
# Beside its own columns every table keeps these.
SINCE, UNTIL, PERSON = "since", "until", "detainee"
NAME = "folded_name"


@dataclass(frozen=True, eq=False)  # each is itself alone
class Kept:
    """The columns that are kept of one table. `key`: those by which, with `since`, a row is known; `columns`: all but
    `since` and `until`, and as what each is kept; numbers can be null. A column of words is the last."""

    table: type[Any]
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def name(self) -> str:
        return str(self.table.__tablename__)

    @property
    def personal(self) -> str:
        """The column with texts about a person."""
        return next(name for name, kind in self.columns.items() if kind in (VALUE, WORD))


_SPELL = {PERSON: NUMBER, "spell": NUMBER}
_DAYS = {"lo": NUMBER, "hi": NUMBER}
_ENDS = dict.fromkeys(("out_lo", "out_hi", "free_lo", "free_hi"), NUMBER) | {"next_hi": NUMBER}
_TERMS = {"country": CODE, "designation": CODE}
_TOGETHER = {"status": CODE, "independent_verified": SMALL, "withheld": FLAG}
_OWN = {"source": NUMBER, "verdict": CODE, "independent": FLAG}
_RELEASED = {"stage": CODE, "kind": CODE, **_DAYS, "next_hi": NUMBER}

RELEASES = Kept(ReleaseAtStage, ("spell", "stage"), {**_SPELL, **_RELEASED, **_TERMS, **_TOGETHER})
_SAID = {"said_lo": NUMBER, "said_hi": NUMBER, "said_kind": CODE}
SOURCE_RELEASES = Kept(SourceRelease, ("spell", "stage", "source"), {**_SPELL, **_RELEASED, **_TERMS, **_OWN, **_SAID})
HELD = Kept(DetentionState, ("spell",), {**_SPELL, **_DAYS, **_ENDS, "heard_hi": NUMBER, **_TERMS, **_TOGETHER})
SOURCE_HELD = Kept(SourceDetention, ("spell", "source"), {**_SPELL, **_DAYS, **_ENDS, **_TERMS, **_OWN})
FURTHEST_STAGES = Kept(Release, ("spell",), {**_SPELL, "stage": CODE})
ARRESTS = Kept(Detention, ("spell",), {**_SPELL, "detained_lo": NUMBER, "detained_hi": NUMBER, **_TERMS})
PEOPLE = Kept(Detainee, (PERSON,), {PERSON: NUMBER, "state": CODE, "rearrested": FLAG})
PLACEMENTS = Kept(Placement, ("record",), {PERSON: NUMBER, "record": NUMBER})
# Personal: rows of an erased person leave these.
TRAITS = Kept(Trait, ("spell", "name", "value"), {**_SPELL, "name": CODE, "value": VALUE})
SOURCE_TRAITS = Kept(
    SourceTrait, ("spell", "source", "name", "value"), {**_SPELL, "source": NUMBER, "name": CODE, "value": VALUE}
)
NAMES = Kept(DetaineePersonal, (PERSON, NAME), {PERSON: NUMBER, NAME: WORD})
PERSONAL = (TRAITS, SOURCE_TRAITS, NAMES)
EVERY = (
    RELEASES, SOURCE_RELEASES, FURTHEST_STAGES, HELD, SOURCE_HELD, ARRESTS, PEOPLE, PLACEMENTS, TRAITS, SOURCE_TRAITS,
    NAMES,
)  # fmt: skip


# Room behind the rows of an array, by which it grows once it is full.
ROOM = 1.25
LEAST_ROOM = 1_024  # rows
NO_ROW = -1
# The chains, among the columns of a table that is saved.
NEWEST, PREVIOUS = "newest", "previous"

# Column → value, which tells a row: some columns may be the same in several, such as an open stage.
Within = tuple[str, int]


@dataclass
class _Chains:
    """The rows of each person, the newest first. Tables that grew from one another share them: each passes over rows
    behind its last. `newest`: by person; `previous`: by row. A row is in `previous` before it is in `newest`."""

    newest: Array
    previous: Array


class Table:
    """The rows of a table as of a head, in the order of `since`. It does not change under a reader: `grown` makes the
    next one, which shares the arrays. What it writes into them, no reader of this one sees: rows behind the last, and
    an `until` beyond this head."""

    def __init__(self, head: int, arrays: dict[str, Array], length: int, chains: _Chains) -> None:
        self.head = head
        self.is_rewritten = False
        # Since the table that this one grew from: the rows that ended, and where those that opened begin.
        self._ended: Places = np.empty(0, np.intp)
        self._before = length
        self._arrays = arrays
        self._length = length
        self._chains = chains

    @classmethod
    def of(cls, head: int, columns: Mapping[str, Array]) -> "Table":
        """The table of these rows, in any order."""
        order = np.argsort(columns[SINCE], kind="stable")
        arrays = {name: column[order] for name, column in columns.items()}
        person = arrays[PERSON]
        by_person = np.argsort(person, kind="stable")
        previous = np.full(len(person), NO_ROW, np.int32)
        follows = person[by_person[1:]] == person[by_person[:-1]]
        previous[by_person[1:][follows]] = by_person[:-1][follows]
        newest = np.full(int(person.max(initial=0)) + 1, NO_ROW, np.int32)
        newest[person[by_person]] = by_person
        return cls(head, arrays, len(person), _Chains(newest, previous))

    @classmethod
    def saved(cls, head: int, arrays: dict[str, Array], length: int) -> "Table":
        """The table of arrays that were saved with this many rows (`as_saved`)."""
        newest, previous = arrays.pop(NEWEST), arrays.pop(PREVIOUS)
        return cls(head, arrays, length, _Chains(newest, previous))

    def apart(self) -> "Table":
        """The same table for whoever saves it while others grow it: they hang later rows onto the chains."""
        chains = _Chains(self._chains.newest.copy(), self._chains.previous)
        return Table(self.head, self._arrays, self._length, chains)

    def as_saved(self) -> dict[str, Array]:
        """The arrays as of the head, the chains among them. Only the newest rows of people come with their room, in
        which it says that there are none."""
        until = self.column(UNTIL)
        # Others may close rows meanwhile, for later heads than this one.
        arrays = {name: self.column(name) for name in self._arrays} | {
            UNTIL: np.where(until > self.head, STANDS, until)
        }
        chains = self._chains
        known = int(np.flatnonzero(chains.newest != NO_ROW).max(initial=-1)) + 1
        newest = np.full(with_room(known), NO_ROW, np.int32)
        newest[:known] = chains.newest[:known]
        return arrays | {NEWEST: newest, PREVIOUS: chains.previous[: self._length]}

    def __len__(self) -> int:
        return self._length

    def column(self, name: str) -> Array:
        return self._arrays[name][: self._length]

    @property
    def arrays(self) -> dict[str, Array]:
        """The columns, with room behind the last row."""
        return self._arrays

    def standing(self, revision: int, within: Within | None = None) -> Rows:
        """The rows that hold at a revision; `within`: those with this value of a column."""
        since = self.column(SINCE)
        begun = int(np.searchsorted(since, since.dtype.type(revision), "right"))  # of another type it would be copied
        mask = self._arrays[UNTIL][:begun] > revision
        if within is not None:
            name, value = within
            mask &= self._arrays[name][:begun] == value
        return Rows(self._arrays, np.flatnonzero(mask))

    def still_standing(self, rows: Rows, within: Within | None = None) -> Rows:
        """The rows that hold at the head, from those that held at the head of the table that this one grew from."""
        opened = np.arange(self._before, self._length)
        mask = self.column(UNTIL)[opened] > self.head
        if within is not None:
            name, value = within
            mask &= self.column(name)[opened] == value
        return rows.grown(self._arrays, self._ended, opened[mask])

    def with_arrays(self, rows: Rows) -> Rows:
        """Rows of the table that this one grew from, which hold at an earlier revision."""
        return rows.grown(self._arrays, self._ended[:0], self._ended[:0])

    def places(self, people: Collection[int]) -> Iterator[int]:
        """Where the rows of these people stand."""
        chains = self._chains
        for person in people:
            newest = chains.newest
            place = int(newest[person]) if person < len(newest) else NO_ROW
            while place != NO_ROW:
                if place < self._length:
                    yield place
                place = int(chains.previous[place])

    def row(self, place: int, names: Collection[str]) -> tuple[int, ...]:
        return tuple(int(self._arrays[name][place]) for name in names)

    def grown(self, head: int, closed: Mapping[int, int], opened: Mapping[str, Array]) -> "Table":
        """The table as of a later head: rows closed, by their places, and rows opened since."""
        until = self._arrays[UNTIL]
        for place, revision in closed.items():
            until[place] = revision
        grown = self._with(head, opened)
        grown._ended, grown._before = np.array(sorted(closed), np.intp), self._length
        return grown

    def _with(self, head: int, opened: Mapping[str, Array]) -> "Table":
        """The table as of a later head, with rows opened since."""
        number = len(opened[SINCE])
        if not number:
            return Table(head, self._arrays, self._length, self._chains)
        order = np.argsort(opened[SINCE], kind="stable")
        length = self._length + number
        arrays = {name: _with_room(array, length) for name, array in self._arrays.items()}
        for name, array in arrays.items():
            array[self._length : length] = opened[name][order]
        people, chains = opened[PERSON][order], self._chains
        chains.previous = _with_room(chains.previous, length)
        chains.newest = _with_room(chains.newest, int(people.max()) + 1, NO_ROW)
        for place, person in enumerate(people.tolist(), self._length):
            chains.previous[place] = chains.newest[person]
            chains.newest[person] = place
        return Table(head, arrays, length, chains)

    def rewritten(self, head: int, people: Collection[int], rows: Mapping[str, Array]) -> "Table":
        """The table with these rows of some people in place of all that it had of them: an erasure leaves none, and
        cuts others short."""
        kept = ~np.isin(self.column(PERSON), list(people))
        columns = {name: np.concatenate([self.column(name)[kept], rows[name]]) for name in self._arrays}
        table = Table.of(head, columns)
        table.is_rewritten = True
        return table


def _with_room(array: Array, length: int, fill: int = NONE) -> Array:
    """The array itself where it is long enough, else a longer copy."""
    if length <= len(array):
        return array
    longer = np.full(with_room(length), fill if array.dtype == np.int32 else 0, array.dtype)
    longer[: len(array)] = array
    return longer


def with_room(length: int) -> int:
    """How long an array is made that must hold so many."""
    return max(LEAST_ROOM, int(length * ROOM))
