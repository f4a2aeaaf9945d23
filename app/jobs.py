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
from app.api.middleware.response_cache import RESTED
from app.clock import count
from app.columns.store import keep
from app.config import Names
from app.db.engine import reading
from app.errors import Problem
from app.log.entries import as_only_writer
from app.log.mark import UnreadableMark, WentBackwards
from app.matching.scripts import begin_anew
from app.memory import leave_alone_what_stays
from app.registry import filing
from app.registry.identity.duplicate_scan import PairFinder
from app.registry.publication import erasure, objections
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext

# Seconds. Somebody is hidden "within five minutes" of an objection: two beats, and time to be in turn.
OBJECTIONS_EVERY = 60.0
EMBARGOES_EVERY = 60.0  # seconds: an embargo names a day, or an hour
# Seconds, whatever is written meanwhile: were a report compared at once, the next request would wait for it, longer if
# it looks like somebody. A curator reads the review minutes later at the earliest.
PAIRS_EVERY = 5.0
KEY_USES_EVERY = 60.0  # seconds: a day is all that is told, and a crash may lose this much
# Seconds: what is lost of a mark when the machine fails is what was written since, and a look costs one small query.
MARKS_EVERY = 1.0
SCRUBBED_EVERY = 10.0  # seconds: a reader that is in the way is through in a few
COLUMNS_EVERY = 30.0  # seconds: "a minute later" nobody who was erased is in memory or in a file that is mapped

Lane = AbstractAsyncContextManager[Any]

log = logging.getLogger("recuento")


@asynccontextmanager
async def background(state: State) -> AsyncIterator[None]:
    """Do all of it until the server stops. What is only in memory is written once more then. All else waits for the
    next start: nobody who stops a server should wait until its files are written anew."""
    stopping = asyncio.Event()
    lanes = state.lanes
    every = partial(_repeat, stopping)
    chores = [
        state.imports.run(),
        every("a beat of objections", state.objection_beat.settle, OBJECTIONS_EVERY, lanes.objections),
        every("ending embargoes", state.embargo_beat.end, EMBARGOES_EVERY, lanes.background),
        every("a comparison of reports", PairFinder(state.engine, state.names).step, PAIRS_EVERY, lanes.background),
        every(
            "noting the use of keys",
            partial(state.key_uses.write, state.engine),
            KEY_USES_EVERY,
            lanes.background,
            at_stop=True,
        ),
        every("finishing an erasure", partial(_finish_erasures, state), SCRUBBED_EVERY, lanes.background),
        every("keeping columns", partial(keep, state.engine), COLUMNS_EVERY, lanes.background),
        every("letting go of kept answers", state.kept_answers.rest, RESTED, lanes.background),
        every("looking at the mark", _Watch(state).look, MARKS_EVERY, lanes.marks, at_stop=True),
    ]
    tasks = [asyncio.create_task(chore) for chore in chores]
    leave_alone_what_stays()
    yield
    state.imports.stop()
    stopping.set()
    await asyncio.gather(*tasks)


@asynccontextmanager
async def background_of_counting(state: State) -> AsyncIterator[None]:
    """What a process that only counts does beside it, until it stops."""
    stopping = asyncio.Event()
    every = partial(_repeat, stopping)
    chores = [
        every("keeping columns", partial(keep, state.engine), COLUMNS_EVERY, state.lanes.background),
        every("looking at the mark", _Watch(state).look, MARKS_EVERY, state.lanes.marks, at_stop=True),
    ]
    tasks = [asyncio.create_task(chore) for chore in chores]
    yield
    stopping.set()
    await asyncio.gather(*tasks)


async def _repeat(
    stopping: asyncio.Event,
    what: str,
    act: Callable[[], bool | None],
    seconds: float,
    lane: Lane,
    *,
    at_stop: bool = False,
) -> None:
    """Act in a thread, in the `lane`, every so many seconds, and once more `at_stop`; again at once while `act` says
    that there is more to do, each time in turn with others. `what`: the act in words, for the log."""
    begin_anew()
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
        if stopping.is_set() and not at_stop:
            return
        while await _once(what, act, lane) and not stopping.is_set():
            pass


async def _once(what: str, act: Callable[[], bool | None], lane: Lane) -> bool:
    """Act once; whether there is more to do. A failure ends no chore: what it was about waits for the next time."""
    async with lane:
        try:
            return bool(await anyio.to_thread.run_sync(act))
        except (SQLAlchemyError, Problem):
            return False  # the database is busy or away, or nothing may be written: requests and readiness tell
        except Exception as error:
            server_log.unforeseen(error, what)
            return False


def _finish_erasures(state: State) -> None:
    erasure.finish(state.engine)


class _Watch:
    """Keeps the mark close behind the head, and tells once where the log went backwards."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._told = False

    def look(self) -> None:
        mark = self._state.mark
        if mark.path is None:
            return
        try:
            with reading(self._state.engine) as session:
                mark.look(session)
        except UnreadableMark as error:
            log.error("%s", error)
        if mark.lost and not self._told:
            log.error("%s", WentBackwards().detail)
        self._told = mark.lost


# Seconds. NTP sets a wrong clock right within minutes of the network's being there (RFC 5905: polls of 64 s at first).
WATCHED_FOR = 3600.0


class EmbargoBeat:
    """Ends embargoes, in each process: whoever has the lock first."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime], names: Names) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self._begun = count()

    def end(self) -> bool:
        """One beat; whether there is more to do."""
        if count() - self._begun < WATCHED_FOR:
            return False
        with reading(self._engine) as session:
            if not filing.is_due(session, self._clock()):
                return False
        with as_only_writer(self._engine) as session:
            return filing.end(session, self._clock(), self._secret, self._names)


class ObjectionBeat:
    """Settles what objections came in, in each process."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock

    def settle(self) -> None:
        """One beat."""
        with reading(self._engine) as session:
            if not objections.is_due(session, self._clock()):
                return
        with as_only_writer(self._engine) as session:
            objections.settle(WriteContext(session, Reader(), self._clock(), self._secret))
