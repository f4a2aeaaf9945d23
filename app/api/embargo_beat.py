"""File reports whose embargo is over, on a fixed beat.

What is public once cannot be taken back, so that a wrong clock must not end an embargo. `clock` refuses where it has
jumped (decision 0045); and a process ends none until it has watched its clock for WATCHED_FOR: a machine that starts
with a wrong one is set right within that time, and that is a jump.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from app.clock import count
from app.config import Names
from app.db.engine import reading
from app.log.entries import as_only_writer
from app.registry import filing

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
