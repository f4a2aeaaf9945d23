"""Lanes: places that clients hold by turns, in one event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

from app.errors import Busy
from app.fair_queue import Client, FairQueue

# Requests that wait for one lane. A client's turn comes long before that many others have had theirs.
MAX_WAITING = 256
RETRY_AFTER_SECONDS = "10"  # most of the requests ahead in the queue are finished by then
BUSY_DETAIL = "Too many such questions are asked at once. Nothing is wrong with yours: ask it again in a moment."


@dataclass(slots=True, eq=False)
class Turn:
    """A place of a client, or its wait for one. `began`: when it got the place, by the monotonic clock."""

    client: Client
    has_come: asyncio.Future[None]
    began: float = 0.0


@dataclass(slots=True, eq=False)
class Sender:
    """The sender of the current work. `client`: its path for turns; `waits`: the lanes that its parts now wait for."""

    client: Client
    waits: int = 0


_SERVER = Sender(("server",))  # background jobs
current_sender: ContextVar[Sender] = ContextVar("current_sender", default=_SERVER)


def build_busy_error() -> Busy:
    return Busy(BUSY_DETAIL, headers={"Retry-After": RETRY_AFTER_SECONDS})


class Lane:
    """A number of places. Who finds none free waits for a turn; if too many wait, the newest of the client with most is
    refused."""

    def __init__(self, places: int, max_waiting: int = MAX_WAITING) -> None:
        self._queue: FairQueue[Turn] = FairQueue(max_waiting)
        self.free_places = places

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a place for the current sender. Raises Busy."""
        turn = await self.acquire()
        try:
            yield
        finally:
            self.release(turn)

    async def acquire(self) -> Turn:
        """Take a place for the current sender, to be released. Raises Busy."""
        sender = current_sender.get()
        turn = Turn(sender.client, asyncio.get_running_loop().create_future())
        self._queue.add(turn.client, turn)
        self._give_places()
        refused_turn = self._queue.remove_excess(turn.client)
        if refused_turn is not None and not refused_turn.has_come.done():
            refused_turn.has_come.set_exception(build_busy_error())
        sender.waits += 1
        try:
            await turn.has_come
        except asyncio.CancelledError:
            if turn.has_come.cancelled():
                self._queue.remove(turn.client, turn)
            elif turn.has_come.exception() is None:  # cancelled as its turn came
                self.release(turn)
            raise
        finally:
            sender.waits -= 1
        turn.began = monotonic()
        return turn

    def release(self, turn: Turn) -> None:
        """Give the place back. A turn costs the time for which it held the place."""
        self._end(turn)
        self.free_places += 1
        self._give_places()

    def _end(self, turn: Turn) -> None:
        self._queue.finish(turn.client, monotonic() - turn.began if turn.began else 0.0)

    def _give_places(self) -> None:
        while self.free_places and (next_turn := self._queue.pop()) is not None:
            if next_turn.has_come.done():  # cancelled while it waited
                self._end(next_turn)
            else:
                self.free_places -= 1
                next_turn.has_come.set_result(None)


class Admission:
    """A bound of what clients have under way at once. Nobody waits: the newest of the client with most is closed."""

    def __init__(self, capacity: int) -> None:
        self._queue: FairQueue[Callable[[], None]] = FairQueue(capacity)

    def admit(self, client: Client, close: Callable[[], None]) -> None:
        """Admit what `close` ends. If there is too much then, close the newest of the client with most."""
        self._queue.add(client, close)
        closed = self._queue.remove_excess(client)
        if closed is not None:
            closed()

    def end(self, client: Client, close: Callable[[], None]) -> None:
        """End what was admitted; do nothing if it was closed."""
        self._queue.remove(client, close)
