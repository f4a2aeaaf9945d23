"""On which day a key was last used is kept, without making a write of a read."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.db.engine import is_sqlite
from tests.support import NOW, World
from tests.working import statements

DAY = timedelta(days=1)


@pytest.fixture
def world(world: World) -> World:
    world.app.state.key_uses.write(world.engine)  # what came before is no part of the test
    return world


def last_used(world: World, who: str = "foro") -> str | None:
    ((day,),) = world.rows(f"SELECT last_used_on FROM api_key WHERE id = '{world.keys[who][4:12]}'")
    return None if day is None else str(day)


def write(world: World) -> list[str]:
    """Write the days; the statements that changed a key."""
    with statements(world.engine) as run:
        world.app.state.key_uses.write(world.engine)
    return [statement for statement in run if statement.startswith("UPDATE api_key")]


def test_a_request_writes_no_day_itself_and_the_day_comes_later(world: World) -> None:
    assert world.get("/v1/me", "foro").status_code == 200
    assert last_used(world) is None
    write(world)
    assert last_used(world) == NOW.date().isoformat()
    assert last_used(world, "jep") is None


def test_a_key_that_writes_is_used_too(world: World) -> None:
    world.file("foro")
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_a_day_is_written_once_however_often_a_key_is_used(world: World) -> None:
    for _ in range(3):
        world.get("/v1/me", "foro")
    assert len(write(world)) == 1
    world.get("/v1/me", "foro")
    assert write(world) == []
    world.now = NOW + DAY
    world.get("/v1/me", "foro")
    assert len(write(world)) == 1
    assert last_used(world) == (NOW + DAY).date().isoformat()


def test_a_clock_that_was_set_back_takes_no_day_back(world: World) -> None:
    world.get("/v1/me", "foro")
    world.now = NOW - DAY
    world.get("/v1/me", "foro")
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_who_is_refused_has_not_used_a_key(world: World) -> None:
    world.now = NOW + timedelta(days=365)
    assert world.get("/v1/me", "foro").status_code == 401
    assert write(world) == []


def test_a_registry_that_cannot_be_written_is_read_and_the_day_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_sqlite(world.engine):
        pytest.skip("query_only is SQLite's")
    assert world.get("/v1/releases", "foro").status_code == 200

    def only_reads(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    event.listen(world.engine, "begin", only_reads)
    assert world.get("/v1/releases", "foro").status_code == 200
    with pytest.raises(OperationalError):
        world.app.state.key_uses.write(world.engine)
    event.remove(world.engine, "begin", only_reads)
    world.engine.dispose()  # whichever connections were told so
    assert last_used(world) is None
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_the_days_are_written_when_the_server_stops(world: World) -> None:
    world.get("/v1/me", "foro")
    world.client.__exit__(None, None, None)
    assert last_used(world) == NOW.date().isoformat()
    world.client.__enter__()


def test_a_day_is_all_that_is_kept(world: World) -> None:
    world.get("/v1/me", "foro")
    write(world)
    (kept,) = {row[0] for row in world.rows("SELECT last_used_on FROM api_key WHERE last_used_on IS NOT NULL")}
    assert date.fromisoformat(str(kept)) == NOW.date()
