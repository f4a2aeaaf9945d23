"""Rule 11: personal dimensions count only values the reader may see."""

from typing import Any

import pytest

from tests.support import Body, World

PERSONAL = ("facility", "area", "gender", "category", "age_group", "nationality")
# What a class of publication opens to everyone.
OPEN = {
    "named": set(PERSONAL),
    "anonymous": {"facility", "area", "age_group", "nationality"},
    "counted": set(),
}
VALUES = {
    "facility": "el-rodeo-i",
    "area": "Miranda",
    "gender": "female",
    "category": "military",
    "age_group": "18_to_69",
    "nationality": "AR",
}
PEOPLE = {
    "named": "Berta Solano Ugas",
    "anonymous": "Casilda Prieto Roa",
    "counted": "Damián Luque Ferro",
}


def file_one(world: World, publish: str, who: str = "foro", **more: Any) -> Body:
    person = {
        "full_name": PEOPLE[publish],
        "birth_date": "1980",
        "gender": VALUES["gender"],
        "category": VALUES["category"],
        "nationalities": [VALUES["nationality"]],
        "publish": publish,
    }
    return world.file(who, detainee=person, **more)


@pytest.fixture
def three(world: World) -> World:
    """One person of each class, alike in everything else, in a registered facility."""
    facility = {"slug": "el-rodeo-i", "name": "El Rodeo I", "kind": "prison", "country": "VE", "area": "Miranda"}
    assert world.post("/v1/facilities", facility, "curator").status_code == 201
    for publish in PEOPLE:
        file_one(world, publish)
    return world


def groups(world: World, name: str, who: str | None = None, **terms: Any) -> dict[str | None, int]:
    found = world.count(who, group_by=name, **terms)["groups"]
    return {group["by"][name]: group["counts"]["cases"] for group in found}


def seen(name: str) -> int:
    """How many of the three show everyone that dimension."""
    return sum(name in opened for opened in OPEN.values())


def test_a_personal_dimension_counts_only_values_the_reader_may_see_and_the_rest_stand_in_withheld(
    three: World,
) -> None:
    for name in PERSONAL:
        assert groups(three, name) == {VALUES[name]: seen(name), "withheld": 3 - seen(name)}


def test_a_partner_sees_all_of_them(three: World) -> None:
    for name in PERSONAL:
        assert groups(three, name, "reader") == {VALUES[name]: 3}


def test_a_key_that_is_not_a_partners_sees_no_more_than_the_public(three: World) -> None:
    for name in PERSONAL:
        public = groups(three, name)
        assert [groups(three, name, who) for who in ("foro", "ministry", "admin")] == [public] * 3


def test_personal_filters_never_match_the_withheld(three: World) -> None:
    for name in PERSONAL:
        assert three.count(**{name: VALUES[name]})["total"]["cases"] == seen(name)
        assert three.count("reader", **{name: VALUES[name]})["total"]["cases"] == 3


def test_a_count_says_no_more_than_the_list_behind_it(three: World) -> None:
    for name in PERSONAL:
        for who in (None, "reader"):
            for group in three.count(who, group_by=name)["groups"]:
                if group["by"][name] == "withheld":
                    assert group["list"] is None
                else:
                    listed = three.client.get(group["list"], headers=three.headers(who)).json()["data"]
                    assert len(listed) == group["counts"]["cases"]


def test_nothing_can_be_subtracted_out(three: World) -> None:
    """Whatever is corrected of someone withheld, no group, no filtered count and no rest of a total moves."""
    elsewhere = {"facility": "Elsewhere", "country": "VE"}
    other = {"gender": "male", "category": "police", "birth_date": "1930", "nationalities": ["IL", "US"]}
    reports = three.get("/v1/reports", "foro").json()["data"]
    (report,) = [one["id"] for one in reports if one["detainee"]["full_name"] == PEOPLE["counted"]]

    def told() -> list[Any]:
        return [(groups(three, name), three.count(**{name: VALUES[name]})["total"]) for name in PERSONAL]

    before = told()
    corrected = {"detainee": other, "detention": elsewhere}
    patched = three.client.patch(f"/v1/reports/{report}", json=corrected, headers=three.headers("foro"))
    assert patched.status_code == 200, patched.text
    assert told() == before


def test_counts_by_source_include_everyone(three: World) -> None:
    assert three.by_source() == {"foro": 3}
    assert three.count()["total"]["cases"] == 3


def test_two_dimensions_withhold_as_one_does(three: World) -> None:
    found = three.count(group_by=["gender", "nationality"])["groups"]
    assert {(group["by"]["gender"], group["by"]["nationality"]): group["counts"]["cases"] for group in found} == {
        ("female", "AR"): 1,
        ("withheld", "AR"): 1,
        ("withheld", "withheld"): 1,
    }


def test_what_is_not_known_is_not_what_is_withheld(world: World) -> None:
    """A named person without a category stands in the group null, an unnamed one in withheld."""
    world.file("foro", detainee__category=None)
    world.file("foro", detainee={"full_name": PEOPLE["counted"], "publish": "counted"})
    assert groups(world, "category") == {None: 1, "withheld": 1}


def test_consent_given_today_opens_the_count_of_yesterday_and_withdrawn_closes_it(three: World) -> None:
    then = three.get("/v1/detainees").json()["at"]["revision"]
    people = three.get("/v1/detainees", "reader").json()["data"]
    (counted,) = [one["id"] for one in people if one["publish"] == "counted"]

    def consent(publish: str) -> None:
        body = {"publish": publish, "given_by": "detainee", "given_on": "2026-02-20"}
        assert three.post(f"/v1/detainees/{counted}/consent", body, "curator").status_code == 200

    consent("named")
    assert groups(three, "gender", as_of=then) == {"female": 2, "withheld": 1}
    consent("counted")
    assert groups(three, "gender", as_of=then) == {"female": 1, "withheld": 2}
