"""Whose bodies are read, and how much of them at once."""

import asyncio
from functools import partial
from typing import NoReturn

import pytest
from starlette.types import Message

from app.api.middleware import body_limits
from app.lanes import Admission
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
    monkeypatch.setattr(resting.app.state, "long_bodies", Admission(0), raising=False)
    assert sent_by(resting, "foro", "/v1/imports", length=body_limits.BUFFERED_BODY_BYTES + 1) == (429, False)
    assert sent_by(resting, "foro", "/v1/imports", length=body_limits.BUFFERED_BODY_BYTES) == (None, True)


@SQLITE
def test_a_body_gives_its_room_back_however_it_ends(world: World) -> None:
    admission = world.app.state.long_bodies
    long = b"x" * (body_limits.BUFFERED_BODY_BYTES + 1)
    headers = world.headers("foro", **{"Content-Type": "application/json"})
    answer = world.client.post("/v1/releases", content=long, headers=headers)
    assert answer.status_code == 400
    assert len(admission._queue) == 0


def test_of_too_many_long_bodies_the_newest_of_the_sender_with_most_gives_way() -> None:
    admission, closed = Admission(3), list[str]()
    for name, client in [("first", "a"), ("second", "a"), ("third", "a"), ("another's", "b"), ("one more", "b")]:
        admission.admit((client,), partial(closed.append, name))
    assert closed == ["third", "one more"]
