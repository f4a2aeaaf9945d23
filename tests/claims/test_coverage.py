"""How much the registry knows of what it counts: the newest published figures stand beside the number."""

from typing import Any

import pytest

from app.claims.coverage import MAX_FIGURES
from tests.support import NOW, Body, World

JANUARY = {"measure": "released", "qualifier": "exactly", "country": "VE", "window_from": "2026-01-08"}


def publish(world: World, claimant: str, number: int, stated_at: str, **said: Any) -> str:
    return world.claim({"claimant": claimant, "low": number, "high": number, "stated_at": stated_at, **JANUARY, **said})


def published(count: Body) -> list[tuple[str, int]]:
    coverage = count["caveats"]["coverage"]
    return [] if coverage is None else [(one["claimant"], one["low"]) for one in coverage["published"]]


@pytest.fixture
def told(world: World) -> World:
    world.now = NOW
    world.file()
    publish(world, "foro", 41, "2026-01-12")
    publish(world, "jep", 53, "2026-01-13")
    publish(world, "foro", 56, "2026-01-14")
    publish(world, "ministry", 116, "2026-01-15", definition={"terms": {"stage": "announced"}})
    publish(world, "pud", 18, "2026-01-15", definition={"terms": {"group": "journalist"}})
    publish(world, "pud", 7, "2026-01-15", country="NI")
    return world


def test_it_is_the_newest_figure_of_each_claimant_of_the_same_people_and_stage(told: World) -> None:
    assert published(told.count(country="VE")) == [("foro", 56), ("jep", 53)]
    assert published(told.count(country="VE", designation="political")) == [("foro", 56), ("jep", 53)]
    assert published(told.count(country="VE", stage="announced")) == [("ministry", 116)]
    assert published(told.count(country="VE", group="journalist")) == [("pud", 18)]


def test_there_is_none_without_a_country_or_without_figures(told: World) -> None:
    assert told.count()["caveats"]["coverage"] is None
    assert told.count(country="CO")["caveats"]["coverage"] is None


def test_a_figure_that_was_recorded_or_corrected_later_leaves_an_earlier_count_as_it_was(told: World) -> None:
    before = told.count(country="VE")
    first = publish(told, "pud", 60, "2026-01-16")
    assert published(told.count(country="VE"))[0][1] == 60
    publish(told, "pud", 61, "2026-01-16", supersedes=[first])
    assert published(told.count(country="VE"))[0][1] == 61
    assert told.client.get(before["links"]["permalink"]).json() == before


def test_of_people_held_it_is_what_was_stated_by_the_day(told: World) -> None:
    for number, day in ((806, "2026-01-05"), (777, "2026-01-20")):
        publish(told, "foro", number, day, measure="held", window_from=None)
    for day, number in (("2026-01-10", 806), ("2026-01-20", 777)):
        assert published(told.get("/v1/counts/held", country="VE", held_on=day).json()) == [("foro", number)]


def test_at_most_a_few_are_shown(told: World) -> None:
    for number in range(MAX_FIGURES + 1):
        told.add_source(f"source-{number}")
        publish(told, f"source-{number}", 80 + number, "2026-01-20")
    assert [number for _claimant, number in published(told.count(country="VE"))] == [85, 84, 83, 82, 81]
