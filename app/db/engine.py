"""Who writes to a file of SQLite takes turns with the others of its process here.

Who waits for SQLite's own lock looks for it ever more seldom, in the end each tenth of a second, while it lies idle;
and who takes it again at once, as a list does, may keep it for as long as it likes. Here the next one is woken at once.

Engine, sessions and portable column types: the only file that knows a SQL dialect.

Try whether a database can be written to, before somebody's report finds out."""

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
from app.db.postgresql import FOR_EVER, NOTICE, SILENT_MS
from app.server_log import count_statement


class _Turns:
    """The turn on one engine, and how many wait for it."""

    def __init__(self) -> None:
        self.turn = Lock()
        self._counting = Lock()
        self.waiting = 0

    def wait(self, seconds: float) -> bool:
        with self._counting:
            self.waiting += 1
        try:
            return self.turn.acquire(timeout=seconds)
        finally:
            with self._counting:
                self.waiting -= 1


_TURNS: WeakKeyDictionary[Engine, _Turns] = WeakKeyDictionary()


@contextmanager
def turn(engine: Engine, seconds: float) -> Iterator[bool]:
    """Whether it came within so many seconds: then nobody else of this process writes on the engine meanwhile."""
    turns = _TURNS.setdefault(engine, _Turns())
    came = turns.wait(seconds)
    try:
        yield came
    finally:
        if came:
            turns.turn.release()


def others_wait(engine: Engine) -> bool:
    """Whether anybody of this process waits for a turn on the engine."""
    return engine in _TURNS and _TURNS[engine].waiting > 0


# A writer waits for the one before it; a request that waited longer than this is better refused than queued.
BUSY_TIMEOUT_MS = 30_000
BUSY_PAUSE = 0.01  # seconds: opening a new database takes about as long
# Steps of SQLite between two looks at the clock: some milliseconds.
STEPS = 100_000
# Compiled statements of a connection: more than the app has. Of the usual 128 the questions of others took the places.
STATEMENTS = 1_000
# Pages of SQLite that a connection keeps, in KiB: what a batch of a list changes at a hundred thousand people. Of the
# usual 2 MB most pages are written, thrown out and read again within one transaction.
CACHE_KIB = 16_384
# Row values of one IN (...): far below SQLite's limit of 32,766 parameters.
IN_CHUNK = 500

APP = Path(__file__).resolve().parent.parent
# Beside `app` in the work tree and in an installed package alike.
MIGRATIONS = APP.parent / "migrations"

WRITES, UNTIL, WAITS_MS = "recuento_writes", "recuento_until", "recuento_waits_ms"
# Of an engine of PostgreSQL whose commits others listen for: what is called after each, and may have been one.
COMMITTED = "recuento_committed"
T = TypeVar("T")

# Revisions and keys outgrow 32 bits; SQLite wants INTEGER for a rowid key.
Key = BigInteger().with_variant(Integer, "sqlite")


class CommitUnanswered(SQLAlchemyError):
    """COMMIT was sent, and no answer came: what it was to store may be stored, or not."""


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


def make_engine(url: str, pool_size: int = 8, silent_ms: int = SILENT_MS) -> Engine:
    """An engine for a `sqlite:///…` or `postgresql://…` address, with `pool_size` connections and no more. `silent_ms`:
    after which a server that says nothing is given up. Raises UnfitFile for a file of SQLite beside which the log of
    another lies."""
    sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = _sqlite_engine(url, pool_size) if sqlite else _postgresql_engine(url, pool_size, silent_ms)
    event.listen(engine, "before_cursor_execute", _begin_in_time)
    return engine


def _postgresql_engine(url: str, pool_size: int, silent_ms: int) -> Engine:
    engine = postgresql.make_engine(url, pool_size, silent_ms)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        bounds = connection.get_execution_options()
        until = bounds.get(UNTIL)
        left = FOR_EVER if until is None else max(1, ceil((until - monotonic()) * 1000))
        lock_ms, writes = bounds.get(WAITS_MS, BUSY_TIMEOUT_MS), bounds.get(WRITES, False)
        postgresql.bound(connection, statement_ms=left, lock_ms=lock_ms, writes=writes)

    return engine


def is_memory(url: str | URL) -> bool:
    """Whether a database lives in one connection's memory, so that only one session can use it at a time."""
    address = make_url(url)
    return address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:")


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema. Processes that start together wait for each other."""
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest_schema():
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
def newest_schema() -> str | None:
    """The revision that the scripts lead to; they do not change while a process runs."""
    return ScriptDirectory.from_config(_migrations()).get_current_head()


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
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": STATEMENTS},
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
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
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
def reading(engine: Engine, seconds: float | None = None) -> Iterator[Session]:
    """A session that only reads. After so many seconds its statement is stopped, and no other begun (`was_stopped`), in
    whichever of its transactions: it keeps its connection until it ends."""
    if seconds is None:
        with Session(engine, autoflush=False, expire_on_commit=False) as session:
            yield session
        return
    until = monotonic() + seconds
    connection = engine.connect().execution_options(**{UNTIL: until})
    with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
        if is_sqlite(connection):
            with _asked_whether_to_go_on(connection, until):
                yield session
        else:
            yield session


@contextmanager
def _asked_whether_to_go_on(connection: Connection, until: float) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: monotonic() > until, STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _begin_in_time(connection: Connection, *_given: Any) -> None:
    """One that has spent its time on several statements is given no further one."""
    require_time(connection)
    count_statement()


def require_time(connection: Connection) -> None:
    """Raises OperationalError (`was_stopped`) where the time of a connection is over: for work between its
    statements."""
    if monotonic() > connection.get_execution_options().get(UNTIL, inf):
        raise out_of_time()


def out_of_time() -> OperationalError:
    """What is raised where the time of a connection is over: as of a statement that was stopped (`was_stopped`)."""
    return OperationalError(None, None, QueryCanceled())


def was_stopped(error: OperationalError) -> bool:
    """Whether a statement was stopped because its time was over."""
    cause = error.orig
    return isinstance(cause, QueryCanceled) or getattr(cause, "sqlite_errorcode", None) == pysqlite3.SQLITE_INTERRUPT


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """A session that reads one state of the database, whatever others commit meanwhile; SQLite knows no other."""
    level = {} if is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"}
    connection = engine.connect().execution_options(**level)
    with connection, Session(connection, autoflush=False, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine, waits_ms: int | None = None) -> Iterator[Session]:
    """A session that commits once, at the end, or not at all. Raises CommitUnanswered where nobody can tell which. With
    `waits_ms` it waits no longer than that for the writer before it (`is_locked`)."""
    with ExitStack() as stack:
        if is_sqlite(engine) and not stack.enter_context(turn(engine, (waits_ms or BUSY_TIMEOUT_MS) / 1000)):
            raise OperationalError(None, None, LockNotAvailable())
        connection = stack.enter_context(engine.connect().execution_options(**{WRITES: True}))
        if waits_ms is not None:
            stack.enter_context(waiting_at_most(connection, waits_ms))
        session = stack.enter_context(Session(connection, autoflush=False, expire_on_commit=False))
        yield session
        session.flush()  # whatever fails before COMMIT stored nothing
        committed = connection.get_execution_options().get(COMMITTED)
        if committed is not None:
            session.connection().exec_driver_sql(NOTICE)
        try:
            session.commit()
        except DBAPIError as error:
            if _stored_nothing(error):
                raise
            raise CommitUnanswered("The database did not say whether this was stored.") from error
        finally:
            if committed is not None:
                committed()


@contextmanager
def waiting_at_most(connection: Connection, milliseconds: int) -> Iterator[None]:
    """Within it no transaction of the connection waits longer for a lock. It begins none: a session commits only what
    it began itself."""
    connection.execution_options(**{WAITS_MS: milliseconds})
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
    """Whether a writer waited for the one before it in vain."""
    cause = getattr(error, "orig", None)
    return isinstance(cause, LockNotAvailable) or getattr(cause, "sqlite_errorcode", None) == pysqlite3.SQLITE_BUSY


def _stored_nothing(error: DBAPIError) -> bool:
    """Whether the database itself says that a COMMIT stored nothing. A full disk is the one such failure: SQLite writes
    the mark of a whole transaction last. Where a line breaks or a disk fails, the transaction may stand all the
    same."""
    return bool(getattr(error.orig, "sqlite_errorcode", None) == pysqlite3.SQLITE_FULL)


def kind_and_place(error: Exception) -> str:
    """What is logged of a failure of the database: its kind, the database's own code of it, and the line of ours. Its
    text may hold a row, and the statement's values do."""
    origin = getattr(error, "orig", None) or error.__cause__
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    ours = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(APP)]
    place = f" at {Path(ours[-1].filename).relative_to(APP.parent)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{f' ({code})' if code else ''}{place}"


def chunks(values: Iterable[T], size: int = IN_CHUNK) -> Iterator[list[T]]:
    """Lists of that length at most, by default short enough for one IN (…)."""
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


def rows_of(connection: Connection, name: str) -> str:
    """SQL for a table that is given as JSON, a list of lists, in the parameter of this name: its one column `value` is
    a row, of which `value->>0` is the first cell. One statement then does for however many rows, where one with as many
    parameters would be compiled for every number of them, and that takes longer than running it."""
    given = f"json_each(:{name})" if is_sqlite(connection) else f"json_array_elements(CAST(:{name} AS json))"
    return f"{given} AS {name}" if is_sqlite(connection) else f"{given} AS {name}(value)"


def is_sqlite(database: Connection | Engine) -> bool:
    return database.dialect.name == "sqlite"


def dialect_of(connection: Connection) -> Dialect:
    """For whoever compiles a statement ahead, and need not know which it is."""
    return connection.dialect


def clock_of(connection: Connection) -> datetime | None:
    """What a PostgreSQL server says the time is: on another machine, another clock. SQLite has none of its own."""
    return None if is_sqlite(connection) else connection.scalar(text("SELECT clock_timestamp()"))


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
