"""Pages as tests open them, without a browser."""

import asyncio
from collections.abc import Callable, Coroutine
from html import unescape
from re import sub
from typing import Any, TypeVar

from app.web.asking import Api, Terms
from fastapi import Request

from app.web.page import Page
from app.web.rendering import load_catalogue
from tests.support import World

Made = TypeVar("Made")
PAGE = {"accept": "text/html"}


class Asking(Api):
    """Asks through the client of the tests, as a page asks within the server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.as_of = None

    async def get(self, path: str, terms: Terms | None = None, **further: Any) -> Any:
        given = {"as_of": self.as_of, **(terms or {}), **further}
        asked = {name: value for name, value in given.items() if value is not None}
        answer = await asyncio.to_thread(self._world.client.get, path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


def on_page(world: World, language: str, make: Callable[[Page], Coroutine[Any, Any, Made]]) -> Made:
    """What is made with a page in a language."""
    scope = {"type": "http", "app": world.app, "path": f"/{language}/", "query_string": b"", "headers": []}

    async def made() -> Made:
        api = Asking(world)
        known = await api.get("/v1/sources")
        sources = {source["slug"]: source for source in known["data"]}
        return await make(Page(Request(scope), load_catalogue(language), api, known["revision"], sources))

    return asyncio.run(made())


def html_of(world: World, address: str, status: int = 200) -> str:
    """The page as it is sent, each space one."""
    answer = world.client.get(address, headers=PAGE)
    assert answer.status_code == status, answer.text
    return " ".join(answer.text.replace("\N{NO-BREAK SPACE}", " ").split())


def text_of(world: World, address: str, status: int = 200) -> str:
    """What a reader reads of it."""
    return " ".join(unescape(sub(r"<[^>]+>", "", html_of(world, address, status))).split())
