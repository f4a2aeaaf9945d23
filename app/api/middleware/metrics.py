"""What an operator counts and times of requests, and the lines about slow ones. Neither identifies anybody.

A label is the template of a route, a method, a class of status, the code of a refusal, a lane or what was waited for:
all of them are written in this code, so that no client can make a new one, nor be found by one (decision 0060).

How the registry stands, as metrics that are read when somebody scrapes them.

Of what waits (embargoes, objections, erasures) they say no more than `/readyz` says to anybody: codes of warnings."""

import logging
from collections.abc import Iterable
from functools import cache
from threading import Lock
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.datastructures import State
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.middleware.concurrency import shares
from app.api.routes.health import standing_warnings
from app.db.engine import is_memory, reading
from app.errors import Problem
from app.imports import stored
from app.log.entries import head
from app.server_log import NONE, Measure, begin, this

# Seconds. Answers that were kept take parts of a millisecond, counts tens of them; a whole list may take a minute.
TIMES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
KEPT = "kept"  # in place of a lane: answered with kept bytes
# A client may call its method anything.
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
# The statuses of refusals that are no fault of the request.
REFUSED = (429, 503)
# Seconds from which on whoever waits for an answer notices, and an operator wants to know which question it was.
SLOW = 1.0
# Lines about slow requests a minute of each process: enough to see which they are, and no flood of questions fills the
# disk with them. Metrics count all of them.
MOST_SLOW_LINES = 60

log = logging.getLogger("recuento")
disable_created_metrics()  # they say when something was first asked, which is nobody's business


class Metrics:
    """The counts and times of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        requests = Counter(
            "recuento_requests",
            "Requests, by the template of their route.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        seconds = Histogram(
            "recuento_request_seconds",
            "Seconds from a request to its answer, without those in which the line to the client was waited for.",
            ("lane",),
            buckets=TIMES,
            registry=self.registry,
        )
        waiting = Histogram(
            "recuento_waiting_seconds",
            "Of these, seconds for which requests waited for their turn, by what they waited for.",
            ("place",),
            buckets=TIMES,
            registry=self.registry,
        )
        holding = Counter(
            "recuento_lane_holding_seconds",
            "Seconds for which requests held places in a lane: as a rate, how many of its places are taken.",
            ("lane",),
            registry=self.registry,
        )
        refusals = Counter(
            "recuento_refusals",
            "Requests refused with 429 or 503, by the code that their answer gave.",
            ("status", "code"),
            registry=self.registry,
        )
        # The library looks for a series under a lock and with checks: once for each, and not for each request.
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)
        self._waiting, self._holding, self._refusals = waiting.labels, holding.labels, refusals.labels

    def count(self, method: str, status: int, took: float, measure: Measure) -> None:
        """Count one request. `status`: 0 where its client went before there was an answer."""
        of_status = f"{status // 100}xx" if status else NONE
        self._requests(measure.route, method, of_status).inc()
        self._seconds(measure.lane).observe(took)
        for place, seconds in measure.waited.items():
            self._waiting(place).observe(seconds)
        if measure.held:
            self._holding(measure.lane).inc(measure.held)
        if status in REFUSED:
            self._refusals(str(status), measure.refusal).inc()


class SlowLog:
    """Writes which requests were slow: by the template of the route and the names of parameters, without any value."""

    def __init__(self, parameters: frozenset[str]) -> None:
        """`parameters`: the names that some route knows. What else stands in a query may be anything."""
        self._parameters = parameters
        self._minute, self._lines = 0, 0

    def tell(self, scope: Scope, method: str, status: int, took: float, measure: Measure) -> None:
        minute = int(monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > MOST_SLOW_LINES:
            return
        given = {name for name, _value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
        waited = {place: _milliseconds(seconds) for place, seconds in measure.waited.items()}
        told: dict[str, Any] = {
            "route": measure.route,
            "method": method,
            "status": status or None,
            "lane": measure.lane,
            "waited_ms": waited,
            "worked_ms": _milliseconds(took - sum(measure.waited.values())),
            "statements": measure.statements,
            "parameters": sorted(given & self._parameters),
        }
        log.warning("slow request", extra={"told": told})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def parameters_of(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """The names of the query parameters that routes know."""
    given = [one for route in routes if isinstance(route, APIRoute) for one in route.dependant.query_params]
    shapes = [getattr(one.field_info.annotation, "model_fields", {one.alias: None}) for one in given]
    return frozenset(name for shape in shapes for name in shape)


def template(scope: Scope) -> str:
    """The template of the route that a request reached: every address without a route has one name together."""
    path: str = getattr(scope.get("route"), "path", NONE)
    return path


class Measured:
    """The outermost layer of ours: measure each request, count it, and write of it if it was slow."""

    def __init__(self, app: ASGIApp, parameters: frozenset[str]) -> None:
        self._app = app
        self._slow = SlowLog(parameters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        measure, status, on_line = begin(), 0, 0.0

        async def received() -> Message:
            nonlocal on_line
            asked = perf_counter()
            message = await receive()
            if not status:  # later it is asked, beside the answer, whether the client is still there
                on_line += perf_counter() - asked
            return message

        async def sent(message: Message) -> None:
            nonlocal status, on_line
            if message["type"] == "http.response.start":
                status = message["status"]
            given = perf_counter()
            await send(message)
            on_line += perf_counter() - given

        began = perf_counter()
        try:
            await self._app(scope, received, sent)
        finally:
            took = perf_counter() - began - on_line
            method = scope["method"] if scope["method"] in METHODS else OTHER
            metrics: Metrics = scope["app"].state.metrics
            metrics.count(method, status, took, measure)
            if took > SLOW:
                self._slow.tell(scope, method, status, took, measure)


class Routed:
    """The innermost layer: note which route a request reached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            this().route = template(scope)


class Standing(Collector):
    """Reads how the registry of an app's state stands. One scrape at a time: for these there is one session."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._turn = Lock()

    def collect(self) -> list[Metric]:
        with self._turn:
            return [_places(self._state), *_standing(self._state)]

    def describe(self) -> list[Metric]:
        """Nothing: a registry would otherwise read all of it once, only to learn the names."""
        return []


def _places(state: State) -> Metric:
    places = GaugeMetricFamily("recuento_lane_places", "Places in a lane, of all workers together.", labels=["lane"])
    for lane, number in shares(state.settings.concurrency).items():
        places.add_metric([lane], number * state.settings.workers)
    return places


def _standing(state: State) -> list[Metric]:
    """Nothing of a database in memory, whose one connection is everybody's."""
    if is_memory(state.engine.url):
        return []
    readiness = _readiness(state)
    try:
        with reading(state.engine) as session:
            return [*readiness, *_head(session), _imports(session)]
    except SQLAlchemyError:
        return readiness


def _readiness(state: State) -> list[Metric]:
    ready = GaugeMetricFamily("recuento_ready", "Whether /readyz answers 200.")
    standing = GaugeMetricFamily(
        "recuento_warning", "1 for each warning of /readyz, and for the code of its refusal.", labels=["code"]
    )
    try:
        codes, is_ready = standing_warnings(state), True
    except Problem as refusal:
        codes, is_ready = [refusal.code], False
    except Exception as error:  # the library would write its text to stderr
        server_log.unforeseen(error, "a scrape of metrics")
        codes, is_ready = [Problem.code], False
    ready.add_metric([], is_ready)
    for code in codes:
        standing.add_metric([code], 1)
    return [ready, standing]


def _head(session: Session) -> list[Metric]:
    revision, recorded_at = head(session)
    last = GaugeMetricFamily(
        "recuento_last_entry_timestamp_seconds", "When the last entry was recorded, in seconds since 1970."
    )
    if revision:
        last.add_metric([], recorded_at.timestamp())
    return [GaugeMetricFamily("recuento_revision", "The number of entries in the log.", revision), last]


def _imports(session: Session) -> Metric:
    lists = GaugeMetricFamily("recuento_imports", "Lists that are not through yet.", labels=["state"])
    for state, number in stored.under_way(session).items():
        lists.add_metric([state], number)
    return lists
