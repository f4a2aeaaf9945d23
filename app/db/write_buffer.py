"""Buffer rows, and write many at a time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, UpdateBase

from app.db.engine import get_dialect

# Statements of one process, over all engines: more than the app has.
PREPARED_CACHE_SIZE = 256

Row = dict[str, Any]


class WriteBuffer:
    """Statements, each with the rows that it has still to write: executing a statement costs more than most of its
    rows.

    Rows in the buffer cannot be read yet. Statements run in the order in which they were first added, each with its
    rows in the order in which they were added.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[UpdateBase, list[Row]] = {}

    def add(self, statement: UpdateBase, rows: Iterable[Row]) -> None:
        self._rows.setdefault(statement, []).extend(rows)

    def replace(self, statement: UpdateBase, row: Row) -> None:
        """Replace the rows of a statement by one: of a row that changes many times the last change counts."""
        self._rows[statement] = [row]

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Keep the rows added in this block, or none of them if it fails."""
        saved_rows = {statement: list(rows) for statement, rows in self._rows.items()}
        try:
            yield
        except BaseException:
            self._rows = saved_rows
            raise

    def discard(self) -> None:
        """Drop every row in the buffer."""
        self._rows = {}

    def flush(self) -> None:
        """Write every row in the buffer."""
        pending, self._rows = self._rows, {}
        for statement, rows in pending.items():
            if not rows:  # an empty list would insert a row of defaults
                continue
            sql, build_driver_rows = _prepare_statement(statement, get_dialect(self._connection), tuple(rows[0]))
            self._connection.exec_driver_sql(sql, build_driver_rows(rows))


@lru_cache(PREPARED_CACHE_SIZE)
def _prepare_statement(
    statement: UpdateBase, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[list[Row]], list[Any]]]:
    """Return a statement as the driver takes it, and a function that converts rows with these names for the driver.

    SQLAlchemy's own conversion takes as long as SQLite for many rows.
    """
    columns = list(names) if isinstance(statement, Insert) else None
    compiled_statement = statement.compile(dialect=dialect, column_keys=columns)
    fixed_values = {name: value for name, value in compiled_statement.params.items() if name not in names}
    order = compiled_statement.positiontup or list(compiled_statement.params)
    kinds = [compiled_statement.binds[name].type.dialect_impl(dialect) for name in order]
    makes = [(place, make) for place, kind in enumerate(kinds) if (make := kind.bind_processor(dialect)) is not None]
    cells = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)

    def build_driver_rows(rows: list[Row]) -> list[Any]:
        columns = list(zip(*map(cells, [fixed_values | row for row in rows] if fixed_values else rows), strict=True))
        for place, make in makes:
            columns[place] = tuple(map(make, columns[place]))
        driver_rows = zip(*columns, strict=True)
        return (
            list(driver_rows)
            if compiled_statement.positional
            else [dict(zip(order, row, strict=True)) for row in driver_rows]
        )

    return str(compiled_statement), build_driver_rows
