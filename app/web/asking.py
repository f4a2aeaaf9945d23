"""What pages ask: the API of this registry, in this process, as whoever asked for the page could ask it.

A page sees what an answer tells and nothing else. The permissions, the bounds, the kept bytes and the processes that
count are those of the API, so that no page can show a number, or a person, that the API would not.
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from fastapi import Request, Response
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.body_limits import SCOPE_BODY_RESERVED
from app.server_log import start_request_stats

# What of the request for a page the questions of the page share. Its headers, address and route are the page's own.
SHARED = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path", "app", "state", "extensions")
JSON_UTF8 = b"application/json"
Terms = Mapping[str, Any]


class Inside:
    """Where questions of pages come in: behind the bound of how often a client may ask, for a page is one request."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = state.inside = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class Refused(Exception):
    """The API refused what a page asked, or sent it elsewhere; `body` is its problem (RFC 9457)."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers


class Api:
    """Asks the API. `key`: with what key, where somebody is at the desk."""

    def __init__(self, request: Request, language: str, key: str | None = None) -> None:
        self._scope = {name: request.scope[name] for name in SHARED if name in request.scope}
        self._inside: ASGIApp = request.app.state.inside
        self._headers = [(b"accept", JSON_UTF8), (b"accept-language", language.encode())]
        if key is not None:
            self._headers.append((b"authorization", f"Bearer {key}".encode()))
        self.as_of: str | None = None  # what every further question is asked as of, unless it says otherwise

    async def get(self, path: str, terms: Terms | None = None, **further: Any) -> Any:
        """The body of an answer. Terms that are None are left out; lists are repeated. Raises Refused."""
        given = {"as_of": self.as_of, **(terms or {}), **further, "format": None}  # a page reads JSON alone
        query = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True)
        body, _headers = await asyncio.create_task(self._ask("GET", path, query, b"", []))
        return body

    async def tagged(self, path: str) -> tuple[Any, str]:
        """The body of an answer with its tag, by which a change can be refused that somebody else was quicker with.
        Raises Refused."""
        body, headers = await asyncio.create_task(self._ask("GET", path, "", b"", []))
        return body, headers["etag"]

    async def send(
        self, method: str, path: str, body: bytes, *, terms: Terms | None = None, media: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The body of the answer to a write. Raises Refused."""
        given = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        given += [(b"content-type", media.encode()), (b"content-length", str(len(body)).encode())]
        query = urlencode(terms or {}, doseq=True)
        answer, _headers = await asyncio.create_task(self._ask(method, path, query, body, given))
        return answer

    def passed_on(self, path: str, terms: Terms, headers: Mapping[str, str]) -> Response:
        """An answer as the API gives it, piece by piece, with further headers: for what may be longer than a page."""
        return _PassedOn(self._inside, self._question("GET", path, urlencode(terms), []), headers)

    def _question(self, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        return self._scope | {
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [*self._headers, *headers],
            SCOPE_BODY_RESERVED: True,
        }

    async def _ask(
        self, method: str, path: str, query: str, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> tuple[Any, dict[str, str]]:
        start_request_stats()  # a measure of its own: that of the page is not the question's
        scope = self._question(method, path, query, headers)
        bodies = iter([body])
        status, answered, answer = 0, {}, bytearray()

        async def receive() -> Message:
            for whole in bodies:
                return {"type": "http.request", "body": whole, "more_body": False}
            return await asyncio.Future()  # the page is still there: its answer is not sent yet

        async def send(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            else:
                answer.extend(message.get("body", b""))

        await self._inside(scope, receive, send)
        said = json.loads(answer) if answer else {}
        if status >= 300:
            raise Refused(status, said, answered)
        return said, answered


class _PassedOn(Response):
    """An answer to a question of a page, sent as it comes."""

    def __init__(self, inside: ASGIApp, question: Scope, added: Mapping[str, str]) -> None:
        super().__init__()
        self._inside = inside
        self._question = question
        self._added = [(name.lower().encode(), value.encode()) for name, value in added.items()]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._added]}
            await send(message)

        start_request_stats()
        await self._inside(self._question, receive, sent)


def ungrouped(terms: Terms) -> dict[str, Any]:
    """The terms of a count without those that part it into groups."""
    return {name: value for name, value in terms.items() if name != "group_by"}


def cursor_of(following: str | None) -> str | None:
    """The cursor in the address of a following page; None where none follows."""
    return None if following is None else parse_qs(urlsplit(following).query)["cursor"][0]


async def together(*asked: Coroutine[Any, Any, Any]) -> list[Any]:
    """The answers to several questions, asked at once. Raises the first Refused, when all have been answered."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers
