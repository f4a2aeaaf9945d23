"""Claims over the wire beside what they add up to, and the balance of a source, now and at a revision."""

import csv
from typing import Any

import pytest

from tests.support import GOVERNMENT, Body, World

FIGURE: Body = {
    "claimant": "foro",
    "measure": "held",
    "qualifier": "exactly",
    "low": 209,
    "high": 209,
    "country": "VE",
    "stated_at": "2026-01-10",
}


def claim(world: World, who: str = "foro", **said: Any) -> Body:
    if "low" in said:
        said.setdefault("high", said["low"])
    answer = world.post("/v1/claims", {**FIGURE, **said}, who)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


@pytest.fixture
def balanced(world: World) -> World:
    """Two stocks with a batch between, then a third stock in another country."""
    claim(world)
    claim(world, low=200, stated_at="2026-01-20")
    claim(world, low=9, measure="released", series="batch", stated_at="2026-01-15")
    claim(world, low=88, stated_at="2026-01-21", country="NI")
    return world


def balance(world: World, slug: str = "foro", **asked: Any) -> list[Body]:
    answer = world.get(f"/v1/sources/{slug}/balance", **asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def test_a_balance_is_a_list_of_steps_of_one_country(balanced: World) -> None:
    (step,) = balance(balanced, country="VE")
    assert (step["from"]["low"], step["to"]["low"]) == (209, 200)
    assert (step["in"], step["out"], step["residual"]) == (None, {"low": 9, "high": 9}, {"low": 0, "high": 0})
    assert balance(balanced, country="NI") == balance(balanced, country="CO") == []


def test_without_a_country_every_country_has_steps_of_its_own(balanced: World) -> None:
    claim(balanced, low=80, stated_at="2026-01-30", country="NI")
    steps = [(step["country"], step["from"]["low"], step["to"]["low"]) for step in balance(balanced)]
    assert steps == [("NI", 88, 80), ("VE", 209, 200)]
    table = balanced.get("/v1/sources/foro/balance", format="csv").text.splitlines()
    assert [row["country"] for row in csv.DictReader(table)] == ["NI", "VE"]


def test_a_balance_has_a_past(balanced: World) -> None:
    head = balanced.revision
    assert balance(balanced, country="VE", as_of=head - 3) == []
    assert balance(balanced, country="VE", as_of=head - 2)[0]["out"] is None
    assert balance(balanced, country="VE", as_of=head)[0]["out"] == {"low": 9, "high": 9}


def test_a_source_without_figures_has_no_steps_and_one_that_is_none_is_not_found(balanced: World) -> None:
    assert balance(balanced, "jep") == []
    balanced.refuse(balanced.get("/v1/sources/nobody/balance"), 404, "not_found")
    balanced.refuse(balanced.get("/v1/sources/foro/balance", as_of=0), 404, "not_found")


def test_a_balance_is_a_table(balanced: World) -> None:
    table = balanced.get("/v1/sources/foro/balance", country="VE", format="csv").text.splitlines()
    (row,) = csv.DictReader(table)
    assert (row["from_stated_at"], row["from_low"], row["to_high"]) == ("2026-01-10", "209", "200")
    assert (row["in_low"], row["out_low"], row["residual_low"], row["expected_high"]) == ("", "9", "0", "200")
    assert row["missing"] == "in; late; corrections"


def test_a_claim_shows_what_corrected_it_and_what_its_parts_add_up_to_at_a_revision(world: World) -> None:
    whole = claim(world, low=406, measure="released")
    for number in (99, 88, 116):
        part = [{"claim": whole["id"], "partition": "batches"}]
        claim(world, low=number, measure="released", series="batch", part_of=part)
    added = world.revision
    later = claim(world, low=303, measure="released", supersedes=[whole["id"]])
    address = f"/v1/claims/{whole['id']}"
    now, before, first = (world.get(address, as_of=at).json() for at in (world.revision, added, added - 3))
    assert (now["superseded_by"], before["superseded_by"]) == ([later["id"]], [])
    assert now["arithmetic"] == before["arithmetic"]
    assert (now["arithmetic"][0]["sum"]["low"], now["arithmetic"][0]["agrees"]) == (303, False)
    assert first["arithmetic"] == []


def test_a_claim_that_was_corrected_under_its_number_is_compared_as_it_stood(world: World) -> None:
    said = {"measure": "released", "window_from": "2026-01-08", "source_record_id": "C-1"}
    first = claim(world, low=80, **said)
    filed = world.revision
    claim(world, low=104, **said)
    address = f"/v1/claims/{first['id']}/reconciliation"
    assert [world.get(address, as_of=at).json()["claim"]["low"] for at in (filed, world.revision)] == [80, 104]
    assert world.get(address, as_of=filed).json()["revision"] == filed


def test_a_reconciliation_tells_nobody_who_is_withheld(world: World) -> None:
    world.file(detainee__publish="counted")
    world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    filed = claim(world, low=2, measure="released", window_from="2026-01-08", stated_at="2026-03-01")
    answer = world.get(f"/v1/claims/{filed['id']}/reconciliation")
    assert (answer.json()["now"]["releases"], answer.json()["now"]["withheld"]) == (2, 1)
    assert "Quintana" not in answer.text
    asked = answer.json()["now"]["permalink"]
    assert world.client.get(asked).json()["total"]["releases"] == 2


CURATORS_TO_SAY = ("supersedes", "part_of", "same_as")


def refer(name: str, claim_id: str) -> Body:
    said = {"supersedes": [claim_id], "part_of": [{"claim": claim_id, "partition": "sex"}]}
    return {name: said.get(name, claim_id)}


def place(name: str) -> str:
    return {"supersedes": "/supersedes/0", "part_of": "/part_of/0/claim"}.get(name, f"/{name}")


@pytest.fixture(params=["not independent", "in quarantine"])
def muted(request: pytest.FixtureRequest, world: World) -> str:
    """A source that speaks for itself alone."""
    if request.param == "not independent":
        return GOVERNMENT
    answer = world.client.patch("/v1/sources/pud", json={"quarantined": True}, headers=world.headers("admin"))
    assert answer.status_code == 200, answer.text
    return "pud"


def test_whoever_is_not_independent_files_figures_of_its_own_only(world: World, muted: str) -> None:
    for said, pointer in (
        ({"claimant": "foro"}, "/claimant"),
        ({"claimant": None, "reported_by": "a newspaper"}, "/claimant"),
        ({"claimant": muted, "joint_with": ["jep"]}, "/joint_with/0"),
    ):
        with world.storing_nothing():
            answer = world.post("/v1/claims", {**FIGURE, **said}, muted)
            problem = world.refuse(answer, 422, "foreign_claimant", pointer)
        assert f"`{muted}`" in problem["errors"][0]["detail"]
    assert claim(world, muted, claimant=muted, reported_by="a newspaper")["filed_by"] == muted


def test_an_independent_source_files_figures_of_others_and_of_nobody_named(world: World) -> None:
    assert claim(world, "jep", claimant=GOVERNMENT, joint_with=["foro"])["claimant"] == GOVERNMENT
    assert claim(world, "jep", claimant=None, reported_by="a newspaper")["claimant"] is None


@pytest.mark.parametrize("name", CURATORS_TO_SAY)
def test_what_becomes_of_anothers_figure_only_a_curator_says(world: World, name: str) -> None:
    first = claim(world)
    for who in ("jep", GOVERNMENT):
        with world.storing_nothing():
            answer = world.post("/v1/claims", {**FIGURE, "claimant": who, **refer(name, first["id"])}, who)
            problem = world.refuse(answer, 422, "foreign_claim", place(name))
        assert "ask a curator" in problem["errors"][0]["detail"]
    claim(world, "curator", **refer(name, first["id"]))


@pytest.mark.parametrize("name", CURATORS_TO_SAY)
def test_a_source_answers_for_what_it_claimed_and_for_what_it_filed(world: World, name: str) -> None:
    by_curator = claim(world, "curator", claimant=GOVERNMENT)
    claim(world, GOVERNMENT, claimant=GOVERNMENT, **refer(name, by_curator["id"]))
    of_another = claim(world, "jep", claimant="foro", low=61)
    claim(world, "jep", claimant="foro", low=62, **refer(name, of_another["id"]))


def test_anybody_says_what_a_figure_is_drawn_from(world: World) -> None:
    first = claim(world)["id"]
    own = claim(world, GOVERNMENT, claimant=GOVERNMENT, derived_from=first, definition={"subset_of": first})
    assert own["derived_from"] == first


def test_an_earlier_figure_does_not_become_anothers_by_its_case_number(world: World) -> None:
    claim(world, GOVERNMENT, claimant=GOVERNMENT, source_record_id="7")
    body = {**FIGURE, "claimant": "foro", "source_record_id": "7"}
    with world.storing_nothing():
        world.refuse(world.post("/v1/claims", body, GOVERNMENT), 422, "foreign_claimant", "/claimant")
