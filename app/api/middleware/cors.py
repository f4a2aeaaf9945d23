"""Middleware: let scripts of other sites read public responses (CORS)."""

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Send

from app.api.problems import build_problem_response
from app.errors import build_problem

CORS_REFUSED_DETAIL = (
    "Browsers of other sites may only read, without a key: GET, Accept, Accept-Datetime and If-None-Match."
)


class ProblemCorsMiddleware(CORSMiddleware):
    """CORS middleware with problem+json refusals and a fast path for requests without `Origin`."""

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        if message["type"] == "http.response.start" and "origin" not in request_headers:
            vary = [value for name, value in message["headers"] if name == b"vary"]
            other_headers = [pair for pair in message["headers"] if pair[0] != b"vary"]
            await send({**message, "headers": [*other_headers, (b"vary", b", ".join([*vary, b"Origin"]))]})
        else:
            await super().send(message, send, request_headers)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        return build_problem_response(
            build_problem(response.status_code, "cors_refused", "Not open to other sites", CORS_REFUSED_DETAIL)
        )
