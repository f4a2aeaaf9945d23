"""Which head the log has while a request is answered, at the price of a glance.

A replica of the database, from which questions of anybody are read where it has just what the database has.

A replica is behind by as long as its line and its work take, and nobody can tell from it alone by how long. Who may be
shown is today's consent whatever revision is read, so that being behind by a second would show somebody who was hidden
or erased within it. So a replica is asked for its head, and read only where that is the head which the database has
after the question came: it then has every entry that anybody was told of.

A question about a moment is answered once no entry can be dated at or before it any more: then its answer stays."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from time import monotonic

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.datastructures import State

from app import dates
from app.columns.store import release, share
from app.db.engine import COMMITTED, is_memory, is_sqlite, kind_and_place, make_engine, reading
from app.db.notifications import Listener, Row, WatchedRow
from app.errors import Busy, Problem
from app.log.entries import EPOCH, settle
from app.log.head import HEAD_ROW, head_under
from app.projection import RULES
from app.server_log import this, unforeseen

# A look takes a millisecond. Whoever waits longer, as behind a schema that is being changed, asks the database itself,
# with the bounds that every question has.
PATIENCE = 5.0
Head = tuple[int, str]  # the number of entries, and the leaf hash of the last one


class Heads:
    """Tells the head of one database. With the address to listen at, `newest` spares the database a question."""

    def __init__(self, engine: Engine, listen_url: str | None = None) -> None:
        self._row = None if is_memory(engine.url) else WatchedRow(engine, str(HEAD_ROW))
        self._listener: Listener | None = None
        self._moved = 0.0  # when somebody was last told of a newer head by this process
        if listen_url is not None:
            self._listener = Listener(listen_url, str(HEAD_ROW))
            engine.update_execution_options(**{COMMITTED: self.moved})
        self._at_once = is_sqlite(engine)  # which has nobody to send the question to
        self._next: asyncio.Future[Head | None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._listener is not None:
            self._listener.start()

    def moved(self) -> None:
        """From now on a head that was read before now is not told: this process has told of a newer one, or will."""
        self._moved = monotonic()

    async def newest(self) -> Head | None:
        """The head as it was a second ago or later, with all that this process has told of; as `look` tells it where
        nobody listens."""
        row = None if self._listener is None else self._listener.row(self._moved)
        return await self.look() if row is None else _head_in(row)

    async def look(self) -> Head | None:
        """The head as it was at some moment after this was asked: nobody is told of less than was committed before.
        None where it cannot be told now, where the rows are of other rules, and of a database in memory, whose one
        connection is everybody's."""
        if self._row is None:
            return None
        if self._at_once and self._row.is_open:
            return _head_of(self._row)
        # Whoever comes while a look is under way waits for the next, which begins after they came.
        self._next = self._next or asyncio.get_running_loop().create_future()
        waiting = self._next
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_for_all(self._row))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(waiting)
        return None

    async def _look_for_all(self, watched: WatchedRow) -> None:
        thread = CapacityLimiter(1)
        try:
            while self._next is not None:
                (waiting, self._next), head = (self._next, None), None
                try:
                    head = await run_sync(_head_of, watched, limiter=thread)
                except Exception as error:  # the next look is made all the same: others wait for it
                    unforeseen(error, "a look at the head")
                finally:
                    waiting.set_result(head)  # without one they ask the database itself
        finally:
            self._looking = None

    async def stop(self) -> None:
        """Look no more, and give the connection back."""
        if self._listener is not None:
            await run_sync(self._listener.stop)
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        self.close()

    def close(self) -> None:
        """Give the connection back; the next look takes another."""
        if self._row is not None:
            self._row.close()


def _head_of(watched: WatchedRow) -> Head | None:
    row = watched.look()
    return None if row is None else _head_in(row)


def _head_in(row: Row) -> Head | None:
    return (row[1], bytes(row[2] or b"").hex()) if row[0] == RULES else None


# A replica is on a line that is good; of one that says nothing for so long the database is asked instead.
SILENT_MS = 3_000
AWAY_SECONDS = 10.0  # for which a replica that failed is not asked

log = logging.getLogger("recuento")


class Replica:
    """The replica of one database, whose columns it shares."""

    def __init__(self, url: str, pool_size: int, database: Engine) -> None:
        self.engine = make_engine(url, pool_size, silent_ms=SILENT_MS)
        self._away_until = 0.0
        share(database, self.engine)

    @contextmanager
    def reading(self, head: Head, seconds: float) -> Iterator[Session | None]:
        """A session that reads the replica; None where it has another head, or does not answer."""
        with ExitStack() as opened:
            yield self._open(opened, head, seconds)

    def _open(self, opened: ExitStack, head: Head, seconds: float) -> Session | None:
        if monotonic() < self._away_until:
            return None
        try:
            session = opened.enter_context(reading(self.engine, seconds))
            if head_under(session, RULES) == head:
                return session
        except Problem:
            pass  # its rows are of other rules still
        except SQLAlchemyError as error:
            self._away_until = monotonic() + AWAY_SECONDS
            log.warning("the replica is not read for %d seconds: %s", AWAY_SECONDS, kind_and_place(error))
        opened.close()
        return None

    def close(self) -> None:
        release(self.engine)
        self.engine.dispose()


async def head_to_read(request: Request) -> Head | None:
    """The head that a replica must have to be read for a request. None where there is no replica, and for whoever sends
    a key: whether that still holds is not in the log."""
    state = request.app.state
    if state.replica is None or "authorization" in request.headers:
        return None
    head: Head | None = await state.heads.look()
    return head


# Terms that may give a moment.
MOMENTS = ("as_of", "changed_since", "since")
# Seconds: a list holds the lock for two at a time, and behind two of its batches a moment has surely settled.
PATIENCE = 5.0
# Seconds between two turns as a writer. Each takes some milliseconds, so that however many ask for the present, those
# who write lose hardly a hundredth of their time to them.
REST = 0.25
RETRY_AFTER = "10"
BUSY = (
    "Much is being written just now, and what this moment's answer is stands only once that is through. Nothing is "
    "wrong with your question: ask it again in a moment, or without a moment."
)


class Settling:
    """The instant up to which this process knows that no entry is dated any more. Of those who wait for a later one,
    one takes the writer's turn for all; the others wait here and hold neither a thread nor a connection."""

    def __init__(self) -> None:
        self._settled = EPOCH
        self._rested = 0.0

    async def reach(self, state: State, instant: datetime) -> None:
        """Wait until an instant that has come is settled. Raises Busy."""
        if instant <= self._settled:
            return
        patience, turn = monotonic() + PATIENCE, state.lanes.settling
        try:
            async with asyncio.timeout(PATIENCE):
                await turn.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            if instant > self._settled:
                await asyncio.sleep(self._rested - monotonic())
                left = patience - monotonic()
                self._settled = await run_in_threadpool(settle, state.engine, instant, state.clock, left)
                self._rested = monotonic() + REST
        except TimeoutError:
            raise _busy() from None
        finally:
            turn.release()


def _busy() -> Busy:
    return Busy(BUSY, headers={"Retry-After": RETRY_AFTER})


async def settled(request: Request) -> datetime:
    """The time at which a question is asked, once every moment in it that has come by then is settled. It waits before
    it has a place or a session: what it reads is what stands after the wait, and its time begins then."""
    state = request.app.state
    now: datetime = state.clock()
    come = [instant for instant in _moments(request) if instant <= now]  # a day that is not over moves until it is
    if come:
        with this().waiting("moment"):
            await state.settling.reach(state, max(come))
    return now


def _moments(request: Request) -> Iterator[datetime]:
    """The moments asked for. One that cannot be read is refused later, and a revision is none."""
    given, zone = request.query_params, request.app.state.zone
    for text in [text for name in MOMENTS for text in given.getlist(name)]:
        try:
            yield dates.parse_instant(text, dates.parse_zone(given["zone"]) if "zone" in given else zone)
        except dates.DateError:
            continue
