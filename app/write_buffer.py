"""Rows that are written many at a time."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Insert

# Kinds of rows of one process, on however many engines: more than the app has.
INSERTS = 256

Row = dict[str, Any]


class WriteBuffer:
    """Statements with the rows that each is still to write, many at a time: running a statement costs more than most
    rows it writes.

    No row in the buffer can be read yet. Statements run in the order in which they were first added, each with its rows
    in the order they were added.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Executable, list[Row]] = {}

    def add(self, statement: Executable, rows: Iterable[Row]) -> None:
        self._rows.setdefault(statement, []).extend(rows)

    def put(self, statement: Executable, row: Row) -> None:
        """Add a row in place of those of its statement: of a row that is changed many times the last change counts."""
        self._rows[statement] = [row]

    def discard(self) -> None:
        """Forget every row in the buffer."""
        self._rows = {}

    def flush(self) -> None:
        """Write every row in the buffer."""
        pending, self._rows = self._rows, {}
        for statement, rows in pending.items():
            if not rows:  # an empty list would insert a row of defaults
                continue
            if isinstance(statement, Insert):
                sql, given = _insert(statement, self._connection.dialect, tuple(rows[0]))
                self._connection.exec_driver_sql(sql, given(rows))
            else:
                self._connection.execute(statement, rows)


@lru_cache(INSERTS)
def _insert(
    statement: Insert, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[list[Row]], list[Any]]]:
    """An insert of rows with these columns, as the driver takes it, and what makes such rows the driver's: for many
    rows SQLAlchemy takes as long as SQLite."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    order = compiled.positiontup or names
    kinds = [statement.table.c[name].type.dialect_impl(dialect) for name in order]
    makes = [(place, make) for place, kind in enumerate(kinds) if (make := kind.bind_processor(dialect)) is not None]
    cells = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)

    def given(rows: list[Row]) -> list[Any]:
        columns = list(zip(*map(cells, rows), strict=True))
        for place, make in makes:
            columns[place] = tuple(map(make, columns[place]))
        made = zip(*columns, strict=True)
        return list(made) if compiled.positional else [dict(zip(order, row, strict=True)) for row in made]

    return str(compiled), given
