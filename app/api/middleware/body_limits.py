"""What a body passes before anything looks at it."""

import asyncio
from collections import Counter
from collections.abc import Collection

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.requests import SENDER, found_by, token_of
from app.errors import Busy, Unauthenticated
from app.matching.scripts import begin_anew
from app.server_log import this

# Whoever is connected has these in memory before anything reads them (uvicorn.protocols.http.flow_control): a body no
# longer than that, as a report is and a part of a list sent from afar, needs no room.
ALWAYS_THERE = 64 * 1024
SHARE = 2  # nobody has more than this part of the room, or one stolen key would fill it
ROOM_AGAIN_IN = "30"  # seconds: a list on a good line is through by then
NO_ROOM = "Too many long bodies are on their way. Nothing of yours was read: send it again in a moment."
ANYBODY = "anybody"
# In the scope of a question of a page: its body came with that of the page, and has the room of that one.
HAS_ROOM = "recuento.has_room"
NO_KEY = "This needs a key: Authorization: Bearer rcn_…"


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
    """Hand on a body only of a known key, within its bound, and where there is room for it.

    The body's conditions are looked at when somebody asks for it: a request that is refused for anything else needs
    none, and a body that nobody asks for is not read.
    """

    def __init__(
        self, app: ASGIApp, most: int, others: dict[str, int], keyless: dict[str, int], pages: Collection[str] = ()
    ) -> None:
        """`most`: bytes of a body; `others`: addresses with a bound of their own; `keyless`: of these, addresses that
        take a body from anybody, so short that it needs no room; `pages`: addresses that tell by a page of their own
        that a body is too large, once they ask for it."""
        self._app = app
        self._pages = frozenset(pages)
        self._most = most
        self._others = others | keyless
        self._keyless = keyless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin_anew()  # whose name was read in other requests must not make this one quicker
        headers = Headers(scope=scope)
        most = self._others.get(scope["path"], self._most)
        stated = headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > most and scope["path"] not in self._pages:
            await problems.respond(problems.TOO_LARGE)(scope, receive, send)
            return
        who = ANYBODY if scope["path"] in self._keyless else None
        body = _Body(Request(scope), receive, min(int(stated), most) if stated.isdecimal() else most, who)
        try:
            await self._app(scope, body.receive if _has_body(headers) else receive, send)
        finally:
            body.give_back()


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
            if self._length > ALWAYS_THERE and HAS_ROOM not in self._request.scope:
                room: Room = self._request.app.state.room
                with this().waiting("room"):
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
        sender = await run_in_threadpool(found_by, request.app.state, token)
    request.scope[SENDER] = sender
    key = sender[1]
    return f"key {key.id}" if key.source is None else f"source {key.source}"
