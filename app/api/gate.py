"""What a request body must pass before anything reads it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.errors import UnsupportedMediaType
from app.imports.formats.json_reader import parse_json


class _GatedRequest(Request):
    """A request whose JSON was parsed by the gate."""

    gated: Any = None

    async def json(self) -> Any:
        return self.gated


class StrictRoute(APIRoute):
    """A route whose JSON body passes the gate first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def gated(request: Request) -> Response:
            strict = _GatedRequest(request.scope, request.receive)
            body = b"" if strict.method == "GET" else await strict.body()  # which says nothing there (RFC 9110 9.3.1)
            if body:
                kind = strict.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
                strict.gated = parse_json(body)
            return await handler(strict)

        return gated
