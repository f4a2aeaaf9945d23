"""File the lists sent to a server: one list at a time in each process, batch by batch, in turn with requests."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app import server_log
from app.config import Names
from app.db.engine import CommitUnanswered, kind_and_place, reading, writing
from app.errors import ClockJumped
from app.imports import stored
from app.imports.faults import BadFile
from app.imports.filing import Filing
from app.log.entries import as_only_writer
from app.log.head import Damaged
from app.log.mark import WentBackwards

LOOKS_EVERY = 30.0  # seconds between look-ups of lists that another process, now gone, had begun
INTERNAL = BadFile("internal_error", "Something failed here. What is settled was filed: send the list again.")
T = TypeVar("T")

log = logging.getLogger("recuento")


class Worker:
    """Files lists piece by piece, each with a place in `lane`: nobody who writes waits longer than a batch, and no
    connection is kept in between."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        clock: Callable[[], datetime],
        names: Names,
        lane: asyncio.Semaphore,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._lane = lane
        self._wanted = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look for lists now; called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wanted.set)

    def stop(self) -> None:
        """End `run` after the present batch: its thread cannot be stopped, and must not outlive the database."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """File lists until `stop`; unfinished lists go on at the next start."""
        self._loop = asyncio.get_running_loop()
        while not self._stopping:
            self._wanted.clear()
            try:
                await self._work()
            except SQLAlchemyError as error:  # the database is busy, or away: the lists wait
                log.error("the database failed while lists were filed: %s", kind_and_place(error))
            except (ClockJumped, WentBackwards) as refusal:
                log.error("lists wait: %s", refusal.detail)
            except Exception as error:  # not even told to its sender: the list waits, and so do those behind it
                server_log.unforeseen(error, "filing lists")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), LOOKS_EVERY)

    async def _work(self) -> None:
        while not self._stopping and (filing := await self._in_turn(self._next)) is not None:
            try:
                while await self._in_turn(filing.step):
                    if self._stopping:
                        await self._in_turn(partial(self._let_go, filing.job))
                        return
            except (OperationalError, CommitUnanswered, ClockJumped, WentBackwards):
                raise
            except Exception as error:
                server_log.unforeseen(error, "an import")
                await self._in_turn(partial(filing.fail, INTERNAL))

    async def _in_turn(self, act: Callable[[], T]) -> T:
        async with self._lane:
            return await anyio.to_thread.run_sync(act)

    def _next(self) -> Filing | None:
        with reading(self._engine) as session:
            if stored.free(session, self._clock()) is None:
                return None  # as nearly always, and without a lock
        with as_only_writer(self._engine) as session:  # two processes would take one list
            job = stored.free(session, self._clock())
            if job is None:
                return None
            stored.lease(session, job, self._clock())
            try:
                data = stored.file_of(session, self._secret, job)
            except Damaged:
                data = None
        filing = Filing(self._engine, self._secret, self._clock, self._names, job, data or b"")
        if data is None:
            filing.fail(INTERNAL)
        return filing

    def _let_go(self, job: stored.ImportId) -> None:
        with writing(self._engine) as session:
            stored.change(session, job, leased_until=None)
