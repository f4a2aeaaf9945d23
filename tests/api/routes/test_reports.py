"""What an organisation does with its own reports: file, send again, read, correct, withdraw."""

import hashlib
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select

from app.db.engine import open_read_session
from app.models import metadata
from tests.support import Body, World, make_report

FULL: Body = {
    "source_record_id": "FP-2026-0117",
    "detainee": {
        "full_name": "Tomás Aurelio Quintana Ribas", "aliases": ["El Profe"], "gender": "male", "birth_date": "1953",
        "age": 72, "age_on": "2026-01", "nationalities": ["AR", "IL"], "category": "civilian",
        "groups": ["journalist"], "designation": "political", "father_name": "Aurelio Quintana",
        "publish": "anonymous",
    },
    "detention": {
        "detained_on": "2024-10-13", "facility": "El Rodeo I", "place": "Guatire", "country": "VE",
        "legal_status": "pretrial", "held_on": "2026-01-11", "charges": ["terrorism"], "case": "4C-0117",
        "transfers": [{"on": "2025-02", "facility": "Yare"}], "sentence": {"until": "2031", "term": "six years"},
    },
    "release": {
        "stage": "carried_out", "released_on": "2026-01-12", "announced_on": "2026-01-08",
        "kind": "release_with_measures", "conditions": ["travel_ban"], "destination": "AR",
    },
    "verification": {
        "verdict": "verified", "method": "family", "verified_on": "2026-01-12", "citing": ["jep"],
        "evidence": [{"url": "https://example.org/list", "sha256": "ab" * 32, "published_on": "2026-01-12"}],
    },
    "note": "restricted",
}  # fmt: skip


def patch(world: World, report_id: str, change: Any, who: str = "foro", **headers: str) -> Response:
    return world.client.patch(f"/v1/reports/{report_id}", json=change, headers=world.headers(who, **headers))


def own(world: World, report_id: str, who: str = "foro", **params: Any) -> Body:
    answer = world.get(f"/v1/reports/{report_id}", who, **params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_report_comes_back_to_its_source_as_it_was_sent(world: World) -> None:
    filed = world.post("/v1/releases", FULL, "foro").json()
    read = own(world, filed["report"]["id"])
    assert {name: read[name] for name in FULL} == FULL
    assert (read["version"], read["source"], read["revision"]) == (1, "foro", filed["receipt"]["revision"])
    assert read["recorded_at"] == "2026-03-01T12:00:00Z"


def test_only_what_is_known_need_be_sent_and_the_rest_has_defaults(world: World) -> None:
    body = {"detainee": {"full_name": "Ismael Toro"}, "detention": {"country": "VE"}}
    filed = world.post("/v1/releases", body, "foro").json()
    assert filed["release"]["stage"] == "carried_out"
    assert filed["release"]["kind"] == "unspecified"
    assert filed["release"]["status"] == "reported"
    assert filed["detainee"]["publish"] == "anonymous"
    read = own(world, filed["report"]["id"])
    assert read["verification"] == {"verdict": "reported"}
    assert read["release"] == {"stage": "carried_out", "kind": "unspecified"}


def test_the_same_record_again_changes_nothing(world: World) -> None:
    first = world.post("/v1/releases", FULL, "foro")
    with world.storing_nothing():
        again = world.post("/v1/releases", FULL, "foro")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["receipt"] == first.json()["receipt"]
    assert again.json()["report"] == first.json()["report"]
    assert again.headers["recuento-revision"] == str(first.json()["receipt"]["revision"])


def test_other_content_under_the_same_case_number_is_the_next_version(world: World) -> None:
    first = world.file(source_record_id="FP-1")
    second = world.post("/v1/releases", make_report(source_record_id="FP-1", release__kind="pardon"), "foro")
    assert second.status_code == 200
    assert second.json()["report"] == {"id": first["report"]["id"], "version": 2}
    assert second.json()["receipt"]["revision"] == first["receipt"]["revision"] + 1
    assert second.json()["release"]["id"] == first["release"]["id"]
    assert second.json()["release"]["kind"] == "pardon"
    assert world.count()["total"]["cases"] == 1


def test_a_case_number_is_its_sources_own(world: World) -> None:
    ours = world.file("foro", source_record_id="1")
    theirs = world.file("jep", source_record_id="1", detainee__full_name="Ulises Barrios")
    assert ours["report"]["id"] != theirs["report"]["id"]
    assert theirs["report"]["version"] == 1


def test_a_record_may_grow_from_a_detention_to_a_release(world: World) -> None:
    held = world.file_detention(source_record_id="FP-1")
    assert (held["release"], held["detention"]["release_id"]) == (None, None)
    out = world.file(source_record_id="FP-1")
    assert out["report"] == {"id": held["report"]["id"], "version": 2}
    assert out["detention"]["id"] == held["detention"]["id"]
    assert out["detention"]["release_id"] == out["release"]["id"]


def test_a_receipt_is_the_leaf_that_stands_in_the_log(world: World) -> None:
    filed = world.file()
    entry = metadata.tables["entry"]
    with open_read_session(world.engine) as session:
        found = select(entry.c.body).where(entry.c.revision == filed["receipt"]["revision"])
        body = session.execute(found).scalar_one()
    assert filed["receipt"]["leaf_hash"] == hashlib.sha256(b"\x00" + body.encode()).hexdigest()


def test_an_identification_number_is_never_given_back(world: World) -> None:
    filed = world.post("/v1/releases", make_report(detainee__national_id="V-12.345.678"), "foro")
    read = world.get(f"/v1/reports/{filed.json()['report']['id']}", "foro")
    assert read.json()["has_national_id"] is True
    for text in (filed.text, read.text, world.get("/v1/reports", "foro").text):
        assert "12.345.678" not in text
        assert "digest" not in text


def test_a_source_lists_its_own_reports_and_no_other(world: World) -> None:
    mine = [world.file(detainee__full_name=name)["report"]["id"] for name in ("Ana Rojas", "Eva Luna", "Ida Mar")]
    world.file("jep", detainee__full_name="Ulises Barrios")
    first = world.get("/v1/reports", "foro", limit=2).json()
    rest = world.client.get(first["next"], headers=world.headers("foro")).json()
    assert [report["id"] for report in first["data"] + rest["data"]] == mine
    assert rest["next"] is None


def test_a_source_finds_its_report_by_its_case_number_and_nobody_elses(world: World) -> None:
    mine = world.file("foro", source_record_id="A-17")
    world.file("foro", source_record_id="A-18", detainee__full_name="Otro Invento")
    world.file("jep", source_record_id="A-17", detainee__full_name="De Otra Lista")
    found = world.get("/v1/reports", "foro", source_record_id="A-17").json()["data"]
    assert [one["id"] for one in found] == [mine["report"]["id"]]
    assert world.get("/v1/reports", "pud", source_record_id="A-17").json()["data"] == []


def test_a_withdrawn_report_is_not_corrected_until_it_says_something_again(world: World) -> None:
    path = f"/v1/reports/{world.file()['report']['id']}"
    world.post(f"{path}/retract", {"reason": "another man"}, "foro")
    with world.storing_nothing():
        patch = {"release": {"kind": "pardon"}}
        refused = world.client.patch(path, json=patch, headers=world.headers("foro"))
        assert "verdict" in world.refuse(refused, 409, "conflict")["detail"]
    again = {**patch, "verification": {"verdict": "verified"}}
    assert world.client.patch(path, json=again, headers=world.headers("foro")).status_code == 200
    assert world.count()["total"]["verified"] == 1


def test_a_patch_changes_what_it_names_removes_what_it_nulls_and_keeps_the_rest(world: World) -> None:
    filed = world.post("/v1/releases", FULL, "foro").json()
    change = {"detainee": {"aliases": ["El Maestro"], "father_name": None}, "release": {"kind": "pardon"}, "note": None}
    answer = patch(world, filed["report"]["id"], change)
    assert answer.status_code == 200
    assert answer.json()["report"]["version"] == 2
    read = own(world, filed["report"]["id"])
    expected = {**FULL, "detainee": {**FULL["detainee"], "aliases": ["El Maestro"]}, "release": {**FULL["release"]}}
    expected["release"]["kind"] = "pardon"
    del expected["detainee"]["father_name"], expected["note"]
    assert {name: read.get(name) for name in (*expected, "note")} == {**expected, "note": None}


def test_a_patch_that_changes_nothing_is_no_new_version(world: World) -> None:
    filed = world.post("/v1/releases", FULL, "foro").json()
    with world.storing_nothing():
        for change in ({}, {"note": "restricted"}, {"verification": {"method": "family"}}):
            answer = patch(world, filed["report"]["id"], change)
            assert (answer.status_code, answer.json()["report"]["version"]) == (200, 1)


def test_a_patch_leaves_an_identification_number_it_does_not_name(world: World) -> None:
    filed = world.file(detainee__national_id="V-12345678")
    patch(world, filed["report"]["id"], {"note": "n"})
    assert own(world, filed["report"]["id"])["has_national_id"]
    patch(world, filed["report"]["id"], {"detainee": {"national_id": None}})
    assert not own(world, filed["report"]["id"])["has_national_id"]


def test_a_correction_may_be_bound_to_the_version_it_was_based_on(world: World) -> None:
    report = world.file()["report"]["id"]
    tag = world.get(f"/v1/reports/{report}", "foro").headers["etag"]
    world.file("jep")  # the head moves on; this report does not
    assert patch(world, report, {"note": "first"}, **{"If-Match": tag}).status_code == 200
    with world.storing_nothing():
        world.refuse(patch(world, report, {"note": "second"}, **{"If-Match": tag}), 412, "precondition_failed")
    newer = world.get(f"/v1/reports/{report}", "foro").headers["etag"]
    assert newer != tag
    assert patch(world, report, {"note": "second"}, **{"If-Match": f'"other", {newer}'}).status_code == 200
    assert patch(world, report, {"note": "third"}, **{"If-Match": "*"}).status_code == 200


def test_a_withdrawn_report_stays_visible_as_withdrawn_and_counts_no_more(world: World) -> None:
    filed = world.file()
    answer = world.post(f"/v1/reports/{filed['report']['id']}/retract", {"reason": "another man"}, "foro")
    assert answer.status_code == 200
    assert answer.json()["report"]["version"] == 2
    read = own(world, filed["report"]["id"])
    assert read["verification"]["verdict"] == "retracted"
    assert read["retraction"] == {"reason": "another man"}
    release = world.get(f"/v1/releases/{filed['release']['id']}").json()
    assert release["status"] == "retracted"
    assert world.count()["total"]["cases"] == 0
    assert world.count(as_of=filed["receipt"]["revision"])["total"]["cases"] == 1
    (verdict,) = world.get(f"/v1/releases/{filed['release']['id']}/verifications").json()["data"]
    assert verdict["verdict"] == "retracted"
    with world.storing_nothing():
        again = world.post(f"/v1/reports/{filed['report']['id']}/retract", {"reason": "another man"}, "foro")
        assert (again.status_code, again.json()["report"]["version"]) == (200, 2)


def test_a_report_is_withdrawn_without_a_reason_or_a_body(world: World) -> None:
    filed = world.file()
    answer = world.client.post(f"/v1/reports/{filed['report']['id']}/retract", headers=world.headers("foro"))
    assert answer.status_code == 200
    assert "retraction" not in own(world, filed["report"]["id"])


def test_every_version_of_a_report_can_be_read_as_it_stood(world: World) -> None:
    first = world.file(source_record_id="FP-1")
    second = world.file(source_record_id="FP-1", release__kind="pardon")
    report = first["report"]["id"]
    for filed, version, kind in ((first, 1, "release_with_measures"), (second, 2, "pardon")):
        read = own(world, report, as_of=filed["receipt"]["revision"])
        assert (read["version"], read["release"]["kind"]) == (version, kind)
    world.refuse(world.get(f"/v1/reports/{report}", "foro", as_of=1), 404, "not_found")


def test_a_report_may_point_at_what_is_known_instead_of_describing_it(world: World, subtests: pytest.Subtests) -> None:
    known = world.file("foro")
    for who, thing in (("jep", "release"), ("pud", "detention"), ("ministry", "detainee")):
        with subtests.test(thing):
            body = {f"{thing}_id": known[thing]["id"], "release": {"released_on": "2026-01-12"}}
            answer = world.post("/v1/releases", body, who)
            assert answer.status_code == 201, answer.text
    verdicts = world.get(f"/v1/releases/{known['release']['id']}/verifications").json()["data"]
    assert {one["source"] for one in verdicts} == {"foro", "jep", "pud", "ministry"}
    assert world.count()["total"]["cases"] == 1


def test_a_verdict_on_a_release_is_the_next_version_of_the_sources_report_there(world: World) -> None:
    filed = world.file("foro", verification={"verdict": "reported"}, note="kept")
    answer = world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer")
    assert answer["report"] == {"id": filed["report"]["id"], "version": 2}
    read = own(world, filed["report"]["id"])
    assert read["verification"] == {"verdict": "verified", "method": "lawyer"}
    assert (read["note"], read["release"]["kind"]) == ("kept", "release_with_measures")


def test_a_first_verdict_is_a_report_of_its_own_that_can_carry_a_case_number(world: World) -> None:
    filed = world.file("foro")
    verdict = {"verdict": "verified", "method": "lawyer", "source_record_id": "JEP-1"}
    first = world.verify(filed["release"]["id"], "jep", **verdict)
    assert first["report"]["version"] == 1
    assert first["match"]["outcome"] == "linked"
    assert first["release"]["id"] == filed["release"]["id"]
    with world.storing_nothing():
        assert world.verify(filed["release"]["id"], "jep", **verdict)["receipt"] == first["receipt"]
    assert own(world, first["report"]["id"], "jep")["source_record_id"] == "JEP-1"
    other = world.file("pud", detainee__full_name="Ulises Barrios")
    with world.storing_nothing():
        path = f"/v1/releases/{other['release']['id']}/verifications"
        world.refuse(world.post(path, verdict, "jep"), 409, "conflict")


def test_sources_are_cited_by_slug_or_name_and_kept_by_slug(world: World) -> None:
    filed = world.file(verification__citing=["Jep", "PUD", "Radio Bemba"], verification__method="press")
    assert own(world, filed["report"]["id"])["verification"]["citing"] == ["Radio Bemba", "jep", "pud"]


def test_an_erased_person_cannot_come_back_under_the_same_case_number(world: World) -> None:
    filed = world.file(source_record_id="FP-1")
    world.redact(filed["detainee"]["id"])
    report = filed["report"]["id"]
    with world.storing_nothing():
        world.refuse(world.post("/v1/releases", make_report(source_record_id="FP-1"), "foro"), 409, "redacted")
        world.refuse(patch(world, report, {"note": "n"}), 404, "not_found")
        world.refuse(world.get(f"/v1/reports/{report}", "foro"), 404, "not_found")
        world.refuse(world.get(f"/v1/reports/{report}", "foro", as_of=filed["receipt"]["revision"]), 404, "not_found")
    assert world.get("/v1/reports", "foro").json()["data"] == []
