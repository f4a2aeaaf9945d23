"""Counts that nobody asked before are made by processes apart from those that serve: whoever counts keeps the
interpreter of a process busy, and everybody whom the same process answers waits for it (decision 0071).

The serving process hands on what it would keep, and keeps and sends what comes back. It counts itself what dashboards
poll, what is asked with a key, and everything where no other process answers.
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
from app.api.middleware.concurrency import POLLED, in_lane
from app.api.middleware.metrics import template
from app.api.middleware.response_cache import COUNTS
from app.api.problems import INTERNAL, respond
from app.api.responses import MADE_FROM, RawHeaders
from app.errors import Busy
from app.server_log import begin, this

# What of a question decides its answer, beside its address.
HANDED_ON = frozenset({b"accept", b"accept-encoding", b"accept-language"})
# Between the processes alone: the id of the request, the head that an answer is made from, and what was measured.
REQUEST_ID, HEAD, MEASURE = b"recuento-request", b"recuento-head", b"recuento-measure"
NOT_HANDED_BACK = frozenset({HEAD, MEASURE, b"date", b"server", b"connection"})
CONNECT_SECONDS = 1.0
RESTS_SECONDS = 4.0  # of a connection: uvicorn closes one that has rested for five
# Beside the time that the question has: whoever counts may have to wait for the processor.
LATER = 5.0

Answered = tuple[int, RawHeaders, bytes]  # status, headers, body


def pools_of(sockets: Sequence[str], places: int) -> list[AsyncConnectionPool]:
    """The connections to each process that counts. `places`: how many questions are handed on at once."""
    return [
        AsyncConnectionPool(uds=socket, max_connections=places, keepalive_expiry=RESTS_SECONDS) for socket in sockets
    ]


class CountedApart:
    """In a serving process, inside of the answers that it keeps: hand on counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only what is kept is made from a head that is noted: it is asked without a key, and names no moment.
        counted = MADE_FROM in scope and scope["path"] in COUNTS and not scope[POLLED]
        pools: list[AsyncConnectionPool] = scope["app"].state.counting if counted else []
        if not pools:
            await self._app(scope, receive, send)
            return
        try:
            answer = await _before_it_leaves(_answer_of(random.choice(pools), scope), receive)  # noqa: S311
        except Busy as refusal:
            await respond(refusal.body(), refusal.headers)(scope, receive, send)
            return
        if answer is None:  # nobody answers there: they are starting, or have ended
            await self._app(scope, receive, send)
            return
        status, headers, body = answer
        given = dict(headers)
        if HEAD in given:
            revision, leaf = json.loads(given[HEAD])
            scope[MADE_FROM]["head"] = (revision, leaf)
        this().take(json.loads(given[MEASURE]))
        told = [pair for pair in headers if pair[0] not in NOT_HANDED_BACK]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})


async def _before_it_leaves(answer: Coroutine[Any, Any, Answered | None], receive: Receive) -> Answered | None:
    """The answer. Raises ClientDisconnect where the client goes first: nobody counts for it then."""
    answering, leaving = asyncio.create_task(answer), asyncio.create_task(_has_left(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
        return await answering
    finally:
        for task in (answering, leaving):
            task.cancel()


async def _answer_of(pool: AsyncConnectionPool, scope: Scope) -> Answered | None:
    """What another process answers, in turn; None where it tells nothing whole. Raises Busy."""
    state: State = scope["app"].state
    asked = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [pair for pair in scope["headers"] if pair[0] in HANDED_ON]
    headers += [(b"host", b"recuento"), (REQUEST_ID, server_log.request_id.get().encode())]
    url = URL(scheme=b"http", host=b"recuento", port=None, target=asked)
    longest = state.lanes.patience + state.question_seconds + LATER
    async with in_lane("costly", state.lanes.apart, state.lanes.patience):
        try:
            async with asyncio.timeout(longest):
                answer = await pool.request(
                    b"GET", url, headers=headers, extensions={"timeout": {"connect": CONNECT_SECONDS}}
                )
        except (NetworkError, ProtocolError, TimeoutException, TimeoutError):
            return None
    told = [(name.lower(), value) for name, value in answer.headers]
    return (answer.status, told, answer.content) if MEASURE in dict(told) else None


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
        measure = begin()
        made_from: dict[str, Any] = {}
        inside, started = {**scope, MADE_FROM: made_from}, False

        async def told(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                measure.route = template(inside)
                headers = [*message["headers"], (MEASURE, json.dumps(measure.told()).encode())]
                if "head" in made_from:
                    headers.append((HEAD, json.dumps(made_from["head"]).encode()))
                message, started = {**message, "headers": headers}, True
            await send(message)

        try:
            await self._app(inside, receive, told)
        except ClientDisconnect:
            pass  # whoever asked has left, and the serving process with it
        except Exception as error:
            server_log.unforeseen(error, "a count")
            if not started:
                await respond(INTERNAL)(scope, receive, told)
