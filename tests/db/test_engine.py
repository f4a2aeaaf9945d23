"""The one file that knows a dialect: what it turns on, what it refuses, and that both engines give back the same.

Writers of one process take turns on SQLite: the next one is woken at once, and nobody takes the turn for good."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pysqlite3
import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, event, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError, TimeoutError
from sqlmodel import col

from app.db import engine as database
from app.db.engine import (
    UtcDateTime,
    has_waiting_writers,
    is_locked,
    is_memory,
    is_sqlite,
    make_engine,
    open_read_session,
    open_write_session,
    take_write_turn,
    try_writing,
    was_stopped,
)
from app.db.files import check_sqlite_version
from app.log.entries import open_writer_session
from app.models import Head
from tests.databases import Templates
from tests.support import PATIENCE, World

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
CARACAS = timezone(timedelta(hours=-4))


@pytest.fixture
def sqlite(templates: Templates, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a registry of its own, whatever else is tested."""
    with templates.copy("sqlite", templates.empty("sqlite"), tmp_path) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 52, 0), (4, 0, 0), (3, 50, 7), (3, 50, 9), (3, 44, 6)])
def test_a_library_without_the_wal_reset_bug_is_accepted(version: tuple[int, ...]) -> None:
    check_sqlite_version(version)


@pytest.mark.parametrize(
    "version", [(3, 51, 2), (3, 51, 0), (3, 50, 6), (3, 49, 9), (3, 46, 1), (3, 45, 6), (3, 44, 5), (3, 7, 0)]
)
def test_a_library_that_can_lose_committed_writes_is_refused_by_name(version: tuple[int, ...]) -> None:
    with pytest.raises(RuntimeError, match=rf"SQLite {'.'.join(map(str, version))} can lose.*pysqlite3"):
        check_sqlite_version(version)


def test_no_engine_is_made_with_a_library_that_can_lose_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pysqlite3, "sqlite_version_info", (3, 46, 1))
    with pytest.raises(RuntimeError, match=r"3\.46\.1"):
        make_engine("sqlite://")


@pytest.mark.parametrize("pragma, value", [
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL
    ("foreign_keys", 1),
    ("secure_delete", 1),
    ("temp_store", 2),  # MEMORY
    ("recursive_triggers", 1),
    ("busy_timeout", database.BUSY_TIMEOUT_MS),
])  # fmt: skip
def test_every_connection_has_what_keeps_a_registry_safe_turned_on(sqlite: Engine, pragma: str, value: object) -> None:
    with sqlite.connect() as one, sqlite.connect() as other:
        found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() for connection in (one, other)]
    assert found == [value, value]


def test_a_writer_takes_the_lock_before_it_reads(sqlite: Engine) -> None:
    """So that two never read the same head and then both want to write."""
    with open_write_session(sqlite) as session, sqlite.connect() as other:
        session.execute(select(col(Head.revision)))
        impatient(other)
        with pytest.raises(OperationalError, match="locked"):
            other.execution_options(**{database.WRITES_OPTION: True}).execute(select(col(Head.revision)))


def impatient(connection: Connection) -> None:
    """Let it wait for nobody."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")


def test_a_reader_takes_no_lock_and_sees_what_was_committed_when_it_began(engine: Engine) -> None:
    with open_read_session(engine) as reader, open_write_session(engine) as writer:
        writer.execute(text("UPDATE head SET demo = true"))
        assert reader.scalars(select(col(Head.demo))).one() is False


def test_what_is_written_is_committed_once_and_only_at_the_end(engine: Engine) -> None:
    with open_write_session(engine) as session:
        session.execute(text("UPDATE head SET demo = true"))
        with open_read_session(engine) as other:
            assert other.scalars(select(col(Head.demo))).one() is False
    with open_read_session(engine) as session:
        assert session.scalars(select(col(Head.demo))).one() is True


def test_a_writer_who_waits_only_briefly_for_another_commits_like_any(engine: Engine) -> None:
    with open_write_session(engine, 100) as session:
        session.execute(text("UPDATE head SET demo = true"))
        with pytest.raises(OperationalError) as refused, open_write_session(engine, 100) as second:
            second.execute(text("UPDATE head SET demo = false"))
        assert is_locked(refused.value)
    with open_read_session(engine) as session:
        assert session.scalars(select(col(Head.demo))).one() is True
    setting = "PRAGMA busy_timeout" if engine.dialect.name == "sqlite" else "SHOW lock_timeout"
    with engine.connect() as connection, engine.connect() as other:
        found = {str(used.exec_driver_sql(setting).scalar_one()) for used in (connection, other)}
    assert found <= {str(database.BUSY_TIMEOUT_MS), "30s"}


def test_what_fails_is_written_not_at_all(engine: Engine) -> None:
    def give_up() -> None:
        with open_write_session(engine) as session:
            session.execute(text("UPDATE head SET demo = true"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    with open_read_session(engine) as session:
        assert session.scalars(select(col(Head.demo))).one() is False


def test_there_are_no_more_connections_than_asked_for(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=2)
    pool: Any = engine.pool
    pool._timeout = 0  # not to wait for those that are taken
    with engine.connect(), engine.connect(), pytest.raises(TimeoutError):
        engine.connect()
    engine.dispose()


@pytest.mark.parametrize("instant", [
    NOON,
    datetime(2026, 1, 12, 8, tzinfo=CARACAS),
    datetime(2026, 1, 12, 23, 59, 59, 999_999, tzinfo=CARACAS),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
])  # fmt: skip
def test_an_instant_comes_back_as_the_same_instant_in_utc(engine: Engine, instant: datetime) -> None:
    table = Table("instants", MetaData(), Column("key", Integer, primary_key=True), Column("at", UtcDateTime))
    with open_write_session(engine) as session:
        run = session.connection()
        if not is_sqlite(run):
            run.execute(text("SET LOCAL TIME ZONE 'America/Caracas'"))  # a server may think in any
        table.create(run)
        run.execute(insert(table), [{"key": 1, "at": instant}, {"key": 2, "at": None}])
        found, none = run.execute(select(table.c.at).order_by(table.c.key)).scalars()
        assert run.execute(select(table.c.key).where(table.c.at == instant)).scalar_one() == 1
    assert found == instant
    assert found.utcoffset() == timedelta(0)
    assert none is None


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    table = Table("instants", MetaData(), Column("at", UtcDateTime))
    with engine.connect() as connection, pytest.raises(StatementError, match="needs a zone"):
        connection.execute(select(table).where(table.c.at == NOON.replace(tzinfo=None)))


def test_no_error_of_the_database_repeats_a_name(world: World) -> None:
    filed = world.file(detainee__full_name="Zenobia Inventada")
    with pytest.raises(DBAPIError) as refused, open_write_session(world.engine) as session:
        session.execute(
            text("INSERT INTO detainee_personal SELECT detainee, since, until, :name, facts FROM detainee_personal"),
            {"name": "Zenobia Inventada"},
        )
    assert filed["release"]["id"]
    assert "parameters hidden" in str(refused.value)
    assert "Zenobia" not in str(refused.value)


@pytest.mark.parametrize("url, memory", [
    ("sqlite://", True),
    ("sqlite:///:memory:", True),
    ("sqlite:///recuento.db", False),
    ("postgresql://localhost/recuento", False),
])  # fmt: skip
def test_a_database_in_memory_is_told_from_others(url: str, memory: bool) -> None:
    assert is_memory(url) is memory


def test_a_plain_postgresql_address_uses_psycopg_3() -> None:
    engine = make_engine("postgresql://somebody@localhost/recuento")
    assert (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg")
    engine.dispose()


def test_connections_that_meet_in_opening_a_new_database_all_get_in(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def opened(path: Path, together: threading.Barrier) -> None:
        engine = make_engine(f"sqlite:///{path}")
        together.wait()
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            failed.append(error)
        engine.dispose()

    for number in range(40):
        together = threading.Barrier(4)
        threads = [threading.Thread(target=opened, args=(tmp_path / f"{number}.db", together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_database_that_cannot_be_opened_is_refused_at_once(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}")
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
    engine.dispose()


def test_a_new_database_and_what_stands_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'own.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.commit()
        assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
        assert len(list(tmp_path.iterdir())) == 3
    engine.dispose()


COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"


def test_a_statement_that_takes_longer_than_the_reader_has_is_stopped_and_the_next_reader_is_not(
    engine: Engine,
) -> None:
    with pytest.raises(OperationalError) as stopped, open_read_session(engine, 0.05) as session:
        session.execute(text(COUNTING))
    assert was_stopped(stopped.value)
    with open_read_session(engine) as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_no_statement_is_begun_once_the_time_is_over(engine: Engine) -> None:
    with open_read_session(engine, 0.05) as session:
        sleep(0.06)
        with pytest.raises(OperationalError) as stopped:
            session.execute(text("SELECT 1"))
    assert was_stopped(stopped.value)


def counting(rows: int) -> Any:
    return text(COUNTING.replace("1000000000", str(rows)))


def test_a_reader_has_no_more_time_in_a_second_transaction(engine: Engine) -> None:
    with open_read_session(engine, 0.05) as session:
        session.commit()
        with engine.connect(), pytest.raises(OperationalError) as stopped:
            session.execute(counting(10_000_000))
    assert was_stopped(stopped.value)


def test_nobody_is_stopped_on_a_connection_that_was_a_readers(engine: Engine) -> None:
    with open_read_session(engine, 0.01) as session:
        session.commit()
        with open_write_session(engine) as writer:
            assert writer.scalars(counting(1_000_000)).one()
    with open_write_session(engine) as writer:
        assert writer.scalars(counting(1_000_000)).one()


def test_a_statement_that_fails_for_another_reason_was_not_stopped(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as failed, open_read_session(engine, 60) as session:
        session.execute(text("SELECT nothing FROM nowhere"))
    assert not was_stopped(OperationalError(None, None, failed.value.orig or Exception()))


def test_a_disk_without_room_for_more_is_noticed_where_a_row_could_still_be_written_again(database_url: str) -> None:
    engine = make_engine(database_url)
    if is_sqlite(engine):
        return  # the page that is tried is written to the end of its log

    @event.listens_for(engine, "connect")
    def without_room(connection: Any, _record: object) -> None:
        connection.execute("SET temp_file_limit = '100kB'")
        connection.commit()

    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE head SET id = id")
    try:
        with pytest.raises(OperationalError):
            try_writing(engine)
    finally:
        engine.dispose()


OFTEN = 20
SHORT = 0.05  # seconds


def test_who_takes_the_turn_again_at_once_lets_another_in_between(engine: Engine) -> None:
    wrote = Event()

    def write() -> None:
        with open_writer_session(engine):
            wrote.set()

    other, turns = Thread(target=write), 0
    while not wrote.is_set() and turns < OFTEN:
        with open_writer_session(engine):
            if not turns:
                other.start()
            sleep(SHORT)
        turns += 1
        sleep(0.001)  # as a list does between two batches
    other.join()
    assert turns < OFTEN / 4


def test_whoever_writes_knows_whether_others_wait(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")

    def write() -> None:
        with take_write_turn(engine, PATIENCE):
            pass

    other = Thread(target=write)
    with take_write_turn(engine, 0):
        assert not has_waiting_writers(engine)
        other.start()
        until = monotonic() + PATIENCE
        while not has_waiting_writers(engine) and monotonic() < until:
            sleep(SHORT / 10)
        assert has_waiting_writers(engine)
    other.join()
    assert not has_waiting_writers(engine)
    engine.dispose()


def test_whose_turn_does_not_come_is_told_that_the_database_is_locked(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")
    with take_write_turn(engine, 1) as came, pytest.raises(OperationalError) as refusal, open_write_session(engine, 50):
        pass
    assert came
    assert is_locked(refusal.value)
    with open_write_session(engine, 50):  # and then it comes again
        pass
    engine.dispose()


def test_a_turn_ends_with_whoever_fails_in_it(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")
    with pytest.raises(ZeroDivisionError), open_write_session(engine):
        raise ZeroDivisionError
    with take_write_turn(engine, 0) as came:
        assert came
        with take_write_turn(engine, 0) as again:
            assert not again
    engine.dispose()
