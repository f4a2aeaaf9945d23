"""Render the first pages when a server starts, so that its first reader does not wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.types import Message, Scope

from app import server_log
from app.web.home.routes import show_home
from app.web.page import read_page
from app.web.rendering import LANGUAGES, compile_templates


@asynccontextmanager
async def warm_up_pages(app: FastAPI) -> AsyncIterator[None]:
    """Compile the templates, and render the first page in each language with the columns that it counts, in the
    background."""
    task = asyncio.create_task(_warm_up(app))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _warm_up(app: FastAPI) -> None:
    try:
        await run_in_threadpool(compile_templates)
        for language in LANGUAGES:
            await show_home(await read_page(_build_request(app, f"/{language}/"), language, "/", {}))
    except Exception as error:  # the first reader's request renders it then
        server_log.log_unforeseen_error(error, "preparing the first page")


def _build_request(app: FastAPI, path: str) -> Request:
    scope: Scope = {
        "type": "http", "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": None,
        "root_path": "", "app": app, "state": {}, "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [],
    }  # fmt: skip
    return Request(scope, _wait_for_disconnect)


async def _wait_for_disconnect() -> Message:
    """Wait for ever: this client never disconnects."""
    return await asyncio.Future()
