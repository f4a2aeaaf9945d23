"""Limit concurrency by kind of request, so that writes never wait for reads, nor cheap reads for expensive ones.

One number N bounds the sessions, threads and pooled connections. Cheap reads, expensive queries, whole lists and writes
have a lane each with a quarter of it; as many pages are made at once. Clients have turns in a lane (`lanes.Lane`). A
request that waits uses no thread and no connection.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Literal, Self

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.table_routes import is_list_route, split_table_path
from app.lanes import Lane
from app.queries.terms import SEARCH_TERM
from app.server_log import get_request_stats

COSTLY_TAGS = frozenset({"counts", "matching"})  # tags of routes
COSTLY_ROUTES = frozenset({"reconcile_claim", "list_batches", "list_batch_reports"})  # functions of routes
COMPARISON_ROUTE = "match_list"  # function of routes
SCOPE_POLLED = "recuento.polled"  # scope key: dashboards poll this address, so that many clients wait for the answer
LaneName = Literal["reads", "costly", "lists", "writes", "polled", "pages", "pictures"]
LANE_COUNT = 4  # of those whose places hold a session
# Those whose places hold no session: who has one may wait for a place in another lane.
SESSIONLESS_LANES = ("pages", "pictures", "arrivals")
FILING_PLACES = 2  # a long list does not keep another source's from being read
# Sessions beyond N: two for the filing of imports, and one each for key lookups, readiness checks, objections, the
# high-water mark, other background jobs, settling of moments, the head watcher, metrics, and polled answers.
SPARE_SESSIONS = FILING_PLACES + 9


@dataclass(frozen=True)
class ConcurrencyLimits:
    """The lanes of one process. `arrivals`: of objections, before they have a place among the writes."""

    reads: Lane
    costly: Lane
    lists: Lane
    writes: Lane
    keys: Lane
    readiness: Lane
    filing: Lane
    objections: Lane
    marks: Lane
    background: Lane
    settling: Lane
    polled: Lane
    count_workers: Lane
    pages: Lane
    pictures: Lane
    arrivals: Lane

    @classmethod
    def with_places(cls, places: int) -> Self:
        """Return the lanes for N = `places`."""
        sizes = {**compute_lane_sizes(places), "filing": FILING_PLACES}
        sizes["count_workers"] = sizes["costly"]  # a count worker has a lane of the same size
        return cls(**{each.name: Lane(sizes.get(each.name, 1)) for each in fields(cls)})

    @classmethod
    def with_one_place(cls) -> Self:
        """Return lanes for a database that only one session can use at a time."""
        shared_lane = Lane(1)
        own_lanes = {name: Lane(1) for name in SESSIONLESS_LANES}
        return cls(**{each.name: own_lanes.get(each.name, shared_lane) for each in fields(cls)})


@asynccontextmanager
async def acquire_lane(name: LaneName, lane: Lane) -> AsyncIterator[None]:
    """Hold a place in a lane, and measure the wait. Raises Busy."""
    stats = get_request_stats()
    stats.lane = name
    with stats.time_wait(name):
        turn = await lane.acquire()
    try:
        with stats.time_hold():
            yield
    finally:
        lane.release(turn)


def compute_lane_sizes(places: int) -> dict[str, int]:
    """Return the number of places of each lane: at least one each; cheap reads get the remainder of the division."""
    quarter = max(1, places // LANE_COUNT)
    return {
        "reads": max(1, places - (LANE_COUNT - 1) * quarter),
        "costly": quarter,
        "lists": quarter,
        "writes": quarter,
        "pages": quarter,
        "pictures": 1,
    }


def compute_max_sessions(places: int) -> int:
    """Return the maximum number of open sessions for N = `places`."""
    return max(places, LANE_COUNT) + SPARE_SESSIONS


async def acquire_read_slot(request: Request) -> AsyncIterator[None]:
    """Acquire a slot in the lane of a read request. Raises ClientDisconnect if an expensive one has lost its client."""
    limits: ConcurrencyLimits = request.app.state.limits
    name = _find_read_lane(request)
    async with acquire_lane(name, getattr(limits, name)):
        if name != "reads" and await request.is_disconnected():
            raise ClientDisconnect
        yield


def _find_read_lane(request: Request) -> LaneName:
    if reads_whole_list(request):
        return "lists"
    if request.scope.get(SCOPE_POLLED, False):
        return "polled"
    return "costly" if is_costly(request) else "reads"


async def acquire_write_slot(request: Request) -> AsyncIterator[None]:
    """Acquire a slot in the lane of writes."""
    async with acquire_lane("writes", request.app.state.limits.writes):
        yield


def is_costly(request: Request) -> bool:
    """Return whether a request reads much of the registry for a short answer: counts, and searches by name."""
    route = request.scope["route"]
    is_costly_by_name = route.endpoint.__name__ in COSTLY_ROUTES or SEARCH_TERM in request.query_params
    return is_costly_by_name or not COSTLY_TAGS.isdisjoint(route.tags)


def reads_whole_list(request: Request) -> bool:
    """Return whether a request exports a whole list, or compares one with the registry."""
    return request.scope["route"].endpoint.__name__ == COMPARISON_ROUTE or requests_whole_list(request)


def requests_whole_list(request: Request) -> bool:
    """Return whether a list is requested as a table, which is not paged."""
    _path, extension = split_table_path(request.url.path)
    return extension is not None and request.method == "GET" and is_list_route(request.scope["route"])
