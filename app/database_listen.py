"""A row that PostgreSQL tells of: it is read when a writer gives notice (LISTEN), and twice a second besides.

Notices may be lost with a line that looks well, so that what is told always has an age, and nothing older than a second
is told. It takes a connection straight to the server: a pooler would listen for somebody else.
"""

import logging
from threading import Event, Thread
from time import monotonic
from typing import Any

import psycopg

from app.database_postgresql import CHANNEL, is_direct

OLDEST = 1.0  # seconds: what is told was so at most so long ago
BEAT = OLDEST / 2  # seconds after which the row is read though nobody gave notice
AWAY = 1.0  # seconds until a server that did not answer is tried again
POOLED = (
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
        self._told: tuple[float, Row] | None = None  # when the reading began, and the row
        self._stopping = Event()
        self._thread: Thread | None = None

    def row(self, since: float) -> Row | None:
        """The row as it was at some moment after `since`, of the last second; None where that is not known."""
        told = self._told
        if told is None or told[0] <= max(since, monotonic() - OLDEST):
            return None
        return told[1]

    def start(self) -> None:
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._told = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=2) as connection:
                    if not is_direct(connection):
                        log.error(POOLED)
                        return
                    self._listen(connection)
            except psycopg.Error:
                self._told = None  # whoever asks looks at the database, which tells what ails it
                self._stopping.wait(AWAY)

    def _listen(self, connection: "psycopg.Connection[Any]") -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        while not self._stopping.is_set():
            began = monotonic()
            row = connection.execute(self._statement).fetchone()
            self._told = None if row is None else (began, row)
            for _notice in connection.notifies(timeout=BEAT, stop_after=1):
                pass
