"""The registry of one history: a database of its own, and an app that answers in the thread of whoever asks. To hand
each request through three threads takes longer than most answers, and longest on a busy machine."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio.to_thread
import pytest

from app.api import head_watcher
from app.registry import reprojection
from tests.databases import Templates, settings_of
from tests.support import World


class _Here:
    """In place of the thread that an app runs in."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call(self, ask: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        return self._loop.run_until_complete(ask(*given))


async def _at_once(act: Callable[..., Any], *given: Any, **_options: Any) -> Any:
    return act(*given)


@contextmanager
def opened(templates: Templates, kind: str) -> Iterator[World]:
    template, keys = templates.world(kind)
    with (
        templates.copy(kind, template) as url,
        TemporaryDirectory() as folder,
        World(settings_of(url, columns_dir=Path(folder)), keys=keys) as world,
        closing(asyncio.new_event_loop()) as loop,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(world.client, "portal", _Here(loop))
        patch.setattr(anyio.to_thread, "run_sync", _at_once)
        patch.setattr(os, "fsync", lambda _handle: None)  # nobody cuts the power
        # Here each opening is agreed by its own entry: what waits is drawn in `tests/properties`.
        patch.setattr(reprojection, "compute_hold", lambda *_given: None)
        patch.setattr(head_watcher, "SETTLING_REST_SECONDS", 0.0)  # nobody else waits for a turn as a writer
        yield world
