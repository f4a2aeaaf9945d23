"""A test client that takes an answer as a whole.

Starlette's fetches one piece by piece from the thread of the app, and asks that thread several times about each, which
takes longer than most answers. This one asks once.
"""

from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, suppress
from typing import Any
from urllib.parse import unquote

import anyio
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import BaseTransport, ByteStream, Request, Response

from app.api.head_watcher import MOMENT_PARAMETERS
from app.moments import format_revision

Message = MutableMapping[str, Any]


class Client(TestClient):
    """To be used as a context manager where the app's lifespan is to run. What the app raises is an answer, 500. It
    takes nothing packed, unless asked to: bytes of one length are not packed to one length."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self.headers["accept-encoding"] = "identity"
        self._transport = _Whole(app, self._portal_factory, self.app_state)

    def request(self, method: str, url: Any, *, params: Any = None, **options: Any) -> Response:
        """Send a request; a revision among its parameters is a number."""
        return super().request(method, url, params=write_revisions(params), **options)

    def build_request(self, method: str, url: Any, *, params: Any = None, **options: Any) -> Request:
        return super().build_request(method, url, params=write_revisions(params), **options)


def write_revisions(params: Any) -> Any:
    """Return parameters with revisions, which tests give as numbers, as addresses have them."""
    if not isinstance(params, dict):
        return params
    return {
        name: format_revision(value) if name in MOMENT_PARAMETERS and type(value) is int else value
        for name, value in params.items()
    }


class _Whole(BaseTransport):
    def __init__(
        self, app: FastAPI, portal: Callable[[], AbstractContextManager[BlockingPortal]], state: dict[str, Any]
    ) -> None:
        self._app = app
        self._portal = portal
        self._state = state

    def handle_request(self, request: Request) -> Response:
        scope = _scope(request, self._state)
        with self._portal() as portal:
            status, headers, body = portal.call(self._ask, scope, request.read())
        stream = ByteStream(b"" if request.method == "HEAD" else body)
        return Response(status, headers=headers, stream=stream, request=request)

    async def _ask(self, scope: dict[str, Any], said: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        told: list[Message] = [{"type": "http.request", "body": said}]
        start: Message = {"status": 500, "headers": []}
        pieces: list[bytes] = []
        complete = anyio.Event()

        async def receive() -> Message:
            if told:
                return told.pop()
            await complete.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            pieces.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                complete.set()

        with suppress(Exception):  # by then it has answered 500, or broken off
            await self._app(scope, receive, send)
        return start["status"], start["headers"], b"".join(pieces)


def _scope(request: Request, state: dict[str, Any]) -> dict[str, Any]:
    """`target` of a request's extensions is what its first line names, where no address may be tidied."""
    url = request.url
    raw_path, _mark, query = request.extensions.get("target", url.raw_path).partition(b"?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "root_path": "",
        "scheme": url.scheme,
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": (request.extensions.get("client", "testclient"), 50_000),
        "server": [url.host, url.port or 80],
        "state": state.copy(),
    }
