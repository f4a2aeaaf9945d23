"""How many may be inside at once, by what they do: whoever writes never waits for readers, nor a cheap read for a
costly one.

One number N bounds sessions, threads and pooled connections: a quarter of it each for cheap reads, costly questions,
whole lists and writes. Outside of a lane a request holds neither a thread nor a connection.
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

COSTLY_TAGS, COSTLY_ROUTES = (
    frozenset({"counts", "matching"}),
    frozenset({"reconcile_claim"}),
)  # tags, and names, of routes
COMPARISON_ROUTE = "match_list"
SCOPE_POLLED = (
    "recuento.polled"  # the key of a scope: an answer that many ask for again and again is made for all of them
)
LaneName = Literal["reads", "costly", "lists", "writes", "polled"]  # the lanes of requests
LANE_COUNT = 4
# Sessions beyond N: a key is looked up before its body is read, the database is asked whether it answers, lists that
# were sent are filed, and the chores of `background.py` have places for objections, for the mark, and for the rest.
# A moment that was asked for is settled in one of its own, one looks at the head, one is for whoever scrapes metrics,
# and one makes the answers that dashboards poll. None waits for a request of another kind.
SPARE_SESSIONS = 10
LANE_RETRY_AFTER = "10"  # seconds: of those before it in the lane most are through by then
LANE_BUSY_DETAIL = "Too many such questions are asked at once. Nothing is wrong with yours: ask it again in a moment."


@dataclass(frozen=True)
class ConcurrencyLimits:
    """The places of one process. `patience`: the seconds that a costly question or a whole list waits for its own."""

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
        """`places`: N."""
        return cls(
            **{name: asyncio.Semaphore(place_count) for name, place_count in compute_lane_sizes(places).items()},
            keys=asyncio.Semaphore(1),
            readiness=asyncio.Semaphore(1),
            filing=asyncio.Semaphore(1),
            objections=asyncio.Semaphore(1),
            marks=asyncio.Semaphore(1),
            background=asyncio.Semaphore(1),
            settling=asyncio.Semaphore(1),
            polled=asyncio.Semaphore(1),
            count_workers=asyncio.Semaphore(
                compute_lane_sizes(places)["costly"]
            ),  # as many as another process counts at once
            patience=patience,
        )

    @classmethod
    def with_one_place(cls, patience: float) -> Self:
        """For a database that only one session can use at a time."""
        semaphore = asyncio.Semaphore(1)
        names = [field.name for field in fields(cls) if field.name != "patience"]
        return cls(**dict.fromkeys(names, semaphore), patience=patience)

    @asynccontextmanager
    async def acquire_lane_for_client(
        self, name: LaneName, semaphore: asyncio.Semaphore, request: Request
    ) -> AsyncIterator[None]:
        """A place in a lane, for a client that is still there by then. Raises Busy after `patience`."""
        async with acquire_lane(name, semaphore, self.patience):
            if await request.is_disconnected():
                raise ClientDisconnect
            yield


@asynccontextmanager
async def acquire_lane(
    name: LaneName, semaphore: asyncio.Semaphore, timeout: float | None = None
) -> AsyncIterator[None]:
    """A place in a lane, measured under its name. Raises Busy after `timeout` seconds, if there is an end to it."""
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
    """The places of each lane of requests. What the division leaves over goes to cheap reads; each lane has a place
    whatever N is."""
    quarter = max(1, places // LANE_COUNT)
    return {
        "reads": max(1, places - (LANE_COUNT - 1) * quarter),
        "costly": quarter,
        "lists": quarter,
        "writes": quarter,
    }


def compute_max_sessions(places: int) -> int:
    """The sessions that are open at once with N places."""
    return max(places, LANE_COUNT) + SPARE_SESSIONS


async def acquire_read_slot(request: Request) -> AsyncIterator[None]:
    """A place in the lane of what is read; the others wait here, holding neither a thread nor a connection."""
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
    """A place among those who write."""
    async with acquire_lane("writes", request.app.state.limits.writes):
        yield


def is_costly(request: Request) -> bool:
    """Whether a question reads much of the registry for a short answer: counts and what is made of them, and whoever is
    sought by name."""
    route = request.scope["route"]
    is_costly_by_name = route.name in COSTLY_ROUTES or SEARCH_TERM in request.query_params
    return is_costly_by_name or not COSTLY_TAGS.isdisjoint(route.tags)


def reads_whole_list(request: Request) -> bool:
    """Whether a whole list is asked for, or laid beside the registry."""
    return request.scope["route"].name == COMPARISON_ROUTE or requests_whole_list(request)


def requests_whole_list(request: Request) -> bool:
    """Whether a list is asked for as a table, which comes whole."""
    format_name = request.query_params.get("format")
    response_model = getattr(request.scope["route"], "response_model", None)
    is_list_route = request.method == "GET" and "data" in getattr(response_model, "__annotations__", ())
    return (
        is_list_route
        and (format_name is None or format_name in FORMAT_MEDIA_TYPES)
        and responses.is_table(format_name, request)
    )
