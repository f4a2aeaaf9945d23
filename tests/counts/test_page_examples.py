"""The examples of rules 13 to 19 on the page of the counting rules, filed and counted."""

from typing import Any

from tests.support import Body, World

JANUARY = {"released_from": "2026-01-01", "released_to": "2026-01-31"}
PERSON = {"detention__detained_on": "2025-03-01", "release__released_on": "2026-01-08"}
FAMILY: dict[str, Any] = {"verification": {"verdict": "verified", "method": "family"}}


def count_held(world: World, **terms: Any) -> int:
    answer = world.get("/v1/counts/held", **terms).json()
    return int(answer["total"]["cases"])


def file_both(world: World, first: Body, second: Body) -> None:
    """Two organisations verify the release of one person."""
    detainee = world.file("foro", **PERSON, **FAMILY, **first)["detainee"]["id"]
    world.file("jep", detainee=None, detainee_id=detainee, **PERSON, **FAMILY, **second)


def test_a_person_who_is_counted_only_counts_once_for_each_source(world: World) -> None:
    for source in ("foro", "jep"):
        world.file(source, **PERSON, **FAMILY, detainee__publish="counted")
    count = world.count()
    total = count["total"]
    assert (total["cases"], total["by_min_sources"], count["caveats"]["unlinkable"]) == (2, {"1": 2}, 2)


def test_a_tie_of_two_who_checked_leaves_the_kind_unspecified(world: World) -> None:
    file_both(world, {"release__kind": "full_release"}, {"release__kind": "pardon"})
    total = {
        kind: world.count(release_kind=kind)["total"]["cases"] for kind in ("full_release", "pardon", "unspecified")
    }
    assert total == {"full_release": 0, "pardon": 0, "unspecified": 1}


def test_house_arrest_is_custody_if_the_count_says_so(world: World) -> None:
    world.file("foro", **PERSON, **FAMILY, release__kind="house_arrest")
    held = [count_held(world, held_on="2026-01-20", house_arrest=value) for value in ("false", "true")]
    assert held == [0, 1]


def test_a_death_ends_the_detention_and_is_no_release(world: World) -> None:
    world.file_detention("foro", detention__detained_on="2025-03-01", detainee__died_on="2026-01-08")
    assert [count_held(world, held_on=day) for day in ("2026-01-08", "2026-01-09")] == [1, 0]
    assert world.count()["total"]["cases"] == 0


def test_net_leaves_out_a_release_once_the_person_was_taken_again(world: World) -> None:
    detainee = world.file("foro", **PERSON, **FAMILY)["detainee"]["id"]
    world.file_detention("jep", detainee=None, detainee_id=detainee, detention__detained_on="2026-01-20", **FAMILY)
    assert world.count(**JANUARY)["total"]["cases"] == 1
    assert world.count(net=True, **JANUARY)["total"]["cases"] == 0
    assert world.count(net=True, **JANUARY | {"released_to": "2026-01-15"})["total"]["cases"] == 1


def test_a_tie_of_countries_leaves_a_release_without_one(world: World) -> None:
    file_both(world, {"detention__country": "VE"}, {"detention__country": "CO"})
    assert [world.count(country=country)["total"]["cases"] for country in ("VE", "CO")] == [0, 0]
    assert world.count()["total"]["cases"] == 1
