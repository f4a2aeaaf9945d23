"""Texts of columns as small whole numbers.

Which columns of which tables are kept, and as what.

All rows of one table in arrays, which grow at their end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from app.columns.rows import NULL, OPEN_UNTIL, Array, Places, Rows
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

NULL_CODE = 0  # the code of null
UNKNOWN_CODE = -1  # the code of a text that no row has


class Codes:
    """Text ↔ code. A text keeps its code for as long as the columns are held; null is NOTHING."""

    def __init__(self, texts: Sequence[str | None] = (None,)) -> None:
        """`texts`: by code, None where a code is no text's any more."""
        self._texts = [*texts]
        self._codes = {text: code for code, text in enumerate(texts) if text is not None} | {None: NULL_CODE}

    def add(self, text: str | None) -> int:
        """The code of a text, a new one where it has none."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return code

    def find_code(self, text: str) -> int:
        """The code of a text, UNKNOWN where no row has it."""
        return self._codes.get(text, UNKNOWN_CODE)

    def find_codes(self, texts: Iterable[str]) -> list[int]:
        return [self.find_code(text) for text in texts]

    def text(self, code: int) -> str | None:
        return self._texts[code]

    def texts(self) -> list[str | None]:
        """All texts by their codes."""
        return [*self._texts]

    def copy(self) -> "Codes":
        return Codes(self._texts)

    def restrict_to(self, codes: Collection[int]) -> "Codes":
        """The same codes without the texts of all but these: no row has those any more."""
        return Codes([text if code in codes else None for code, text in enumerate(self._texts)])


NUMBER, SMALL, CODE, VALUE, FLAG = "number", "small number", "code", "value of a personal dimension", "flag"
WORD = "word"  # of a text about a person: each of its words makes a row of its own
COLUMN_DTYPES: dict[str, DTypeLike] = {
    NUMBER: np.int32, SMALL: np.int16, CODE: np.int16, VALUE: np.int32, FLAG: np.bool_, WORD: np.int32,
}  # fmt: skip
# Beside its own columns every table keeps these.
SINCE_COLUMN, UNTIL_COLUMN, PERSON_COLUMN = "since", "until", "detainee"
NAME_COLUMN = "folded_name"


@dataclass(frozen=True, eq=False)  # each is itself alone
class TableSpec:
    """The columns that are kept of one table. `key`: those by which, with `since`, a row is known; `columns`: all but
    `since` and `until`, and as what each is kept; numbers can be null. A column of words is the last."""

    table: type[Any]
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def name(self) -> str:
        return str(self.table.__tablename__)

    @property
    def personal_column(self) -> str:
        """The column with texts about a person."""
        return next(name for name, kind in self.columns.items() if kind in (VALUE, WORD))


_SPELL_COLUMNS = {PERSON_COLUMN: NUMBER, "spell": NUMBER}
_DAY_COLUMNS = {"lo": NUMBER, "hi": NUMBER}
_END_COLUMNS = dict.fromkeys(("out_lo", "out_hi", "free_lo", "free_hi"), NUMBER) | {"next_hi": NUMBER}
_TERM_COLUMNS = {"country": CODE, "designation": CODE}
_CONSOLIDATED_COLUMNS = {"status": CODE, "independent_verified": SMALL, "withheld": FLAG}
_SOURCE_COLUMNS = {"source": NUMBER, "verdict": CODE, "independent": FLAG}
_RELEASE_COLUMNS = {"stage": CODE, "kind": CODE, **_DAY_COLUMNS, "next_hi": NUMBER}

RELEASES = TableSpec(
    ReleaseAtStage, ("spell", "stage"), {**_SPELL_COLUMNS, **_RELEASE_COLUMNS, **_TERM_COLUMNS, **_CONSOLIDATED_COLUMNS}
)
_STATED_COLUMNS = {"said_lo": NUMBER, "said_hi": NUMBER, "said_kind": CODE}
SOURCE_RELEASES = TableSpec(
    SourceRelease,
    ("spell", "stage", "source"),
    {**_SPELL_COLUMNS, **_RELEASE_COLUMNS, **_TERM_COLUMNS, **_SOURCE_COLUMNS, **_STATED_COLUMNS},
)
DETENTION_STATES = TableSpec(
    DetentionState,
    ("spell",),
    {**_SPELL_COLUMNS, **_DAY_COLUMNS, **_END_COLUMNS, "heard_hi": NUMBER, **_TERM_COLUMNS, **_CONSOLIDATED_COLUMNS},
)
SOURCE_DETENTIONS = TableSpec(
    SourceDetention,
    ("spell", "source"),
    {**_SPELL_COLUMNS, **_DAY_COLUMNS, **_END_COLUMNS, **_TERM_COLUMNS, **_SOURCE_COLUMNS},
)
FURTHEST_STAGES = TableSpec(Release, ("spell",), {**_SPELL_COLUMNS, "stage": CODE})
ARRESTS = TableSpec(
    Detention, ("spell",), {**_SPELL_COLUMNS, "detained_lo": NUMBER, "detained_hi": NUMBER, **_TERM_COLUMNS}
)
PEOPLE = TableSpec(Detainee, (PERSON_COLUMN,), {PERSON_COLUMN: NUMBER, "state": CODE, "rearrested": FLAG})
PLACEMENTS = TableSpec(Placement, ("record",), {PERSON_COLUMN: NUMBER, "record": NUMBER})
# Personal: rows of an erased person leave these.
TRAITS = TableSpec(Trait, ("spell", "name", "value"), {**_SPELL_COLUMNS, "name": CODE, "value": VALUE})
SOURCE_TRAITS = TableSpec(
    SourceTrait,
    ("spell", "source", "name", "value"),
    {**_SPELL_COLUMNS, "source": NUMBER, "name": CODE, "value": VALUE},
)
NAMES = TableSpec(DetaineePersonal, (PERSON_COLUMN, NAME_COLUMN), {PERSON_COLUMN: NUMBER, NAME_COLUMN: WORD})
PERSONAL_TABLES = (TRAITS, SOURCE_TRAITS, NAMES)
ALL_TABLES = (
    RELEASES, SOURCE_RELEASES, FURTHEST_STAGES, DETENTION_STATES, SOURCE_DETENTIONS, ARRESTS, PEOPLE, PLACEMENTS, TRAITS, SOURCE_TRAITS,
    NAMES,
)  # fmt: skip


# Room behind the rows of an array, by which it grows once it is full.
GROWTH_FACTOR = 1.25
MIN_CAPACITY = 1_024  # rows
NO_ROW = -1
# The chains, among the columns of a table that is saved.
NEWEST_ARRAY, PREVIOUS_ARRAY = "newest", "previous"

# Column → value, which tells a row: some columns may be the same in several, such as an open stage.
CodeFilter = tuple[str, int]


@dataclass
class _RowChains:
    """The rows of each person, the newest first. Tables that grew from one another share them: each passes over rows
    behind its last. `newest`: by person; `previous`: by row. A row is in `previous` before it is in `newest`."""

    newest: Array
    previous: Array


class Table:
    """The rows of a table as of a head, in the order of `since`. It does not change under a reader: `advance` makes the
    next one, which shares the arrays. What it writes into them, no reader of this one sees: rows behind the last, and
    an `until` beyond this head."""

    def __init__(self, head: int, arrays: dict[str, Array], length: int, chains: _RowChains) -> None:
        self.head = head
        self.is_rewritten = False
        # Since the table that this one grew from: the rows that ended, and where those that opened begin.
        self._ended_places: Places = np.empty(0, np.intp)
        self._previous_length = length
        self._arrays = arrays
        self._length = length
        self._chains = chains

    @classmethod
    def from_columns(cls, head: int, columns: Mapping[str, Array]) -> "Table":
        """The table of these rows, in any order."""
        order = np.argsort(columns[SINCE_COLUMN], kind="stable")
        arrays = {name: column[order] for name, column in columns.items()}
        person = arrays[PERSON_COLUMN]
        by_person = np.argsort(person, kind="stable")
        previous = np.full(len(person), NO_ROW, np.int32)
        has_same_person = person[by_person[1:]] == person[by_person[:-1]]
        previous[by_person[1:][has_same_person]] = by_person[:-1][has_same_person]
        newest = np.full(int(person.max(initial=0)) + 1, NO_ROW, np.int32)
        newest[person[by_person]] = by_person
        return cls(head, arrays, len(person), _RowChains(newest, previous))

    @classmethod
    def from_saved(cls, head: int, arrays: dict[str, Array], length: int) -> "Table":
        """The table of arrays that were saved with this many rows (`export_arrays`)."""
        newest, previous = arrays.pop(NEWEST_ARRAY), arrays.pop(PREVIOUS_ARRAY)
        return cls(head, arrays, length, _RowChains(newest, previous))

    def copy_for_saving(self) -> "Table":
        """The same table for whoever saves it while others grow it: they hang later rows onto the chains."""
        chains = _RowChains(self._chains.newest.copy(), self._chains.previous)
        return Table(self.head, self._arrays, self._length, chains)

    def export_arrays(self) -> dict[str, Array]:
        """The arrays as of the head, the chains among them. Only the newest rows of people come with their room, in
        which it says that there are none."""
        until = self.column(UNTIL_COLUMN)
        # Others may close rows meanwhile, for later heads than this one.
        arrays = {name: self.column(name) for name in self._arrays} | {
            UNTIL_COLUMN: np.where(until > self.head, OPEN_UNTIL, until)
        }
        chains = self._chains
        person_count = int(np.flatnonzero(chains.newest != NO_ROW).max(initial=-1)) + 1
        newest = np.full(compute_capacity(person_count), NO_ROW, np.int32)
        newest[:person_count] = chains.newest[:person_count]
        return arrays | {NEWEST_ARRAY: newest, PREVIOUS_ARRAY: chains.previous[: self._length]}

    def __len__(self) -> int:
        return self._length

    def column(self, name: str) -> Array:
        return self._arrays[name][: self._length]

    @property
    def arrays(self) -> dict[str, Array]:
        """The columns, with room behind the last row."""
        return self._arrays

    def select_rows_at(self, revision: int, code_filter: CodeFilter | None = None) -> Rows:
        """The rows that hold at a revision; `code_filter`: those with this value of a column."""
        since = self.column(SINCE_COLUMN)
        begun_count = int(
            np.searchsorted(since, since.dtype.type(revision), "right")
        )  # of another type it would be copied
        mask = self._arrays[UNTIL_COLUMN][:begun_count] > revision
        if code_filter is not None:
            name, value = code_filter
            mask &= self._arrays[name][:begun_count] == value
        return Rows(self._arrays, np.flatnonzero(mask))

    def advance_rows(self, rows: Rows, code_filter: CodeFilter | None = None) -> Rows:
        """The rows that hold at the head, from those that held at the head of the table that this one grew from."""
        opened_places = np.arange(self._previous_length, self._length)
        mask = self.column(UNTIL_COLUMN)[opened_places] > self.head
        if code_filter is not None:
            name, value = code_filter
            mask &= self.column(name)[opened_places] == value
        return rows.carry_over(self._arrays, self._ended_places, opened_places[mask])

    def rebase_rows(self, rows: Rows) -> Rows:
        """Rows of the table that this one grew from, which hold at an earlier revision."""
        return rows.carry_over(self._arrays, self._ended_places[:0], self._ended_places[:0])

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

    def advance(self, head: int, closed_rows: Mapping[int, int], opened_rows: Mapping[str, Array]) -> "Table":
        """The table as of a later head: rows closed, by their places, and rows opened since."""
        until = self._arrays[UNTIL_COLUMN]
        for place, revision in closed_rows.items():
            until[place] = revision
        table = self._append_rows(head, opened_rows)
        table._ended_places, table._previous_length = np.array(sorted(closed_rows), np.intp), self._length
        return table

    def _append_rows(self, head: int, opened_rows: Mapping[str, Array]) -> "Table":
        """The table as of a later head, with rows opened since."""
        count = len(opened_rows[SINCE_COLUMN])
        if not count:
            return Table(head, self._arrays, self._length, self._chains)
        order = np.argsort(opened_rows[SINCE_COLUMN], kind="stable")
        length = self._length + count
        arrays = {name: _ensure_capacity(array, length) for name, array in self._arrays.items()}
        for name, array in arrays.items():
            array[self._length : length] = opened_rows[name][order]
        people, chains = opened_rows[PERSON_COLUMN][order], self._chains
        chains.previous = _ensure_capacity(chains.previous, length)
        chains.newest = _ensure_capacity(chains.newest, int(people.max()) + 1, NO_ROW)
        for place, person in enumerate(people.tolist(), self._length):
            chains.previous[place] = chains.newest[person]
            chains.newest[person] = place
        return Table(head, arrays, length, chains)

    def rewrite_people(self, head: int, people: Collection[int], rows: Mapping[str, Array]) -> "Table":
        """The table with these rows of some people in place of all that it had of them: an erasure leaves none, and
        cuts others short."""
        is_retained = ~np.isin(self.column(PERSON_COLUMN), list(people))
        columns = {name: np.concatenate([self.column(name)[is_retained], rows[name]]) for name in self._arrays}
        table = Table.from_columns(head, columns)
        table.is_rewritten = True
        return table


def _ensure_capacity(array: Array, length: int, fill: int = NULL) -> Array:
    """The array itself where it is long enough, else a longer copy."""
    if length <= len(array):
        return array
    longer = np.full(compute_capacity(length), fill if array.dtype == np.int32 else 0, array.dtype)
    longer[: len(array)] = array
    return longer


def compute_capacity(length: int) -> int:
    """How long an array is made that must hold so many."""
    return max(MIN_CAPACITY, int(length * GROWTH_FACTOR))
