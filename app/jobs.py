"""What a server does beside answering: it files lists, hides people on objections, ends embargoes, compares reports for
curators, notes on which day keys were used, finishes erasures, keeps saved columns at the head, and remembers how far
the log has come.

File reports whose embargo is over, on a fixed beat.

What is public once cannot be taken back, so that a wrong clock must not end an embargo. `clock` refuses where it has
jumped (decision 0045); and a process ends none until it has watched its clock for WATCHED_FOR: a machine that starts
with a wrong one is set right within that time, and that is a jump.

Look at objections on a fixed beat: what an objection is about costs no request any time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any

import anyio.to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app import server_log
from app.api.middleware.response_cache import IDLE_SECONDS
from app.clock import read_elapsed_seconds
from app.columns.store import refresh_columns
from app.config import Names
from app.db.engine import open_read_session
from app.errors import Problem
from app.log.entries import open_writer_session
from app.log.mark import LogWentBackwards, UnreadableMark
from app.matching.scripts import start_empty_cache
from app.memory import freeze_live_objects
from app.registry import filing
from app.registry.identity.duplicate_scan import DuplicateScanner
from app.registry.publication import erasure, objections
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext

# Seconds. Somebody is hidden "within five minutes" of an objection: two beats, and time to be in turn.
OBJECTIONS_INTERVAL_SECONDS = 60.0
EMBARGOES_INTERVAL_SECONDS = 60.0  # seconds: an embargo names a day, or an hour
# Seconds, whatever is written meanwhile: were a report compared at once, the next request would wait for it, longer if
# it looks like somebody. A curator reads the review minutes later at the earliest.
PAIRS_INTERVAL_SECONDS = 5.0
KEY_USES_INTERVAL_SECONDS = 60.0  # seconds: a day is all that is told, and a crash may lose this much
# Seconds: what is lost of a mark when the machine fails is what was written since, and a look costs one small query.
MARKS_INTERVAL_SECONDS = 1.0
ERASURES_INTERVAL_SECONDS = 10.0  # seconds: a reader that is in the way is through in a few
COLUMNS_INTERVAL_SECONDS = (
    30.0  # seconds: "a minute later" nobody who was erased is in memory or in a file that is mapped
)

Limiter = AbstractAsyncContextManager[Any]

log = logging.getLogger("recuento")


@asynccontextmanager
async def run_background_jobs(state: State) -> AsyncIterator[None]:
    """Do all of it until the server stops. What is only in memory is written once more then. All else waits for the
    next start: nobody who stops a server should wait until its files are written anew."""
    stop_event = asyncio.Event()
    limits = state.limits
    schedule = partial(_run_periodically, stop_event)
    jobs = [
        state.imports.run(),
        schedule("a beat of objections", state.objection_job.settle, OBJECTIONS_INTERVAL_SECONDS, limits.objections),
        schedule("ending embargoes", state.embargo_job.end, EMBARGOES_INTERVAL_SECONDS, limits.background),
        schedule(
            "a comparison of reports",
            DuplicateScanner(state.engine, state.names).compare_next_batch,
            PAIRS_INTERVAL_SECONDS,
            limits.background,
        ),
        schedule(
            "noting the use of keys",
            partial(state.key_uses.write_uses, state.engine),
            KEY_USES_INTERVAL_SECONDS,
            limits.background,
            runs_at_stop=True,
        ),
        schedule(
            "finishing an erasure", partial(_finish_erasures, state), ERASURES_INTERVAL_SECONDS, limits.background
        ),
        schedule(
            "keeping columns", partial(refresh_columns, state.engine), COLUMNS_INTERVAL_SECONDS, limits.background
        ),
        schedule("letting go of kept answers", state.response_cache.clear_if_idle, IDLE_SECONDS, limits.background),
        schedule(
            "looking at the mark",
            _MarkWatcher(state).check_mark,
            MARKS_INTERVAL_SECONDS,
            limits.marks,
            runs_at_stop=True,
        ),
    ]
    tasks = [asyncio.create_task(chore) for chore in jobs]
    freeze_live_objects()
    yield
    state.imports.stop()
    stop_event.set()
    await asyncio.gather(*tasks)


@asynccontextmanager
async def run_count_worker_jobs(state: State) -> AsyncIterator[None]:
    """What a process that only counts does beside it, until it stops."""
    stop_event = asyncio.Event()
    schedule = partial(_run_periodically, stop_event)
    jobs = [
        schedule(
            "keeping columns", partial(refresh_columns, state.engine), COLUMNS_INTERVAL_SECONDS, state.limits.background
        ),
        schedule(
            "looking at the mark",
            _MarkWatcher(state).check_mark,
            MARKS_INTERVAL_SECONDS,
            state.limits.marks,
            runs_at_stop=True,
        ),
    ]
    tasks = [asyncio.create_task(chore) for chore in jobs]
    yield
    stop_event.set()
    await asyncio.gather(*tasks)


async def _run_periodically(
    stop_event: asyncio.Event,
    job_name: str,
    job: Callable[[], bool | None],
    seconds: float,
    limiter: Limiter,
    *,
    runs_at_stop: bool = False,
) -> None:
    """Act in a thread, in the `limiter`, every so many seconds, and once more `runs_at_stop`; again at once while `job` says
    that there is more to do, each time in turn with others. `job_name`: the act in words, for the log."""
    start_empty_cache()
    while not stop_event.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop_event.wait(), seconds)
        if stop_event.is_set() and not runs_at_stop:
            return
        while await _run_once(job_name, job, limiter) and not stop_event.is_set():
            pass


async def _run_once(job_name: str, job: Callable[[], bool | None], limiter: Limiter) -> bool:
    """Act once; whether there is more to do. A failure ends no chore: what it was about waits for the next time."""
    async with limiter:
        try:
            return bool(await anyio.to_thread.run_sync(job))
        except (SQLAlchemyError, Problem):
            return False  # the database is busy or away, or nothing may be written: requests and readiness tell
        except Exception as error:
            server_log.log_unforeseen_error(error, job_name)
            return False


def _finish_erasures(state: State) -> None:
    erasure.finish_erasures(state.engine)


class _MarkWatcher:
    """Keeps the mark close behind the head, and tells once where the log went backwards."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._was_reported = False

    def check_mark(self) -> None:
        mark = self._state.mark
        if mark.path is None:
            return
        try:
            with open_read_session(self._state.engine) as session:
                mark.check_log(session)
        except UnreadableMark as error:
            log.error("%s", error)
        if mark.has_lost_entries and not self._was_reported:
            log.error("%s", LogWentBackwards().detail)
        self._was_reported = mark.has_lost_entries


# Seconds. NTP sets a wrong clock right within minutes of the network's being there (RFC 5905: polls of 64 s at first).
MIN_WATCHED_SECONDS = 3600.0


class EmbargoJob:
    """Ends embargoes, in each process: whoever has the lock first."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime], names: Names) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._started_at = read_elapsed_seconds()

    def end(self) -> bool:
        """One beat; whether there is more to do."""
        if read_elapsed_seconds() - self._started_at < MIN_WATCHED_SECONDS:
            return False
        with open_read_session(self._engine) as session:
            if not filing.has_due_reports(session, self._clock()):
                return False
        with open_writer_session(self._engine) as session:
            return filing.file_due_reports(session, self._clock(), self._secret, self._names)


class ObjectionJob:
    """Settles what objections came in, in each process."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock

    def settle(self) -> None:
        """One beat."""
        with open_read_session(self._engine) as session:
            if not objections.has_due_objections(session, self._clock()):
                return
        with open_writer_session(self._engine) as session:
            objections.settle_objections(WriteContext(session, Reader(), self._clock(), self._secret))
