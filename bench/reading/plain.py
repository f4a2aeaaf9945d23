"""The registry as a service without a past would keep it: a table of releases, and one of who verified them.

python -m bench.reading.plain REGISTRY FILE
"""

import sqlite3
from contextlib import closing
from pathlib import Path

FILE = "RECUENTO_BENCH_FILE"  # the variable that names the file of a server of the benchmark

TABLES = """
    CREATE TABLE release (
        id INTEGER PRIMARY KEY, detainee INTEGER NOT NULL, status TEXT, kind TEXT NOT NULL, country TEXT,
        first_day INTEGER, last_day INTEGER
    );
    CREATE TABLE verification (
        id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release (id), source TEXT NOT NULL,
        verdict TEXT NOT NULL, first_day INTEGER
    );
"""
INDEXES = """
    CREATE INDEX ix_release_first_day ON release (first_day);
    CREATE INDEX ix_verification_release_id ON verification (release_id);
    CREATE INDEX ix_verification_source ON verification (source, verdict);
"""
COPIES = (
    """
    INSERT INTO release SELECT spell, detainee, status, kind, country, lo, hi FROM registry.release_at_stage
    WHERE stage = 'carried_out' AND until = ?
    """,
    """
    INSERT INTO verification (release_id, source, verdict, first_day)
    SELECT spell, slug, verdict, lo FROM registry.source_release JOIN registry.source ON source.key = source
    WHERE stage = 'carried_out' AND source_release.until = ? ORDER BY spell
    """,
)
# What is counted: of each source, how often it says what.
BY_SOURCE = "SELECT source, verdict, count(*) AS number FROM verification GROUP BY source, verdict"


def copy(registry: Path, plain: Path, until: int) -> None:
    """Copy the releases that stand at the head into an empty file. `until`: of rows that stand there."""
    with closing(sqlite3.connect(plain)) as connection:
        connection.execute("ATTACH ? AS registry", (str(registry),))
        connection.executescript(TABLES)
        for copied in COPIES:
            connection.execute(copied, (until,))
        connection.executescript(INDEXES)
        connection.execute("ANALYZE")
        connection.commit()
