"""What a server does beside answering goes on whatever fails, and tells of a failure without its text."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError

from app.api import background
from app.errors import Unavailable

MARKER = "Zenaida Quintero Paz"


def played(act: Callable[[], bool | None], times: int, calls: list[int]) -> None:
    """Repeat an act until it was called so many times."""

    async def play() -> None:
        stopping = asyncio.Event()
        chore = asyncio.create_task(background._repeat(stopping, "a chore", act, 0.001, asyncio.Semaphore(1)))
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


def test_a_chore_is_done_once_more_when_the_server_stops() -> None:
    calls: list[int] = []

    async def play() -> None:
        stopping = asyncio.Event()
        act = partial(calls.append, 1)
        chore = asyncio.create_task(background._repeat(stopping, "a chore", act, 3600, asyncio.Semaphore(1)))
        await asyncio.sleep(0)
        stopping.set()
        await chore

    asyncio.run(asyncio.wait_for(play(), 60))
    assert calls == [1]
