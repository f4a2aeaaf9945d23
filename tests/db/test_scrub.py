"""What was deleted leaves the files of a database, beside readers and in little memory too, and what was not stays."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from sqlalchemy import Connection, Engine, text

from app.db import scrub as database_scrub
from app.db.engine import is_sqlite, make_engine
from app.db.scrub import is_scrubbing, scrub_database
from app.registry.publication.erasure import SCRUBBED_TABLES
from tests.support import World

SEEING_ALL = "SELECT 1 WHERE %(xid)s = ''"  # that nobody hinders, as an owner sees it from whom others are hidden


@contextmanager
def reading_on(engine: Engine) -> Iterator[Connection]:
    """Somebody who goes on seeing every table of a PostgreSQL database as it is now, and has locked one alone."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SELECT * FROM head")).all()
        yield connection


def places(engine: Engine) -> dict[str, int]:
    """Table → the number of the file on the disk that PostgreSQL has it in."""
    with engine.connect() as connection:
        return {
            table: connection.scalar(text(f"SELECT pg_relation_filenode('{table}')")) or 0 for table in SCRUBBED_TABLES
        }


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Engine]:
    """A file of SQLite of which half is free."""
    engine = make_engine(f"sqlite:///{tmp_path / 'half.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE sealed (x)")
        connection.exec_driver_sql("INSERT INTO sealed VALUES (?)", [("x" * 4_000,)] * 100)
        connection.exec_driver_sql("DELETE FROM sealed WHERE rowid > 50")
        connection.commit()
    yield engine
    engine.dispose()


def pages(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def test_who_still_reads_keeps_the_write_ahead_log_from_being_emptied(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'read.db'}", 3)
    with engine.connect() as reader, engine.connect() as writer:
        writer.exec_driver_sql("CREATE TABLE t (x)")
        writer.commit()
        reader.exec_driver_sql("SELECT * FROM t").all()
        writer.exec_driver_sql("INSERT INTO t VALUES (1)")
        writer.commit()
        assert scrub_database(engine, (), 1) is False
        assert Path(f"{engine.url.database}-wal").stat().st_size
        reader.rollback()
        assert scrub_database(engine, (), 1) is True
    assert not Path(f"{engine.url.database}-wal").stat().st_size
    engine.dispose()


def test_a_scrubbed_registry_keeps_what_was_not_deleted(world: World) -> None:
    world.file()
    before = world.stored()
    assert scrub_database(world.engine, SCRUBBED_TABLES, 1) is True
    if world.engine.dialect.name == "sqlite":
        log = Path(f"{world.engine.url.database}-wal")  # gone once the last connection is closed
        assert not log.exists() or log.stat().st_size == 0
    assert world.stored() == before
    assert world.get("/v1/releases").json()["data"]


def test_whoever_scrubs_waits_as_long_as_before_afterwards(engine: Engine) -> None:
    setting = "PRAGMA busy_timeout" if engine.dialect.name == "sqlite" else "SHOW lock_timeout"
    with engine.connect() as connection:
        before = connection.exec_driver_sql(setting).scalar_one()
    assert scrub_database(engine, SCRUBBED_TABLES, 1) is True
    with engine.connect() as connection:
        assert connection.exec_driver_sql(setting).scalar_one() == before
        assert connection.in_transaction()


def test_scrubbing_leaves_none_of_the_copies_that_were_left_behind_when_rows_moved(tmp_path: Path) -> None:
    """Of ten thousand keys, put into an index in no order, a few lie in the file twice: deleting overwrites one."""
    sqlite = make_engine(f"sqlite:///{tmp_path / 'moved.db'}")
    draw = random.Random(1)
    keys = [f"key-{draw.getrandbits(64):016x}" for _ in range(10_000)]
    gone = draw.sample(keys, 2_000)
    with sqlite.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (record INTEGER, key TEXT, PRIMARY KEY (record, key))")
        connection.exec_driver_sql("CREATE INDEX i ON t (key, record)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?, ?)", [*enumerate(keys)])
        connection.exec_driver_sql("DELETE FROM t WHERE key = ?", [(key,) for key in gone])
        connection.commit()
    assert scrub_database(sqlite, (), 1) is True
    sqlite.dispose()
    left = Path(str(sqlite.url.database)).read_bytes()
    assert [key for key in gone if key.encode() in left] == []
    assert all(key.encode() in left for key in set(keys).difference(gone))


@pytest.mark.parametrize("trouble", [MemoryError(), pysqlite3.OperationalError(), psycopg.OperationalError()])
def test_without_room_in_memory_or_on_the_disk_scrubbing_is_left_for_later(
    file: Engine, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def fails(*_: Any) -> bool:
        raise trouble

    monkeypatch.setattr(database_scrub, "_scrub_file", fails)
    assert scrub_database(file, (), 1) is False
    assert is_scrubbing(file) is False


def test_a_database_that_is_away_is_scrubbed_later(tmp_path: Path) -> None:
    for address in ("postgresql://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}"):
        assert scrub_database(make_engine(address), SCRUBBED_TABLES, 1) is False


def test_a_copy_for_which_there_is_no_memory_is_not_begun(file: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pages(file)
    needed = whole * 4096 * database_scrub.COPY_MEMORY_FACTOR + database_scrub.REQUESTS_MEMORY_BYTES
    monkeypatch.setattr(database_scrub, "measure_free_memory", lambda: int(needed) - 1)
    assert scrub_database(file, (), 1) is False
    assert pages(file) == whole
    monkeypatch.setattr(database_scrub, "measure_free_memory", lambda: int(needed) + 1)
    assert scrub_database(file, (), 1) is True
    assert pages(file) < whole


def test_a_file_that_is_written_anew_is_not_written_again_for_the_same_erasure(
    file: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who comes just before VACUUM keeps the log from being emptied after it, again and again."""
    written = []

    def counted(*_: Any) -> bool:
        written.append(1)
        if not reader.closed:
            reader.execute(text("SELECT * FROM sealed")).all()
        return True

    monkeypatch.setattr(database_scrub, "_has_memory", counted)
    with file.connect() as reader:
        assert [scrub_database(file, (), 1) for _ in range(3)] == [False] * 3
        assert len(written) == 1
    assert scrub_database(file, (), 1) is True
    assert len(written) == 1
    assert scrub_database(file, (), 2) is True
    assert len(written) == 2


def test_a_process_that_is_at_it_says_so_and_does_not_begin_twice(
    file: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def meanwhile(*_: Any) -> bool:
        said.append((is_scrubbing(file), scrub_database(file, (), 1)))
        return True

    monkeypatch.setattr(database_scrub, "_has_memory", meanwhile)
    assert scrub_database(file, (), 1) is True
    assert said == [(True, False)]
    assert is_scrubbing(file) is False


def test_tables_that_are_written_anew_are_not_written_again_for_the_same_erasure(engine: Engine) -> None:
    if is_sqlite(engine):
        pytest.skip("a file is written as one")
    before = places(engine)
    with engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE sealed IN ACCESS SHARE MODE")
        assert scrub_database(engine, SCRUBBED_TABLES, 1) is False
        halfway = places(engine)
    early = {table for table in SCRUBBED_TABLES if table < "sealed"}
    assert {table for table in SCRUBBED_TABLES if halfway[table] != before[table]} == early
    assert scrub_database(engine, SCRUBBED_TABLES, 1) is True
    after = places(engine)
    assert {table for table in SCRUBBED_TABLES if after[table] != halfway[table]} == set(SCRUBBED_TABLES) - early
    assert scrub_database(engine, SCRUBBED_TABLES, 2) is True
    assert not set(places(engine).values()) & set(after.values())


def test_what_was_kept_for_a_reader_whom_the_owner_cannot_see_is_not_called_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = world.engine
    if is_sqlite(engine):
        pytest.skip("a file has no readers that are hidden")
    monkeypatch.setattr(database_scrub, "_OLDER_TRANSACTION_SQL", SEEING_ALL)
    world.file()
    with reading_on(engine):
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM sealed")
        assert scrub_database(engine, ["sealed"], 1) is False
    assert scrub_database(engine, ["sealed"], 1) is True
