"""The work of a database: the statements run on an engine; or these with the rows fetched of each and, on SQLite, the
steps of its virtual machine, which tell how many rows were looked at on the way."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pysqlite3
from sqlalchemy import Engine, event


@dataclass
class Work:
    """Statement by statement: its text, and the number of rows that were fetched of it."""

    statements: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    steps: int = 0

    def fetched(self, place: int, number: int) -> None:
        self.rows[place] += number

    def step(self) -> int:
        self.steps += 1
        return 0


# What is left of a question's time: it is another number each time, whatever is asked.
LEFT = re.compile(r"(set_config\('statement_timeout', ')\d+")


class _Cursor:
    """A cursor that counts what is fetched of it."""

    def __init__(self, cursor: Any, work: Work, place: int) -> None:
        self._cursor, self._work, self._place = cursor, work, place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        self._work.fetched(self._place, row is not None)
        return row

    def fetchmany(self, *size: int) -> Any:
        rows = self._cursor.fetchmany(*size)
        self._work.fetched(self._place, len(rows))
        return rows

    def fetchall(self) -> Any:
        rows = self._cursor.fetchall()
        self._work.fetched(self._place, len(rows))
        return rows


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements run on an engine meanwhile, by whichever thread."""
    run: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        run.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield run
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _leave(connection: Any, _record: object) -> None:
    """Count no more steps of a connection, in the thread that used it: SQLite's lock, held by a running statement whose
    steps wait for Python's own, would stop any other thread for good."""
    if isinstance(connection, pysqlite3.Connection):  # None where it was given up
        connection.set_progress_handler(None, 1)


@contextmanager
def working(engine: Engine) -> Iterator[Work]:
    """The work done on an engine meanwhile, by whichever thread."""
    work = Work()

    def watch(_connection: Any, cursor: Any, statement: str, _given: Any, context: Any, _many: bool) -> None:
        work.statements.append(LEFT.sub(r"\1", statement))
        work.rows.append(0)
        context.cursor = _Cursor(cursor, work, len(work.rows) - 1)
        if engine.dialect.name == "sqlite":
            cursor.connection.set_progress_handler(work.step, 1)

    event.listen(engine, "before_cursor_execute", watch)
    event.listen(engine, "checkin", _leave)  # for good, once: a connection may come back after all is over
    try:
        yield work
    finally:
        event.remove(engine, "before_cursor_execute", watch)
