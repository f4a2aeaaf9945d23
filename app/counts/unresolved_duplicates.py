"""How many pairs of people in a count may be one person, since no curator has decided yet: each may be one too many."""

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.models import PendingPair
from app.reading.selection import COUNTING, Selection
from app.reading.visibility import at


def unresolved_duplicates(session: Session, selection: Selection, revision: int) -> int:
    """The pairs that wait for a curator where both people stand in this count."""
    counted = selection.rows(selection.columns.detainee).where(
        selection.inside, selection.tables.together.status.in_(COUNTING)
    )
    pairs = (
        select(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
        .where(
            at(PendingPair, revision),
            col(PendingPair.detainee_a).in_(counted),
            col(PendingPair.detainee_b).in_(counted),
        )
        .distinct()
    )
    return int(session.execute(select(func.count()).select_from(pairs.subquery())).scalar_one())
