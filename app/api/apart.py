"""Counts that nobody asked before are made by processes apart from those that serve: whoever counts keeps the
interpreter of a process busy, and everybody whom the same process answers waits for it (decision 0072).

The serving process hands such a question on, and sends what comes back. It counts itself what dashboards poll, what is
asked with a key, and everything where no other process answers.
"""

import asyncio
import json
from contextlib import suppress
from time import perf_counter
from typing import Any

from httpcore2 import URL, AsyncConnectionPool, NetworkError, ProtocolError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import server_log
from app.api.answers import MADE_FROM, RawHeaders
from app.api.kept_answers import COUNTS
from app.api.lanes import POLLED
from app.api.metrics import template
from app.api.problems import INTERNAL, respond
from app.measure import begin, this

# What of a question decides its answer, beside its address.
HANDED_ON = frozenset({b"accept", b"accept-encoding", b"accept-language", b"if-none-match"})
# Between the processes alone: the id of the request, the head that an answer is made from, and what was measured.
REQUEST_ID, HEAD, MEASURE = b"recuento-request", b"recuento-head", b"recuento-measure"
NOT_HANDED_BACK = frozenset({HEAD, MEASURE, b"date", b"server", b"connection"})


class CountedApart:
    """In a serving process: hand on counts that anybody asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pool = scope["app"].state.counting if _is_handed_on(scope) else None
        if pool is None or not await _handed_on(pool, scope, receive, send):
            await self._app(scope, receive, send)


def _is_handed_on(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"] in COUNTS
        and not scope.get(POLLED, False)
        and not any(name == b"authorization" for name, _value in scope["headers"])
    )


async def _handed_on(pool: AsyncConnectionPool, scope: Scope, receive: Receive, send: Send) -> bool:
    """Whether another process answered. Raises ClientDisconnect where the client goes first: nobody counts then."""
    answering = asyncio.create_task(_answer_of(pool, scope))
    leaving = asyncio.create_task(_has_left(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
    finally:
        for task in (answering, leaving):
            task.cancel()
    try:
        status, headers, body = await answering
    except (NetworkError, ProtocolError):
        return False  # it is starting, or has ended
    given = dict(headers)
    if MEASURE not in given:
        return False  # nothing of ours told it
    if HEAD in given and MADE_FROM in scope:
        revision, leaf = json.loads(given[HEAD])
        scope[MADE_FROM]["head"] = (revision, leaf)
    this().take(json.loads(given[MEASURE]))
    told = [pair for pair in headers if pair[0] not in NOT_HANDED_BACK]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})
    return True


async def _answer_of(pool: AsyncConnectionPool, scope: Scope) -> tuple[int, RawHeaders, bytes]:
    """`(status, headers, body)`. Raises NetworkError or ProtocolError where there is no whole answer."""
    asked = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [pair for pair in scope["headers"] if pair[0] in HANDED_ON]
    headers += [(b"host", b"recuento"), (REQUEST_ID, server_log.request_id.get().encode())]
    url = URL(scheme=b"http", host=b"recuento", port=None, target=asked)
    answer = await pool.request(b"GET", url, headers=headers)
    return answer.status, [(name.lower(), value) for name, value in answer.headers], answer.content


async def _has_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Behind:
    """In a process that counts, the outermost layer: answer a serving process, and tell it what else it needs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        server_log.request_id.set(dict(scope["headers"]).get(REQUEST_ID, b"").decode("latin-1"))
        measure, began = begin(), perf_counter()
        made_from: dict[str, Any] = {}
        inside, started = {**scope, MADE_FROM: made_from}, False

        async def told(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                measure.route = template(inside)
                measure.held = perf_counter() - began - sum(measure.waited.values())  # its place is left after this
                headers = [*message["headers"], (MEASURE, json.dumps(measure.told()).encode())]
                if "head" in made_from:
                    headers.append((HEAD, json.dumps(made_from["head"]).encode()))
                message, started = {**message, "headers": headers}, True
            await send(message)

        with suppress(ClientDisconnect):
            try:
                await self._app(inside, receive, told)
            except ClientDisconnect:
                raise
            except Exception as error:
                server_log.unforeseen(error, "a count")
                if not started:
                    await respond(INTERNAL)(scope, receive, told)
