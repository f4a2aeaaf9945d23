"""What each class of publication opens of a person, a detention, a release and a verdict: the rest is null."""

import json
import uuid
from typing import Any

import pytest

from app.queries import shapes
from app.queries.shapes import Ids, Person
from app.registry.publication.permissions import Reader
from app.schemas.base import Fact, Facts
from app.vocabulary import Publish, Role, Stage
from tests.support import ANYONE

READER = Reader(Role.READER)
CURATOR_OF_A_GOVERNMENT = Reader(Role.CURATOR, independent=False)
SPELL, FORO = 1, 7
IDS = Ids(*(uuid.uuid5(uuid.NAMESPACE_OID, name) for name in ("detainee", "detention", "release")))


def fact(value: Any) -> Fact:
    return {"value": value, "said": [{"value": value, "by": ["foro"]}]}


PERSONAL: Facts = {
    "full_name": fact("Tomás Aurelio Quintana Ribas"),
    "aliases": fact(["Tomasito"]),
    "birth_date": fact("1971-05-04"),
    "age": fact(54),
    "gender": fact("male"),
    "nationalities": fact(["AR", "VE"]),
    "groups": {
        "value": ["gravely_ill", "journalist"],
        "said": [
            {"value": ["gravely_ill", "journalist"], "by": ["foro"]},
            {"value": ["gravely_ill"], "by": ["jep"]},
        ],
    },
    "father_name": fact("Aurelio Quintana"),
}
PLACE: Facts = {
    "facility": fact("el-rodeo-i"),
    "area": fact("Miranda"),
    "legal_status": fact("pretrial"),
    "place": fact("cell 7"),
    "transfers": fact([{"on": "2025-02", "facility": "Helicoide"}]),
    "conditions": fact(["travel_ban"]),
    "destination": fact("Madrid"),
}
EVIDENCE = {"evidence": {"release": {"foro": [{"url": "https://example.org/list"}]}, "detention": {}}}


def make_person(publish: str = "named", **changes: Any) -> Person:
    """A man out since 12 January; `changes` replace the rows of a table."""
    stages = {
        "carried_out": {
            "status": "verified", "verified_by": ["foro"], "denied_by": ["pud"], "reported_by": ["jep"],
            "independent": 1,
        }
    }  # fmt: skip
    about = {
        name: fact(f"2026-01-{day:02}") for name, day in (("released_on", 12), ("ordered_on", 10), ("announced_on", 8))
    }
    rows: dict[str, Any] = {
        "detainee": {
            "detainee": SPELL, "state": "released", "rearrested": 0, "rearrest_claimed": 0,
            "facts": {"died_on": fact("2026-02")},
        },
        "personal": PERSONAL,
        "detentions": {
            SPELL: {
                "detainee": SPELL, "country": "VE", "designation": "political", "disjoint_releases": 0,
                "facts": {"detained_on": fact("2024-10-13")},
            }
        },
        "spell_facts": {SPELL: PLACE},
        "by_source": {SPELL: EVIDENCE},
        "releases": {
            SPELL: {
                "detainee": SPELL, "stage": "carried_out", "status": "verified", "country": "VE",
                "facts": {**about, "kind": fact("pardon")}, "stages": stages,
            }
        },
        "verifications": [
            {
                "spell": SPELL, "object": "release", "source": FORO, "record": SPELL, "verdict": "verified",
                "independent": 1, "said": {"stage": "carried_out", "method": "family", "citing": []},
            }
        ],
        "ids": {SPELL: IDS},
        "slugs": {FORO: "foro"},
    }  # fmt: skip
    return Person(publish=Publish(publish), **{**rows, **changes})


def test_anyone_sees_a_named_person_but_no_day_of_birth_no_family_and_no_illness() -> None:
    shown = shapes.build_detainee_shape(make_person("named"), ANYONE)
    assert shown["name"] == "Tomás Aurelio Quintana Ribas"
    assert (shown["age"], shown["birth_year"], shown["gender"]) == (54, 1971, "male")
    assert shown["groups"] == ["journalist"]
    assert not {"birth_date", "father_name"} & shown["facts"].keys()
    assert shown["facts"]["groups"]["said"] == [{"value": ["journalist"], "by": ["foro"]}]
    assert "1971-05-04" not in json.dumps(shown, default=str)


def test_an_anonymous_person_has_an_age_and_nationalities_and_no_name_gender_or_year_of_birth() -> None:
    shown = shapes.build_detainee_shape(make_person("anonymous"), ANYONE)
    assert (shown["age"], shown["nationalities"]) == (54, ["AR", "VE"])
    withheld = ("name", "aliases", "birth_year", "gender", "category", "groups")
    assert {name: value for name, value in shown.items() if name in withheld} == dict.fromkeys(withheld)
    assert set(shown["facts"]) == {"died_on", "age", "nationalities"}


def test_of_someone_in_counts_only_nothing_personal_is_shown() -> None:
    shown = shapes.build_detainee_shape(make_person("counted"), ANYONE)
    assert (shown["name"], shown["age"], shown["nationalities"]) == (None, None, None)
    assert set(shown["facts"]) == {"died_on"}
    assert shown["state"] == "released"


def test_a_value_nobody_says_is_empty_and_a_withheld_one_is_null() -> None:
    unsaid = make_person("named", personal={}, spell_facts={})
    assert shapes.build_detainee_shape(unsaid, ANYONE)["nationalities"] == []
    assert shapes.build_detainee_shape(make_person("counted", personal={}), ANYONE)["nationalities"] is None


def test_a_partner_sees_the_whole_person_and_a_governments_key_no_more_than_the_public() -> None:
    whole = shapes.build_detainee_shape(make_person("counted"), READER)
    assert (whole["name"], whole["birth_year"]) == ("Tomás Aurelio Quintana Ribas", 1971)
    assert whole["groups"] == ["gravely_ill", "journalist"]
    assert whole["facts"]["birth_date"]["value"] == "1971-05-04"
    for publish in ("named", "anonymous", "counted"):
        person = make_person(publish)
        assert shapes.build_detainee_shape(person, CURATOR_OF_A_GOVERNMENT) == shapes.build_detainee_shape(
            person, ANYONE
        )


def test_a_birth_in_one_of_two_years_has_no_year() -> None:
    vague = {**PERSONAL, "birth_date": fact("1971-12-20/1972-01-10")}
    assert shapes.build_detainee_shape(make_person(personal=vague), ANYONE)["birth_year"] is None


@pytest.mark.parametrize(
    "publish, facility, legal_status, conditions",
    [
        ("named", "el-rodeo-i", "pretrial", ["travel_ban"]),
        ("anonymous", "el-rodeo-i", None, None),
        ("counted", None, None, None),
    ],
)
def test_the_place_is_open_for_the_anonymous_and_law_and_conditions_only_for_the_named(
    publish: str, facility: str | None, legal_status: str | None, conditions: list[str] | None
) -> None:
    person = make_person(publish)
    held = shapes.build_detention_shape(person, SPELL, ANYONE)
    out = shapes.build_release_shape(person, SPELL, ANYONE)
    assert (held["facility"], held["legal_status"]) == (facility, legal_status)
    assert (out["facility"], out["conditions"]) == (facility, conditions)
    assert held["detained_on"] == "2024-10-13"
    assert (out["released_on"], out["kind"], out["status"]) == ("2026-01-12", "pardon", "verified")
    assert not {"place", "evidence"} & held["facts"].keys()
    assert "cell 7" not in json.dumps([held, out], default=str)


def test_a_place_nobody_registered_is_for_partners() -> None:
    person = make_person(spell_facts={SPELL: {"facility_as_said": fact("a house by the river")}})
    assert shapes.build_detention_shape(person, SPELL, ANYONE)["facility"] is None
    assert shapes.build_detention_shape(person, SPELL, READER)["facility"] == {
        "slug": None, "said": "a house by the river",
    }  # fmt: skip


@pytest.mark.parametrize(
    "stage, released_on, ordered_on, announced_on",
    [
        ("carried_out", "2026-01-12", "2026-01-10", "2026-01-08"),
        ("ordered", None, "2026-01-10", "2026-01-08"),
        ("announced", None, None, "2026-01-08"),
    ],
)
def test_a_release_has_the_dates_of_the_stages_it_has_reached(
    stage: str, released_on: str | None, ordered_on: str | None, announced_on: str | None
) -> None:
    row = make_person().releases[SPELL]
    person = make_person(releases={SPELL: {**row, "stage": stage, "stages": {stage: row["stages"][Stage.CARRIED_OUT]}}})
    shown = shapes.build_release_shape(person, SPELL, ANYONE)
    assert (shown["released_on"], shown["ordered_on"], shown["announced_on"]) == (released_on, ordered_on, announced_on)
    assert [shown[name] for name in ("verified_by", "denied_by", "reported_by")] == [["foro"], ["pud"], ["jep"]]


def test_a_detention_names_its_release_only_when_there_is_one() -> None:
    person = make_person()
    assert shapes.build_detention_shape(person, SPELL, ANYONE)["release_id"] == IDS.release
    held = make_person(releases={})
    assert shapes.build_detention_shape(held, SPELL, ANYONE)["release_id"] is None


@pytest.mark.parametrize("publish, seen", [("named", True), ("anonymous", False), ("counted", False)])
def test_evidence_is_shown_where_the_person_is(publish: str, seen: bool) -> None:
    person = make_person(publish)
    shown = shapes.build_verification_shape(person, person.verifications[0], ANYONE)
    assert shown["evidence"] == ([{"url": "https://example.org/list"}] if seen else None)
    assert (shown["source"], shown["verdict"], shown["method"]) == ("foro", "verified", "family")


def test_a_verdict_on_the_release_and_one_on_the_detention_have_ids_of_their_own() -> None:
    person = make_person()
    row = person.verifications[0]
    ids = {
        shapes.build_verification_shape(person, {**row, "object": about}, ANYONE)["id"]
        for about in ("release", "detention")
    }
    assert len(ids) == 2
