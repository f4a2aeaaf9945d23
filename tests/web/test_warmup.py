"""A server that has others count makes its templates and its first pages before anybody asks for them."""

import asyncio
from pathlib import Path

import pytest
from app.web.asking import Api

from app.web.rendering import LANGUAGES
from app.web.warmup import warm_up_pages
from tests.support import PATIENCE, World


async def made(world: World, sockets: list[str]) -> list[str]:
    """Which first pages are kept once a server has had the time to make them."""
    kept = world.app.state.response_cache
    head = await world.app.state.head_watcher.newest()
    wanted = [f"/{language}/" for language in LANGUAGES]
    async with warm_up_pages(world.app, sockets):
        for _again in range(int(PATIENCE) * 20 if sockets else 1):
            ready = [path for path in wanted if kept.find(head, (path, b"", ""))]
            if len(ready) == len(wanted):
                break
            await asyncio.sleep(0.05)
    return ready


def test_the_first_pages_are_there_before_anybody_asks(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("foro")
    world.client.get("/v1/sources")
    socket = tmp_path / "counting"
    socket.touch()
    assert world.client.portal is not None
    assert world.client.portal.call(made, world, [str(socket)]) == [f"/{language}/" for language in LANGUAGES]
    monkeypatch.delattr(Api, "get")  # nothing more is asked for them
    assert world.client.get("/es/").status_code == 200


def test_a_server_that_counts_by_itself_prepares_nothing(world: World) -> None:
    assert world.client.portal is not None
    assert world.client.portal.call(made, world, []) == []
