"""Detentions of any time on the wire: their arrests and ends, and what belongs to the held."""

from typing import Any

import pytest

from tests.support import World

COUNT, LIST = "/v1/counts/detentions", "/v1/detentions"
OTHERS = [
    {"detainee__full_name": f"{name} Otero Invento", "detainee__birth_date": str(1950 + number)}
    for number, name in enumerate(("Ismael", "Tulia", "Bruno", "Carla"))
]


@pytest.fixture
def scene(world: World) -> World:
    """Four detentions: a release, a death, an escape at a coarse time, and one that goes on."""
    world.file("foro", detention__detained_on="2025-03-01", release__released_on="2026-01-08")
    died, escaped = {"on": "2026-01-20", "how": "died"}, {"on": "2026-01", "how": "escaped"}
    world.file_detention("foro", **OTHERS[0], detention__detained_on="2025-03-20", detention__ended=died)
    world.file_detention("jep", **OTHERS[1], detention__detained_on="2025-04", detention__ended=escaped)
    world.file_detention("jep", **OTHERS[2], detention__detained_on="2025-03-31/2025-04-02")
    return world


def count(world: World, **terms: Any) -> tuple[int, int]:
    """Return the number of detentions, and of those of an uncertain date."""
    answer = world.get(COUNT, **terms).json()
    assert len(world.get(LIST, limit=200, **terms).json()["data"]) == answer["total"]["cases"]
    return answer["total"]["cases"], answer["caveats"]["uncertain_date"]


def test_deaths_in_custody_are_counted_by_their_day(scene: World) -> None:
    assert count(scene, ended="died") == (1, 0)
    assert count(scene, ended="died", ended_from="2026-01") == (1, 0)
    assert count(scene, ended="died", ended_to="2026-01-19") == (0, 0)


def test_an_end_across_the_edge_of_the_window_is_uncertain(scene: World) -> None:
    assert count(scene, ended_from="2026-01", ended_to="2026-01") == (3, 0)
    assert count(scene, ended_from="2026-01-15") == (1, 1)
    assert count(scene, ended=["released", "escaped"], ended_from="2026-01-15") == (0, 1)


def test_a_contested_release_leaves_the_end_uncertain(world: World) -> None:
    filed = world.file("foro", release__released_on="2026-01-08", verification__verdict="reported")
    world.verify(filed["release"]["id"], "jep", verdict="disputed", method="family")
    assert count(world) == (1, 0)
    assert count(world, ended="released") == count(world, ended_from="2026-01") == (0, 1)
    assert count(world, ended_to="2025-12") == count(world, ended="died") == (0, 0)


def test_a_death_after_the_release_is_none_in_custody(world: World) -> None:
    world.file("foro", release__released_on="2026-01-08", detainee__died_on="2026-01-20")
    assert (count(world, ended="died"), count(world, ended="released")) == ((0, 0), (1, 0))


def test_a_window_and_groups_are_those_of_the_arrest(scene: World) -> None:
    assert count(scene, detained_from="2025-03", detained_to="2025-03") == (2, 1)
    groups = scene.get(COUNT, group_by="month").json()["groups"]
    assert [(group["by"]["month"], group["counts"]["cases"]) for group in groups] == [
        ("2025-03", 2),
        ("2025-04", 1),
        (None, 1),
    ]
    groups = scene.get(COUNT, group_by=["ended", "week"], detained_to="2025-03").json()["groups"]
    assert [(group["by"]["ended"], group["by"]["week"]) for group in groups] == [
        ("died", "2025-W12"),
        ("released", "2025-W09"),
    ]
    for group in groups:
        assert len(scene.client.get(group["list"]).json()["data"]) == group["counts"]["cases"]


def test_a_source_counts_by_its_own_arrests_and_ends(scene: World) -> None:
    filed = scene.file_detention("foro", **OTHERS[3], detention__detained_on="2025-05-02")
    own = {"detained_on": "2025-06-03", "ended": {"how": "escaped", "on": "2025-07-01"}}
    scene.file_detention("jep", detainee=None, detention_id=filed["detention"]["id"], detention=own)
    groups = scene.get(COUNT, group_by=["source", "ended", "month"], detained_from="2025-05").json()["groups"]
    assert [(*group["by"].values(), group["counts"]["verified"]) for group in groups] == [
        ("foro", None, "2025-05", 1), ("jep", "escaped", "2025-06", 1),
    ]  # fmt: skip
    assert (count(scene, source="jep", ended="escaped"), count(scene, source="foro", ended="escaped")) == (
        (2, 0),
        (0, 0),
    )


REFUSED = [
    (f"{LIST}?country=VE&held_on=2026-01-10", "/held_on", "/v1/held?country=VE&held_on=2026-01-10"),
    (f"{COUNT}?house_arrest=true", "/house_arrest", "/v1/counts/held?house_arrest=true"),
    (f"{COUNT}?held_within=3&ended=died", "/held_within", "/v1/counts/held?held_within=3"),
    (f"{LIST}.csv?held_on=2026-01-10", "/held_on", "/v1/held.csv?held_on=2026-01-10"),
    ("/v1/held?ended=died&gender=female", "/ended", "/v1/detentions?ended=died&gender=female"),
    ("/v1/counts/held?released_from=2026", "/released_from", "/v1/counts/releases?released_from=2026"),
]  # fmt: skip


@pytest.mark.parametrize("address, pointer, other_address", REFUSED)
def test_a_term_of_another_address_is_refused_with_that_address(
    scene: World, address: str, pointer: str, other_address: str
) -> None:
    problem = scene.refuse(scene.client.get(address), 422, "unknown_field", pointer)
    assert problem["errors"][0]["detail"].endswith(f" Ask {other_address}")
    assert scene.client.get(other_address).status_code == 200


def test_a_count_without_terms_is_cited_as_that_of_detentions(scene: World) -> None:
    answer = scene.get(COUNT, country="VE", detained_from="2025-03", ended="died", ended_from="2026").json()
    citation = scene.client.get(answer["links"]["cite"]).json()["citation"]
    assert "1 detention in Venezuela since March 2025 (ended since 2026; " in citation["en"]
    assert "1 detención en Venezuela desde marzo de 2025 (con fin desde 2026; " in citation["es"]
    for terms in ({}, {"ended": "died"}):
        cited = scene.get(COUNT, **terms).json()
        assert scene.client.get(cited["links"]["cite"]).json()["cited"]["total"] == cited["total"]


def test_a_detention_that_only_reports_under_review_divide_is_a_number_and_no_row(world: World) -> None:
    first = world.file("foro", detention__detained_on="2025-03-01", release__released_on="2026-01-08")
    again = {"detainee_id": first["detainee"]["id"], "detainee": {}, "source_record_id": "2"}
    for limit, day in ((20, "2026-01-20"), (0, "2026-01-21")):
        world.trust("jep", limit)
        world.file(
            "jep", **again, detention={"detained_on": day, "country": "VE"}, release={"released_on": "2026-02-12"}
        )
    for noun, terms in (("releases", {}), ("detentions", {}), ("held", {"held_on": "2026-02-05"})):
        counted = world.get(f"/v1/counts/{noun}", source="jep", **terms).json()["total"]["cases"]
        page = world.get(f"/v1/{noun}", source="jep", **terms).json()
        assert (counted, page["data"], page["caveats"]["withheld"]) == (1, [], 1)
