"""Middleware: limit the size of request bodies, and reserve memory for long ones."""

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

# Uvicorn buffers this much of each connection before anything reads it (uvicorn.protocols.http.flow_control). A body of
# that size, such as a report or a part of a list, needs no reservation.
BUFFERED_BODY_BYTES = 64 * 1024
SENDER_SHARE_DIVISOR = 2  # one sender gets at most half of the budget, so that one stolen key cannot exhaust it
BODY_RETRY_AFTER = "30"  # seconds: enough to upload a list on a good connection
TOO_MANY_BODIES_DETAIL = "Too many long bodies are on their way. Nothing of yours was read: send it again in a moment."
ANONYMOUS_SENDER = "anybody"
# Scope key of a request that a page makes in process: its body is part of the page's body, which has a reservation.
SCOPE_BODY_RESERVED = "recuento.has_room"
KEY_NEEDED_DETAIL = "This needs a key: Authorization: Bearer rcn_…"


class BodyBudget:
    """The memory for long bodies that are being received.

    Each body reserves its full length before any of it is read, so that every upload that has begun can finish.
    """

    def __init__(self, max_bytes: int, timeout: float) -> None:
        """`timeout`: seconds that a body waits for memory."""
        self._free_bytes = max_bytes
        self._max_sender_bytes = max_bytes // SENDER_SHARE_DIVISOR
        self._timeout = timeout
        self._reserved_bytes: Counter[str] = Counter()
        self._released_event = asyncio.Event()

    async def reserve(self, length: int, sender: str) -> None:
        """Wait until the memory is free. Raises Busy. Each sender may send one body of any allowed length."""
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
        self._reserved_bytes += Counter()  # drops senders at 0
        self._released_event.set()
        self._released_event = asyncio.Event()


class BodyLimitMiddleware:
    """Middleware that passes on a body only from a valid key, up to its maximum length, after reserving its memory.

    The checks run when the route first reads the body. A request that is refused before that costs nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_bytes_by_path: dict[str, int],
        keyless: dict[str, int],
        pages: Collection[str] = (),
    ) -> None:
        """`max_bytes`: the default limit. `max_bytes_by_path`: limits of single addresses. `keyless`: limits of
        addresses that need no key; they are short enough to need no reservation. `pages`: addresses that show their own
        page if a body is too large."""
        self._app = app
        self._page_paths = frozenset(pages)
        self._max_bytes = max_bytes
        self._max_bytes_by_path = max_bytes_by_path | keyless
        self._keyless_paths = keyless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_empty_cache()  # names in other requests must not make this one faster
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
    """A body that is being received.

    `max_length`: in bytes. `sender`: set beforehand if no key is needed. `budget`: set once bytes are reserved.
    """

    request: Request
    receive_next: Receive
    max_length: int
    sender: str | None
    received_bytes: int = 0
    budget: BodyBudget | None = None

    async def receive(self) -> Message:
        """Return the next message. Raises Unauthenticated, Busy, and 413 for a body that is too long."""
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
