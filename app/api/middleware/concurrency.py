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
from app.queries.parameters import MEDIA
from app.queries.terms import SOUGHT
from app.server_log import this

COSTLY_TAGS, COSTLY = frozenset({"counts", "matching"}), frozenset({"reconcile_claim"})  # tags, and names, of routes
COMPARING = "match_list"
POLLED = "recuento.polled"  # the key of a scope: an answer that many ask for again and again is made for all of them
Named = Literal["reads", "costly", "lists", "writes", "polled"]  # the lanes of requests
LANES = 4
# Sessions beyond N: a key is looked up before its body is read, the database is asked whether it answers, lists that
# were sent are filed, and the chores of `background.py` have places for objections, for the mark, and for the rest.
# A moment that was asked for is settled in one of its own, one looks at the head, one is for whoever scrapes metrics,
# and one makes the answers that dashboards poll. None waits for a request of another kind.
SPARE_SESSIONS = 10
RETRY_AFTER = "10"  # seconds: of those before it in the lane most are through by then
BUSY = "Too many such questions are asked at once. Nothing is wrong with yours: ask it again in a moment."


@dataclass(frozen=True)
class Lanes:
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
    apart: asyncio.Semaphore
    patience: float

    @classmethod
    def of(cls, places: int, patience: float) -> Self:
        """`places`: N."""
        return cls(
            **{name: asyncio.Semaphore(of_lane) for name, of_lane in shares(places).items()},
            keys=asyncio.Semaphore(1),
            readiness=asyncio.Semaphore(1),
            filing=asyncio.Semaphore(1),
            objections=asyncio.Semaphore(1),
            marks=asyncio.Semaphore(1),
            background=asyncio.Semaphore(1),
            settling=asyncio.Semaphore(1),
            polled=asyncio.Semaphore(1),
            apart=asyncio.Semaphore(shares(places)["costly"]),  # as many as another process counts at once
            patience=patience,
        )

    @classmethod
    def with_one_place(cls, patience: float) -> Self:
        """For a database that only one session can use at a time."""
        only = asyncio.Semaphore(1)
        names = [field.name for field in fields(cls) if field.name != "patience"]
        return cls(**dict.fromkeys(names, only), patience=patience)

    @asynccontextmanager
    async def in_time(self, name: Named, lane: asyncio.Semaphore, request: Request) -> AsyncIterator[None]:
        """A place in a lane, for a client that is still there by then. Raises Busy after `patience`."""
        async with in_lane(name, lane, self.patience):
            if await request.is_disconnected():
                raise ClientDisconnect
            yield


@asynccontextmanager
async def in_lane(name: Named, lane: asyncio.Semaphore, patience: float | None = None) -> AsyncIterator[None]:
    """A place in a lane, measured under its name. Raises Busy after `patience` seconds, if there is an end to it."""
    measure = this()
    measure.lane = name
    try:
        with measure.waiting(name):
            async with asyncio.timeout(patience):
                await lane.acquire()
    except TimeoutError:
        raise Busy(BUSY, headers={"Retry-After": RETRY_AFTER}) from None
    try:
        with measure.holding():
            yield
    finally:
        lane.release()


def shares(places: int) -> dict[Named, int]:
    """The places of each lane of requests. What the division leaves over goes to cheap reads; each lane has a place
    whatever N is."""
    quarter = max(1, places // LANES)
    return {
        "reads": max(1, places - (LANES - 1) * quarter),
        "costly": quarter,
        "lists": quarter,
        "writes": quarter,
    }


def sessions(places: int) -> int:
    """The sessions that are open at once with N places."""
    return max(places, LANES) + SPARE_SESSIONS


async def gate(request: Request) -> AsyncIterator[None]:
    """A place in the lane of what is read; the others wait here, holding neither a thread nor a connection."""
    lanes: Lanes = request.app.state.lanes
    if takes_whole_list(request):
        place = lanes.in_time("lists", lanes.lists, request)
    elif request.scope.get(POLLED, False):
        place = lanes.in_time("polled", lanes.polled, request)
    elif is_costly(request):
        place = lanes.in_time("costly", lanes.costly, request)
    else:
        place = in_lane("reads", lanes.reads)
    async with place:
        yield


async def gate_of_writes(request: Request) -> AsyncIterator[None]:
    """A place among those who write."""
    async with in_lane("writes", request.app.state.lanes.writes):
        yield


def is_costly(request: Request) -> bool:
    """Whether a question reads much of the registry for a short answer: counts and what is made of them, and whoever is
    sought by name."""
    route = request.scope["route"]
    named = route.name in COSTLY or SOUGHT in request.query_params
    return named or not COSTLY_TAGS.isdisjoint(route.tags)


def takes_whole_list(request: Request) -> bool:
    """Whether a whole list is asked for, or laid beside the registry."""
    return request.scope["route"].name == COMPARING or asks_for_whole_list(request)


def asks_for_whole_list(request: Request) -> bool:
    """Whether a list is asked for as a table, which comes whole."""
    form = request.query_params.get("format")
    shape = getattr(request.scope["route"], "response_model", None)
    listed = request.method == "GET" and "data" in getattr(shape, "__annotations__", ())
    return listed and (form is None or form in MEDIA) and responses.is_table(form, request)
