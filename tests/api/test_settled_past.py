"""An instant that was answered keeps its answer, whoever writes meanwhile and wherever the clock is set."""

from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from app.api import render
from app.dates import format_instant
from tests.support import A_WHILE, NOW, World

SECOND = timedelta(seconds=1)


def at(world: World, instant: datetime) -> int:
    answer = world.get("/v1/releases", as_of=format_instant(instant))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["revision"])


def test_a_report_that_is_being_written_is_waited_for_by_whoever_asks_for_the_present(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report has its date before it is seen: told of the revision before it, a citation would move."""
    world.file()
    world.now += 10 * SECOND
    dated, told = Event(), Event()
    rendered = render.RENDERERS["report"]

    def slow(*given: Any) -> Any:
        dated.set()
        told.wait(A_WHILE)
        return rendered(*given)

    monkeypatch.setitem(render.RENDERERS, "report", slow)
    writer = Thread(target=world.file, kwargs={"detainee__full_name": "Ulises Barrios"})
    writer.start()
    dated.wait()
    instant = world.now
    world.now += SECOND
    first = at(world, instant)
    told.set()
    writer.join()
    assert first == at(world, instant) == world.revision


def test_whoever_asks_for_the_past_or_for_a_day_that_is_not_over_waits_for_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    world.now += 10 * SECOND
    world.file(detainee__full_name="Ulises Barrios")
    waited: list[object] = []
    monkeypatch.setattr("app.log.entries.as_only_writer", waited.append)
    assert at(world, NOW) == world.revision - 1
    assert world.get("/v1/releases", as_of=NOW.date().isoformat()).json()["revision"] == world.revision
    assert waited == []


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
