"""Requests are counted by what this code calls them, and never by anything that a client sends."""

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from time import sleep
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.api import writes
from app.api.middleware import metrics
from app.api.middleware.metrics import Metrics, StatusCollector
from app.api.middleware.request_boundary import RequestBoundaryMiddleware
from app.errors import Unavailable
from app.lanes import Lane
from app.main import ROUTERS
from app.server_log import JsonLineFormatter
from tests.databases import settings_of
from tests.support import Body, World, make_report

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAME, CASE, CLIENT, SOURCE = "Quetzalcóatl Ñáñez Oropeza", "zq-case-9137", "203.0.113.77", "zq-hidden-source"
FACILITY, COUNTRY = "Zq Cuartel Escondido", "KZ"
RANDOM_PATHS = 3_000


def exposed(world: World) -> str:
    """All that a scrape is told."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(world.app.state))
    return generate_latest(world.app.state.metrics.registry).decode() + generate_latest(registry).decode()


def samples(world: World, name: str) -> dict[tuple[str, ...], float]:
    """Label values, in the order of the labels' names → the value of a metric."""
    found = [sample for family in text_string_to_metric_families(exposed(world)) for sample in family.samples]
    return {
        tuple(value for _label, value in sorted(sample.labels.items())): sample.value
        for sample in found
        if sample.name == name
    }


def requests(world: World) -> dict[tuple[str, ...], float]:
    """`(method, template, class of status)` → requests."""
    return samples(world, "recuento_requests_total")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[list[Body]]:
    """Every request is slow; the lines about them, as they leave once the test is over them."""
    monkeypatch.setattr(metrics, "SLOW_SECONDS", 0.0)
    lines: list[Body] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "slow request":
                lines.append(json.loads(JsonLineFormatter().format(record)))

    handler = Lines()
    logging.getLogger("recuento").addHandler(handler)
    yield lines
    logging.getLogger("recuento").removeHandler(handler)


def test_requests_are_counted_by_template_method_and_class_of_status(world: World) -> None:
    person = world.file()["detainee"]["id"]
    for path in (f"/v1/detainees/{person}", f"/v1/detainees/{uuid.uuid4()}", "/v1/detainees/none", "/v1/none"):
        world.get(path)
    world.client.head("/v1/sources")
    world.client.request("BREW", "/v1/sources")
    assert requests(world) == {
        ("POST", "/v1/releases", "2xx"): 1,
        ("GET", "/v1/detainees/{detainee_id}", "2xx"): 1,
        ("GET", "/v1/detainees/{detainee_id}", "4xx"): 2,
        ("GET", "none", "4xx"): 1,
        ("HEAD", "/v1/sources", "2xx"): 1,
        ("other", "/v1/sources", "4xx"): 1,
    }


def test_an_answer_that_was_kept_is_counted_under_the_route_that_made_it(world: World) -> None:
    for _time in range(3):
        assert world.get("/v1/counts/releases", country="VE").status_code == 200
    assert requests(world) == {("GET", "/v1/counts/releases", "2xx"): 3}
    assert samples(world, "recuento_request_seconds_count") == {("costly",): 1, ("kept",): 2}


def test_each_lane_is_timed_by_itself(world: World) -> None:
    world.file()
    world.get("/v1/releases")
    world.get("/v1/counts/releases")
    world.get("/v1/releases.csv")
    world.object_to("nobody who is here")
    world.get("/healthz")
    assert samples(world, "recuento_request_seconds_count") == {
        ("writes",): 2, ("reads",): 1, ("costly",): 1, ("lists",): 1, ("none",): 1,
    }  # fmt: skip
    for name in ("recuento_waiting_seconds_sum", "recuento_lane_holding_seconds_total"):
        told = samples(world, name)
        assert told.keys() == {(lane,) for lane in ("reads", "costly", "lists", "writes")}
        assert all(seconds > 0 for seconds in told.values())


def test_how_many_places_there_are_is_told_for_all_workers_together(resting: World) -> None:
    resting.app.state.settings = settings_of(resting.settings.database_url, concurrency=9, workers=3)
    told = samples(resting, "recuento_lane_places")
    assert told == {("reads",): 9, ("costly",): 6, ("lists",): 6, ("writes",): 6, ("pages",): 6, ("pictures",): 3}


@SQLITE
def test_refusals_that_are_nobodys_fault_are_counted_by_their_code(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting.app.state.limits = replace(resting.app.state.limits, costly=Lane(0, 0))
    resting.refuse(resting.get("/v1/counts/releases"), 429, "busy")

    def unavailable(*_: Any) -> None:
        raise Unavailable("Not now.")

    monkeypatch.setattr(writes, "open_writer_session", unavailable)
    resting.refuse(resting.post("/v1/releases", make_report(), "foro"), 503, "unavailable")
    resting.get("/v1/releases", source="nobody")
    assert samples(resting, "recuento_refusals_total") == {("busy", "429"): 1, ("unavailable", "503"): 1}
    assert ("costly",) in samples(resting, "recuento_waiting_seconds_sum")


@SQLITE
def test_whoever_asks_too_often_is_counted_too_though_no_route_is_reached(world: World) -> None:
    with World(settings_of(world.settings.database_url, rate_by_client=1), keys=world.keys) as bounded:
        for _time in range(3):
            bounded.get("/v1/sources")
        assert samples(bounded, "recuento_refusals_total") == {("too_many_requests", "429"): 2}
        assert requests(bounded) == {("GET", "/v1/sources", "2xx"): 1, ("GET", "none", "4xx"): 2}


def test_a_failure_that_nobody_foresaw_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError(NAME)

    monkeypatch.setattr(writes, "open_writer_session", broken)
    assert world.post("/v1/releases", make_report(), "foro").status_code == 500
    assert requests(world) == {("POST", "/v1/releases", "5xx"): 1}


def plant(world: World) -> list[str]:
    """Ask with values that must be nowhere, in every way that a request can carry them; the values."""
    world.add_source(SOURCE)
    world.add_facility("zq-escondido", FACILITY)
    values = {
        "detainee__full_name": NAME, "source_record_id": CASE, "detention__facility": FACILITY,
        "detention__country": COUNTRY,
    }  # fmt: skip
    filed = world.file(SOURCE, **values)
    ids = [filed[thing]["id"] for thing in ("detainee", "detention", "release", "report")]
    key = world.keys[SOURCE]
    for address in (
        f"/v1/detainees/{ids[0]}", f"/v1/detentions/{ids[1]}", f"/v1/releases/{ids[2]}", f"/v1/reports/{ids[3]}",
        f"/v1/sources/{SOURCE}", "/v1/facilities/zq-escondido", f"/v1/{NAME}", f"/v1/{ids[0]}/{SOURCE}",
        f"/v1/releases?q={NAME}&country={COUNTRY}&{SOURCE}={ids[0]}", f"/v1/releases?{CASE}={NAME}",
        f"/v1/counts/releases?source={SOURCE}&{key}=1&{ids[1]}",
    ):  # fmt: skip
        for who in (None, SOURCE, "curator"):
            world.client.get(address, headers=world.headers(who), extensions={"client": CLIENT})
    world.client.request(key, "/v1/sources", extensions={"client": CLIENT})
    world.client.request(f"{SOURCE}", f"/{key}")
    world.post("/v1/releases", make_report(source_record_id=CASE, unknown=NAME), SOURCE)
    world.object_to(f"{NAME}, {CASE}", CLIENT)
    world.redact(ids[0])
    return [NAME.split()[0], "Quetzalc", CASE, CLIENT, SOURCE, FACILITY, f'"{COUNTRY}"', "zq-escondido", *ids, key]


def test_nothing_of_a_client_and_nothing_that_it_sends_is_in_the_metrics_or_the_lines_about_slow_requests(
    world: World, slow: list[Body]
) -> None:
    values = plant(world)
    told, lines = exposed(world), json.dumps(slow, ensure_ascii=False)
    assert len(slow) > 20
    assert 'route="/v1/detainees/{detainee_id}"' in told
    for value in values:
        assert value.lower() not in told.lower(), value
        assert value.lower() not in lines.lower(), value


@pytest.mark.campaign
@SQLITE
def test_however_many_paths_and_methods_somebody_asks_with_there_are_no_more_series(world: World) -> None:
    draw = Random(1848)

    def scope() -> Scope:
        path = f"/{draw.choice(['', 'v1/', 'v1/releases/', 'docs/'])}{draw.randbytes(6).hex()}"
        method = draw.choice(["GET", "GET", "POST", draw.randbytes(4).hex()])
        return {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": [],
            "query_string": draw.randbytes(3).hex().encode(), "client": (CLIENT, 1), "server": ("x", 80),
            "scheme": "http", "root_path": "", "http_version": "1.1",
        }  # fmt: skip

    async def ask_many(number: int) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(_message: Message) -> None:
            pass

        for _request in range(number):
            await world.app(scope(), receive, send)

    asyncio.run(ask_many(1_000))
    series = exposed(world).count("\n")
    asyncio.run(ask_many(RANDOM_PATHS - 1_000))
    assert exposed(world).count("\n") == series
    assert sum(requests(world).values()) == RANDOM_PATHS
    assert {template for _method, template, _status in requests(world)} <= {"none"} | {
        getattr(route, "path", "") for router in ROUTERS for route in router.routes
    }


def test_a_slow_request_leaves_a_line_with_its_route_its_times_and_the_names_of_its_parameters(
    world: World, slow: list[Body]
) -> None:
    world.file()
    slow.clear()
    answer = world.client.get(f"/v1/releases?country=VE&country=VE&limit=3&{CASE}=1&q=Rosa")
    (line,) = slow
    assert line.pop("at")
    assert line.pop("statements") >= 1 or answer.status_code == 422
    assert line.pop("worked_ms") >= 0
    assert [*line.pop("waited_ms")] == ["costly"]
    assert line == {
        "level": "warning", "where": "recuento", "event": "slow request", "request": answer.headers["request-id"],
        "route": "/v1/releases", "method": "GET", "status": answer.status_code, "lane": "costly",
        "parameters": ["country", "limit", "q"],
    }  # fmt: skip


def test_a_line_says_how_many_statements_a_request_ran(world: World, slow: list[Body]) -> None:
    world.get("/healthz")
    world.get("/v1/releases", "foro")
    world.file()
    none, some, many = (line["statements"] for line in slow)
    assert 0 == none < some < many


def test_a_request_within_the_bound_leaves_no_line(
    world: World, slow: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "SLOW_SECONDS", 60.0)
    world.file()
    world.get("/v1/releases")
    assert slow == []


def test_a_flood_of_slow_requests_leaves_a_bounded_number_of_lines(
    world: World, slow: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = 1_000_000.0
    monkeypatch.setattr(metrics, "monotonic", lambda: minute)
    monkeypatch.setattr(metrics, "MAX_SLOW_LINES", 3)
    for expected in (3, 6):
        for _time in range(9):
            world.get("/healthz")
        assert len(slow) == expected
        minute += 60


class _State:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.public_url = ""


class _App:
    """An app that reads a body and answers it."""

    def __init__(self) -> None:
        self.state = _State()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_a_slow_line_makes_no_slow_request(slow: list[Body]) -> None:
    """Neither a body that drips in nor a client that takes nothing of its answer."""
    app = _App()
    scope = {"type": "http", "app": app, "method": "POST", "path": "/", "query_string": b""}

    async def receive() -> Message:
        await asyncio.sleep(0.3)
        return {"type": "http.request", "body": b""}

    async def send(_message: Message) -> None:
        await asyncio.sleep(0.3)

    asyncio.run(RequestBoundaryMiddleware(app, frozenset())(scope, receive, send))
    (line,) = slow
    assert 20 <= line["worked_ms"] < 300


def test_a_client_that_went_before_its_answer_is_counted_without_a_status() -> None:
    app = _App()
    scope = {"type": "http", "app": app, "method": "POST", "path": "/", "query_string": b""}

    async def receive() -> Message:
        raise ClientDisconnect

    async def send(_message: Message) -> None:
        raise AssertionError("nobody is there")

    asyncio.run(RequestBoundaryMiddleware(app, frozenset())(scope, receive, send))
    told = generate_latest(app.state.metrics.registry).decode()
    assert 'recuento_requests_total{method="POST",route="none",status="none"} 1.0' in told
