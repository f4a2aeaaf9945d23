"""Reports that arrive together share one transaction: while one is written and synced, those that come meanwhile gather
for the next. It takes the writers' turn, the head and the time once, and is synced once; each report is filed in it as
it would be alone, one after another as they came, and answered once all of them are stored. None waits for company.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, perf_counter
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session
from starlette.datastructures import State

from app.config import Names
from app.log.entries import Log, open_writer_session, require_steady_clock, reuse_head
from app.registry import api_keys
from app.registry.publication.permissions import Reader
from app.registry.write import Outcome
from app.server_log import RequestStats, get_request_stats

# Seconds of one transaction before lists and other writers get their turn: as long as a batch of a list takes where
# somebody waits. Some twenty reports by then share a sync, of which more would save little.
MAX_TRANSACTION_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """A transaction that holds the lock of the head, and its time, which was read under the lock."""

    session: Session
    now: datetime
    names: Names
    _actors: dict[str, Reader] = field(default_factory=dict)

    def actor(self, key: str) -> Reader:
        """Who acts by a key, as the key and its source stand now. Raises Unauthenticated."""
        if key not in self._actors:
            self._actors[key] = api_keys.reload_reader(self.session, key, self.now, self.names)
        return self._actors[key]


@contextmanager
def begin_write_transaction(state: State) -> Iterator[WriteTransaction]:
    """The next turn to write, committed at the end."""
    with open_writer_session(state.engine) as session:
        yield WriteTransaction(session, require_steady_clock(state.watch, state.clock()), state.names)


@dataclass(frozen=True, slots=True)
class CompletedWrite:
    """What came of a request that wrote: the answer to it, and the log up to what it wrote."""

    outcome: Outcome
    body: Mapping[str, Any]
    headers: dict[str, str]
    response: Response
    log: Log


@dataclass(frozen=True, slots=True)
class _PendingWrite:
    """A request that waits for its answer. `context`: its own, with what it measures and remembers."""

    act: Callable[[WriteTransaction], CompletedWrite]
    context: Context
    measure: RequestStats
    answer: asyncio.Future[Response]
    queued_at: float

    def execute(self, transaction: WriteTransaction) -> CompletedWrite:
        self.measure.lane = "writes"
        self.measure.waited["writes"] += perf_counter() - self.queued_at
        return self.context.run(self.act, transaction)


WriteResult = tuple[_PendingWrite, Response | Exception]


class GroupCommit:
    """The requests of one process that gather. They hold neither a thread nor a connection, nor a place in a lane: the
    one transaction that is written for some of them does."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: deque[_PendingWrite] = deque()
        self._write_task: asyncio.Task[None] | None = None

    async def file(self, act: Callable[[WriteTransaction], CompletedWrite]) -> Response:
        """The answer to what `act` does, once that is stored. Raises what it raises, and what its transaction does."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._queue.append(_PendingWrite(act, copy_context(), get_request_stats(), answer, perf_counter()))
        if self._write_task is None:
            self._write_next()
        return await answer

    def _write_next(self) -> None:
        """Write for those who have gathered, if there are any: in the context of the first, who pays for the place."""
        first = self._queue[0].context.copy() if self._queue else None
        self._write_task = None if first is None else asyncio.create_task(self._write_group(), context=first)

    async def _write_group(self) -> None:
        try:
            async with self._state.limits.writes:
                with get_request_stats().time_hold():
                    results = await run_in_threadpool(self._commit_group)
        except Exception as error:  # no thread was to be had
            results = [(pending, error) for pending in self._take_queue()]
        self._write_next()  # which need not wait until these are told
        for pending, result in results:
            if pending.answer.done():
                continue  # nobody waits for it any more
            if isinstance(result, Response):
                pending.answer.set_result(result)
            else:
                pending.answer.set_exception(result)

    def _commit_group(self) -> list[WriteResult]:
        """What came of those who had gathered when the turn came, or of as many as there was time for. Nobody is told
        of success whose transaction failed."""
        group: list[_PendingWrite] = []
        results: list[WriteResult] = []
        try:
            with begin_write_transaction(self._state) as transaction:
                group = self._take_queue()
                _file_group(transaction, group, results)
        except Exception as error:
            if not results:
                return [(pending, error) for pending in group or self._take_queue()]
            results = [(pending, result if isinstance(result, Exception) else error) for pending, result in results]
        self._queue.extendleft(reversed(group[len(results) :]))
        return results

    def _take_queue(self) -> list[_PendingWrite]:
        return [self._queue.popleft() for _ in range(len(self._queue))]


def _file_group(transaction: WriteTransaction, group: Sequence[_PendingWrite], results: list[WriteResult]) -> None:
    """File for one after another, until LONGEST is over, and add what came of each. Of several each has a savepoint,
    so that a refusal undoes nothing else. Raises what leaves nothing of the transaction."""
    session, deadline = transaction.session, monotonic() + MAX_TRANSACTION_SECONDS
    log: Log | None = None
    for pending in group:
        if log is not None:
            reuse_head(session, log)
        try:
            with nullcontext() if len(group) == 1 else session.connection().begin_nested():
                completed = pending.execute(transaction)
        except Exception as refusal:
            results.append((pending, refusal))
            if len(group) == 1 or _affects_whole_group(refusal):
                raise
        else:
            results.append((pending, completed.response))
            log = completed.log
        session.expunge_all()  # the next one reads what stands by then
        if monotonic() > deadline:
            return


def _affects_whole_group(error: Exception) -> bool:
    """Whether the database is away, busy or full: it may have undone more than the savepoint."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, (IntegrityError, DataError))
