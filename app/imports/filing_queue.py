"""File the uploaded lists: one list at a time in each process, batch by batch, alternating with requests."""

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
from app.imports import import_store
from app.imports.faults import BadFile
from app.imports.row_filing import Filing
from app.log.entries import open_writer_session
from app.log.freeze import read_freeze
from app.log.mark import LogWentBackwards
from app.log.sealing import DamagedCiphertext

POLL_SECONDS = 30.0  # seconds between look-ups of lists that another process, now gone, had begun
INTERNAL_FAULT = BadFile("internal_error", "Something failed here. What is settled was filed: send the list again.")
T = TypeVar("T")

log = logging.getLogger("recuento")


class ImportWorker:
    """Files lists piece by piece, each within a limiter: no writer waits longer than a batch, and no connection is
    occupied between batches."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        clock: Callable[[], datetime],
        names: Names,
        write_semaphore: asyncio.Semaphore,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._write_semaphore = write_semaphore
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
        while not self._stopping:
            self._wake_event.clear()
            try:
                await self._file_waiting_lists()
            except SQLAlchemyError as error:  # the database is busy, or away: the lists wait
                log.error("the database failed while lists were filed: %s", describe_database_error(error))
            except (ClockJumped, LogWentBackwards) as refusal:
                log.error("lists wait: %s", refusal.detail)
            except Exception as error:  # not reported to the sender: the list waits, and so do those behind it
                server_log.log_unforeseen_error(error, "filing lists")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake_event.wait(), POLL_SECONDS)

    async def _file_waiting_lists(self) -> None:
        while not self._stopping and (filing := await self._run_in_turn(self._take_next_import)) is not None:
            try:
                while await self._run_in_turn(filing.step):
                    if self._stopping:
                        await self._run_in_turn(partial(self._release_lease, filing.job))
                        return
            except Frozen:  # the list goes on after the freeze, in whichever process looks first
                await self._run_in_turn(partial(self._release_lease, filing.job))
                return
            except (OperationalError, CommitUnanswered, ClockJumped, LogWentBackwards):
                raise
            except Exception as error:
                server_log.log_unforeseen_error(error, "an import")
                await self._run_in_turn(partial(filing.fail, INTERNAL_FAULT))

    async def _run_in_turn(self, act: Callable[[], T]) -> T:
        async with self._write_semaphore:
            return await anyio.to_thread.run_sync(act)

    def _take_next_import(self) -> Filing | None:
        with open_read_session(self._engine) as session:
            now = self._clock()
            if import_store.find_free_import(session, now) is None or read_freeze(session, now) is not None:
                return None  # as nearly always, and without a lock
        with open_writer_session(self._engine) as session:  # two processes would take one list
            job = import_store.find_free_import(session, self._clock())
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
