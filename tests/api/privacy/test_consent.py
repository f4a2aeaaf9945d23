"""Consent over the wire: three classes, the strictest holds, withdrawing hides at once and counts everyone still."""

from typing import Any

import pytest

from tests.support import Body, World

MINOR: dict[str, Any] = {
    "detainee__birth_date": "2008-05",
    "detention__detained_on": "2025-07-01",
    "detainee__publish": None,
}
# What anyone sees of a person of each class, of the values that a full report gives.
SEEN: dict[str, Body] = {
    "named": {
        "name": "Tomás Aurelio Quintana Ribas", "aliases": ["El Profe"], "age": 54, "birth_year": 1971,
        "gender": "male", "nationalities": ["VE"], "category": "civilian", "groups": ["journalist"],
    },
    "anonymous": {
        "name": None, "aliases": None, "age": 54, "birth_year": None, "gender": None,
        "nationalities": ["VE"], "category": None, "groups": None,
    },
}  # fmt: skip
SAID: dict[str, Any] = {
    "detainee__aliases": ["El Profe"],
    "detainee__category": "civilian",
    "detainee__groups": ["journalist", "gravely_ill"],
    "detainee__father_name": "Aurelio Quintana",
    "detention__legal_status": "pretrial",
    "detention__charges": ["terrorism"],
    "detention__place": "a cellar in Guatire",
    "detention__case": "4C-0117",
    "detention__transfers": [{"on": "2025-02", "facility": "Yare"}],
    "release__conditions": ["travel_ban"],
    "release__destination": "AR",
    "verification__evidence": [{"url": "https://example.org/list"}],
}


def consent(world: World, detainee: str, publish: str, **more: Any) -> Any:
    body = {"publish": publish, "given_by": "the person", "given_on": "2026-02-01", **more}
    return world.post(f"/v1/detainees/{detainee}/consent", body, "curator")


@pytest.mark.parametrize("publish", SEEN)
def test_each_class_opens_its_facts_and_no_other(world: World, publish: str) -> None:
    world.add_facility()
    filed = world.file(**SAID, detainee__publish=publish)
    person = world.get(f"/v1/detainees/{filed['detainee']['id']}").json()
    assert {name: person[name] for name in SEEN[publish]} == SEEN[publish]
    assert person["publish"] == publish
    (spell,) = person["detentions"]
    release = world.get(f"/v1/releases/{filed['release']['id']}").json()
    (verdict,) = world.get(f"/v1/releases/{filed['release']['id']}/verifications").json()["data"]
    assert (spell["facility"], spell["area"], release["facility"]) == ("el-rodeo-i", "Miranda", "el-rodeo-i")
    named = publish == "named"
    assert spell["legal_status"] == ("pretrial" if named else None)
    assert release["conditions"] == (["travel_ban"] if named else None)
    assert release["destination"] == ("AR" if named else None)
    assert (verdict["evidence"] is not None) == named
    assert ("charges" in spell["facts"]) == named
    # Never, of nobody: family, places nobody registered, case numbers, transfers, illness, days of birth.
    everything = str([person, release, verdict])
    for hidden in ("Aurelio Quintana'", "cellar", "4C-0117", "Yare", "gravely_ill", "birth_date", "has_national_id"):
        assert hidden not in everything


def test_who_is_only_counted_stands_in_counts_and_nowhere_else(world: World) -> None:
    world.file(detainee__publish="counted")
    for path in ("/v1/detainees", "/v1/detentions", "/v1/releases"):
        assert world.get(path).json()["data"] == []
        assert len(world.get(path, "reader").json()["data"]) == 1
    count = world.count()
    assert (count["total"]["cases"], count["caveats"]["withheld"]) == (1, 1)
    assert world.by_source() == {"foro": 1}


def test_unknown_means_anonymous_for_adults_and_counted_below_18(world: World) -> None:
    adult = world.file(detainee__publish=None)
    assert world.get(f"/v1/detainees/{adult['detainee']['id']}").json()["publish"] == "anonymous"
    child = world.file(**MINOR)
    world.refuse(world.get(f"/v1/detainees/{child['detainee']['id']}"), 404, "not_found")
    named = world.file("jep", **{**MINOR, "detainee__publish": "named", "detainee__full_name": "Ana Rojas"})
    world.refuse(world.get(f"/v1/detainees/{named['detainee']['id']}"), 404, "not_found")


def test_when_sources_differ_the_most_restrictive_holds(world: World) -> None:
    filed = world.file("foro", detainee__publish="named")
    world.file("jep", detainee__publish="anonymous")
    person = world.get(f"/v1/detainees/{filed['detainee']['id']}").json()
    assert (person["publish"], person["name"]) == ("anonymous", None)
    world.file("pud", detainee__publish="counted")
    world.refuse(world.get(f"/v1/detainees/{filed['detainee']['id']}"), 404, "not_found")


def test_consent_opens_what_a_person_allows(world: World) -> None:
    filed = world.file(detainee__publish="anonymous")
    answer = consent(world, filed["detainee"]["id"], "named")
    assert answer.status_code == 200
    assert answer.json()["detainee"] == filed["detainee"]["id"]
    assert answer.json()["receipt"]["revision"] == world.revision - 1, "then a second holder agreed"
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").json()["name"] == "Tomás Aurelio Quintana Ribas"


def test_withdrawing_consent_hides_at_once_and_in_pinned_answers_too(world: World, subtests: pytest.Subtests) -> None:
    world.add_facility()
    filed = world.file(**SAID)
    detainee, release = filed["detainee"]["id"], filed["release"]["id"]
    pinned = world.revision
    addresses = [
        "/v1/detainees", "/v1/detentions", "/v1/releases", f"/v1/detainees/{detainee}", f"/v1/releases/{release}",
        f"/v1/detainees/{detainee}/history", f"/v1/releases/{release}/verifications",
    ]  # fmt: skip
    for path in addresses:
        assert world.get(path, as_of=pinned).status_code == 200
    count = world.get("/v1/counts/releases", group_by="source", as_of=pinned)
    consent(world, detainee, "anonymous")
    for path in addresses:
        with subtests.test(f"{path}, anonymous"):
            for at in (pinned, world.revision):
                text = world.get(path, as_of=at).text
                assert "Quintana" not in text
                assert "El Profe" not in text
                assert "example.org" not in text
    consent(world, detainee, "counted")
    for path in addresses:
        with subtests.test(f"{path}, counted"):
            for at in (pinned, world.revision):
                answer = world.get(path, as_of=at)
                assert answer.status_code == 404 or answer.json()["data"] == []
    assert world.get("/v1/counts/releases", group_by="source", as_of=pinned).content == count.content
    assert world.count()["total"]["cases"] == 1


def test_names_are_found_only_while_they_may_be_shown(world: World) -> None:
    filed = world.file()
    assert len(world.get("/v1/detainees", q="quintana").json()["data"]) == 1
    consent(world, filed["detainee"]["id"], "anonymous")
    for at in ({}, {"as_of": filed["receipt"]["revision"]}):
        assert world.get("/v1/detainees", q="quintana", **at).json()["data"] == []
        assert len(world.get("/v1/detainees", "reader", q="quintana", **at).json()["data"]) == 1


def test_a_consent_answers_for_what_was_said_before_it_and_later_reports_can_only_close(world: World) -> None:
    filed = world.file("foro", detainee__publish="counted", source_record_id="1")
    consent(world, filed["detainee"]["id"], "named")
    address = f"/v1/detainees/{filed['detainee']['id']}"
    assert world.get(address).json()["publish"] == "named"
    world.file("jep", detainee__publish=None)  # says nothing of it
    assert world.get(address).json()["publish"] == "named"
    world.file("pud", detainee__publish="anonymous")
    assert world.get(address).json()["publish"] == "anonymous"


def test_someone_under_18_is_opened_by_a_guardian_alone(world: World) -> None:
    filed = world.file(**MINOR)
    detainee = filed["detainee"]["id"]
    with world.storing_nothing():
        for publish in ("named", "anonymous"):
            answer = consent(world, detainee, publish, given_by="an uncle")
            problem = world.refuse(answer, 422, "guardian_required", "/given_by")
            assert "an uncle" not in str(problem)
    assert consent(world, detainee, "anonymous", given_by="Guardian").status_code == 200
    person = world.get(f"/v1/detainees/{detainee}").json()
    assert (person["publish"], person["name"]) == ("anonymous", None)
    assert consent(world, detainee, "counted", given_by="an uncle").status_code == 200
    world.refuse(world.get(f"/v1/detainees/{detainee}"), 404, "not_found")


def test_consent_is_checked_like_everything_else(world: World, subtests: pytest.Subtests) -> None:
    detainee = world.file()["detainee"]["id"]
    for said, code, pointer in [
        ({"publish": "public"}, "unknown_code", "/publish"),
        ({"given_by": ""}, "string_too_short", "/given_by"),
        ({"given_on": "2026-04"}, "future_date", "/given_on"),
        ({"given_on": "today"}, "invalid_date", "/given_on"),
        ({"by": "x"}, "unknown_field", "/by"),
    ]:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(consent(world, detainee, **{"publish": "named", **said}), 422, code, pointer)
    with subtests.test("nobody"), world.storing_nothing():
        stranger = "11111111-2222-4333-8444-555555555555"
        world.refuse(consent(world, stranger, "named"), 404, "not_found")


def test_joining_people_keeps_the_strictest_consent_and_parting_them_gives_each_its_own(world: World) -> None:
    a = world.file("foro", detainee__publish="anonymous")
    b = world.file("jep", detainee__full_name="Ulises Barrios", detainee__publish="anonymous")
    consent(world, a["detainee"]["id"], "named")
    consent(world, b["detainee"]["id"], "anonymous")
    decision = world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    assert world.get(f"/v1/detainees/{a['detainee']['id']}").json()["publish"] == "anonymous"
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert world.get(f"/v1/detainees/{a['detainee']['id']}").json()["publish"] == "named"
    assert world.get(f"/v1/detainees/{b['detainee']['id']}").json()["publish"] == "anonymous"


def test_an_illness_is_shown_to_partners_alone_and_found_by_no_one_else(world: World) -> None:
    world.file(**SAID)
    assert world.get("/v1/releases", group="gravely_ill").json()["data"] == []
    assert world.count(group="gravely_ill")["total"]["cases"] == 0
    assert world.count(group="journalist")["total"]["cases"] == 1
    assert len(world.get("/v1/releases", "reader", group="gravely_ill").json()["data"]) == 1
    assert world.get("/v1/detainees", "reader").json()["data"][0]["groups"] == ["gravely_ill", "journalist"]


def test_a_personal_count_says_no_more_than_the_list_behind_it(world: World) -> None:
    world.add_facility()
    for publish in ("named", "anonymous", "counted"):
        world.file(detainee__publish=publish, detainee__full_name=f"A {publish} Nobody", detainee__birth_date="1950")
    shown = {"facility": 2, "area": 2, "nationality": 2, "age_group": 2, "gender": 1}
    values = {
        "facility": "el-rodeo-i",
        "area": "Miranda",
        "nationality": "VE",
        "age_group": "over_70",
        "gender": "male",
    }
    for dimension, number in shown.items():
        groups = {
            group["by"][dimension]: group["counts"]["cases"] for group in world.count(group_by=dimension)["groups"]
        }
        assert groups == {values[dimension]: number, "withheld": 3 - number}
        asked = {dimension: values[dimension]}
        assert world.count(**asked)["total"]["cases"] == number
        assert len(world.get("/v1/releases", **asked).json()["data"]) == number
        whole = world.count("reader", group_by=dimension)["groups"]
        assert {group["by"][dimension]: group["counts"]["cases"] for group in whole} == {values[dimension]: 3}
    assert world.count()["caveats"]["withheld"] == 1
