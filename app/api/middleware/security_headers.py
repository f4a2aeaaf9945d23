"""The outermost layer of ours: every answer carries the headers that protect its reader, and no failure tells more than
that it failed."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.problems import INTERNAL, respond
from app.api.responses import RawHeaders

# A page may ask for more in a policy of its own; whatever asks for nothing is data, and no browser runs any of it.
PROTECTING = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# For two years (RFC 6797), the time that browsers ask for before they take a site for one that is only reached by TLS.
ONLY_BY_TLS = {"Strict-Transport-Security": "max-age=63072000"}
REQUEST_ID = "Request-Id"


def _as_sent(headers: dict[str, str]) -> RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# Made once: answers from memory take little longer than their headers do.
_ANYHOW, _BY_TLS = _as_sent(PROTECTING), _as_sent(PROTECTING | ONLY_BY_TLS)
_REQUEST_ID = REQUEST_ID.lower().encode()


class Shield:
    """Give each request an id and each answer the protecting headers. An unforeseen failure answers 500 and leaves only
    frames in the log: an exception's message may hold a name or a whole row, so it is written nowhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        request_id = server_log.new_request_id()

        async def watched(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message["headers"]
                names = {name for name, _value in given}
                added = _BY_TLS if scope["app"].state.public_url.startswith("https:") else _ANYHOW
                added = [(_REQUEST_ID, request_id.encode()), *(pair for pair in added if pair[0] not in names)]
                message = {**message, "headers": [*given, *added]}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            pass  # the line broke while the request came: nobody is there to be answered
        except Exception as error:
            server_log.unforeseen(error, "a request")
            if not started:
                await respond(INTERNAL)(scope, receive, watched)
