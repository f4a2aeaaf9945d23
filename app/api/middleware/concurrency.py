"""Limit concurrency by kind of request, so that writes never wait for reads, nor cheap reads for expensive ones.

One number N bounds the sessions, threads and pooled connections. Cheap reads, expensive queries, whole lists and writes
get a quarter of it each; each of these limiters is called a lane. A request that waits for a lane uses no thread and no
connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Literal, Self

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api import responses
from app.errors import Busy
from app.queries.parameters import FORMAT_MEDIA_TYPES
from app.queries.terms import SEARCH_TERM
from app.server_log import get_request_stats

COSTLY_TAGS = frozenset({"counts", "matching"})  # tags of routes
COSTLY_ROUTES = frozenset({"reconcile_claim", "list_batches", "list_batch_reports"})  # names of routes
COMPARISON_ROUTE = "match_list"
SCOPE_POLLED = "recuento.polled"  # scope key: dashboards poll this address, so that many clients wait for the answer
LaneName = Literal["reads", "costly", "lists", "writes", "polled"]
LANE_COUNT = 4
# Sessions beyond N, one each for: key lookups, readiness checks, filing of imports, objections, the high-water mark,
# other background jobs, settling of moments, the head watcher, metrics, and polled answers.
SPARE_SESSIONS = 10
LANE_RETRY_AFTER = "10"  # seconds: most of the requests ahead in the queue are finished by then
LANE_BUSY_DETAIL = "Too many such questions are asked at once. Nothing is wrong with yours: ask it again in a moment."


@dataclass(frozen=True)
class ConcurrencyLimits:
    """The limiters of one process. `patience`: seconds that an expensive query or a whole list waits in the queue."""

    reads: asyncio.Semaphore
    costly: asyncio.Semaphore
    lists: asyncio.Semaphore
    writes: asyncio.Semaphore
    keys: asyncio.Semaphore
    readiness: asyncio.Semaphore
    filing: asyncio.Semaphore
    objections: asyncio.Semaphore
    marks: asyncio.Semaphore
    background: asyncio.Semaphore
    settling: asyncio.Semaphore
    polled: asyncio.Semaphore
    count_workers: asyncio.Semaphore
    patience: float

    @classmethod
    def with_places(cls, places: int, patience: float) -> Self:
        """Return the limiters for N = `places`."""
        lane_sizes = compute_lane_sizes(places)
        return cls(
            **{name: asyncio.Semaphore(size) for name, size in lane_sizes.items()},
            keys=asyncio.Semaphore(1),
            readiness=asyncio.Semaphore(1),
            filing=asyncio.Semaphore(1),
            objections=asyncio.Semaphore(1),
            marks=asyncio.Semaphore(1),
            background=asyncio.Semaphore(1),
            settling=asyncio.Semaphore(1),
            polled=asyncio.Semaphore(1),
            count_workers=asyncio.Semaphore(lane_sizes["costly"]),  # a count worker has a lane of the same size
            patience=patience,
        )

    @classmethod
    def with_one_place(cls, patience: float) -> Self:
        """Return limiters for a database that only one session can use at a time."""
        semaphore = asyncio.Semaphore(1)
        names = [field.name for field in fields(cls) if field.name != "patience"]
        return cls(**dict.fromkeys(names, semaphore), patience=patience)

    @asynccontextmanager
    async def acquire_lane_for_client(
        self, name: LaneName, semaphore: asyncio.Semaphore, request: Request
    ) -> AsyncIterator[None]:
        """Acquire a slot in a lane. Raises Busy after `patience` seconds, ClientDisconnect if the client has left."""
        async with acquire_lane(name, semaphore, self.patience):
            if await request.is_disconnected():
                raise ClientDisconnect
            yield


@asynccontextmanager
async def acquire_lane(
    name: LaneName, semaphore: asyncio.Semaphore, timeout: float | None = None
) -> AsyncIterator[None]:
    """Acquire a slot in a lane, and measure the wait. Raises Busy after `timeout` seconds; None waits without limit."""
    stats = get_request_stats()
    stats.lane = name
    try:
        with stats.time_wait(name):
            async with asyncio.timeout(timeout):
                await semaphore.acquire()
    except TimeoutError:
        raise Busy(LANE_BUSY_DETAIL, headers={"Retry-After": LANE_RETRY_AFTER}) from None
    try:
        with stats.time_hold():
            yield
    finally:
        semaphore.release()


def compute_lane_sizes(places: int) -> dict[LaneName, int]:
    """Return the number of slots of each lane: at least one each; cheap reads get the remainder of the division."""
    quarter = max(1, places // LANE_COUNT)
    return {
        "reads": max(1, places - (LANE_COUNT - 1) * quarter),
        "costly": quarter,
        "lists": quarter,
        "writes": quarter,
    }


def compute_max_sessions(places: int) -> int:
    """Return the maximum number of open sessions for N = `places`."""
    return max(places, LANE_COUNT) + SPARE_SESSIONS


async def acquire_read_slot(request: Request) -> AsyncIterator[None]:
    """Acquire a slot in the lane of a read request. A waiting request uses no thread and no connection."""
    limits: ConcurrencyLimits = request.app.state.limits
    if reads_whole_list(request):
        slot = limits.acquire_lane_for_client("lists", limits.lists, request)
    elif request.scope.get(SCOPE_POLLED, False):
        slot = limits.acquire_lane_for_client("polled", limits.polled, request)
    elif is_costly(request):
        slot = limits.acquire_lane_for_client("costly", limits.costly, request)
    else:
        slot = acquire_lane("reads", limits.reads)
    async with slot:
        yield


async def acquire_write_slot(request: Request) -> AsyncIterator[None]:
    """Acquire a slot in the lane of writes."""
    async with acquire_lane("writes", request.app.state.limits.writes):
        yield


def is_costly(request: Request) -> bool:
    """Return whether a request reads much of the registry for a short answer: counts, and searches by name."""
    route = request.scope["route"]
    is_costly_by_name = route.name in COSTLY_ROUTES or SEARCH_TERM in request.query_params
    return is_costly_by_name or not COSTLY_TAGS.isdisjoint(route.tags)


def reads_whole_list(request: Request) -> bool:
    """Return whether a request exports a whole list, or compares one with the registry."""
    return request.scope["route"].name == COMPARISON_ROUTE or requests_whole_list(request)


def requests_whole_list(request: Request) -> bool:
    """Return whether a list is requested as a table, which is not paged."""
    format_name = request.query_params.get("format")
    response_model = getattr(request.scope["route"], "response_model", None)
    is_list_route = request.method == "GET" and "data" in getattr(response_model, "__annotations__", ())
    return (
        is_list_route
        and (format_name is None or format_name in FORMAT_MEDIA_TYPES)
        and responses.is_table(format_name, request)
    )
