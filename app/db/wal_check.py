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
MOST_COMPARED = 1 << 28  # bytes

ALONE, IN_USE, STRAY, UNREADABLE = "alone", "in use", "stray", "unreadable"


def state_of(path: str) -> str:
    """One of the four words: somebody else has the database open, or the log beside it does not belong to it, or it is
    no database that can be read."""
    kept = pysqlite3.connect(path, timeout=0, isolation_level=None)  # whoever is in is not waited for
    _KEPT.append(kept)
    try:
        kept.execute("PRAGMA locking_mode = EXCLUSIVE")  # the index of the log stays in memory too
        kept.execute("BEGIN IMMEDIATE")
    except pysqlite3.DatabaseError as error:
        return IN_USE if error.sqlite_errorcode == pysqlite3.SQLITE_BUSY else UNREADABLE
    try:
        return ALONE if _fits(path, kept) else STRAY
    except pysqlite3.DatabaseError:
        return STRAY


_KEPT: list[Any] = []  # connections that must not be closed, not even by nobody holding them


def _fits(path: str, whole: Any) -> bool:
    """Whether the log goes on where the file ends, and the two together are a whole database."""
    before = _head(f"file:{quote(path)}?immutable=1")
    if _has_entries(whole):
        ((revision, entries),) = whole.execute("SELECT revision, (SELECT count(*) FROM entry) FROM head")
        if entries != revision or (before is not None and not _follows(whole, *before)):
            return False
    check = "integrity_check" if Path(path).stat().st_size <= MOST_COMPARED else "quick_check"
    return bool(whole.execute(f"PRAGMA {check}(1)").fetchall() == [("ok",)])


def _follows(whole: Any, revision: int, leaf: bytes) -> bool:
    row = whole.execute("SELECT leaf_hash FROM entry WHERE revision = ?", (revision,)).fetchone()
    return row is not None and row[0] == leaf


def _head(address: str) -> tuple[int, bytes] | None:
    """The head of the file alone; None where that cannot be read, as when a power cut broke off a checkpoint."""
    file = pysqlite3.connect(address, uri=True)
    _KEPT.append(file)
    try:
        return file.execute("SELECT revision, leaf_hash FROM head JOIN entry USING (revision)").fetchone()  # type: ignore[no-any-return]
    except pysqlite3.DatabaseError:
        return None


def _has_entries(whole: Any) -> bool:
    named = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('head', 'entry')"
    return bool(whole.execute(named).fetchone()[0] == 2)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(state_of(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)
