"""What a server makes when it starts, so that its first reader waits no longer than others: every template, and the
first page in each language, with the counts that it is made of."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.types import Message, Scope

from app import server_log
from app.api.middleware.body_limits import SCOPE_BODY_RESERVED
from app.web.rendering import LANGUAGES, compile_templates

# Seconds: a process that counts has started by then, or something is wrong, and whoever asks has this one count.
WORKER_START_TIMEOUT_SECONDS, POLL_INTERVAL_SECONDS = 30.0, 0.1


@asynccontextmanager
async def warm_up_pages(app: FastAPI, sockets: Sequence[str]) -> AsyncIterator[None]:
    """Prepare meanwhile, once those who count at the sockets are there: a server without any counts by itself, and
    would keep its first reader waiting instead."""
    task = asyncio.create_task(_warm_up(app, sockets)) if sockets else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _warm_up(app: FastAPI, sockets: Sequence[str]) -> None:
    try:
        await run_in_threadpool(compile_templates)
        async with asyncio.timeout(WORKER_START_TIMEOUT_SECONDS):
            while not all(Path(socket).exists() for socket in sockets):
                await asyncio.sleep(POLL_INTERVAL_SECONDS)
        for language in LANGUAGES:
            await _request_page(app, f"/{language}/")
    except Exception as error:  # the first reader has it made
        server_log.log_unforeseen_error(error, "preparing the first page")


async def _request_page(app: FastAPI, path: str) -> None:
    """Have a page made, and kept where pages are: as a reader asks for it, but for the bound of how often."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "server": ("localhost", 80), "client": None, "root_path": "", "app": app, "state": {}, "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], SCOPE_BODY_RESERVED: True,
    }  # fmt: skip

    async def receive() -> Message:
        return await asyncio.Future()  # it stays until it has been answered

    async def send(_message: Message) -> None:
        pass

    await app.state.inside(scope, receive, send)
