"""A registry of as many people as one likes, reproducible from a seed, put straight into the tables.

    python -m bench.reading.build FILE PEOPLE

Sources and places come by the write path. The reports of people go through the projection into the rows that the write
path would have left (`tests/bench/test_reading.py` files some over the API beside it). Beyond DRAWN, people are those
before them once more, as others, at later revisions: each day and name then stands for several people.

Entries of the log say no more than their kind: a server opens the file and answers every question about people, and
whoever wants the log itself (`recuento rebuild`, a source's own reports, corrections) finds nothing in it. New people
may be filed; those who are there are known by nothing, and nobody is tied to them.
"""

import gc
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from app.db.engine import make_engine, migrate_database, open_read_session, open_write_session
from app.log.head import bind_secret
from app.models import OPEN, BlockingKey, Entry
from app.registry import directory
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import FacilityIn, SourceIn
from app.vocabulary import FacilityKind, Role, SourceKind
from bench.drill_import import SECRET
from bench.reading.history import BEGUN, COLUMNS, Block, rows_of
from bench.reading.people import Crew, entries_of_crew
from bench.reading.telling import FACILITIES, SOURCES

CREW = 1_000  # people of one block
LEAST = 40  # with whom everything happens to somebody
DRAWN = 50_000
PROCESSES = 2
CACHE_KIB = 1_000_000  # of SQLite while it loads: ids are random, and their indexes are written all over
LASTED = timedelta(days=330)  # from the first entry to the last
FILLED: tuple[type[Any], ...] = (Entry, *COLUMNS)
# Columns that hold a revision, or the key of somebody or something, which is one.
OF_REVISIONS = frozenset(
    ("key", "record", "since", "stated", "detainee", "spell", "contradicts", "decision", "detainee_a", "detainee_b")
)
OF_IDS = frozenset(("id", "detainee_id", "detention_id", "release_id", "a", "b"))
LEAF_BYTES = 32
# Which is read where somebody new is looked for among them, and where corrections are looked for: there are none.
BODIES = {"report": '{"kind":"report","said":{"verification.verdict":"verified"},"source":"open-gates"}'}
KEPT_DIGITS = 20  # of an id: the others say which copy it is of


@dataclass(frozen=True)
class Plan:
    """A registry to be made. `people`: a multiple of `size`; `first`: the revision before them."""

    seed: int
    people: int
    size: int
    first: int

    @property
    def drawn(self) -> int:
        """The number of blocks that are drawn."""
        return min(self.people, max(DRAWN, self.size)) // self.size

    def after(self, blocks: int) -> int:
        """The revision after so many blocks."""
        return self.first + blocks * entries_of_crew(self.size)

    @property
    def last(self) -> int:
        return self.after(self.people // self.size)


def build(url: str, people: int, seed: int = 1) -> int:
    """Make the registry in an empty database, a file of SQLite; the number of its entries."""
    size = min(CREW, people)
    if people % size or size < LEAST:
        raise ValueError(f"Ask for a multiple of {CREW} people, or for fewer, and at least {LEAST}.")
    engine = make_engine(url)
    migrate_database(engine)
    plan = Plan(seed, people, size, _prepare(engine))
    kinds: list[str] = []
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        indexes = _drop_indexes(cursor)
        for some, tables in _drawn(url, plan):
            kinds += some
            with _one_transaction(cursor):
                for table, rows in tables.items():
                    cursor.executemany(_insert(table), rows)
        with _one_transaction(cursor):
            _write_entries(cursor, plan, kinds)
        for done in range(plan.drawn, people // size, plan.drawn):
            with _one_transaction(cursor):
                _copy(cursor, plan, done)
        for sql in indexes:
            cursor.execute(sql)
    engine.dispose()
    return plan.last


@contextmanager
def _one_transaction(cursor: Any) -> Iterator[None]:
    cursor.execute("BEGIN")
    yield
    cursor.execute("COMMIT")


def _prepare(engine: Engine) -> int:
    """Add sources and places; the number of entries then."""
    with open_write_session(engine) as session:
        bind_secret(session, SECRET)
        context = WriteContext(session, Reader(Role.ADMIN), BEGUN, SECRET)
        for slug, kind, _often in SOURCES:
            name = slug.replace("-", " ").title()
            directory.add_source(context, SourceIn(slug=slug, name=name, kind=SourceKind(kind)))
        for slug, name, country, area in FACILITIES:
            body = FacilityIn(slug=slug, name=name, kind=FacilityKind.PRISON, country=country, area=area)
            directory.add_facility(context, body)
        return context.log.revision


def _drawn(url: str, plan: Plan) -> Iterator[Block]:
    """The blocks that are drawn, in order."""
    if plan.drawn == 1:
        yield _block(plan, _views(url), 0)
        return
    with multiprocessing.get_context("spawn").Pool(PROCESSES, _begin, (url,)) as pool:
        yield from pool.imap(partial(_in_pool, plan), range(plan.drawn))


_VIEWS: list[DirectorySnapshot] = []  # of a process of the pool


def _begin(url: str) -> None:
    _VIEWS.append(_views(url))
    gc.disable()  # what a block leaves is let go of by counting alone


def _in_pool(plan: Plan, number: int) -> Block:
    return _block(plan, _VIEWS[0], number)


def _views(url: str) -> DirectorySnapshot:
    """The sources and places, read once."""
    engine = make_engine(url)
    with open_read_session(engine) as session:
        views = DirectorySnapshot(session)
        assert views.sources
        assert views.facility_names
    engine.dispose()
    return views


def _block(plan: Plan, views: DirectorySnapshot, number: int) -> Block:
    return rows_of(Crew(plan.seed, number, plan.size).steps, plan.after(number) + 1, views, plan.seed)


def _insert(table: type[Any]) -> str:
    names = ", ".join(COLUMNS[table])
    return f"INSERT INTO {table.__tablename__} ({names}) VALUES ({', '.join('?' * len(COLUMNS[table]))})"  # noqa: S608


def _write_entries(cursor: Any, plan: Plan, kinds: list[str]) -> None:
    """Write the log, as long as it is to be, and its head."""

    def rows() -> Iterator[tuple[Any, ...]]:
        begun, step = BEGUN.replace(tzinfo=None), LASTED / plan.last
        for revision in range(plan.first + 1, plan.last + 1):
            kind = kinds[(revision - plan.first - 1) % len(kinds)]
            at = (begun + step * revision).isoformat(" ", "microseconds")
            yield revision, kind, at, BODIES.get(kind, f'{{"kind":"{kind}"}}'), revision.to_bytes(LEAF_BYTES, "little")

    columns = "revision, kind, recorded_at, body, leaf_hash"
    cursor.executemany(f"INSERT INTO entry ({columns}) VALUES (?, ?, ?, ?, ?)", rows())  # noqa: S608
    last = "(SELECT max(recorded_at) FROM entry)"
    cursor.execute(f"UPDATE head SET revision = ?, recorded_at = {last}", (plan.last,))  # noqa: S608


def _copy(cursor: Any, plan: Plan, done: int) -> None:
    """Write the people once more, as others: after so many blocks are `done`, up to as many as there are to be."""
    later = plan.after(done) - plan.first
    among = plan.after(min(plan.drawn, plan.people // plan.size - done))
    copy = f"{done // plan.drawn:0{32 - KEPT_DIGITS}x}"
    for table, names in COLUMNS.items():
        columns, of = ", ".join(names), table.__tablename__
        copied = ", ".join(_copied(table, name, later, copy) for name in names)
        cursor.execute(f"INSERT INTO {of} ({columns}) SELECT {copied} FROM {of} WHERE {names[0]} <= {among}")  # noqa: S608


def _copied(table: type[Any], name: str, later: int, copy: str) -> str:
    """The column of a copy, in SQL."""
    if name in OF_REVISIONS and (table, name) != (BlockingKey, "key"):
        return f"{name} + {later}"
    if name == "until":
        return f"CASE until WHEN {OPEN} THEN {OPEN} ELSE until + {later} END"
    return f"substr({name}, 1, {KEPT_DIGITS}) || '{copy}'" if name in OF_IDS else name


def _drop_indexes(cursor: Any) -> list[str]:
    """Drop the indexes of the tables that are filled; the statements that make them again, which takes a fraction of
    the time of keeping them."""
    tables = [table.__tablename__ for table in FILLED]
    marks = ", ".join("?" * len(tables))
    found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN"
    named = cursor.execute(f"{found} ({marks})", tables).fetchall()
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute("PRAGMA synchronous = OFF")
    for name, _sql in named:
        cursor.execute(f"DROP INDEX {name}")
    return [sql for _name, sql in named]


def main() -> None:
    path, people = Path(sys.argv[1]), int(sys.argv[2])
    begun = time.monotonic()
    entries = build(f"sqlite:///{path}", people)
    seconds, size = time.monotonic() - begun, path.stat().st_size / 2**20
    sys.stdout.write(f"{people} people, {entries} entries, {size:.0f} MiB, {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
