"""Places by what is done: whoever writes or asks for little never waits for whoever asks for much."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from starlette.requests import Request

from app.api.middleware import concurrency, response_cache
from app.api.middleware.concurrency import ConcurrencyLimits, compute_max_sessions
from app.api.middleware.response_cache import (
    HALVING_INTERVAL_SECONDS,
    MAX_POLLED_ADDRESSES,
    MIN_POLLED_REQUESTS,
    Address,
    CachedResponse,
    ResponseCache,
)
from app.config import Settings
from app.db.engine import open_read_session
from app.lanes import Lane
from app.main import ROUTERS
from tests.databases import settings_of
from tests.support import World, make_report

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Those whose places hold a session of this process.
LANES = (
    "reads",
    "costly",
    "lists",
    "writes",
    "keys",
    "readiness",
    "filing",
    "objections",
    "marks",
    "background",
    "settling",
    "polled",
)
WITHOUT_A_LANE = 2  # sessions: one looks at the head, one is for scrapes
# One request for each kind of costly question, and what is cheap.
COSTLY = (
    "/v1/counts/releases", "/v1/counts/held", "/v1/counts/series", "/v1/counts/overlap", "/v1/estimates/releases",
    "/v1/releases?q=Rosa", "/v1/detainees?q=Rosa", "/v1/counts/releases.csv", "/c/none",
    "/v1/claims/00000000-0000-4000-8000-000000000000/reconciliation",
)  # fmt: skip
WHOLE = ("/v1/releases.csv", "/v1/releases.jsonl?q=Rosa")
CHEAP = ("/v1/releases", "/v1/sources", "/v1/me", "/v1/vocabulary", "/v1/corrections")


FULL = Lane(0, 0)  # without a place, and without one to wait at


@pytest.mark.parametrize("places", range(1, 34))
def test_every_lane_has_a_place_and_all_together_no_more_than_there_are_sessions(places: int) -> None:
    lanes = ConcurrencyLimits.with_places(places)
    given = [getattr(lanes, name).free_places for name in LANES]
    assert min(given) >= 1
    assert sum(given) + WITHOUT_A_LANE == compute_max_sessions(places)


def taking(lanes: ConcurrencyLimits, *names: str) -> ConcurrencyLimits:
    """Lanes of which these are full."""
    return replace(lanes, **dict.fromkeys(names, FULL))


@SQLITE
@pytest.mark.parametrize("path", COSTLY)
def test_a_costly_question_waits_for_its_own_lane_alone(resting: World, path: str) -> None:
    resting.app.state.limits = taking(resting.app.state.limits, "costly")
    answer = resting.client.get(path, headers=resting.headers("foro"))
    resting.refuse(answer, 429, "busy")
    assert int(answer.headers["retry-after"]) > 0
    resting.app.state.limits = taking(ConcurrencyLimits.with_places(4), "reads", "lists", "writes")
    assert resting.client.get(path, headers=resting.headers("foro")).status_code in (200, 404, 422)


@SQLITE
@pytest.mark.parametrize("path", WHOLE)
def test_a_whole_list_waits_among_whole_lists_alone(resting: World, path: str) -> None:
    resting.app.state.limits = taking(resting.app.state.limits, "lists")
    resting.refuse(resting.client.get(path), 429, "busy")
    resting.app.state.limits = taking(ConcurrencyLimits.with_places(4), "reads", "costly", "writes")
    assert resting.client.get(path).status_code == 200


@SQLITE
def test_a_list_laid_beside_the_registry_waits_among_whole_lists_and_a_person_among_costly_questions(
    resting: World,
) -> None:
    files = {"file": ("list.csv", b"nombre;pais\nRosa Valdivia;VE\n")}
    resting.app.state.limits = taking(resting.app.state.limits, "lists")
    resting.refuse(resting.client.post("/v1/match/list", files=files, headers=resting.headers("foro")), 429, "busy")
    resting.app.state.limits = taking(ConcurrencyLimits.with_places(4), "costly")
    resting.refuse(resting.post("/v1/match", {"full_name": "Rosa Valdivia"}, "foro"), 429, "busy")


@SQLITE
def test_cheap_reads_writes_and_health_wait_for_no_costly_question(resting: World) -> None:
    resting.app.state.limits = taking(resting.app.state.limits, "costly", "lists")
    for path in (*CHEAP, "/healthz", "/readyz"):
        assert resting.get(path, "foro").status_code == 200, path
    assert resting.post("/v1/releases", make_report(), "foro").status_code == 201


@SQLITE
def test_writes_and_health_wait_for_no_reader_at_all(resting: World) -> None:
    resting.app.state.limits = taking(resting.app.state.limits, "reads", "costly", "lists")
    assert resting.post("/v1/releases", make_report(), "foro").status_code == 201
    assert [resting.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


@SQLITE
def test_a_page_waits_among_pages_and_a_form_or_the_desk_does_not(resting: World) -> None:
    """A body may take hours to come, and the desk waits for lists."""
    resting.app.state.limits = taking(resting.app.state.limits, "pages")
    for path in ("/es/", "/es/people", "/es/figures/funnel.png"):
        assert resting.client.get(path).status_code == 429, path
    assert resting.client.get("/es/desk").status_code in (200, 403)
    assert resting.client.post("/es/objection", data={"about": "x"}).status_code == 403
    assert resting.get("/v1/counts/releases").status_code == 200


def test_every_route_under_counts_and_matching_is_costly() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    known = {getattr(route, "name", "") for route in routes}
    assert concurrency.COSTLY_ROUTES | {concurrency.COMPARISON_ROUTE} <= known
    assert {tag for route in routes for tag in getattr(route, "tags", ())} >= concurrency.COSTLY_TAGS


def _request(world: World, *, gone: bool) -> Request:
    async def receive() -> dict[str, Any]:
        if gone:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    route = next(route for router in ROUTERS for route in router.routes if getattr(route, "name", "") == "count_series")
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/counts/series",
        "headers": [],
        "query_string": b"",
        "route": route,
    }
    scope["app"] = world.app
    return Request(scope, receive)


@SQLITE
def test_for_a_client_that_has_hung_up_nothing_is_counted_and_its_place_is_free(resting: World) -> None:
    async def scene() -> list[str]:
        came = []
        for gone in (True, False):
            try:
                async with asynccontextmanager(concurrency.acquire_read_slot)(_request(resting, gone=gone)):
                    came.append("inside")
            except Exception as error:
                came.append(type(error).__name__)
        return came

    lanes = resting.app.state.limits = ConcurrencyLimits.with_places(4)
    assert asyncio.run(scene()) == ["ClientDisconnect", "inside"]
    assert lanes.costly.free_places == 1


@pytest.fixture
def hasty(settings: Settings) -> Settings:
    return settings_of(settings.database_url, question_seconds=0.000_001)


def test_a_question_that_takes_too_long_is_stopped_and_told_to_be_narrower(world: World, hasty: Settings) -> None:
    world.file()
    with World(hasty, keys=world.keys) as registry:
        answer = registry.get("/v1/counts/releases", group_by=["source", "day"])
        assert "fewer" in registry.refuse(answer, 422, "takes_too_long")["detail"]
        assert registry.post("/v1/releases", make_report(source_record_id="X"), "foro").status_code in (200, 201)
        with open_read_session(registry.engine) as session:  # nothing is stopped on a connection that is used again
            assert session.connection().exec_driver_sql("SELECT 1").scalar_one() == 1


def test_what_dashboards_poll_is_made_anew_though_strangers_fill_the_lane_of_costly_questions(resting: World) -> None:
    counts = "/v1/counts/releases"
    resting.file()
    for _time in range(1 + MIN_POLLED_REQUESTS):  # the first makes it
        assert resting.get(counts, group_by="source").status_code == 200
    assert resting.get(counts, group_by="release_kind").status_code == 200
    resting.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    resting.app.state.limits = taking(resting.app.state.limits, "costly")
    assert resting.get(counts, group_by="source").json()["total"]["cases"] == 2
    resting.refuse(resting.get(counts, group_by="release_kind"), 429, "busy")


def test_no_more_answers_are_made_before_others_than_the_most_polled() -> None:
    answers, head = ResponseCache(), (1, "a")
    pages: list[Address] = [
        ("/v1/counts/releases", b"group_by=%d" % number) for number in range(MAX_POLLED_ADDRESSES + 1)
    ]
    for number, page in enumerate(pages):
        answers.find(head, page)
        answers.store(head, page, CachedResponse([(b"etag", b'"x"')], b"{}"))
        for _time in range(MIN_POLLED_REQUESTS + number):
            answers.find(head, page)
    answers.find((2, "b"), pages[0])
    assert [answers.is_polled(page) for page in pages] == [False, *[True] * MAX_POLLED_ADDRESSES]
    answers.find((3, "c"), pages[0])
    assert answers.is_polled(pages[1]), "nobody asked for anything in between"


def test_what_dashboards_poll_stays_so_though_each_head_stands_shorter_than_they_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, page = ResponseCache(), ("/v1/counts/releases", b"group_by=source")
    for _wait in range(MIN_POLLED_REQUESTS + 1):
        answers.count(page)  # whoever waits for the answer that another is making
    for revision in range(1, 10):
        answers.find((revision, "a"), page)
        assert answers.is_polled(page)
    monkeypatch.setattr(response_cache, "monotonic", lambda: monotonic() + HALVING_INTERVAL_SECONDS + 1)
    answers.find((10, "a"), page)
    assert not answers.is_polled(page), "by then each request counts for half of one"
