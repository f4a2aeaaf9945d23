"""Look for hidden candidate pairs beside requests, in turn with them: `hidden_pairs` says why."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app import server_log
from app.config import Names
from app.registry import hidden_pairs

# Seconds between two rounds, whatever is written meanwhile: were a report compared at once, the next request would wait
# for it, longer if it looks like somebody. A curator reads the review minutes later at the earliest.
EVERY = 5.0

T = TypeVar("T")


class PairFinder:
    """Compares the records that wait, batch by batch. Each batch passes the gate like a request. What a killed process
    left is compared after the next start."""

    def __init__(self, engine: Engine, gate: asyncio.Semaphore, names: Names) -> None:
        self._engine = engine
        self._names = names
        self._gate = gate
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `run` after the present batch."""
        self._stopping.set()

    async def run(self) -> None:
        """Compare records until `stop`."""
        while not self._stopping.is_set():
            with suppress(SQLAlchemyError):  # the database is busy, or away: the records wait
                await self._round()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY)

    async def _round(self) -> None:
        last = 0
        while not self._stopping.is_set():
            records = await self._in_turn(partial(hidden_pairs.waiting, self._engine, last))
            if not records:
                return
            last = records[-1]
            try:
                await self._in_turn(partial(hidden_pairs.compare, self._engine, records, self._names))
            except OperationalError:
                raise
            except Exception as error:
                server_log.unforeseen(error, "a comparison of reports")  # these go on waiting, the others go on

    async def _in_turn(self, act: Callable[[], T]) -> T:
        async with self._gate:
            return await anyio.to_thread.run_sync(act)
