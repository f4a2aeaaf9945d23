"""A report is dated by a clock that can be believed, or refused and told why."""

from datetime import datetime, timedelta
from time import sleep

import pytest

from app.clock import WatchedClock
from app.db.engine import open_read_session, open_write_session, read_server_clock
from app.imports.filing import filing_queue
from app.log.entries import pin_clock
from tests.support import A_WHILE, NOW, World, make_report

THREE_WEEKS = timedelta(days=21)
CLAIM = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}


@pytest.fixture
def watched(world: World) -> World:
    """A world whose clock is watched: `world.now` is the machine's clock, and no time passes by the count."""
    world.app.state.watch = WatchedClock(None, lambda: world.now, lambda: 0.0)
    world.app.state.clock = world.app.state.watch.now
    return world


@pytest.mark.parametrize("jump, way", [(THREE_WEEKS, "ahead"), (-THREE_WEEKS, "back")])
def test_nothing_is_written_while_the_clock_has_jumped(watched: World, jump: timedelta, way: str) -> None:
    watched.file()
    watched.now += jump
    with watched.storing_nothing():
        for path, body in (("/v1/releases", make_report(detainee__full_name="Ulises Barrios")), ("/v1/claims", CLAIM)):
            told = watched.refuse(watched.post(path, body, "foro"), 503, "clock_jumped")
            assert f"jumped {way} by 21 days" in told["detail"]
    watched.refuse(watched.get("/readyz"), 503, "clock_jumped")
    assert watched.count()["total"]["cases"] == 1  # keys and questions go by the count
    watched.now = NOW
    assert watched.get("/readyz").json() == {"status": "ok"}
    watched.file(detainee__full_name="Ulises Barrios")


def test_a_moment_that_only_the_jumped_clock_has_reached_has_not_come(watched: World) -> None:
    watched.now += THREE_WEEKS
    moment = (NOW + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    watched.refuse(watched.get("/v1/releases", as_of=moment), 422, "ahead_of_head")


def test_a_list_that_was_taken_waits_until_the_clock_is_right(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing_queue, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(watched.app.state.imports, "wake", lambda: None)  # it is not looked at before the clock jumps
    data = "case,name,country,released_on\nFP-1,Ulises Barrios,VE,2026-01-12\n"
    answer = watched.client.post("/v1/imports", files={"file": ("l", data)}, headers=watched.headers("foro"))
    watched.now += THREE_WEEKS
    watched.app.state.imports._loop.call_soon_threadsafe(watched.app.state.imports._wake_event.set)
    sleep(A_WHILE)
    assert watched.get(f"/v1/imports/{answer.json()['id']}", "foro").json()["state"] == "waiting"
    watched.now = NOW
    watched.settle()
    assert watched.count()["total"]["cases"] == 1


def test_three_weeks_without_an_entry_are_no_jump(world: World) -> None:
    """A process that begins after them sees a clock that is ahead of the last entry, as every process does."""
    world.file()
    world.now += THREE_WEEKS
    world.app.state.watch = WatchedClock(None, lambda: world.now, lambda: 0.0)
    world.file(detainee__full_name="Ulises Barrios")


def dated_ahead(world: World) -> datetime:
    """A world with an entry that a wrong clock dated three weeks ahead; its date. The clock is right again."""
    world.now = ahead = world.now + THREE_WEEKS
    world.file()
    world.now -= THREE_WEEKS
    return ahead


def test_a_clock_far_behind_the_last_entry_writes_nothing_and_says_both_dates(world: World) -> None:
    dated_ahead(world)
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(detainee__full_name="Ulises Barrios"), "foro")
        told = world.refuse(answer, 503, "clock_jumped")["detail"]
    assert "2026-03-22T12:00:00Z" in told
    assert "2026-03-01T12:00:00Z" in told
    assert "recuento clock --pin" in told
    world.refuse(world.get("/readyz"), 503, "clock_jumped")


def test_whoever_says_that_the_entry_was_dated_ahead_goes_on_just_after_it(world: World) -> None:
    ahead = dated_ahead(world)
    with open_write_session(world.engine) as session:
        assert pin_clock(session) == ahead
    for name in ("Ulises Barrios", "Zoraida Montilla"):
        world.file(detainee__full_name=name)
    world.now += THREE_WEEKS + timedelta(minutes=1)
    world.file(detainee__full_name="Rosa Valdivia")
    dates = [at for (at,) in world.rows("SELECT recorded_at FROM entry ORDER BY revision DESC LIMIT 4")]
    assert len(set(map(str, dates))) == 4
    assert world.get("/readyz").json() == {"status": "ok"}


def test_what_was_said_of_one_entry_does_not_hold_for_a_clock_that_is_wrong_later(world: World) -> None:
    dated_ahead(world)
    with open_write_session(world.engine) as session:
        pin_clock(session)
    world.now += 2 * THREE_WEEKS
    world.file(detainee__full_name="Ulises Barrios")
    world.now -= THREE_WEEKS
    world.refuse(world.get("/readyz"), 503, "clock_jumped")


def test_a_few_minutes_behind_the_last_entry_are_no_fault(world: World) -> None:
    world.file()
    world.now -= timedelta(minutes=10)
    world.file(detainee__full_name="Ulises Barrios")


def test_postgresql_has_a_clock_of_its_own_to_begin_with(world: World) -> None:
    with open_read_session(world.engine) as session:
        found = read_server_clock(session.connection())
    assert (found is None) is (world.engine.dialect.name == "sqlite")
    assert found is None or found.utcoffset() == timedelta(0)
