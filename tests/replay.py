"""The January replay: it takes many seconds, so the workers of a run load it once on each engine between them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app.config import Settings
from app.db.engine import make_engine, migrate_database, open_write_session
from app.demo import run
from app.log.head import bind_secret, require_rows_version
from app.projection import ROWS_VERSION
from tests.databases import new_mark

SECRET = "a secret of the replay"


def settings_for(url: str) -> Settings:
    return Settings(database_url=url, secret=SECRET, concurrency=4, head_file=new_mark(url))  # type: ignore[arg-type]


def replayed_once(folders: pytest.TempPathFactory) -> Path:
    """The database of SQLite, to be copied and not written to."""
    with _first_of_all(folders, "replay.db") as database:
        if not database.exists():
            draft = database.with_suffix(".draft")
            load(settings_for(f"sqlite:///{draft}"))
            draft.rename(database)
    return database


def replay_into(url: str, folders: pytest.TempPathFactory) -> None:
    """Fill an empty registry of PostgreSQL: the first worker replays January, the others have its rows."""
    with _first_of_all(folders, "replay") as rows:
        first = not rows.exists()
        if first:
            load(settings_for(url))
            draft = rows.with_suffix(".rows")  # not the draft of the database of SQLite
            draft.mkdir()
            with psycopg.connect(url) as connection:
                for table in _tables(connection):
                    with (draft / table).open("wb") as file, connection.cursor().copy(_copy(table, "TO STDOUT")) as out:
                        for piece in out:
                            file.write(piece)
            draft.rename(rows)
    if first:
        return
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # the triggers that forbid to delete
        for table in _tables(connection):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            with connection.cursor().copy(_copy(table, "FROM STDIN")) as into:
                into.write((rows / table).read_bytes())


def _tables(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def _copy(table: str, where: str) -> sql.Composed:
    return sql.SQL("COPY {} {}").format(sql.Identifier(table), sql.SQL(where))


@contextmanager
def _first_of_all(folders: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A path that the workers of a run share, each alone with it for as long as it makes what is there."""
    base = folders.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield shared / name


def load(settings: Settings) -> None:
    """Replay January into an empty database."""
    engine = make_engine(settings.database_url)
    migrate_database(engine)
    with open_write_session(engine) as session:
        bind_secret(session, settings.secret_key())
        require_rows_version(session, ROWS_VERSION)
        run.load_replay(session, settings.secret_key())
    engine.dispose()  # the last connection empties the write-ahead log into the file
