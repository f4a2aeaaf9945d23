"""Middleware: the outermost layer, which adds ids and security headers, measures, and handles unforeseen errors."""

from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.middleware.metrics import METRIC_METHODS, OTHER_METHOD, Metrics, SlowLog, find_route_template
from app.api.middleware.response_headers import add_security_headers
from app.api.problems import INTERNAL_ERROR, build_problem_response
from app.api.responses import SCOPE_BODILESS
from app.server_log import start_request_stats


class RequestBoundaryMiddleware:
    """Middleware that gives each request an id, measures it, and adds the security headers to its response.

    HEAD is answered as GET without the body (RFC 9110 section 9.3.2). An unforeseen error is answered with 500. Only
    its frames are logged, because the message of an exception may contain a name or a whole row.
    """

    def __init__(self, app: ASGIApp, parameters: frozenset[str]) -> None:
        """`parameters`: the names of query parameters that may be logged."""
        self._app = app
        self._slow_log = SlowLog(parameters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stats, request_id, state = start_request_stats(), server_log.create_request_id(), scope["app"].state
        is_head = scope["method"] == "HEAD"
        inner_scope = {**scope, "method": "GET", SCOPE_BODILESS: True} if is_head else scope
        status, line_seconds = 0, 0.0

        async def receive_timed() -> Message:
            nonlocal line_seconds
            wait_began = perf_counter()
            message = await receive()
            if not status:  # after the response has started, `receive` only waits for the disconnect
                line_seconds += perf_counter() - wait_began
            return message

        async def send_protected(message: Message) -> None:
            nonlocal status, line_seconds
            if message["type"] == "http.response.start":
                status = message["status"]
                is_tls = state.public_url.startswith("https:")
                headers = add_security_headers(scope, message["headers"], request_id, is_tls=is_tls)
                message = {**message, "headers": headers}
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            send_began = perf_counter()
            await send(message)
            line_seconds += perf_counter() - send_began

        began = perf_counter()
        try:
            await self._app(inner_scope, receive_timed, send_protected)
        except ClientDisconnect:
            pass  # the client disconnected while it sent the request
        except Exception as error:
            server_log.log_unforeseen_error(error, "a request")
            if not status:
                await build_problem_response(INTERNAL_ERROR)(scope, receive_timed, send_protected)
        finally:
            duration = perf_counter() - began - line_seconds
            method = scope["method"] if scope["method"] in METRIC_METHODS else OTHER_METHOD
            if "route" in inner_scope:
                stats.route = find_route_template(inner_scope)
            metrics: Metrics = state.metrics
            metrics.count(method, status, duration, stats)
            self._slow_log.write_if_slow(scope, method, status, duration, stats)
