"""Leave nothing of what was deleted in the files of a database."""

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

import psycopg
import pysqlite3
from sqlalchemy import Engine

from app.database import BUSY_PAUSE, BUSY_TIMEOUT_MS, is_memory, is_sqlite

# What `scrub` waits for readers, while writers wait for it: it is tried again later, and nobody notices a tenth.
SCRUB_PATIENCE_MS = 100


def scrub(engine: Engine, tables: Sequence[str]) -> bool:
    """Leave no byte of what was deleted in the files of the database: of the whole file on SQLite, of these tables on
    PostgreSQL, whose own log and backups keep it longer (docs/operators.md).

    False where that has to be tried again: somebody still reads what was deleted, or there is no room."""
    if is_memory(engine.url):
        return True
    pooled = engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection
        return _scrub_file(driver) if is_sqlite(engine) else _scrub_tables(driver, tables)
    finally:
        if is_sqlite(engine):
            pooled.invalidate()  # the next one is restricted again
        pooled.close()


def _scrub_file(connection: Any) -> bool:
    """Write the file anew, since `secure_delete` misses the copies of rows that SQLite left behind when it moved them
    to another page, and empty the write-ahead log."""

    def emptied(how: str) -> bool:
        busy, pages, moved = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        return not busy and pages == moved

    connection.set_authorizer(None)  # a server's own may not write its file anew
    connection.execute(f"PRAGMA busy_timeout = {SCRUB_PATIENCE_MS}")
    try:
        # Only TRUNCATE keeps writers waiting, and is not begun behind a reader of an earlier state.
        if not emptied("PASSIVE") or not emptied("TRUNCATE"):
            return False
        connection.execute("VACUUM")
        return emptied("PASSIVE") and emptied("TRUNCATE")
    except (pysqlite3.DatabaseError, MemoryError):  # busy, no room on the disk, none in memory
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


# Transactions that may still see what was deleted before that moment, so that VACUUM would keep it for them.
_EARLIER = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s
"""


def _scrub_tables(connection: Any, tables: Sequence[str]) -> bool:
    """Write the tables and their indexes anew: VACUUM without FULL only marks what was deleted as free. Its statistics,
    which quote values, are made anew too."""
    connection.autocommit = True  # VACUUM runs in no transaction
    try:
        connection.execute(f"SET lock_timeout = {SCRUB_PATIENCE_MS}")
        moment = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        patience = monotonic() + SCRUB_PATIENCE_MS / 1000
        while connection.execute(_EARLIER, [moment]).fetchone():
            if monotonic() > patience:
                return False
            sleep(BUSY_PAUSE)
        for table in tables:  # one by one: nobody waits for a table longer than it takes
            connection.execute(f"VACUUM (FULL, ANALYZE) {table}")
    except psycopg.Error:
        return False
    else:
        return True
    finally:
        if not connection.closed:
            connection.execute("RESET lock_timeout")
            connection.autocommit = False
