"""Middleware: limit the size of request bodies, and the number of long ones."""

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems
from app.api.authentication import authenticate_sender, format_sender
from app.api.middleware.rate_limits import SCOPE_CONNECTION
from app.api.table_routes import split_table_path
from app.lanes import Admission, build_busy_error
from app.matching.scripts import start_empty_cache

# Uvicorn buffers this much of each connection before anything reads it (uvicorn.protocols.http.flow_control). A body of
# that size, such as a report or a part of a list, is not long.
BUFFERED_BODY_BYTES = 64 * 1024
# Long bodies that a process receives at once, each of which may take RECUENTO_MAX_IMPORT_BYTES of memory.
MAX_LONG_BODIES = 6
ANONYMOUS_SENDER = "anybody"
KEY_NEEDED_DETAIL = "This needs a key: Authorization: Bearer rcn_…"


class BodyLimitMiddleware:
    """Middleware that passes on a body only from a valid key, up to its maximum length, and admits long ones by sender.

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
        addresses that need no key; they are short. `pages`: addresses that show their own
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
        max_bytes = self._max_bytes_by_path.get(split_table_path(scope["path"])[0], self._max_bytes)
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
            body.end()


@dataclass
class _LimitedBody:
    """A body that is being received.

    `max_length`: in bytes. `sender`: set beforehand if no key is needed. `is_closed`: a long body that gave way.
    """

    request: Request
    receive_next: Receive
    max_length: int
    sender: str | None
    received_bytes: int = 0
    is_closed: bool = False

    async def receive(self) -> Message:
        """Return the next message. Raises Unauthenticated, Busy, and 413 for a body that is too long."""
        if self.sender is None:
            _reader, key = await authenticate_sender(self.request, KEY_NEEDED_DETAIL)
            self.sender = format_sender(key)
            if self.max_length > BUFFERED_BODY_BYTES:
                self._admission.admit((self.sender,), self.close)
        message = await self._receive_unless_closed()
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self.max_length:
            raise HTTPException(413)
        return message

    async def _receive_unless_closed(self) -> Message:
        message = {} if self.is_closed else await self.receive_next()
        if self.is_closed:
            raise build_busy_error()
        return message

    @property
    def _admission(self) -> Admission:
        admission: Admission = self.request.app.state.long_bodies
        return admission

    def close(self) -> None:
        """Give way to the body of another sender."""
        self.is_closed = True
        if SCOPE_CONNECTION in self.request.scope and self.received_bytes:
            self.request.scope[SCOPE_CONNECTION].close()

    def end(self) -> None:
        if self.sender is not None:
            self._admission.end((self.sender,), self.close)
