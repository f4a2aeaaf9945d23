"""The pairs of people in a count who may be one person, since no curator has decided yet: each may be one too many."""

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.models import PendingPair
from app.reading.selection import COUNTING, Selection
from app.reading.visibility import at


def unresolved_duplicates(session: Session, selection: Selection, revision: int) -> int:
    """The pairs of counted people that may be one person and wait for a curator: each may be one too many."""
    counted = selection.rows(selection.columns.detainee)
    counted = counted.where(selection.inside, selection.tables.together.status.in_(COUNTING))
    pair = col(PendingPair.detainee_a), col(PendingPair.detainee_b)
    pairs = select(*pair).where(at(PendingPair, revision), *(person.in_(counted) for person in pair)).distinct()
    return int(session.execute(select(func.count()).select_from(pairs.subquery())).scalar_one())
