"""Erasing a person leaves no byte of what was personal: not in a table, not in a file, not in the log beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Table, select
from sqlmodel import col

from app.db.engine import is_sqlite, open_read_session, open_write_session
from app.models import Consent, Decision, Entry, Record, Sealed, metadata
from app.registry import report_versions
from app.registry.apply import rebuild_tables
from tests.support import Body, World, make_report

# Every value is found nowhere else, folded or not, so that its bytes betray it.
SAID: dict[str, Any] = {
    "detainee__full_name": "Zenobia Quetzalí Wamputsrar",
    "detainee__aliases": ["La Quixotera"],
    "detainee__father_name": "Xipetotec Wamputsrar",
    "detainee__groups": ["journalist"],
    "detention__facility": "Retén Yumbarí",
    "detention__charges": ["vexilología"],
    "detention__case": "KX-4711/2024",
    "verification__evidence": [{"url": "https://example.org/zenobia-wamputsrar"}],
    "note": "su hermana Ixquic pregunta",
}
WAL_OF_ONE_PAGE = 32 + 24 + 4096  # bytes: both headers and the page (sqlite.org/fileformat2.html, section 4)
TRACES = ("zenobia", "quetzal", "wamputsrar", "quixotera", "xipetotec", "yumbar", "vexilolog", "kx-4711", "ixquic")


def everything(world: World) -> Iterator[tuple[str, str]]:
    """`(where, what)` of all that is kept: each row as text and, on SQLite, the files as they lie on the disk."""
    with open_read_session(world.engine) as session:
        run = session.connection()
        for table in metadata.sorted_tables:
            for row in run.execute(select(table)).all():
                yield table.name, str(tuple(row))
    if world.engine.dialect.name == "sqlite":
        for path in sorted(Path(str(world.engine.url.database)).parent.iterdir()):
            yield path.name, path.read_bytes().decode("utf-8", errors="replace")


def traces(world: World) -> set[str]:
    """Where any of it can still be read."""
    return {where for where, what in everything(world) for trace in TRACES if trace in what.casefold()}


def filed(world: World) -> Body:
    """Somebody reported twice, corrected, retried, consented for, and judged by a curator."""
    answer = world.post(
        "/v1/releases", body(source_record_id="F-1"), "foro", **{"Idempotency-Key": "one request"}
    ).json()
    world.file("jep", **SAID)
    world.file("foro", **SAID, source_record_id="F-1", release__kind="pardon")
    other = world.file("pud", detainee__full_name="Otra Persona", detainee__birth_date="1950")
    world.judge(answer["detainee"]["id"], other["detainee"]["id"], "different")
    world.consent(answer["detainee"]["id"], "named", given_by="her sister Ixquic")
    return dict(answer)


def body(**more: Any) -> Body:
    return make_report(**SAID, **more)


def test_before_an_erasure_it_is_all_there(world: World) -> None:
    filed(world)
    assert {"sealed", "blocking_key", "detainee_personal", "spell_personal"} <= traces(world)


def test_after_an_erasure_no_table_and_no_file_holds_a_trace(world: World) -> None:
    answer = filed(world)
    world.redact(answer["detainee"]["id"])
    assert traces(world) == set()


def test_the_write_ahead_log_is_emptied_with_the_answer(world: World) -> None:
    """But for the page of the head row, which says that it was."""
    answer = filed(world)
    world.redact(answer["detainee"]["id"])
    if world.engine.dialect.name == "sqlite":
        log = Path(f"{world.engine.url.database}-wal")  # gone once the last connection is closed
        assert not log.exists() or log.stat().st_size <= WAL_OF_ONE_PAGE


def test_what_is_freed_in_the_file_is_overwritten(world: World) -> None:
    """Deleted rows leave their bytes in free pages unless they are told not to."""
    with world.engine.connect() as connection:
        if is_sqlite(connection):
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
    people = [world.file(**{**SAID, "detainee__birth_date": str(year)}) for year in range(1950, 1990, 4)]
    assert len({one["detainee"]["id"] for one in people}) == len(people)
    for one in people:
        world.redact(one["detainee"]["id"])
    assert traces(world) == set()


def test_a_repeated_request_of_someone_erased_brings_nothing_back(world: World) -> None:
    answer = filed(world)
    world.redact(answer["detainee"]["id"])
    again = world.post("/v1/releases", body(source_record_id="F-1"), "foro", **{"Idempotency-Key": "one request"})
    assert again.headers["idempotency-replayed"] == "true"
    assert not any(trace in again.text.casefold() for trace in TRACES)
    world.refuse(world.post("/v1/releases", body(source_record_id="F-1"), "foro"), 409, "redacted")
    assert traces(world) == set()


def log(world: World) -> list[tuple[int, str, bytes]]:
    with open_read_session(world.engine) as session:
        rows = session.scalars(select(Entry).order_by(col(Entry.revision)))
        return [(row.revision, row.body, row.leaf_hash) for row in rows]


def test_not_a_byte_of_the_log_changes(world: World) -> None:
    answer = filed(world)
    before = log(world)
    world.redact(answer["detainee"]["id"])
    assert log(world)[:-1] == before


def test_only_what_is_sealed_about_the_erased_is_deleted(world: World) -> None:
    answer = filed(world)
    kept = world.file("pud", detainee__full_name="Tercera Persona", detainee__birth_date="1940", note="kept")
    world.redact(answer["detainee"]["id"])
    with open_read_session(world.engine) as session:
        erased = set(session.scalars(select(col(Record.id)).where(col(Record.redacted))))
        left = set(session.scalars(select(col(Sealed.revision))))
        judged = session.execute(select(col(Decision.key), col(Decision.a), col(Decision.b))).all()
        consents = set(session.scalars(select(col(Consent.key))))
    assert len(erased) == 2
    assert kept["receipt"]["revision"] in left
    assert answer["receipt"]["revision"] not in left
    assert not consents & left
    assert not {row.key for row in judged if {row.a, row.b} & erased} & left


def public_rows(world: World, revision: int) -> list[tuple[Any, ...]]:
    """What stood at a revision in the tables that everyone may count from, whenever it ended."""
    with open_read_session(world.engine) as session:
        run = session.connection()
        return [
            (name, *(row[column] for column in row if column != "until"))
            for name in ("release", "release_at_stage", "source_release", "verification", "detention", "detainee")
            for row in run.execute(standing_at(metadata.tables[name], revision)).mappings()
        ]


def standing_at(table: Table, revision: int) -> Select[Any]:
    spanned = (table.c.since <= revision, table.c.until > revision)
    return select(table).where(*spanned).order_by(*table.primary_key.columns)


def test_no_public_row_of_the_time_before_is_touched(world: World) -> None:
    answer = filed(world)
    times = [answer["receipt"]["revision"], world.revision]
    before = [public_rows(world, revision) for revision in times]
    assert all(before)
    world.redact(answer["detainee"]["id"])
    assert [public_rows(world, revision) for revision in times] == before


def personal(world: World) -> set[tuple[str, int, int]]:
    """`(table, since, until)` of every personal row."""
    with open_read_session(world.engine) as session:
        run = session.connection()
        return {
            (name, row.since, row.until)
            for name in ("detainee_personal", "spell_personal", "trait")
            for row in run.execute(select(metadata.tables[name]))
        }


def test_one_who_was_joined_for_a_while_loses_that_while_and_keeps_the_rest(world: World) -> None:
    erased = world.file("foro", **SAID)
    stays = world.file("jep", detainee__full_name="Otra Persona", detainee__birth_date="1950")
    joined = world.post(
        "/v1/identity",
        {"a": erased["detainee"]["id"], "b": stays["detainee"]["id"], "judgement": "same", "reason": "a guess"},
        "curator",
    ).json()
    together = world.revision
    undone = world.client.delete(f"/v1/identity/{joined['id']}", headers=world.headers("curator"))
    assert undone.status_code == 200
    apart = world.revision
    world.redact(erased["detainee"]["id"])
    spans = personal(world)
    assert spans
    assert not [span for span in spans if span[1] < apart and span[2] > together]
    assert [span for span in spans if span[2] <= together]
    assert [span for span in spans if span[1] >= apart]
    assert traces(world) == set()


def test_a_rebuild_brings_nobody_back(world: World) -> None:
    world.redact(filed(world)["detainee"]["id"])
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert traces(world) == set()


def test_a_rebuild_finds_the_class_that_the_erased_had_before_also_where_a_wish_waited(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 1)
    for name in ("Otra Persona", "Zenobia Quetzalí"):
        known = world.file("foro", detainee__full_name=name)
        for who, publish in (("jep", "named"), ("pud", "counted")):
            world.file(who, detainee__full_name=name, detainee__publish=publish, detainee_id=known["detainee"]["id"])
    classes = "SELECT detainee, since, until, publish FROM detainee ORDER BY detainee, since"
    assert world.rows("SELECT count(*) FROM provisional_hiding WHERE stopped") == [(1,)]
    world.redact(known["detainee"]["id"])
    before = world.rows(classes)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert world.rows(classes) == before
