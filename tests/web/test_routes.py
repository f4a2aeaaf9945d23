"""A server that has others count makes its templates and its first pages before anybody asks for them."""

import asyncio
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response

from app import main
from app.columns import store
from app.columns.store import release_columns
from app.web import rendering
from app.web.home import routes
from app.web.rendering import LANGUAGES
from app.web.routes import warm_up_pages
from tests.support import PATIENCE, World


@pytest.fixture
def pages(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Response]:
    """The first pages that a server has made, which has just started: nothing is compiled or counted."""
    made: list[Response] = []
    show_home = routes.show_home

    async def record_page(page: Any) -> Response:
        made.append(await show_home(page))
        return made[-1]

    monkeypatch.setattr(routes, "show_home", record_page)
    world.file("foro")
    release_columns(world.engine)
    rendering._build_environment.cache_clear()
    return made


def start(world: World, pages: list[Response]) -> None:
    """Start a server, and end it once it has made its pages or some time has passed."""

    async def wait_for_pages() -> None:
        async with warm_up_pages(world.app):
            async with asyncio.timeout(PATIENCE):
                while len(pages) < len(LANGUAGES):
                    await asyncio.sleep(0.05)

    assert world.client.portal is not None
    world.client.portal.call(wait_for_pages)


def test_templates_and_columns_and_the_first_pages_are_made_before_anybody_asks(
    world: World, pages: list[Response]
) -> None:
    start(world, pages)
    for language, page in zip(LANGUAGES, pages, strict=True):
        environment = rendering._build_environment(language)
        assert environment.cache is not None
        assert len(environment.cache) >= len(environment.list_templates()), "every template is compiled"
        assert (page.status_code, bytes(page.body)) == (200, world.client.get(f"/{language}/").content)
    assert store._get_cache(world.engine).columns is not None


def test_the_first_pages_are_in_the_cache_before_anybody_asks(world: World, pages: list[Response]) -> None:
    start(world, pages)
    assert world.client.portal is not None
    head = world.client.portal.call(world.app.state.head_watcher.newest)
    cache = world.app.state.response_cache
    assert all(cache.find(head, (f"/{language}/", b"")) for language in LANGUAGES)


def test_a_server_starts_whose_first_page_cannot_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    async def fail(_page: object) -> Response:
        failed.set()
        raise RuntimeError

    async def wait_for_failure() -> None:
        async with warm_up_pages(world.app):
            await asyncio.wait_for(failed.wait(), PATIENCE)
            await asyncio.sleep(0.05)

    assert world.client.portal is not None
    with monkeypatch.context() as patched:
        patched.setattr(routes, "show_home", fail)
        world.client.portal.call(wait_for_failure)
    assert "unforeseen RuntimeError" in caplog.text
    assert world.client.get("/es/").status_code == 200


@pytest.mark.parametrize("is_counted_elsewhere", [True, False])
def test_only_a_server_that_has_others_count_prepares_pages(
    resting: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_counted_elsewhere: bool
) -> None:
    started: list[object] = []

    @asynccontextmanager
    async def record_start(app: object) -> Any:
        started.append(app)
        async with nullcontext():
            yield

    monkeypatch.setattr(main, "warm_up_pages", record_start)
    sockets = [str(tmp_path / "counting")] if is_counted_elsewhere else None
    resting.app.state.settings = resting.settings.model_copy(update={"counting_sockets": sockets})
    with resting:
        assert started == [resting.app] * is_counted_elsewhere
