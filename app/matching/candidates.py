"""Who a report may speak of: records that share a stored key, most shared first (blocked look-up).

A look-up reads a bounded number of rows, however large the registry: keys that few records have are read whole; those
that thousands share only for people born about the same year.
"""

from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, func, literal, select, union_all
from sqlmodel import Session, col

from app.models import BlockingKey

# The records compared in full. Homonyms beyond this are a curator's work: none would be told apart by a score.
MOST_CANDIDATES = 50
# Rows of the index that one look-up reads, twice over: some milliseconds, and enough for every key of a registry of
# 100,000 people. The commonest pairs of a million ("José", "Rodríguez") have two thousand each.
MOST_ROWS = 5_000
FEW = 200  # records of one key that are read as they are: one statement instead of two
BORN_SLACK = 3  # years: births more than two apart conflict, and an age spans two

_KEY, _RECORD, _BORN = col(BlockingKey.key), col(BlockingKey.record), col(BlockingKey.born)
_SHARED = func.count().label("shared")


@lru_cache
def _some(keys: int) -> CompoundSelect[Any]:
    """The records that have each of a number of keys, as long as they are few: of each key one more than FEW."""
    found = []
    for place in range(keys):
        some = select(literal(place).label("place"), _RECORD).where(bindparam(f"key{place}") == _KEY).limit(FEW + 1)
        found.append(some.subquery().select())
    return union_all(*found)


@lru_cache
def _sizes(keys: int) -> CompoundSelect[Any]:
    """How many records have each of a number of keys, counted until it is more than MOST_ROWS."""
    counted = []
    for place in range(keys):
        some = select(_RECORD).where(bindparam(f"key{place}") == _KEY).limit(MOST_ROWS + 1).subquery()
        counted.append(select(literal(place).label("place"), func.count().label("size")).select_from(some))
    return union_all(*counted)


def _ranked(rows: Any) -> Select[Any]:
    return (
        select(rows.c.record, _SHARED)
        .group_by(rows.c.record)
        .order_by(_SHARED.desc(), rows.c.record)
        .limit(MOST_CANDIDATES)
    )


def _having(name: str) -> Select[Any]:
    return select(_RECORD).where(_KEY.in_(bindparam(name, expanding=True)))


_RARE = _ranked(_having("rare").subquery())
_COMMON = _having("common").limit(MOST_ROWS).subquery()
_BORN_THEN = (
    _having("common").where(_BORN.between(bindparam("born_from"), bindparam("born_to"))).limit(MOST_ROWS).subquery()
)
_ANYWHO = _ranked(_COMMON)
_NARROWED = _ranked(union_all(_having("rare"), select(_BORN_THEN.c.record)).subquery())


def look_up(session: Session, keys: Collection[str], born: int | None = None) -> list[int]:
    """Record keys of the records that share most of the given keys; at most MOST_CANDIDATES.

    ``born``: the year of birth, if known, which narrows keys that too many share.
    """
    if not keys:
        return []
    named = {f"key{place}": key for place, key in enumerate(sorted(keys))}
    rows = session.connection().execute(_some(len(keys)), named).all()
    if max(Counter(place for place, _record in rows).values(), default=0) <= FEW:
        shared = Counter(record for _place, record in rows)
        return sorted(shared, key=lambda record: (-shared[record], record))[:MOST_CANDIDATES]
    return _of_many(session, keys, born)


def _of_many(session: Session, keys: Collection[str], born: int | None) -> list[int]:
    """The same where a key has more records than one likes to read: the database counts, and reads rare keys first."""
    rare, common = _by_size(session, sorted(keys))
    values: dict[str, Any] = {"rare": rare, "common": common}
    statement = _RARE
    if common and born is not None:
        statement = _NARROWED
        values |= {"born_from": born - BORN_SLACK, "born_to": born + BORN_SLACK}
    elif not rare:
        statement = _ANYWHO
    return [row.record for row in session.connection().execute(statement, values)]


def _by_size(session: Session, keys: list[str]) -> tuple[list[str], list[str]]:
    """Keys that records have, the rarest first as long as all of them together stay within MOST_ROWS; and the rest."""
    named = {f"key{place}": key for place, key in enumerate(keys)}
    found = session.connection().execute(_sizes(len(keys)), named)
    rare, common, rows = list[str](), list[str](), 0
    for size, place in sorted((size, place) for place, size in found if size):
        rows += size
        (rare if rows <= MOST_ROWS else common).append(keys[place])
    return rare, common
