"""Whose bodies are read, and how much of them at once."""

import asyncio
from typing import NoReturn

import pytest
from starlette.types import Message

from app.api.middleware import body_limits
from app.api.middleware.body_limits import BodyBudget
from app.errors import Busy
from tests.support import World

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is tested touches no table


def sent_by(world: World, who: str | None, path: str, *, length: int = 9) -> tuple[int | None, bool]:
    """`(status, whether any of the body was read)` of a POST whose body does not come."""

    async def send() -> tuple[int | None, bool]:
        started: list[Message] = []
        read, answered = asyncio.Event(), asyncio.Event()

        async def receive() -> NoReturn:
            read.set()
            await asyncio.Event().wait()
            raise AssertionError("nothing comes")

        async def note(message: Message) -> None:
            started.append(message)
            answered.set()

        given = {"content-length": str(length), "content-type": "application/json"}
        given |= world.headers(who) if who in world.keys else {"Authorization": f"Bearer {who}"} if who else {}
        headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        request = asyncio.ensure_future(world.app(scope, receive, note))
        waits = [asyncio.ensure_future(event.wait()) for event in (read, answered)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in (request, *waits):
            task.cancel()
        await asyncio.gather(request, *waits, return_exceptions=True)
        return started[0]["status"] if started else None, read.is_set()

    return asyncio.run(send())


@SQLITE
@pytest.mark.parametrize("path", ["/v1/releases", "/v1/imports", "/v1/match", "/v1/match/list", "/v1/claims"])
def test_the_body_of_an_unknown_key_is_not_read(resting: World, path: str) -> None:
    unknown = resting.keys["foro"][:-1] + ("0" if resting.keys["foro"][-1] != "0" else "1")
    assert sent_by(resting, None, path) == (401, False)
    assert sent_by(resting, unknown, path) == (401, False)
    assert sent_by(resting, "foro", path) == (None, True)


@SQLITE
def test_a_body_that_says_it_is_too_long_is_not_read(resting: World) -> None:
    assert sent_by(resting, "foro", "/v1/releases", length=resting.settings.max_body_bytes + 1) == (413, False)


@SQLITE
def test_a_body_that_nobody_asks_for_needs_no_key(world: World) -> None:
    answer = world.client.request("GET", "/v1/sources", content=b"{}")
    assert answer.status_code == 200
    world.refuse(world.client.request("POST", "/v1/nothing", content=b"{}"), 404, "not_found")


@SQLITE
def test_a_long_body_without_room_is_refused_unread_and_a_short_one_needs_none(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting.app.state, "body_budget", BodyBudget(0, 0.01), raising=False)
    assert sent_by(resting, "foro", "/v1/imports", length=body_limits.BUFFERED_BODY_BYTES + 1) == (429, False)
    assert sent_by(resting, "foro", "/v1/imports", length=body_limits.BUFFERED_BODY_BYTES) == (None, True)


@SQLITE
def test_a_body_gives_its_room_back_however_it_ends(world: World) -> None:
    room = world.app.state.body_budget
    long = b"x" * (body_limits.BUFFERED_BODY_BYTES + 1)
    headers = world.headers("foro", **{"Content-Type": "application/json"})
    answer = world.client.post("/v1/releases", content=long, headers=headers)
    assert answer.status_code == 400
    assert (room._free_bytes, dict(room._reserved_bytes)) == (world.settings.max_bytes_in_flight, {})


async def _takes(room: BodyBudget, length: int, who: str) -> bool:
    try:
        await room.reserve(length, who)
    except Busy:
        return False
    return True


def test_room_is_given_up_to_its_bound_and_again_once_it_is_given_back() -> None:
    async def scene() -> list[bool]:
        room = BodyBudget(10, 0.01)
        given = [await _takes(room, 6, "a"), await _takes(room, 5, "b"), await _takes(room, 4, "b")]
        room.release(6, "a")
        return [*given, await _takes(room, 6, "c")]

    assert asyncio.run(scene()) == [True, False, True, True]


def test_nobody_fills_the_room_alone_but_one_body_fits_for_everybody() -> None:
    async def scene() -> list[bool]:
        room = BodyBudget(10, 0.01)
        return [
            await _takes(room, 3, "a"),
            await _takes(room, 3, "a"),  # beyond half of ten
            await _takes(room, 2, "a"),
            await _takes(room, 5, "b"),
        ]

    assert asyncio.run(scene()) == [True, False, True, True]


def test_whoever_waits_for_room_gets_it_as_soon_as_there_is_some() -> None:
    async def scene() -> bool:
        room = BodyBudget(10, 60)
        await room.reserve(10, "a")
        waiting = asyncio.ensure_future(_takes(room, 10, "b"))
        await asyncio.sleep(0)
        room.release(10, "a")
        return await waiting

    assert asyncio.run(scene()) is True
