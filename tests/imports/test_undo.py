"""A sender undoes a list: what it changed last is as before, what was changed since stays, and is shown."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from app.db.engine import open_read_session, open_write_session
from app.imports.filing import undo
from app.imports.filing.undo import Restoration, plan_restoration
from app.log.entries import open_writer_session
from app.models import OPEN, PROJECTED_TABLES, ListImport, Record
from app.registry.apply import rebuild_tables
from app.registry.publication.permissions import load_reporter_by_slug
from app.registry.review import limits
from app.registry.write import WriteContext
from tests.drawn import examples
from tests.imports.filing.test_filing import counts
from tests.support import Body, World

pytestmark = pytest.mark.both_engines

HEAD = "código;nombre;fecha de nacimiento;fecha de detención;país;centro de reclusión;fecha de excarcelación\n"
HELD = [
    "U-1;Rosa Inés Valdivia;1971-05-02;2025-03-02;VE;;\n",
    "U-2;Julio Peralta Ríos;1964-01-09;2025-04-11;VE;;\n",
]
RELEASED = [row.replace(";\n", ";2026-01-12\n") for row in HELD]
THIRD = "U-3;Elsa Mora Quiroga;1980-02-03;2025-06-01;VE;;2026-01-13\n"
FIRST_LIST = HEAD + "".join(HELD)
SECOND_LIST = HEAD + "".join(RELEASED) + THIRD


def undo_list(world: World, receipt: Body, who: str = "foro", **params: Any) -> Body:
    """Undo a list; the answer."""
    response = world.client.post(f"/v1/imports/{receipt['id']}/undo", params=params, headers=world.headers(who))
    assert response.status_code == 200, response.text
    return dict(response.json())


def numbers(answer: Body) -> tuple[int, int, int]:
    return answer["restored"], answer["withdrawn"], answer["unchanged"]


def report_of(world: World, case: str, who: str = "foro") -> Body:
    reports = world.get("/v1/reports", who, limit=200).json()["data"]
    return next(report for report in reports if report["source_record_id"] == case)


def patch(world: World, case: str, change: Body) -> None:
    """Correct a report by hand."""
    path = f"/v1/reports/{report_of(world, case)['id']}"
    headers = world.headers("foro") | {"If-Match": world.get(path, "foro").headers["etag"]}
    response = world.client.patch(path, json=change, headers=headers)
    assert response.status_code == 200, response.text


def said(report: Body) -> Body:
    """What a report says, without what each version has of its own."""
    return {name: value for name, value in report.items() if name not in ("version", "revision", "recorded_at")}


def projected(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """The current rows of the projected tables, without ids and revisions."""
    found = {}
    with open_read_session(world.engine) as session:
        for table in PROJECTED_TABLES:
            columns = [c for c in table.__table__.c if not _is_number_of_a_row(c.name)] or [literal(1)]
            rows = session.execute(select(*columns).select_from(table).where(*_of_today(table))).all()
            found[table.__name__] = sorted(map(tuple, rows), key=repr)
    return found


def _is_number_of_a_row(column: str) -> bool:
    return column in {
        "key", "since", "until", "stated", "record", "detainee", "spell", "id", "opened", "revision", "version",
    } or column.endswith(("_id", "_key", "_at", "_since", "_revision"))  # fmt: skip


def _of_today(table: Any) -> list[Any]:
    return [table.until == OPEN] if hasattr(table, "until") else []


def test_a_list_undone_says_again_what_was_said_before_it(world: World) -> None:
    world.send_list(FIRST_LIST)
    before = [said(report_of(world, case)) for case in ("U-1", "U-2")]
    receipt = world.send_list(SECOND_LIST)
    assert counts(receipt) == {"updated": 2, "new": 1}
    assert world.count()["total"]["cases"] == 3
    answer = undo_list(world, receipt)
    assert (numbers(answer), answer["left"], answer["next_after"]) == ((2, 1, 0), [], None)
    assert answer["own_releases"] == [{"country": "VE", "verified": 0, "reported": -3}]
    assert [said(report_of(world, case)) for case in ("U-1", "U-2")] == before
    assert report_of(world, "U-3")["verification"]["verdict"] == "retracted"
    assert world.count()["total"]["cases"] == 0


def test_a_trial_says_the_same_and_changes_nothing(world: World) -> None:
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    stored = world.stored()
    trial = undo_list(world, receipt, dry_run=True)
    assert world.stored() == stored
    answer = undo_list(world, receipt)
    assert {**trial, "dry_run": False, "revision": answer["revision"]} == answer
    assert answer["revision"] > trial["revision"]


def test_a_list_undone_twice_is_undone_once(world: World) -> None:
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    undone = undo_list(world, receipt)
    again = undo_list(world, receipt)
    assert (numbers(again), again["left"], again["revision"]) == ((0, 0, 3), [], undone["revision"])


def test_a_list_sent_undone_and_sent_again_gives_the_rows_of_a_list_sent_once(world: World) -> None:
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    once = projected(world)
    undo_list(world, receipt)
    assert projected(world) != once
    assert [one["code"] for one in world.send_list(SECOND_LIST)["questions"]] == ["older_list"]
    assert counts(world.send_list(SECOND_LIST, confirm=True)) == {"updated": 3}
    assert projected(world) == once


def test_all_entries_of_an_undoing_are_one_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    monkeypatch.setattr(undo, "MAX_BATCH_SECONDS", 0)  # a report in each transaction
    pages, after = [], 0
    while after is not None:
        pages.append(undo_list(world, receipt, after=after))
        after = pages[-1]["next_after"]
    assert [numbers(page) for page in pages] == [(1, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 0)]
    total = None
    for page in pages:
        total = undo.add_page(total, page)
    assert total is not None
    assert (numbers(total), total["own_releases"]) == ((2, 1, 0), [{"country": "VE", "verified": 0, "reported": -3}])
    undone = world.rows(f"SELECT body FROM entry WHERE revision > {receipt['last_revision']}")
    assert [json.loads(body)["request"] for (body,) in undone] == [receipt["last_revision"] + 1] * 3


def test_a_correction_made_since_stays_and_is_shown(world: World) -> None:
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    patch(world, "U-1", {"release": {"released_on": "2026-01-14"}})
    patch(world, "U-2", {"note": "la familia llamó"})
    patch(world, "U-3", {"detainee": {"gender": "female"}})
    answer = undo_list(world, receipt)
    assert numbers(answer) == (1, 0, 2)
    assert [(row["row"], row["source_record_id"], row["reason"]) for row in answer["left"]] == [
        (2, "U-1", "changed_since"), (4, "U-3", "changed_since"),
    ]  # fmt: skip
    assert answer["left"][1]["fields"] == ["detainee.gender"]
    assert "release.released_on" in answer["left"][0]["fields"]
    assert report_of(world, "U-1")["release"]["released_on"] == "2026-01-14"
    assert report_of(world, "U-2").get("release") is None
    assert report_of(world, "U-2")["note"] == "la familia llamó"
    assert report_of(world, "U-3")["verification"]["verdict"] == "reported"


def test_two_lists_are_undone_one_after_the_other(world: World) -> None:
    world.send_list(FIRST_LIST)
    before = said(report_of(world, "U-1"))
    second = world.send_list(SECOND_LIST)
    third = world.send_list(SECOND_LIST.replace("2026-01-12", "2026-01-15"))
    assert numbers(undo_list(world, third)) == (2, 0, 0)
    assert report_of(world, "U-1")["release"]["released_on"] == "2026-01-12"
    assert numbers(undo_list(world, second)) == (2, 1, 0)
    assert said(report_of(world, "U-1")) == before


def test_the_reports_of_others_and_of_other_lists_stay(world: World) -> None:
    world.file(
        "jep", source_record_id="J-1", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="1971-05-02"
    )
    jep = report_of(world, "J-1", "jep")
    other = world.send_list(HEAD + THIRD)
    receipt = world.send_list(HEAD + "".join(RELEASED))
    assert numbers(undo_list(world, receipt)) == (0, 2, 0)
    assert report_of(world, "J-1", "jep") == jep
    assert report_of(world, "U-3")["version"] == 1
    assert numbers(undo_list(world, other)) == (0, 1, 0)


def test_a_report_withdrawn_since_stays_withdrawn_with_its_reason(world: World) -> None:
    receipt = world.send_list(HEAD + THIRD)
    report = report_of(world, "U-3")
    world.post(f"/v1/reports/{report['id']}/retract", {"reason": "otra persona"}, "foro")
    withdrawn = report_of(world, "U-3")
    assert numbers(undo_list(world, receipt)) == (0, 0, 1)
    assert report_of(world, "U-3") == withdrawn
    assert counts(world.send_list(HEAD + THIRD)) == {"error": 1}  # asked about, as ever


def test_an_erased_person_is_left_alone(world: World) -> None:
    receipt = world.send_list(SECOND_LIST)
    with open_read_session(world.engine) as session:
        detainee = session.scalars(select(Record.detainee_id).order_by(Record.key)).first()  # type: ignore[call-overload]
    erased = world.post(f"/v1/detainees/{detainee}/redaction", {"reason": "asked for by the family"}, "admin")
    assert erased.status_code in (200, 201), erased.text
    assert numbers(undo_list(world, receipt)) == (0, 2, 1)


def test_recalled_entries_are_left_alone(world: World) -> None:
    receipt = world.send_list(SECOND_LIST)
    stolen = {"key_id": world.keys["foro"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", stolen, "admin").status_code == 200
    with open_writer_session(world.engine) as session:
        actor = load_reporter_by_slug(session, "foro", world.app.state.names)
        context = WriteContext(session, actor, world.now, world.app.state.secret)
        outcome = undo.undo_list(context, uuid.UUID(receipt["id"]), dry_run=False)
    assert numbers(outcome.ids) == (0, 0, 3)


def test_a_report_that_the_list_pointed_at_somebody_is_corrected_by_hand(world: World) -> None:
    rosa = {"full_name": "Rosa Inés Valdivia", "birth_date": "1971-05-02", "gender": "female"}
    release = world.file("jep", source_record_id="J-1", detainee=rosa)["release"]["id"]
    own = {"source_record_id": "U-1", "detainee": rosa, "detention": {"country": "VE", "detained_on": "2025-11-24"}}
    world.send_list(json.dumps(own))
    receipt = world.send_list(json.dumps({**own, "release_id": release, "release": {"released_on": "2026-01-12"}}))
    assert counts(receipt) == {"updated": 1}, world.rows_of(receipt)
    answer = undo_list(world, receipt)
    assert (numbers(answer), [row["reason"] for row in answer["left"]]) == ((0, 0, 1), ["by_hand"])
    assert report_of(world, "U-1")["version"] == 2


def test_a_report_with_a_version_under_an_embargo_is_shown(world: World) -> None:
    receipt = world.send_list(HEAD + THIRD)
    world.wait("2026-04-01", source_record_id="U-3", detainee__full_name="Elsa Mora Quiroga")
    answer = undo_list(world, receipt)
    assert (numbers(answer), [row["reason"] for row in answer["left"]]) == ((0, 0, 1), ["waiting"])
    assert report_of(world, "U-3")["version"] == 1


def test_only_the_sender_undoes_a_list(world: World) -> None:
    receipt = world.send_list(SECOND_LIST)
    for who, status, code in (("jep", 404, "not_found"), ("curator", 403, "forbidden"), (None, 401, "unauthenticated")):
        response = world.client.post(f"/v1/imports/{receipt['id']}/undo", headers=world.headers(who))
        world.refuse(response, status, code)
    assert world.count()["total"]["cases"] == 3


def test_a_trial_filed_nothing_that_could_be_undone(world: World) -> None:
    revision, trial = world.revision, world.send_list(SECOND_LIST, dry_run=True)
    answer = undo_list(world, trial)
    assert (numbers(answer), answer["left"], answer["revision"]) == ((0, 0, 0), [], revision)


def test_a_list_under_way_is_refused(world: World) -> None:
    path = f"/v1/imports/{world.send_list(SECOND_LIST)['id']}/undo"
    with world.app.state.engine.begin() as connection:
        connection.execute(ListImport.__table__.update().values(state="running"))  # type: ignore[attr-defined]
    try:
        world.refuse(world.client.post(path, headers=world.headers("foro")), 409, "conflict")
    finally:
        with world.app.state.engine.begin() as connection:
            connection.execute(ListImport.__table__.update().values(state="done"))  # type: ignore[attr-defined]


def test_a_rebuild_gives_the_rows_of_an_undone_list(world: World) -> None:
    world.send_list(FIRST_LIST)
    world.file(
        "jep", source_record_id="J-1", detainee__full_name="Julio Peralta Ríos", detainee__birth_date="1964-01-09"
    )
    undo_list(world, world.send_list(SECOND_LIST))
    before = projected(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert projected(world) == before


def test_what_is_withdrawn_or_asserts_nothing_new_awaits_no_review(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 2)
    first = world.send_list(FIRST_LIST)
    second = world.send_list(HEAD + "".join(HELD).replace(";VE;", ";VE;Tocorón") + THIRD)
    assert (first["awaiting_review"], second["awaiting_review"]) == (0, 1)
    assert numbers(undo_list(world, second)) == (2, 1, 0)
    assert [report_of(world, case)["review"] for case in ("U-1", "U-2", "U-3")] == ["unreviewed", "unreviewed", None]


def test_every_field_of_a_report_is_as_before(world: World) -> None:
    body: Body = {
        "source_record_id": "U-9",
        "detainee": {"full_name": "Ana Prado Lugo", "age": 34, "age_on": "filed", "publish": "counted",
                     "national_id": "V-12.345.678"},
        "detention": {"country": "VE", "facility": "Tocorón", "detained_on": "2025-05-01"},
        "release": {"released_on": "2026-01-09", "kind": "unspecified"},
        "verification": {"verdict": "verified", "method": "family", "citing": ["jep", "Un abogado"]},
        "note": "primera",
    }  # fmt: skip
    world.send_list(json.dumps(body))
    before = said(report_of(world, "U-9"))
    wrong = {
        **body,
        "detainee": {"full_name": "Ana Prado Lugo", "age": 43, "national_id": "V-22.345.678", "gender": "female"},
        "detention": {"country": "VE", "facility": "El Rodeo"},
        "verification": {"verdict": "reported"},
        "note": None,
    }
    world.now += timedelta(days=3)
    receipt = world.send_list(json.dumps(wrong), confirm=True)
    assert counts(receipt) == {"updated": 1}, world.rows_of(receipt)
    assert said(report_of(world, "U-9")) != before
    world.now += timedelta(days=3)
    assert (numbers(undo_list(world, receipt)), said(report_of(world, "U-9"))) == ((1, 0, 0), before)
    assert counts(world.send_list(json.dumps(body))) == {"unchanged": 1}


FIELDS = ("detainee.full_name", "detainee.age", "detainee.age_on", "note", "release.stage", "release.released_on")
CONTENTS = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(("a", "b", "c"))).map(
    lambda values: {**values, "verification.verdict": "reported"}
)


@examples(200)
@given(CONTENTS, CONTENTS, CONTENTS)
def test_a_restored_report_has_for_each_field_its_newest_or_its_earlier_value(
    before: Body, written: Body, newest: Body
) -> None:
    plan = plan_restoration(before, written, newest)
    content = newest if plan.content is None else plan.content
    for name in FIELDS:
        if newest.get(name) != written.get(name) or before.get(name) == written.get(name):
            assert content.get(name) == newest.get(name), name
        else:
            assert content.get(name) in (newest.get(name), before.get(name)), name
    assert plan_restoration(before, written, content).content is None


@examples(100)
@given(CONTENTS, CONTENTS)
def test_a_report_that_nobody_changed_since_is_as_before(before: Body, written: Body) -> None:
    plan = plan_restoration(before, written, written)
    assert (written if plan.content is None else plan.content) == before
    assert plan.changed_since == ()


@examples(50)
@given(CONTENTS)
def test_a_report_that_the_list_opened_is_withdrawn(written: Body) -> None:
    assert plan_restoration(None, written, written) == Restoration(written, withdraws=True)
    assert plan_restoration(None, written, {**written, "note": "since"}) == Restoration(None, ("note",))
