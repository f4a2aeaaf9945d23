"""Read columns from the tables: all rows, or only those of people affected by entries since."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Result, bindparam, func, select, union
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import NULL, OPEN_UNTIL, Array, HasSizeT, RecentRows, Rows
from app.columns.table import (
    ALL_TABLES,
    CODE,
    COLUMN_DTYPES,
    NAMES,
    NUMBER,
    PERSONAL_TABLES,
    SINCE_COLUMN,
    UNTIL_COLUMN,
    VALUE,
    WORD,
    CodeFilter,
    Codes,
    Table,
    TableSpec,
)
from app.db.engine import split_into_chunks
from app.memory import pause_collection
from app.models import CURRENT_CLASSES, ChangedPerson, Detainee, Entry, Head, Placement, Record
from app.models.log import RowsVersion
from app.vocabulary import ReleaseStatus

T = TypeVar("T")

# Rows converted to arrays at a time: some 10 MB of Python objects.
READ_BATCH_ROWS = 50_000
# Above this many changed people (comparing them takes seconds) all columns are read again. Renaming a large facility
# may do that.
MAX_CHANGED_PEOPLE = 20_000

# Leaf hashes retained for the last entries: a session may be older than entries that others have read meanwhile.
MAX_LEAVES = 1_000
MAX_SESSION_SECONDS = 60.0  # longer than any query may take

_HEAD_QUERY = select(
    col(Head.revision),
    select(col(Entry.leaf_hash)).where(col(Entry.revision) == col(Head.revision)).scalar_subquery(),
    select(col(Entry.leaf_hash)).where(col(Entry.revision) == bindparam("columns_head")).scalar_subquery(),
)
_LEAVES_QUERY = select(col(Entry.revision), col(Entry.leaf_hash)).where(
    col(Entry.revision) > bindparam("after"), col(Entry.revision) <= bindparam("to")
)
CHANGED_PEOPLE_QUERY = union(
    select(col(ChangedPerson.detainee)).where(col(ChangedPerson.revision) > bindparam("after")),
    select(col(Detainee.detainee)).where(col(Detainee.detainee) > bindparam("after")),
)
_CLASSES_QUERY = select(col(Record.key), col(Record.publish_now))
_CLASSES_BY_PERSON_QUERY = _CLASSES_QUERY.join(Placement, col(Placement.record) == col(Record.key)).where(
    col(Placement.detainee).in_(bindparam("keys", expanding=True))
)


def _build_statement(spec: TableSpec) -> Any:
    table: Any = spec.table
    columns = ((getattr(table, name), kind) for name, kind in spec.columns.items())
    return select(
        table.since, table.until, *(_coalesce_null(column) if kind == NUMBER else column for column, kind in columns)
    )


def _coalesce_null(column: Any) -> Any:
    """The database converts nulls faster than a check of each number in Python."""
    return func.coalesce(column, NULL) if column.property.columns[0].nullable else column


_ALL_ROWS_STATEMENTS = {
    spec.name: _build_statement(spec).execution_options(yield_per=READ_BATCH_ROWS) for spec in ALL_TABLES
}
_ROWS_BY_PERSON_STATEMENTS = {
    spec.name: _build_statement(spec).where(
        getattr(spec.table, table.PERSON_COLUMN).in_(bindparam("keys", expanding=True))
    )
    for spec in ALL_TABLES
}


@dataclass(frozen=True)
class Columns:
    """Columns as of a head.

    `version`: version of the rows. `leaves`: leaf hashes of the last entries, by revision. `classes`:
    today's publication class of each record by key, as an index into CURRENT_CLASSES. `indexes`: indexes of the words
    of names (`queries/search.py`), which later heads reuse. `are_personal`: whether they contain personal values.
    `generation`: name of the saved generation they were mapped from. `first_unlinkable_spell`: spells from this key on
    count for single sources only (`exports/count_files/load.py`)."""

    head: int
    version: RowsVersion
    leaves: dict[int, bytes]
    tables: dict[str, Table]
    classes: Array
    codes: Codes
    values: Codes
    indexes: dict[tuple[str, ...], Any] = field(default_factory=dict)
    are_personal: bool = True
    generation: str | None = None
    first_unlinkable_spell: int = OPEN_UNTIL
    read_at: float = field(default_factory=monotonic)
    # Values shared by queries at the head, computed on first use.
    shared_values: dict[str, Any] = field(default_factory=dict)
    # Names of the values that advance with the head (`get_shared`); and these values at an earlier head, with the
    # people changed since.
    _shared_names: set[str] = field(default_factory=set)
    _previous_shared_values: dict[str, tuple[Any, Collection[int]]] = field(default_factory=dict)
    _recent_rows: RecentRows = field(default_factory=RecentRows)

    def copy_for_saving(self) -> "Columns":
        """Return a copy that can be saved while others advance the original, which adds codes and rows."""
        tables = {name: table.copy_for_saving() for name, table in self.tables.items()}
        return replace(self, tables=tables, codes=self.codes.copy(), values=self.values.copy(), indexes={})

    def rows(self, spec: TableSpec, revision: int, column_filter: tuple[str, str] | None = None) -> Rows:
        """Return the rows of a table that are valid at a revision. `column_filter`: only with this text in a column of
        codes."""
        code_filter: CodeFilter | None = None
        if column_filter is not None:
            code_filter = column_filter[0], self.codes.find_code(column_filter[1])
        revision = min(revision, self.head)
        return self.get_recent(
            (spec.name, revision, code_filter), lambda: self.tables[spec.name].select_rows_at(revision, code_filter)
        )

    def get_recent(self, key: Hashable, compute: Callable[[], HasSizeT]) -> HasSizeT:
        """Return a recently used value, or compute it."""
        return self._recent_rows.get(key, compute)

    def get_shared(self, name: str, build: Callable[[], T], advance: Callable[[T, Collection[int]], T]) -> T:
        """Return a value shared by queries at the head.

        `build` computes it; `advance` derives it from the value at an earlier head, which other threads still read, and
        the people changed since."""
        value: T | None = self.shared_values.get(name)
        if value is None:
            previous = self._previous_shared_values.get(name)
            value = self.shared_values[name] = build() if previous is None else advance(*previous)
            self._shared_names.add(name)
            self._previous_shared_values.pop(name, None)
        return value

    @property
    def key_count(self) -> int:
        """One more than the highest key of a person, spell or record."""
        return len(self.classes)


def compare_with_database(session: Session, columns: Columns) -> tuple[bool, int]:
    """Return whether the columns belong to the session's database, and the database's number of entries.

    The columns may be older or newer than the session. A restored backup has other entries, or fewer entries for longer
    than any session lasts."""
    head, last_leaf, leaf_at_columns = session.connection().execute(_HEAD_QUERY, {"columns_head": columns.head}).one()
    if head < columns.head:
        return columns.leaves.get(head) == last_leaf and monotonic() - columns.read_at < MAX_SESSION_SECONDS, head
    return columns.leaves.get(columns.head) == leaf_at_columns, head


def _read_leaves(session: Session, head: int, known_leaves: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return the leaf hashes of the last entries. `known_leaves`: those read at an earlier head."""
    first = head - MAX_LEAVES
    rows = session.connection().execute(
        _LEAVES_QUERY, {"after": max(first, *known_leaves) if known_leaves else first, "to": head}
    )
    recent_leaves = {revision: leaf for revision, leaf in known_leaves.items() if revision > first}
    return recent_leaves | {revision: bytes(leaf) for revision, leaf in rows}


class ReadCancelled(Exception):
    """The columns being read are no longer needed."""


def read_columns(session: Session, is_cancelled: Callable[[], bool] = lambda: False) -> Columns:
    """Read all columns from the tables. Raise ReadCancelled."""
    run = session.connection().execute
    head, *version = run(select(col(Head.revision), col(Head.rules), col(Head.projection))).one()
    codes, values = Codes((None, *map(str, ReleaseStatus))), Codes()

    def iterate_batches(rows: Result[Any]) -> Iterator[Sequence[Any]]:
        for batch in rows.partitions():
            if is_cancelled():
                raise ReadCancelled
            yield batch

    def read_table(spec: TableSpec) -> Table:
        with run(_ALL_ROWS_STATEMENTS[spec.name]) as rows:
            return Table.from_columns(
                head, _trim_to_head(_build_arrays(iterate_batches(rows), spec, codes, values), head)
            )

    with pause_collection():
        tables_by_name = {spec.name: read_table(spec) for spec in ALL_TABLES}
    classes = _apply_classes(np.zeros(head + 1, np.int8), run(_CLASSES_QUERY))
    return Columns(head, RowsVersion(*version), _read_leaves(session, head, {}), tables_by_name, classes, codes, values)


def advance_columns(session: Session, columns: Columns, head: int) -> Columns | None:
    """Return the columns as of a later head, by reading the rows of people changed since; None if there are too
    many."""
    run = session.connection().execute
    changed_people = run(CHANGED_PEOPLE_QUERY, {"after": columns.head}).scalars()
    people = [person for person in changed_people if person <= head]  # the transaction may see later ones
    if len(people) > MAX_CHANGED_PEOPLE:
        return None
    # Read everything before writing any array, so that an interruption leaves no partial update.
    rows_by_table = {
        spec.name: [
            run(_ROWS_BY_PERSON_STATEMENTS[spec.name], {"keys": chunk}).all() for chunk in split_into_chunks(people)
        ]
        for spec in ALL_TABLES
    }
    class_rows = [row for chunk in split_into_chunks(people) for row in run(_CLASSES_BY_PERSON_QUERY, {"keys": chunk})]
    leaves = _read_leaves(session, head, columns.leaves)
    classes = np.zeros(head + 1, np.int8)
    classes[: columns.key_count] = columns.classes
    new_tables = {}
    for spec in ALL_TABLES:
        rows = _trim_to_head(_build_arrays(rows_by_table[spec.name], spec, columns.codes, columns.values), head)
        new_tables[spec.name] = _update_table(columns.tables[spec.name], spec, people, rows, columns.head, head)
    values = columns.values
    if any(new_tables[spec.name].is_rewritten for spec in PERSONAL_TABLES):
        values = drop_unused_values(new_tables, values)
    # A rewritten table has its rows at other places, and an index may contain texts of an erased person.
    indexes = {} if new_tables[NAMES.name].is_rewritten else columns.indexes
    _apply_classes(classes, class_rows)
    return replace(
        columns, head=head, leaves=leaves, tables=new_tables, classes=classes, values=values, indexes=indexes,
        read_at=monotonic(), shared_values={}, _shared_names=set(),
        _previous_shared_values=_collect_shared_values(columns, people, new_tables),
        _recent_rows=_advance_recent(columns, new_tables, head),
    )  # fmt: skip


def _collect_shared_values(
    columns: Columns, people: Collection[int], new_tables: Mapping[str, Table]
) -> dict[str, tuple[Any, Collection[int]]]:
    """Return the shared values of this head and before, with the people changed since. Empty if a table was rewritten,
    since its rows moved."""
    if any(table.is_rewritten for table in new_tables.values()):
        return {}
    shared_values: dict[str, tuple[Any, Collection[int]]] = {}
    for name, (value, changed_people) in [*columns._previous_shared_values.items()]:
        shared_values[name] = value, {*changed_people, *people}
    shared_values |= {
        name: (columns.shared_values[name], people) for name in columns._shared_names & columns.shared_values.keys()
    }
    return {
        name: (value, changed_people)
        for name, (value, changed_people) in shared_values.items()
        if len(changed_people) <= MAX_CHANGED_PEOPLE
    }


def _advance_recent(columns: Columns, new_tables: Mapping[str, Table], head: int) -> RecentRows:
    """Return the recently used rows as of a later head, updated by what changed instead of selected again."""
    recent = RecentRows()
    for (name, revision, code_filter), rows in columns._recent_rows.list_items():
        table = new_tables.get(name)
        if table is None or table.is_rewritten:
            continue
        is_at_head = revision == columns.head
        current_rows = table.advance_rows(rows, code_filter) if is_at_head else table.rebase_rows(rows)
        recent.put((name, head if is_at_head else revision, code_filter), current_rows)
    return recent


def drop_unused_values(tables: Mapping[str, Table], values: Codes) -> Codes:
    """Return the personal values and words still used by a row; unused ones may belong to an erased person."""
    used_codes = (
        np.flatnonzero(np.bincount(tables[spec.name].column(spec.personal_column))).tolist() for spec in PERSONAL_TABLES
    )
    return values.restrict_to({code for table_codes in used_codes for code in table_codes})


def _split_into_words(rows: Iterable[Any]) -> list[Any]:
    """Split rows by the words of their last value: one row per distinct word."""
    return [(*other_values, word) for *other_values, text in rows for word in dict.fromkeys(text.split())]


def _build_arrays(batches: Iterable[Iterable[Any]], spec: TableSpec, codes: Codes, values: Codes) -> dict[str, Array]:
    """Convert rows of a table to arrays by column."""
    names = (SINCE_COLUMN, UNTIL_COLUMN, *spec.columns)
    parts: dict[str, list[Array]] = {name: [] for name in names}
    encoders = {CODE: codes.add, VALUE: values.add, WORD: values.add}
    for rows in batches:
        if WORD in spec.columns.values():
            rows = _split_into_words(rows)
        for name, column in zip(names, zip(*rows, strict=True), strict=False):
            kind = spec.columns.get(name, NUMBER)
            encode = encoders.get(kind)
            numbers = np.array([encode(text) for text in column] if encode else column)
            parts[name].append(np.minimum(numbers, OPEN_UNTIL).astype(COLUMN_DTYPES[kind]))
    return {
        name: np.concatenate([np.empty(0, COLUMN_DTYPES[spec.columns.get(name, NUMBER)]), *arrays])
        for name, arrays in parts.items()
    }


def _trim_to_head(rows: dict[str, Array], head: int) -> dict[str, Array]:
    """Return the rows as of a head: the transaction may see later ones."""
    is_visible = rows[SINCE_COLUMN] <= head
    rows = {name: column[is_visible] for name, column in rows.items()}
    rows[UNTIL_COLUMN] = np.where(rows[UNTIL_COLUMN] > head, OPEN_UNTIL, rows[UNTIL_COLUMN]).astype(np.int32)
    return rows


def _update_table(
    table: Table, spec: TableSpec, people: Collection[int], rows: dict[str, Array], old_head: int, head: int
) -> Table:
    """Return the table with these rows of some people. Except after an erasure, rows have only been closed and opened
    since."""
    key_names = (*spec.key, SINCE_COLUMN)
    place_by_key = {table.row(place, key_names): place for place in table.places(people)}
    row_keys = [*zip(*(rows[name].tolist() for name in key_names), strict=True)]
    new_places = [place for place, key in enumerate(row_keys) if key not in place_by_key]
    needs_rewrite = len(row_keys) - len(new_places) < len(place_by_key) or bool(
        (rows[SINCE_COLUMN][new_places] <= old_head).any()
    )
    closed_rows: dict[int, int] = {}
    for key, until in zip(row_keys, rows[UNTIL_COLUMN].tolist(), strict=True):
        if key in place_by_key and until != (old_until := table.row(place_by_key[key], (UNTIL_COLUMN,))[0]):
            closed_rows[place_by_key[key]] = until
            needs_rewrite = needs_rewrite or old_until != OPEN_UNTIL or until <= old_head
    if needs_rewrite:
        return table.rewrite_people(head, people, rows)
    return table.advance(head, closed_rows, {name: column[new_places] for name, column in rows.items()})


def _apply_classes(classes: Array, rows: Any) -> Array:
    number_by_class = {publish: number for number, publish in enumerate(CURRENT_CLASSES)}
    for key, publish in rows:
        if key < len(classes):
            classes[key] = number_by_class[publish]
    return classes
