"""A registry works behind a pooler that lends every transaction another connection, and leaves nothing on any."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import httpx2
import psycopg
import pytest
from sqlalchemy import event, text

from app.config import Settings
from app.db.engine import (
    BUSY_TIMEOUT_MS,
    CommitUnanswered,
    make_engine,
    migrate_database,
    open_read_session,
    open_write_session,
)
from app.db.postgresql import IDLE_TRANSACTION_TIMEOUT_MS, is_direct
from app.db.scrub import scrub_database
from app.registry.publication.erasure import SCRUBBED_TABLES
from tests.api.serving import serving
from tests.cli.test_commands import ROOT, SECRET
from tests.databases import Templates
from tests.pooler import CONNECTIONS, missing, pooled
from tests.support import PATIENCE, World, make_report

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
BOUNDS = "SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
SENDERS, PEOPLE = 12, 36
COUNT = "/v1/counts/releases?group_by=source"


@pytest.fixture
def through(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the test's database through a pooler."""
    if lacking := missing():
        pytest.skip(lacking)
    with pooled(database_url, tmp_path) as url:
        yield url


@POSTGRESQL
def test_reports_lists_and_counts_through_a_pooler_are_those_without_one(
    settings: Settings, resting: World, through: str
) -> None:
    def file(number: int) -> int:
        report = make_report(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", source_record_id=f"P-{number}")
        return client.post("/v1/releases", json=report, headers=resting.headers("foro")).status_code

    def ask(number: int) -> int:
        return client.get(f"/v1/releases?limit={1 + number}").status_code

    behind = settings.model_copy(update={"database_url": through, "concurrency": 8})
    with serving(behind, at=None) as address, httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        with ThreadPoolExecutor(SENDERS) as pool:
            asked = pool.map(ask, range(PEOPLE))
            assert {*pool.map(file, range(PEOPLE))} == {201}
            assert {*asked} == {200}
        sent = client.post("/v1/imports", files={"file": ("list", listed(PEOPLE))}, headers=resting.headers("jep"))
        assert sent.status_code == 202
        resting.settle()
        through_it = [client.get(f"{path}?limit=200").json() for path in ("/v1/releases", "/v1/detainees")]
        counted = client.get(COUNT).json()
    assert len(through_it[0]["data"]) == 2 * PEOPLE
    assert [resting.client.get(f"{path}?limit=200").json() for path in ("/v1/releases", "/v1/detainees")] == through_it
    assert resting.client.get(COUNT).json() == counted
    assert left_behind(through) == ({("0", "0", "0")}, 0)


def listed(people: int) -> bytes:
    """A list of people whom nobody has reported."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["Nombre", "País", "Fecha de detención", "Fecha de liberación", "Fecha de nacimiento"])
    for number in range(people):
        rows.writerow([f"Casilda Peñaranda {chr(65 + number)}a", "VE", "2025-03-01", "2026-01-09", f"{1930 + number}"])
    return text.getvalue().encode()


def left_behind(url: str) -> tuple[set[tuple[str, ...]], int]:
    """What is set, and how many statements are prepared, on the connections that a pooler lends."""
    held = [psycopg.connect(url) for _each in range(CONNECTIONS)]
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    asked = f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}, count(*) FROM pg_prepared_statements"
    try:
        found = [connection.execute(asked).fetchall()[0] for connection in held]
    finally:
        for connection in held:
            connection.close()
    return {row[:3] for row in found}, sum(row[3] for row in found)


@POSTGRESQL
def test_commands_that_start_together_behind_a_pooler_migrate_one_after_the_other(
    templates: Templates, database_url: str, tmp_path: Path
) -> None:
    if lacking := missing():
        pytest.skip(lacking)
    with pooled(templates._postgres.new(), tmp_path) as url:
        environment = {**os.environ, "RECUENTO_DATABASE_URL": url, "RECUENTO_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "app.cli", "status"]
        both = [subprocess.Popen(command, cwd=tmp_path, env=environment) for _each in range(2)]
        assert [process.wait(PATIENCE) for process in both] == [0, 0]
        engine = make_engine(url)
        with open_read_session(engine) as session:
            assert session.scalar(text("SELECT revision FROM head")) == 0
        engine.dispose()


@POSTGRESQL
def test_behind_a_pooler_no_file_is_written_anew_since_others_would_have_what_that_sets(
    database_url: str, through: str
) -> None:
    behind, direct = make_engine(through), make_engine(database_url)
    assert scrub_database(behind, SCRUBBED_TABLES, 1) is False
    assert scrub_database(direct, SCRUBBED_TABLES, 1) is True
    assert left_behind(through) == ({("0", "0", "0")}, 0)
    for engine, expected in ((behind, False), (direct, True)):
        with engine.connect() as connection:
            assert is_direct(connection.connection.driver_connection) is expected
        engine.dispose()


@POSTGRESQL
def test_a_transaction_has_its_bounds_and_leaves_none_of_them(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    with open_write_session(engine) as session:
        assert session.execute(text(BOUNDS)).one() == (
            f"{BUSY_TIMEOUT_MS // 1000}s",
            f"{IDLE_TRANSACTION_TIMEOUT_MS // 60_000}min",
        )
    with open_read_session(engine, PATIENCE) as session:
        assert session.execute(text(BOUNDS)).one() == (f"{BUSY_TIMEOUT_MS // 1000}s", "0")
    with psycopg.connect(database_url) as connection:
        fresh = connection.execute(BOUNDS).fetchall()
    pooled_again = engine.raw_connection()
    assert pooled_again.driver_connection is not None
    assert pooled_again.driver_connection.execute(BOUNDS).fetchall() == fresh
    pooled_again.close()
    engine.dispose()


@POSTGRESQL
def test_a_writer_who_is_not_heard_of_any_more_gives_its_locks_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.postgresql.IDLE_TRANSACTION_TIMEOUT_MS", 200)
    engine = make_engine(database_url)
    with pytest.raises(CommitUnanswered), open_write_session(engine) as gone:  # noqa: PT012 - what it writes is lost at its end
        gone.execute(text("UPDATE head SET demo = true"))
        with open_write_session(engine) as other:
            other.execute(text("UPDATE head SET scrubbed = scrubbed"))
    with open_read_session(engine) as session:
        assert session.scalar(text("SELECT demo FROM head")) is False
    engine.dispose()


@POSTGRESQL
def test_a_migration_may_think_for_longer_than_a_writer(
    database_url: str, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.postgresql.IDLE_TRANSACTION_TIMEOUT_MS", 500)
    engine = make_engine(templates._postgres.new())

    def think(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sleep("CREATE TABLE entry" in statement)

    event.listen(engine, "before_cursor_execute", think)
    migrate_database(engine)
    with open_read_session(engine) as session:
        assert session.scalar(text("SELECT revision FROM head")) == 0
    engine.dispose()
