"""Middleware: let scripts of other sites read public responses (CORS), and add security headers to every response."""

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from app.api.problems import CORS_REFUSED, CORS_REFUSED_TITLE, build_problem_response
from app.api.responses import RawHeaders
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
            build_problem(response.status_code, CORS_REFUSED, CORS_REFUSED_TITLE, CORS_REFUSED_DETAIL)
        )


READ_METHODS = ("GET", "HEAD")


def is_public(scope: Scope, headers: RawHeaders) -> bool:
    """Return whether an answer is the same for all readers, so that shared caches may store it (RFC 9111 section 3)."""
    if scope["method"] not in READ_METHODS or any(name == b"authorization" for name, _value in scope["headers"]):
        return False
    cache_control = b",".join(value for name, value in headers if name == b"cache-control")
    return b"no-store" not in cache_control and b"private" not in cache_control


# Pages set a policy of their own. Any other response is data, of which a browser must execute nothing.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Two years (RFC 6797), which browsers require for their preload lists.
HSTS_HEADERS = {"Strict-Transport-Security": "max-age=63072000"}
REQUEST_ID_HEADER = "Request-Id"


def _encode_headers(headers: dict[str, str]) -> RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# Encoded once: for cached responses, encoding would be a large share of the time.
_RAW_HEADERS, _RAW_TLS_HEADERS = _encode_headers(SECURITY_HEADERS), _encode_headers(SECURITY_HEADERS | HSTS_HEADERS)
_RAW_TIMING_HEADERS = _encode_headers({"Timing-Allow-Origin": "*"})
_RAW_REQUEST_ID_HEADER = REQUEST_ID_HEADER.lower().encode()


def add_security_headers(scope: Scope, headers: RawHeaders, request_id: str, *, is_tls: bool) -> RawHeaders:
    """Return the headers with the request's id and the security headers that the response does not set itself.

    Scripts of other sites may measure how long a public answer takes, as they may read it."""
    names = {name for name, _value in headers}
    protecting_headers = _RAW_TLS_HEADERS if is_tls else _RAW_HEADERS
    return [
        *headers,
        (_RAW_REQUEST_ID_HEADER, request_id.encode()),
        *(_RAW_TIMING_HEADERS if is_public(scope, headers) else ()),
        *(pair for pair in protecting_headers if pair[0] not in names),
    ]
