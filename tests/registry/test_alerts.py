"""A day on which a source files far more than it is used to is told, and nothing else comes of it."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from app.cli.maintenance import build_status_report, format_status_lines
from app.db.engine import open_read_session
from app.registry import alerts
from tests.support import NOW, Body, World

DAY = timedelta(days=1)


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A registry where six reports are many; each list of a test has invented people of its own."""
    monkeypatch.setattr(alerts, "MIN_BURST_REPORTS", 6)
    return world


def send(world: World, number: int, who: str = "foro", prefix: str = "A") -> None:
    """A list of so many people whom nobody else reports."""
    rows = [
        f"{prefix}-{row},{prefix}{'abcdefghij'[row % 10]}ldo {prefix}iro {'x' * (row // 10)},VE"
        for row in range(number)
    ]
    receipt = world.send_list("\n".join(["case number,name,country", *rows, ""]), who)
    assert (receipt["state"], receipt["counts"]["error"]) == ("done", 0), receipt


def told(world: World) -> list[Body]:
    return list(world.get("/v1/review", "curator").json()["bursts"])


def test_a_day_far_above_a_sources_habit_is_told_to_curators_with_the_source(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 6)
    assert told(world) == [{"source": "foro", "day": "2026-03-02", "reports": 6, "usual": 1}]


def test_readiness_warns_without_naming_and_stays_ready(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 6)
    answer = world.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "warnings": ["report_burst"]})


def test_the_status_names_the_source_and_says_what_to_do(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 6)
    with open_read_session(world.engine) as session:
        status = build_status_report(session)
    assert status["warnings"] == ["report_burst"]
    (line,) = [line for line in format_status_lines(status) if "WARNING" in line]
    assert "foro: 6 reports on 2026-03-02" in line
    assert "quarantine" in line


def test_nothing_is_quarantined_by_itself(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 12)
    assert world.get("/v1/sources/foro").json()["quarantined"] is False
    assert world.by_source() == {"foro": 1}


def test_a_list_of_a_source_that_sends_lists_is_habit(world: World) -> None:
    send(world, 4)
    world.now = NOW + 30 * DAY
    send(world, 20, prefix="B")
    assert told(world) == [], "five times as many may be two lists, or one that has grown"


def test_a_list_more_than_five_times_as_long_as_any_before_is_a_burst(world: World) -> None:
    send(world, 4)
    world.now = NOW + 30 * DAY
    send(world, 21, prefix="B")
    assert [(one["reports"], one["usual"]) for one in told(world)] == [(21, 4)]


def test_what_others_file_is_no_habit(world: World) -> None:
    send(world, 12, "jep")
    world.file("foro")
    world.now = NOW + DAY
    send(world, 12, "jep", prefix="B")
    send(world, 6, prefix="C")
    assert [one["source"] for one in told(world)] == ["foro"]


def test_the_first_day_of_a_source_is_no_burst_but_a_wakening_is(world: World) -> None:
    send(world, 12)
    assert told(world) == []
    world.now = NOW + (alerts.HABIT_DAYS + 2) * DAY
    send(world, 6, prefix="B")
    assert [(one["reports"], one["usual"]) for one in told(world)] == [(6, 0)]


def test_fewer_than_a_curator_reads_through_are_none(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 5)
    assert told(world) == []


def test_new_versions_count_and_a_list_sent_again_does_not(world: World) -> None:
    send(world, 12)
    world.now = NOW + DAY
    send(world, 12)  # unchanged: nothing is written
    world.now = NOW + (alerts.HABIT_DAYS + 2) * DAY
    rows = [f"A-{row},A{'abcdefghij'[row % 10]}ldo Airo {'x' * (row // 10)},CO" for row in range(12)]
    world.send_list("\n".join(["case number,name,country", *rows, ""]))
    assert [one["reports"] for one in told(world)] == [12]


def test_a_burst_is_told_for_a_week_of_the_log(world: World) -> None:
    world.file("foro")
    world.now = NOW + DAY
    send(world, 6)
    world.now = NOW + 7 * DAY
    world.file("jep")
    assert len(told(world)) == 1
    world.now = NOW + 8 * DAY
    world.file("jep", detainee__full_name="Ulises Barrios")
    assert told(world) == []
    assert world.get("/readyz").json() == {"status": "ok"}


def test_a_quiet_week_is_told_by_one_look_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "count_reports_between", lambda *_given: pytest.fail("nobody can have filed so many"))
    world.file("foro")
    world.now = NOW + 10 * DAY
    world.file("jep")
    assert told(world) == []


def test_days_that_are_over_are_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send(world, 6)
    world.now = NOW + DAY
    send(world, 6, prefix="B")
    assert "warnings" not in world.get("/readyz").json()
    count, counted = alerts.count_reports_between, []

    def counting(session: Session, after: int, until: int) -> dict[int, int]:
        counted.append(after)
        return count(session, after, until)

    monkeypatch.setattr(alerts, "count_reports_between", counting)
    assert "warnings" not in world.get("/readyz").json()
    assert len(counted) == 1, "today alone"
    assert told(world) == []
    assert len(counted) == 2, "for curators too"
    world.now = NOW + 2 * DAY
    send(world, 31, prefix="C")
    assert world.get("/readyz").json()["warnings"] == ["report_burst"], "and what came since is seen"
