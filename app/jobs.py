"""Run the background jobs of a server on fixed intervals.

The jobs file lists, hide people on objections, end embargoes, carry out decisions that waited for a day, compare
reports for curators, record on which day keys were used, finish erasures, send notices, keep saved columns at the head,
and update the high-water mark.

What is public once cannot be taken back, so a wrong clock must not end an embargo or a day of waiting. The server's
clock refuses after a jump (decision 0045). Besides, a process ends none until it has watched the clock for
MIN_WATCHED_SECONDS: a machine that starts with a wrong clock is corrected within that time, and the correction is a
jump.

The person that an objection names is looked up here too, so that it cannot change the response time of any request.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import anyio.to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app import server_log
from app.api.middleware.response_cache import IDLE_SECONDS
from app.api.routes.health import note_freeze
from app.clock import read_elapsed_seconds
from app.columns.store import refresh_columns
from app.config import Names
from app.db.engine import open_read_session
from app.errors import Problem
from app.lanes import Lane
from app.log.entries import open_writer_session
from app.log.mark import LogWentBackwards, UnreadableMark
from app.matching.scripts import start_empty_cache
from app.memory import freeze_live_objects
from app.registry import filing
from app.registry.curation import agreements
from app.registry.identity.duplicate_scan import DuplicateScanner
from app.registry.publication import erasure, objections
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext

# A person is hidden "within five minutes" of an objection: two intervals, and time in the queue.
OBJECTIONS_INTERVAL_SECONDS = 60.0
EMBARGOES_INTERVAL_SECONDS = 60.0  # an embargo ends on a day, or at an hour
PROPOSALS_INTERVAL_SECONDS = 60.0  # a decision has waited for a day
# The interval does not depend on what is written: if a report were compared at once, the next request would wait for
# it, longer if it resembles somebody. A curator reads the review minutes later at the earliest.
DUPLICATE_SCAN_INTERVAL_SECONDS = 5.0
KEY_USES_INTERVAL_SECONDS = 60.0  # only the day is recorded, and a crash may lose the last minute
# If the machine fails, the mark lacks what was written since; a check costs one small query.
MARKS_INTERVAL_SECONDS = 1.0
ERASURES_INTERVAL_SECONDS = 10.0  # a reader that blocks an erasure ends within seconds
FREEZE_INTERVAL_SECONDS = 5.0  # a freeze begun by another process or a command is in `/healthz` after so long
NOTICES_INTERVAL_SECONDS = 60.0
MAILS_INTERVAL_SECONDS = 5.0  # a look at an empty queue in memory
COLUMNS_INTERVAL_SECONDS = 30.0  # "a minute later" no erased person is in memory or in a mapped file

log = logging.getLogger("recuento")


@asynccontextmanager
async def run_background_jobs(state: State) -> AsyncIterator[None]:
    """Run all jobs until the server stops.

    What is only in memory is then written once more. Everything else waits for the next start: stopping a server should
    not wait until its files are rewritten.
    """
    stop_event = asyncio.Event()
    limits = state.limits
    schedule = partial(_run_periodically, stop_event)
    jobs = [
        state.imports.run(),
        schedule("settling objections", state.objection_job.settle, OBJECTIONS_INTERVAL_SECONDS, limits.objections),
        schedule("ending embargoes", state.embargo_job.end, EMBARGOES_INTERVAL_SECONDS, limits.background),
        schedule("carrying out decisions", state.proposal_job.carry_out, PROPOSALS_INTERVAL_SECONDS, limits.background),
        schedule(
            "a comparison of reports",
            DuplicateScanner(state.engine, state.names).compare_next_batch,
            DUPLICATE_SCAN_INTERVAL_SECONDS,
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
        schedule("preparing notices", state.notice_job.prepare, NOTICES_INTERVAL_SECONDS, limits.background),
        # A mail server may be slow: no session is open meanwhile, and no other job waits.
        schedule("sending notices", state.notice_job.send, MAILS_INTERVAL_SECONDS, Lane(1)),
        schedule("noting a freeze", partial(note_freeze, state), FREEZE_INTERVAL_SECONDS, limits.background),
        schedule("clearing an idle cache", state.response_cache.clear_if_idle, IDLE_SECONDS, limits.background),
        schedule(
            "looking at the mark",
            _MarkWatcher(state).check_mark,
            MARKS_INTERVAL_SECONDS,
            limits.marks,
            runs_at_stop=True,
        ),
    ]
    tasks = [asyncio.create_task(job) for job in jobs]
    freeze_live_objects()
    yield
    state.imports.stop()
    stop_event.set()
    await asyncio.gather(*tasks)


@asynccontextmanager
async def run_count_worker_jobs(state: State) -> AsyncIterator[None]:
    """Run the jobs of a count worker until it stops."""
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
    tasks = [asyncio.create_task(job) for job in jobs]
    yield
    stop_event.set()
    await asyncio.gather(*tasks)


async def _run_periodically(
    stop_event: asyncio.Event,
    job_name: str,
    job: Callable[[], bool | None],
    seconds: float,
    lane: Lane,
    *,
    runs_at_stop: bool = False,
) -> None:
    """Run a job in a thread, with a place in `lane`, every so many seconds; again at once while it returns True.

    `job_name`: the job in words, for the server log. `runs_at_stop`: run it once more when the server stops.
    """
    start_empty_cache()
    while not stop_event.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop_event.wait(), seconds)
        if stop_event.is_set() and not runs_at_stop:
            return
        while await _run_once(job_name, job, lane) and not stop_event.is_set():
            pass


async def _run_once(job_name: str, job: Callable[[], bool | None], lane: Lane) -> bool:
    """Run a job once, and return whether there is more to do. A failure does not end the schedule."""
    try:
        async with lane.hold():
            return bool(await anyio.to_thread.run_sync(job))
    except (SQLAlchemyError, Problem):
        return False  # lane or database are busy or away, or refuse writes: requests and readiness report that
    except Exception as error:
        server_log.log_unforeseen_error(error, job_name)
        return False


def _finish_erasures(state: State) -> None:
    erasure.finish_erasures(state.engine)


class _MarkWatcher:
    """Persists the highest revision served, and logs once if the database is behind it."""

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


# NTP corrects a wrong clock within minutes of the network coming up (RFC 5905: polls of 64 s at first).
MIN_WATCHED_SECONDS = 3600.0


class _WatchedJob:
    """A job that makes public what waited, in each process: the first one to get the lock does it."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime], names: Names) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._started_at = read_elapsed_seconds()

    def _has_watched_clock(self) -> bool:
        return read_elapsed_seconds() - self._started_at >= MIN_WATCHED_SECONDS


class EmbargoJob(_WatchedJob):
    """Ends embargoes."""

    def end(self) -> bool:
        """End the embargoes that are over; return whether there are more."""
        if not self._has_watched_clock():
            return False
        with open_read_session(self._engine) as session:
            if not filing.has_due_reports(session, self._clock()):
                return False
        with open_writer_session(self._engine) as session:
            return filing.file_due_reports(session, self._clock(), self._secret, self._names)


class ProposalJob(_WatchedJob):
    """Carries out decisions that waited for a day."""

    def carry_out(self) -> bool:
        """Carry out the decisions that are due; return whether there may be more."""
        is_steady = self._has_watched_clock()
        with open_read_session(self._engine) as session:
            if not agreements.has_due_proposals(session, self._clock(), trusts_clock=is_steady):
                return False
        with open_writer_session(self._engine) as session:
            now = self._clock()
            return agreements.carry_out_due(session, now, self._secret, self._names, trusts_clock=is_steady)


class ObjectionJob:
    """Processes new objections, in each process."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock

    def settle(self) -> None:
        """Process the objections that are due."""
        with open_read_session(self._engine) as session:
            if not objections.has_due_objections(session, self._clock()):
                return
        with open_writer_session(self._engine) as session:
            objections.settle_objections(WriteContext(session, Reader(), self._clock(), self._secret))
