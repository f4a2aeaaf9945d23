"""Engine, sessions and portable column types: the only file that knows a SQL dialect."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import pysqlite3
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Executable, Integer, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from app.database_files import refuse_stray_wal

# Releases with the WAL-reset bug can lose committed writes; these are the first that cannot.
SAFE_SQLITE = (3, 51, 3)
SAFE_BACKPORTS: dict[tuple[int, ...], int] = {(3, 50): 7, (3, 44): 6}
# A writer waits for the one before it; a request that waited longer than this is better refused than queued.
BUSY_TIMEOUT_MS = 30_000
BUSY_PAUSE = 0.01  # seconds: opening a new database takes about as long
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
    """An engine for a `sqlite:///…` or `postgresql://…` address, with `pool_size` connections and no more. Raises
    UnfitFile for a file of SQLite beside which the log of another lies."""
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


def is_memory(url: str) -> bool:
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
        path = Path(str(make_url(url).database))
        refuse_stray_wal(path)
        _make_private(path)
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


def scrub(connection: Connection) -> bool:
    """After an erasure: on SQLite, empty the write-ahead log so that no deleted value stays in it.

    False where somebody who still reads kept it from being emptied; then it is emptied after they are done.
    """
    if not is_sqlite(connection):
        return True
    busy, _pages, _moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return not busy


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
