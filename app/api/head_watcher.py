"""Read the head of the log cheaply, for the response cache, the replica and requests for a moment.

Consent in force today decides who is shown, at every revision. A replica that lags by one second could therefore show a
person who was hidden within that second. A request reads the replica only if its head equals the head of the database
after the request arrived.

A request for a moment (`as_of` with an instant) is answered when no later entry can be dated at or before that moment:
only then is the answer final.
"""

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

from app import dates, moments
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
from app.log.head import HEAD_ROW_QUERY, read_head_of_version
from app.projection import ROWS_VERSION
from app.server_log import get_request_stats, log_unforeseen_error

# Reading the head takes a millisecond. After this time, as during a schema change, the request reads the database
# itself, with the usual timeouts.
HEAD_TIMEOUT_SECONDS = 5.0
LogHead = tuple[int, str]  # the number of entries, and the leaf hash of the last one


class HeadWatcher:
    """Reads the head of one database. With `listen_url`, notifications of PostgreSQL save most queries."""

    def __init__(self, engine: Engine, listen_url: str | None = None) -> None:
        self._watched_row = None if is_memory(engine.url) else WatchedRow(engine, str(HEAD_ROW_QUERY))
        self._listener: Listener | None = None
        self._expired_at = 0.0  # when this process last published a newer head
        if listen_url is not None:
            self._listener = Listener(listen_url, str(HEAD_ROW_QUERY))
            engine.update_execution_options(**{ON_COMMIT_OPTION: self.expire_head})
        self._reads_directly = is_sqlite(engine)  # a read of SQLite is a local call: it needs no thread
        self._next_look: asyncio.Future[LogHead | None] | None = None
        self._look_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._listener is not None:
            self._listener.start()

    def expire_head(self) -> None:
        """Discard heads that were read before now, because this process has published a newer one or is about to."""
        self._expired_at = monotonic()

    async def newest(self) -> LogHead | None:
        """Return a head at most a second old that includes everything this process has published.

        Without a listener, return what `look` returns.
        """
        newest_row = None if self._listener is None else self._listener.row(self._expired_at)
        return await self.look() if newest_row is None else _parse_head_row(newest_row)

    async def look(self) -> LogHead | None:
        """Return the head as of a moment after this call, so that no earlier commit is missing.

        Return None if it cannot be read now, if the rows were projected by another version, or for a database in
        memory, which has a single shared connection.
        """
        if self._watched_row is None:
            return None
        if self._reads_directly and self._watched_row.is_open:
            return _read_head(self._watched_row)
        # A caller that arrives during a read waits for the next one, which begins after its arrival.
        self._next_look = self._next_look or asyncio.get_running_loop().create_future()
        waiting = self._next_look
        if self._look_task is None:
            self._look_task = asyncio.create_task(self._look_for_all(self._watched_row))
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAD_TIMEOUT_SECONDS):
                return await asyncio.shield(waiting)
        return None

    async def _look_for_all(self, watched_row: WatchedRow) -> None:
        thread_limiter = CapacityLimiter(1)
        try:
            while self._next_look is not None:
                (waiting, self._next_look), head = (self._next_look, None), None
                try:
                    head = await run_sync(_read_head, watched_row, limiter=thread_limiter)
                except Exception as error:  # continue: other callers wait for the next read
                    log_unforeseen_error(error, "a look at the head")
                finally:
                    waiting.set_result(head)  # if None, the callers read the database themselves
        finally:
            self._look_task = None

    async def stop(self) -> None:
        """Stop the listener and the pending read, and close the connection."""
        if self._listener is not None:
            await run_sync(self._listener.stop)
        if self._look_task is not None:
            self._look_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._look_task
        self.close()

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if self._watched_row is not None:
            self._watched_row.close()


def _read_head(watched_row: WatchedRow) -> LogHead | None:
    row = watched_row.look()
    return None if row is None else _parse_head_row(row)


def _parse_head_row(row: Row) -> LogHead | None:
    *version, revision, leaf = row
    return (revision, bytes(leaf or b"").hex()) if (*version,) == ROWS_VERSION else None


# The connection to a replica is fast. If it sends nothing for this long, the request reads the database instead.
REPLICA_SILENCE_TIMEOUT_MS = 3_000
REPLICA_RETRY_SECONDS = 10.0  # pause after a failure of the replica

log = logging.getLogger("recuento")


class Replica:
    """A replica of the database, which shares the columns of the database in memory."""

    def __init__(self, url: str, pool_size: int, database: Engine) -> None:
        self.engine = make_engine(url, pool_size, silent_ms=REPLICA_SILENCE_TIMEOUT_MS)
        self._retry_at = 0.0
        share_columns(database, self.engine)

    @contextmanager
    def reading(self, head: LogHead, seconds: float) -> Iterator[Session | None]:
        """Yield a session on the replica; None if it has another head or does not answer."""
        with ExitStack() as stack:
            yield self._open(stack, head, seconds)

    def _open(self, stack: ExitStack, head: LogHead, seconds: float) -> Session | None:
        if monotonic() < self._retry_at:
            return None
        try:
            session = stack.enter_context(open_read_session(self.engine, seconds))
            if read_head_of_version(session, ROWS_VERSION) == head:
                return session
        except Problem:
            pass  # its rows were projected by another version
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
    """Return the head that the replica must have to answer a request.

    Return None if there is no replica, and for a request with a key: the log does not show whether the key is valid.
    """
    state = request.app.state
    if state.replica is None or "authorization" in request.headers:
        return None
    head: LogHead | None = await state.head_watcher.look()
    return head


# Query parameters that may contain a moment.
MOMENT_PARAMETERS = ("as_of", "changed_since", "since")
# An import takes the lock for up to two seconds at a time: after two of its batches a moment is settled.
SETTLING_TIMEOUT_SECONDS = 5.0
# Pause between two uses of the writers' lock. Each takes a few milliseconds, so writers lose about one hundredth of
# their time, however many requests ask for the present.
SETTLING_REST_SECONDS = 0.25
SETTLING_RETRY_AFTER = "10"
SETTLING_BEHIND_SECONDS = 60.0  # how long a question that could not be settled counts as a sign of waiting questions
SETTLING_BUSY_DETAIL = (
    "Much is being written just now, and what this moment's answer is stands only once that is through. Nothing is "
    "wrong with your question: ask it again in a moment, or without a moment."
)


class MomentSettler:
    """The instant up to which no further entry can be dated.

    If several requests need a later instant, one of them takes the writers' lock for all. The others wait without a
    thread or a connection.
    """

    def __init__(self) -> None:
        self._settled_until = EPOCH
        self._rest_until = 0.0
        self._behind_until = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether an instant could not be settled in time recently, and none was since."""
        return monotonic() < self._behind_until

    async def reach(self, state: State, instant: datetime) -> None:
        """Wait until an instant in the past is settled. Raises Busy."""
        if instant <= self._settled_until:
            return
        deadline, lane = monotonic() + SETTLING_TIMEOUT_SECONDS, state.limits.settling
        try:
            async with asyncio.timeout(SETTLING_TIMEOUT_SECONDS):
                turn = await lane.acquire()
        except TimeoutError:
            raise self._build_busy_error() from None
        try:
            if instant > self._settled_until:
                await asyncio.sleep(self._rest_until - monotonic())
                remaining_seconds = deadline - monotonic()
                self._settled_until = await run_in_threadpool(
                    wait_until_settled, state.engine, instant, state.clock, remaining_seconds
                )
                self._rest_until, self._behind_until = monotonic() + SETTLING_REST_SECONDS, 0.0
        except TimeoutError:
            raise self._build_busy_error() from None
        finally:
            lane.release(turn)

    def _build_busy_error(self) -> Busy:
        self._behind_until = monotonic() + SETTLING_BEHIND_SECONDS
        return Busy(SETTLING_BUSY_DETAIL, headers={"Retry-After": SETTLING_RETRY_AFTER})


async def settle_requested_moments(request: Request) -> datetime:
    """Wait until every past moment in the request is settled, and return the time of the request.

    The wait comes before the request has a slot or a session, so that it reads the state after the wait and its time
    limit starts then.
    """
    state = request.app.state
    now: datetime = state.clock()
    # A day that is not over is not settled: its answer may still change.
    past_moments = [instant for instant in _parse_moments(request) if instant <= now]
    if past_moments:
        with get_request_stats().time_wait("moment"):
            await state.settling.reach(state, max(past_moments))
    return now


def _parse_moments(request: Request) -> Iterator[datetime]:
    """Yield the moments in the query. Malformed ones are refused later; revisions are not moments."""
    parameters, zone = request.query_params, request.app.state.zone
    for text in [text for name in MOMENT_PARAMETERS for text in parameters.getlist(name)]:
        try:
            yield moments.parse_past_moment(
                text, dates.parse_zone(parameters["zone"]) if "zone" in parameters else zone
            )
        except dates.DateError:
            continue
