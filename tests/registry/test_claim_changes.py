"""Claims are corrected by a patch and withdrawn as a whole, by the organisation that filed them."""

from typing import Any

import pytest
from httpx2 import Response
from sqlmodel import Session

from app.db.engine import open_write_session
from app.registry.apply import rebuild_tables
from app.vocabulary import Qualifier, Role
from tests.properties.test_rebuild import TABLES, rows
from tests.support import GOVERNMENT, Body, World

CLAIM: Body = {
    "claimant": "foro",
    "measure": "released",
    "qualifier": "more_than",
    "said": 400,
    "window_from": "2026-01-08",
    "window_to": "2026-01-13",
    "stated_at": "2026-01-14",
    "country": "VE",
    "definition": {"terms": {"gender": "female"}, "population": "women who left a prison"},
    "citation": {"url": "https://example.org/speech", "quote": "more than 400"},
    "source_record_id": "C-1",
    "note": "heard in the hall",
}
FILINGS: dict[Qualifier, Body] = {
    Qualifier.BETWEEN: {"said": None, "low": 800, "high": 1200},
    Qualifier.ABOUT: {"said": 400, "low": 390, "high": 410},
    Qualifier.UNQUANTIFIED: {"said": None},
}


def patch(world: World, claim_id: str, change: Body, who: str = "foro") -> Response:
    return world.client.patch(f"/v1/claims/{claim_id}", json=change, headers=world.headers(who))


def retract(world: World, claim_id: str, who: str = "foro") -> Response:
    return world.post(f"/v1/claims/{claim_id}/retract", {}, who)


def list_kinds(world: World, **terms: Any) -> list[str]:
    return [row["kind"] for row in world.get("/v1/corrections", **terms).json()["data"]]


def test_a_patch_changes_what_it_names_and_nothing_else(world: World) -> None:
    first = world.post("/v1/claims", CLAIM, "foro").json()
    second = patch(world, first["id"], {"said": 410, "citation": {"quote": None}}).json()
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"said", "low", "citation", "since", "receipt"}
    assert (second["low"], second["high"], second["citation"]) == (411, None, {"url": "https://example.org/speech"})
    assert world.get(f"/v1/claims/{first['id']}", as_of=f"r{first['receipt']['revision']}").json()["low"] == 401
    assert list_kinds(world) == ["claim_restated"]


@pytest.mark.parametrize("qualifier", Qualifier)
def test_a_patch_without_changes_stores_nothing(world: World, qualifier: Qualifier) -> None:
    filed = world.post("/v1/claims", {**CLAIM, "qualifier": qualifier, **FILINGS.get(qualifier, {})}, "foro")
    assert filed.status_code == 201, filed.text
    with world.storing_nothing():
        assert patch(world, filed.json()["id"], {}).json() == filed.json()


def test_a_claim_without_a_case_number_can_be_corrected(world: World) -> None:
    numberless = {name: value for name, value in CLAIM.items() if name != "source_record_id"}
    first = world.post("/v1/claims", numberless, "foro").json()
    second = patch(world, first["id"], {"said": 410, "source_record_id": "C-7"}).json()
    assert (second["id"], second["source_record_id"]) == (first["id"], "C-7")
    assert world.post("/v1/claims", {**CLAIM, "source_record_id": "C-7"}, "foro").json()["id"] == first["id"]


def test_a_case_number_stays_with_one_claim(world: World) -> None:
    world.post("/v1/claims", CLAIM, "foro")
    other = world.post("/v1/claims", {**CLAIM, "source_record_id": "C-2"}, "foro").json()
    with world.storing_nothing():
        answer = patch(world, other["id"], {"source_record_id": "C-1"})
        world.refuse(answer, 422, "case_number_taken", "/source_record_id")


def test_a_patch_that_makes_a_claim_invalid_is_refused(world: World) -> None:
    claim_id = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    with world.storing_nothing():
        world.refuse(patch(world, claim_id, {"window_to": "2026-01-01"}), 422, "reversed_window", "/window_to")
        world.refuse(patch(world, claim_id, {"measure": None}), 422, "required", "/measure")
        world.refuse(patch(world, claim_id, {"nunber": 3}), 422, "unknown_field", "/nunber")


@pytest.mark.parametrize("who", ["jep", GOVERNMENT, "curator"])
def test_only_the_filer_changes_a_claim(world: World, who: str) -> None:
    claim_id = world.post("/v1/claims", {**CLAIM, "claimant": GOVERNMENT}, "foro").json()["id"]
    with world.storing_nothing():
        world.refuse(patch(world, claim_id, {"said": 1}, who), 403, "forbidden")
        world.refuse(retract(world, claim_id, who), 403, "forbidden")


def test_a_curator_changes_what_curators_filed(world: World) -> None:
    claim_id = world.post("/v1/claims", CLAIM, "curator").json()["id"]
    assert patch(world, claim_id, {"said": 410}, "curator").json()["low"] == 411
    with world.storing_nothing():
        world.refuse(patch(world, claim_id, {"said": 420}), 403, "forbidden")
    assert retract(world, claim_id, "curator").status_code == 200


def test_a_withdrawn_claim_is_gone_with_every_version_but_stays_at_its_revisions(world: World) -> None:
    first = world.post("/v1/claims", CLAIM, "foro").json()
    newest = patch(world, first["id"], {"said": 410}).json()["receipt"]["revision"]
    answer = retract(world, first["id"])
    assert (answer.status_code, answer.json()["id"]) == (200, first["id"])
    assert world.get(f"/v1/claims/{first['id']}").status_code == 404
    assert world.get("/v1/claims").json()["data"] == []
    assert world.get(f"/v1/claims/{first['id']}", as_of=f"r{newest}").json()["low"] == 411
    world.refuse(retract(world, first["id"]), 404, "not_found")
    correction = world.get("/v1/corrections", correction_kind="claim_retracted").json()["data"][0]
    assert (correction["claim_ids"], correction["claimant"], correction["source"]) == ([first["id"]], "foro", "foro")
    assert list_kinds(world) == ["claim_retracted", "claim_restated"]
    assert list_kinds(world, correction_kind="recalled") == []


def test_a_withdrawn_claim_can_be_filed_anew(world: World) -> None:
    first = world.post("/v1/claims", CLAIM, "foro").json()
    retract(world, first["id"])
    again = world.post("/v1/claims", CLAIM, "foro")
    assert (again.status_code, again.json()["low"]) == (201, 401)
    assert again.json()["id"] != first["id"]


def test_a_withdrawal_leaves_other_claims_and_reports_alone(world: World) -> None:
    before = world.post("/v1/claims", {**CLAIM, "source_record_id": "C-0"}, "foro").json()["id"]
    claim_id = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    report = world.file()
    after = world.post("/v1/claims", {**CLAIM, "source_record_id": "C-2"}, "foro").json()["id"]
    patch(world, claim_id, {"said": 410})
    retract(world, claim_id)
    assert [row["id"] for row in world.get("/v1/claims").json()["data"]] == [before, after]
    assert world.get(f"/v1/releases/{report['release']['id']}").status_code == 200


def test_claims_are_listed_by_their_filer(world: World) -> None:
    own = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    world.post("/v1/claims", {**CLAIM, "claimant": "foro"}, "jep")
    assert [row["id"] for row in world.get("/v1/claims", filed_by="foro").json()["data"]] == [own]
    world.refuse(world.get("/v1/claims", filed_by="fore"), 422, "unknown_source", "/filed_by")


def test_the_recall_of_a_key_names_the_claims_that_it_withdrew_and_each_is_restored(world: World) -> None:
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.REPORTER, "foro", "Somebody who robbed it")
    claim_id = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    revision = retract(world, claim_id, "thief").json()["receipt"]["revision"]
    body = {"key_id": world.keys["thief"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", body, "admin").json()["retractions"] == [revision]
    world.post("/v1/recalls", {"undoes": revision}, "admin")
    assert world.get(f"/v1/claims/{claim_id}").json()["low"] == 401


def test_the_log_alone_rebuilds_withdrawn_claims(world: World) -> None:
    claim_id = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    patch(world, claim_id, {"said": 410})
    retract(world, claim_id)
    with Session(world.engine) as session:
        stored = [rows(session, table) for table in TABLES]
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    with Session(world.engine) as session:
        assert [rows(session, table) for table in TABLES] == stored
