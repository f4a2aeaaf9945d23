"""Engine, sessions and portable column types: the only file that knows a SQL dialect."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
import pysqlite3
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Executable, Integer, create_engine, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

# Releases with the WAL-reset bug can lose committed writes; these are the first that cannot.
SAFE_SQLITE = (3, 51, 3)
SAFE_BACKPORTS: dict[tuple[int, ...], int] = {(3, 50): 7, (3, 44): 6}
# A writer waits for the one before it; a request that waited longer than this is better refused than queued.
BUSY_TIMEOUT_MS = 30_000
BUSY_PAUSE = 0.01  # seconds: opening a new database takes about as long
# What `scrub` waits for readers, while writers wait for it: it is tried again later, and nobody notices a tenth.
SCRUB_PATIENCE_MS = 100
# Row values of one IN (...): far below SQLite's limit of 32,766 parameters.
IN_CHUNK = 500

# Beside `app` in the work tree and in an installed package alike.
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

WRITES = "recuento_writes"
T = TypeVar("T")

# Revisions and keys outgrow 32 bits; SQLite wants INTEGER for a rowid key.
Key = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. SQLite drops offsets, so it is stored in UTC without one and read back with one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def check_sqlite_version(version: tuple[int, ...]) -> None:
    """Refuse a SQLite library that can lose committed writes (see SAFE_SQLITE)."""
    patch = SAFE_BACKPORTS.get(version[:2])
    if version >= SAFE_SQLITE or (patch is not None and version[2] >= patch):
        return
    number = ".".join(map(str, version))
    raise RuntimeError(f"SQLite {number} can lose committed writes (WAL-reset bug): install pysqlite3>=0.6.1.")


def make_engine(url: str, pool_size: int = 8) -> Engine:
    """An engine for a `sqlite:///…` or `postgresql://…` address, with `pool_size` connections and no more."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    # Parameters hold names: they belong in no error message.
    waits = {"options": f"-c lock_timeout={BUSY_TIMEOUT_MS}"}
    return create_engine(
        address, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, hide_parameters=True, connect_args=waits
    )


def is_memory(url: str | URL) -> bool:
    """Whether a database lives in one connection's memory, so that only one session can use it at a time."""
    address = make_url(url)
    return address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:")


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema. Processes that start together wait for each other."""
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == _newest_schema():
            return
    config = _migrations()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@lru_cache
def _newest_schema() -> str | None:
    """The revision that the scripts lead to; they do not change while a process runs."""
    return ScriptDirectory.from_config(_migrations()).get_current_head()


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    check_sqlite_version(pysqlite3.sqlite_version_info)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0}
    if is_memory(url):
        options = {"poolclass": StaticPool}
    else:
        _make_private(Path(str(make_url(url).database)))
    engine = create_engine(
        url,
        module=pysqlite3,
        connect_args={"check_same_thread": False, "isolation_level": None},
        hide_parameters=True,
        **options,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")  # what is sorted holds names: no file outside the database does
        cursor.execute("PRAGMA recursive_triggers = ON")  # REPLACE deletes: the triggers of an append-only table see it
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns writer half-way fails at once instead of waiting: take the lock first.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(path: Path) -> None:
    """A new database is its owner's to read alone; the files that SQLite puts beside it take after it."""
    with suppress(OSError):  # told when it is opened
        path.touch(mode=0o600)


def _write_ahead(cursor: Any) -> None:
    """Turn the write-ahead log on. Of several connections that open a new database at once SQLite refuses all but
    one on the spot, lest they wait for each other for ever."""
    patience = monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except pysqlite3.OperationalError as error:
            if error.sqlite_errorcode != pysqlite3.SQLITE_BUSY or monotonic() > patience:
                raise
            sleep(BUSY_PAUSE)
        else:
            return


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads."""
    with Session(engine, autoflush=False, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits once, at the end, or not at all."""
    connection = engine.connect().execution_options(**{WRITES: True})
    with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
        yield session
        session.commit()


def chunks(values: Iterable[T], size: int = IN_CHUNK) -> Iterator[list[T]]:
    """Lists of that length at most, by default short enough for one IN (…)."""
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


class WriteBuffer:
    """Statements with the rows that each is still to write, many at a time: running a statement costs more than most
    rows it writes.

    No row in the buffer can be read yet. Statements run in the order in which they were first added, each with its rows
    in the order they were added.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Executable, list[dict[str, Any]]] = {}

    def add(self, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
        self._rows.setdefault(statement, []).extend(rows)

    def flush(self) -> None:
        """Write every row in the buffer."""
        pending, self._rows = self._rows, {}
        for statement, rows in pending.items():
            if rows:  # an empty list would insert a row of defaults
                self._connection.execute(statement, rows)


def rows_of(connection: Connection, name: str) -> str:
    """SQL for a table that is given as JSON, a list of lists, in the parameter of this name: its one column `value` is
    a row, of which `value->>0` is the first cell. One statement then does for however many rows, where one with as many
    parameters would be compiled for every number of them, and that takes longer than running it."""
    given = f"json_each(:{name})" if is_sqlite(connection) else f"json_array_elements(CAST(:{name} AS json))"
    return f"{given} AS {name}" if is_sqlite(connection) else f"{given} AS {name}(value)"


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def scrub(engine: Engine, tables: Sequence[str]) -> bool:
    """Leave no byte of what was deleted in the files of the database: of the whole file on SQLite, of these tables on
    PostgreSQL, whose own log and backups keep it longer (docs/operators.md).

    False where that has to be tried again: somebody still reads what was deleted, or there is no room."""
    if is_memory(engine.url):
        return True
    pooled = engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection
        return _scrub_file(driver) if engine.dialect.name == "sqlite" else _scrub_tables(driver, tables)
    finally:
        pooled.close()


def _scrub_file(connection: Any) -> bool:
    """Write the file anew, since `secure_delete` misses the copies of rows that SQLite left behind when it moved them
    to another page, and empty the write-ahead log."""

    def emptied(how: str) -> bool:
        busy, pages, moved = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        return not busy and pages == moved

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


def forbid_changes(connection: Connection, table: str) -> None:
    """Make a table append-only: triggers that refuse UPDATE and DELETE, and TRUNCATE where there is one."""
    for statement in _forbid_statements(table, sqlite=is_sqlite(connection)):
        connection.execute(text(statement))


def allow_changes(connection: Connection, table: str) -> None:
    """Undo `forbid_changes`, for a migration down."""
    if not is_sqlite(connection):
        connection.execute(text(f"DROP FUNCTION {table}_append_only() CASCADE"))
        return
    for action in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER {table}_no_{action}"))


def _forbid_statements(table: str, *, sqlite: bool) -> list[str]:
    message = f"{table} is append-only"
    if sqlite:
        return [
            f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for action in ("update", "delete")
        ]
    function = (
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
        for action in ("update", "delete", "truncate")
    ]
