"""A published figure of people held beside the count of the held on its day, and never beside releases."""

from typing import Any

import pytest

from tests.support import Body, World

HELD = {"claimant": "jep", "measure": "held", "qualifier": "exactly", "low": 3, "high": 3, "country": "VE",
        "stated_at": "2026-03-01", "zone": "Z"}  # fmt: skip


def reconciled(world: World, **changes: Any) -> Body:
    """A claim of people held, filed and reconciled; None takes a field away."""
    body = {name: value for name, value in {**HELD, **changes}.items() if value is not None}
    return dict(world.get(f"/v1/claims/{world.claim(body)}/reconciliation").json())


def named(answer: Body) -> dict[str, str]:
    return {reason["code"]: reason["detail"] for reason in answer["reasons"]}


def test_a_claim_of_the_held_is_beside_those_held_on_the_day_it_was_stated(world: World) -> None:
    world.file_detention("foro")
    world.file("foro", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    answer = reconciled(world)
    assert answer["comparable"]
    then = answer["then"]
    assert (then["basis"], then["total"]["cases"], then["by_source"]) == ("log", 1, {"foro": 1})
    assert then["gap"] == {"low": 2, "high": 2}
    assert "releases" not in then
    assert "held_on=2026-03-01" in then["permalink"]


def test_the_end_of_its_window_is_its_day(world: World) -> None:
    world.file("foro")
    answer = reconciled(world, window_to="2026-01-12")
    assert (answer["now"]["total"]["cases"], reconciled(world)["now"]["total"]["cases"]) == (1, 0)


def test_it_is_beside_those_of_whom_an_arrest_or_a_sighting_is_recent_and_says_of_how_many_none_is(
    world: World,
) -> None:
    world.file_detention("foro", detention__detained_on="2021-05-01")
    answer = reconciled(world)
    assert (answer["now"]["total"]["cases"], answer["now"]["caveats"]["outside_held_within"]) == (0, 1)
    assert "no report of people held" not in " ".join(named(answer).values())


def test_without_a_day_it_is_beside_nothing(world: World) -> None:
    world.file_detention("foro")
    answer = reconciled(world, stated_at=None, zone=None)
    assert (answer["comparable"], answer["then"], answer["now"]) == (False, None, None)
    assert named(answer)["undated"] == "It does not say on which day they were held."


def test_a_term_of_releases_makes_a_claim_of_the_held_nothing_to_compare(world: World) -> None:
    answer = reconciled(world, definition={"terms": {"kind": ["amnesty"]}})
    assert (answer["comparable"], answer["now"]) == (False, None)
    assert "`kind`" in named(answer)["definition"]


def test_before_the_log_begins_the_answer_says_that_nobody_can_tell(world: World) -> None:
    world.file_detention("foro")
    answer = reconciled(world, stated_at="2026-01-13")
    assert (answer["then"], answer["now"]["total"]["cases"]) == (None, 1)
    assert "`said`" in answer["then_unknown"]
    assert reconciled(world)["then_unknown"] is None


def test_house_arrest_is_named_where_it_makes_a_difference(world: World) -> None:
    world.file_detention("foro", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    assert "definition" not in named(reconciled(world))
    world.file("foro", release__kind="house_arrest")
    assert "1 here without those whom a release left under it, 2 with them" in named(reconciled(world))["definition"]


@pytest.mark.parametrize("is_held, number", [(True, 2), (False, 1)])
def test_a_claim_of_the_held_may_say_whether_house_arrest_is_being_held(
    world: World, is_held: bool, number: int
) -> None:
    world.file_detention("foro", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    world.file("foro", release__kind="house_arrest")
    answer = reconciled(world, definition={"terms": {"house_arrest": is_held}})
    assert (answer["comparable"], answer["now"]["total"]["cases"]) == (True, number)
    assert "definition" not in named(answer), "it says what it counts"
    assert ("house_arrest=true" in answer["now"]["permalink"]) is is_held


def test_two_claims_of_the_held_that_say_otherwise_are_compared_except_for_house_arrest(world: World) -> None:
    world.file_detention("foro")
    for claimant, terms in (("foro", {"house_arrest": True}), ("pud", {})):
        body = {**HELD, "claimant": claimant, "definition": {"terms": terms}}
        world.claim(body)
    published = reconciled(world, low=2, high=2, definition={"terms": {"house_arrest": False}})["published"]
    assert {one["claimant"]: one["except_for"] for one in published} == {"foro": "house_arrest", "pud": None}
    assert [one["distance"] for one in published] == [{"low": -1, "high": -1}] * 2


def test_a_claim_of_releases_does_not_take_the_term_of_house_arrest(world: World) -> None:
    body = {**HELD, "measure": "released", "definition": {"terms": {"house_arrest": True}}}
    world.refuse(world.post("/v1/claims", body, "jep"), 422, "held_only", "/definition/terms/house_arrest")


def test_a_population_in_prose_stays_prose_beside_the_term_of_house_arrest(world: World) -> None:
    world.file_detention("foro")
    answer = reconciled(world, definition={"population": "political prisoners", "terms": {"house_arrest": True}})
    assert (answer["comparable"], answer["reasons"][0]["code"]) == (False, "population")


def test_definitions_of_two_bodies_are_named(world: World) -> None:
    for slug in ("foro", "jep"):
        world.client.patch(
            f"/v1/sources/{slug}", json={"definition": f"whom {slug} lists"}, headers=world.headers("admin")
        )
    world.file_detention("foro")
    reconciled(world, claimant="foro", low=5, high=5)
    assert {"population"} == named(reconciled(world)).keys()


def test_what_became_known_of_the_day_since_is_named(world: World) -> None:
    world.file_detention("foro")
    filed = world.post("/v1/claims", {**HELD, "stated_at": "2026-03-01T12:00:00Z", "zone": None}, "jep").json()
    world.now = world.now.replace(day=2)
    world.file_detention("foro", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    answer = world.get(f"/v1/claims/{filed['id']}/reconciliation").json()
    assert (answer["then"]["total"]["cases"], answer["now"]["total"]["cases"]) == (1, 2)
    assert named(answer)["reporting_delay"] == "Of that day the registry counts 1 more since."


@pytest.mark.parametrize("day", ["2026", "9999", "2026-03-04"])
def test_a_day_that_had_not_come_when_it_was_filed_makes_it_nothing_to_compare(
    world: World, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As filed before such days were refused; the day may have come since."""
    world.file_detention("foro")
    with monkeypatch.context() as before:
        before.setattr("app.registry.claims._check_window", lambda _context, _body: [])
        answer = reconciled(world, window_to=day)
    assert (answer["comparable"], answer["then"], answer["now"]) == (False, None, None)
    assert named(answer)["window"].startswith(f"It is of {day}, and was filed before that day had come")
    world.now = world.now.replace(day=5)
    address = f"/v1/claims/{answer['claim']['id']}/reconciliation"
    assert world.get(address).json()["comparable"] is False
    assert reconciled(world, window_to="2026-03-04")["comparable"]
