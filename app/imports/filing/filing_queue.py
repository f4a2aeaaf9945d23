"""File the uploaded lists: one list of each source at a time, by turns of a batch, alternating with requests."""

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
from app.db.engine import CommitUnanswered, describe_database_error, open_read_session, open_write_session
from app.errors import ClockJumped, Frozen
from app.imports.faults import BadFile
from app.imports.filing import import_store
from app.imports.filing.row_filing import Filing
from app.lanes import Lane, Sender, current_sender
from app.log.entries import open_writer_session
from app.log.freeze import read_freeze
from app.log.mark import LogWentBackwards
from app.log.sealing import DamagedCiphertext

POLL_SECONDS = 30.0  # seconds between look-ups of lists that another process, now gone, had begun
MAX_OPEN_LISTS = 8  # of different sources: each takes some times its length of memory
INTERNAL_FAULT = BadFile("internal_error", "Something failed here. What is settled was filed: send the list again.")
T = TypeVar("T")

log = logging.getLogger("recuento")


class ImportWorker:
    """Files lists piece by piece, each with a place in a lane, in which sources have turns: nobody waits longer than a
    batch, and no connection is occupied between batches."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        clock: Callable[[], datetime],
        names: Names,
        lane: Lane,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._lane = lane
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by source
        self._wake_event = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look for lists now; called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_event.set)

    def stop(self) -> None:
        """End `run` after the present batch: its thread cannot be stopped, and must not outlive the database."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """File lists until `stop`; unfinished lists go on at the next start."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                await self._file_waiting_lists()
            except Exception as error:  # the lists wait
                _log_failure(error)
            if self._stopping:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake_event.wait(), POLL_SECONDS)

    async def _file_waiting_lists(self) -> None:
        """File a list of each source that has one, at most MAX_OPEN_LISTS at once, until none is left."""
        try:
            while True:
                self._wake_event.clear()
                while not self._stopping and len(self._tasks) < MAX_OPEN_LISTS:
                    filing = await self._run_in_turn(self._take_next_import)
                    if filing is None:
                        break
                    self._tasks[filing.source] = asyncio.create_task(self._file_list(filing))
                if not self._tasks:
                    return
                await self._wait_for_list()
        finally:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()

    async def _wait_for_list(self) -> None:
        """Wait until a list has ended, which frees its source, or others were sent."""
        waking = asyncio.create_task(self._wake_event.wait())
        await asyncio.wait({waking, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        waking.cancel()
        for source, task in [*self._tasks.items()]:
            if task.done():
                del self._tasks[source]
                if (error := task.exception()) is not None:
                    _log_failure(error)

    async def _file_list(self, filing: Filing) -> None:
        current_sender.set(Sender((filing.source,)))
        try:
            while await self._run_in_turn(filing.step):
                if self._stopping:
                    await self._run_in_turn(partial(self._release_lease, filing.job))
                    return
        except Frozen:  # the list goes on after the freeze, in whichever process looks first
            await self._run_in_turn(partial(self._release_lease, filing.job))
        except (OperationalError, CommitUnanswered, ClockJumped, LogWentBackwards):
            raise
        except Exception as error:
            server_log.log_unforeseen_error(error, "an import")
            await self._run_in_turn(partial(filing.fail, INTERNAL_FAULT))

    async def _run_in_turn(self, act: Callable[[], T]) -> T:
        async with self._lane.hold():
            return await anyio.to_thread.run_sync(act)

    def _take_next_import(self) -> Filing | None:
        with open_read_session(self._engine) as session:
            now = self._clock()
            if (
                import_store.find_free_import(session, now, self._tasks) is None
                or read_freeze(session, now) is not None
            ):
                return None  # as nearly always, and without a lock
        with open_writer_session(self._engine) as session:  # two processes would take one list
            job = import_store.find_free_import(session, self._clock(), self._tasks)
            if job is None:
                return None
            import_store.lease_import(session, job, self._clock())
            try:
                data = import_store.load_file(session, self._secret, job)
            except DamagedCiphertext:
                data = None
        filing = Filing(self._engine, self._secret, self._clock, self._names, job, data or b"")
        if data is None:
            filing.fail(INTERNAL_FAULT)
        return filing

    def _release_lease(self, job: import_store.ImportId) -> None:
        with open_write_session(self._engine) as session:
            import_store.update_import(session, job, leased_until=None)


def _log_failure(error: BaseException) -> None:
    """Log why lists wait. Nothing is reported to their senders."""
    if isinstance(error, SQLAlchemyError):  # the database is busy, or away
        log.error("the database failed while lists were filed: %s", describe_database_error(error))
    elif isinstance(error, (ClockJumped, LogWentBackwards)):
        log.error("lists wait: %s", error.detail)
    elif isinstance(error, Exception):
        server_log.log_unforeseen_error(error, "filing lists")
