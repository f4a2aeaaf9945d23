"""Tables in arrays that grow at the end, the specification of their columns, and codes for texts."""

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
    """A bidirectional map of texts and codes. A text's code never changes while the columns are loaded; null is
    NULL_CODE."""

    def __init__(self, texts: Sequence[str | None] = (None,)) -> None:
        """`texts`: by code; None where a code is no longer used."""
        self._texts = [*texts]
        self._codes = {text: code for code, text in enumerate(texts) if text is not None} | {None: NULL_CODE}

    def add(self, text: str | None) -> int:
        """Return the code of a text; assign a new one if it has none."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return code

    def find_code(self, text: str) -> int:
        """Return the code of a text, UNKNOWN_CODE if no row has it."""
        return self._codes.get(text, UNKNOWN_CODE)

    def find_codes(self, texts: Iterable[str]) -> list[int]:
        return [self.find_code(text) for text in texts]

    def text(self, code: int) -> str | None:
        return self._texts[code]

    def texts(self) -> list[str | None]:
        """Return all texts by code."""
        return [*self._texts]

    def copy(self) -> "Codes":
        return Codes(self._texts)

    def restrict_to(self, codes: Collection[int]) -> "Codes":
        """Return the same codes with only these texts."""
        return Codes([text if code in codes else None for code, text in enumerate(self._texts)])


NUMBER, SMALL, CODE, VALUE, FLAG = "number", "small number", "code", "value of a personal dimension", "flag"
WORD = "word"  # of a text about a person: the table has one row per word
COLUMN_DTYPES: dict[str, DTypeLike] = {
    NUMBER: np.int32, SMALL: np.int16, CODE: np.int16, VALUE: np.int32, FLAG: np.bool_, WORD: np.int32,
}  # fmt: skip
# Columns that every table has in addition to its own.
SINCE_COLUMN, UNTIL_COLUMN, PERSON_COLUMN = "since", "until", "detainee"
NAME_COLUMN = "folded_name"


@dataclass(frozen=True, eq=False)  # compared by identity
class TableSpec:
    """The columns of one table.

    `key`: columns that identify a row, together with `since`. `columns`: all except `since` and `until`, with their
    types; numbers can be null. A column of words is last."""

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
_ARREST_COLUMNS = {"detained_lo": NUMBER, "detained_hi": NUMBER}
_END_COLUMNS = dict.fromkeys(
    ("out_lo", "out_hi", "free_lo", "free_hi", "sure_lo", "sure_hi", "free_sure_hi"), NUMBER
) | {"next_hi": NUMBER, "heard_hi": NUMBER, "ended": CODE}
_TERM_COLUMNS = {"country": CODE, "designation": CODE}
_CONSOLIDATED_COLUMNS = {"status": CODE, "independent_verified": SMALL, "withheld": FLAG, "is_denied": FLAG}
_SOURCE_COLUMNS = {"source": NUMBER, "verdict": CODE, "independent": FLAG, "status": CODE, "review": CODE}
_RELEASE_COLUMNS = {"stage": CODE, "kind": CODE, **_DAY_COLUMNS, "next_hi": NUMBER}

RELEASES = TableSpec(
    ReleaseAtStage,
    ("spell", "stage"),
    {**_SPELL_COLUMNS, **_RELEASE_COLUMNS, **_TERM_COLUMNS, **_CONSOLIDATED_COLUMNS},
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
    {**_SPELL_COLUMNS, **_ARREST_COLUMNS, **_DAY_COLUMNS, **_END_COLUMNS, **_TERM_COLUMNS, **_CONSOLIDATED_COLUMNS},
)
SOURCE_DETENTIONS = TableSpec(
    SourceDetention,
    ("spell", "source"),
    {**_SPELL_COLUMNS, **_ARREST_COLUMNS, **_DAY_COLUMNS, **_END_COLUMNS, **_TERM_COLUMNS, **_SOURCE_COLUMNS},
)
FURTHEST_STAGES = TableSpec(Release, ("spell",), {**_SPELL_COLUMNS, "stage": CODE})
ARRESTS = TableSpec(Detention, ("spell",), {**_SPELL_COLUMNS, **_ARREST_COLUMNS, **_TERM_COLUMNS})
PEOPLE = TableSpec(Detainee, (PERSON_COLUMN,), {PERSON_COLUMN: NUMBER, "state": CODE, "rearrested": FLAG})
PLACEMENTS = TableSpec(Placement, ("record",), {PERSON_COLUMN: NUMBER, "record": NUMBER})
# Personal tables: the rows of an erased person are removed from these.
TRAITS = TableSpec(Trait, ("spell", "name", "value"), {**_SPELL_COLUMNS, "name": CODE, "value": VALUE})
SOURCE_TRAITS = TableSpec(
    SourceTrait,
    ("spell", "source", "name", "value"),
    {**_SPELL_COLUMNS, "source": NUMBER, "name": CODE, "value": VALUE},
)
NAMES = TableSpec(DetaineePersonal, (PERSON_COLUMN, NAME_COLUMN), {PERSON_COLUMN: NUMBER, NAME_COLUMN: WORD})
PERSONAL_TABLES = (TRAITS, SOURCE_TRAITS, NAMES)
ALL_TABLES = (
    RELEASES, SOURCE_RELEASES, FURTHEST_STAGES, DETENTION_STATES, SOURCE_DETENTIONS, ARRESTS, PEOPLE, PLACEMENTS,
    TRAITS, SOURCE_TRAITS, NAMES,
)  # fmt: skip


# Factor by which a full array grows.
GROWTH_FACTOR = 1.25
MIN_CAPACITY = 1_024  # rows
NO_ROW = -1
# The arrays of the row chains in a saved table.
NEWEST_ARRAY, PREVIOUS_ARRAY = "newest", "previous"

# Column and value that select rows, such as one stage.
CodeFilter = tuple[str, int]


@dataclass
class _RowChains:
    """The rows of each person as linked lists, newest first.

    Tables that grew from one another share them, and each skips rows beyond its own length. `newest`: by person.
    `previous`: by row. A row is added to `previous` before `newest`."""

    newest: Array
    previous: Array


class Table:
    """The rows of a table as of a head, ordered by `since`.

    A table does not change for its readers. `advance` returns the next one, which shares the arrays and writes only
    what readers of this one ignore: rows beyond its length, and an `until` beyond its head."""

    def __init__(self, head: int, arrays: dict[str, Array], length: int, chains: _RowChains) -> None:
        self.head = head
        self.is_rewritten = False
        # Compared with the table this one grew from: rows that ended, and where new rows begin.
        self._ended_places: Places = np.empty(0, np.intp)
        self._previous_length = length
        self._arrays = arrays
        self._length = length
        self._chains = chains

    @classmethod
    def from_columns(cls, head: int, columns: Mapping[str, Array]) -> "Table":
        """Build a table from rows in any order."""
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
        """Build a table from saved arrays (`export_arrays`) with this many rows."""
        newest, previous = arrays.pop(NEWEST_ARRAY), arrays.pop(PREVIOUS_ARRAY)
        return cls(head, arrays, length, _RowChains(newest, previous))

    def copy_for_saving(self) -> "Table":
        """Return a copy that can be saved while others append rows to the original's chains."""
        chains = _RowChains(self._chains.newest.copy(), self._chains.previous)
        return Table(self.head, self._arrays, self._length, chains)

    def export_arrays(self) -> dict[str, Array]:
        """Return the arrays as of the head, including the chains.

        Only `newest` includes its spare room, which must be filled with NO_ROW."""
        until = self.column(UNTIL_COLUMN)
        # Others may close rows meanwhile, for later heads.
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
        """The columns, including the spare room after the last row."""
        return self._arrays

    def select_rows_at(self, revision: int, code_filter: CodeFilter | None = None) -> Rows:
        """Return the rows valid at a revision. `code_filter`: only those with this value in a column."""
        since = self.column(SINCE_COLUMN)
        # A number of another type would make numpy copy the column.
        begun_count = int(np.searchsorted(since, since.dtype.type(revision), "right"))
        mask = self._arrays[UNTIL_COLUMN][:begun_count] > revision
        if code_filter is not None:
            name, value = code_filter
            mask &= self._arrays[name][:begun_count] == value
        return Rows(self._arrays, np.flatnonzero(mask))

    def advance_rows(self, rows: Rows, code_filter: CodeFilter | None = None) -> Rows:
        """Return the rows valid at the head, given those valid at the head of the table this one grew from."""
        opened_places = np.arange(self._previous_length, self._length)
        mask = self.column(UNTIL_COLUMN)[opened_places] > self.head
        if code_filter is not None:
            name, value = code_filter
            mask &= self.column(name)[opened_places] == value
        return rows.carry_over(self._arrays, self._ended_places, opened_places[mask])

    def rebase_rows(self, rows: Rows) -> Rows:
        """Return rows of the table this one grew from, for an earlier revision."""
        return rows.carry_over(self._arrays, self._ended_places[:0], self._ended_places[:0])

    def places(self, people: Collection[int]) -> Iterator[int]:
        """Yield the places of the rows of these people."""
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
        """Return the table as of a later head. `closed_rows`: place → `until`."""
        until = self._arrays[UNTIL_COLUMN]
        for place, revision in closed_rows.items():
            until[place] = revision
        table = self._append_rows(head, opened_rows)
        table._ended_places, table._previous_length = np.array(sorted(closed_rows), np.intp), self._length
        return table

    def _append_rows(self, head: int, opened_rows: Mapping[str, Array]) -> "Table":
        """Return the table as of a later head with new rows."""
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
        """Return the table with these rows replacing all rows of some people, as after an erasure."""
        is_retained = ~np.isin(self.column(PERSON_COLUMN), list(people))
        columns = {name: np.concatenate([self.column(name)[is_retained], rows[name]]) for name in self._arrays}
        table = Table.from_columns(head, columns)
        table.is_rewritten = True
        return table


def _ensure_capacity(array: Array, length: int, fill: int = NULL) -> Array:
    """Return the array if it is long enough, otherwise a longer copy."""
    if length <= len(array):
        return array
    longer = np.full(compute_capacity(length), fill if array.dtype == np.int32 else 0, array.dtype)
    longer[: len(array)] = array
    return longer


def compute_capacity(length: int) -> int:
    """Return the capacity to allocate for an array of this length."""
    return max(MIN_CAPACITY, int(length * GROWTH_FACTOR))
