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
MOST_CANDIDATES = 30
# Rows of the index that one look-up counts, twice over: a few milliseconds. In a registry of a million people the
# commonest pairs ("José", "Rodríguez") have more, and are left to those born about the same year.
MOST_ROWS = 1_000
FEW = 500  # rows that are read as they are, by one statement: all there are in most registries
BORN_SLACK = 3  # years: births more than two apart conflict, and an age spans two

_KEY, _RECORD, _BORN = col(BlockingKey.key), col(BlockingKey.record), col(BlockingKey.born)
_SHARED = func.count().label("shared")


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


_SOME = _having("keys").limit(FEW + 1)
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
    rows = session.connection().execute(_SOME, {"keys": sorted(keys)}).scalars().all()
    if len(rows) <= FEW:
        shared = Counter(rows)
        return sorted(shared, key=lambda record: (-shared[record], record))[:MOST_CANDIDATES]
    return _of_many(session, keys, born)


def _named(keys: Collection[str]) -> dict[str, str]:
    """The keys as parameters, made up to a power of two by one that nobody has: a statement for every number of keys
    would be compiled for every number, and that takes longer than running it."""
    room = 1 << (len(keys) - 1).bit_length()
    return {f"key{place}": key for place, key in enumerate([*sorted(keys), *[""] * (room - len(keys))])}


def _of_many(session: Session, keys: Collection[str], born: int | None) -> list[int]:
    """The same where the keys have more records than one likes to read: the database counts them, rare keys first."""
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
    named = _named(keys)
    found = session.connection().execute(_sizes(len(named)), named)
    rare, common, rows = list[str](), list[str](), 0
    for size, place in sorted((size, place) for place, size in found if size):
        rows += size
        (rare if rows <= MOST_ROWS else common).append(keys[place])
    return rare, common
