"""What a server does beside answering goes on whatever fails, and tells of a failure without its text."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError

from app import jobs
from app.errors import Unavailable
from app.lanes import Lane
from tests.support import World

MARKER = "Zenaida Quintero Paz"


def played(act: Callable[[], bool | None], times: int, calls: list[int]) -> None:
    """Repeat an act until it was called so many times."""

    async def play() -> None:
        stopping = asyncio.Event()
        chore = asyncio.create_task(jobs._run_periodically(stopping, "a chore", act, 0.001, Lane(1)))
        while len(calls) < times:
            await asyncio.sleep(0.001)
        stopping.set()
        await chore

    asyncio.run(asyncio.wait_for(play(), 60))


@pytest.mark.parametrize(
    "failure, told",
    [
        (ValueError(MARKER), True),
        (OSError(MARKER), True),
        (OperationalError(MARKER, None, Exception()), False),
        (Unavailable(MARKER), False),
    ],
    ids=["a fault", "a file", "the database", "a refusal"],
)
def test_a_chore_that_fails_goes_on_and_names_nobody(
    failure: Exception, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise failure

    played(fails, 3, calls)
    assert (f"unforeseen {type(failure).__name__} in a chore" in caplog.text) is told
    assert MARKER not in caplog.text


def test_a_chore_with_more_to_do_is_done_again_at_once() -> None:
    calls: list[int] = []

    def steps() -> bool:
        calls.append(1)
        return len(calls) < 5

    played(steps, 5, calls)
    assert len(calls) >= 5


@pytest.mark.parametrize("at_stop", [True, False])
def test_only_a_chore_that_writes_what_is_in_memory_alone_is_done_once_more_when_the_server_stops(
    *, at_stop: bool
) -> None:
    calls: list[int] = []

    async def play() -> None:
        stopping, lane = asyncio.Event(), Lane(1)
        act = partial(calls.append, 1)
        chore = asyncio.create_task(jobs._run_periodically(stopping, "a chore", act, 3600, lane, runs_at_stop=at_stop))
        await asyncio.sleep(0)
        stopping.set()
        await chore

    asyncio.run(asyncio.wait_for(play(), 60))
    assert calls == [1] * at_stop


def test_a_server_that_stops_notes_the_use_of_keys_and_begins_nothing_long(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr("app.registry.publication.erasure.finish_erasures", lambda _engine: begun.append("an erasure"))
    monkeypatch.setattr(
        "app.registry.identity.duplicate_scan.DuplicateScanner.compare_next_batch",
        lambda _finder: begun.append("a comparison"),
    )
    monkeypatch.setattr("app.jobs.ObjectionJob.settle", lambda _beat: begun.append("a beat"))
    with resting as world:
        world.get("/v1/me", "foro")
    assert begun == []
    ((noted,),) = world.rows("SELECT count(*) FROM api_key WHERE last_used_on IS NOT NULL")
    world.engine.dispose()  # another test's world has this engine next
    assert noted == 1
