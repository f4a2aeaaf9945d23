"""A scrape is told how the registry stands, and of what waits no more than `/readyz` tells anybody."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.api.middleware import metrics
from app.api.middleware.metrics import StatusCollector
from app.api.routes import health
from app.db.engine import open_write_session
from tests.databases import settings_of
from tests.support import NOW, World

MARKER = "Quetzalcóatl-9137"


@pytest.fixture(autouse=True)
def tried_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WRITE_TRIAL_INTERVAL_SECONDS", 0.0)


def told(world: World) -> dict[str, float | dict[str, float]]:
    """Metric → its value, or its values by label."""
    found: dict[str, float | dict[str, float]] = {}
    for family in StatusCollector(world.app.state).collect():
        by_label = {next(iter(sample.labels.values()), ""): sample.value for sample in family.samples}
        found[family.name] = by_label.get("", by_label)
    return found


def test_the_head_its_age_and_the_lists_under_way_are_told(resting: World) -> None:
    before = resting.revision
    resting.file()
    resting.client.post(
        "/v1/imports", files={"file": ("list.csv", b"nombre;pais\nRosa Valdivia;VE\n")}, headers=resting.headers("foro")
    )
    found = told(resting)
    assert found["recuento_revision"] == resting.revision > before
    assert found["recuento_last_entry_timestamp_seconds"] == NOW.timestamp()
    assert found["recuento_imports"] == {"waiting": 1, "checking": 0, "running": 0}
    assert (found["recuento_ready"], found["recuento_warning"]) == (1, {})


def test_a_question_about_a_moment_makes_no_entry_look_younger(world: World) -> None:
    world.file()
    world.now = NOW.replace(hour=20)
    assert world.get("/v1/releases", as_of="2026-03-01T19:00:00Z").status_code == 200
    assert told(world)["recuento_last_entry_timestamp_seconds"] == NOW.timestamp()


def test_a_registry_without_an_entry_has_no_age(database_url: str) -> None:
    with World(settings_of(database_url), keys={"none": ""}) as empty:
        found = told(empty)
    assert found["recuento_revision"] == 0
    assert found["recuento_last_entry_timestamp_seconds"] == {}


def test_an_erasure_that_is_not_finished_is_a_warning_and_the_registry_is_ready(world: World) -> None:
    with open_write_session(world.engine) as session:
        session.execute(text("UPDATE head SET erased = revision"))
    found = told(world)
    assert (found["recuento_ready"], found["recuento_warning"]) == (1, {"erasure_unfinished": 1})


def test_a_log_that_went_backwards_is_not_ready_and_says_so(world: World) -> None:
    world.file()
    mark = world.app.state.mark
    mark._write(replace(mark.stored, revision=10_000, leaf="ab"))
    found = told(world)
    assert (found["recuento_ready"], found["recuento_warning"]) == (0, {"went_backwards": 1})
    with open_write_session(world.engine) as session:
        mark.accept_loss(session)
    assert told(world)["recuento_ready"] == 1


def test_a_database_that_is_away_is_told_as_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise OperationalError(None, None, Exception(MARKER))

    monkeypatch.setattr(health, "open_read_session", away)
    monkeypatch.setattr(metrics, "open_read_session", away)
    found = told(world)
    assert (found["recuento_ready"], found["recuento_warning"]) == (0, {"unavailable": 1})
    assert "recuento_revision" not in found
    assert "recuento_lane_places" in found


def test_a_failure_that_nobody_foresaw_is_told_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError(MARKER)

    monkeypatch.setattr(health, "list_operator_warnings", broken)
    found = told(world)
    assert (found["recuento_ready"], found["recuento_warning"]) == (0, {"internal_error": 1})
    assert "unforeseen ValueError in a scrape of metrics" in caplog.text
    assert MARKER not in caplog.text


def test_what_is_under_an_embargo_changes_nothing_that_is_told(world: World) -> None:
    world.file()
    before = told(world)
    world.wait("2026-03-20", detainee__full_name="Zoraida Montilla Paz", source_record_id="1")
    world.now = NOW.replace(month=6)  # it is stuck, too
    assert told(world) == before


def test_of_a_database_in_memory_nothing_is_read_beside_its_requests() -> None:
    with World(settings_of("sqlite://"), keys={"none": ""}) as world:
        assert told(world).keys() == {"recuento_lane_places"}
    world.engine.dispose()
