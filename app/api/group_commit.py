"""Commit concurrent reports in one transaction.

Jobs that arrive while a transaction is written and synced wait for the next one. Each transaction takes the writers'
lock, reads the head and the time, and syncs once for all of its jobs. Jobs run by turns of senders, those of one sender
in the order of arrival, with the result that they would have alone, and are answered after the commit. There is no
timer: a single job is written at once.
"""

import asyncio
from contextlib import nullcontext
from contextvars import Context, copy_context
from dataclasses import dataclass
from threading import Lock
from time import monotonic, perf_counter

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.datastructures import State

from app.api.writes import CommittedAnswer, WriteJob, WriteTransaction, begin_write_transaction
from app.fair_queue import Client, FairQueue
from app.lanes import Sender, build_busy_error, current_sender
from app.log.entries import Log, reuse_head
from app.server_log import RequestStats, get_request_stats

# Maximum duration of one transaction, so that imports and other writers get the lock: as long as a batch of an import
# while others wait. About twenty reports share a sync by then; more would save little.
MAX_TRANSACTION_SECONDS = 0.1
# A group waits for the lane as a client of its own: with the turn of one sender, the reports of all would wait for that
# sender's other writes.
GROUP_CLIENT = ("reports",)
MAX_QUEUED_JOBS = 2_000  # with their bodies, which are short: as many as are written in some twenty seconds


@dataclass(frozen=True, slots=True, eq=False)
class _QueuedJob:
    """A job whose sender waits for the answer. `context`: the context variables of its request."""

    job: WriteJob
    client: Client
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
        self._queue: FairQueue[_QueuedJob] = FairQueue(MAX_QUEUED_JOBS)
        self._queue_lock = Lock()
        self._write_task: asyncio.Task[None] | None = None

    async def submit(self, job: WriteJob) -> CommittedAnswer:
        """Queue a job, and return its answer after the commit. Raises the errors of the job and of its transaction, and
        Busy."""
        client, answer = current_sender.get().client, asyncio.get_running_loop().create_future()
        queued = _QueuedJob(job, client, copy_context(), get_request_stats(), answer, perf_counter())
        with self._queue_lock:
            self._queue.add(client, queued)
            refused = self._queue.remove_excess(client)
        if refused is not None and not refused.answer.done():
            refused.answer.set_exception(build_busy_error())
        if self._write_task is None:
            self._write_next()
        return await queued.answer

    def _write_next(self) -> None:
        """Begin the next transaction if jobs are queued.

        It runs in the context of the first job, so that the wait for the lane is counted for that request.
        """
        first, self._write_task = self._take_next(), None
        if first is not None:
            self._write_task = asyncio.create_task(self._write_group(first), context=first.context.copy())

    async def _write_group(self, first: _QueuedJob) -> None:
        current_sender.set(Sender(GROUP_CLIENT))
        try:
            async with self._state.limits.writes.hold():
                with get_request_stats().time_hold():
                    results = await run_in_threadpool(self._commit_group, first)
        except Exception as error:  # no place in the lane, or no thread
            results = self._fail_queue(first, error)
        self._write_next()  # before the answers: the next transaction does not need them
        for queued, result in results:
            if queued.answer.done():
                continue  # the request was cancelled
            if isinstance(result, CommittedAnswer):
                queued.answer.set_result(result)
            else:
                queued.answer.set_exception(result)

    def _commit_group(self, first: _QueuedJob) -> list[WriteResult]:
        """Take the lock, run the queued jobs while there is time, and return their results.

        If the transaction fails, all of its jobs fail.
        """
        results: list[WriteResult] = []
        try:
            with begin_write_transaction(self._state) as transaction:
                self._run_group(transaction, first, results)
        except Exception as error:
            if not results:
                return self._fail_queue(first, error)
            results = [(queued, result if isinstance(result, Exception) else error) for queued, result in results]
        return results

    def _run_group(self, transaction: WriteTransaction, first: _QueuedJob, results: list[WriteResult]) -> None:
        """Run the jobs by turns for up to MAX_TRANSACTION_SECONDS, and append the result of each to `results`.

        If there are several, each has a savepoint, so that a refusal undoes only its own job. Raises an error that
        undoes the whole transaction.
        """
        session, deadline = transaction.session, monotonic() + MAX_TRANSACTION_SECONDS
        is_single = len(self._queue) == 0
        log: Log | None = None
        queued: _QueuedJob | None = first
        while queued is not None:
            if log is not None:
                reuse_head(session, log)
            began = perf_counter()
            try:
                with nullcontext() if is_single else session.connection().begin_nested():
                    answer = queued.run(transaction)
            except Exception as refusal:
                results.append((queued, refusal))
                if is_single or _affects_whole_group(refusal):
                    raise
            else:
                results.append((queued, answer))
                log = answer.log
            finally:
                self._end_turn(queued, perf_counter() - began)
            session.expunge_all()  # the next job must read the current rows
            queued = None if is_single or monotonic() > deadline else self._take_next()

    def _take_next(self) -> _QueuedJob | None:
        with self._queue_lock:
            return self._queue.pop()

    def _end_turn(self, queued: _QueuedJob, seconds: float) -> None:
        with self._queue_lock:
            self._queue.finish(queued.client, seconds)

    def _fail_queue(self, first: _QueuedJob, error: Exception) -> list[WriteResult]:
        """Return this error as the result of all queued jobs: the next transaction would wait as long in vain."""
        results: list[WriteResult] = []
        queued: _QueuedJob | None = first
        while queued is not None:
            self._end_turn(queued, 0.0)
            results.append((queued, error))
            queued = self._take_next()
        return results


def _affects_whole_group(error: Exception) -> bool:
    """Return whether the database is unreachable, busy or full: it may have undone more than the savepoint."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, (IntegrityError, DataError))
