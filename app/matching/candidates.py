"""Who a report may speak of: records that share a stored key, most shared first (blocked look-up)."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.models import BlockingKey

# The records compared in full. Homonyms beyond this are a curator's work: none would be told apart by a score.
MOST_CANDIDATES = 50


def look_up(session: Session, keys: Collection[str]) -> list[int]:
    """Record keys of the records that share most of the given keys; at most MOST_CANDIDATES."""
    if not keys:
        return []
    shared = func.count().label("shared")
    found = session.execute(
        select(col(BlockingKey.record), shared)
        .where(col(BlockingKey.key).in_(keys))
        .group_by(col(BlockingKey.record))
        .order_by(shared.desc(), col(BlockingKey.record))
        .limit(MOST_CANDIDATES)
    )
    return [row.record for row in found]
