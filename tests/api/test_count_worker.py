"""Counts that another process makes: what is answered is the same, byte for byte, and nobody waits for who has left."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from httpcore2 import ConnectError, ConnectionPool, ConnectTimeout
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app import jobs, main
from app.api.middleware import count_worker
from app.api.middleware.concurrency import SCOPE_POLLED
from app.api.middleware.count_worker import COUNT_PATHS, WORKER_HEAD_HEADER, WORKER_STATS_HEADER, forward_count
from app.api.responses import SCOPE_SOURCE_HEAD
from app.api.table_routes import split_table_path
from app.config import Settings
from app.lanes import Lane
from app.main import create_count_worker
from tests.api.revisions.test_went_backwards import record_of, remember, said
from tests.support import NOW, PATIENCE, World, make_report

ASKED = (
    "/v1/counts/releases?group_by=source",
    "/v1/counts/releases.csv?group_by=source&group_by=month",
    "/v1/counts/releases?as_of=r3&net=true",
    "/v1/counts/releases?as_of=r100000",
    "/v1/counts/releases?group_by=nothing",
    "/v1/counts/detentions?detained_from=2025",
    "/v1/counts/held?held_on=2025-06-01",
    "/v1/counts/series?by=known&released_from=2026-01-01&released_to=2026-02-01",
    "/v1/counts/overlap",
    "/v1/estimates/releases?sources=foro&sources=jep",
)
MEASURED = b'{"route": "r", "lane": "costly", "waited": {}, "held": 0, "refusal": "none", "statements": 1}'
OF_THE_REQUEST = ("request-id", "date")


@asynccontextmanager
async def unprepared(*_given: Any) -> AsyncIterator[None]:
    yield


@contextmanager
def counting(settings: Settings, folder: Path) -> Iterator[tuple[World, list[str]]]:
    """A world whose counts are made elsewhere, and the paths of those that were."""
    made: list[str] = []
    app = create_count_worker(settings)
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
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(main, "warm_up_pages", unprepared)  # the first pages ask for counts too
            with World(settings.model_copy(update={"counting_sockets": [str(socket)]})) as world:
                yield world, made
    finally:
        server.should_exit = True
        thread.join()


def told(world: World, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = world.client.get(path, headers=headers)
    kept = {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}
    return answer.status_code, kept, answer.content


class Pool:
    """Stands for the connections to a process that counts."""

    def __init__(
        self, *, answers: bool = True, headers: list[tuple[bytes, bytes]] | None = None, error: Exception | None = None
    ) -> None:
        self._answers, self._error = answers, error
        self.status, self.content, self.headers = 200, b"{}", headers or []
        self.cancelled = False

    async def request(self, *_given: Any, **_named: Any) -> "Pool":
        if self._error is not None:
            raise self._error
        try:
            await asyncio.sleep(0 if self._answers else PATIENCE)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self


class Question:
    """One that is asked of a serving process. `stays`: seconds until its client leaves."""

    def __init__(self, pool: Pool, *, stays: float = PATIENCE, places: int = 1, seconds: float = PATIENCE) -> None:
        limits = SimpleNamespace(count_workers=Lane(places, 0))
        self._state = SimpleNamespace(counting=[pool], limits=limits, question_seconds=seconds, public_url="")
        self._stays = stays
        self.counted_here = False
        self.sent: list[Message] = []

    async def ask(self, path: str = "/v1/counts/overlap", *, polled: bool = False) -> None:
        app = SimpleNamespace(state=self._state)
        scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": [], "app": app}
        scope |= {"path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {SCOPE_SOURCE_HEAD: {}, SCOPE_POLLED: polled}
        self.counted_here = not await forward_count(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await asyncio.sleep(self._stays)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def asked_of(pool: Pool, path: str = "/v1/counts/overlap", *, polled: bool = False, **given: Any) -> Question:
    question = Question(pool, **given)
    asyncio.run(question.ask(path, polled=polled))
    return question


def test_every_count_is_answered_with_the_same_bytes_and_headers(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        for number, source in enumerate(("foro", "jep", "foro")):
            world.file(source, detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o")
        answers = {path: told(world, path) for path in ASKED}
        assert {split_table_path(path)[0] for path in made} == COUNT_PATHS
        there = len(made)
        assert {path: told(world, path) for path in ASKED if answers[path][0] == 200}
        assert len(made) == there, "what was answered is kept"
        tag = answers[ASKED[0]][1]["etag"]
        assert told(world, ASKED[0], **{"If-None-Match": tag})[0] == 304
        pools = world.app.state.counting
        world.restart_with(counting=[])
        assert {path: told(world, path) for path in ASKED} == answers
        world.restart_with(counting=pools)


def test_what_is_written_is_counted_by_the_next_question(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        for number in range(1, 4):
            world.file(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", detainee__birth_date="1950")
            assert world.get("/v1/counts/releases").json()["total"]["cases"] == number
        assert len(made) == 3


def test_what_is_asked_with_a_key_or_by_dashboards_or_is_no_count_stays_here(
    settings: Settings, tmp_path: Path
) -> None:
    with counting(settings, tmp_path) as (world, made):
        assert world.get("/v1/counts/releases", "foro").status_code == 200
        assert world.get("/v1/releases").status_code == 200
        assert world.post("/v1/releases", make_report(), "foro").status_code == 201
        day = {"as_of": "2026-01-20", "zone": "UTC"}
        assert world.get("/v1/counts/releases", **day).status_code == 200, "it may have to be settled, which writes"
        assert not made
    assert asked_of(Pool(headers=[(WORKER_STATS_HEADER, MEASURED)]), polled=True).counted_here
    assert asked_of(Pool(headers=[(WORKER_STATS_HEADER, MEASURED)]), "/v1/releases").counted_here


def test_where_an_earlier_copy_would_show_somebody_erased_nothing_is_counted_anywhere(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MARKS_INTERVAL_SECONDS", 0.05)
    with counting(settings, tmp_path) as (world, made):
        world.file()
        path = settings.mark_file()
        assert path is not None
        until = monotonic() + PATIENCE
        while (
            not path.exists() or said(path)["revision"] < world.revision
        ):  # until then either process may replace the file
            assert monotonic() < until
            sleep(0.05)
        remember(path, 5_000, erased=(record_of(world),))
        while not world.app.state.mark.has_lost_entries:
            assert monotonic() < until
            sleep(0.05)
        assert world.get("/readyz").status_code == world.get("/v1/counts/releases").status_code == 503
        assert not made
        with ConnectionPool(uds=str(tmp_path / "socket")) as there:  # which looks by itself, in case it is asked
            while there.request("GET", "http://recuento/v1/counts/releases").status != 503:
                assert monotonic() < until
                sleep(0.05)


def test_where_nobody_counts_the_serving_process_does(settings: Settings, tmp_path: Path) -> None:
    with World(settings.model_copy(update={"counting_sockets": [str(tmp_path / "nobody")]})) as world:
        world.file()
        assert world.get("/v1/counts/releases").json()["total"]["cases"] == 1


def test_what_was_measured_elsewhere_is_told_here(settings: Settings, tmp_path: Path) -> None:
    with counting(settings, tmp_path) as (world, made):
        assert world.get("/v1/counts/overlap").status_code == 200
        assert made
        count = world.app.state.metrics.registry.get_sample_value
        labels = {"route": "/v1/counts/overlap", "method": "GET", "status": "2xx"}
        assert count("recuento_requests_total", labels) == 1
        assert count("recuento_request_seconds_count", {"lane": "costly"}) == 1


def test_nobody_counts_for_who_has_left() -> None:
    pool = Pool(answers=False)
    with pytest.raises(ClientDisconnect):
        asked_of(pool, stays=0.01)
    assert pool.cancelled


def test_what_an_answer_is_made_from_is_for_the_processes_alone() -> None:
    question = asked_of(
        Pool(headers=[(WORKER_STATS_HEADER, MEASURED), (WORKER_HEAD_HEADER, b'[3, "ab"]'), (b"etag", b'"x"')])
    )
    assert not question.counted_here
    assert [message.get("headers") for message in question.sent] == [[(b"etag", b'"x"')], None]


@pytest.mark.parametrize("pool", [Pool(headers=[]), Pool(error=ConnectError()), Pool(error=ConnectTimeout())])
def test_what_no_process_of_ours_answers_is_counted_here(pool: Pool) -> None:
    assert asked_of(pool).counted_here


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_worker, "EXTRA_TIMEOUT_SECONDS", 0)
    pool = Pool(answers=False)
    assert asked_of(pool, seconds=0.01).counted_here
    assert pool.cancelled


def test_who_has_no_place_within_patience_is_refused() -> None:
    question = asked_of(Pool(headers=[(WORKER_STATS_HEADER, MEASURED)]), places=0)
    assert not question.counted_here
    assert question.sent[0]["status"] == 429
