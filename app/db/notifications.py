"""A row that PostgreSQL tells of: it is read when a writer gives notice (LISTEN), and twice a second besides.

Notices may be lost with a line that looks well, so that what is told always has an age, and nothing older than a second
is told. It takes a connection straight to the server: a pooler would listen for somebody else.

The one row that a statement reads, looked at again and again for the price of microseconds each time."""

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

MAX_ROW_AGE_SECONDS = 1.0  # seconds: what is told was so at most so long ago
LISTEN_INTERVAL_SECONDS = MAX_ROW_AGE_SECONDS / 2  # seconds after which the row is read though nobody gave notice
RECONNECT_SECONDS = 1.0  # seconds until a server that did not answer is tried again
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
        """The row as it was at some moment after `since`, of the last second; None where that is not known."""
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
                self._last_reading = None  # whoever asks looks at the database, which tells what ails it
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
    """The row that a statement reads. It holds a connection of the engine from the first look until `close`."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine = engine
        self._statement = statement
        self._pooled_connection: Any = None
        self._row: Row | None = None
        self._version: int | None = None  # of the file of SQLite when the row was read
        self._look_lock = Lock()

    def look(self) -> Row | None:
        """The row as committed by now. None where the database does not tell at once: it is away, or SQLite writes its
        file anew."""
        with self._look_lock:
            try:
                return self._read_row(self._connect())
            except (pysqlite3.Error, psycopg.Error, SQLAlchemyError):
                self.close()
                return None

    @property
    def is_open(self) -> bool:
        """Whether it has a connection: coming by one may take long."""
        return self._pooled_connection is not None

    def _connect(self) -> Any:
        if self._pooled_connection is None:
            self._pooled_connection = self._engine.raw_connection()
            driver = self._pooled_connection.driver_connection
            if is_sqlite(self._engine):
                driver.execute("PRAGMA busy_timeout = 0")  # whoever looks must not be kept
            else:
                driver.autocommit = True  # a transaction would go on seeing what was there at its first look
        return self._pooled_connection.driver_connection

    def _read_row(self, driver: Any) -> Row | None:
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
