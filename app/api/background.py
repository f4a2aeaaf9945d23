"""What a server does beside answering: it files lists, hides people on objections, compares reports for curators, notes
on which day keys were used, finishes erasures, and remembers how far the log has come."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app.database import reading
from app.log.mark import UnreadableMark, WentBackwards
from app.registry import scrubbing
from app.registry.pair_finder import PairFinder

KEY_USES_EVERY = 60.0  # seconds: a day is all that is told, and a crash may lose this much
# Seconds: what is lost of a mark when the machine fails is what was written since, and a look costs one small query.
MARKS_EVERY = 1.0
SCRUBBED_EVERY = 10.0  # seconds: a reader that is in the way is through in a few

log = logging.getLogger("recuento")


@asynccontextmanager
async def background(state: State) -> AsyncIterator[None]:
    """Do all of it until the server stops, and whatever waits once more then."""
    stopping = asyncio.Event()
    finder = PairFinder(state.engine, state.lanes.filing, state.names)
    chores: list[Coroutine[Any, Any, None]] = [
        state.imports.run(),
        state.objections.run(),
        finder.run(),
        _repeat(partial(state.key_uses.write, state.engine), KEY_USES_EVERY, stopping, state.lanes.filing),
    ]
    chores.append(_repeat(partial(scrubbing.finish, state.engine), SCRUBBED_EVERY, stopping, state.lanes.filing))
    chores.append(_repeat(_Watch(state).look, MARKS_EVERY, stopping))
    tasks = [asyncio.create_task(chore) for chore in chores]
    yield
    state.imports.stop()
    state.objections.stop()
    finder.stop()
    stopping.set()
    await asyncio.gather(*tasks)


async def _repeat(
    act: Callable[[], object],
    seconds: float,
    stopping: asyncio.Event,
    lane: AbstractAsyncContextManager[Any] | None = None,
) -> None:
    """Act in a thread, in the `lane`, every so many seconds and once more at the end."""
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
        async with lane or nullcontext():
            with suppress(SQLAlchemyError):  # the database is busy, away or read-only: it waits
                await anyio.to_thread.run_sync(act)


class _Watch:
    """Keeps the mark close behind the head, and tells once where the log went backwards."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._told = False

    def look(self) -> None:
        mark = self._state.mark
        if mark.path is None:
            return
        try:
            with reading(self._state.engine) as session:
                mark.look(session)
        except UnreadableMark as error:
            log.error("%s", error)
        if mark.lost and not self._told:
            log.error("%s", WentBackwards().detail)
        self._told = mark.lost
