"""Commit concurrent reports in one transaction.

While one transaction is written and synced, the jobs that arrive queue for the next. That takes the writers' lock, the
head and the time once, and is synced once. Each job runs in it as it would run alone, in the order of arrival, and is
answered once the transaction is committed. There is no timer: a job that arrives alone is written at once.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import monotonic, perf_counter

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.datastructures import State

from app.api.writes import CommittedAnswer, WriteJob, WriteTransaction, begin_write_transaction
from app.log.entries import Log, reuse_head
from app.server_log import RequestStats, get_request_stats

# Seconds of one transaction before lists and other writers get the lock: as long as a batch of a list takes while
# others wait. Some twenty reports share a sync by then, and more would save little.
MAX_TRANSACTION_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _QueuedJob:
    """A job whose sender waits for the answer. `context`: of its request, with what that measures and remembers."""

    job: WriteJob
    context: Context
    stats: RequestStats
    answer: asyncio.Future[CommittedAnswer]
    queued_at: float

    def run(self, transaction: WriteTransaction) -> CommittedAnswer:
        self.stats.lane = "writes"
        self.stats.waited["writes"] += perf_counter() - self.queued_at
        return self.context.run(self.job.run, transaction)


WriteResult = tuple[_QueuedJob, CommittedAnswer | Exception]


class GroupCommit:
    """The queue of one process. A queued job holds no thread, no connection and no place in a lane: the one transaction
    that is being written does."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: deque[_QueuedJob] = deque()
        self._write_task: asyncio.Task[None] | None = None

    async def submit(self, job: WriteJob) -> CommittedAnswer:
        """Queue a job, and return its answer once it is stored. Raises what the job raises, and what its transaction
        does."""
        answer: asyncio.Future[CommittedAnswer] = asyncio.get_running_loop().create_future()
        self._queue.append(_QueuedJob(job, copy_context(), get_request_stats(), answer, perf_counter()))
        if self._write_task is None:
            self._write_next()
        return await answer

    def _write_next(self) -> None:
        """Begin the next transaction, if jobs are queued, in the context of the first: its request is charged with the
        place in the lane."""
        first = self._queue[0].context.copy() if self._queue else None
        self._write_task = None if first is None else asyncio.create_task(self._write_group(), context=first)

    async def _write_group(self) -> None:
        try:
            async with self._state.limits.writes:
                with get_request_stats().time_hold():
                    results = await run_in_threadpool(self._commit_group)
        except Exception as error:  # no thread was to be had
            results = [(queued, error) for queued in self._take_queue()]
        self._write_next()  # it need not wait until these are answered
        for queued, result in results:
            if queued.answer.done():
                continue  # nobody waits for it any more
            if isinstance(result, CommittedAnswer):
                queued.answer.set_result(result)
            else:
                queued.answer.set_exception(result)

    def _commit_group(self) -> list[WriteResult]:
        """Run the jobs that are queued once the lock is taken, or as many as there is time for, and return their
        results. No job of a transaction that failed succeeds."""
        group: list[_QueuedJob] = []
        results: list[WriteResult] = []
        try:
            with begin_write_transaction(self._state) as transaction:
                group = self._take_queue()
                _run_group(transaction, group, results)
        except Exception as error:
            if not results:
                return [(queued, error) for queued in group or self._take_queue()]
            results = [(queued, result if isinstance(result, Exception) else error) for queued, result in results]
        self._queue.extendleft(reversed(group[len(results) :]))
        return results

    def _take_queue(self) -> list[_QueuedJob]:
        return [self._queue.popleft() for _ in range(len(self._queue))]


def _run_group(transaction: WriteTransaction, group: Sequence[_QueuedJob], results: list[WriteResult]) -> None:
    """Run one job after another, for MAX_TRANSACTION_SECONDS, and add the result of each. Of several each has a
    savepoint, so that a refusal undoes nothing else. Raises an error that undoes the whole transaction."""
    session, deadline = transaction.session, monotonic() + MAX_TRANSACTION_SECONDS
    log: Log | None = None
    for queued in group:
        if log is not None:
            reuse_head(session, log)
        try:
            with nullcontext() if len(group) == 1 else session.connection().begin_nested():
                answer = queued.run(transaction)
        except Exception as refusal:
            results.append((queued, refusal))
            if len(group) == 1 or _affects_whole_group(refusal):
                raise
        else:
            results.append((queued, answer))
            log = answer.log
        session.expunge_all()  # the next one reads what stands by then
        if monotonic() > deadline:
            return


def _affects_whole_group(error: Exception) -> bool:
    """Whether the database is away, busy or full: it may have undone more than the savepoint."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, (IntegrityError, DataError))
