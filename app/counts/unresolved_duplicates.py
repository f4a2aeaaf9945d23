"""The pairs of people in a count who may be one person, since no curator has decided yet: each may be one too many."""

import numpy as np
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import Array, flags
from app.db.engine import Key
from app.models import PendingPair
from app.reading.selection import Selection

_AT = bindparam("revision", type_=Key)
_PAIRS = (
    select(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    .where(col(PendingPair.since) <= _AT, col(PendingPair.until) > _AT)
    .distinct()
)
_WAITING = "pairs that wait for a curator, of the revision that was asked for last"


def unresolved_duplicates(session: Session, selection: Selection) -> int:
    """The pairs of counted people that may be one person and wait for a curator: each may be one too many."""
    pairs = _waiting(session, selection.columns, selection.revision)
    if not len(pairs):
        return 0
    counted = flags(selection.columns.keys, selection.person[selection.inside & selection.counting])
    return int(np.count_nonzero(counted[pairs].all(axis=1)))


def _waiting(session: Session, columns: Columns, revision: int) -> Array:
    """The pairs that wait at a revision: a person of each in the first column, and one in the second."""
    made: tuple[int, Array] | None = columns.made.get(_WAITING)
    if made is None or made[0] != revision:
        rows = session.connection().execute(_PAIRS, {"revision": revision}).all()
        pairs = np.array([tuple(row) for row in rows], np.intp).reshape(-1, 2)
        made = columns.made[_WAITING] = revision, pairs
    return made[1]
