"""An instant that was answered keeps its answer, whoever writes meanwhile and wherever the clock is set."""

from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Engine

from app.api import head_watcher, write_rendering
from app.dates import format_instant
from app.log.entries import open_writer_session, wait_until_settled
from tests.support import A_WHILE, NOW, World, kept_waiting

SECOND = timedelta(seconds=1)


def at(world: World, instant: datetime) -> int:
    answer = world.get("/v1/releases", as_of=format_instant(instant))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["at"]["revision"])


def test_a_report_that_is_being_written_is_waited_for_by_whoever_asks_for_the_present(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report has its date before it is seen: told of the revision before it, a citation would move."""
    world.file()
    world.now += 10 * SECOND
    dated, told = Event(), Event()
    rendered = write_rendering.RENDERERS["report"]

    def slow(*given: Any) -> Any:
        dated.set()
        told.wait(A_WHILE)
        return rendered(*given)

    monkeypatch.setitem(write_rendering.RENDERERS, "report", slow)
    writer = Thread(target=world.file, kwargs={"detainee__full_name": "Ulises Barrios"})
    writer.start()
    dated.wait()
    instant = world.now
    world.now += SECOND
    first = at(world, instant)
    told.set()
    writer.join()
    assert first == at(world, instant) == world.revision


def test_whoever_asks_for_the_past_or_for_a_day_that_is_not_over_waits_for_nobody(world: World) -> None:
    world.file()
    world.now += 10 * SECOND
    world.file(detainee__full_name="Ulises Barrios")
    with open_writer_session(world.engine):
        assert at(world, NOW) == world.revision - 1
        assert world.get("/v1/releases", as_of=NOW.date().isoformat()).json()["at"]["revision"] == world.revision


def test_whoever_asks_again_for_an_instant_or_for_an_earlier_one_waits_for_nobody(world: World) -> None:
    world.file()
    world.now += 10 * SECOND
    first = at(world, world.now)
    with open_writer_session(world.engine):
        assert {at(world, world.now), at(world, world.now - 3 * SECOND)} == {first}


def test_whoever_waits_for_a_writer_has_no_place_yet_and_keeps_none_from_others(world: World) -> None:
    world.file()
    world.now += SECOND
    lanes = world.app.state.limits
    places, told = lanes.reads.free_places, []
    with kept_waiting(world.engine, *[lambda: told.append(at(world, world.now))] * (places + 1)):
        assert (lanes.reads.free_places, told) == (places, [])
        assert world.get("/v1/releases").status_code == 200
    assert told == [world.revision] * (places + 1)


def test_of_all_who_wait_at_one_time_one_takes_the_writers_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[datetime] = []

    def watched(engine: Engine, instant: datetime, *given: Any) -> datetime:
        turns.append(instant)
        return wait_until_settled(engine, instant, *given)

    monkeypatch.setattr(head_watcher, "wait_until_settled", watched)
    world.file()
    world.now += 10 * SECOND
    asking = [partial(at, world, world.now - back * SECOND) for back in range(6)]
    with kept_waiting(world.engine, *asking):
        assert len(turns) == 1
    assert len(turns) == 1


def test_two_turns_have_a_rest_between_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file()
    begun = monotonic()
    for _ in range(3):
        world.now += SECOND
        at(world, world.now)
    assert monotonic() - begun >= 2 * head_watcher.SETTLING_REST_SECONDS


def test_behind_a_writer_who_is_long_about_it_a_moment_is_asked_for_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_watcher, "SETTLING_TIMEOUT_SECONDS", A_WHILE)
    world.file()
    world.now += SECOND
    with open_writer_session(world.engine):
        answers = [world.get(path, as_of=format_instant(world.now)) for path in ("/v1/releases", "/v1/counts/releases")]
        answers.append(world.get("/v1/corrections", since=format_instant(world.now)))
        for answer in answers:
            assert "without a moment" in world.refuse(answer, 429, "busy")["detail"]
            assert "behind" in world.get("/readyz").json()["warnings"]
            assert int(answer.headers["retry-after"]) > 0
        assert world.get("/v1/releases").status_code == 200
    assert at(world, world.now) == world.revision


def test_the_time_at_which_a_question_was_asked_holds_for_all_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moment that comes while the question waits has not been settled."""
    world.file()
    coming = format_instant(world.now + SECOND)

    async def slow(*_given: Any) -> None:
        world.now += 10 * SECOND

    monkeypatch.setattr(world.app.state.settling, "reach", slow)
    answer = world.get("/v1/releases", as_of=coming, changed_since=format_instant(NOW))
    world.refuse(answer, 422, "ahead_of_head", "/as_of")


def test_a_clock_set_back_dates_nothing_at_an_instant_that_was_answered(world: World) -> None:
    world.now += 10 * SECOND
    world.file()
    last, world.now = world.now, world.now + SECOND
    first = at(world, last)
    world.now = last - 5 * SECOND
    world.file(detainee__full_name="Ulises Barrios")
    world.now = last + 10 * SECOND
    assert at(world, last) == first
    assert at(world, world.now) == first + 1
