"""Connections to PostgreSQL that one test's app is done with, for the next one's on the same database.

The server starts a process for each and reads its catalogue anew, which takes longer than most tests.
"""

from collections import defaultdict
from threading import RLock
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import event
from sqlalchemy.pool import Pool

Connection = psycopg.Connection[Any]


class Connections:
    """Those that wait, by database. An app's threads take them at the same moment, and each must get one of its own; a
    thread that collects garbage meanwhile may give one back."""

    def __init__(self) -> None:
        self._one_by_one = RLock()
        self._free: defaultdict[str, list[Connection]] = defaultdict(list)
        self._made: WeakSet[Connection] = WeakSet()
        event.listen(Pool, "connect", self._note)

    def take(self, database: str, user: str | None) -> Connection | None:
        """One that waits, of that user: whoever serves under a role must not get the owner's."""
        with self._one_by_one:
            free = self._free[database]
            free[:] = [connection for connection in free if not connection.closed]
            fitting = [connection for connection in free if user is None or connection.info.user == user]
            if not fitting:
                return None
            free.remove(fitting[-1])
            return fitting[-1]

    def give_back(self, connection: Connection) -> None:
        """Keep it, unless whoever had it left something unfinished, or took it for what needs no transaction: the next
        test's would then begin none."""
        if connection.info.transaction_status == TransactionStatus.IDLE and not connection.autocommit:
            with self._one_by_one:
                self._free[connection.info.dbname].append(connection)
        else:
            connection.close()

    def waiting(self, database: str) -> list[int]:
        """The server's processes that wait for the next test."""
        return [one.info.backend_pid for one in self._free[database] if not one.closed]

    def close_left(self, database: str) -> None:
        """Close what a test left open: it would be told of in whichever test is run once it is garbage."""
        for connection in list(self._made):
            here = not connection.closed and connection.info.dbname == database
            if here and connection not in self._free[database]:
                connection.close()

    def _note(self, connection: Any, _record: object) -> None:
        if isinstance(connection, psycopg.Connection):
            self._made.add(connection)

    def close(self, database: str) -> None:
        for connection in self._free.pop(database, []):
            connection.close()


CONNECTIONS = Connections()
