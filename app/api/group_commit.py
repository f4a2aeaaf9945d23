"""Commit concurrent reports in one transaction.

Jobs that arrive while a transaction is written and synced wait for the next one. Each transaction takes the writers'
lock, reads the head and the time, and syncs once for all of its jobs. Jobs run in the order of arrival, with the result
that they would have alone, and are answered after the commit. There is no timer: a single job is written at once.
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

# Maximum duration of one transaction, so that imports and other writers get the lock: as long as a batch of an import
# while others wait. About twenty reports share a sync by then; more would save little.
MAX_TRANSACTION_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _QueuedJob:
    """A job whose sender waits for the answer. `context`: the context variables of its request."""

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
    """The queue of write jobs of one process.

    A queued job uses no thread, connection or slot of a limiter. Only the current transaction uses one of each.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: deque[_QueuedJob] = deque()
        self._write_task: asyncio.Task[None] | None = None

    async def submit(self, job: WriteJob) -> CommittedAnswer:
        """Queue a job, and return its answer after the commit. Raises the errors of the job and of its transaction."""
        answer: asyncio.Future[CommittedAnswer] = asyncio.get_running_loop().create_future()
        self._queue.append(_QueuedJob(job, copy_context(), get_request_stats(), answer, perf_counter()))
        if self._write_task is None:
            self._write_next()
        return await answer

    def _write_next(self) -> None:
        """Begin the next transaction if jobs are queued.

        It runs in the context of the first job, so that the limiter's slot is counted for that request.
        """
        first = self._queue[0].context.copy() if self._queue else None
        self._write_task = None if first is None else asyncio.create_task(self._write_group(), context=first)

    async def _write_group(self) -> None:
        try:
            async with self._state.limits.writes:
                with get_request_stats().time_hold():
                    results = await run_in_threadpool(self._commit_group)
        except Exception as error:  # no thread was available
            results = [(queued, error) for queued in self._take_queue()]
        self._write_next()  # before the answers: the next transaction does not need them
        for queued, result in results:
            if queued.answer.done():
                continue  # the request was cancelled
            if isinstance(result, CommittedAnswer):
                queued.answer.set_result(result)
            else:
                queued.answer.set_exception(result)

    def _commit_group(self) -> list[WriteResult]:
        """Take the lock, run the queued jobs while there is time, and return their results.

        If the transaction fails, all of its jobs fail.
        """
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
    """Run the jobs in order for up to MAX_TRANSACTION_SECONDS, and append the result of each to `results`.

    If there are several, each has a savepoint, so that a refusal undoes only its own job. Raises an error that undoes
    the whole transaction.
    """
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
        session.expunge_all()  # the next job must read the current rows
        if monotonic() > deadline:
            return


def _affects_whole_group(error: Exception) -> bool:
    """Return whether the database is unreachable, busy or full: it may have undone more than the savepoint."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, (IntegrityError, DataError))
