"""A report under an embargo waits outside the log until the day that its source names, and nobody else learns of it."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from sqlalchemy import select, text, update
from sqlmodel import col

from app import jobs
from app.clock import MAX_CLOCK_DRIFT, WatchedClock
from app.db.engine import open_read_session, open_write_session
from app.errors import ClockJumped
from app.exports import package
from app.log import entries
from app.log.entries import open_writer_session
from app.models import WaitingReport, metadata
from app.registry import api_keys, filing, reports, waiting_reports
from app.registry.alerts import list_operator_warnings, list_private_warnings
from app.registry.apply import rebuild_tables
from app.schemas.text import MAX_EMBARGO
from app.vocabulary import Role
from tests.databases import ENGINES, Templates
from tests.support import ANYONE, GOVERNMENT, Body, World, make_report
from tests.two_registries import differences, twins
from tests.working import statements

MARK = "zqembargoqz"
REPORTED = "Tomás Aurelio Quintana Ribas"
HER: Body = {"source_record_id": "E-1", "detainee__full_name": f"Dolores {MARK} Berrío", "note": f"{MARK} on her way"}
DAY = "2026-03-10"
OVER = datetime(2026, 3, 10, 12, tzinfo=UTC)  # the day has begun everywhere
BEFORE = OVER - timedelta(microseconds=1)


def send(world: World, who: str = "foro", until: str | None = DAY, **changes: Any) -> Response:
    body = make_report(**{**HER, **changes})
    return world.post("/v1/releases", body | ({"publish_not_before": until} if until else {}), who)


def at(world: World, moment: datetime) -> None:
    """Let it be that time, and a server end embargoes."""
    world.now = moment
    world.end_embargoes()


def names(world: World, who: str | None = "reader") -> list[str]:
    return [row["name"] for row in world.get("/v1/detainees", who).json()["data"]]


def released(world: World) -> int:
    return int(world.count()["total"]["cases"])


# --- waiting, and its end ---


def test_it_waits_and_is_filed_once_its_day_has_begun_everywhere(world: World) -> None:
    before = world.revision
    answer = send(world)
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert answer.json()["waiting_until"] == "2026-03-10T12:00:00Z"
    at(world, BEFORE)
    assert (world.revision, released(world), len(world.waiting())) == (before, 0, 1)
    at(world, OVER)
    assert (released(world), world.waiting()) == (1, [])
    (filed,) = world.get("/v1/reports", "foro").json()["data"]
    assert (filed["source_record_id"], filed["recorded_at"]) == ("E-1", "2026-03-10T12:00:00Z")


def test_an_instant_is_taken_as_it_is(world: World) -> None:
    assert send(world, until="2026-03-02T08:00:00-04:00").json()["waiting_until"] == "2026-03-02T12:00:00Z"
    at(world, datetime(2026, 3, 2, 11, 59, 59, tzinfo=UTC))
    assert released(world) == 0
    at(world, datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert released(world) == 1


def test_the_entry_does_not_tell_that_it_waited(world: World) -> None:
    """It is what the same report sent on that day without an embargo would be."""
    send(world)
    at(world, OVER)
    send(world, "jep", until=None)
    mine, theirs = (json.loads(body) for (body,) in world.rows("SELECT body FROM entry WHERE kind = 'report'"))
    assert mine.keys() - {"source"} == theirs.keys() - {"source"}
    assert (mine["said"], mine["recorded_at"]) == (theirs["said"], theirs["recorded_at"])
    assert len(mine["_sd"]) == len(theirs["_sd"])


def test_a_day_that_is_past_is_no_embargo(world: World) -> None:
    assert send(world, until="2026-03-01").status_code == 201  # noon of that day
    assert world.waiting() == []


@pytest.mark.parametrize("until", ["2026-03", "soon", "2026-03-10T10:00", "10/03/2026", 20260310])
def test_what_is_neither_a_day_nor_an_instant_is_refused(world: World, until: Any) -> None:
    with world.storing_nothing():
        world.refuse(send(world, until=until), 422, "invalid", "/publish_not_before")


def test_nothing_waits_for_longer_than_a_season(world: World) -> None:
    last = world.now + MAX_EMBARGO
    assert send(world, until=last.isoformat()).status_code == 202
    world.refuse(send(world, until=(last + timedelta(seconds=1)).isoformat()), 422, "too_far_ahead")


def test_a_report_that_waits_needs_a_case_number(world: World) -> None:
    with world.storing_nothing():
        world.refuse(send(world, source_record_id=None), 422, "case_number_required", "/source_record_id")


def test_it_is_checked_like_any_other(world: World) -> None:
    with world.storing_nothing():
        world.refuse(send(world, release__released_on="2027-01-01"), 422, "future_date", "/release/released_on")
        world.refuse(send(world, verification__method=None), 422, "method_required")
        world.refuse(send(world, detainee__full_name="Sin nombre"), 422, "invalid")
    world.file(source_record_id="E-1")
    with world.storing_nothing():
        world.refuse(send(world), 409, "another_person")


def test_no_more_wait_of_a_source_than_an_erasure_can_look_through(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_reports, "MAX_WAITING_REPORTS", 2)
    for case in ("E-1", "E-2"):
        assert send(world, source_record_id=case).status_code == 202
    world.refuse(send(world, source_record_id="E-3"), 409, "conflict")
    assert send(world, source_record_id="E-2", note="again").status_code == 202
    assert send(world, "jep", source_record_id="E-3").status_code == 202


def test_an_age_of_the_day_of_filing_is_one_of_the_day_on_which_it_was_sent(world: World) -> None:
    send(world, detainee__birth_date=None, detainee__age=41, detainee__age_on="filed")
    at(world, OVER)
    (filed,) = world.get("/v1/reports", "foro").json()["data"]
    assert filed["detainee"]["age_on"] == "2026-03-01"


# --- sent again, corrected, taken back ---


def test_the_same_report_sent_again_waits_once(world: World) -> None:
    first, again = send(world), send(world)
    assert first.json() == again.json()
    assert len(world.waiting()) == 1


def test_a_repeated_idempotency_key_is_answered_as_the_first_time_while_it_waits(world: World) -> None:
    body = make_report(**HER) | {"publish_not_before": DAY}
    first, again = (world.post("/v1/releases", body, "foro", **{"Idempotency-Key": "once"}) for _ in range(2))
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (202, first.json(), "true")
    at(world, OVER)
    third = world.post("/v1/releases", body, "foro", **{"Idempotency-Key": "once"})
    assert (third.status_code, third.json()["report"]["version"]) == (200, 1), "it stands, and says nothing new"
    assert (released(world), world.waiting()) == (1, [])


def send_once(world: World, who: str = "foro") -> Response:
    body = make_report(**HER) | {"publish_not_before": DAY}
    return world.post("/v1/releases", body, who, **{"Idempotency-Key": "once"})


def test_taken_back_and_sent_again_with_its_idempotency_key_it_waits_again(world: World) -> None:
    first = send_once(world).json()["id"]
    assert world.client.delete(f"/v1/waiting/{first}", headers=world.headers("foro")).status_code == 200
    assert send_once(world).status_code == 202
    assert len(world.waiting()) == 1
    at(world, OVER)
    assert released(world) == 1


def test_held_by_a_restore_and_sent_again_with_its_idempotency_key_it_is_filed_on_its_day(world: World) -> None:
    send_once(world)
    with open_write_session(world.engine) as session:
        waiting_reports.refuse_all_waiting(session, world.app.state.secret, world.now)
    assert send_once(world).status_code == 202
    (waits,) = world.waiting()
    assert waits["refused_at"] is None
    at(world, OVER)
    assert (released(world), world.waiting()) == (1, [])


def test_refused_for_its_key_it_is_filed_with_another_and_the_same_idempotency_key(world: World) -> None:
    send_once(world)
    end_key(world, "foro", 0)
    at(world, OVER)
    with open_write_session(world.engine) as session:
        world.keys["successor"] = world._key(session, Role.REPORTER, "foro", "Somebody else")
    assert send_once(world, "successor").status_code == 201
    assert (released(world), world.waiting("successor")) == (1, [])


def test_recalled_after_its_day_it_is_filed_again_with_its_idempotency_key(world: World) -> None:
    send_once(world)
    at(world, OVER)
    recalled = {"key_id": world.keys["foro"][4:12], "since": "2026-03-01T00:00:00Z"}
    assert world.post("/v1/recalls", recalled, "admin").status_code == 200
    assert released(world) == 0
    with open_write_session(world.engine) as session:
        world.keys["successor"] = world._key(session, Role.REPORTER, "foro", "Somebody else")
    assert send_once(world, "successor").status_code == 201
    assert released(world) == 1


def test_another_body_or_day_under_its_case_number_takes_its_place(world: World) -> None:
    first = send(world).json()["id"]
    assert send(world, release__kind="pardon", until="2026-03-20").json()["id"] == first
    (waits,) = world.waiting()
    assert (waits["report"]["release"]["kind"], waits["waiting_until"]) == ("pardon", "2026-03-20T12:00:00Z")
    at(world, OVER)
    assert released(world) == 0


@pytest.mark.parametrize("until", [None, "2026-02-01"])
def test_sent_without_an_embargo_it_is_public_at_once_and_nothing_waits(world: World, until: str | None) -> None:
    send(world)
    assert send(world, until=until).status_code == 201
    assert world.waiting() == []
    before = world.revision
    at(world, OVER)
    assert (world.revision, released(world)) == (before, 1)


def test_sent_again_after_its_day_it_changes_nothing(world: World) -> None:
    send(world)
    at(world, OVER)
    before = world.revision
    assert (send(world).status_code, world.revision) == (200, before)


def test_a_next_version_waits_while_the_standing_one_is_shown(world: World) -> None:
    held = world.file_detention(**{**HER, "note": None})
    assert send(world).status_code == 202
    assert released(world) == 0
    at(world, OVER)
    (filed,) = world.get("/v1/reports", "foro").json()["data"]
    assert (filed["id"], filed["version"], released(world)) == (held["report"]["id"], 2, 1)


def test_what_stands_already_waits_for_nothing(world: World) -> None:
    send(world, until=None)
    assert send(world).status_code == 200
    assert world.waiting() == []


def test_a_correction_may_wait_and_is_applied_whole(world: World) -> None:
    report = world.file(**HER, detainee__national_id="V-123456780012")["report"]["id"]
    patch = {"release": {"kind": "pardon", "conditions": ["gag_order"]}, "publish_not_before": DAY}
    answer = world.client.patch(f"/v1/reports/{report}", json=patch, headers=world.headers("foro"))
    assert answer.status_code == 202, answer.text
    assert world.get(f"/v1/reports/{report}", "foro").json()["version"] == 1
    at(world, OVER)
    corrected = world.get(f"/v1/reports/{report}", "foro").json()
    assert (corrected["version"], corrected["release"]["kind"], corrected["has_national_id"]) == (2, "pardon", True)


def test_a_report_without_a_case_number_is_corrected_under_its_id(world: World) -> None:
    report = world.file()["report"]["id"]
    patch = {"release": {"kind": "pardon"}, "publish_not_before": DAY}
    assert world.client.patch(f"/v1/reports/{report}", json=patch, headers=world.headers("foro")).status_code == 202
    other = {"detainee__full_name": REPORTED, "release__kind": "amnesty"}
    assert send(world, source_record_id=f"report:{report}", **other).status_code == 202
    assert len(world.waiting()) == 1
    at(world, OVER)
    assert world.get(f"/v1/reports/{report}", "foro").json()["version"] == 2


def test_no_other_change_passes_a_version_that_waits(world: World) -> None:
    """It was made of what stands, and would undo the change on its day."""
    filed = world.file(**HER)
    assert send(world, release__kind="pardon").status_code == 202
    path, verdict = f"/v1/reports/{filed['report']['id']}", {"verdict": "verified", "method": "lawyer"}
    with world.storing_nothing():
        amended = world.client.patch(path, json={"note": "n"}, headers=world.headers("foro"))
        world.refuse(amended, 409, "conflict")
        world.refuse(
            world.post(f"/v1/releases/{filed['release']['id']}/verifications", verdict, "foro"), 409, "conflict"
        )
    world.verify(filed["release"]["id"], "jep", **verdict)


def test_a_withdrawal_deletes_the_version_that_waits(world: World) -> None:
    report = world.file(**HER)["report"]["id"]
    send(world, release__kind="pardon")
    assert world.post(f"/v1/reports/{report}/retract", {}, "foro").status_code == 200
    assert world.waiting() == []


def test_withdrawn_under_its_case_number_it_was_never_anywhere(world: World) -> None:
    send(world)
    before = world.revision
    withdrawn = make_report(**HER, verification__verdict="retracted")
    for _ in range(2):
        answer = world.post("/v1/releases", withdrawn, "foro", **{"Idempotency-Key": "withdrawn"})
        assert (answer.status_code, answer.json()["status"]) == (200, "deleted")
    at(world, OVER)
    assert (world.revision, world.waiting(), released(world)) == (before, [], 0)


def test_its_source_lists_and_deletes_it(world: World) -> None:
    waiting = send(world).json()["id"]
    (listed,) = world.waiting()
    assert (listed["id"], listed["report"]["note"]) == (waiting, HER["note"])
    world.refuse(world.client.delete(f"/v1/waiting/{waiting}", headers=world.headers("jep")), 404, "not_found")
    answer = world.client.delete(f"/v1/waiting/{waiting}", headers=world.headers("foro"))
    assert (answer.status_code, answer.json()["status"]) == (200, "deleted")
    at(world, OVER)
    assert (world.waiting(), released(world)) == ([], 0)


def test_its_source_lists_all_of_it_page_by_page(world: World) -> None:
    for number in range(5):
        send(world, source_record_id=f"E-{number}", until=f"2026-03-1{number}")
    address, cases = "/v1/waiting?limit=2", []
    while address:
        listed = world.client.get(address, headers=world.headers("foro")).json()
        cases += [waits["report"]["source_record_id"] for waits in listed["data"]]
        address = listed["next"]
    assert cases == [f"E-{number}" for number in range(5)]
    whole = world.client.get("/v1/waiting.jsonl", headers=world.headers("foro")).text
    assert [json.loads(line)["report"]["source_record_id"] for line in whole.splitlines()] == cases


def test_an_administrator_deletes_what_no_key_of_its_source_can(world: World) -> None:
    waiting = send(world).json()["id"]
    assert world.client.delete(f"/v1/waiting/{waiting}", headers=world.headers("admin")).status_code == 200
    assert world.waiting() == []


def test_one_that_was_changed_in_the_database_closes_no_list_and_is_sent_again(world: World) -> None:
    damaged = send(world).json()["id"]
    send(world, source_record_id="E-2", until="2026-03-11")
    with open_write_session(world.engine) as session:
        rows = select(col(WaitingReport.report)).order_by(col(WaitingReport.until))
        sealed = session.scalars(rows).all()[1]  # for another place
        session.execute(update(WaitingReport).where(col(WaitingReport.id) == UUID(damaged)).values(report=sealed))
    first, second = world.waiting()
    assert (first["id"], first["report"], first["problem"]["code"]) == (damaged, None, "damaged")
    assert (second["report"]["source_record_id"], second["problem"]) == ("E-2", None)
    assert [waits["report"] for waits in world.waiting("curator")] == [None, None]
    assert send(world).json()["id"] == damaged
    assert [waits["report"]["source_record_id"] for waits in world.waiting()] == ["E-1", "E-2"]
    at(world, OVER)
    assert released(world) == 1


# --- who sees it ---


def test_nobody_but_its_source_reads_a_word_of_it(world: World) -> None:
    send(world, detainee__national_id="V-123456780012")
    assert MARK in world.get("/v1/waiting", "foro").text
    assert "123456780012" not in world.get("/v1/waiting", "foro").text
    for who in ("curator", "admin"):
        (told,) = world.waiting(who)
        assert (told["source"], told["waiting_until"], told["report"]) == ("foro", "2026-03-10T12:00:00Z", None)
        assert MARK not in world.get("/v1/waiting", who).text
    for who in ("jep", GOVERNMENT):
        assert world.waiting(who) == []
    world.refuse(world.get("/v1/waiting"), 401, "unauthenticated")
    world.refuse(world.get("/v1/waiting", "reader"), 403, "forbidden")


def test_what_a_client_kept_of_the_list_is_not_told_to_be_current(world: World) -> None:
    send(world)
    tag = world.get("/v1/waiting", "foro").headers["etag"]
    send(world, until="2026-03-11")
    again = world.client.get("/v1/waiting", headers={**world.headers("foro"), "If-None-Match": tag})
    assert again.status_code == 200


def test_it_is_in_no_answer_and_matches_nobody(world: World) -> None:
    """Not even to its own source: what it asks is answered by what is public."""
    send(world)
    her = {"detainee": {"full_name": HER["detainee__full_name"], "birth_date": "1971"}, "detention": {"country": "VE"}}
    for who in ("foro", "jep", "reader", "curator", "admin", None):
        for path in ("/v1/detainees", "/v1/releases", "/v1/detentions", "/v1/corrections", "/v1/sources", "/readyz"):
            assert MARK not in world.get(path, who).text
        for q in (MARK, f"Dolores {MARK}"):
            assert world.get("/v1/detainees", who, q=q).json()["data"] == []
    assert world.post("/v1/match", {**her, "publish_not_before": DAY}, "foro").json()["candidates"] == []
    filed = send(world, "jep", until=None).json()
    assert (filed["match"]["outcome"], filed["match"]["candidates"]) == ("new", [])
    world.find_pairs()
    assert world.rows("SELECT * FROM hidden_candidate_pair") == []
    assert world.get("/v1/reports", "foro").json()["data"] == []


def test_what_others_ask_costs_the_same_whether_somebody_waits_or_not(resting: World) -> None:
    """Statement by statement."""

    def asked(case: str, name: str) -> list[str]:
        with statements(resting.engine) as run:
            assert send(resting, "jep", until=None, source_record_id=case, detainee__full_name=name).status_code == 201
            resting.post("/v1/match", {"detainee": {"full_name": name}, "detention": {"country": "VE"}}, "jep")
            resting.get("/v1/detainees", q=name)
        return [statement for statement in run if "statement_timeout" not in statement]  # which says what is left

    resting.get("/v1/detainees")  # reads the columns, which later questions bring to the head
    before = asked("J-1", "Xiomara Quevedo Jara")
    for number in range(3):
        send(resting, source_record_id=f"E-{number}", detainee__full_name="Wenceslao Iturbe Khan")
    assert asked("J-2", "Wenceslao Iturbe Khan") == before


def test_no_file_no_row_and_no_log_line_holds_it(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        send(world)
        send(world, release__kind="pardon")
        world.file_detention(source_record_id="E-2")
        send(world, source_record_id="E-2", detainee__full_name=REPORTED, detainee__aliases=[MARK])
        world.now = OVER
        with open_read_session(world.engine) as session:
            package.write_package(session, tmp_path, ANYONE, world.revision)
    with open_read_session(world.engine) as session:
        rows = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in metadata.tables]
    assert len(world.waiting()) == 2
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx2"))
    assert not [row for row in (*rows, ours) if MARK in row]
    world.engine.dispose()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


SAMPLE = 30  # of some thousand questions; `tests/pairs.py` draws others


@pytest.mark.parametrize("kind", ENGINES)
def test_two_registries_that_differ_in_what_waits_alone_give_equal_bytes(kind: str, templates: Templates) -> None:
    with twins(templates, kind) as worlds:
        for which, world in enumerate(worlds):
            world.add_facility()
            known = world.file("jep", source_record_id="K-1")
            world.file_detention("foro", **{**HER, "source_record_id": "E-2"})
            if which:
                assert send(world, detention__facility="Yare").status_code == 202
                assert send(world, source_record_id="E-2").status_code == 202
                stuck = send(world, "pud", source_record_id="E-3", release_id=known["release"]["id"])
                assert stuck.status_code == 202
                with open_write_session(world.engine) as session:
                    waiting_reports.refuse_all_waiting(session, world.app.state.secret, world.now)
            for number, kind_of_release in enumerate(("pardon", "amnesty", "full_release")):
                said: Body = {"source_record_id": str(number), "release__kind": kind_of_release}
                world.file("pud", detainee__full_name="Ana Paz Rivero", **said)
        assert len(worlds[1].waiting("curator")) == 3
        for who in (None, "jep", GOVERNMENT, "reader"):
            assert not [*differences(*worlds, who, chosen=Random(f"{who}"), sample=SAMPLE)][:3], who
        assert worlds[0].get("/readyz").json() == worlds[1].get("/readyz").json() == {"status": "ok"}


# --- whose word it is when its day comes ---


def end_key(world: World, who: str, days: float) -> None:
    with open_write_session(world.engine) as session:
        key_id = world.keys[who][4:12]
        if days:
            session.execute(text(f"UPDATE api_key SET expires_at = '{(world.now + timedelta(days=days)):%Y-%m-%d}'"))
        else:
            api_keys.revoke_key(session, key_id, world.now)


def test_a_report_whose_key_was_revoked_stays_until_it_is_sent_with_another(world: World) -> None:
    send(world)
    end_key(world, "foro", 0)
    with open_write_session(world.engine) as session:
        world.keys["successor"] = world._key(session, Role.REPORTER, "foro", "Somebody else")
    at(world, OVER)
    assert released(world) == 0
    (waits,) = world.waiting("successor")
    assert (waits["refused_at"], waits["problem"]["code"]) == ("2026-03-10T12:00:00Z", "conflict")
    assert "revoked" in waits["problem"]["detail"]
    assert send(world, "successor").status_code == 201
    assert (released(world), world.waiting("successor")) == (1, [])


def test_a_report_whose_key_was_rotated_is_filed(world: World) -> None:
    send(world)
    with open_write_session(world.engine) as session:
        world.keys["successor"] = api_keys.rotate_key(session, world.keys["foro"][4:12], 365, world.now, ends_in=0)
    world.refuse(world.get("/v1/me", "foro"), 401, "unauthenticated")
    at(world, OVER)
    assert (released(world), world.waiting("successor")) == (1, [])


def test_a_report_whose_key_ran_out_is_filed(world: World) -> None:
    send(world)
    end_key(world, "foro", 2)
    at(world, OVER)
    assert world.rows("SELECT count(*) FROM waiting_report") == [(0,)]
    assert world.rows("SELECT count(*) FROM report") == [(1,)]


def test_a_source_in_quarantine_by_then_is_heard_as_one_in_quarantine(world: World) -> None:
    send(world)
    patch = {"quarantined": True}
    assert world.client.patch("/v1/sources/foro", json=patch, headers=world.headers("admin")).status_code == 200
    at(world, OVER)
    assert world.waiting() == []
    assert world.count()["total"]["verified"] == 0


def test_what_can_no_longer_be_filed_stays_with_the_reason(world: World) -> None:
    known = world.file("jep")
    send(world, release_id=known["release"]["id"])
    world.post(f"/v1/detainees/{known['detainee']['id']}/consent", CLOSED, "curator")
    before = world.revision
    at(world, OVER)
    (waits,) = world.waiting()
    assert (waits["problem"]["code"], waits["refused_at"]) == ("not_found", "2026-03-10T12:00:00Z")
    assert waits["report"]["note"] == HER["note"]
    assert world.waiting("admin")[0]["problem"] == waits["problem"]
    at(world, OVER + timedelta(days=1))  # not tried again by itself
    assert (world.revision, len(world.waiting())) == (before, 1)


CLOSED = {"publish": "counted", "given_by": "the person", "given_on": "2026-02-01"}


def test_what_nobody_foresaw_holds_up_no_other_report(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send(world)
    send(world, source_record_id="E-2", detainee__full_name="Otra Persona Segura")
    filing = reports.write_report

    def fails(context: Any, body: Any) -> Any:
        if body.source_record_id == "E-1":
            raise RuntimeError(MARK)
        return filing(context, body)

    monkeypatch.setattr(reports, "write_report", fails)
    at(world, OVER)
    assert released(world) == 1
    assert [(waits["problem"] or {})["code"] for waits in world.waiting()] == ["internal_error"]
    assert MARK not in caplog.text


def test_the_operator_is_told_and_the_public_is_not(world: World) -> None:
    def told() -> tuple[list[str], list[str]]:
        with open_read_session(world.engine) as session:
            public = list_operator_warnings(session, world.app.state.withdrawals_by_day, world.now)
            return public, list_private_warnings(session, world.now)

    send(world)
    assert told() == ([], [])
    world.now = OVER + timedelta(days=1, seconds=1)  # a day after it should have been filed
    assert told() == ([], ["embargoed_reports_stuck"])
    world.end_embargoes()
    assert told() == ([], [])


# --- once, and not early ---


def test_killed_between_the_append_and_the_deletion_it_is_filed_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(world)
    before = world.revision

    class Killed(BaseException):
        """As a process is by SIGKILL: nothing of ours runs after it."""

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(waiting_reports, "delete_filed_report", dies)
        with pytest.raises(Killed):
            at(world, OVER)
    assert (world.revision, len(world.waiting())) == (before, 1)
    world.end_embargoes()
    assert (world.revision, world.waiting(), released(world)) == (before + 1, [], 1)


def test_of_several_processes_one_files_it(world: World) -> None:
    for number in range(6):
        send(world, source_record_id=f"E-{number}", detainee__full_name=f"Persona {'ABCDEF'[number] * 5} Segura")
    world.now = OVER
    beats = [jobs.EmbargoJob(world.engine, world.app.state.secret, lambda: world.now, "list") for _process in range(4)]
    threads = [Thread(target=beat.end) for beat in beats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (world.waiting(), world.rows("SELECT count(*) FROM record")) == ([], [(6,)])


def test_one_transaction_does_not_keep_other_writers_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "MAX_BATCH_SECONDS", 0.0)
    for number in range(3):
        send(world, source_record_id=f"E-{number}", detainee__full_name=f"Persona {'ABC'[number] * 5} Segura")
    world.now = OVER
    with open_writer_session(world.engine) as session:
        assert filing.file_due_reports(session, world.now, world.app.state.secret, "list") is True
    assert len(world.waiting()) == 2
    world.end_embargoes()
    assert world.waiting() == []


def test_a_clock_that_jumped_ends_no_embargo(world: World) -> None:
    """In a running process, and where entries of a wrong clock were dated ahead."""
    send(world)
    clock = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    seconds = [0.0]
    watch = WatchedClock(wall=lambda: clock[0], count=lambda: seconds[0])
    beat = jobs.EmbargoJob(
        world.engine, world.app.state.secret, lambda: entries.require_steady_clock(watch, watch.now()), "list"
    )
    assert beat.end() is False
    clock[0] = OVER + timedelta(days=1)
    with pytest.raises(ClockJumped):
        beat.end()
    assert len(world.waiting()) == 1


def test_the_date_of_the_last_entry_ends_no_embargo(world: World) -> None:
    """Where a wrong clock dated it ahead, and whoever runs the registry said so."""
    world.now = OVER + timedelta(days=30)
    world.file("jep")
    world.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with open_write_session(world.engine) as session:
        entries.pin_clock(session)
    assert send(world).status_code == 202
    world.end_embargoes()
    assert len(world.waiting()) == 1
    at(world, OVER)
    assert world.waiting() == []


def test_a_process_watches_its_clock_for_an_hour_before_it_ends_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that starts with a wrong clock is set right within that time, which is a jump."""
    monkeypatch.setattr(jobs, "MIN_WATCHED_SECONDS", 3600.0)
    seconds = [100.0]
    monkeypatch.setattr(jobs, "read_elapsed_seconds", lambda: seconds[0])
    beat = jobs.EmbargoJob(world.engine, world.app.state.secret, lambda: world.now, "list")
    send(world)
    world.now = OVER
    seconds[0] += 3599
    beat.end()
    assert len(world.waiting()) == 1
    seconds[0] += 1
    beat.end()
    assert world.waiting() == []


def test_a_clock_far_behind_the_last_entry_ends_none(world: World) -> None:
    send(world)
    world.now = OVER + MAX_CLOCK_DRIFT * 3
    world.file("jep")
    world.now = OVER
    with pytest.raises(ClockJumped):
        world.end_embargoes()
    assert len(world.waiting()) == 1


# --- erasure, restore, rebuild ---


def test_an_erasure_deletes_what_waits_of_the_person(world: World) -> None:
    mine = world.file_detention(**HER)
    assert send(world).status_code == 202  # the next version
    for number, (name, thing) in enumerate((("detainee_id", "detainee"), ("detention_id", "detention"))):
        pointing = make_report(source_record_id=f"P-{number}") | {name: mine[thing]["id"], "publish_not_before": DAY}
        assert world.post("/v1/releases", pointing, "jep").status_code == 202
    assert send(world, "pud", source_record_id="P-9", detainee__full_name="Otra Persona Segura").status_code == 202
    world.redact(mine["detainee"]["id"])
    assert [waits["source"] for waits in world.waiting("admin")] == ["pud"]
    world.refuse(send(world), 409, "redacted")


def test_an_erasure_deletes_a_version_that_waits_under_the_id_of_its_report(world: World) -> None:
    report = world.file()
    patch = {"release": {"kind": "pardon"}, "publish_not_before": DAY}
    path = f"/v1/reports/{report['report']['id']}"
    assert world.client.patch(path, json=patch, headers=world.headers("foro")).status_code == 202
    world.redact(report["detainee"]["id"])
    assert world.waiting() == []


def test_a_rebuild_keeps_what_waits(world: World) -> None:
    send(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    at(world, OVER)
    assert released(world) == 1


def test_what_waits_in_a_copy_that_was_put_back_is_held_for_its_source(world: World) -> None:
    """Which may have taken it back since the copy was made."""
    send(world)
    with open_write_session(world.engine) as session:
        assert waiting_reports.refuse_all_waiting(session, world.app.state.secret, world.now) == 1
    at(world, OVER)
    (waits,) = world.waiting()
    assert "put back" in waits["problem"]["detail"]
    assert send(world).status_code == 201
    assert world.waiting() == []
