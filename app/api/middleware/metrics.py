"""Count and time requests, log slow ones, and collect the status of the registry for Prometheus.

No metric identifies a person. Labels are templates of routes, methods, classes of status, error codes and lanes: a
client can create no new label, and cannot be traced by one (decision 0060). Waiting embargoes, objections and erasures
appear only as the warning codes that `/readyz` shows publicly.
"""

import logging
from collections.abc import Iterable
from functools import cache
from threading import Lock
from time import monotonic
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
from starlette.types import Scope

from app import server_log
from app.api.middleware.concurrency import compute_lane_sizes
from app.api.routes.health import check_readiness
from app.db.engine import is_memory, open_read_session
from app.errors import Problem
from app.imports.filing import import_store
from app.log.entries import read_head
from app.server_log import NO_LABEL, RequestStats

# Seconds. Cached responses take less than a millisecond, counts tens of them; a whole list may take a minute.
TIME_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
CACHED_LANE = "kept"  # the value of the label `lane` for cached responses
# Other methods share one label, because a client may send any text.
METRIC_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"
# The statuses of refusals that are not caused by an error in the request.
REFUSAL_STATUSES = (429, 503)
# Duration from which a user notices the wait, and the request is logged.
SLOW_SECONDS = 1.0
# Lines about slow requests per minute and process, so that a flood cannot fill the disk. Metrics count all of them.
MAX_SLOW_LINES = 60

log = logging.getLogger("recuento")
disable_created_metrics()  # they would reveal when something was first requested


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
            buckets=TIME_BUCKETS,
            registry=self.registry,
        )
        waiting = Histogram(
            "recuento_waiting_seconds",
            "Of these, seconds for which requests waited for their turn, by what they waited for.",
            ("place",),
            buckets=TIME_BUCKETS,
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
        # The library's `labels` takes a lock and checks its arguments: cache the series.
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)
        self._waiting, self._holding, self._refusals = waiting.labels, holding.labels, refusals.labels

    def count(self, method: str, status: int, duration: float, stats: RequestStats) -> None:
        """Count one request. `status`: 0 if the client disconnected before the response; `duration`: seconds."""
        status_class = f"{status // 100}xx" if status else NO_LABEL
        self._requests(stats.route, method, status_class).inc()
        self._seconds(stats.lane).observe(duration)
        for place, seconds in stats.waited.items():
            self._waiting(place).observe(seconds)
        if stats.held:
            self._holding(stats.lane).inc(stats.held)
        if status in REFUSAL_STATUSES:
            self._refusals(str(status), stats.refusal).inc()


class SlowLog:
    """Logs slow requests with the template of the route and the names of parameters, without any value."""

    def __init__(self, parameters: frozenset[str]) -> None:
        """`parameters`: the known names of query parameters. Other names may be anything and are not logged."""
        self._parameters = parameters
        self._minute, self._lines = 0, 0

    def write_if_slow(self, scope: Scope, method: str, status: int, duration: float, stats: RequestStats) -> None:
        if duration <= SLOW_SECONDS:
            return
        minute = int(monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > MAX_SLOW_LINES:
            return
        names = {name for name, _value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
        waited_ms = {place: _milliseconds(seconds) for place, seconds in stats.waited.items()}
        fields: dict[str, Any] = {
            "route": stats.route,
            "method": method,
            "status": status or None,
            "lane": stats.lane,
            "waited_ms": waited_ms,
            "worked_ms": _milliseconds(duration - sum(stats.waited.values())),
            "statements": stats.statements,
            "parameters": sorted(names & self._parameters),
        }
        log.warning("slow request", extra={"fields": fields})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def collect_query_parameters(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """Return the names of the query parameters of all routes."""
    parameters = [
        parameter for route in routes if isinstance(route, APIRoute) for parameter in route.dependant.query_params
    ]
    shapes = [
        getattr(parameter.field_info.annotation, "model_fields", {parameter.alias: None}) for parameter in parameters
    ]
    return frozenset(name for shape in shapes for name in shape)


def find_route_template(scope: Scope) -> str:
    """Return the template of the route of a request; NO_LABEL for an address without a route."""
    route = scope.get("route")
    path: str = getattr(route, "path_format", getattr(route, "path", NO_LABEL))
    return path


class StatusCollector(Collector):
    """A Prometheus collector of the registry's status. It allows one scrape at a time, because it has one session."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = Lock()

    def collect(self) -> list[Metric]:
        with self._lock:
            return [_collect_lane_sizes(self._state), *_collect_status(self._state)]

    def describe(self) -> list[Metric]:
        """Return nothing. Without this, the library would run `collect` at registration to learn the names."""
        return []


def _collect_lane_sizes(state: State) -> Metric:
    places = GaugeMetricFamily("recuento_lane_places", "Places in a lane, of all workers together.", labels=["lane"])
    for lane, number in compute_lane_sizes(state.settings.concurrency).items():
        places.add_metric([lane], number * state.settings.workers)
    return places


def _collect_status(state: State) -> list[Metric]:
    """Return the metrics of the database; none of a database in memory, which has a single shared connection."""
    if is_memory(state.engine.url):
        return []
    readiness = _collect_readiness(state)
    try:
        with open_read_session(state.engine) as session:
            return [*readiness, *_collect_head(session), _collect_imports(session)]
    except SQLAlchemyError:
        return readiness


def _collect_readiness(state: State) -> list[Metric]:
    ready_gauge = GaugeMetricFamily("recuento_ready", "Whether /readyz answers 200.")
    warning_gauge = GaugeMetricFamily(
        "recuento_warning", "1 for each warning of /readyz, and for the code of its refusal.", labels=["code"]
    )
    try:
        codes, is_ready = check_readiness(state), True
    except Problem as refusal:
        codes, is_ready = [refusal.code], False
    except Exception as error:  # the library would write the text of the exception to stderr
        server_log.log_unforeseen_error(error, "a scrape of metrics")
        codes, is_ready = [Problem.code], False
    ready_gauge.add_metric([], is_ready)
    for code in codes:
        warning_gauge.add_metric([code], 1)
    return [ready_gauge, warning_gauge]


def _collect_head(session: Session) -> list[Metric]:
    revision, recorded_at = read_head(session)
    last = GaugeMetricFamily(
        "recuento_last_entry_timestamp_seconds", "When the last entry was recorded, in seconds since 1970."
    )
    if revision:
        last.add_metric([], recorded_at.timestamp())
    return [GaugeMetricFamily("recuento_revision", "The number of entries in the log.", revision), last]


def _collect_imports(session: Session) -> Metric:
    lists = GaugeMetricFamily("recuento_imports", "Lists that are not through yet.", labels=["state"])
    for state, number in import_store.count_open_imports(session).items():
        lists.add_metric([state], number)
    return lists
