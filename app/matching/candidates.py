"""Who a report may speak of: records that share a stored key, most shared first (blocked look-up)."""

from collections.abc import Collection

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from app.models import BlockingKey

# The records compared in full. Homonyms beyond this are a curator's work: none would be told apart by a score.
MOST_CANDIDATES = 50

_SHARED = func.count().label("shared")
_MOST_SHARED = (
    select(col(BlockingKey.record), _SHARED)
    .where(col(BlockingKey.key).in_(bindparam("keys", expanding=True)))
    .group_by(col(BlockingKey.record))
    .order_by(_SHARED.desc(), col(BlockingKey.record))
    .limit(MOST_CANDIDATES)
)


def look_up(session: Session, keys: Collection[str]) -> list[int]:
    """Record keys of the records that share most of the given keys; at most MOST_CANDIDATES."""
    if not keys:
        return []
    found = session.connection().execute(_MOST_SHARED, {"keys": sorted(keys)})
    return [row.record for row in found]
