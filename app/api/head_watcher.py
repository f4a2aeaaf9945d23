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
from app.columns.store import release_columns, share_columns
from app.db.engine import (
    ON_COMMIT_OPTION,
    describe_database_error,
    is_memory,
    is_sqlite,
    make_engine,
    open_read_session,
)
from app.db.notifications import Listener, Row, WatchedRow
from app.errors import Busy, Problem
from app.log.entries import EPOCH, wait_until_settled
from app.log.head import HEAD_ROW_QUERY, read_head_under_rules
from app.projection import RULES
from app.server_log import get_request_stats, log_unforeseen_error

# A look takes a millisecond. Whoever waits longer, as behind a schema that is being changed, asks the database itself,
# with the bounds that every question has.
SETTLING_TIMEOUT_SECONDS = 5.0
LogHead = tuple[int, str]  # the number of entries, and the leaf hash of the last one


class HeadWatcher:
    """Tells the head of one database. With the address to listen at, `newest` spares the database a question."""

    def __init__(self, engine: Engine, listen_url: str | None = None) -> None:
        self._watched_row = None if is_memory(engine.url) else WatchedRow(engine, str(HEAD_ROW_QUERY))
        self._listener: Listener | None = None
        self._expired_at = 0.0  # when somebody was last told of a newer head by this process
        if listen_url is not None:
            self._listener = Listener(listen_url, str(HEAD_ROW_QUERY))
            engine.update_execution_options(**{ON_COMMIT_OPTION: self.expire_head})
        self._reads_directly = is_sqlite(engine)  # which has nobody to send the question to
        self._next_look: asyncio.Future[LogHead | None] | None = None
        self._look_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._listener is not None:
            self._listener.start()

    def expire_head(self) -> None:
        """From now on a head that was read before now is not told: this process has told of a newer one, or will."""
        self._expired_at = monotonic()

    async def newest(self) -> LogHead | None:
        """The head as it was a second ago or later, with all that this process has told of; as `look` tells it where
        nobody listens."""
        newest_row = None if self._listener is None else self._listener.row(self._expired_at)
        return await self.look() if newest_row is None else _parse_head_row(newest_row)

    async def look(self) -> LogHead | None:
        """The head as it was at some moment after this was asked: nobody is told of less than was committed before.
        None where it cannot be told now, where the rows are of other rules, and of a database in memory, whose one
        connection is everybody's."""
        if self._watched_row is None:
            return None
        if self._reads_directly and self._watched_row.is_open:
            return _read_head(self._watched_row)
        # Whoever comes while a look is under way waits for the next, which begins after they came.
        self._next_look = self._next_look or asyncio.get_running_loop().create_future()
        waiting = self._next_look
        if self._look_task is None:
            self._look_task = asyncio.create_task(self._look_for_all(self._watched_row))
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLING_TIMEOUT_SECONDS):
                return await asyncio.shield(waiting)
        return None

    async def _look_for_all(self, watched_row: WatchedRow) -> None:
        thread_limiter = CapacityLimiter(1)
        try:
            while self._next_look is not None:
                (waiting, self._next_look), head = (self._next_look, None), None
                try:
                    head = await run_sync(_read_head, watched_row, limiter=thread_limiter)
                except Exception as error:  # the next look is made all the same: others wait for it
                    log_unforeseen_error(error, "a look at the head")
                finally:
                    waiting.set_result(head)  # without one they ask the database itself
        finally:
            self._look_task = None

    async def stop(self) -> None:
        """Look no more, and give the connection back."""
        if self._listener is not None:
            await run_sync(self._listener.stop)
        if self._look_task is not None:
            self._look_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._look_task
        self.close()

    def close(self) -> None:
        """Give the connection back; the next look takes another."""
        if self._watched_row is not None:
            self._watched_row.close()


def _read_head(watched_row: WatchedRow) -> LogHead | None:
    row = watched_row.look()
    return None if row is None else _parse_head_row(row)


def _parse_head_row(row: Row) -> LogHead | None:
    return (row[1], bytes(row[2] or b"").hex()) if row[0] == RULES else None


# A replica is on a line that is good; of one that says nothing for so long the database is asked instead.
REPLICA_SILENCE_TIMEOUT_MS = 3_000
REPLICA_RETRY_SECONDS = 10.0  # for which a replica that failed is not asked

log = logging.getLogger("recuento")


class Replica:
    """The replica of one database, whose columns it shares."""

    def __init__(self, url: str, pool_size: int, database: Engine) -> None:
        self.engine = make_engine(url, pool_size, silent_ms=REPLICA_SILENCE_TIMEOUT_MS)
        self._retry_at = 0.0
        share_columns(database, self.engine)

    @contextmanager
    def reading(self, head: LogHead, seconds: float) -> Iterator[Session | None]:
        """A session that reads the replica; None where it has another head, or does not answer."""
        with ExitStack() as stack:
            yield self._open(stack, head, seconds)

    def _open(self, stack: ExitStack, head: LogHead, seconds: float) -> Session | None:
        if monotonic() < self._retry_at:
            return None
        try:
            session = stack.enter_context(open_read_session(self.engine, seconds))
            if read_head_under_rules(session, RULES) == head:
                return session
        except Problem:
            pass  # its rows are of other rules still
        except SQLAlchemyError as error:
            self._retry_at = monotonic() + REPLICA_RETRY_SECONDS
            log.warning(
                "the replica is not read for %d seconds: %s", REPLICA_RETRY_SECONDS, describe_database_error(error)
            )
        stack.close()
        return None

    def close(self) -> None:
        release_columns(self.engine)
        self.engine.dispose()


async def find_replica_head(request: Request) -> LogHead | None:
    """The head that a replica must have to be read for a request. None where there is no replica, and for whoever sends
    a key: whether that still holds is not in the log."""
    state = request.app.state
    if state.replica is None or "authorization" in request.headers:
        return None
    head: LogHead | None = await state.head_watcher.look()
    return head


# Terms that may give a moment.
MOMENT_PARAMETERS = ("as_of", "changed_since", "since")
# Seconds: a list holds the lock for two at a time, and behind two of its batches a moment has surely settled.
SETTLING_TIMEOUT_SECONDS = 5.0
# Seconds between two turns as a writer. Each takes some milliseconds, so that however many ask for the present, those
# who write lose hardly a hundredth of their time to them.
SETTLING_REST_SECONDS = 0.25
SETTLING_RETRY_AFTER = "10"
SETTLING_BUSY_DETAIL = (
    "Much is being written just now, and what this moment's answer is stands only once that is through. Nothing is "
    "wrong with your question: ask it again in a moment, or without a moment."
)


class MomentSettler:
    """The instant up to which this process knows that no entry is dated any more. Of those who wait for a later one,
    one takes the writer's turn for all; the others wait here and hold neither a thread nor a connection."""

    def __init__(self) -> None:
        self._settled_until = EPOCH
        self._rest_until = 0.0

    async def reach(self, state: State, instant: datetime) -> None:
        """Wait until an instant that has come is settled. Raises Busy."""
        if instant <= self._settled_until:
            return
        deadline, semaphore = monotonic() + SETTLING_TIMEOUT_SECONDS, state.limits.settling
        try:
            async with asyncio.timeout(SETTLING_TIMEOUT_SECONDS):
                await semaphore.acquire()
        except TimeoutError:
            raise _build_busy_error() from None
        try:
            if instant > self._settled_until:
                await asyncio.sleep(self._rest_until - monotonic())
                remaining_seconds = deadline - monotonic()
                self._settled_until = await run_in_threadpool(
                    wait_until_settled, state.engine, instant, state.clock, remaining_seconds
                )
                self._rest_until = monotonic() + SETTLING_REST_SECONDS
        except TimeoutError:
            raise _build_busy_error() from None
        finally:
            semaphore.release()


def _build_busy_error() -> Busy:
    return Busy(SETTLING_BUSY_DETAIL, headers={"Retry-After": SETTLING_RETRY_AFTER})


async def settle_requested_moments(request: Request) -> datetime:
    """The time at which a question is asked, once every moment in it that has come by then is settled. It waits before
    it has a place or a session: what it reads is what stands after the wait, and its time begins then."""
    state = request.app.state
    now: datetime = state.clock()
    past_moments = [
        instant for instant in _parse_moments(request) if instant <= now
    ]  # a day that is not over moves until it is
    if past_moments:
        with get_request_stats().time_wait("moment"):
            await state.settling.reach(state, max(past_moments))
    return now


def _parse_moments(request: Request) -> Iterator[datetime]:
    """The moments asked for. One that cannot be read is refused later, and a revision is none."""
    parameters, zone = request.query_params, request.app.state.zone
    for text in [text for name in MOMENT_PARAMETERS for text in parameters.getlist(name)]:
        try:
            yield dates.parse_instant(text, dates.parse_zone(parameters["zone"]) if "zone" in parameters else zone)
        except dates.DateError:
            continue
