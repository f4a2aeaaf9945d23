"""Leave nothing of what was deleted in the files of a database."""

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

# What `scrub_database` waits for readers, while writers wait for it: it is tried again later, and nobody notices a tenth.
SCRUB_TIMEOUT_MS = 100
# SQLite is built to keep what is temporary in memory, and so a whole copy of the file while it is written anew: each
# page with what is noted of it (as much as the file was measured), and room for the requests that come meanwhile.
COPY_MEMORY_FACTOR, REQUESTS_MEMORY_BYTES = 1.25, 64 << 20
NO_ERASURE = 0  # a revision that no entry has
SQLITE_FILE = "main"  # what SQLite writes anew, as one


@dataclass
class _ScrubProgress:
    """What this process has done so that nothing of one erasure stays in the files of one database."""

    lock: Lock = field(default_factory=Lock)
    revision: int = NO_ERASURE
    rewritten: set[str] = field(default_factory=set)  # tables that were written anew since; on SQLite the file
    begin_marks: dict[str, object] = field(
        default_factory=dict
    )  # on PostgreSQL, when it was begun: the moment, the xid

    def reset_for(self, revision: int) -> None:
        if self.revision != revision:
            self.revision, self.rewritten, self.begin_marks = revision, set(), {}


_progress_by_engine: WeakKeyDictionary[Engine, _ScrubProgress] = WeakKeyDictionary()
_progress_lock = Lock()


def _find_progress(engine: Engine) -> _ScrubProgress:
    with _progress_lock:
        return _progress_by_engine.setdefault(engine, _ScrubProgress())


def is_scrubbing(engine: Engine) -> bool:
    """Whether this process is at it just now. Writers then wait for as long as the file of SQLite is written."""
    return _find_progress(engine).lock.locked()


def scrub_database(engine: Engine, tables: Sequence[str], revision: int) -> bool:
    """Leave no byte of what was deleted up to this revision in the files of the database: of the whole file on SQLite,
    of these tables on PostgreSQL, whose own log and backups keep it longer (docs/operators.md).

    False where that has to be tried again: somebody still reads what was deleted, there is no room, these tables are
    another role's, or PostgreSQL is reached through a pooler. What is written anew already is then not written again.
    No failure of the database is raised."""
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
            pooled_connection.invalidate()  # the next one is restricted, and as patient, as any
            pooled_connection.close()
        if is_done:
            progress.reset_for(NO_ERASURE)
        return is_done
    except (pysqlite3.Error, psycopg.Error, MemoryError):  # busy, away, no room on the disk, none in memory
        return False
    finally:
        progress.lock.release()


def _scrub_file(connection: Any, progress: _ScrubProgress) -> bool:
    """Write the file anew, since `secure_delete` misses the copies of rows that SQLite left behind when it moved them
    to another page, and empty the write-ahead log. Where that alone is hindered, only that is tried again."""

    def checkpoint(mode: str) -> bool:
        is_busy, pages, moved_pages = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not is_busy and pages == moved_pages

    connection.set_authorizer(None)  # a server's own may not write its file anew
    connection.execute(f"PRAGMA busy_timeout = {SCRUB_TIMEOUT_MS}")
    # Only TRUNCATE keeps writers waiting, and is not begun behind a reader of an earlier state.
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
    """Whether the system would let this process live while a copy of the file is in its memory."""
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    free = measure_free_memory()
    return free is None or free > pages * size * COPY_MEMORY_FACTOR + REQUESTS_MEMORY_BYTES


# Of another role's table VACUUM is only warned of, and what others read is hidden from a role that owns nothing.
_FOREIGN_TABLE_SQL = "SELECT 1 FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT pg_has_role(relowner, 'USAGE')"
_BEGIN_MARKS_SQL = "SELECT clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())::text"
# Transactions that may still see what was deleted before that moment, so that VACUUM would keep it for them. Those of
# other roles that only read are hidden from an owner who is no superuser: `_RETAINED_ROWS_SQL` tells of them afterwards.
_OLDER_TRANSACTION_SQL = """
    SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot()) < %(xid)s::xid8 OR EXISTS (
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
        AND xact_start < %(moment)s
    )
"""
# A table that is written anew notes the oldest transaction that somebody may still see: all deleted before is left out.
_RETAINED_ROWS_SQL = (
    "SELECT 1 FROM pg_class WHERE oid = %(table)s::regclass AND age(relfrozenxid) > age(%(xid)s::xid8::xid)"
)


def _scrub_tables(connection: Any, tables: Sequence[str], progress: _ScrubProgress) -> bool:
    """Write the tables and their indexes anew: VACUUM without FULL only marks what was deleted as free. Its statistics,
    which quote values, are made anew too."""

    def has_row(query: str, parameters: object) -> bool:
        return connection.execute(query, parameters).fetchone() is not None

    connection.autocommit = True  # VACUUM runs in no transaction
    if not is_direct(connection):
        return False  # what is set there would be set for others, and VACUUM would run elsewhere
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
