"""Run as a script, in a process of its own: does the write-ahead log beside a database file belong to it?

SQLite applies whatever `-wal` lies beside a file, also one that was left by another copy of it; the database is then
malformed, or quietly an older one. Only somebody who is alone with the database can ask, and whoever opens it otherwise
writes to it when closing it. This process ends without closing anything, and so changes no byte.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pysqlite3

# Up to this size every index is compared with its table too: ten seconds on a small and busy machine. Beyond it only
# the pages are looked through, ten times as fast; with the two heads that found every log tried.
MAX_FULL_CHECK_BYTES = 1 << 28  # bytes

EXCLUSIVE, IN_USE, STRAY, UNREADABLE = "alone", "in use", "stray", "unreadable"


def find_wal_state(path: str) -> str:
    """One of the four words: somebody else has the database open, or the log beside it does not belong to it, or it is
    no database that can be read."""
    connection = pysqlite3.connect(path, timeout=0, isolation_level=None)  # whoever is in is not waited for
    _OPEN_CONNECTIONS.append(connection)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # the index of the log stays in memory too
        connection.execute("BEGIN IMMEDIATE")
    except pysqlite3.DatabaseError as error:
        return IN_USE if error.sqlite_errorcode == pysqlite3.SQLITE_BUSY else UNREADABLE
    try:
        return EXCLUSIVE if _is_consistent(path, connection) else STRAY
    except pysqlite3.DatabaseError:
        return STRAY


_OPEN_CONNECTIONS: list[Any] = []  # connections that must not be closed, not even by nobody holding them


def _is_consistent(path: str, database: Any) -> bool:
    """Whether the log goes on where the file ends, and the two together are a whole database."""
    file_head = _read_file_head(f"file:{quote(path)}?immutable=1")
    if _has_entries(database):
        ((revision, entries),) = database.execute("SELECT revision, (SELECT count(*) FROM entry) FROM head")
        if entries != revision or (file_head is not None and not _has_leaf(database, *file_head)):
            return False
    check = "integrity_check" if Path(path).stat().st_size <= MAX_FULL_CHECK_BYTES else "quick_check"
    return bool(database.execute(f"PRAGMA {check}(1)").fetchall() == [("ok",)])


def _has_leaf(database: Any, revision: int, leaf: bytes) -> bool:
    row = database.execute("SELECT leaf_hash FROM entry WHERE revision = ?", (revision,)).fetchone()
    return row is not None and row[0] == leaf


def _read_file_head(address: str) -> tuple[int, bytes] | None:
    """The head of the file alone; None where that cannot be read, as when a power cut broke off a checkpoint."""
    file = pysqlite3.connect(address, uri=True)
    _OPEN_CONNECTIONS.append(file)
    try:
        return file.execute("SELECT revision, leaf_hash FROM head JOIN entry USING (revision)").fetchone()  # type: ignore[no-any-return]
    except pysqlite3.DatabaseError:
        return None


def _has_entries(database: Any) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('head', 'entry')"
    return bool(database.execute(query).fetchone()[0] == 2)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find_wal_state(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)
