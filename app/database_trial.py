"""Try whether a database can be written to, before somebody's report finds out."""

from sqlalchemy import Engine
from sqlalchemy.pool import StaticPool

from app.database import WRITES, is_sqlite, waiting_at_most

# Readiness is asked every few seconds: a list holds the lock for two, and who has waited five has met something else.
TRIED_FOR_MS = 5_000
# A row written again finds its place in a page that is there, on a full disk too. So many numbers do not fit into the
# least memory for sorting: PostgreSQL writes some 300 KB of them beside its tables, gone at once.
_NEEDS_ROOM = "SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) AS n ORDER BY -n OFFSET 0) AS sorted"


def try_writing(engine: Engine) -> None:
    """Write something that changes nothing, so that a full disk, a file that may not be written, a lost line or a lock
    that somebody keeps is known before a report comes. Raises SQLAlchemyError."""
    if isinstance(engine.pool, StaticPool):
        return  # in memory: nothing can fail, and a second transaction on its one connection would
    connection = engine.connect().execution_options(**{WRITES: True})
    with connection, waiting_at_most(connection, TRIED_FOR_MS):
        if not is_sqlite(connection):
            connection.exec_driver_sql("SET LOCAL work_mem = '64kB'")
            connection.exec_driver_sql(_NEEDS_ROOM)  # first: it needs no lock
        # SQLite would not write a row with equal values.
        connection.exec_driver_sql("PRAGMA user_version = 0" if is_sqlite(connection) else "UPDATE head SET id = id")
        connection.commit()
