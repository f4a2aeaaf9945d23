"""Rows that are written many at a time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, UpdateBase

from app.db.engine import dialect_of

# Statements of one process, on however many engines: more than the app has.
STATEMENTS = 256

Row = dict[str, Any]


class WriteBuffer:
    """Statements with the rows that each is still to write, many at a time: running a statement costs more than most
    rows it writes.

    No row in the buffer can be read yet. Statements run in the order in which they were first added, each with its rows
    in the order they were added.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[UpdateBase, list[Row]] = {}

    def add(self, statement: UpdateBase, rows: Iterable[Row]) -> None:
        self._rows.setdefault(statement, []).extend(rows)

    def put(self, statement: UpdateBase, row: Row) -> None:
        """Add a row in place of those of its statement: of a row that is changed many times the last change counts."""
        self._rows[statement] = [row]

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Keep the rows that are added meanwhile, or none of them where that fails."""
        before = {statement: list(rows) for statement, rows in self._rows.items()}
        try:
            yield
        except BaseException:
            self._rows = before
            raise

    def discard(self) -> None:
        """Forget every row in the buffer."""
        self._rows = {}

    def flush(self) -> None:
        """Write every row in the buffer."""
        pending, self._rows = self._rows, {}
        for statement, rows in pending.items():
            if not rows:  # an empty list would insert a row of defaults
                continue
            sql, given = _prepared(statement, dialect_of(self._connection), tuple(rows[0]))
            self._connection.exec_driver_sql(sql, given(rows))


@lru_cache(STATEMENTS)
def _prepared(
    statement: UpdateBase, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[list[Row]], list[Any]]]:
    """A statement as the driver takes it, and what makes rows with these names the driver's: for many rows SQLAlchemy
    takes as long as SQLite."""
    columns = list(names) if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    fixed = {name: value for name, value in compiled.params.items() if name not in names}
    order = compiled.positiontup or list(compiled.params)
    kinds = [compiled.binds[name].type.dialect_impl(dialect) for name in order]
    makes = [(place, make) for place, kind in enumerate(kinds) if (make := kind.bind_processor(dialect)) is not None]
    cells = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)

    def given(rows: list[Row]) -> list[Any]:
        columns = list(zip(*map(cells, [fixed | row for row in rows] if fixed else rows), strict=True))
        for place, make in makes:
            columns[place] = tuple(map(make, columns[place]))
        made = zip(*columns, strict=True)
        return list(made) if compiled.positional else [dict(zip(order, row, strict=True)) for row in made]

    return str(compiled), given
