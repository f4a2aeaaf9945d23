"""Kill an import with SIGKILL at random points, each time go on, and prove that nothing is lost or doubled.

A row is acknowledged once it stands settled with its import. After every kill the rows settled so far must still be
there, each with the report it had, and the registry must hold exactly their reports.
"""

import multiprocessing
import random
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import col

from app.db.engine import make_engine, migrate_database, open_read_session, open_write_session
from app.imports.filing import row_filing
from app.imports.filing.import_store import ImportOptions
from app.models import ImportRow, Record
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn
from app.vocabulary import Role, SourceKind
from bench.invented import csv_of

SECRET = b"the secret of a drill, thirty-two"
SOURCE = "drill"
ROWS, KILLS, SEED = 4_000, 100, 1
SMALL_BATCH = 20  # rows: so that kills fall between batches, inside them and at their commits
LONGEST = 0.6  # seconds until a kill, at most: a few batches


def now() -> datetime:
    return datetime.now(UTC)


def import_all(url: str, data: bytes) -> None:
    """What is killed."""
    row_filing.BATCH_ROWS = SMALL_BATCH
    engine = make_engine(url)
    options = ImportOptions(confirmed=True)
    row_filing.file_local_list(engine, SECRET, now, "list", SOURCE, data, options, lambda _job: None)
    engine.dispose()


def prepare(url: str) -> None:
    engine = make_engine(url)
    migrate_database(engine)
    with open_write_session(engine) as session:
        context = WriteContext(session, Reader(Role.ADMIN), now(), SECRET)
        directory.add_source(context, SourceIn(slug=SOURCE, name="Drill", kind=SourceKind.NGO))
    engine.dispose()


def settled(url: str) -> tuple[dict[int, uuid.UUID], int]:
    """`(row → report, number of records)`."""
    engine = make_engine(url)
    with open_read_session(engine) as session:
        rows = session.execute(select(col(ImportRow.row), col(ImportRow.report))).all()
        records = session.execute(select(func.count()).select_from(Record)).scalar_one()
    engine.dispose()
    return dict(tuple(row) for row in rows), records


def drill(url: str, rows: int, kills: int, seed: int) -> int:
    """Run it; returns how many kills met a living import. Raises AssertionError where a row is lost or doubled."""
    pick = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["bench.drill_import"])
    data = csv_of(rows, seed)
    prepare(url)
    known: dict[int, uuid.UUID] = {}
    met = 0
    for _number in range(kills):
        victim = processes.Process(target=import_all, args=(url, data))
        victim.start()
        time.sleep(pick.uniform(0, LONGEST))
        met += victim.is_alive()
        victim.kill()
        victim.join()
        known = _checked(url, known)
    last = processes.Process(target=import_all, args=(url, data))
    last.start()
    last.join()
    known = _checked(url, known)
    assert len(known) == rows, f"{len(known)} of {rows} rows are settled"
    return met


def _checked(url: str, before: dict[int, uuid.UUID]) -> dict[int, uuid.UUID]:
    after, records = settled(url)
    assert before.items() <= after.items(), "an acknowledged row was lost or filed anew"
    assert len(set(after.values())) == len(after) == records, "a row was doubled, or filed without being settled"
    return after


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="recuento-drill-") as folder:
        met = drill(f"sqlite:///{Path(folder) / 'drill.db'}", ROWS, KILLS, SEED)
    sys.stdout.write(
        f"{KILLS} kills, {met} of a running import; {ROWS} rows settled once each, none lost, none doubled\n"
    )
