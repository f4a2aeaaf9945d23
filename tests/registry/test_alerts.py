"""A day on which a source withdraws many of its reports is told, and nothing else comes of it."""

from datetime import timedelta

import pytest

from app.cli.maintenance import build_status_report, format_status_lines
from app.db.engine import open_read_session
from app.registry import alerts
from app.registry.review import limits
from tests.registry.review.test_waiting import file_people
from tests.support import NOW, Body, World
from tests.web.desk.officer import Officer

DAY = timedelta(days=1)


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A registry where three withdrawals are many."""
    monkeypatch.setattr(alerts, "MIN_WITHDRAWALS", 3)
    return world


def withdraw(world: World, number: int, who: str = "foro", first: int = 1) -> None:
    """File so many reports, and withdraw them."""
    for filed in file_people(world, number, who, first):
        assert world.post(f"/v1/reports/{filed['report']['id']}/retract", {}, who).status_code == 200


def told(world: World) -> list[Body]:
    return list(world.get("/v1/review", "curator").json()["withdrawals"])


def test_many_withdrawals_are_told_to_curators_with_the_source(world: World) -> None:
    withdraw(world, 2, "jep", first=50)
    withdraw(world, 3)
    assert told(world) == [{"source": "foro", "day": "2026-03-01", "reports": 3}]
    curator = Officer(world)
    curator.sign_in("curator")
    assert "<bdi>Foro</bdi> withdrew 3 reports on 1 Mar 2026" in curator.open("/desk/review").text


def test_readiness_warns_without_naming_and_stays_ready(world: World) -> None:
    withdraw(world, 3)
    answer = world.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "warnings": ["many_withdrawals"]})


def test_the_status_names_the_source_and_says_what_to_do(world: World) -> None:
    withdraw(world, 3)
    with open_read_session(world.engine) as session:
        status = build_status_report(session)
    assert status["warnings"] == ["many_withdrawals"]
    (line,) = [line for line in format_status_lines(status) if "WARNING" in line]
    assert "foro withdrew 3 reports on 2026-03-01" in line
    assert "recuento key stolen" in line


def test_nothing_is_quarantined_by_itself(world: World) -> None:
    withdraw(world, 3)
    assert world.get("/v1/sources/foro").json()["quarantined"] is False


def test_each_day_is_counted_by_itself(world: World) -> None:
    withdraw(world, 2)
    world.now = NOW + DAY
    withdraw(world, 2, first=50)
    assert told(world) == []


def test_reports_and_corrections_are_no_withdrawals(world: World) -> None:
    file_people(world, 4)
    file_people(world, 4, release__kind="pardon")
    assert told(world) == []


def test_corrections_that_await_review_take_back_what_they_correct(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_people(world, 3)
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 0)
    file_people(world, 3, release__released_on="2026-01-20")
    assert told(world) == [{"source": "foro", "day": "2026-03-01", "reports": 3}]


def test_withdrawals_are_told_for_a_week_of_the_log(world: World) -> None:
    withdraw(world, 3)
    world.now = NOW + 6 * DAY
    file_people(world, 1, "jep", first=50)
    assert len(told(world)) == 1
    world.now = NOW + 7 * DAY
    file_people(world, 3, "jep", first=60)
    assert told(world) == []


def test_days_that_are_over_are_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    withdraw(world, 3)
    world.now = NOW + DAY
    file_people(world, 1, "jep", first=50)
    assert len(told(world)) == 1
    count, counted = alerts.count_withdrawals, []

    def counting(session: object, day: object) -> dict[int, int]:
        counted.append(day)
        return count(session, day)  # type: ignore[arg-type]

    monkeypatch.setattr(alerts, "count_withdrawals", counting)
    assert len(told(world)) == 1
    assert [str(day) for day in counted] == ["2026-03-02"]
