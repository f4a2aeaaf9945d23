"""What a request passes before anything looks at its question: how often it may be asked, and its body.

Addresses of clients stay in memory, and there only as one of many buckets: nothing that is kept leads back to them.
"""

import asyncio
import secrets
from collections import Counter
from hashlib import blake2b
from math import ceil
from time import time

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, State
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.admission import authenticated, token_of
from app.database import reading
from app.errors import Busy, TooManyRequests, Unauthenticated
from app.models import ApiKey
from app.networks import network_of

UNCOUNTED = "/healthz"  # asks nothing of anybody
# Of an address, what tells a client from others: an IPv4 address whole, and of IPv6 what a household has.
CLIENT_V4, CLIENT_V6 = 32, 64
# Clients share these: so many that two who ask much hardly meet in one, so few that counting them stays cheap however
# many addresses somebody has. Which clients share one nobody outside can tell, for the draw is secret.
BUCKETS = 16_384
# Whoever is connected has these in memory before anything reads them (uvicorn.protocols.http.flow_control): a body no
# longer than that, as a report is and a part of a list sent from afar, needs no room.
ALWAYS_THERE = 64 * 1024
SHARE = 2  # nobody has more than this part of the room, or one stolen key would fill it
ROOM_AGAIN_IN = "30"  # seconds: a list on a good line is through by then
NO_ROOM = "Too many long bodies are on their way. Nothing of yours was read: send it again in a moment."
ANYBODY = "anybody"
NO_KEY = "This needs a key: Authorization: Bearer rcn_…"


class Rates:
    """Counts requests by the minute, of a key where it has been found valid, else of a client, and `searches` by name
    among them. 0: as many as come."""

    def __init__(self, by_client: int, by_key: int, searches: int = 0) -> None:
        self._by = {"client": by_client, "key": by_key}
        self._searches = searches
        self._counts = FixedWindowRateLimiter(MemoryStorage())
        self._secret = secrets.token_bytes(32)
        self._valid: set[str] = set()

    def learn(self, token: str, *, valid: bool) -> None:
        """Whether a key has been found valid. Only these are counted by themselves: keys made up would have no end, and
        whoever knows the beginning of a key must not use its rate up."""
        digest = self._digest(token)
        if valid:
            self._valid.add(digest)
        else:
            self._valid.discard(digest)

    def count(self, token: str | None, client: str, *, search: bool = False) -> None:
        """Count one request. Raises TooManyRequests."""
        digest = None if token is None else self._digest(token)
        by, bucket = ("key", digest) if digest in self._valid else ("client", self._bucket(client))
        self._hit(by, self._by[by], "requests", by, str(bucket))
        if search:
            self._hit("searches", self._searches, "searches by name", by, str(bucket))

    def _hit(self, policy: str, most: int, what: str, by: str, bucket: str) -> None:
        if not most:
            return
        rate = RateLimitItemPerMinute(most)
        if self._counts.hit(rate, policy, by, bucket):
            return
        seconds = max(1, ceil(self._counts.get_window_stats(rate, policy, by, bucket).reset_time - time()))
        headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{policy}";q={most};w={rate.get_expiry()}',
            "RateLimit": f'"{policy}";r=0;t={seconds}',
        }
        detail = f"At most {most} {what} a minute are answered for one {by}: go on in {seconds} s, and more slowly."
        raise TooManyRequests(detail, headers=headers)

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()

    def _bucket(self, client: str) -> int:
        """Of a client without an address, by whatever else a trusted proxy calls it."""
        return int(self._digest(network_of(client, CLIENT_V4, CLIENT_V6) or client), 16) % BUCKETS


class Room:
    """The bytes of long bodies that may be on their way at once. Each is given all that it says it has before any of
    it is read, so that every body that was begun can come to its end."""

    def __init__(self, most: int, patience: float) -> None:
        """`patience`: the seconds that a body waits for room."""
        self._free = most
        self._most_of_one = most // SHARE
        self._patience = patience
        self._held: Counter[str] = Counter()
        self._changed = asyncio.Event()

    async def take(self, length: int, who: str) -> None:
        """Wait for room. Raises Busy. One body fits for everybody, however little room there is in all."""
        try:
            async with asyncio.timeout(self._patience):
                while length > self._free or (self._held[who] and self._held[who] + length > self._most_of_one):
                    await self._changed.wait()
        except TimeoutError:
            raise Busy(NO_ROOM, headers={"Retry-After": ROOM_AGAIN_IN}) from None
        self._free -= length
        self._held[who] += length

    def give_back(self, length: int, who: str) -> None:
        self._free += length
        self._held[who] -= length
        self._held += Counter()  # forgets whoever holds none
        self._changed.set()
        self._changed = asyncio.Event()


class Door:
    """Count each request, and hand on a body only of a known key, within its bound, and where there is room for it.

    The body's conditions are looked at when somebody asks for it: a request that is refused for anything else needs
    none, and a body that nobody asks for is not read.
    """

    def __init__(self, app: ASGIApp, most: int, others: dict[str, int], keyless: dict[str, int]) -> None:
        """`most`: bytes of a body; `others`: addresses with a bound of their own; `keyless`: of these, addresses that
        take a body from anybody, so short that it needs no room."""
        self._app = app
        self._most = most
        self._others = others | keyless
        self._keyless = keyless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: State = scope["app"].state
        headers = Headers(scope=scope)
        if scope["path"] != UNCOUNTED:
            try:
                request = Request(scope)
                client = (scope.get("client") or ("",))[0]
                state.rates.count(_token(request), client, search="q" in request.query_params)
            except TooManyRequests as refusal:
                await problems.respond(refusal.body(), refusal.headers)(scope, receive, send)
                return
        most = self._others.get(scope["path"], self._most)
        stated = headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > most:
            await problems.respond(problems.TOO_LARGE)(scope, receive, send)
            return
        who = ANYBODY if scope["path"] in self._keyless else None
        body = _Body(Request(scope), receive, int(stated) if stated.isdecimal() else most, who)
        try:
            await self._app(scope, body.receive if _has_body(headers) else receive, send)
        finally:
            body.give_back()


def _token(request: Request) -> str | None:
    """The key sent, if one can be read; what is wrong with it is told later."""
    try:
        return token_of(request)
    except Unauthenticated:
        return None


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class _Body:
    """A body that is on its way. `length`: how long it is at most; `who` sends it, where no key is needed."""

    def __init__(self, request: Request, receive: Receive, length: int, who: str | None) -> None:
        self._request = request
        self._receive = receive
        self._length = length
        self._came = 0
        self._who = who
        self._room: Room | None = None  # that it has been given

    async def receive(self) -> Message:
        """The next piece. Raises Unauthenticated, Busy, and 413 for more than may come."""
        if self._who is None:
            self._who = await _sender(self._request)
            if self._length > ALWAYS_THERE:
                room: Room = self._request.app.state.room
                await room.take(self._length, self._who)
                self._room = room
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > self._length:
            raise HTTPException(413)
        return message

    def give_back(self) -> None:
        if self._room is not None and self._who is not None:
            self._room.give_back(self._length, self._who)


async def _sender(request: Request) -> str:
    """Who sends a body: a source, or a key without one. Raises Unauthenticated."""
    token = token_of(request)
    if token is None:
        raise Unauthenticated(NO_KEY)
    async with request.app.state.lanes.keys:
        key = await run_in_threadpool(_key, request.app.state, token)
    return f"key {key.id}" if key.source is None else f"source {key.source}"


def _key(state: State, token: str) -> ApiKey:
    with reading(state.engine) as session:
        return authenticated(session, token, state)[1]
