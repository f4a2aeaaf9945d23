"""Remove all traces of deleted rows from the files of a database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import pysqlite3
from sqlalchemy import Engine

from app.db.engine import BUSY_PAUSE_SECONDS, is_memory, is_sqlite
from app.db.postgresql import is_direct
from app.memory import measure_free_memory

# How long `scrub_database` waits for readers, while writers wait for it. It is tried again later, and nobody notices a
# tenth of a second.
SCRUB_TIMEOUT_MS = 100
# Our SQLite keeps temporary data in memory, and so a whole copy of the file during VACUUM: measured as 1.25 times the
# file, with SQLite's notes on each page. Requests that come meanwhile need memory too.
COPY_MEMORY_FACTOR, REQUESTS_MEMORY_BYTES = 1.25, 64 << 20
NO_ERASURE = 0  # the revision of no entry
SQLITE_FILE = "main"  # SQLite rewrites its file as one


@dataclass
class _ScrubProgress:
    """What this process has scrubbed since one erasure in one database."""

    lock: Lock = field(default_factory=Lock)
    revision: int = NO_ERASURE
    rewritten: set[str] = field(default_factory=set)  # tables rewritten since; on SQLite the file
    begin_marks: dict[str, object] = field(default_factory=dict)  # on PostgreSQL, the instant and the xid of the begin

    def reset_for(self, revision: int) -> None:
        if self.revision != revision:
            self.revision, self.rewritten, self.begin_marks = revision, set(), {}


_progress_by_engine: WeakKeyDictionary[Engine, _ScrubProgress] = WeakKeyDictionary()
_progress_lock = Lock()


def _find_progress(engine: Engine) -> _ScrubProgress:
    with _progress_lock:
        return _progress_by_engine.setdefault(engine, _ScrubProgress())


def is_scrubbing(engine: Engine) -> bool:
    """Return whether this process is scrubbing now. Writers wait while SQLite's file is rewritten."""
    return _find_progress(engine).lock.locked()


def scrub_database(engine: Engine, tables: Sequence[str], revision: int) -> bool:
    """Remove every byte that was deleted up to this revision from the files of the database.

    On SQLite this rewrites the whole file; on PostgreSQL these tables, whose log and backups retain the bytes longer
    (docs/operators.md). Returns False if it must be tried again: somebody still reads what was deleted, there is no
    room, another role owns the tables, or a pooler is in between. What is rewritten already is then not rewritten
    again. Database errors are not raised.
    """
    if is_memory(engine.url):
        return True
    progress = _find_progress(engine)
    if not progress.lock.acquire(blocking=False):
        return False
    try:
        progress.reset_for(revision)
        pooled_connection = engine.raw_connection()
        try:
            driver: Any = pooled_connection.driver_connection
            is_done = _scrub_file(driver, progress) if is_sqlite(engine) else _scrub_tables(driver, tables, progress)
        finally:
            pooled_connection.invalidate()  # the next connection is restricted again, with the usual timeout
            pooled_connection.close()
        if is_done:
            progress.reset_for(NO_ERASURE)
        return is_done
    except (pysqlite3.Error, psycopg.Error, MemoryError):  # busy, away, disk full, or too little memory
        return False
    finally:
        progress.lock.release()


def _scrub_file(connection: Any, progress: _ScrubProgress) -> bool:
    """Rewrite the file, and empty the write-ahead log. If only that is prevented, only that is tried again.

    `secure_delete` alone misses the copies of rows that SQLite left behind when it moved them to another page.
    """

    def checkpoint(mode: str) -> bool:
        is_busy, pages, moved_pages = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not is_busy and pages == moved_pages

    connection.set_authorizer(None)  # a server's own connections may not rewrite its file
    connection.execute(f"PRAGMA busy_timeout = {SCRUB_TIMEOUT_MS}")
    # TRUNCATE makes writers wait, so it does not begin while a reader uses an earlier state.
    if not checkpoint("PASSIVE") or not checkpoint("TRUNCATE"):
        return False
    if SQLITE_FILE in progress.rewritten:
        return True
    if not _has_memory(connection):
        return False
    connection.execute("VACUUM")
    progress.rewritten.add(SQLITE_FILE)
    return checkpoint("PASSIVE") and checkpoint("TRUNCATE")


def _has_memory(connection: Any) -> bool:
    """Return whether there is enough memory for a copy of the file."""
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    free = measure_free_memory()
    return free is None or free > pages * size * COPY_MEMORY_FACTOR + REQUESTS_MEMORY_BYTES


# VACUUM only warns about another role's table; and a role that owns nothing cannot see who reads it.
_FOREIGN_TABLE_SQL = "SELECT 1 FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT pg_has_role(relowner, 'USAGE')"
_BEGIN_MARKS_SQL = "SELECT clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())::text"
# Transactions that may still see what was deleted before the begin, so that VACUUM would retain it for them. Reading
# transactions of other roles are hidden from an owner who is no superuser: `_RETAINED_ROWS_SQL` finds them afterwards.
_OLDER_TRANSACTION_SQL = """
    SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot()) < %(xid)s::xid8 OR EXISTS (
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
        AND xact_start < %(moment)s
    )
"""
# A rewritten table records the oldest transaction that may still be visible; everything deleted before is left out.
_RETAINED_ROWS_SQL = (
    "SELECT 1 FROM pg_class WHERE oid = %(table)s::regclass AND age(relfrozenxid) > age(%(xid)s::xid8::xid)"
)


def _scrub_tables(connection: Any, tables: Sequence[str], progress: _ScrubProgress) -> bool:
    """Rewrite the tables and their indexes: VACUUM without FULL only marks deleted rows as free. ANALYZE replaces the
    statistics, which quote values."""

    def has_row(query: str, parameters: object) -> bool:
        return connection.execute(query, parameters).fetchone() is not None

    connection.autocommit = True  # VACUUM runs in no transaction
    if not is_direct(connection):
        return False  # our settings would apply to other clients, and VACUUM would run elsewhere
    connection.execute(f"SET lock_timeout = {SCRUB_TIMEOUT_MS}")
    if has_row(_FOREIGN_TABLE_SQL, [list(tables)]):
        return False
    if not progress.begin_marks:
        progress.begin_marks = dict(
            zip(("moment", "xid"), connection.execute(_BEGIN_MARKS_SQL).fetchone(), strict=True)
        )
    deadline = monotonic() + SCRUB_TIMEOUT_MS / 1000
    while has_row(_OLDER_TRANSACTION_SQL, progress.begin_marks):
        if monotonic() > deadline:
            return False
        sleep(BUSY_PAUSE_SECONDS)
    for table in tables:  # one by one: nobody waits for a table longer than it takes
        if table in progress.rewritten:
            continue
        connection.execute(f"VACUUM (FULL, ANALYZE) {table}")
        if has_row(_RETAINED_ROWS_SQL, progress.begin_marks | {"table": table}):
            return False
        progress.rewritten.add(table)
    return True
