"""The outermost layer of ours: every answer carries the headers that protect its reader, and no failure tells more than
that it failed."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.problems import INTERNAL_ERROR, build_problem_response
from app.api.responses import RawHeaders

# A page may ask for more in a policy of its own; whatever asks for nothing is data, and no browser runs any of it.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# For two years (RFC 6797), the time that browsers ask for before they take a site for one that is only reached by TLS.
HSTS_HEADERS = {"Strict-Transport-Security": "max-age=63072000"}
REQUEST_ID_HEADER = "Request-Id"


def _encode_headers(headers: dict[str, str]) -> RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# Made once: answers from memory take little longer than their headers do.
_RAW_HEADERS, _RAW_TLS_HEADERS = _encode_headers(SECURITY_HEADERS), _encode_headers(SECURITY_HEADERS | HSTS_HEADERS)
_RAW_REQUEST_ID_HEADER = REQUEST_ID_HEADER.lower().encode()


class SecurityHeadersMiddleware:
    """Give each request an id and each answer the protecting headers. An unforeseen failure answers 500 and leaves only
    frames in the log: an exception's message may hold a name or a whole row, so it is written nowhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False
        request_id = server_log.create_request_id()

        async def send_protected(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = message["headers"]
                names = {name for name, _value in headers}
                added_headers = _RAW_TLS_HEADERS if scope["app"].state.public_url.startswith("https:") else _RAW_HEADERS
                added_headers = [
                    (_RAW_REQUEST_ID_HEADER, request_id.encode()),
                    *(pair for pair in added_headers if pair[0] not in names),
                ]
                message = {**message, "headers": [*headers, *added_headers]}
            await send(message)

        try:
            await self._app(scope, receive, send_protected)
        except ClientDisconnect:
            pass  # the line broke while the request came: nobody is there to be answered
        except Exception as error:
            server_log.log_unforeseen_error(error, "a request")
            if not has_started:
                await build_problem_response(INTERNAL_ERROR)(scope, receive, send_protected)
