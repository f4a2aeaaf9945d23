"""What happens in the scene (scene.py), act by act."""

from typing import Any

import pytest

from app.projection import RULES
from app.registry.curation import proposals
from tests.api.openapi.scene import Stage

Node = dict[str, Any]
JANUARY: Node = {"country": "VE", "released_from": "2026-01-08", "as_of": "2026-01-13"}
AS_JSON = {"Content-Type": "application/json"}
NOBODY = "11111111-2222-4333-8444-555555555555"

RELEASE: Node = {
    "source_record_id": "EX-2026-0117",
    "detainee": {
        "full_name": "Dolores Amparo Zúñiga Berrío", "aliases": ["Lola Zúñiga"], "gender": "female",
        "birth_date": "1980-05", "nationalities": ["VE"], "category": "civilian", "groups": ["journalist"],
        "designation": "political", "publish": "named",
    },
    "detention": {
        "detained_on": "2025-06-03", "facility": "INOF", "country": "VE", "legal_status": "pretrial",
        "held_on": "2026-01-10", "charges": ["instigación pública"],
    },
    "release": {
        "stage": "carried_out", "announced_on": "2026-01-08", "released_on": "2026-01-11",
        "kind": "release_with_measures", "conditions": ["reporting_duty", "travel_ban"],
    },
    "verification": {
        "verdict": "verified", "method": "lawyer", "verified_on": "2026-01-12",
        "evidence": [{"url": "https://example.org/excarcelaciones", "published_on": "2026-01-12"}],
    },
    "note": "Call the lawyer again on Monday.",
}  # fmt: skip
DETENTION: Node = {
    "source_record_id": "EX-2026-0118",
    "detainee": {"full_name": "Genaro Celedonio Paz Ugueto", "age": 41, "age_on": "2026-01"},
    "detention": {"detained_on": "2025-11", "facility": "El Helicoide", "country": "VE", "held_on": "2026-01-11"},
    "verification": {"verdict": "verified", "method": "family"},
}
CLAIM: Node = {
    "claimant": "example-ngo", "measure": "released", "qualifier": "more_than", "said": 400,
    "window_from": "2025-12", "window_to": "2026-01-13", "window_said": "since December",
    "stated_at": "2026-01-13", "zone": "-04:00", "country": "VE",
    "definition": {"terms": {"stage": "carried_out"}, "population": "all who left prison", "net": False},
    "series": "cumulative", "source_record_id": "F-1",
    "citation": {"url": "https://example.org/more-than-400", "published_on": "2026-01-13", "quote": "More than 400."},
}  # fmt: skip
LIST = "case,name,country,detained on,released on,verdict,method\n" + "\n".join(
    (
        "L-1,Iris Otero Salas,VE,2025-03-02,2026-01-12,verified,family",
        "L-2,Abel Rivas Ojeda,VE,2025-04,2026-01-14,,",
        "L-3,,VE,,2026-01-12,,",
    )
)
MAPPING = '[columns]\n"case" = "source_record_id"\n"name" = "detainee.full_name"\n'


def play(stage: Stage) -> None:
    """The whole scene."""
    _counts(stage)
    _figures(stage)
    _directory(stage)
    filed = _reports(stage)
    _people(stage, filed)
    _lists(stage)
    _curators(stage, filed)
    _refusals(stage, filed)
    _freeze(stage)
    _recall(stage)


def _counts(stage: Stage) -> None:
    ask = stage.ask
    ask("is_alive")
    ask("is_ready")
    counted = ask("count_releases", **JANUARY, group_by="source", name="by_source")
    ask("count_releases", **JANUARY, group_by="gender", name="by_gender")
    ask("count_detentions", country="VE", detained_from="2025", as_of="2026-01-14", group_by="ended")
    ask("count_held", country="VE", held_on="2026-01-07", as_of="2026-01-14", group_by="source")
    for extension in ("csv", "jsonl"):
        ask("count_releases_table", None, extension, **JANUARY, group_by="source")
    ask("map_past_of_releases", country="VE", released_from="2026-01-08", as_of="2026-01-10")
    ask("map_past_of_detentions", country="VE", detained_from="2025", as_of="2026-01-10")
    ask("map_past_of_held", country="VE", held_on="2026-01-10", as_of="2026-01-10")
    ask("count_series", **JANUARY, released_to="2026-01-14", interval="week")
    ask("count_overlap", **JANUARY)
    ask("estimate_releases", **JANUARY, lists=["foro-penal", "jep", "pud"])
    ask("read_citation", None, counted["links"]["cite"].rpartition("/c/")[2])


def _figures(stage: Stage) -> None:
    ask = stage.ask
    figures = ask("list_claims", country="VE", claimant="presidencia", measure="released", sort="-added", limit=1)
    claim = figures["data"][0]["id"]
    ask("read_claim", None, claim)
    ask("reconcile_claim", None, claim)
    ask("read_balance", None, "foro-penal")
    ask("list_corrections", correction_kind="claim_superseded", limit=1)
    ask("follow_corrections", correction_kind="claim_superseded", limit=1)
    filed = ask("add_claim", "reporter", body=CLAIM, gives=201)
    ask("add_claim", "reporter", body=CLAIM | {"said": 406}, gives=200, name="next_version")
    assert filed["low"] == 401
    ask("amend_claim", "reporter", filed["id"], body={"said": 407})
    ask("retract_claim", "reporter", filed["id"])
    of_another = CLAIM | {"claimant": "presidencia", "source_record_id": "F-2"}
    hearsay = ask("add_claim", "reporter", body=of_another, gives=201, name="of_another")["id"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
        waits = ask("confirm_claim", "curator", hearsay, gives=202, name="waits")["id"]
        ask("withdraw_proposal", "curator", waits, name="of_a_figure")
    ask("confirm_claim", "curator", hearsay, gives=201)
    ask("confirm_claim", "curator", hearsay, gives=200, name="confirmed_before")


def _directory(stage: Stage) -> None:
    ask = stage.ask
    ask("read_me", "reporter")
    ask("read_index")
    ask("list_sources", limit=2)
    ask("read_source", None, "foro-penal")
    ask("list_facilities", country="VE", limit=2)
    ask("read_facility", None, "el-rodeo-i")
    ask("read_vocabulary", lang="es")
    source = {"slug": "lista-de-familias", "name": "Lista de Familias", "kind": "families", "country": "VE"}
    ask("add_source", "admin", body=source, gives=201)
    ask("change_source", "admin", "lista-de-familias", body={"definition": "Whom the families visit."})
    place: Node = {"slug": "casa-azul", "name": "Casa Azul", "names": ["La Azul"], "kind": "police_station"}
    place |= {"area": "Miranda", "country": "VE", "point": {"lat": 10.4, "lon": -66.5}}
    ask("add_facility", "curator", body=place, gives=201)
    ask("change_facility", "curator", "casa-azul", body={"area": "Guarenas"})


def _reports(stage: Stage) -> Node:
    ask = stage.ask
    once = {"Idempotency-Key": "EX-2026-0117, sent on 1 April"}
    filed: Node = ask("file_release", "reporter", body=RELEASE, gives=201, **once)
    later = RELEASE | {"note": "The lawyer called back."}
    ask("file_release", "reporter", body=later, gives=200, name="next_version")
    held = ask("file_detention", "reporter", body=DETENTION, gives=201)
    ask("file_detention", "reporter", body=DETENTION | {"note": "Seen on Sunday."}, gives=200, name="next_version")
    theirs = ask("list_releases", country="VE", status="verified", verified_by=["foro-penal", "jep"], limit=1)["data"][
        0
    ]["id"]
    verdict = {"verdict": "verified", "method": "family", "verified_on": "2026-03-30", "released_on": "2026-01-12"}
    ask("verify_release", "reporter", theirs, body=verdict, gives=201)
    ask("verify_release", "reporter", theirs, body=verdict | {"method": "detainee"}, gives=200, name="next_version")
    report = filed["report"]["id"]
    ask("read_report", "reporter", report)
    ask("list_reports", "reporter", source_record_id="EX-2026-0117")
    ask("amend_report", "reporter", report, body={"release": {"conditions": ["reporting_duty"]}}, **{"If-Match": "*"})
    embargo = {"source_record_id": "EX-2026-0125", "publish_not_before": "2026-04-20"}
    waits = ask("file_release", "reporter", body=RELEASE | embargo, gives=202, name="waits")
    held_too = DETENTION | {"source_record_id": "EX-2026-0126", "publish_not_before": "2026-04-21"}
    ask("file_detention", "reporter", body=held_too, gives=202, name="waits")
    later = {"release": {"kind": "full_release"}, "publish_not_before": "2026-04-22"}
    ask("amend_report", "reporter", report, body=later, gives=202, name="waits")
    ask("list_waiting", "reporter")
    ask("delete_waiting", "reporter", waits["id"])
    withdrawn = held["report"]["id"]
    ask("retract_report", "reporter", withdrawn, body={"reason": "It was somebody else."})
    return filed


def _people(stage: Stage, filed: Node) -> None:
    ask = stage.ask
    release, detention, detainee = (filed[thing]["id"] for thing in ("release", "detention", "detainee"))
    ask("list_detainees", q="Zuñiga", limit=1)
    ask("read_detainee", None, detainee)
    ask("read_history", None, detainee)
    ask("list_detentions", country="VE", ended="released", limit=1)
    ask("list_held", country="VE", held_on="2026-01-07", limit=1)
    ask("read_detention", None, detention)
    ask("list_detention_verifications", None, detention)
    ask("read_release", None, release)
    ask("list_verifications", None, release)


def _lists(stage: Stage) -> None:
    ask = stage.ask
    ask("match_person", "reporter", body={"detainee": {"full_name": "Dolores Zuñiga Berrio", "birth_date": "1980"}})
    ask("match_list", "reporter", content=LIST, released_from="2026-01-12", released_to="2026-01-12")
    ask("match_list", "reporter", form={"file": LIST}, released_from="2026-01-12", released_to="2026-01-12")
    tried = ask("send_list", "reporter", form={"file": LIST, "mapping": MAPPING}, dry_run=True, confirm=True, gives=202)
    stage.settle(tried["id"])
    sent = ask("send_list", "reporter", content=LIST, confirm=True, gives=202)
    stage.settle(sent["id"])
    ask("read_import", "reporter", sent["id"])
    ask("list_imports", "reporter")
    ask("list_import_rows", "reporter", sent["id"], outcome="error")
    ask("undo_import", "reporter", sent["id"], dry_run=True)


def _curators(stage: Stage, filed: Node) -> None:
    ask = stage.ask
    ask("list_review", "curator", limit=1)
    other = ask("file_release", "reporter", body=_another("EX-2026-0120", "Ulises Barrios"), gives=201)
    a, b = filed["detainee"]["id"], other["detainee"]["id"]
    apart = {"a": a, "b": b, "judgement": "different", "reason": "Two mothers."}
    decided = ask("decide_identity", "curator", body=apart, gives=201)
    ask("decide_identity", "curator", body=apart, gives=200, name="again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
        undone = ask("undo_identity", "curator", decided["id"], gives=202, name="waits")["id"]
        ask("withdraw_proposal", "curator", undone)
    ask("undo_identity", "curator", decided["id"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
        ask("decide_identity", "curator", body=apart | {"judgement": "same"}, gives=202, name="waits")
        proposed = ask("list_proposals", "curator")["data"][0]["id"]
        ask("agree_to_proposals", "second_curator", body={"proposals": [proposed]})
    dead = ask("file_detention", "reporter", body=DEAD, gives=201)["detainee"]["id"]
    named = {"publish": "named", "given_by": "the mother", "given_on": "2026-03-30"}
    ask("give_consent", "curator", dead, body=named, gives=200)
    objection = {"about": f"/v1/detainees/{b}", "wish": "hide", "words": "I am her. Show nothing of me, please."}
    ask("receive_objection", body=objection, gives=202)
    stage.app.state.objection_job.settle()
    waiting = ask("list_objections", "curator")["data"][0]["id"]
    dismissed = {"decision": "dismissed", "reason": "Nobody can say who wrote this."}
    ask("decide_objection", "curator", waiting, body=dismissed, gives=202, name="waits")
    ask("decide_objection", "second_curator", waiting, body=dismissed, gives=200)
    erasure = {"reason": "Asked for by the family."}
    ask("redact_detainee", "admin", dead, body=erasure, gives=200)
    ask("redact_detainee", "admin", dead, body=erasure, gives=200, name="nothing left")
    batch = ask("list_batches", "curator")["data"][0]
    named = {"source": batch["source"], "list": batch["list"]}
    ask("list_batch_reports", "curator", limit=1, batch_kind=batch["kind"], **named)
    review = named | {
        "kind": batch["kind"],
        "until": batch["until"],
        "decision": "approved",
        "reason": "Compared with their archive.",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
        waiting = ask("review_batch", "curator", body=review, gives=202, name="waits")["id"]
    ask("withdraw_proposal", "curator", waiting)
    ask("review_batch", "curator", body=review, gives=200)


def _freeze(stage: Stage) -> None:
    ask = stage.ask
    ask("freeze_registry", "curator", name="for a day")
    ask("freeze_registry", "admin")
    ask("file_detention", "reporter", body={**DEAD, "source_record_id": "EX-2026-0199"}, gives=503)
    ask("end_freeze", "admin")


def _recall(stage: Stage) -> None:
    """Last, since it ends the reporter's key."""
    ask = stage.ask
    stolen = {"key_id": stage.keys["reporter"][4:12], "since": "2026-04-01T00:00:00Z"}
    ask("recall_entries", "admin", body=stolen | {"dry_run": True}, name="foretold")
    recalled = ask("recall_entries", "admin", body=stolen, gives=200)
    ask("recall_entries", "admin", body={"undoes": recalled["receipt"]["revision"]}, gives=200, name="undone")


DEAD: Node = {
    "source_record_id": "EX-2026-0121",
    "detainee": {
        "full_name": "Evaristo Luna Prado",
        "birth_date": "1950",
        "died_on": "2026-02",
        "publish": "anonymous",
    },
    "detention": {"country": "VE", "detained_on": "2025-08"},
}


def _another(case: str, name: str, **more: Any) -> Node:
    return {
        "source_record_id": case,
        "detainee": {"full_name": name, "birth_date": "1971"} | more,
        "detention": {"country": "VE", "detained_on": "2025-08-01"},
        "release": {"released_on": "2026-01-12"},
    }


def _refusals(stage: Stage, filed: Node) -> None:
    """One of every code."""
    ask, report = stage.ask, filed["report"]["id"]
    ask("read_me", gives=401)
    ask("list_review", "reporter", gives=403)
    ask("read_release", None, NOBODY, gives=404)
    ask("list_releases", status="verifed", gives=422)
    ask("count_releases", as_of="r999999", gives=422)
    ask("count_releases", rules=RULES - 1, as_of="2026-01-13", gives=410)
    ask("count_releases", leaf="0123456789abcdef", as_of="r658", gives=410)
    ask("count_releases", gives=400, **{"Accept-Datetime": "yesterday"})
    ask("file_release", "reporter", content="{", gives=400, **AS_JSON)
    ask("count_releases", "limited", gives=403)
    ask("file_release", "reporter", content="x", gives=415, **{"Content-Type": "text/plain"})
    ask("file_release", "reporter", content=" " * (2**20 + 1), gives=413, **AS_JSON)
    again = {"Idempotency-Key": "EX-2026-0117, sent on 1 April"}
    ask("file_release", "reporter", body=RELEASE | {"note": "x"}, gives=422, **again)
    stale = {"If-Match": '"an older tag"'}
    ask("amend_report", "reporter", report, body={"note": "x"}, gives=412, **stale)
    taken_again = {"country": "VE", "detained_on": "2026-02-20"}
    again_out = {"release": {"released_on": "2026-03-01"}, "verification": {"verdict": "reported"}}
    ask("file_release", "reporter", body=RELEASE | {"detention": taken_again} | again_out, gives=409)
    somebody = {"full_name": "Ramiro Blanco Sanz", "birth_date": "1955"}
    ask("file_release", "reporter", body=RELEASE | {"detainee": somebody}, gives=409)
    ask("file_release", "reporter", body={"detainee": {"age": 40}, "detention": {"country": "VE"}}, gives=422)
    young = {"full_name": "Nora Silva Peña", "age": 18}
    ask(
        "file_release",
        "reporter",
        body={"detainee": young, "detention": {"country": "VE", "detained_on": "2025"}},
        gives=422,
    )
    ask("add_source", "admin", body={"slug": "jep", "name": "JEP", "kind": "ngo"}, gives=409)
    withdrawn = ask("list_reports", "reporter", source_record_id="EX-2026-0118", name=None)["data"][0]["id"]
    ask("amend_report", "reporter", withdrawn, body={"note": "x"}, gives=409)
    ask("file_detention", "reporter", body=DEAD, gives=409)
    _joined_people(stage)


def _joined_people(stage: Stage) -> None:
    """Two are joined with a third, so that an id is absorbed; then curators are asked for what contradicts that."""
    ask = stage.ask
    names = ("Tirso Vela Cano", "Benito Arce Lugo", "Fermín Daza Roa", "Saúl Mora Paz")
    born = ("1971", "1971", "1971-04-02", "1971-04-20")
    bodies = [_another(f"EX-2026-013{n}", name, birth_date=born[n]) for n, name in enumerate(names)]
    ids = [ask("file_release", "reporter", body=one, gives=201, name=None)["detainee"]["id"] for one in bodies]

    def judge(a: int, b: int, judgement: str, status: int) -> None:
        body = {"a": ids[a], "b": ids[b], "judgement": judgement, "reason": "Told by the mother."}
        ask("decide_identity", "curator", body=body, gives=status, name=None)

    judge(0, 1, "same", 201)
    judge(1, 2, "same", 201)
    judge(0, 2, "different", 409)
    judge(0, 3, "same", 409)
    ask("read_detainee", None, ids[1], gives=308)
