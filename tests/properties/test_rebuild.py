"""The tables are what the log says: a replay gives the same rows, and every row has one past."""

import json
from collections import defaultdict
from typing import Any

import rfc8785
from hypothesis import given
from sqlalchemy import select
from sqlmodel import Session, col

from app.log import entries as sealed
from app.log.entries import compute_leaf_hash
from app.models import OPEN, PROJECTED_TABLES, CaseKey, Entry, Facility, Head, Report, Sealed, Source
from app.registry.apply import BASE_TABLES, rebuild_tables
from tests.drawn import examples
from tests.properties.histories import histories
from tests.properties.steps import Registry, Step

Row = dict[str, Any]
TABLES: tuple[type[Any], ...] = tuple(dict.fromkeys((*BASE_TABLES, *PROJECTED_TABLES)))
VERSIONED = [table for table in TABLES if {"since", "until"} <= set(table.__table__.c.keys())]


def rows(session: Session, table: type[Any]) -> list[Row]:
    """All rows of a table, those of the past too, in the order of their keys."""
    order = list(table.__table__.primary_key)
    return [dict(row) for row in session.execute(select(*table.__table__.c).order_by(*order)).mappings()]


@examples(7)
@given(histories())
def test_a_rebuild_gives_the_rows_that_were_there_those_of_the_past_too(
    registry: Registry, history: list[Step]
) -> None:
    with registry.after(history) as clerk:
        with clerk.session() as session:
            before = {table.__name__: rows(session, table) for table in TABLES}
        with clerk.session() as session:
            assert rebuild_tables(session) == len(clerk.entries())
            session.commit()
        with clerk.session() as session:
            for table in TABLES:
                assert rows(session, table) == before[table.__name__], table.__name__


@examples(7)
@given(histories())
def test_the_versions_of_a_row_follow_each_other_and_never_overlap(registry: Registry, history: list[Step]) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        head = len(clerk.entries())
        for table in VERSIONED:
            keys = [column.name for column in table.__table__.primary_key if column.name != "since"]
            lives: dict[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
            for row in rows(session, table):
                assert 1 <= row["since"] <= head
                assert row["since"] < row["until"]
                assert row["until"] == OPEN or row["until"] <= head
                lives[tuple(row[key] for key in keys)].append((row["since"], row["until"]))
            for key, spans in lives.items():
                ends = [until for _since, until in sorted(spans)]
                starts = [since for since, _until in sorted(spans)]
                assert all(end <= start for end, start in zip(ends, starts[1:], strict=False)), (table.__name__, key)
                if table in (Source, Facility) or (table is Report and not clerk.recalls):
                    assert ends == [*starts[1:], OPEN], (table.__name__, key)


@examples(7)
@given(histories())
def test_every_entry_is_numbered_hashed_and_seals_what_is_kept_or_erased(
    registry: Registry, history: list[Step]
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        entries = list(session.scalars(select(Entry).order_by(col(Entry.revision))))
        kept = {row.revision: json.loads(row.disclosures) for row in session.scalars(select(Sealed))}
        assert [entry.revision for entry in entries] == list(range(1, len(entries) + 1))
        assert session.scalars(select(col(Head.revision))).one() == len(entries)
        assert [entry.recorded_at for entry in entries] == sorted(entry.recorded_at for entry in entries)
        bodies = {entry.revision: json.loads(entry.body) for entry in entries}
        erased = {record for body in bodies.values() for record in body.get("records", [])}
        for entry in entries:
            body = bodies[entry.revision]
            assert rfc8785.dumps(body) == entry.body.encode()
            assert entry.leaf_hash == compute_leaf_hash(entry.body.encode())
            about = {body.get("record"), body.get("a"), body.get("b")} & erased
            disclosures = kept.pop(entry.revision, None)
            if entry.revision < _redacted_at(bodies, about):
                assert disclosures is None
            else:
                assert body.get("_sd", []) == sealed.compute_digests(disclosures or {})
        assert not kept
        known = {body["record"] for body in bodies.values() if body["kind"] == "report"}
        assert {str(record) for record in session.scalars(select(col(CaseKey.record_id)))} <= known


def _redacted_at(bodies: dict[int, Row], records: set[str]) -> int:
    """The last revision at which one of the records was erased."""
    return max((revision for revision, body in bodies.items() if records & set(body.get("records", []))), default=0)
