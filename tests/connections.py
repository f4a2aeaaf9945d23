"""Connections to PostgreSQL that one test's app is done with, for the next one's on the same database.

The server starts a process for each and reads its catalogue anew, which takes longer than most tests.
"""

from collections import defaultdict
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Connection = psycopg.Connection[Any]


class Connections:
    """Those that wait, by database."""

    def __init__(self) -> None:
        self._free: defaultdict[str, list[Connection]] = defaultdict(list)

    def take(self, database: str) -> Connection | None:
        free = self._free[database]
        while free:
            connection = free.pop()
            if not connection.closed:
                return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep it, unless whoever had it left something unfinished."""
        if connection.info.transaction_status == TransactionStatus.IDLE:
            self._free[connection.info.dbname].append(connection)
        else:
            connection.close()

    def waiting(self, database: str) -> list[int]:
        """The server's processes that wait for the next test."""
        return [one.info.backend_pid for one in self._free[database] if not one.closed]

    def close(self, database: str) -> None:
        for connection in self._free.pop(database, []):
            connection.close()


CONNECTIONS = Connections()
