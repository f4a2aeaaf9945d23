"""Check whether the write-ahead log next to a database file belongs to it. Run as a script, in a process of its own.

SQLite applies any `-wal` next to a file, also one left by another copy; the database is then malformed, or silently an
older one. The check needs exclusive access, and a connection that closes writes to the file. So this process ends
without closing anything, and changes no byte.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pysqlite3

# Up to this size every index is compared with its table too: ten seconds on a small and busy machine. Beyond it only
# the pages are checked, ten times as fast; together with the two heads that found every stray log in our trials.
MAX_FULL_CHECK_BYTES = 1 << 28

EXCLUSIVE, IN_USE, STRAY, UNREADABLE = "alone", "in use", "stray", "unreadable"


def find_wal_state(path: str) -> str:
    """Return one of the four states. IN_USE: another process has the database open; STRAY: the log does not belong to
    it; UNREADABLE: the file is no readable database."""
    connection = pysqlite3.connect(path, timeout=0, isolation_level=None)  # do not wait for another process
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


_OPEN_CONNECTIONS: list[Any] = []  # connections that must not be closed, not even by the garbage collector


def _is_consistent(path: str, database: Any) -> bool:
    """Return whether the log continues where the file ends, and both together are a whole database."""
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
    """Return the head of the file without its log; None if it cannot be read, as after a power cut during a
    checkpoint."""
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
