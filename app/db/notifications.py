"""Watch one row of the database: read it again when a writer notifies (LISTEN), or when SQLite's file has changed.

A notification may be lost with a connection that looks healthy. So the row is read twice a second besides, and a row
older than a second is never returned. LISTEN needs a direct connection: a pooler would listen for another client.
"""

import logging
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import psycopg
import pysqlite3
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.db.engine import BUSY_TIMEOUT_MS, is_sqlite
from app.db.postgresql import COMMIT_CHANNEL, is_direct

MAX_ROW_AGE_SECONDS = 1.0
LISTEN_INTERVAL_SECONDS = MAX_ROW_AGE_SECONDS / 2  # until the row is read without a notification
RECONNECT_SECONDS = 1.0
POOLER_ERROR = (
    "RECUENTO_DATABASE_LISTEN_URL leads to a pooler, through which nobody can listen: name the address of the server "
    "itself, or leave it out."
)

log = logging.getLogger("recuento")
Row = tuple[Any, ...]


class Listener:
    """Reads the row of a statement in a thread of its own, from `start` until `stop`."""

    def __init__(self, url: str, statement: str) -> None:
        self._url = url
        self._statement = statement
        self._last_reading: tuple[float, Row] | None = None  # when the reading began, and the row
        self._stop_event = Event()
        self._thread: Thread | None = None

    def row(self, since: float) -> Row | None:
        """Return the row as it was at some moment after `since` and within the last second; None if that is not
        known."""
        last_reading = self._last_reading
        if last_reading is None or last_reading[0] <= max(since, monotonic() - MAX_ROW_AGE_SECONDS):
            return None
        return last_reading[1]

    def start(self) -> None:
        self._stop_event.clear()
        self._thread = Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop_event.set()
        if self._thread is not None:
            self._thread.join()
        self._last_reading = None

    def _run(self) -> None:
        while not self._stop_event.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=2) as connection:
                    if not is_direct(connection):
                        log.error(POOLER_ERROR)
                        return
                    self._listen(connection)
            except psycopg.Error:
                self._last_reading = None  # then callers read the database, which reports the error
                self._stop_event.wait(RECONNECT_SECONDS)

    def _listen(self, connection: "psycopg.Connection[Any]") -> None:
        connection.execute(f"LISTEN {COMMIT_CHANNEL}")
        while not self._stop_event.is_set():
            began = monotonic()
            row = connection.execute(self._statement).fetchone()
            self._last_reading = None if row is None else (began, row)
            for _notice in connection.notifies(timeout=LISTEN_INTERVAL_SECONDS, stop_after=1):
                pass


class WatchedRow:
    """The row of a statement. It occupies a connection of the engine from the first `look` until `close`."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine = engine
        self._statement = statement
        self._pooled_connection: Any = None
        self._row: Row | None = None
        self._version: int | None = None  # of the file of SQLite when the row was read
        self._look_lock = Lock()

    def look(self) -> Row | None:
        """Return the row as committed by now. None if the database does not answer at once: it is away, or SQLite
        rewrites its file."""
        with self._look_lock:
            try:
                return self._read_row(self._connect())
            except (pysqlite3.Error, psycopg.Error, SQLAlchemyError):
                self.close()
                return None

    @property
    def is_open(self) -> bool:
        """Return whether it has a connection: getting one may take long."""
        return self._pooled_connection is not None

    def _connect(self) -> Any:
        if self._pooled_connection is None:
            self._pooled_connection = self._engine.raw_connection()
            driver = self._pooled_connection.driver_connection
            if is_sqlite(self._engine):
                driver.execute("PRAGMA busy_timeout = 0")  # a look must not wait
            else:
                driver.autocommit = True  # a transaction would keep reading the state of its first look
        return self._pooled_connection.driver_connection

    def _read_row(self, driver: Any) -> Row | None:
        if is_sqlite(self._engine):
            ((version,),) = driver.execute(
                "PRAGMA data_version"
            ).fetchall()  # changes with each commit of another connection
            if self._row is not None and version == self._version:
                return self._row
            self._version = version
        ((*row,),) = driver.execute(
            self._statement
        ).fetchall()  # to the end, or SQLite would keep the read transaction open
        self._row = tuple(row)
        return self._row

    def close(self) -> None:
        """Return the connection as it was; the next look takes another."""
        pooled_connection, self._pooled_connection, self._row = self._pooled_connection, None, None
        if pooled_connection is None:
            return
        try:
            driver = pooled_connection.driver_connection
            if is_sqlite(self._engine):
                driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            else:
                driver.autocommit = False
            pooled_connection.close()
        except (pysqlite3.Error, psycopg.Error, SQLAlchemyError):
            pooled_connection.invalidate()
