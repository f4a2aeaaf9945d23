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

from app.db.engine import BUSY_PAUSE, is_memory, is_sqlite
from app.db.postgresql import is_direct
from app.memory import free_memory

# What `scrub` waits for readers, while writers wait for it: it is tried again later, and nobody notices a tenth.
SCRUB_PATIENCE_MS = 100
# SQLite is built to keep what is temporary in memory, and so a whole copy of the file while it is written anew: each
# page with what is noted of it (as much as the file was measured), and room for the requests that come meanwhile.
COPY_IN_MEMORY, REQUESTS_IN_MEMORY = 1.25, 64 << 20
NO_ERASURE = 0  # a revision that no entry has
FILE = "main"  # what SQLite writes anew, as one


@dataclass
class _Work:
    """What this process has done so that nothing of one erasure stays in the files of one database."""

    at_it: Lock = field(default_factory=Lock)
    revision: int = NO_ERASURE
    written: set[str] = field(default_factory=set)  # tables that were written anew since; on SQLite the file
    since: dict[str, object] = field(default_factory=dict)  # on PostgreSQL, when it was begun: the moment, the xid

    def turn_to(self, revision: int) -> None:
        if self.revision != revision:
            self.revision, self.written, self.since = revision, set(), {}


_works: WeakKeyDictionary[Engine, _Work] = WeakKeyDictionary()
_finding = Lock()


def _work_on(engine: Engine) -> _Work:
    with _finding:
        return _works.setdefault(engine, _Work())


def is_scrubbing(engine: Engine) -> bool:
    """Whether this process is at it just now. Writers then wait for as long as the file of SQLite is written."""
    return _work_on(engine).at_it.locked()


def scrub(engine: Engine, tables: Sequence[str], revision: int) -> bool:
    """Leave no byte of what was deleted up to this revision in the files of the database: of the whole file on SQLite,
    of these tables on PostgreSQL, whose own log and backups keep it longer (docs/operators.md).

    False where that has to be tried again: somebody still reads what was deleted, there is no room, these tables are
    another role's, or PostgreSQL is reached through a pooler. What is written anew already is then not written again.
    No failure of the database is raised."""
    if is_memory(engine.url):
        return True
    work = _work_on(engine)
    if not work.at_it.acquire(blocking=False):
        return False
    try:
        work.turn_to(revision)
        pooled = engine.raw_connection()
        try:
            driver: Any = pooled.driver_connection
            done = _scrub_file(driver, work) if is_sqlite(engine) else _scrub_tables(driver, tables, work)
        finally:
            pooled.invalidate()  # the next one is restricted, and as patient, as any
            pooled.close()
        if done:
            work.turn_to(NO_ERASURE)
        return done
    except (pysqlite3.Error, psycopg.Error, MemoryError):  # busy, away, no room on the disk, none in memory
        return False
    finally:
        work.at_it.release()


def _scrub_file(connection: Any, work: _Work) -> bool:
    """Write the file anew, since `secure_delete` misses the copies of rows that SQLite left behind when it moved them
    to another page, and empty the write-ahead log. Where that alone is hindered, only that is tried again."""

    def emptied(how: str) -> bool:
        busy, pages, moved = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        return not busy and pages == moved

    connection.set_authorizer(None)  # a server's own may not write its file anew
    connection.execute(f"PRAGMA busy_timeout = {SCRUB_PATIENCE_MS}")
    # Only TRUNCATE keeps writers waiting, and is not begun behind a reader of an earlier state.
    if not emptied("PASSIVE") or not emptied("TRUNCATE"):
        return False
    if FILE in work.written:
        return True
    if not _has_memory(connection):
        return False
    connection.execute("VACUUM")
    work.written.add(FILE)
    return emptied("PASSIVE") and emptied("TRUNCATE")


def _has_memory(connection: Any) -> bool:
    """Whether the system would let this process live while a copy of the file is in its memory."""
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    free = free_memory()
    return free is None or free > pages * size * COPY_IN_MEMORY + REQUESTS_IN_MEMORY


# Of another role's table VACUUM is only warned of, and what others read is hidden from a role that owns nothing.
_FOREIGN = "SELECT 1 FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT pg_has_role(relowner, 'USAGE')"
_NOW = "SELECT clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())::text"
# Transactions that may still see what was deleted before that moment, so that VACUUM would keep it for them. Those of
# other roles that only read are hidden from an owner who is no superuser: `_KEPT` tells of them afterwards.
_HINDERED = """
    SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot()) < %(xid)s::xid8 OR EXISTS (
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
        AND xact_start < %(moment)s
    )
"""
# A table that is written anew notes the oldest transaction that somebody may still see: all deleted before is left out.
_KEPT = "SELECT 1 FROM pg_class WHERE oid = %(table)s::regclass AND age(relfrozenxid) > age(%(xid)s::xid8::xid)"


def _scrub_tables(connection: Any, tables: Sequence[str], work: _Work) -> bool:
    """Write the tables and their indexes anew: VACUUM without FULL only marks what was deleted as free. Its statistics,
    which quote values, are made anew too."""

    def finds(query: str, given: object) -> bool:
        return connection.execute(query, given).fetchone() is not None

    connection.autocommit = True  # VACUUM runs in no transaction
    if not is_direct(connection):
        return False  # what is set there would be set for others, and VACUUM would run elsewhere
    connection.execute(f"SET lock_timeout = {SCRUB_PATIENCE_MS}")
    if finds(_FOREIGN, [list(tables)]):
        return False
    if not work.since:
        work.since = dict(zip(("moment", "xid"), connection.execute(_NOW).fetchone(), strict=True))
    patience = monotonic() + SCRUB_PATIENCE_MS / 1000
    while finds(_HINDERED, work.since):
        if monotonic() > patience:
            return False
        sleep(BUSY_PAUSE)
    for table in tables:  # one by one: nobody waits for a table longer than it takes
        if table in work.written:
            continue
        connection.execute(f"VACUUM (FULL, ANALYZE) {table}")
        if finds(_KEPT, work.since | {"table": table}):
            return False
        work.written.add(table)
    return True
