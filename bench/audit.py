"""Whether what is stored hangs together, whatever ended the server: nothing half, nothing twice, nothing lost."""

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlmodel import Session, col

from app.db.engine import make_engine, migrate_database, open_read_session, open_write_session
from app.log import entries as tree
from app.models import PROJECTED_TABLES, Entry, Head, IdempotentAnswer, ImportRow, Record, Sealed
from app.registry import apply

COPIED: tuple[type[Any], ...] = (Entry, Sealed)
# What clients of a drill write themselves, and are given a receipt for. The rest comes beside it.
RECEIPTED = ("report", "claim", "consent")


@dataclass(frozen=True)
class Stored:
    """What a database holds. `kinds`: revision → the kind of its entry; `rows`: (list, row) → the report filed."""

    leaves: list[str]
    kinds: dict[int, str]
    rows: dict[tuple[uuid.UUID, int], uuid.UUID]
    of_rows: set[int]


def audit(url: str, folder: Path) -> Stored:
    """What is stored. Raises AssertionError where the log has a gap or a hash that is not its entry's, or where its
    rows are not those that a rebuild into another database makes."""
    engine = make_engine(url)
    try:
        with open_read_session(engine) as session:
            entries = session.scalars(select(Entry).order_by(col(Entry.revision))).all()
            head = session.scalars(select(Head)).one()
            assert [entry.revision for entry in entries] == list(range(1, head.revision + 1)), "the revisions have gaps"
            for entry in entries:
                assert entry.leaf_hash == tree.compute_leaf_hash(entry.body.encode()), (
                    f"the leaf of {entry.revision} is wrong"
                )
            times = [entry.recorded_at for entry in entries]
            assert times == sorted(times), "time runs back in the log"
            assert not times or head.recorded_at == times[-1], "the head is not of the last entry"
            for answer in session.scalars(select(IdempotentAnswer)):
                assert json.loads(answer.outcome)["revision"] <= head.revision, "an answer is kept of what is not there"
            keys = {record.id: record.key for record in session.scalars(select(Record))}
            rows = {(row.list_import, row.row): row.report for row in session.scalars(select(ImportRow)) if row.report}
            assert set(rows.values()) <= keys.keys(), "a row is settled whose report is not there"
            _rebuilt_the_same(session, folder)
    finally:
        engine.dispose()
    kinds = {entry.revision: entry.kind for entry in entries}
    return Stored([entry.leaf_hash.hex() for entry in entries], kinds, rows, {keys[row] for row in rows.values()})


def _rebuilt_the_same(session: Session, folder: Path) -> None:
    """Replay the log into another database."""
    template, copy = folder / "audit-template.db", folder / "audit.db"
    if not template.exists():
        made = make_engine(f"sqlite:///{template}")
        migrate_database(made)
        made.dispose()
    shutil.copy(template, copy)
    other = make_engine(f"sqlite:///{copy}")
    try:
        with open_write_session(other) as into:
            for table in COPIED:
                if rows := [dict(row) for row in session.execute(select(table.__table__)).mappings()]:
                    into.connection().execute(insert(table), rows)
            into.connection().execute(delete(Head))
            into.connection().execute(insert(Head), [dict(session.execute(select(Head.__table__)).mappings().one())])  # type: ignore[attr-defined]
            apply.rebuild_tables(into)
        with open_read_session(other) as again:
            for table in (*apply.BASE_TABLES, *PROJECTED_TABLES):
                here, there = _rows(session, table), _rows(again, table)
                assert here == there, (
                    f"{table.__tablename__} is another after a rebuild: {here - there}, {there - here}"
                )
    finally:
        other.dispose()
        for path in folder.glob("audit.db*"):
            path.unlink()


def _rows(session: Session, table: type[Any]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row) for row in session.execute(select(table.__table__)))


def unaccounted(stored: Stored, receipts: Iterable[int], spare: int) -> list[str]:
    """Entries that nobody was given a receipt for and no row of a list is. `spare`: how often a consent without an
    Idempotency-Key was sent again, which stores it again."""
    known = {*receipts} | stored.of_rows
    extra = {revision: kind for revision, kind in stored.kinds.items() if kind in RECEIPTED and revision not in known}
    consents = sum(kind == "consent" for kind in extra.values())
    doubled = [f"nobody has a receipt for {kind} {revision}" for revision, kind in extra.items() if kind != "consent"]
    return doubled + ([f"{consents} consents too many, of {spare} sent again"] if consents > spare else [])
