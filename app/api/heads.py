"""Which head the log has while a request is answered, at the price of a glance."""

import asyncio
from contextlib import suppress
from time import monotonic

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy import Engine

from app.db.engine import COMMITTED, is_memory, is_sqlite
from app.db.notifications import Listener, Row, WatchedRow
from app.log.head import HEAD_ROW
from app.projection import RULES
from app.server_log import unforeseen

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
