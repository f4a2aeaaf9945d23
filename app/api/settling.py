"""A question about a moment is answered once no entry can be dated at or before it any more: then its answer stays."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from time import monotonic

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import State

from app import dates
from app.errors import Busy
from app.log.entries import EPOCH, settle
from app.server_log import this

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
