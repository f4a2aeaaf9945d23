"""Counts that another process makes: what is answered is the same, byte for byte, and nobody waits for who has left."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
import uvicorn
from httpcore2 import ConnectError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.api.apart import HEAD, MEASURE, CountedApart
from app.api.kept_answers import COUNTS
from app.api.lanes import POLLED
from app.config import Settings
from app.main import create_counting
from tests.support import NOW, PATIENCE, World, make_report

ASKED = (
    "/v1/counts/releases?group_by=source",
    "/v1/counts/releases?group_by=source&group_by=month&format=csv",
    "/v1/counts/releases?as_of=3&net=true",
    "/v1/counts/releases?as_of=100000",
    "/v1/counts/releases?group_by=nothing",
    "/v1/counts/detentions?held_on=2025-06-01",
    "/v1/counts/series?by=known&released_from=2026-01-01&released_to=2026-02-01",
    "/v1/counts/overlap",
    "/v1/estimates/releases?sources=foro&sources=jep",
)
OF_THE_REQUEST = ("request-id", "date")


@contextmanager
def counting(settings: Settings, folder: Path) -> Iterator[tuple[World, list[str]]]:
    """A world whose counts are made elsewhere, and the paths of those that were."""
    made: list[str] = []
    app = create_counting(settings)
    app.state.clock = lambda: NOW

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            made.append(scope["path"])
        await app(scope, receive, send)

    socket = folder / "socket"
    server = uvicorn.Server(uvicorn.Config(watched, uds=str(socket), log_config=None))
    thread = Thread(target=server.run, name="counting")
    thread.start()
    until = monotonic() + PATIENCE
    while not server.started:
        assert monotonic() < until
        sleep(0.01)
    try:
        with World(settings.model_copy(update={"counting_socket": socket})) as world:
            yield world, made
    finally:
        server.should_exit = True
        thread.join()


def told(world: World, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = world.client.get(path, headers=headers)
    kept = {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}
    return answer.status_code, kept, answer.content


def test_every_count_is_answered_with_the_same_bytes_and_headers(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        for number, source in enumerate(("foro", "jep", "foro")):
            world.file(source, detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o")
        apart = {path: told(world, path) for path in ASKED}
        assert set(made) == COUNTS
        there = len(made)
        assert {path: told(world, path) for path in ASKED if apart[path][0] == 200}
        assert len(made) == there, "what was answered is kept"
        tag = apart[ASKED[0]][1]["etag"]
        assert told(world, ASKED[0], **{"If-None-Match": tag})[0] == 304
        pool = world.app.state.counting
        world.restart_with(counting=None)
        assert {path: told(world, path) for path in ASKED} == apart
        world.restart_with(counting=pool)


def test_what_is_written_is_counted_by_the_next_question(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        for number in range(1, 4):
            world.file(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", detainee__birth_date="1950")
            assert world.get("/v1/counts/releases").json()["total"]["releases"] == number
        assert len(made) == 3


def test_what_is_asked_with_a_key_or_by_dashboards_or_is_no_count_stays_here(
    settings: Settings, tmp_path: Path
) -> None:
    with counting(settings, tmp_path) as (world, made):
        assert world.get("/v1/counts/releases", "foro").status_code == 200
        assert world.get("/v1/releases").status_code == 200
        assert world.post("/v1/releases", make_report(), "foro").status_code == 201
        assert not made
        assert not asyncio.run(_handed_on(_Pool(), polled=True))


def test_where_nobody_counts_the_serving_process_does(settings: Settings, tmp_path: Path) -> None:
    with World(settings.model_copy(update={"counting_socket": tmp_path / "nobody"})) as world:
        world.file()
        assert world.get("/v1/counts/releases").json()["total"]["releases"] == 1


def test_what_was_measured_elsewhere_is_told_here(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        assert world.get("/v1/counts/overlap").status_code == 200
        assert made
        count = world.app.state.metrics.registry.get_sample_value
        labels = {"route": "/v1/counts/overlap", "method": "GET", "status": "2xx"}
        assert count("recuento_requests_total", labels) == 1
        assert count("recuento_request_seconds_count", {"lane": "costly"}) == 1


def test_nobody_counts_for_who_has_left() -> None:
    pool = _Pool(answers=False)
    with pytest.raises(ClientDisconnect):
        asyncio.run(_handed_on(pool))
    assert pool.cancelled


def test_an_answer_that_is_none_of_ours_is_not_handed_back() -> None:
    assert not asyncio.run(_handed_on(_Pool(headers=[])))
    assert not asyncio.run(_handed_on(_Pool(error=ConnectError("nobody"))))
    measured = b'{"route": "r", "lane": "costly", "waited": {}, "held": 0, "refusal": "none", "statements": 1}'
    assert asyncio.run(_handed_on(_Pool(headers=[(MEASURE, measured), (HEAD, b'[3, "ab"]')])))


class _Pool:
    """Stands for the connections to a process that counts."""

    def __init__(
        self, *, answers: bool = True, headers: list[tuple[bytes, bytes]] | None = None, error: Exception | None = None
    ) -> None:
        self._answers, self._error = answers, error
        self.status, self.content, self.headers = 200, b"{}", headers or []
        self.cancelled = False

    async def request(self, *_given: Any, **_named: Any) -> "_Pool":
        if self._error is not None:
            raise self._error
        try:
            await asyncio.sleep(0 if self._answers else PATIENCE)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self


async def _handed_on(pool: _Pool, *, polled: bool = False) -> bool:
    """Whether the pool answered, of a client that leaves where the pool does not answer."""
    came_here = False

    async def here(_scope: Scope, _receive: Receive, _send: Send) -> None:
        nonlocal came_here
        came_here = True

    async def receive() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert message["type"] != "http.response.start" or not {HEAD, MEASURE} & {
            name for name, _ in message["headers"]
        }

    app = type("App", (), {"state": type("State", (), {"counting": pool})})
    path = "/v1/counts/overlap"
    scope: Scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    await CountedApart(here)({**scope, "headers": [], "app": app, POLLED: polled}, receive, send)
    return not came_here
