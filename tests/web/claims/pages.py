"""Pages as tests open them, without a browser."""

import asyncio
from collections.abc import Callable, Coroutine
from html import unescape
from re import sub
from typing import TypeVar

from fastapi import Request
from starlette.types import Message

from app.web.page import Page, read_page
from tests.support import World

Result = TypeVar("Result")
HTML_HEADERS = {"accept": "text/html"}


def build_request(world: World, path: str = "/es/") -> Request:
    """Build the request of a reader who waits for a page."""

    async def receive() -> Message:
        return await asyncio.Future()

    scope = {"type": "http", "app": world.app, "path": path, "query_string": b"", "headers": [], "client": None}
    return Request(scope, receive)


def on_page(world: World, language: str, make: Callable[[Page], Coroutine[object, object, Result]]) -> Result:
    """Return what is made with a page in a language."""

    async def make_on_page() -> Result:
        return await make(await read_page(build_request(world, f"/{language}/"), language, "/", {}))

    assert world.client.portal is not None  # in the server's loop, to which the places of questions belong
    return world.client.portal.call(make_on_page)


def html_of(world: World, address: str, status: int = 200) -> str:
    """The page as it is sent, each space one."""
    answer = world.client.get(address, headers=HTML_HEADERS)
    assert answer.status_code == status, answer.text
    return " ".join(answer.text.replace("\N{NO-BREAK SPACE}", " ").split())


def text_of(world: World, address: str, status: int = 200) -> str:
    """What a reader reads of it."""
    return " ".join(unescape(sub(r"<[^>]+>", "", html_of(world, address, status))).split())
