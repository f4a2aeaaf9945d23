"""Erasing a person over the wire: everything personal goes, in every version; every public count stays as it was."""

from itertools import product
from typing import Any

import pytest

from app.queries.dimensions import DIMENSIONS, RELEASES, list_dimensions
from tests.support import Body, World, without_random

SAID: dict[str, Any] = {
    "detainee__full_name": "Tomás Aurelio Quintana Ribas",
    "detainee__aliases": ["El Profe"],
    "detainee__category": "civilian",
    "detainee__groups": ["journalist"],
    "detention__legal_status": "pretrial",
    "detention__charges": ["terrorism"],
    "release__conditions": ["travel_ban"],
    "verification__evidence": [{"url": "https://example.org/quintana"}],
    "note": "met at the gate",
}
PERSONAL = ("Quintana", "El Profe", "1971", "rodeo", "Rodeo", "terrorism", "travel_ban", "example.org", "at the gate")
READERS = (None, "foro", "reader", "curator", "admin")
PUBLIC_DIMENSIONS = tuple(name for name in list_dimensions(RELEASES) if not DIMENSIONS[name].is_personal)


def person(world: World) -> Body:
    """Someone reported by two sources and corrected once, with everything that can be said."""
    world.add_facility()
    filed = world.file("foro", **SAID, source_record_id="FP-1")
    world.file("jep", **SAID)
    world.file("foro", **{**SAID, "release__kind": "pardon"}, source_record_id="FP-1")
    return filed


def counts(world: World, as_of: int) -> list[bytes]:
    asked: list[Body] = [{"group_by": name} for name in PUBLIC_DIMENSIONS] + [{}, {"net": "true"}, {"min_sources": 2}]
    return [world.get("/v1/counts/releases", as_of=as_of, **one).content for one in asked]


def test_nothing_personal_is_left_in_any_answer_of_any_time(world: World, subtests: pytest.Subtests) -> None:
    filed = person(world)
    last = world.revision
    for reader in ("reader", "curator"):
        assert "Quintana" in world.get("/v1/detainees", reader).text
    answer = world.post(f"/v1/detainees/{filed['detainee']['id']}/redaction", {"reason": "the family asks"}, "admin")
    assert answer.status_code == 200
    assert answer.json()["records"] == 2
    paths = ["/v1/detainees", "/v1/detentions", "/v1/releases"]
    paths += [f"/v1/{thing}s/{filed[thing]['id']}" for thing in ("detainee", "detention", "release")]
    paths += [f"/v1/detainees/{filed['detainee']['id']}/history"]
    paths += [f"/v1/releases/{filed['release']['id']}/verifications"]
    for path, who, at in product(paths, READERS, (last, world.revision, filed["receipt"]["revision"])):
        with subtests.test(f"{path} for {who} at {at}"):
            text = without_random(world.get(path, who, as_of=at).text)
            assert not [value for value in PERSONAL if value in text]


def test_the_person_stays_counted_and_is_listed_to_nobody_but_partners(world: World) -> None:
    filed = person(world)
    world.redact(filed["detainee"]["id"])
    world.refuse(world.get(f"/v1/detainees/{filed['detainee']['id']}"), 404, "not_found")
    assert world.get("/v1/releases").json()["data"] == []
    (bare,) = world.get("/v1/releases", "reader").json()["data"]
    assert (bare["released_on"], bare["kind"], bare["facility"]) == ("2026-01-12", "unspecified", None)
    assert world.by_source() == {"foro": 1, "jep": 1}


def test_no_public_count_of_any_time_changes_by_a_byte(world: World) -> None:
    filed = person(world)
    revisions = range(1, world.revision + 1)
    before = [counts(world, at) for at in revisions]
    world.redact(filed["detainee"]["id"])
    assert [counts(world, at) for at in revisions] == before


def test_the_head_counts_the_same_and_withholds_one_more(world: World) -> None:
    filed = person(world)
    before = world.count(group_by="source")
    world.redact(filed["detainee"]["id"])
    after = world.count(group_by="source")
    assert after["total"] == before["total"]
    for old, new in zip(before["groups"], after["groups"], strict=True):
        assert {**old, "list": ""} == {**new, "list": ""}
    assert after["caveats"] == {**before["caveats"], "unlinkable": 1, "withheld": 1}


def test_a_pinned_count_over_personal_dimensions_says_that_somebody_was_erased(world: World) -> None:
    filed = person(world)
    last = world.revision
    assert world.count(group_by="facility", as_of=last)["caveats"]["redactions_since"] == 0
    world.redact(filed["detainee"]["id"])
    count = world.count(group_by="facility", as_of=last)
    assert count["caveats"]["redactions_since"] == 1
    assert [(group["by"]["facility"], group["counts"]["cases"]) for group in count["groups"]] == [("withheld", 1)]
    assert world.count(group_by="facility")["caveats"]["redactions_since"] == 0
    assert world.count(as_of=last)["caveats"]["redactions_since"] == 0


def test_everyone_who_ever_held_the_report_loses_it_and_keeps_the_rest(world: World) -> None:
    a = world.file("foro", detainee__full_name="Tomás Quintana Ribas")
    b = world.file("jep", detainee__full_name="Ulises Barrios", detainee__birth_date="1950")
    decision = world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    joined = world.revision
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    world.redact(b["detainee"]["id"])
    address = f"/v1/detainees/{a['detainee']['id']}"
    assert world.get(address).json()["name"] == "Tomás Quintana Ribas"
    assert world.get(address, as_of=a["receipt"]["revision"]).json()["name"] == "Tomás Quintana Ribas"
    for who in READERS:
        for text in (world.get(address, who, as_of=joined).text, world.get(f"{address}/history", who).text):
            assert "Barrios" not in text
            assert "1950" not in without_random(text)


def test_new_reports_do_not_find_the_erased_person_by_what_was_erased(world: World) -> None:
    filed = person(world)
    world.redact(filed["detainee"]["id"])
    answer = world.file("pud", **SAID)
    assert answer["match"] == {"outcome": "new", "candidates": []}
    assert answer["detainee"]["id"] != filed["detainee"]["id"]
    assert world.get("/v1/review", "curator").json()["data"] == []


def test_a_reason_for_erasing_is_given_and_not_shown(world: World) -> None:
    filed = person(world)
    path = f"/v1/detainees/{filed['detainee']['id']}/redaction"
    with world.storing_nothing():
        stranger = "/v1/detainees/11111111-2222-4333-8444-555555555555/redaction"
        world.refuse(world.post(stranger, {"reason": "x"}, "admin"), 404, "not_found")
    assert "family" not in world.post(path, {"reason": "the family asks"}, "admin").text


def test_a_correction_to_someone_erased_brings_nothing_back(world: World) -> None:
    filed = person(world)
    world.redact(filed["detainee"]["id"])
    with world.storing_nothing():
        verdict = {"verdict": "verified", "method": "lawyer"}
        for thing in ("detainee", "detention", "release"):
            body = {f"{thing}_id": filed[thing]["id"], "release": {"released_on": "2026-01-12"}}
            world.refuse(world.post("/v1/releases", body, "pud"), 404, "not_found")
        world.refuse(
            world.post(f"/v1/releases/{filed['release']['id']}/verifications", verdict, "foro"), 404, "not_found"
        )
