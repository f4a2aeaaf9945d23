"""Run counts in separate processes, because a count blocks every other request to its process (decision 0071).

A serving process forwards the counts that it would cache, then caches and sends the responses. It computes polled
counts and counts with a key itself, and all counts while no count worker answers.
"""

import asyncio
import json
import random
from collections.abc import Coroutine, Sequence
from typing import Any

from httpcore2 import URL, AsyncConnectionPool, NetworkError, ProtocolError, TimeoutException
from starlette.datastructures import State
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.middleware.concurrency import SCOPE_POLLED, acquire_lane
from app.api.middleware.metrics import find_route_template
from app.api.problems import INTERNAL_ERROR, build_problem_response
from app.api.responses import SCOPE_SOURCE_HEAD, RawHeaders
from app.api.table_routes import split_table_path
from app.errors import Busy
from app.server_log import get_request_stats, start_request_stats

COUNT_PATHS = frozenset(
    {
        *("/v1/counts/releases", "/v1/counts/detentions", "/v1/counts/held", "/v1/counts/series", "/v1/counts/overlap"),
        "/v1/estimates/releases",
    }
)
# The request headers that the response depends on.
FORWARDED_HEADERS = frozenset({b"accept-encoding", b"accept-language"})
# Internal headers: the id of the request, the head that the response was computed from, and the measurements.
WORKER_REQUEST_ID_HEADER, WORKER_HEAD_HEADER, WORKER_STATS_HEADER = (
    b"recuento-request",
    b"recuento-head",
    b"recuento-measure",
)
DROPPED_HEADERS = frozenset({WORKER_HEAD_HEADER, WORKER_STATS_HEADER, b"date", b"server", b"connection"})
CONNECT_TIMEOUT_SECONDS = 1.0
KEEPALIVE_SECONDS = 4.0  # uvicorn closes idle connections after five
# In addition to the time limit of the query: the worker may have to wait for the processor.
EXTRA_TIMEOUT_SECONDS = 5.0

WorkerResponse = tuple[int, RawHeaders, bytes]  # status, headers, body


def build_worker_pools(sockets: Sequence[str], max_connections: int) -> list[AsyncConnectionPool]:
    """Return a connection pool for each count worker. `max_connections`: the maximum of concurrent counts."""
    return [
        AsyncConnectionPool(uds=socket, max_connections=max_connections, keepalive_expiry=KEEPALIVE_SECONDS)
        for socket in sockets
    ]


async def forward_count(scope: Scope, receive: Receive, send: Send) -> bool:
    """Let a count worker answer a cacheable request.

    Return False if it is not a count, if it is polled, or if no worker answers.
    """
    try:
        answer = await request_count(scope, receive)
    except Busy as refusal:
        await build_problem_response(refusal.body(), refusal.headers)(scope, receive, send)
        return True
    if answer is None:
        return False
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return True


async def request_count(scope: Scope, receive: Receive) -> WorkerResponse | None:
    """Return the response of a count worker, and record the head it was computed from.

    Return None if the request is not a count, if it is polled, or if no worker answers. Raises Busy.
    """
    is_forwardable = split_table_path(scope["path"])[0] in COUNT_PATHS and not scope[SCOPE_POLLED]
    pools: list[AsyncConnectionPool] = scope["app"].state.counting if is_forwardable else []
    if not pools:
        return None
    pool = random.choice(pools)  # noqa: S311
    answer = await _await_unless_disconnected(_request_worker(pool, scope), receive)
    if answer is None:  # the worker is starting or has stopped
        return None
    status, headers, body = answer
    headers_by_name = dict(headers)
    if WORKER_HEAD_HEADER in headers_by_name:
        revision, leaf = json.loads(headers_by_name[WORKER_HEAD_HEADER])
        scope[SCOPE_SOURCE_HEAD]["head"] = (revision, leaf)
    get_request_stats().merge(json.loads(headers_by_name[WORKER_STATS_HEADER]))
    return status, [pair for pair in headers if pair[0] not in DROPPED_HEADERS], body


async def _await_unless_disconnected(
    answer: Coroutine[Any, Any, WorkerResponse | None], receive: Receive
) -> WorkerResponse | None:
    """Return the answer. If the client disconnects first, cancel the count and raise ClientDisconnect."""
    answer_task, disconnect_task = asyncio.create_task(answer), asyncio.create_task(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({answer_task, disconnect_task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer_task.done():
            raise ClientDisconnect
        return await answer_task
    finally:
        for task in (answer_task, disconnect_task):
            task.cancel()


async def _request_worker(pool: AsyncConnectionPool, scope: Scope) -> WorkerResponse | None:
    """Return the response of a count worker; None if it sends no complete response. Raises Busy."""
    state: State = scope["app"].state
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [pair for pair in scope["headers"] if pair[0] in FORWARDED_HEADERS]
    headers += [(b"host", b"recuento"), (WORKER_REQUEST_ID_HEADER, server_log.request_id.get().encode())]
    url = URL(scheme=b"http", host=b"recuento", port=None, target=target)
    timeout = state.question_seconds + EXTRA_TIMEOUT_SECONDS
    async with acquire_lane("costly", state.limits.count_workers):
        try:
            async with asyncio.timeout(timeout):
                answer = await pool.request(
                    b"GET", url, headers=headers, extensions={"timeout": {"connect": CONNECT_TIMEOUT_SECONDS}}
                )
        except (NetworkError, ProtocolError, TimeoutException, TimeoutError):
            return None
    worker_headers = [(name.lower(), value) for name, value in answer.headers]
    return (answer.status, worker_headers, answer.content) if WORKER_STATS_HEADER in dict(worker_headers) else None


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class WorkerReplyMiddleware:
    """The outermost middleware of a count worker: add the head and the measurements to the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        server_log.request_id.set(dict(scope["headers"]).get(WORKER_REQUEST_ID_HEADER, b"").decode("latin-1"))
        stats = start_request_stats()
        source_head: dict[str, Any] = {}
        inner_scope, has_started = {**scope, SCOPE_SOURCE_HEAD: source_head}, False

        async def send_with_worker_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                stats.route = find_route_template(inner_scope)
                headers = [*message["headers"], (WORKER_STATS_HEADER, json.dumps(stats.to_dict()).encode())]
                if "head" in source_head:
                    headers.append((WORKER_HEAD_HEADER, json.dumps(source_head["head"]).encode()))
                message, has_started = {**message, "headers": headers}, True
            await send(message)

        try:
            await self._app(inner_scope, receive, send_with_worker_headers)
        except ClientDisconnect:
            pass  # the serving process has disconnected, because its client did
        except Exception as error:
            server_log.log_unforeseen_error(error, "a count")
            if not has_started:
                await build_problem_response(INTERNAL_ERROR)(scope, receive, send_with_worker_headers)
