"""Look at objections on a fixed beat, in turn with requests: what an objection is about costs no request any time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import anyio.to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app import server_log
from app.database import reading
from app.errors import Problem
from app.log.entries import as_only_writer
from app.registry import objections
from app.registry.read_permissions import ANYONE
from app.registry.write import WriteContext

# Seconds. Somebody is hidden "within five minutes": two beats, and time to be in turn.
BEAT = 60.0


class ObjectionBeat:
    """Settles what objections came in, every BEAT seconds, in each process."""

    def __init__(self, engine: Engine, secret: bytes, clock: Callable[[], datetime], gate: asyncio.Semaphore) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._gate = gate
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End `run` after the present beat."""
        self._stopped.set()

    async def run(self) -> None:
        """Settle objections until `stop`."""
        while not self._stopped.is_set():
            try:
                async with self._gate:
                    await anyio.to_thread.run_sync(self.settle)
            except (SQLAlchemyError, Problem):
                pass  # the database is busy, away or of other rules: the objections wait
            except Exception as error:
                server_log.unforeseen(error, "a beat of objections")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), BEAT)

    def settle(self) -> None:
        """One beat."""
        with reading(self._engine) as session:
            if not objections.is_due(session, self._clock()):
                return
        with as_only_writer(self._engine) as session:
            objections.settle(WriteContext(session, ANYONE, self._clock(), self._secret))
