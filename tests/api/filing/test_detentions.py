"""Which detentions a person had, and what counts make of it (rules 4 and 10, through the API)."""

from typing import Any

from tests.support import GOVERNMENT, Body, World

APRIL = {"released_from": "2024-04", "released_to": "2024-04"}


def arrested(on: str | None) -> Body:
    return {"country": "VE"} | ({"detained_on": on} if on else {})


def report(world: World, who: str, of: Body | None, since: str | None, until: str | None = None, **more: Any) -> Body:
    """A report of one detention of the man that another report is `of`, and of its release if that has a day."""
    known: Body = {} if of is None else {"detainee_id": of["detainee"]["id"], "detainee": None}
    if until is None:
        return world.file_detention(who, **known, detention=arrested(since), **more)
    return world.file(who, **known, detention=arrested(since), release={"released_on": until}, **more)


def releases(world: World, year: str | None = None, **terms: Any) -> int:
    window = {} if year is None else {"released_from": year, "released_to": year}
    return int(world.count(**window, **terms)["total"]["cases"])


def test_what_a_ministry_says_parts_no_release_of_two_organisations(world: World) -> None:
    first = report(world, "foro", None, "2024-01-27", "2024-04-04")
    report(world, "jep", first, "2024-01-30", "2024-04-04")
    report(world, GOVERNMENT, first, "2024-01-27", "2024-01-28", verification={"verdict": "reported"})
    report(world, GOVERNMENT, first, "2024-01-29", verification={"verdict": "reported"})
    assert releases(world, **APRIL) == 1
    assert releases(world, **APRIL, min_sources=2) == 1
    person = world.get(f"/v1/detainees/{first['detainee']['id']}").json()
    assert (person["rearrested"], len(person["detentions"])) == (False, 1)


def test_releases_of_may_are_of_the_detention_that_ended_in_may(world: World) -> None:
    first = report(world, "foro", None, "2021-03-01", "2022-08-14")
    report(world, "foro", first, "2023-11-02", "2024-05-23")
    report(world, "jep", first, None, "2024-05-24")
    report(world, "pud", first, None, "2024-05-26")
    assert (releases(world), releases(world, "2022"), releases(world, "2024")) == (2, 1, 1)
    assert releases(world, "2022", verified_by=["jep"]) == 0
    assert releases(world, "2024", verified_by=["foro", "jep", "pud"]) == 1


def test_a_ministrys_release_before_the_first_arrest_dates_no_organisations_verification(world: World) -> None:
    first = report(world, "foro", None, "2024-03-01")
    undated = {"country": "VE"}
    world.file(
        "foro", detainee_id=first["detainee"]["id"], detainee=None, detention=undated, release={"kind": "pardon"}
    )
    report(world, GOVERNMENT, first, None, "2023-11-24", verification={"verdict": "reported"})
    of_2023 = world.count(released_from="2023", released_to="2023")["total"]
    assert (of_2023["cases"], of_2023["official_only"]) == (0, 1)
    assert releases(world, verified_by=["foro"]) == 1


def test_a_release_stays_in_its_country_when_the_first_report_is_withdrawn(world: World) -> None:
    first = report(world, "foro", None, "2024-01-27", "2024-04-04")
    for who in ("jep", "pud"):
        world.verify(first["release"]["id"], who, verdict="verified", method="lawyer", released_on="2024-04-04")
    assert releases(world, country="VE") == 1
    world.post(f"/v1/reports/{first['report']['id']}/retract", {"reason": "told in error"}, "foro")
    total = world.count(country="VE")["total"]
    assert (total["cases"], total["by_min_sources"]) == (1, {"1": 1, "2": 1})
    assert world.by_source(country="VE") == {"foro": 0, "jep": 1, "pud": 1}
    assert world.get(f"/v1/releases/{first['release']['id']}").json()["country"] == "VE"
    groups = world.count(group_by="country")["groups"]
    assert [group["by"]["country"] for group in groups] == ["VE"]
