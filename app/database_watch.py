"""The one row that a statement reads, looked at again and again for the price of microseconds each time."""

from threading import Lock
from typing import Any

import psycopg
import pysqlite3
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.database import BUSY_TIMEOUT_MS, is_sqlite

Row = tuple[Any, ...]


class WatchedRow:
    """The row that a statement reads. It holds a connection of the engine from the first look until `close`."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine = engine
        self._statement = statement
        self._pooled: Any = None
        self._row: Row | None = None
        self._version: int | None = None  # of the file of SQLite when the row was read
        self._looking = Lock()

    def look(self) -> Row | None:
        """The row as committed by now. None where the database does not tell at once: it is away, or SQLite writes its
        file anew."""
        with self._looking:
            try:
                return self._read(self._connected())
            except (pysqlite3.Error, psycopg.Error, SQLAlchemyError):
                self.close()
                return None

    @property
    def is_open(self) -> bool:
        """Whether it has a connection: coming by one may take long."""
        return self._pooled is not None

    def _connected(self) -> Any:
        if self._pooled is None:
            self._pooled = self._engine.raw_connection()
            driver = self._pooled.driver_connection
            if is_sqlite(self._engine):
                driver.execute("PRAGMA busy_timeout = 0")  # whoever looks must not be kept
            else:
                driver.autocommit = True  # a transaction would go on seeing what was there at its first look
        return self._pooled.driver_connection

    def _read(self, driver: Any) -> Row | None:
        if is_sqlite(self._engine):
            ((version,),) = driver.execute("PRAGMA data_version").fetchall()  # another after each commit of others
            if self._row is not None and version == self._version:
                return self._row
            self._version = version
        ((*row,),) = driver.execute(self._statement).fetchall()  # to its end, or SQLite would go on reading
        self._row = tuple(row)
        return self._row

    def close(self) -> None:
        """Give the connection back as it came; the next look takes another."""
        pooled, self._pooled, self._row = self._pooled, None, None
        if pooled is None:
            return
        try:
            driver = pooled.driver_connection
            if is_sqlite(self._engine):
                driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            else:
                driver.autocommit = False
            pooled.close()
        except (pysqlite3.Error, psycopg.Error, SQLAlchemyError):
            pooled.invalidate()
