"""Rows that are written many at a time."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Executable


class WriteBuffer:
    """Statements with the rows that each is still to write, many at a time: running a statement costs more than most
    rows it writes.

    No row in the buffer can be read yet. Statements run in the order in which they were first added, each with its rows
    in the order they were added.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Executable, list[dict[str, Any]]] = {}

    def add(self, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
        self._rows.setdefault(statement, []).extend(rows)

    def put(self, statement: Executable, row: dict[str, Any]) -> None:
        """Add a row in place of those of its statement: of a row that is changed many times the last change counts."""
        self._rows[statement] = [row]

    def discard(self) -> None:
        """Forget every row in the buffer."""
        self._rows = {}

    def flush(self) -> None:
        """Write every row in the buffer."""
        pending, self._rows = self._rows, {}
        for statement, rows in pending.items():
            if rows:  # an empty list would insert a row of defaults
                self._connection.execute(statement, rows)
