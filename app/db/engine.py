"""Create engines and sessions, with write turns, portable column types and a write check.

SQL dialects are used in `app.db` only.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil, inf
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from traceback import extract_tb
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pysqlite3
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Integer, create_engine, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from app.db import postgresql
from app.db.files import check_sqlite_version, refuse_stray_wal
from app.db.postgresql import COMMIT_NOTICE, NO_TIMEOUT, SILENCE_TIMEOUT_MS
from app.server_log import count_statement


class _WriteTurns:
    """The write lock of one engine, and the number of threads that wait for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._count_lock = Lock()
        self.waiting = 0

    def wait(self, seconds: float) -> bool:
        with self._count_lock:
            self.waiting += 1
        try:
            return self.lock.acquire(timeout=seconds)
        finally:
            with self._count_lock:
                self.waiting -= 1


_WRITE_TURNS: WeakKeyDictionary[Engine, _WriteTurns] = WeakKeyDictionary()


@contextmanager
def take_write_turn(engine: Engine, seconds: float) -> Iterator[bool]:
    """Wait for the process's write lock of an engine; yield whether it was acquired within so many seconds.

    A writer that waits for SQLite's own lock polls it ever more seldom, in the end every tenth of a second, while a
    writer of many batches may take it again and again. This lock wakes the next writer at once.
    """
    turns = _WRITE_TURNS.setdefault(engine, _WriteTurns())
    is_acquired = turns.wait(seconds)
    try:
        yield is_acquired
    finally:
        if is_acquired:
            turns.lock.release()


def has_waiting_writers(engine: Engine) -> bool:
    """Return whether any thread of this process waits for the write lock of the engine."""
    return engine in _WRITE_TURNS and _WRITE_TURNS[engine].waiting > 0


# A writer waits for the one before it; a request that waited longer than this is better refused than queued.
BUSY_TIMEOUT_MS = 30_000
BUSY_PAUSE_SECONDS = 0.01  # opening a new database takes about as long
# Steps of SQLite between two checks of the deadline: some milliseconds.
PROGRESS_STEPS = 100_000
# Compiled statements of a connection: more than the app has. With the usual 128 they displaced each other.
STATEMENT_CACHE_SIZE = 1_000
# The page cache of a SQLite connection, in KiB: what a batch of a list changes with a hundred thousand people. With the
# usual 2 MB most pages are written, dropped and read again within one transaction.
CACHE_KIB = 16_384
# Values of one IN (…): far below SQLite's limit of 32,766 parameters.
IN_CHUNK = 500

APP = Path(__file__).resolve().parent.parent
# Next to `app` both in the work tree and in an installed package.
MIGRATIONS = APP.parent / "migrations"

WRITES_OPTION, DEADLINE_OPTION, LOCK_TIMEOUT_OPTION = "recuento_writes", "recuento_until", "recuento_waits_ms"
# Of a PostgreSQL engine with listeners for commits: a function that is called after each commit or attempted commit.
ON_COMMIT_OPTION = "recuento_committed"
T = TypeVar("T")

# Revisions and keys outgrow 32 bits; SQLite requires INTEGER for a rowid key.
Key = BigInteger().with_variant(Integer, "sqlite")


class CommitUnanswered(SQLAlchemyError):
    """COMMIT was sent, and no response came: the changes may be stored or not."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. SQLite drops offsets, so an instant is stored in UTC without an offset and read back with one."""

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


def make_engine(url: str, pool_size: int = 8, silent_ms: int = SILENCE_TIMEOUT_MS) -> Engine:
    """Create an engine for a `sqlite:///…` or `postgresql://…` address, with at most `pool_size` connections.

    `silent_ms`: after so many milliseconds without a byte a server is given up. Raises UnfitFile for a SQLite file next
    to the write-ahead log of another.
    """
    sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = _sqlite_engine(url, pool_size) if sqlite else _postgresql_engine(url, pool_size, silent_ms)
    event.listen(engine, "before_cursor_execute", _check_time_before_statement)
    return engine


def _postgresql_engine(url: str, pool_size: int, silent_ms: int) -> Engine:
    engine = postgresql.make_postgresql_engine(url, pool_size, silent_ms)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        bounds = connection.get_execution_options()
        deadline = bounds.get(DEADLINE_OPTION)
        remaining_ms = NO_TIMEOUT if deadline is None else max(1, ceil((deadline - monotonic()) * 1000))
        lock_ms, writes = bounds.get(LOCK_TIMEOUT_OPTION, BUSY_TIMEOUT_MS), bounds.get(WRITES_OPTION, False)
        postgresql.set_transaction_timeouts(connection, statement_ms=remaining_ms, lock_ms=lock_ms, writes=writes)

    return engine


def is_memory(url: str | URL) -> bool:
    """Return whether a database is in the memory of one connection, so that only one session can use it at a time."""
    address = make_url(url)
    return address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:")


def migrate_database(engine: Engine) -> None:
    """Bring the database to the newest schema. Processes that start together wait for each other."""
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == find_newest_schema():
            return
    config = _build_migration_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _build_migration_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@lru_cache
def find_newest_schema() -> str | None:
    """Return the revision to which the migrations lead; they do not change while a process runs."""
    return ScriptDirectory.from_config(_build_migration_config()).get_current_head()


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    check_sqlite_version(pysqlite3.sqlite_version_info)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0}
    if is_memory(url):
        options = {"poolclass": StaticPool}
    else:
        path = Path(str(make_url(url).database))
        refuse_stray_wal(path)
        _make_private(path)
    engine = create_engine(
        url,
        module=pysqlite3,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": STATEMENT_CACHE_SIZE},
        hide_parameters=True,
        **options,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _enable_write_ahead_log(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")  # sort files hold names: none may be outside the database
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # REPLACE deletes: the triggers of an append-only table must see it.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that writes later fails at once instead of waiting: take the lock first.
        writes = connection.get_execution_options().get(WRITES_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(path: Path) -> None:
    """Create a new database readable by its owner alone; SQLite gives its other files the same mode."""
    with suppress(OSError):  # reported when the file is opened
        path.touch(mode=0o600)


def _enable_write_ahead_log(cursor: Any) -> None:
    """Turn the write-ahead log on. If several connections open a new database at once, SQLite refuses all but one at
    once, so that they cannot wait for each other for ever."""
    deadline = monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except pysqlite3.OperationalError as error:
            if error.sqlite_errorcode != pysqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(BUSY_PAUSE_SECONDS)
        else:
            return


@contextmanager
def open_read_session(engine: Engine, seconds: float | None = None) -> Iterator[Session]:
    """Open a session that only reads.

    After `seconds` its statement is stopped and no other begins (`was_stopped`), in any of its transactions: it keeps
    its connection until it ends.
    """
    if seconds is None:
        with Session(engine, autoflush=False, expire_on_commit=False) as session:
            yield session
        return
    deadline = monotonic() + seconds
    connection = engine.connect().execution_options(**{DEADLINE_OPTION: deadline})
    with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
        if is_sqlite(connection):
            with _interrupt_after(connection, deadline):
                yield session
        else:
            yield session


@contextmanager
def _interrupt_after(connection: Connection, deadline: float) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: monotonic() > deadline, PROGRESS_STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _check_time_before_statement(connection: Connection, *_arguments: Any) -> None:
    """Refuse further statements of a connection that has used its time on earlier ones."""
    require_time(connection)
    count_statement()


def require_time(connection: Connection) -> None:
    """Raise OperationalError (`was_stopped`) if a connection's time is over: for work between its statements."""
    if monotonic() > connection.get_execution_options().get(DEADLINE_OPTION, inf):
        raise build_timeout_error()


def build_timeout_error() -> OperationalError:
    """Return the error for a connection whose time is over: the same as of a stopped statement (`was_stopped`)."""
    return OperationalError(None, None, QueryCanceled())


def was_stopped(error: OperationalError) -> bool:
    """Return whether a statement was stopped because its time was over."""
    cause = error.orig
    return isinstance(cause, QueryCanceled) or getattr(cause, "sqlite_errorcode", None) == pysqlite3.SQLITE_INTERRUPT


@contextmanager
def open_snapshot_session(engine: Engine) -> Iterator[Session]:
    """Open a session that reads one state of the database, whatever others commit meanwhile. SQLite always does."""
    level = {} if is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"}
    connection = engine.connect().execution_options(**level)
    with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
        yield session


@contextmanager
def open_write_session(engine: Engine, lock_timeout_ms: int | None = None) -> Iterator[Session]:
    """Open a session that commits once, at the end, or not at all.

    With `lock_timeout_ms` it waits no longer than that for the writer before it (`is_locked`). Raises CommitUnanswered
    if it is not known whether the commit was stored.
    """
    with ExitStack() as stack:
        if is_sqlite(engine) and not stack.enter_context(
            take_write_turn(engine, (lock_timeout_ms or BUSY_TIMEOUT_MS) / 1000)
        ):
            raise OperationalError(None, None, LockNotAvailable())
        connection = stack.enter_context(engine.connect().execution_options(**{WRITES_OPTION: True}))
        if lock_timeout_ms is not None:
            stack.enter_context(limit_lock_wait(connection, lock_timeout_ms))
        session = stack.enter_context(Session(connection, autoflush=False, expire_on_commit=False))
        yield session
        session.flush()  # a failure before COMMIT has stored nothing
        on_commit = connection.get_execution_options().get(ON_COMMIT_OPTION)
        if on_commit is not None:
            session.connection().exec_driver_sql(COMMIT_NOTICE)
        try:
            session.commit()
        except DBAPIError as error:
            if _has_stored_nothing(error):
                raise
            raise CommitUnanswered("The database did not say whether this was stored.") from error
        finally:
            if on_commit is not None:
                on_commit()


@contextmanager
def limit_lock_wait(connection: Connection, milliseconds: int) -> Iterator[None]:
    """Limit how long transactions of the connection wait for a lock. This begins no transaction: a session commits only
    what it began itself."""
    connection.execution_options(**{LOCK_TIMEOUT_OPTION: milliseconds})
    if not is_sqlite(connection):
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def is_locked(error: SQLAlchemyError) -> bool:
    """Return whether a writer waited in vain for the one before it."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, LockNotAvailable) or getattr(cause, "sqlite_errorcode", None) == pysqlite3.SQLITE_BUSY


def _has_stored_nothing(error: DBAPIError) -> bool:
    """Return whether the database itself reports that a COMMIT stored nothing.

    A full disk is the only such failure: SQLite writes the end mark of a transaction last. If the connection breaks or
    a disk fails, the transaction may be stored all the same.
    """
    return bool(getattr(error.orig, "sqlite_errorcode", None) == pysqlite3.SQLITE_FULL)


def describe_database_error(error: Exception) -> str:
    """Describe a database error for the log: its type, the database's own code, and our line of code.

    The text of the error may contain a row, and the statement's values do.
    """
    origin = getattr(error, "orig", None) or error.__cause__
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    own_frames = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(APP)]
    code_place = (
        f" at {Path(own_frames[-1].filename).relative_to(APP.parent)}:{own_frames[-1].lineno}" if own_frames else ""
    )
    return f"{type(error).__name__}{f' ({code})' if code else ''}{code_place}"


def split_into_chunks(values: Iterable[T], size: int = IN_CHUNK) -> Iterator[list[T]]:
    """Split values into lists of at most `size`, by default short enough for one IN (…)."""
    items = list(values)
    for start in range(0, len(items), size):
        yield items[start : start + size]


def build_json_rows_sql(connection: Connection, name: str) -> str:
    """Return SQL for a table that is passed as JSON, a list of lists, in the parameter of this name.

    Its one column `value` is a row; `value->>0` is the first cell. So one statement serves any number of rows. With a
    parameter for each cell, every number of rows would be compiled by itself, which takes longer than running it.
    """
    json_function = f"json_each(:{name})" if is_sqlite(connection) else f"json_array_elements(CAST(:{name} AS json))"
    return f"{json_function} AS {name}" if is_sqlite(connection) else f"{json_function} AS {name}(value)"


def is_sqlite(database: Connection | Engine) -> bool:
    return database.dialect.name == "sqlite"


def get_dialect(connection: Connection) -> Dialect:
    """Return the dialect, to compile a statement ahead of its execution."""
    return connection.dialect


def read_server_clock(connection: Connection) -> datetime | None:
    """Return the clock of a PostgreSQL server, which may be another machine's. SQLite has none of its own."""
    return None if is_sqlite(connection) else connection.scalar(text("SELECT clock_timestamp()"))


# Readiness is checked every few seconds. A list holds the lock for two seconds at a time.
TRIAL_LOCK_TIMEOUT_MS = 5_000
# A rewritten row fits into an existing page even on a full disk. So many numbers do not fit into the minimum memory for
# sorting: PostgreSQL writes some 300 KB of temporary files, and deletes them at once.
_TEMPORARY_SPACE_SQL = (
    "SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) AS n ORDER BY -n OFFSET 0) AS sorted"
)


def try_writing(engine: Engine) -> None:
    """Write something that changes nothing. Raises SQLAlchemyError.

    So a full disk, a read-only file, a lost connection or a lock that is never released is noticed before a report
    comes.
    """
    if isinstance(engine.pool, StaticPool):
        return  # in memory nothing can fail, except a second transaction on its only connection
    with ExitStack() as stack:
        # SQLite's own lock is polled, and a list of many batches would take it first each time.
        if is_sqlite(engine) and not stack.enter_context(take_write_turn(engine, TRIAL_LOCK_TIMEOUT_MS / 1000)):
            raise OperationalError(None, None, LockNotAvailable())
        connection = stack.enter_context(engine.connect().execution_options(**{WRITES_OPTION: True}))
        stack.enter_context(limit_lock_wait(connection, TRIAL_LOCK_TIMEOUT_MS))
        if not is_sqlite(connection):
            connection.exec_driver_sql("SET LOCAL work_mem = '64kB'")
            connection.exec_driver_sql(_TEMPORARY_SPACE_SQL)  # first: it needs no lock
        # SQLite would not write a row with equal values.
        connection.exec_driver_sql("PRAGMA user_version = 0" if is_sqlite(connection) else "UPDATE head SET id = id")
        connection.commit()
