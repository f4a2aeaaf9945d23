"""Whoever waits for a look at the head is answered, whatever becomes of the look."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from app.api import heads as heads_module
from app.api.heads import Head, Heads
from app.db.engine import writing
from app.db.notifications import WatchedRow
from app.log.head import require_rules
from app.projection import RULES
from tests.support import PATIENCE, World

COUNT = "/v1/counts/releases"
ASKING = 8  # clients at once
EMPTY: Head = (0, "")  # of a registry without an entry

Looks = tuple[list[Head | None], list[Head | None]]


def look_together(engine: Engine, monkeypatch: pytest.MonkeyPatch, first: Callable[[], object]) -> tuple[Looks, int]:
    """What those are told who wait for the first look, which goes as given, and those who come while it is under way;
    and how often was looked."""
    begun, go_on = Event(), Event()
    looks: list[WatchedRow] = []
    head_of = heads_module._head_of

    def looking(watched: WatchedRow) -> Any:
        looks.append(watched)
        if len(looks) > 1:
            return head_of(watched)
        begun.set()
        assert go_on.wait(PATIENCE)
        return first()

    async def ask() -> Looks:
        def clients() -> asyncio.Future[list[Head | None]]:
            return asyncio.gather(*(heads.look() for _ in range(ASKING)))

        waiting = clients()
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        later = clients()
        await asyncio.sleep(0)  # in which they ask
        go_on.set()
        async with asyncio.timeout(PATIENCE):
            return await waiting, await later

    monkeypatch.setattr(heads_module, "_head_of", looking)
    with writing(engine) as session:
        require_rules(session, RULES)  # which an empty registry takes
    heads = Heads(engine)
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
    monkeypatch.setattr(heads_module, "PATIENCE", 0.1)
    end = Event()
    monkeypatch.setattr(heads_module, "_head_of", lambda _watched: end.wait(PATIENCE))
    heads = Heads(engine)

    async def ask() -> Head | None:
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

    world.app.state.heads.close()
    with monkeypatch.context() as patched, ThreadPoolExecutor(ASKING) as pool:
        patched.setattr(world.engine.pool, "connect", away)
        for answer in pool.map(lambda _number: world.client.get(COUNT), range(ASKING)):
            world.refuse(answer, 503, "unavailable")
    again = world.client.get(COUNT)
    assert (again.status_code, again.content) == (200, before.content)
    assert world.app.state.heads._row.is_open
