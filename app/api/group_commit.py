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
from app.log.entries import Log, as_only_writer, go_on_after, require_steady
from app.registry import api_keys
from app.registry.publication.permissions import Reader
from app.registry.write import Outcome
from app.server_log import Measure, this

# Seconds of one transaction before lists and other writers get their turn: as long as a batch of a list takes where
# somebody waits. Some twenty reports by then share a sync, of which more would save little.
LONGEST = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """A transaction that holds the lock of the head, and its time, which was read under the lock."""

    session: Session
    now: datetime
    names: Names
    _actors: dict[str, Reader] = field(default_factory=dict)

    def actor(self, key: str) -> Reader:
        """Who acts by a key, as the key and its source stand now. Raises Unauthenticated."""
        if key not in self._actors:
            self._actors[key] = api_keys.still_acting(self.session, key, self.now, self.names)
        return self._actors[key]


@contextmanager
def turn(state: State) -> Iterator[Turn]:
    """The next turn to write, committed at the end."""
    with as_only_writer(state.engine) as session:
        yield Turn(session, require_steady(state.watch, state.clock()), state.names)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request that wrote: the answer to it, and the log up to what it wrote."""

    outcome: Outcome
    body: Mapping[str, Any]
    headers: dict[str, str]
    response: Response
    log: Log


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that waits for its answer. `context`: its own, with what it measures and remembers."""

    act: Callable[[Turn], Done]
    context: Context
    measure: Measure
    answer: asyncio.Future[Response]
    came: float

    def filed(self, its_turn: Turn) -> Done:
        self.measure.lane = "writes"
        self.measure.waited["writes"] += perf_counter() - self.came
        return self.context.run(self.act, its_turn)


Told = tuple[_Waiting, Response | Exception]


class Together:
    """The requests of one process that gather. They hold neither a thread nor a connection, nor a place in a lane: the
    one transaction that is written for some of them does."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._gathered: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def file(self, act: Callable[[Turn], Done]) -> Response:
        """The answer to what `act` does, once that is stored. Raises what it raises, and what its transaction does."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._gathered.append(_Waiting(act, copy_context(), this(), answer, perf_counter()))
        if self._writing is None:
            self._write_next()
        return await answer

    def _write_next(self) -> None:
        """Write for those who have gathered, if there are any: in the context of the first, who pays for the place."""
        first = self._gathered[0].context.copy() if self._gathered else None
        self._writing = None if first is None else asyncio.create_task(self._write(), context=first)

    async def _write(self) -> None:
        try:
            async with self._state.lanes.writes:
                with this().holding():
                    told = await run_in_threadpool(self._written)
        except Exception as error:  # no thread was to be had
            told = [(waiting, error) for waiting in self._take()]
        self._write_next()  # which need not wait until these are told
        for waiting, result in told:
            if waiting.answer.done():
                continue  # nobody waits for it any more
            if isinstance(result, Response):
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(result)

    def _written(self) -> list[Told]:
        """What came of those who had gathered when the turn came, or of as many as there was time for. Nobody is told
        of success whose transaction failed."""
        taken: list[_Waiting] = []
        told: list[Told] = []
        try:
            with turn(self._state) as its_turn:
                taken = self._take()
                _file(its_turn, taken, told)
        except Exception as error:
            if not told:
                return [(waiting, error) for waiting in taken or self._take()]
            told = [(waiting, result if isinstance(result, Exception) else error) for waiting, result in told]
        self._gathered.extendleft(reversed(taken[len(told) :]))
        return told

    def _take(self) -> list[_Waiting]:
        return [self._gathered.popleft() for _ in range(len(self._gathered))]


def _file(its_turn: Turn, taken: Sequence[_Waiting], told: list[Told]) -> None:
    """File for one after another, until LONGEST is over, and add what came of each. Of several each has a savepoint,
    so that a refusal undoes nothing else. Raises what leaves nothing of the transaction."""
    session, until = its_turn.session, monotonic() + LONGEST
    log: Log | None = None
    for waiting in taken:
        if log is not None:
            go_on_after(session, log)
        try:
            with nullcontext() if len(taken) == 1 else session.connection().begin_nested():
                done = waiting.filed(its_turn)
        except Exception as refusal:
            told.append((waiting, refusal))
            if len(taken) == 1 or _is_of_all(refusal):
                raise
        else:
            told.append((waiting, done.response))
            log = done.log
        session.expunge_all()  # the next one reads what stands by then
        if monotonic() > until:
            return


def _is_of_all(error: Exception) -> bool:
    """Whether the database is away, busy or full: it may have undone more than the savepoint."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, (IntegrityError, DataError))
