"""A stolen key: all that it wrote since an hour is withdrawn by one entry, shown first, and stands again by another."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import text

from app.db.engine import make_engine, open_write_session
from app.registry import recalls
from app.registry.apply import rebuild_tables
from app.vocabulary import Role
from tests.properties.test_rebuild import TABLES, rows
from tests.support import Body, World, make_report

UNNAMED = "-"
THEFT = "2026-03-02T00:00:00Z"  # since when the key is another's
CLAIM: Body = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "said": 56, "country": "VE"}


@pytest.fixture
def stolen(world: World) -> World:
    """A source with two keys, of which `thief` is in the wrong hands from the next day on."""
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.REPORTER, "foro", "Somebody robbed")
    return world


def steal(world: World) -> None:
    world.now += timedelta(days=1)


def key_id(world: World, who: str = "thief") -> str:
    return world.keys[who][4:12]


def recall(world: World, who: str = "admin", key: str = "thief", **more: Any) -> Response:
    return world.post("/v1/recalls", {"key_id": key_id(world, key), "since": THEFT, **more}, who)


def undo(world: World, revision: int, who: str = "admin", **more: Any) -> Response:
    return world.post("/v1/recalls", {"undoes": revision, **more}, who)


def done(answer: Response) -> Body:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def moved(**numbers: int) -> Body:
    return {"withdrawn": 0, "changed": 0, "restored": 0, "unchanged": 0} | numbers


def names(world: World, **terms: Any) -> list[str]:
    return sorted(row["name"] or UNNAMED for row in world.get("/v1/detainees", "reader", **terms).json()["data"])


def releases(world: World, **terms: Any) -> int:
    return int(world.get("/v1/counts/releases", **terms).json()["total"]["cases"])


def case_of(world: World, case: str, who: str = "foro", **terms: Any) -> Body | None:
    rows = world.get("/v1/reports", who, source_record_id=case, **terms).json()["data"]
    return dict(rows[0]) if rows else None


def three(world: World) -> None:
    """A report that the thief changes, one that the thief changes and the source after it, and one invented."""
    for case, name in (("1", "Tomás Quintana Ribas"), ("2", "Lucía Arrieta Montes")):
        world.file(source_record_id=case, detainee__full_name=name)
    steal(world)
    for case, name in (("1", "Tomás Quintana Ribas"), ("2", "Lucía Arrieta Montes")):
        world.file("thief", source_record_id=case, detainee__full_name=name, verification={"verdict": "retracted"})
    world.file("thief", source_record_id="3", detainee__full_name="Ismael Otero Invento")
    world.file(source_record_id="2", detainee__full_name="Lucía Arrieta Montes", release__kind="pardon")


def test_all_that_a_key_wrote_since_an_hour_is_withdrawn_by_one_entry(stolen: World) -> None:
    three(stolen)
    before = stolen.revision
    assert names(stolen) == [UNNAMED, "Ismael Otero Invento", "Lucía Arrieta Montes"]
    assert releases(stolen) == 2
    answer = done(recall(stolen))
    assert answer["entries"] == 3
    assert answer["reports"] == moved(withdrawn=1, changed=1, unchanged=1)
    assert stolen.revision == before + 1 == answer["receipt"]["revision"]
    assert names(stolen) == ["Lucía Arrieta Montes", "Tomás Quintana Ribas"]
    assert releases(stolen) == 2
    first, second = case_of(stolen, "1"), case_of(stolen, "2")
    assert first is not None
    assert second is not None
    assert (first["version"], first["verification"]["verdict"]) == (1, "verified")
    assert (second["version"], second["release"]["kind"]) == (3, "pardon")
    assert case_of(stolen, "3") is None


def test_what_a_recall_would_change_is_told_before_it_is_done(stolen: World) -> None:
    three(stolen)
    with stolen.storing_nothing():
        told = recall(stolen, dry_run=True)
    assert (told.status_code, told.json()["done"], told.json()["receipt"]) == (200, False, None)
    assert stolen.get("/v1/me", "thief").status_code == 200
    assert done(recall(stolen)) | {"done": False, "receipt": None} == told.json()


# What tells when a row was written or a count made.
MOMENTS = re.compile(r'&leaf=\w+|&as_of=r\d+|"revision": \d+|"recorded_at": "[^"]*"')


def test_a_recall_is_undone_by_one_further_entry(stolen: World) -> None:
    three(stolen)
    asked = ("/v1/detainees", "/v1/releases", "/v1/detentions", "/v1/counts/releases?group_by=source", "/v1/reports")

    def read() -> list[Any]:
        found = [stolen.get(path, "foro").json() for path in asked]
        return [{k: v for k, v in one.items() if k in ("data", "total", "groups")} for one in found]

    stood, revision = json.dumps(read()), done(recall(stolen))["receipt"]["revision"]
    with stolen.storing_nothing():
        told = undo(stolen, revision, dry_run=True).json()
    assert told["reports"] == moved(restored=1, changed=1, unchanged=1)
    assert done(undo(stolen, revision)) | {"done": False, "receipt": None} == told
    now = json.dumps(read())
    for listed in (stood, now):
        assert "Ismael" in listed
    assert MOMENTS.sub("", now) == MOMENTS.sub("", stood)
    stolen.refuse(undo(stolen, revision), 404, "not_found")


def test_counts_at_former_revisions_stay_as_they_were(stolen: World) -> None:
    three(stolen)
    at = stolen.revision
    before = stolen.get("/v1/counts/releases", group_by="source", as_of=at)
    listed = stolen.get("/v1/releases", as_of=at).json()
    revision = done(recall(stolen))["receipt"]["revision"]
    done(undo(stolen, revision))
    assert stolen.get("/v1/counts/releases", group_by="source", as_of=at).content == before.content
    assert stolen.get("/v1/releases", as_of=at).json() == listed
    assert releases(stolen, as_of=revision) == 2


def test_a_comparison_names_what_a_recall_took_away(stolen: World) -> None:
    three(stolen)
    at = stolen.revision
    done(recall(stolen))
    told = stolen.get(stolen.count(as_of=at)["links"]["cite"]).json()
    assert "1 recalled" in str(told), told


def test_of_whoever_may_only_be_counted_no_comparison_names_what_a_recall_took_away(stolen: World) -> None:
    """No person is left who could be found to be hidden: the report itself says so."""
    steal(stolen)
    release = stolen.file("thief", detainee__publish="counted")["release"]["id"]
    address = stolen.count()["links"]["cite"]
    done(recall(stolen))
    public, partner = (stolen.get(address, who).json()["difference"] for who in (None, "reader"))
    assert public["changes"] == partner["changes"] == {"recalled": 1}
    assert (public["cases"], public["withheld_cases"]) == ([], 1)
    assert partner["cases"] == [{"change": "recalled", "id": release}]


def test_the_key_ends_with_it(stolen: World) -> None:
    three(stolen)
    done(recall(stolen))
    stolen.refuse(stolen.post("/v1/releases", make_report(), "thief"), 401, "unauthenticated")


def test_the_log_says_which_entries_and_of_which_source_but_not_of_which_key(stolen: World) -> None:
    three(stolen)
    revision = done(recall(stolen))["receipt"]["revision"]
    (body,) = stolen.rows(f"SELECT body FROM entry WHERE revision = {revision}")
    said = json.loads(body[0])
    first, last = revision - 4, revision - 2
    assert {name: said[name] for name in said if name not in ("v", "recorded_at")} == {
        "kind": "recall", "source": "foro", "entries": [[first, last]],
    }  # fmt: skip
    bodies = "".join(row[0] for row in stolen.rows("SELECT body FROM entry"))
    assert key_id(stolen) not in bodies
    for who in (None, "foro", "reader", "curator"):
        assert key_id(stolen) not in stolen.get("/v1/corrections", who).text


def test_ranges_end_where_another_key_of_the_source_wrote(stolen: World) -> None:
    steal(stolen)
    written = []
    for number, who in enumerate(("thief", "jep", "thief", "foro", "thief")):
        name = f"{('Berta', 'Ismael', 'Lucía', 'Ulises', 'Rosa')[number]} Invento {number}"
        filed = stolen.file(who, source_record_id=str(number), detainee__full_name=name, detainee__birth_date=None)
        written.append(filed["receipt"]["revision"])
    revision = done(recall(stolen))["receipt"]["revision"]
    (body,) = stolen.rows(f"SELECT body FROM entry WHERE revision = {revision}")
    assert json.loads(body[0])["entries"] == [[written[0], written[2]], [written[4], written[4]]]
    assert case_of(stolen, "1", "jep") is not None
    assert case_of(stolen, "3") is not None


def test_what_was_recalled_comes_in_again_with_another_key(stolen: World) -> None:
    steal(stolen)
    sent = make_report(source_record_id="3", note="invented")
    bare = make_report(detainee__full_name="Berta Solano Ugas")
    once = {"Idempotency-Key": "sent once"}
    first = stolen.post("/v1/releases", sent, "thief").json()
    stolen.post("/v1/releases", bare, "thief", **once)
    done(recall(stolen))
    assert names(stolen) == []
    again = stolen.post("/v1/releases", sent, "foro")
    assert (again.status_code, again.json()["report"]) == (201, {**first["report"], "version": 2})
    by_key = stolen.post("/v1/releases", bare, "foro", **once)
    assert (by_key.status_code, by_key.headers.get("idempotency-replayed")) == (201, None)
    assert names(stolen) == ["Berta Solano Ugas", "Tomás Aurelio Quintana Ribas"]
    unchanged = stolen.post("/v1/releases", sent, "foro")
    assert (unchanged.status_code, unchanged.json()["report"]) == (200, again.json()["report"])
    by_key = stolen.post("/v1/releases", bare, "foro", **once)
    assert by_key.headers["idempotency-replayed"] == "true"


def test_a_list_that_was_recalled_comes_in_again_row_by_row(stolen: World) -> None:
    steal(stolen)
    rows = [f"L-{number},{name} Invento,2024-10-13,2026-01-12,VE" for number, name in enumerate(("Berta", "Ismael"))]
    table = "\n".join(["code,full name,detained on,released on,country", *rows])
    stolen.send_list(table, "thief")
    assert releases(stolen) == 2
    assert done(recall(stolen))["reports"] == moved(withdrawn=2)
    assert releases(stolen) == 0
    receipt = stolen.send_list(table)
    assert receipt["counts"]["new"] == 2, receipt
    assert releases(stolen) == 2


@pytest.mark.parametrize("case", ["L-1", ""])
def test_a_list_that_was_recalled_comes_in_again_with_its_idempotency_key(stolen: World, case: str) -> None:
    steal(stolen)
    table = f"code,full name,detained on,released on,country\n{case},Berta Invento,2024-10-13,2026-01-12,VE"

    def send(who: str) -> Response:
        headers = stolen.headers(who, **{"Idempotency-Key": "monday"})
        answer = stolen.client.post("/v1/imports", content=table.encode(), headers=headers)
        stolen.settle()
        return answer

    first = send("thief").json()["id"]
    assert send("foro").json()["id"] == first
    done(recall(stolen))
    assert releases(stolen) == 0
    again = send("foro")
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (202, None)
    assert releases(stolen) == 1
    assert send("foro").json()["id"] == again.json()["id"] != first


def test_what_was_reported_again_stays_recalled_when_the_recall_is_undone(stolen: World) -> None:
    three(stolen)
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.file(source_record_id="3", detainee__full_name="Ismael Otero Invento")
    answer = done(undo(stolen, revision))
    assert (answer["entries"], answer["left"]) == (2, 1)
    assert names(stolen).count("Ismael Otero Invento") == 1
    stolen.refuse(undo(stolen, revision), 409, "conflict")


def test_what_replaced_a_recalled_report_can_be_recalled_too_and_then_the_first_stands_again(stolen: World) -> None:
    three(stolen)
    first = done(recall(stolen))["receipt"]["revision"]
    stolen.file(source_record_id="3", detainee__full_name="Ismael Otero Invento", release__kind="pardon")
    assert done(undo(stolen, first))["left"] == 1
    done(recall(stolen, key="foro"))
    assert "Ismael Otero Invento" not in names(stolen)
    assert done(undo(stolen, first))["entries"] == 1
    assert "Ismael Otero Invento" in names(stolen)


def test_a_later_version_follows_all_that_were_filed(stolen: World) -> None:
    three(stolen)
    done(recall(stolen))
    filed = stolen.file(source_record_id="1", detainee__full_name="Tomás Quintana Ribas", release__kind="pardon")
    assert filed["report"]["version"] == 3, "the second was recalled, and its number is not used again"


def test_a_recalled_report_is_nobodys_any_more_and_names_nobody(stolen: World) -> None:
    steal(stolen)
    filed = stolen.file("thief", detainee__full_name="Ismael Otero Invento")
    at, ids = stolen.revision, {kind: filed[kind]["id"] for kind in ("report", "detainee", "release")}
    done(recall(stolen))
    for path in (f"/v1/reports/{ids['report']}", f"/v1/releases/{ids['release']}", f"/v1/detainees/{ids['detainee']}"):
        stolen.refuse(stolen.get(path, "foro"), 404, "not_found")
        assert stolen.get(path, "foro", as_of=at).status_code == 200
    headers = stolen.headers("foro")
    patched = stolen.client.patch(f"/v1/reports/{ids['report']}", json={"note": "x"}, headers=headers)
    assert "recalled" in stolen.refuse(patched, 404, "not_found")["detail"]
    pointing = make_report(detainee=None, detainee_id=ids["detainee"])
    stolen.refuse(stolen.post("/v1/releases", pointing, "jep"), 404, "not_found")
    verdict = {"verdict": "verified", "method": "family"}
    stolen.refuse(stolen.post(f"/v1/releases/{ids['release']}/verifications", verdict, "jep"), 404, "not_found")
    other = stolen.file("jep", detainee__full_name="Berta Solano Ugas")["detainee"]["id"]
    judged = {"a": ids["detainee"], "b": other, "judgement": "same", "reason": "x"}
    stolen.refuse(stolen.post("/v1/identity", judged, "curator"), 422, "invalid")
    consent = {"publish": "named", "given_by": "I", "given_on": "2026-02-01"}
    stolen.refuse(stolen.post(f"/v1/detainees/{ids['detainee']}/consent", consent, "curator"), 404, "not_found")


def test_reports_of_others_stay_and_are_tied_by_nothing_that_the_thief_said(stolen: World) -> None:
    berta = stolen.file("jep", detainee__full_name="Berta Solano Ugas")["detainee"]["id"]
    steal(stolen)
    earlier = {"detention__detained_on": "2020-01-01", "release__released_on": "2021-01-01"}
    ismael = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": None, **earlier}
    lure = stolen.file("thief", detainee_id=berta, **ismael)
    caught = stolen.file("pud", detention_id=lure["detention"]["id"], **ismael)
    assert caught["detainee"]["id"] == berta, "the thief made one person of two"
    done(recall(stolen))
    assert names(stolen) == ["Berta Solano Ugas", "Ismael Otero Invento"]


def test_what_curators_decided_holds_where_the_report_it_named_is_recalled(stolen: World) -> None:
    steal(stolen)
    first = stolen.file("thief", source_record_id="9")
    mine = stolen.file("jep")
    assert mine["match"]["outcome"] == "linked"
    stolen.consent(first["detainee"]["id"], "counted", given_by="the family")
    assert names(stolen) == ["Tomás Aurelio Quintana Ribas"]
    assert stolen.get("/v1/detainees").json()["data"] == []
    done(recall(stolen))
    assert stolen.get("/v1/detainees").json()["data"] == [], "the family asked for it, whoever reported"


def test_an_erased_person_stays_erased_and_a_recalled_one_can_be_erased(stolen: World) -> None:
    steal(stolen)
    erased = stolen.file("thief", source_record_id="1", detainee__full_name="Berta Solano Ugas")
    other = stolen.file("thief", source_record_id="2", detainee__full_name="Ismael Otero Invento")
    stolen.redact(erased["detainee"]["id"])
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.redact(other["detainee"]["id"])
    for case in ("1", "2"):
        again = stolen.post("/v1/releases", make_report(source_record_id=case), "foro")
        stolen.refuse(again, 409, "redacted")
    done(undo(stolen, revision))
    assert names(stolen) == [UNNAMED, UNNAMED]
    for table in ("sealed", "detainee_personal"):
        kept = str(stolen.rows(f"SELECT * FROM {table}"))
        assert "Solano" not in kept
        assert "Otero" not in kept
    assert releases(stolen) == 2


def test_wishes_of_a_recalled_report_are_forgotten(stolen: World) -> None:
    stolen.file("foro", source_record_id="1")
    steal(stolen)
    stolen.file("thief", source_record_id="1", detainee__publish="counted")
    assert stolen.rows("SELECT publish FROM requested_class") == [("counted",)]
    assert stolen.get("/v1/detainees").json()["data"] == []
    revision = done(recall(stolen))["receipt"]["revision"]
    assert stolen.rows("SELECT publish FROM requested_class") == []
    assert len(stolen.get("/v1/detainees").json()["data"]) == 1
    done(undo(stolen, revision))
    assert stolen.rows("SELECT publish FROM requested_class") == [("counted",)]
    assert stolen.get("/v1/detainees").json()["data"] == []


def test_claims_are_recalled_too(stolen: World) -> None:
    old = stolen.post("/v1/claims", {**CLAIM, "source_record_id": "a"}, "foro").json()
    steal(stolen)
    stolen.post("/v1/claims", {**CLAIM, "source_record_id": "a", "said": 500}, "thief")
    stolen.post("/v1/claims", {**CLAIM, "source_record_id": "b", "said": 900}, "thief")
    answer = done(recall(stolen))
    assert answer["claims"] == moved(withdrawn=1, changed=1)
    rows = stolen.get("/v1/claims").json()["data"]
    assert [(row["id"], row["said"], row["since"]) for row in rows] == [(old["id"], 56, old["since"])]
    gone = stolen.get("/v1/claims", changed_since=answer["receipt"]["revision"] - 1).json()["data"]
    assert sorted(row.get("gone", False) for row in gone) == [False, True]
    again = stolen.post("/v1/claims", {**CLAIM, "source_record_id": "b", "said": 900}, "foro")
    assert again.status_code == 201
    undone = done(undo(stolen, answer["receipt"]["revision"]))
    assert undone["claims"] == moved(changed=1)
    assert undone["left"] == 1
    assert sorted(row["said"] for row in stolen.get("/v1/claims").json()["data"]) == [500, 900]


def test_the_corrections_tell_of_a_recall_and_of_its_undoing(stolen: World) -> None:
    three(stolen)
    revision = done(recall(stolen))["receipt"]["revision"]
    undone = done(undo(stolen, revision))["receipt"]["revision"]
    told = stolen.get("/v1/corrections", correction_kind="recalled", source="foro").json()["data"]
    assert [(row["revision"], row["source"], row["changes"]) for row in told] == [
        (undone, "foro", [{"field": "entries", "before": 0, "after": 3}]),
        (revision, "foro", [{"field": "entries", "before": 3, "after": 0}]),
    ]
    assert stolen.get("/v1/corrections", correction_kind="recalled", source="jep").json()["data"] == []
    feed = stolen.client.get("/v1/corrections.atom", params={"correction_kind": "recalled", "lang": "es"}).text
    assert "Anulado en bloque: foro" in feed
    assert "entradas: 3 → 0" in feed
    everything = stolen.get("/v1/corrections").json()["data"]
    assert [row["revision"] for row in everything].count(revision) == 1


def test_a_list_of_changes_tells_what_left_with_a_recall(stolen: World) -> None:
    three(stolen)
    before = stolen.revision
    done(recall(stolen))
    rows = stolen.get("/v1/detainees", changed_since=before).json()["data"]
    assert sorted(row.get("gone", False) for row in rows) == [False, True]


@pytest.mark.parametrize("bound", ["MAX_RECALLED_ENTRIES", "MAX_RECALL_RANGES"])
def test_what_one_entry_cannot_hold_is_left_and_recalled_by_sending_the_same_again(
    stolen: World, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    steal(stolen)
    for number, name in enumerate(("Berta", "Ismael", "Lucía")):
        stolen.file("thief", source_record_id=f"t{number}", detainee__full_name=f"{name} Invento {number}")
        stolen.file("foro", source_record_id=f"f{number}", detainee__full_name=f"{name} Otero {number}")
    monkeypatch.setattr(recalls, bound, 2)
    first = done(recall(stolen))
    assert (first["entries"], first["left"]) == (2, 1)
    second = done(recall(stolen))
    assert (second["entries"], second["left"]) == (1, 0)
    assert releases(stolen) == 3
    stolen.refuse(recall(stolen), 409, "conflict")


def test_entries_of_which_no_key_is_known_are_counted_and_left(stolen: World) -> None:
    three(stolen)
    owner = make_engine(stolen.settings.database_url)  # no server's own connection may
    with open_write_session(owner) as session:
        session.execute(text("DELETE FROM written_by"))
    owner.dispose()
    told = recall(stolen, dry_run=True).json()
    assert (told["entries"], told["unattributed"]) == (0, 4)
    before = stolen.revision
    assert (recall(stolen).status_code, stolen.revision) == (200, before)


def test_a_key_that_wrote_only_what_waits_ends_too_and_what_waits_is_never_filed(stolen: World) -> None:
    steal(stolen)
    held = make_report(source_record_id="9") | {"publish_not_before": "2026-03-10"}
    assert stolen.post("/v1/releases", held, "thief").status_code == 202
    assert stolen.post("/v1/releases", {**held, "source_record_id": "8"}, "foro").status_code == 202
    before = stolen.revision
    with stolen.storing_nothing():
        told = recall(stolen, dry_run=True).json()
    assert (told["done"], told["entries"], told["waiting"]) == (False, 0, 1)
    assert stolen.get("/v1/me", "thief").status_code == 200
    answer = recall(stolen)
    assert (answer.status_code, answer.json()) == (200, {**told, "done": True})
    assert stolen.revision == before
    stolen.refuse(stolen.get("/v1/me", "thief"), 401, "unauthenticated")
    stolen.refuse(recall(stolen), 409, "conflict")
    stolen.now += timedelta(days=10)
    stolen.end_embargoes()
    assert releases(stolen) == 1
    (waits,) = stolen.waiting()
    assert (waits["report"]["source_record_id"], waits["problem"]["code"]) == ("9", "conflict")


@pytest.mark.parametrize("since, recalled", [("2026-03-09T00:00:00Z", 1), ("2026-03-01T00:00:00Z", 2)])
def test_what_an_honest_key_sent_under_an_embargo_before_it_was_stolen_stands(
    stolen: World, since: str, recalled: int
) -> None:
    steal(stolen)
    held = make_report(source_record_id="9") | {"publish_not_before": "2026-03-10"}
    assert stolen.post("/v1/releases", held, "thief").status_code == 202
    stolen.now += timedelta(days=10)
    stolen.end_embargoes()
    stolen.file("thief", source_record_id="3", detainee__full_name="Ismael Otero Invento")
    assert releases(stolen) == 2
    assert done(recall(stolen, since=since))["entries"] == recalled
    assert (case_of(stolen, "9") is None) == (recalled == 2)
    assert case_of(stolen, "3") is None


def test_an_honest_report_that_a_thief_brought_forward_is_recalled(stolen: World) -> None:
    steal(stolen)
    report = make_report(source_record_id="9")
    assert stolen.post("/v1/releases", report | {"publish_not_before": "2026-03-20"}, "thief").status_code == 202
    stolen.now += timedelta(days=7)
    assert stolen.post("/v1/releases", report | {"publish_not_before": "2026-03-10"}, "thief").status_code == 202
    stolen.now += timedelta(days=3)
    stolen.end_embargoes()
    assert releases(stolen) == 1
    assert done(recall(stolen, since="2026-03-09T00:00:00Z"))["entries"] == 1


@pytest.mark.parametrize("case", [None, "3"])
def test_a_waiting_correction_of_a_recalled_report_does_not_bring_it_back(stolen: World, case: str | None) -> None:
    steal(stolen)
    invented = stolen.file("thief", source_record_id=case, detainee__full_name="Ismael Otero Invento")
    path, patch = f"/v1/reports/{invented['report']['id']}", {"note": "n", "publish_not_before": "2026-03-10"}
    assert stolen.client.patch(path, json=patch, headers=stolen.headers("foro")).status_code == 202
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.now += timedelta(days=10)
    stolen.end_embargoes()
    assert (stolen.revision, names(stolen)) == (revision, [])
    (waits,) = stolen.waiting()
    assert "was recalled" in waits["problem"]["detail"]


def test_a_waiting_correction_is_filed_where_the_recall_of_its_report_was_undone(stolen: World) -> None:
    steal(stolen)
    filed = stolen.file("thief", detainee__full_name="Ismael Otero")
    path, patch = f"/v1/reports/{filed['report']['id']}", {"note": "n", "publish_not_before": "2026-03-10"}
    assert stolen.client.patch(path, json=patch, headers=stolen.headers("foro")).status_code == 202
    done(undo(stolen, done(recall(stolen))["receipt"]["revision"]))
    stolen.now += timedelta(days=10)
    stolen.end_embargoes()
    assert stolen.get(path, "foro").json()["version"] == 2


def test_what_waits_of_a_recalled_key_is_told_beside_what_it_wrote(stolen: World) -> None:
    steal(stolen)
    stolen.file("thief", source_record_id="3")
    held = make_report(source_record_id="9") | {"publish_not_before": "2026-03-10"}
    stolen.post("/v1/releases", held, "thief")
    answer = done(recall(stolen))
    assert (answer["entries"], answer["waiting"]) == (1, 1)


@pytest.mark.parametrize("body, status, code", [
    ({"since": THEFT}, 422, "invalid"),
    ({"key_id": "thief"}, 422, "invalid"),
    ({}, 422, "invalid"),
    ({"undoes": 1, "since": THEFT}, 422, "invalid"),
    ({"undoes": 0}, 422, "invalid"),
    ({"undoes": 1}, 404, "not_found"),
    ({"key_id": "NOSUCHID", "since": THEFT}, 404, "not_found"),
    ({"key_id": "thief", "since": "2026-03-02"}, 422, "invalid"),
    ({"key_id": "thief", "since": "yesterday"}, 422, "invalid"),
])  # fmt: skip
def test_a_recall_says_what_it_cannot_do(stolen: World, body: Body, status: int, code: str) -> None:
    named = body | ({"key_id": key_id(stolen, body["key_id"])} if body.get("key_id") in stolen.keys else {})
    with stolen.storing_nothing():
        stolen.refuse(stolen.post("/v1/recalls", named, "admin"), status, code)


def test_who_objected_stays_hidden_and_is_decided_about_where_the_report_named_is_recalled(stolen: World) -> None:
    steal(stolen)
    first = stolen.file("thief", source_record_id="9")
    assert stolen.file("jep")["match"]["outcome"] == "linked"
    stolen.object_to(f"/v1/detainees/{first['detainee']['id']}")
    stolen.beat()
    assert stolen.get("/v1/detainees").json()["data"] == []
    done(recall(stolen))
    assert stolen.get("/v1/detainees").json()["data"] == []
    (waiting,) = stolen.get("/v1/objections", "curator").json()["data"]
    assert waiting["state"] == "hiding"
    stolen.decide(waiting["id"], "dismissed")
    assert len(stolen.get("/v1/detainees").json()["data"]) == 1


def test_whoever_was_hidden_together_with_somebody_through_a_recalled_report_stays_hidden(stolen: World) -> None:
    berta = stolen.file("jep", detainee__full_name="Berta Solano Ugas")
    steal(stolen)
    earlier = {"detention__detained_on": "2020-01-01", "release__released_on": "2021-01-01"}
    ismael = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": None, **earlier}
    lure = stolen.file("thief", detainee_id=berta["detainee"]["id"], **ismael)
    caught = stolen.file("pud", detention_id=lure["detention"]["id"], **ismael)
    for filed in (berta, caught):
        stolen.object_to(f"/v1/releases/{filed['release']['id']}")
        stolen.beat()
    assert stolen.get("/v1/detainees").json()["data"] == []
    done(recall(stolen))
    assert stolen.get("/v1/detainees").json()["data"] == []
    waiting = stolen.get("/v1/objections", "curator").json()["data"]
    assert [one["state"] for one in waiting] == ["hiding", "hiding"]


def alone(world: World, hide: str) -> Body:
    """A person whom nobody but the thief reports, hidden by a consent or on an objection, and recalled."""
    steal(world)
    filed = world.file("thief", source_record_id="1")
    if hide == "consent":
        world.consent(filed["detainee"]["id"], "counted", given_by="the family")
    else:
        world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
        world.beat()
    assert world.get("/v1/detainees").json()["data"] == []
    done(recall(world))
    return filed


@pytest.mark.parametrize("by_list", [False, True])
@pytest.mark.parametrize("hide", ["consent", "objection"])
def test_who_was_hidden_stays_hidden_when_the_report_is_sent_again(stolen: World, hide: str, by_list: bool) -> None:
    filed = alone(stolen, hide)
    if by_list:
        stolen.send_list("code,full name,detained on,released on,country\n1,Tomás Aurelio Quintana Ribas,"
                         "2024-10-13,2026-01-12,VE", confirm=True)  # fmt: skip
    else:
        stolen.file(source_record_id="1")
    assert releases(stolen) == 1
    assert stolen.get("/v1/detainees").json()["data"] == []
    assert stolen.get(f"/v1/detainees/{filed['detainee']['id']}", "reader").status_code == 200
    if hide == "objection":
        (waiting,) = stolen.get("/v1/objections", "curator").json()["data"]
        stolen.decide(waiting["id"], "dismissed")
        assert len(stolen.get("/v1/detainees").json()["data"]) == 1


def test_an_erasure_by_the_old_id_erases_what_was_sent_again(stolen: World) -> None:
    filed = alone(stolen, "consent")
    stolen.file(source_record_id="1")
    stolen.redact(filed["detainee"]["id"])
    assert names(stolen) == [UNNAMED]
    assert "Quintana" not in str(stolen.rows("SELECT * FROM sealed"))


def test_a_report_without_a_case_number_is_sent_again_by_its_id(stolen: World) -> None:
    steal(stolen)
    filed = stolen.file("thief")
    done(recall(stolen))
    again = stolen.file(source_record_id=f"report:{filed['report']['id']}")
    assert again["report"] == {**filed["report"], "version": 2}
    unchanged = stolen.post("/v1/releases", make_report(source_record_id=f"report:{filed['report']['id']}"), "foro")
    assert (unchanged.status_code, unchanged.json()["report"]) == (200, again["report"])


def test_what_tied_a_recalled_report_ties_it_no_more_when_it_is_sent_again(stolen: World) -> None:
    berta = stolen.file("jep", detainee__full_name="Berta Solano Ugas")["detainee"]["id"]
    steal(stolen)
    earlier = {"detention__detained_on": "2020-01-01", "release__released_on": "2021-01-01"}
    named: Body = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": None}
    ismael = {"source_record_id": "1", **named, **earlier}
    stolen.file("thief", detainee_id=berta, **ismael)
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.file(**ismael)
    assert names(stolen) == ["Berta Solano Ugas", "Ismael Otero Invento"]
    undo(stolen, revision)
    assert names(stolen) == ["Berta Solano Ugas", "Ismael Otero Invento"]


def test_a_report_sent_again_is_matched_like_a_new_one(stolen: World) -> None:
    steal(stolen)
    stolen.file("thief", source_record_id="1", detainee__full_name="Ismael Otero Invento")
    stolen.file("jep")
    done(recall(stolen))
    again = stolen.file(source_record_id="1")
    assert again["match"]["outcome"] == "linked"
    assert names(stolen) == ["Tomás Aurelio Quintana Ribas"]


def test_a_report_sent_again_joins_those_who_were_tied_to_it_unless_it_is_of_somebody_else(stolen: World) -> None:
    steal(stolen)
    stolen.file("thief", source_record_id="1")
    assert stolen.file("jep")["match"]["outcome"] == "linked"
    done(recall(stolen))
    other = make_report(source_record_id="1", detainee__full_name="Berta Solano Ugas")
    stolen.refuse(stolen.post("/v1/releases", other, "foro"), 409, "another_person")
    again = stolen.file(source_record_id="1")
    assert again["match"]["outcome"] == "linked"
    assert names(stolen) == ["Tomás Aurelio Quintana Ribas"]
    assert stolen.by_source() == {"foro": 1, "jep": 1}


def lured(world: World) -> tuple[Body, Body]:
    """A person reported by `jep`, and an older detention that the thief files as theirs."""
    berta = world.file("jep", detainee__full_name="Berta Solano Ugas")
    steal(world)
    earlier = {"detention__detained_on": "2020-01-01", "release__released_on": "2021-01-01"}
    named = {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": None}
    return berta, world.file("thief", detainee_id=berta["detainee"]["id"], **named, **earlier)


def shown(world: World) -> list[Body]:
    return list(world.get("/v1/detainees").json()["data"])


def test_who_objected_at_the_address_that_the_thief_made_stays_hidden(stolen: World) -> None:
    _berta, lure = lured(stolen)
    stolen.object_to(f"/v1/releases/{lure['release']['id']}")
    stolen.beat()
    assert shown(stolen) == []
    done(recall(stolen))
    assert shown(stolen) == []
    (waiting,) = stolen.get("/v1/objections", "curator").json()["data"]
    assert waiting["state"] == "hiding"
    stolen.decide(waiting["id"], "dismissed")
    assert len(shown(stolen)) == 1


def test_what_two_curators_decided_at_the_address_that_the_thief_made_holds(stolen: World) -> None:
    _berta, lure = lured(stolen)
    stolen.object_to(f"/v1/releases/{lure['release']['id']}")
    stolen.beat()
    (waiting,) = stolen.get("/v1/objections", "curator").json()["data"]
    stolen.decide(waiting["id"], "upheld", "counted")
    assert shown(stolen) == []
    done(recall(stolen))
    assert shown(stolen) == []


def test_a_consent_given_by_the_id_that_the_thief_made_holds(stolen: World) -> None:
    lured(stolen)
    own = stolen.rows("SELECT detainee_id FROM record ORDER BY key")[-1][0]
    stolen.consent(str(own), "counted", given_by="the family")
    assert shown(stolen) == []
    revision = done(recall(stolen))["receipt"]["revision"]
    assert shown(stolen) == []
    bodies = [json.loads(row[0]) for row in stolen.rows(f"SELECT body FROM entry WHERE revision > {revision}")]
    assert [(body["kind"], body["publish"]) for body in bodies if "opens" not in body] == [("consent", "counted")]
    assert releases(stolen) == 1


def test_what_was_decided_of_a_person_does_not_follow_whom_the_thief_tied_to_them(stolen: World) -> None:
    berta, _lure = lured(stolen)
    stolen.consent(berta["detainee"]["id"], "named", given_by="the person")
    before = stolen.revision
    done(recall(stolen))
    assert stolen.revision == before + 1
    assert len(shown(stolen)) == 1


def test_an_objection_to_whom_nobody_reports_any_more_warns_nobody_and_ends(stolen: World) -> None:
    steal(stolen)
    filed = stolen.file("thief", source_record_id="1")
    stolen.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    stolen.beat()
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.now += timedelta(days=2)
    assert "objections_unanswered" not in stolen.get("/readyz").text
    stolen.now += timedelta(days=29)
    stolen.beat()
    assert stolen.rows("SELECT id FROM objection") == []
    done(undo(stolen, revision))
    assert shown(stolen) == [], "nobody answered it"


def test_everybody_whom_an_objection_may_be_about_is_hidden_and_decided_about(stolen: World) -> None:
    berta = stolen.file("jep", detainee__full_name="Berta Solano Ugas")["detainee"]["id"]
    steal(stolen)
    earlier = {"detention__detained_on": "2020-01-01", "release__released_on": "2021-01-01"}
    ismael = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": None, **earlier}
    lure = stolen.file("thief", detainee_id=berta, **ismael)
    stolen.file("pud", detention_id=lure["detention"]["id"], **ismael)
    stolen.object_to(f"/v1/releases/{lure['release']['id']}", words="I was never there.")
    stolen.beat()
    done(recall(stolen))
    assert shown(stolen) == []
    waiting = stolen.get("/v1/objections", "curator").json()["data"]
    words = [said["words"] for one in waiting for said in one["objections"]]
    assert ([one["state"] for one in waiting], words) == (["hiding"] * 2, ["I was never there."] * 2)
    for one in waiting:
        stolen.decide(one["id"], "dismissed")
    assert len(shown(stolen)) == 2


def test_a_withdrawal_that_was_recalled_is_told_by_the_recall_alone(stolen: World) -> None:
    three(stolen)
    withdrawn = [row["revision"] for row in stolen.get("/v1/corrections", correction_kind="retracted").json()["data"]]
    assert len(withdrawn) == 2
    before = stolen.revision
    revision = done(recall(stolen))["receipt"]["revision"]
    assert stolen.get("/v1/corrections", correction_kind="retracted").json()["data"] == []
    told = stolen.get("/v1/corrections", correction_kind="retracted", as_of=before).json()["data"]
    assert [row["revision"] for row in told] == withdrawn
    done(undo(stolen, revision))
    told = stolen.get("/v1/corrections", correction_kind="retracted").json()["data"]
    assert [row["revision"] for row in told] == withdrawn


def test_that_nobody_may_be_asked_holds_where_the_report_it_named_is_recalled(stolen: World) -> None:
    steal(stolen)
    first = stolen.file("thief", source_record_id="9")
    assert stolen.file("jep")["match"]["outcome"] == "linked"
    given = {"publish": "named", "given_by": "the family", "given_on": "2026-01-20", "contact": False}
    path = f"/v1/detainees/{first['detainee']['id']}/consent"
    assert stolen.post(path, given, "curator").status_code == 200
    done(recall(stolen))
    (row,) = stolen.get("/v1/detainees", "reader").json()["data"]
    contact = stolen.get(f"/v1/detainees/{row['id']}", "curator").json()["contact"]
    assert contact is not None
    assert contact["allowed"] is False


def test_a_rebuild_gives_what_stands_after_a_report_was_sent_again(stolen: World) -> None:
    _berta, lure = lured(stolen)
    stolen.object_to(f"/v1/releases/{lure['release']['id']}")
    stolen.beat()
    stolen.file("thief", source_record_id="1", detainee__full_name="Ismael Otero Invento")
    stolen.file("pud", detainee__full_name="Ismael Otero Invento")
    revision = done(recall(stolen))["receipt"]["revision"]
    stolen.file(source_record_id="1", detainee__full_name="Ismael Otero Invento")
    done(undo(stolen, revision))
    with open_write_session(stolen.engine) as session:
        stood = {table: rows(session, table) for table in TABLES}
        rebuild_tables(session)
        assert {table: rows(session, table) for table in TABLES} == stood


def test_a_report_sent_again_is_compared_with_hidden_people_who_came_meanwhile(stolen: World) -> None:
    steal(stolen)
    stolen.file("thief", source_record_id="1", detainee__full_name="Ismael Otero Invento")
    stolen.file("jep", detainee__publish="counted")
    stolen.find_pairs()
    assert stolen.rows("SELECT count(*) FROM hidden_candidate_pair") == [(0,)]
    done(recall(stolen))
    stolen.file(source_record_id="1")
    stolen.find_pairs()
    assert stolen.rows("SELECT count(*) FROM hidden_candidate_pair") == [(1,)]
