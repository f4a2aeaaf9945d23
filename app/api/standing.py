"""How the registry stands, as metrics that are read when somebody scrapes them.

Of what waits (embargoes, objections, erasures) they say no more than `/readyz` says to anybody: codes of warnings.
"""

from threading import Lock

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.datastructures import State

from app import server_log
from app.api.health import standing_warnings
from app.api.lanes import shares
from app.db.engine import is_memory, reading
from app.errors import Problem
from app.imports import stored
from app.log.entries import head


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
