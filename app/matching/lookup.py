"""Blocked look-up: the records that share blocking keys with a query, most shared keys first.

A look-up reads a bounded number of index rows, however large the registry: rare keys are read whole, keys that
thousands of records have only for people born about the same year. It asks for records of some classes of publication
alone: whoever is of another class is not compared, takes no place, and costs no time.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel import Session

from app.db.engine import chunks, rows_of
from app.models import OPEN

# Records compared in full. Homonyms beyond this are a curator's work: no score would tell them apart.
MOST_CANDIDATES = 30
# Index rows that one look-up counts, once for rare keys and once for common ones: a few milliseconds. In a registry of
# a million people the commonest pairs ("José", "Rodríguez") have more, and hit only people born about the same year.
MOST_ROWS = 1_000
TOGETHER = 50  # queries in one statement: beyond that, counting costs far more than asking
BORN_SLACK = 3  # years: births more than two apart conflict, and an age spans two

# A class is given beside each key: of a list of classes SQLite would step from one to the next over what lies between.
_SIZES = """
    SELECT keys.value->>0, (
        SELECT count(*)
        FROM (
            SELECT 1 FROM blocking_key
            WHERE blocking_key.key = keys.value->>0 AND publish_now = keys.value->>1
            LIMIT :enough
        ) AS few
    )
    FROM {keys}
"""
_SHARING = """
    SELECT CAST(given.value->>0 AS integer) AS who, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM {given} JOIN blocking_key ON blocking_key.key = given.value->>1 AND publish_now = given.value->>2
    GROUP BY 1, 2
"""
_NARROWED = """
    SELECT 0 AS who, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM (
        SELECT record, born, source
        FROM {rare} JOIN blocking_key ON blocking_key.key = rare.value->>0 AND publish_now = rare.value->>1
        UNION ALL
        SELECT * FROM (
            SELECT record, born, source
            FROM {common} JOIN blocking_key ON blocking_key.key = common.value->>0 AND publish_now = common.value->>1
            WHERE {years}
            LIMIT :room
        ) AS few
    ) AS every
    GROUP BY 2
"""
# Places are by source: a source that files one name a hundred times takes no other source's place. The person of a
# record is asked for by a query within the query, which no planner turns into a walk through all places.
_RANKED = """
    SELECT who, record, shared, born, source, (
        SELECT detainee FROM placement WHERE placement.record = ranked.record AND until = :open
    ) AS detainee
    FROM (
        SELECT *, row_number() OVER (PARTITION BY who, source ORDER BY shared DESC, record) AS place
        FROM ({counted}) AS counted
    ) AS ranked
    WHERE place <= :most
    ORDER BY who, shared DESC, record
"""
_COUNTED = _RANKED.replace("{counted}", _SHARING)
_BORN_ABOUT = _RANKED.replace("{counted}", _NARROWED.replace("{years}", "born BETWEEN :first AND :last"))
_ANYWHO = _RANKED.replace("{counted}", _NARROWED.replace("WHERE {years}", ""))


class BlockingQuery(NamedTuple):
    """The blocking keys to look up, and the first possible year of birth, if known, which narrows common keys.
    `fewest`: the least number of these keys that a record of the very same name shares; `born_last`: the last possible
    year of birth."""

    keys: Collection[str]
    born: int | None = None
    fewest: int = 0
    born_last: int | None = None


class BlockingHit(NamedTuple):
    """A record with its number of shared keys, as far as they were counted (`shared`) and at most (`most`), its first
    possible year of birth, if stored, its source, and its person (`detainee`)."""

    record: int
    shared: int
    most: int
    born: int | None
    source: int = 0
    detainee: int | None = None


def look_up(
    session: Session, query: BlockingQuery, classes: Collection[str], most: int = MOST_CANDIDATES
) -> list[BlockingHit]:
    """The records that share most keys with the query, at most `most` of each source, of people of these `classes` of
    publication."""
    return look_up_each(session, [query], classes, most)[0]


def look_up_each(
    session: Session, queries: Sequence[BlockingQuery], classes: Collection[str], most: int = MOST_CANDIDATES
) -> list[list[BlockingHit]]:
    """The hits of each query: queries with rare keys alone run TOGETHER, the others one by one."""
    hits: list[list[BlockingHit]] = []
    for some in chunks(queries, TOGETHER):
        sizes = _sizes(session, {key for query in some for key in query.keys}, classes)
        parted = [_parted(sizes, query.keys) for query in some]
        together = iter(_sharing(session, [rare for rare, common in parted if not common], classes, most))
        for query, (rare, common) in zip(some, parted, strict=True):
            hits.append(_narrowed(session, rare, common, classes, query.born, most) if common else next(together))
    return hits


def best(rows: Iterable[tuple[int, int | None]], most: int = MOST_CANDIDATES) -> list[BlockingHit]:
    """The hits of `(record, year of birth)` rows, one for every shared key: the records with most rows first."""
    born: dict[int, int | None] = {}
    shared = Counter[int]()
    for record, year in rows:
        shared[record] += 1
        born[record] = year
    ranked = sorted(shared, key=lambda record: (-shared[record], record))[:most]
    return [BlockingHit(record, shared[record], shared[record], born[record]) for record in ranked]


def _run(session: Session, sql: str, given: dict[str, Any], **values: int) -> Any:
    """Run a statement on lists (`rows_of`) in place of tables."""
    connection = session.connection()
    statement = _statement(sql, **{name: rows_of(connection, name) for name in given})
    return connection.execute(statement, {name: json.dumps(rows) for name, rows in given.items()} | values)


@lru_cache
def _statement(sql: str, **tables: str) -> TextClause:
    return text(sql.format(**tables))


def _sizes(session: Session, keys: Collection[str], classes: Collection[str]) -> Counter[str]:
    """Key → number of its records, counted up to one more than MOST_ROWS of each class."""
    rows = _run(session, _SIZES, {"keys": list(product(sorted(keys), classes))}, enough=MOST_ROWS + 1)
    sizes = Counter[str]()
    for key, size in rows:
        sizes[key] += size
    return sizes


def _parted(sizes: Counter[str], keys: Collection[str]) -> tuple[list[str], list[str]]:
    """`(rare, common)`: the rarest keys, as many as have MOST_ROWS records at most together, and the rest."""
    rare, common, rows = list[str](), list[str](), 0
    for key in sorted((key for key in keys if sizes[key]), key=lambda key: (sizes[key], key)):
        rows += sizes[key]
        (rare if rows <= MOST_ROWS else common).append(key)
    return rare, common


def _sharing(
    session: Session, rare: Sequence[Sequence[str]], classes: Collection[str], most: int
) -> list[list[BlockingHit]]:
    """For each list of rare keys the records that share most of them."""
    hits: list[list[BlockingHit]] = [[] for _ in rare]
    keys = [(who, key, publish) for who, of_query in enumerate(rare) for key, publish in product(of_query, classes)]
    for who, record, shared, born, source, detainee in _run(session, _COUNTED, {"given": keys}, most=most, open=OPEN):
        hits[who].append(BlockingHit(record, shared, shared, born, source, detainee))
    return hits


def _narrowed(
    session: Session,
    rare: Sequence[str],
    common: Sequence[str],
    classes: Collection[str],
    born: int | None,
    most: int,
) -> list[BlockingHit]:
    """The records of a query with common keys. Of these only people born about the same year count; where the year is
    unknown, any of them, but only if the query has no rare key."""
    keys = {"rare": list(product(rare, classes)), "common": list(product(common, classes))}
    values = {"room": MOST_ROWS, "most": most, "open": OPEN}
    if born is not None:
        rows = _run(session, _BORN_ABOUT, keys, first=born - BORN_SLACK, last=born + BORN_SLACK, **values)
    else:
        rows = _run(session, _ANYWHO, keys | ({"common": []} if rare else {}), **values)
    # Not all rows of common keys were counted: a hit may share all of them.
    every = len(rare) + len(common)
    return [
        BlockingHit(record, shared, min(shared + len(common), every), year, source, detainee)
        for _who, record, shared, year, source, detainee in rows
    ]
