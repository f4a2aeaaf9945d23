"""Ready means that a report would be stored; a failure of the database leaves a line, and nobody's name, in the log."""

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from app.api.routes import health
from app.db import engine
from app.db import scrub as database_scrub
from app.db.engine import describe_database_error, open_read_session, open_write_session
from app.db.scrub import scrub_database
from app.imports.filing import import_store
from app.log import entries
from app.log.entries import open_writer_session
from app.main import create_app
from app.server_log import JsonLineFormatter
from tests.support import World, make_report

MARKER = "Quetzalcóatl-9137"


def app_of(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


@pytest.fixture(autouse=True)
def tried_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WRITE_TRIAL_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(engine, "TRIAL_LOCK_TIMEOUT_MS", 100)


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """An app of its own, whose connections nobody else uses again."""
    with TestClient(create_app(world.settings)) as made:
        yield made


@contextmanager
def unwritable(engine: Engine) -> Iterator[None]:
    """A database that can be read and not written: the disk takes no more, or the server takes no more than reads."""
    if engine.dialect.name == "sqlite":
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{engine.url.database}-wal").stat().st_size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    else:
        event.listen(engine, "connect", _read_only)
        engine.dispose()
        yield
        event.remove(engine, "connect", _read_only)
        engine.dispose()


def _read_only(connection: Any, _record: object) -> None:
    connection.execute("SET default_transaction_read_only = on")
    connection.commit()


def test_who_can_read_and_not_write_is_not_ready(
    world: World, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    world.file()
    assert client.get("/readyz").json() == {"status": "ok"}
    with unwritable(app_of(client).state.engine):
        told = world.refuse(client.get("/readyz"), 503, "unavailable")
        assert client.get("/v1/releases").status_code == 200
    assert "cannot be written to" in told["detail"]
    assert "writing to the database fails" in caplog.text
    assert client.get("/readyz").json() == {"status": "ok"}


BUSY = {"status": "ok", "warnings": ["writers_waiting"]}


def test_writers_who_wait_for_another_are_a_warning_and_no_failure(world: World) -> None:
    with open_writer_session(world.engine):
        assert [world.get("/readyz").json() for _asked in range(2)] == [BUSY] * 2
    assert world.get("/readyz").json() == {"status": "ok"}


def test_a_lock_under_which_nothing_is_written_for_minutes_is_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(health, "monotonic", lambda: now)
    with open_writer_session(world.engine):
        assert world.get("/readyz").json() == BUSY
        now += health.MAX_LOCKED_SECONDS + 1
        assert "cannot be written to" in world.refuse(world.get("/readyz"), 503, "unavailable")["detail"]
    now += 1
    assert world.get("/readyz").json() == {"status": "ok"}
    now += 1
    with open_writer_session(world.engine):
        assert world.get("/readyz").json() == BUSY, "it counts from each lock anew"


def test_writers_who_wait_while_entries_arrive_are_no_failure_however_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(health, "monotonic", lambda: now)
    for _batch in range(3):
        world.file()
        with open_writer_session(world.engine):
            assert world.get("/readyz").json() == BUSY
        now += health.MAX_LOCKED_SECONDS + 1


def test_a_list_that_waits_for_long_is_told_as_behind(world: World) -> None:
    world.send_list("nombre;pais\nRosa Valdivia;VE\n")
    with open_write_session(world.engine) as session:
        session.execute(text("UPDATE list_import SET state = 'running', finished_at = NULL"))
    assert world.get("/readyz").json() == {"status": "ok"}
    world.now += import_store.MAX_IMPORT_WAIT + timedelta(seconds=1)
    assert world.get("/readyz").json() == {"status": "ok", "warnings": ["behind"]}


def test_a_file_that_is_just_written_anew_is_busy_and_not_unwritable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def long(*_: Any) -> bool:
        with open_writer_session(world.engine):
            asked.append(world.get("/readyz").json())
        return True

    monkeypatch.setattr(health, "MAX_LOCKED_SECONDS", 0.0)
    for how in ("_scrub_file", "_scrub_tables"):
        monkeypatch.setattr(database_scrub, how, long)
    assert scrub_database(world.engine, (), 1) is True
    assert asked == [BUSY]


def test_a_line_that_was_cut_and_can_be_had_again_is_ready(world: World, client: TestClient) -> None:
    engine = app_of(client).state.engine
    if engine.dialect.name != "postgresql":
        return
    with open_read_session(engine) as session:
        process = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with open_read_session(world.engine) as session:
        assert session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": process}).scalar_one()
    assert client.get("/readyz").json() == {"status": "ok"}


def test_writing_is_tried_once_however_many_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Engine] = []
    monkeypatch.setattr(health, "try_writing", tried.append)
    monkeypatch.setattr(health, "WRITE_TRIAL_INTERVAL_SECONDS", 2.0)
    for _asked in range(5):
        assert world.get("/readyz").status_code == 200
    assert len(tried) == 1


def test_a_trial_of_writing_changes_no_table(world: World) -> None:
    world.file()
    with world.storing_nothing():
        before = world.revision
        world.get("/readyz")
        assert world.revision == before


def test_a_failure_of_the_database_leaves_its_kind_and_its_place_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        entries, "_LOCK_HEAD_QUERY", text("SELECT CAST(:name AS text) FROM nowhere").bindparams(name=MARKER)
    )
    with caplog.at_level(logging.DEBUG):
        world.post("/v1/releases", make_report(detainee__full_name=MARKER), "foro")
    logged = "\n".join(JsonLineFormatter().format(record) for record in caplog.records)
    assert ("OperationalError (SQLITE_ERROR) at app/log/entries.py:" in logged) is (
        world.engine.dialect.name == "sqlite"
    )
    assert "entries.py" in logged
    assert MARKER not in logged


def test_a_line_about_a_lost_connection_has_the_code_of_postgresql(world: World) -> None:
    if world.engine.dialect.name != "postgresql":
        return
    with pytest.raises(OperationalError) as failed, open_writer_session(world.engine) as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert describe_database_error(failed.value).startswith("OperationalError (57P01)")
