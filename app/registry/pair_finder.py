"""Look for hidden candidate pairs beside requests: `hidden_pairs` says why."""

from sqlalchemy import Engine

from app.config import Names
from app.registry import hidden_pairs


class PairFinder:
    """Compares the records that wait, batch by batch. What a killed process left is compared after the next start."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine = engine
        self._names = names
        self._last = 0

    def step(self) -> bool:
        """Compare the next batch of this round; whether more may wait. The records of a batch that fails go on waiting,
        and the next step takes those after them."""
        records = hidden_pairs.waiting(self._engine, self._last)
        self._last = records[-1] if records else 0
        if records:
            hidden_pairs.compare(self._engine, records, self._names)
        return bool(records)
