"""Whoever waits for a look at the head is answered, whatever becomes of the look.

A replica answers questions of anybody while it has all that the database has, and not a moment longer."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event

from app.api import head_watcher as heads_module
from app.api.head_watcher import HeadWatcher, LogHead
from app.api.routes import records
from app.columns import store
from app.db.engine import open_write_session
from app.db.notifications import WatchedRow
from app.log.head import require_rows_version
from app.main import create_app
from app.projection import ROWS_VERSION
from tests.databases import Templates, settings_of
from tests.replica import Replica, missing, streaming
from tests.support import PATIENCE, World

COUNT = "/v1/counts/releases"
ASKING = 8  # clients at once
EMPTY: LogHead = (0, "")  # of a registry without an entry

Looks = tuple[list[LogHead | None], list[LogHead | None]]


def look_together(engine: Engine, monkeypatch: pytest.MonkeyPatch, first: Callable[[], object]) -> tuple[Looks, int]:
    """What those are told who wait for the first look, which goes as given, and those who come while it is under way;
    and how often was looked."""
    begun, go_on = Event(), Event()
    looks: list[WatchedRow] = []
    head_of = heads_module._read_head

    def looking(watched: WatchedRow) -> Any:
        looks.append(watched)
        if len(looks) > 1:
            return head_of(watched)
        begun.set()
        assert go_on.wait(PATIENCE)
        return first()

    async def ask() -> Looks:
        def clients() -> asyncio.Future[list[LogHead | None]]:
            return asyncio.gather(*(heads.look() for _ in range(ASKING)))

        waiting = clients()
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        later = clients()
        await asyncio.sleep(0)  # in which they ask
        go_on.set()
        async with asyncio.timeout(PATIENCE):
            return await waiting, await later

    monkeypatch.setattr(heads_module, "_read_head", looking)
    with open_write_session(engine) as session:
        require_rows_version(session, ROWS_VERSION)  # which an empty registry takes
    heads = HeadWatcher(engine)
    try:
        return asyncio.run(ask()), len(looks)
    finally:
        heads.close()


def test_many_who_ask_at_once_share_a_look_and_who_comes_during_it_shares_the_next(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (waiting, later), looks = look_together(engine, monkeypatch, lambda: EMPTY)
    assert waiting == later == [EMPTY] * ASKING
    assert looks == 2


def test_a_look_that_fails_tells_nothing_to_all_who_wait_for_it_and_the_next_is_made_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread that the machine cannot start, say."""

    def fails() -> None:
        raise RuntimeError("something private")

    (waiting, later), looks = look_together(engine, monkeypatch, fails)
    assert waiting == [None] * ASKING
    assert later == [EMPTY] * ASKING
    assert looks == 2
    assert "unforeseen RuntimeError in a look at the head" in caplog.messages
    assert "something private" not in caplog.text


def test_nobody_waits_long_for_a_look(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where somebody changes the schema."""
    monkeypatch.setattr(heads_module, "HEAD_TIMEOUT_SECONDS", 0.1)
    end = Event()
    monkeypatch.setattr(heads_module, "_read_head", lambda _watched: end.wait(PATIENCE))
    heads = HeadWatcher(engine)

    async def ask() -> LogHead | None:
        try:
            async with asyncio.timeout(PATIENCE / 2):
                return await heads.look()
        finally:
            end.set()
            await heads.stop()

    assert asyncio.run(ask()) is None


def test_while_the_database_is_away_everybody_is_told_so_and_once_it_is_back_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    before = world.client.get(COUNT)
    dialect: Any = world.engine.dialect

    def away() -> None:
        raise dialect.dbapi.OperationalError("the database is away")

    world.app.state.head_watcher.close()
    with monkeypatch.context() as patched, ThreadPoolExecutor(ASKING) as pool:
        patched.setattr(world.engine.pool, "connect", away)
        for answer in pool.map(lambda _number: world.client.get(COUNT), range(ASKING)):
            world.refuse(answer, 503, "unavailable")
    again = world.client.get(COUNT)
    assert (again.status_code, again.content) == (200, before.content)
    assert world.app.state.head_watcher._watched_row.is_open


POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
NAMED, LISTED, COUNTED = "/v1/detainees", "/v1/releases", "/v1/counts/releases?group_by=source"
SECOND = {"detainee__full_name": "Leocadio Pinto Arias", "detainee__birth_date": "1969"}


class Served:
    """A registry that may read a replica; `statements`: how many ran where since `ask` began."""

    def __init__(self, app: FastAPI, client: TestClient) -> None:
        self.app, self._client = app, client
        self.statements: Counter[str] = Counter()
        self._watch("database", app.state.engine)
        self._watch("replica", app.state.replica.engine)

    def _watch(self, name: str, engine: Engine) -> None:
        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            self.statements[name] += "set_config" not in statement

        event.listen(engine, "before_cursor_execute", note)

    def ask(self, path: str, **headers: str) -> Response:
        self.app.state.response_cache._reset(None)
        self.statements.clear()
        answer = self._client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    @property
    def read_at(self) -> str:
        """Where the last question was read. A replica that is behind was asked for its head alone."""
        if not self.statements["database"]:
            return "replica"
        assert self.statements["replica"] <= 1, self.statements
        return "database"


@contextmanager
def served(world: World, url: str) -> Iterator[Served]:
    app = create_app(world.settings.model_copy(update={"database_read_url": url}))
    app.state.clock = lambda: world.now
    with TestClient(app) as client:
        registry = Served(app, client)
        registry.ask(COUNTED)  # once the columns are there, nobody reads beside a question
        yield registry


@pytest.fixture
def replica(database_url: str, world: World) -> Iterator[Replica]:
    """That of a registry with a release."""
    if lacking := missing(database_url):
        pytest.skip(lacking)
    world.file()
    with streaming(database_url) as made:
        yield made


@POSTGRESQL
def test_questions_of_anybody_are_read_from_a_replica_that_has_all_there_is(
    world: World, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file(**SECOND)
    monkeypatch.setattr(records, "MAX_LIMIT", 1)  # so that a table takes two sessions
    revision = world.revision
    with served(world, replica.url) as registry:
        replica.catch_up()
        one = registry.ask(LISTED).json()["data"][0]["id"]
        questions = [LISTED, COUNTED, f"{COUNTED}&as_of=r{revision - 1}", f"{LISTED}/{one}", f"{LISTED}.csv"]
        for path in questions:
            answer = registry.ask(path)
            assert registry.read_at == "replica", path
            assert answer.content == world.client.get(path).content
        key = world.headers("foro")["Authorization"]
        registry.ask(LISTED, Authorization=key)
        assert registry.read_at == "database"


@pytest.mark.parametrize("act", ["hidden", "erased"])
@POSTGRESQL
def test_a_replica_that_is_behind_shows_nobody_who_was_hidden_or_erased_since(
    world: World, replica: Replica, act: str
) -> None:
    with served(world, replica.url) as registry:
        replica.catch_up()
        told = registry.ask(NAMED)
        assert registry.read_at == "replica"
        assert "Quintana" in told.text
        revision = told.json()["at"]["revision"]
        replica.pause()
        detainee = told.json()["data"][0]["id"]
        if act == "hidden":
            world.consent(detainee, "counted")
        else:
            world.redact(detainee)
        for path in (NAMED, f"{NAMED}?as_of=r{revision}"):
            assert "Quintana" not in registry.ask(path).text
            assert registry.read_at == "database"
        replica.go_on()
        replica.catch_up()
        assert "Quintana" not in registry.ask(f"{NAMED}?as_of=r{revision}").text
        assert registry.read_at == "replica"


@POSTGRESQL
def test_what_was_acknowledged_is_told_at_once_though_the_replica_has_it_not(world: World, replica: Replica) -> None:
    with served(world, replica.url) as registry:
        for number in range(3):
            replica.pause()
            world.file(**{**SECOND, "detainee__full_name": f"Leocadio Pinto {chr(65 + number)}rias"})
            total = registry.ask(COUNTED).json()["total"]["cases"]
            assert (total, registry.read_at) == (2 + number, "database")
            replica.go_on()
            replica.catch_up()
            assert registry.ask(COUNTED).json()["total"]["cases"] == total
            assert registry.read_at == "replica"


@POSTGRESQL
def test_columns_are_held_once_for_the_database_and_its_replica(world: World, replica: Replica) -> None:
    with served(world, replica.url) as registry:
        state = registry.app.state
        assert store._get_cache(state.engine) is store._get_cache(state.replica.engine)


@POSTGRESQL
def test_where_no_replica_answers_the_database_does_and_the_replica_rests(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.file()
    with served(world, "postgresql://nobody@127.0.0.1:1/none") as registry:
        for _again in range(3):
            assert registry.ask(LISTED).json()["data"]
            assert registry.read_at == "database"
        assert len([line for line in caplog.messages if "the replica is not read" in line]) == 1
        registry.app.state.replica._retry_at = 0.0
        assert registry.ask(LISTED).json()["data"]
        assert len([line for line in caplog.messages if "the replica is not read" in line]) == 2


@POSTGRESQL
def test_a_replica_that_ends_is_missed_for_no_more_than_the_question_that_it_had(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacking := missing(database_url):
        pytest.skip(lacking)
    world.file()
    with streaming(database_url) as replica:
        going = served(world, replica.url)
        registry = going.__enter__()
        replica.catch_up()
        registry.ask(LISTED)
        assert registry.read_at == "replica"
    try:
        assert registry.ask(LISTED).json()["data"]
        assert registry.app.state.replica._retry_at > 0
    finally:
        going.__exit__(None, None, None)


@POSTGRESQL
def test_another_registry_with_as_many_entries_is_not_taken_for_a_replica(world: World, templates: Templates) -> None:
    world.file()
    with templates.copy("postgresql", templates.empty("postgresql")) as url, World(settings_of(url)) as other:
        other.file(**SECOND)
        assert other.revision == world.revision
        with served(world, url) as registry:
            assert "Quintana" in registry.ask(NAMED).text
            assert registry.read_at == "database"
