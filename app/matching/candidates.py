"""Who a report may speak of: records that share a stored key, most shared first (blocked look-up).

A look-up reads a bounded number of rows, however large the registry: keys that few records have are read whole; those
that thousands share only for people born about the same year.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Select, bindparam, func, literal, select, union_all
from sqlmodel import Session, col

from app.database import chunks
from app.models import BlockingKey

# The records compared in full. Homonyms beyond this are a curator's work: none would be told apart by a score.
MOST_CANDIDATES = 30
# Rows of the index that one look-up counts, twice over: a few milliseconds. In a registry of a million people the
# commonest pairs ("José", "Rodríguez") have more, and are left to those born about the same year.
MOST_ROWS = 1_000
FEW = 500  # rows that are read as they are for one question: all there are in most registries
TOGETHER = 50  # who are looked for at once: their keys fit one statement, and a common one spoils it for few others
BORN_SLACK = 3  # years: births more than two apart conflict, and an age spans two

_KEY, _RECORD, _BORN = col(BlockingKey.key), col(BlockingKey.record), col(BlockingKey.born)
_SHARED = func.count().label("shared")


class Wanted(NamedTuple):
    """Somebody to be found: by which keys, and the year of birth, if known, which narrows keys that too many share.
    `fewest`: how many of the keys somebody of the very same name shares at least."""

    keys: Collection[str]
    born: int | None = None
    fewest: int = 0


class Found(NamedTuple):
    """A record, how many of the keys it has, and its first possible year of birth, where that is telling."""

    record: int
    shared: int
    born: int | None


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
        select(rows.c.record, _SHARED, func.min(rows.c.born))
        .group_by(rows.c.record)
        .order_by(_SHARED.desc(), rows.c.record)
        .limit(bindparam("most"))
    )


def _having(name: str) -> Select[int, int | None]:
    return select(_RECORD, _BORN).where(_KEY.in_(bindparam(name, expanding=True)))


_SOME = _having("keys").add_columns(_KEY).limit(bindparam("room"))
_RARE = _ranked(_having("rare").subquery())
_COMMON = _having("common").limit(MOST_ROWS).subquery()
_BORN_THEN = (
    _having("common").where(_BORN.between(bindparam("born_from"), bindparam("born_to"))).limit(MOST_ROWS).subquery()
)
_ANYWHO = _ranked(_COMMON)
_NARROWED = _ranked(union_all(_having("rare"), select(_BORN_THEN.c.record, _BORN_THEN.c.born)).subquery())


def look_up(session: Session, wanted: Wanted, most: int = MOST_CANDIDATES) -> list[Found]:
    """The records that share most of the keys, so many at most."""
    return look_up_each(session, [wanted], most)[0]


def look_up_each(session: Session, wanted: Sequence[Wanted], most: int = MOST_CANDIDATES) -> list[list[Found]]:
    """The same for many, who are asked for TOGETHER at a time."""
    found = []
    for some in chunks(wanted, TOGETHER):
        rows = _rows(session, {key for one in some for key in one.keys}, room=FEW * len(some))
        for one in some:
            few = None if rows is None else [row for key in one.keys for row in rows.get(key, ())]
            found.append(
                _of_many(session, one.keys, one.born, most) if few is None or len(few) > FEW else best(few, most)
            )
    return found


def _rows(session: Session, keys: Collection[str], room: int) -> dict[str, list[tuple[int, int | None]]] | None:
    """Key → who has it, by record and year of birth; None where that is more rows than there is room for."""
    found: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for some in chunks(sorted(keys)):
        rows = session.connection().execute(_SOME, {"keys": some, "room": room + 1}).all()
        room -= len(rows)
        if room < 0:
            return None
        for record, born, key in rows:
            found[key].append((record, born))
    return found


def best(rows: Iterable[tuple[int, int | None]], most: int = MOST_CANDIDATES) -> list[Found]:
    """The records that come most often, with a row for every key that a record shares."""
    born: dict[int, int | None] = {}
    shared = Counter[int]()
    for record, year in rows:
        shared[record] += 1
        born[record] = year
    ranked = sorted(shared, key=lambda record: (-shared[record], record))[:most]
    return [Found(record, shared[record], born[record]) for record in ranked]


def _named(keys: Collection[str]) -> dict[str, str]:
    """The keys as parameters, made up to a power of two by one that nobody has: a statement for every number of keys
    would be compiled for every number, and that takes longer than running it."""
    room = 1 << (len(keys) - 1).bit_length()
    return {f"key{place}": key for place, key in enumerate([*sorted(keys), *[""] * (room - len(keys))])}


def _of_many(session: Session, keys: Collection[str], born: int | None, most: int) -> list[Found]:
    """The same where the keys have more records than one likes to read: the database counts them, rare keys first."""
    if not keys:
        return []
    rare, common = _by_size(session, sorted(keys))
    values: dict[str, Any] = {"rare": rare, "common": common, "most": most}
    statement = _RARE
    if common and born is not None:
        statement = _NARROWED
        values |= {"born_from": born - BORN_SLACK, "born_to": born + BORN_SLACK}
    elif not rare:
        statement = _ANYWHO
    found = [Found(*row) for row in session.connection().execute(statement, values)]
    # Of common keys not all rows were counted: how many a record shares is not known, and so nobody is ruled out.
    return [Found(one.record, one.shared, None) for one in found] if common else found


def _by_size(session: Session, keys: list[str]) -> tuple[list[str], list[str]]:
    """Keys that records have, the rarest first as long as all of them together stay within MOST_ROWS; and the rest."""
    named = _named(keys)
    found = session.connection().execute(_sizes(len(named)), named)
    rare, common, rows = list[str](), list[str](), 0
    for size, place in sorted((size, place) for place, size in found if size):
        rows += size
        (rare if rows <= MOST_ROWS else common).append(keys[place])
    return rare, common
