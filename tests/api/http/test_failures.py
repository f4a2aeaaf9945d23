"""A failure is told as it is: what may have been stored is never told as stored nowhere."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app.api import writes
from app.main import create_app
from app.registry.publication import erasure
from tests.cut_line import cut_line
from tests.databases import settings_of
from tests.support import World, make_report

CUTS = 5  # each makes a new connection


@pytest.fixture
def unanswered(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bool], None]:
    """`unanswered(text, stored)`: from now on COMMIT fails so, with what it was to store stored or not."""
    dialect: Any = world.engine.dialect
    commit = dialect.do_commit

    def breaks(text: str, stored: bool) -> None:
        def fails(connection: Any) -> None:
            if stored:
                commit(connection)
            else:
                connection.rollback()
            raise dialect.dbapi.OperationalError(text)

        monkeypatch.setattr(dialect, "do_commit", fails)

    return breaks


@pytest.mark.parametrize("stored", [True, False])
def test_a_commit_without_an_answer_is_told_as_perhaps_stored(
    world: World, unanswered: Callable[[str, bool], None], stored: bool
) -> None:
    unanswered("the line broke", stored)
    answer = world.post("/v1/releases", make_report(source_record_id="FP-1"), "foro")
    told = world.refuse(answer, 503, "perhaps_stored")
    assert "may have been stored" in told["detail"]
    assert answer.headers["retry-after"] == "5"
    assert world.count()["total"]["cases"] == int(stored)


@pytest.mark.parametrize("case", [{"source_record_id": "FP-1"}, {}])
def test_what_was_perhaps_stored_and_is_sent_again_as_told_is_stored_once(
    world: World, unanswered: Callable[[str, bool], None], monkeypatch: pytest.MonkeyPatch, case: dict[str, str]
) -> None:
    once = {} if case else {"Idempotency-Key": "monday-17"}
    unanswered("the line broke", True)
    world.refuse(world.post("/v1/releases", make_report(**case), "foro", **once), 503, "perhaps_stored")
    monkeypatch.undo()
    assert world.post("/v1/releases", make_report(**case), "foro", **once).status_code in (200, 201)
    assert world.count()["total"]["cases"] == 1


def test_what_fails_before_commit_is_told_as_stored_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any) -> None:
        raise OperationalError("INSERT", None, Exception("the line broke"))

    monkeypatch.setattr(writes.WriteJob, "_store_outcome", fails)
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(), "foro", **{"Idempotency-Key": "once"})
        assert "Nothing was stored" in world.refuse(answer, 503, "unavailable")["detail"]


def test_a_disk_that_is_full_at_commit_stored_nothing_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.engine.dialect.name != "sqlite":
        return  # PostgreSQL ends the connection, so that nobody can tell
    dialect: Any = world.engine.dialect

    def fails(connection: Any) -> None:
        connection.rollback()
        full = dialect.dbapi.OperationalError("database or disk is full")
        full.sqlite_errorcode = dialect.dbapi.SQLITE_FULL
        raise full

    monkeypatch.setattr(dialect, "do_commit", fails)
    answer = world.post("/v1/releases", make_report(), "foro")
    assert "Nothing was stored" in world.refuse(answer, 503, "unavailable")["detail"]


def test_an_erasure_whose_write_ahead_log_cannot_be_emptied_is_done_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_given: Any) -> bool:
        raise OperationalError("PRAGMA wal_checkpoint", None, Exception("disk I/O error"))

    detainee = world.file()["detainee"]["id"]
    monkeypatch.setattr(erasure, "scrub_database", fails)
    with caplog.at_level(logging.WARNING):
        answer = world.post(f"/v1/detainees/{detainee}/redaction", {"reason": "asked for"}, "admin")
    assert answer.status_code == 200
    assert answer.json()["scrubbed"] is False
    assert "Quintana" not in world.get("/v1/releases", "reader").text


def test_a_line_to_postgresql_that_breaks_after_commit_was_sent_is_told_as_perhaps_stored(world: World) -> None:
    if world.engine.dialect.name != "postgresql":
        return
    with cut_line(world.settings.database_url) as line:
        app = create_app(settings_of(line.address))
        app.state.clock = lambda: world.now
        with TestClient(app) as client:
            for number in range(CUTS):
                line.cutting.set()
                body = make_report(source_record_id=f"FP-{number}", detainee__birth_date=str(1950 + number))
                answer = client.post("/v1/releases", json=body, headers=world.headers("foro"))
                world.refuse(answer, 503, "perhaps_stored")
        assert line.cuts == CUTS
    assert world.count()["total"]["cases"] == CUTS
