"""Replace the rows of tables with transaction time: rows are valid for revisions `since <= R < until`.

Statements are built once: building one costs more than running it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.types import TypeEngine

from app.db.engine import split_into_chunks
from app.db.write_buffer import WriteBuffer
from app.models import OPEN, TableRow


class VersionedTables:
    """Tables whose rows change together, read with one statement by a column that all have, `match_column`."""

    def __init__(self, models: Sequence[type[Any]], match_column: str) -> None:
        self._tables = [_VersionedTable(model, match_column) for model in models]
        # The union's rows are wide enough for any table: each column takes the next free position of its type.
        wide_types: list[TypeEngine[Any]] = []
        self._positions = [_assign_positions(table, wide_types) for table in self._tables]
        numbered_tables = enumerate(zip(self._tables, self._positions, strict=True))
        self._select_current = union_all(
            *(_select_wide_rows(number, *part, wide_types) for number, part in numbered_tables)
        )

    def replace(
        self,
        connection: Connection,
        values: Collection[Any],
        new_rows: Mapping[type[Any], list[TableRow]],
        revision: int,
    ) -> None:
        """Replace the current rows with one of the match `values` by `new_rows` (by table), from `revision` on."""
        current_rows: list[list[tuple[Any, ...]]] = [[] for _ in self._tables]
        for chunk in split_into_chunks(values):
            for number, *row in connection.execute(self._select_current, {"match_values": chunk}):
                current_rows[number].append(tuple(row[position] for position in self._positions[number]))
        buffer = WriteBuffer(connection)
        for table, rows in zip(self._tables, current_rows, strict=True):
            table.replace(buffer, rows, new_rows.get(table.model, []), revision)
        buffer.flush()

    def insert_rows(self, buffer: WriteBuffer, new_rows: Mapping[type[Any], list[TableRow]], revision: int) -> None:
        """Buffer new rows that replace no current rows."""
        for table in self._tables:
            table.insert_rows(buffer, new_rows.get(table.model, []), revision)


class _VersionedTable:
    """One of the `VersionedTables`."""

    def __init__(self, model: type[Any], match_column: str) -> None:
        table: Table = model.__table__
        self.model = model
        key = [column for column in table.primary_key.columns if column.name != "since"]
        self._key = [column.name for column in key]
        self._values = [c.name for c in table.c if c.name not in (*self._key, "since", "until")]
        self._insert = insert(table)
        is_this_row = [column == bindparam(f"this_{column.name}") for column in (*key, table.c.since)]
        self._close = update(table).where(*is_this_row).values(until=bindparam("closed_at"))
        self._delete = delete(table).where(*is_this_row)
        # `since` first, then the key, then the values: `replace` splits rows by position.
        self.columns = [table.c.since, *key, *(table.c[name] for name in self._values)]
        is_match = table.c[match_column].in_(bindparam("match_values", expanding=True))
        self.current_conditions = (is_match, table.c.until == OPEN)

    def replace(
        self, buffer: WriteBuffer, current_rows: Iterable[tuple[Any, ...]], new_rows: list[TableRow], revision: int
    ) -> None:
        """Buffer the changes that replace `current_rows`, with the values of `columns`, by `new_rows`."""
        new = {tuple(row[n] for n in self._key): tuple(row[n] for n in self._values) for row in new_rows}
        width = 1 + len(self._key)
        closed_rows: list[TableRow] = []
        unpublished_rows: list[TableRow] = []
        for row in current_rows:
            since, key, values = row[0], row[1:width], row[width:]
            if new.get(key) == values:
                del new[key]
                continue
            row_id = {"this_since": since, **{f"this_{n}": value for n, value in zip(self._key, key, strict=True)}}
            # A row of this revision was never visible to anyone, so it is deleted.
            (unpublished_rows if since == revision else closed_rows).append(row_id)
        buffer.add(self._delete, unpublished_rows)
        buffer.add(self._close, [{**row_id, "closed_at": revision} for row_id in closed_rows])
        names = (*self._key, *self._values)
        inserted_rows = [dict(zip(names, key + values, strict=True)) for key, values in new.items()]
        buffer.add(self._insert, [{**row, "since": revision, "until": OPEN} for row in inserted_rows])

    def insert_rows(self, buffer: WriteBuffer, new_rows: list[TableRow], revision: int) -> None:
        unique_rows = {tuple(row[n] for n in self._key): row for row in new_rows}
        buffer.add(self._insert, [{**row, "since": revision, "until": OPEN} for row in unique_rows.values()])


def _assign_positions(table: _VersionedTable, wide_types: list[TypeEngine[Any]]) -> list[int]:
    """Return the positions of a table's columns in the wide row, and append the types that it lacks."""
    positions: list[int] = []
    for column in table.columns:
        kind = column.type.python_type
        free = (n for n, other in enumerate(wide_types) if other.python_type is kind and n not in positions)
        position = next(free, len(wide_types))
        if position == len(wide_types):
            wide_types.append(column.type)
        positions.append(position)
    return positions


def _select_wide_rows(
    number: int, table: _VersionedTable, positions: Sequence[int], wide_types: Sequence[TypeEngine[Any]]
) -> Select[Any]:
    """Select the current rows of a table as wide rows, each with the table's number."""
    columns_by_position = dict(zip(positions, table.columns, strict=True))
    cells = [
        columns_by_position.get(position, cast(null(), kind)).label(f"c{position}")
        for position, kind in enumerate(wide_types)
    ]
    return select(literal(number).label("table_number"), *cells).where(*table.current_conditions)
