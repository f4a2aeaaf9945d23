"""The pairs of people in a count who may be one person, since no curator has decided yet: each may be one too many."""

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.joins import flags
from app.models import PendingPair
from app.reading.selection import Selection
from app.reading.visibility import at


def unresolved_duplicates(session: Session, selection: Selection) -> int:
    """The pairs of counted people that may be one person and wait for a curator: each may be one too many."""
    pairs = select(col(PendingPair.detainee_a), col(PendingPair.detainee_b)).distinct()
    waiting = session.execute(pairs.where(at(PendingPair, selection.revision))).all()
    if not waiting:
        return 0
    counted = flags(selection.columns.keys, selection.person[selection.inside & selection.counting])
    both = counted[np.array([tuple(pair) for pair in waiting])].all(axis=1)
    return int(np.count_nonzero(both))
