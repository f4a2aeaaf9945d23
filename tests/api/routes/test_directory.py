"""Sources, facilities, claims and the vocabulary over the wire.

Claims over the wire beside what they add up to, and the balance of a source, now and at a revision."""

import csv
from typing import Any

import pytest
from httpx2 import Response

from app.projection import RULES
from app.vocabulary import CODE_LISTS, build_glossary
from tests.support import GOVERNMENT, Body, World

CLAIM: Body = {
    "claimant": "ministry",
    "joint_with": ["pud"],
    "measure": "released",
    "qualifier": "more_than",
    "low": 401,
    "window_from": "2025-12",
    "window_to": "2026-01-13",
    "window_said": "since December",
    "stated_at": "2026-01-13",
    "zone": "-04:00",
    "country": "VE",
    "definition": {
        "terms": {"stage": "carried_out", "kind": ["release_with_measures"]},
        "population": "everyone who left a prison",
        "net": None,
    },
    "series": "cumulative",
    "misprint": False,
    "named": False,
    "source_record_id": "C-1",
    "citation": {"url": "https://example.org/speech", "published_on": "2026-01-13", "quote": "more than 400"},
    "note": "heard by our man in the hall",
}


def patch(world: World, path: str, change: Any, who: str) -> Response:
    return world.client.patch(path, json=change, headers=world.headers(who))


def test_a_source_is_added_shown_and_changed(world: World) -> None:
    body = {"slug": "clippve", "name": "CLIPPVE", "kind": "families", "country": "VE", "definition": "whom we visit"}
    added = world.post("/v1/sources", body, "admin")
    assert added.status_code == 201
    expected = {**body, "independent": True, "quarantined": False}
    assert {name: added.json()[name] for name in expected} == expected
    read = world.get("/v1/sources/clippve").json()
    at = {"revision": added.json()["receipt"]["revision"], "recorded_at": "2026-03-01T12:00:00Z"}
    assert read == {**expected, "real_name": None, **at, "at": {**at, "rules": RULES}}
    changed = patch(world, "/v1/sources/clippve", {"name": "Families", "definition": None}, "admin")
    assert (changed.status_code, changed.json()["name"], changed.json()["definition"]) == (200, "Families", None)
    assert world.get("/v1/sources/clippve", as_of=read["revision"]).json() == read
    world.refuse(world.get("/v1/sources/clippve", as_of=read["revision"] - 1), 404, "not_found")


def test_a_change_that_changes_nothing_is_no_revision(world: World) -> None:
    world.add_facility()
    with world.storing_nothing():
        assert patch(world, "/v1/sources/foro", {"name": "Foro"}, "admin").status_code == 200
        assert patch(world, "/v1/sources/foro", {}, "admin").status_code == 200
        assert patch(world, "/v1/facilities/el-rodeo-i", {"area": "Miranda"}, "curator").status_code == 200


def test_a_government_is_not_independent_unless_said_otherwise(world: World) -> None:
    assert world.get(f"/v1/sources/{GOVERNMENT}").json()["independent"] is False
    body = {"slug": "ombudsman", "name": "Ombudsman", "kind": "government", "independent": True}
    assert world.post("/v1/sources", body, "admin").json()["independent"] is True


@pytest.mark.parametrize("change", [{"quarantined": True}, {"independent": False}])
def test_what_a_source_verified_counts_as_independent_only_while_the_source_does(world: World, change: Body) -> None:
    filed = world.file("foro")
    assert world.count()["total"]["by_min_sources"] == {"1": 1}
    before = world.revision
    assert patch(world, "/v1/sources/foro", change, "admin").status_code == 200
    total = world.count()["total"]
    assert (total["cases"], total["official_only"], total["by_min_sources"]) == (0, 1, {})
    # It is shown all the same, and its own row says that no organisation checked it.
    (verdict,) = world.get(f"/v1/releases/{filed['release']['id']}/verifications").json()["data"]
    assert (verdict["verdict"], verdict["independent"]) == ("verified", False)
    (group,) = world.count(group_by="source")["groups"]
    assert (group["counts"]["verified"], group["counts"]["official_only"]) == (0, 1)
    assert world.count(as_of=before)["total"]["by_min_sources"] == {"1": 1}
    patch(world, "/v1/sources/foro", {name: not value for name, value in change.items()}, "admin")
    assert world.count()["total"]["by_min_sources"] == {"1": 1}


def test_sources_out_of_shape_are_refused(world: World, subtests: pytest.Subtests) -> None:
    good = {"slug": "clippve", "name": "CLIPPVE", "kind": "families"}
    bad: list[tuple[Body, str, str]] = [
        ({"slug": "Clippve"}, "invalid_format", "/slug"),
        ({"slug": "-x"}, "invalid_format", "/slug"),
        ({"slug": "x" * 101}, "string_too_long", "/slug"),
        ({"kind": "club"}, "unknown_code", "/kind"),
        ({"name": " "}, "string_too_short", "/name"),
        ({"country": "VEN"}, "unknown_country", "/country"),
        ({"independent": "perhaps"}, "bool_type", "/independent"),
        ({"trusted": True}, "unknown_field", "/trusted"),
    ]
    for said, code, pointer in bad:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(world.post("/v1/sources", {**good, **said}, "admin"), 422, code, pointer)
    with world.storing_nothing():
        world.refuse(world.post("/v1/sources", {**good, "slug": "foro"}, "admin"), 409, "already_exists")
        for name in ("name", "kind", "independent", "quarantined"):
            world.refuse(patch(world, "/v1/sources/foro", {name: None}, "admin"), 422, "required", f"/{name}")
        world.refuse(patch(world, "/v1/sources/foro", {"slug": "x"}, "admin"), 422, "unknown_field", "/slug")
        world.refuse(patch(world, "/v1/sources/nobody", {"name": "x"}, "admin"), 404, "not_found")


def test_a_facility_is_registered_shown_and_changed(world: World) -> None:
    point = {"lat": 10.4731, "lon": -66.5443}
    added = world.add_facility(names=["Rodeo Uno"], point=point)
    expected = {
        "slug": "el-rodeo-i", "name": "El Rodeo I", "names": ["El Rodeo I", "Rodeo Uno"], "kind": "prison",
        "area": "Miranda", "country": "VE", "point": {"lat": 10.5, "lon": -66.5},
    }  # fmt: skip
    assert {name: added[name] for name in expected} == expected  # the point is coarse: never the door
    at = {"revision": added["receipt"]["revision"], "recorded_at": "2026-03-01T12:00:00Z"}
    assert world.get("/v1/facilities/el-rodeo-i").json() == {**expected, **at, "at": {**at, "rules": RULES}}
    changed = patch(world, "/v1/facilities/el-rodeo-i", {"name": "Rodeo I", "point": None}, "curator").json()
    assert (changed["name"], changed["names"][0], changed["point"]) == ("Rodeo I", "Rodeo I", None)
    past = world.get("/v1/facilities/el-rodeo-i", as_of=added["receipt"]["revision"]).json()
    assert past["name"] == "El Rodeo I"


def test_reports_are_placed_where_a_facility_says_it_is_from_then_on(world: World) -> None:
    filed = world.file(detention__facility="el rodeo 1")
    address = f"/v1/detentions/{filed['detention']['id']}"
    assert world.get(address).json()["facility"] is None  # a place that nobody registered is never public
    assert world.get(address, "curator").json()["facility"] == {"slug": None, "said": "el rodeo 1"}
    before = world.revision
    world.add_facility(names=["El Rodeo 1"])
    assert world.get(address).json()["facility"] == "el-rodeo-i"
    assert world.get(address, as_of=before).json()["facility"] is None
    patch(world, "/v1/facilities/el-rodeo-i", {"area": "Guarenas"}, "curator")
    assert world.get(address).json()["area"] == "Guarenas"


def test_two_facilities_cannot_have_one_name(world: World) -> None:
    world.add_facility(names=["Rodeo Uno"])
    with world.storing_nothing():
        for body in (
            {"slug": "el-rodeo-i", "name": "Another"},
            {"slug": "rodeo", "name": "RODEO UNO"},
            {"slug": "rodeo", "name": "X", "names": ["el rodeo i"]},
        ):
            answer = world.post("/v1/facilities", {"kind": "prison", "country": "VE", **body}, "curator")
            world.refuse(answer, 409, "already_exists")


def test_facilities_out_of_shape_are_refused(world: World, subtests: pytest.Subtests) -> None:
    good = {"slug": "yare", "name": "Yare", "kind": "prison", "country": "VE"}
    bad: list[tuple[Body, str, str]] = [
        ({"kind": "jail"}, "unknown_code", "/kind"),
        ({"country": None}, "string_type", "/country"),
        ({"point": {"lat": 91, "lon": 0}}, "less_than_equal", "/point/lat"),
        ({"point": {"lat": 10}}, "required", "/point/lon"),
        ({"point": {"lat": "north", "lon": 0}}, "float_type", "/point/lat"),
        ({"address": "x"}, "unknown_field", "/address"),
    ]
    for said, code, pointer in bad:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(world.post("/v1/facilities", {**good, **said}, "curator"), 422, code, pointer)


def test_a_facility_cannot_lose_what_it_needs(world: World, subtests: pytest.Subtests) -> None:
    world.add_facility()
    for name in ("name", "kind", "country"):
        with subtests.test(name), world.storing_nothing():
            answer = patch(world, "/v1/facilities/el-rodeo-i", {name: None}, "curator")
            world.refuse(answer, 422, "required", f"/{name}")
    given = patch(world, "/v1/facilities/el-rodeo-i", {"names": ["Rodeo Uno"]}, "curator").json()
    assert (given["name"], given["names"]) == ("El Rodeo I", ["El Rodeo I", "Rodeo Uno"])
    emptied = patch(world, "/v1/facilities/el-rodeo-i", {"names": []}, "curator").json()
    assert (emptied["name"], emptied["names"]) == ("El Rodeo I", ["El Rodeo I"])
    assert patch(world, "/v1/facilities/el-rodeo-i", {"area": None}, "curator").json()["area"] is None
    assert patch(world, "/v1/sources/foro", {"country": None}, "admin").json()["country"] is None


def test_a_claim_is_shown_as_it_was_filed_but_for_its_note_and_number(world: World) -> None:
    filed = world.post("/v1/claims", CLAIM, "foro")
    assert filed.status_code == 201
    shown = world.get(f"/v1/claims/{filed.json()['id']}").json()
    said = {name: value for name, value in CLAIM.items() if name not in ("note", "source_record_id", "definition")}
    assert {name: shown[name] for name in said} == said
    assert (shown["high"], shown["filed_by"], shown["note"]) == (None, "foro", None)
    assert shown["definition"] == {
        "terms": {"stage": "carried_out", "kind": ["release_with_measures"]},
        "population": "everyone who left a prison",
    }
    for who, note in (("foro", CLAIM["note"]), ("reader", CLAIM["note"]), ("jep", None), (GOVERNMENT, None)):
        assert world.get(f"/v1/claims/{filed.json()['id']}", who).json()["note"] == note


def test_a_claim_is_a_sources_or_a_curators(world: World) -> None:
    body = {**CLAIM, "claimant": None, "reported_by": "a newspaper"}
    assert world.post("/v1/claims", body, "curator").json()["filed_by"] is None
    assert world.post("/v1/claims", body, "jep").json()["filed_by"] == "jep"


def test_the_same_claim_again_changes_nothing_and_another_is_its_next_version(world: World) -> None:
    first = world.post("/v1/claims", CLAIM, "foro").json()
    with world.storing_nothing():
        again = world.post("/v1/claims", CLAIM, "foro")
        assert (again.status_code, again.json()) == (200, first)
    second = world.post("/v1/claims", {**CLAIM, "low": 405}, "foro")
    assert (second.status_code, second.json()["id"], second.json()["low"]) == (200, first["id"], 405)
    assert world.get(f"/v1/claims/{first['id']}").json()["low"] == 405
    assert world.get(f"/v1/claims/{first['id']}", as_of=first["receipt"]["revision"]).json()["low"] == 401
    assert world.post("/v1/claims", CLAIM, "jep").json()["id"] != first["id"]  # a case number is its source's own
    assert world.post("/v1/claims", CLAIM, "curator").json()["id"] not in (first["id"], None)


def test_claims_refer_to_one_another(world: World) -> None:
    first = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    links = {
        "part_of": [{"claim": first, "partition": "sex"}], "derived_from": first, "supersedes": [first],
        "same_as": first, "definition": {"subset_of": first},
    }  # fmt: skip
    shown = world.post("/v1/claims", {**CLAIM, **links, "source_record_id": "C-2"}, "foro").json()
    assert {name: shown[name] for name in links} == links


def test_claims_are_listed_by_claimant_measure_and_country(world: World) -> None:
    for number, said in enumerate([{}, {"claimant": "jep"}, {"measure": "held"}, {"country": "NI"}]):
        world.post("/v1/claims", {**CLAIM, **said, "source_record_id": str(number)}, "foro")
    for asked, expected in (
        ({}, ["0", "1", "2", "3"]),
        ({"claimant": "jep"}, ["1"]),
        ({"measure": "held"}, ["2"]),
        ({"country": "NI"}, ["3"]),
        ({"claimant": GOVERNMENT, "country": "VE"}, ["0", "2"]),
    ):
        found = world.get("/v1/claims", "foro", **asked).json()["data"]
        assert [claim["source_record_id"] for claim in found] == expected
    refused = world.refuse(world.get("/v1/claims", claimant="jepp"), 422, "unknown_source", "/claimant")
    assert "`jep`" in refused["errors"][0]["detail"]


def test_the_number_of_a_claim_is_read_by_who_filed_it_and_stands_in_no_log(world: World) -> None:
    body = {**CLAIM, "source_record_id": "marked-number"}
    mine = world.post("/v1/claims", body, "foro").json()
    curators = world.post("/v1/claims", body, "curator").json()
    assert mine["source_record_id"] == curators["source_record_id"] == "marked-number"
    for who, filed in (("foro", mine), ("curator", curators)):
        for reader in (None, "foro", "jep", "reader", "curator", "admin"):
            shown = world.get(f"/v1/claims/{filed['id']}", reader).json()["source_record_id"]
            assert shown == ("marked-number" if reader == who else None)
    assert world.rows("SELECT count(*) FROM entry WHERE body LIKE '%marked-number%'") == [(0,)]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_vocabulary_has_every_code_with_words_in_two_languages(world: World, lang: str) -> None:
    served = world.get("/v1/vocabulary", lang=lang).json()
    assert {name: [code["code"] for code in served[name]] for name in CODE_LISTS} == {
        name: list(codes) for name, codes in CODE_LISTS.items()
    }
    assert all(code["label"] and code["definition"] for name in CODE_LISTS for code in served[name])
    assert served["glossary"] == build_glossary("es" if lang == "es" else "en")
    assert world.get("/v1/vocabulary").json() == world.get("/v1/vocabulary", lang="en").json()
    world.refuse(world.get("/v1/vocabulary", lang="fr"), 422, "unknown_code", "/lang")


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
    table = balanced.get("/v1/sources/foro/balance.csv").text.splitlines()
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
    table = balanced.get("/v1/sources/foro/balance.csv", country="VE").text.splitlines()
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
    assert world.get(address, as_of=filed).json()["at"]["revision"] == filed


def test_a_reconciliation_tells_nobody_who_is_withheld(world: World) -> None:
    world.file(detainee__publish="counted")
    world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    filed = claim(world, low=2, measure="released", window_from="2026-01-08", stated_at="2026-03-01")
    answer = world.get(f"/v1/claims/{filed['id']}/reconciliation")
    assert (answer.json()["now"]["total"]["cases"], answer.json()["now"]["caveats"]["withheld"]) == (2, 1)
    assert "Quintana" not in answer.text
    asked = answer.json()["now"]["permalink"]
    assert world.client.get(asked).json()["total"]["cases"] == 2


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
