"""What a body passes before anything looks at it."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.requests import authenticate_sender, format_sender
from app.errors import Busy
from app.matching.scripts import start_empty_cache
from app.server_log import get_request_stats

# Whoever is connected has these in memory before anything reads them (uvicorn.protocols.http.flow_control): a body no
# longer than that, as a report is and a part of a list sent from afar, needs no room.
BUFFERED_BODY_BYTES = 64 * 1024
SENDER_SHARE_DIVISOR = 2  # nobody has more than this part of the room, or one stolen key would fill it
BODY_RETRY_AFTER = "30"  # seconds: a list on a good line is through by then
TOO_MANY_BODIES_DETAIL = "Too many long bodies are on their way. Nothing of yours was read: send it again in a moment."
ANONYMOUS_SENDER = "anybody"
# In the scope of a question of a page: its body came with that of the page, and has the room of that one.
SCOPE_BODY_RESERVED = "recuento.has_room"
KEY_NEEDED_DETAIL = "This needs a key: Authorization: Bearer rcn_…"


class BodyBudget:
    """The bytes of long bodies that may be on their way at once. Each is given all that it says it has before any of
    it is read, so that every body that was begun can come to its end."""

    def __init__(self, max_bytes: int, timeout: float) -> None:
        """`timeout`: the seconds that a body waits for room."""
        self._free_bytes = max_bytes
        self._max_sender_bytes = max_bytes // SENDER_SHARE_DIVISOR
        self._timeout = timeout
        self._reserved_bytes: Counter[str] = Counter()
        self._released_event = asyncio.Event()

    async def reserve(self, length: int, sender: str) -> None:
        """Wait for room. Raises Busy. One body fits for everybody, however little room there is in all."""
        try:
            async with asyncio.timeout(self._timeout):
                while length > self._free_bytes or (
                    self._reserved_bytes[sender] and self._reserved_bytes[sender] + length > self._max_sender_bytes
                ):
                    await self._released_event.wait()
        except TimeoutError:
            raise Busy(TOO_MANY_BODIES_DETAIL, headers={"Retry-After": BODY_RETRY_AFTER}) from None
        self._free_bytes -= length
        self._reserved_bytes[sender] += length

    def release(self, length: int, sender: str) -> None:
        self._free_bytes += length
        self._reserved_bytes[sender] -= length
        self._reserved_bytes += Counter()  # forgets whoever holds none
        self._released_event.set()
        self._released_event = asyncio.Event()


class BodyLimitMiddleware:
    """Hand on a body only of a known key, within its bound, and where there is room for it.

    The body's conditions are looked at when somebody asks for it: a request that is refused for anything else needs
    none, and a body that nobody asks for is not read.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_bytes_by_path: dict[str, int],
        keyless: dict[str, int],
        pages: Collection[str] = (),
    ) -> None:
        """`max_bytes`: of a body, `max_bytes_by_path`: at addresses with a limit of their own, `keyless`: at addresses
        that take a body without a key, so short that it needs no room. `pages`: addresses that show a page of their own
        for a body that is too large."""
        self._app = app
        self._page_paths = frozenset(pages)
        self._max_bytes = max_bytes
        self._max_bytes_by_path = max_bytes_by_path | keyless
        self._keyless_paths = keyless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_empty_cache()  # whose name was read in other requests must not make this one quicker
        headers = Headers(scope=scope)
        max_bytes = self._max_bytes_by_path.get(scope["path"], self._max_bytes)
        stated_length = headers.get("content-length", "")
        if stated_length.isdecimal() and int(stated_length) > max_bytes and scope["path"] not in self._page_paths:
            await problems.build_problem_response(problems.BODY_TOO_LARGE)(scope, receive, send)
            return
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        max_length = min(int(stated_length), max_bytes) if stated_length.isdecimal() else max_bytes
        sender = ANONYMOUS_SENDER if scope["path"] in self._keyless_paths else None
        body = _LimitedBody(Request(scope), receive, max_length, sender)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.release_budget()


@dataclass
class _LimitedBody:
    """A body on its way. `max_length`: in bytes; `sender`: who sends it, known beforehand where no key is needed;
    `budget`: where bytes are reserved for it."""

    request: Request
    receive_next: Receive
    max_length: int
    sender: str | None
    received_bytes: int = 0
    budget: BodyBudget | None = None

    async def receive(self) -> Message:
        """Return the next piece. Raises Unauthenticated, Busy, and 413 for more than may come."""
        if self.sender is None:
            _reader, key = await authenticate_sender(self.request, KEY_NEEDED_DETAIL)
            self.sender = format_sender(key)
            if self.max_length > BUFFERED_BODY_BYTES and SCOPE_BODY_RESERVED not in self.request.scope:
                budget: BodyBudget = self.request.app.state.body_budget
                with get_request_stats().time_wait("room"):
                    await budget.reserve(self.max_length, self.sender)
                self.budget = budget
        message = await self.receive_next()
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self.max_length:
            raise HTTPException(413)
        return message

    def release_budget(self) -> None:
        if self.budget is not None and self.sender is not None:
            self.budget.release(self.max_length, self.sender)
