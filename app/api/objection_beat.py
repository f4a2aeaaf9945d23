"""Look at objections on a fixed beat: what an objection is about costs no request any time."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from app.db.engine import reading
from app.log.entries import as_only_writer
from app.registry.publication import objections
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext


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
