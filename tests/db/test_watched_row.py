"""A look at one row sees whatever was committed before it, keeps nobody, and is kept by nobody."""

import pytest
from sqlalchemy import Engine, text

from app.db.engine import is_sqlite, make_engine, migrate_database, open_read_session, open_write_session
from app.db.notifications import WatchedRow
from app.db.scrub import scrub_database

STATEMENT = "SELECT revision, rules FROM head"


def move(engine: Engine, revision: int) -> None:
    with open_write_session(engine) as session:
        session.execute(text(f"UPDATE head SET revision = {revision}"))


def test_a_look_sees_what_was_committed_before_it_by_anybody(engine: Engine, database_url: str) -> None:
    migrate_database(engine)
    watched, other = WatchedRow(engine, STATEMENT), make_engine(database_url)
    try:
        for revision in range(1, 9):
            move(engine if revision % 2 else other, revision)
            assert [row[0] for row in (watched.look(), watched.look()) if row] == [revision, revision]
    finally:
        watched.close()
        other.dispose()


def test_what_is_not_committed_is_not_seen(engine: Engine) -> None:
    migrate_database(engine)
    watched = WatchedRow(engine, STATEMENT)
    with open_write_session(engine) as session:
        session.execute(text("UPDATE head SET revision = 5"))
        row = watched.look()
    assert row is not None
    assert row[0] == 0
    watched.close()


def test_whoever_looked_keeps_no_erasure_from_being_finished(engine: Engine) -> None:
    migrate_database(engine)
    watched = WatchedRow(engine, STATEMENT)
    watched.look()
    assert scrub_database(engine, ["sealed"], 1) is True
    assert watched.look() is not None
    watched.close()


def test_the_connection_goes_back_as_it_came(engine: Engine) -> None:
    migrate_database(engine)
    asked = "PRAGMA busy_timeout" if is_sqlite(engine) else "SHOW lock_timeout"

    def patience() -> str:
        with open_read_session(engine) as session:
            return str(session.scalar(text(asked)))

    before, watched = patience(), WatchedRow(engine, STATEMENT)
    watched.look()
    watched.close()
    assert patience() == before
    with engine.connect() as connection:
        assert getattr(connection.connection.driver_connection, "autocommit", False) in (False, -1)
    watched.close()  # once more changes nothing


def test_a_database_that_is_away_tells_nothing_and_is_looked_at_again_once_it_is_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_database(engine)
    watched = WatchedRow(engine, STATEMENT)
    with monkeypatch.context() as patched:
        patched.setattr(watched, "_statement", "SELECT nothing FROM nowhere")
        assert watched.look() is None
    assert watched.look() is not None
    watched.close()
