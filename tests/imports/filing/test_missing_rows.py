"""The people whom a whole list does not have any more, and what their source answers about them."""

import json
from typing import Any

import pytest

from app.db.engine import open_read_session
from app.imports.faults import BadFile
from app.imports.filing import missing_rows
from app.imports.filing.missing_rows import (
    MissingReports,
    build_missing_bodies,
    build_missing_rows,
    find_missing_reports,
)
from app.imports.filing.own_reports import find_renamed_rows, match_own_reports
from app.imports.reader.list_reader import FIRST_MISSING_ROW
from app.registry.records import format_id_case
from tests.support import Body, World

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEAD = "código;nombre;cédula;fecha de nacimiento;fecha de detención;fecha de excarcelación;verificación;método;país\n"
WHOLE = HEAD + (
    "P-0;Rosa Inés Valdivia;;1971;2025-03-02;;verificado;familia;VE\n"
    "P-1;Julio Peralta Ríos;;1964;2025-03-02;;verificado;familia;VE\n"
    "P-2;Elsa Mora Quiroga;;1980;2025-03-02;2026-01-12;verificado;familia;VE\n"
)
DAY = "2026-02-01"


@pytest.fixture
def listed(world: World) -> World:
    world.send_list(WHOLE)
    return world


def source_of(world: World, slug: str = "foro") -> int:
    return int(world.rows(f"SELECT key FROM source WHERE slug = '{slug}'")[0][0])


def missing(world: World, *cases: str, who: str = "foro", **options: Any) -> MissingReports:
    with open_read_session(world.engine) as session:
        return find_missing_reports(session, source_of(world, who), cases, **options)


def cases_of(found: MissingReports) -> list[tuple[str, str]]:
    return [(report["source_record_id"], report["state"]) for report in found.reports]


def file_answers(world: World, answers: dict[str, str], **options: Any) -> Body:
    """File the answers as the rows of a list of their own."""
    with open_read_session(world.engine) as session:
        bodies = build_missing_bodies(session, world.app.state.secret, source_of(world), answers, DAY, **options)
    receipt = world.send_list("\n".join(json.dumps(body, ensure_ascii=False) for body in bodies), confirm=True)
    assert receipt["counts"]["updated"] == len(bodies), world.rows_of(receipt)
    return receipt


def number(world: World, day: str = DAY, **terms: Any) -> int:
    return int(world.get("/v1/counts/held", held_on=day, **terms).json()["total"]["cases"])


def filed_report(world: World, case: str) -> Body:
    (report,) = [one for one in world.get("/v1/reports", "foro").json()["data"] if one["source_record_id"] == case]
    return dict(report)


def test_reports_of_lists_that_are_on_no_row_are_missing_the_held_first(listed: World) -> None:
    found = missing(listed, "P-1")
    assert (found.total, cases_of(found)) == (2, [("P-0", "held"), ("P-2", "released")])
    (first, _second) = found.reports
    assert (first["name"], first["last_reported"]) == ("Rosa Inés Valdivia", "2026-03-01")


@one_engine
def test_of_a_list_of_additions_and_of_a_list_with_everybody_nobody_is_missing(listed: World) -> None:
    assert missing(listed, is_whole=False).total == 0
    assert missing(listed, "P-0", "P-1", "P-2").total == 0


@one_engine
def test_withdrawn_erased_and_single_reports_and_those_of_others_are_not_missing(listed: World) -> None:
    listed.send_list(WHOLE.replace("P-", "J-"), who="jep")
    listed.file(source_record_id="S-1", detainee__full_name="Zulma Paz Ríos")
    rows = listed.send_list(WHOLE)
    report_ids = [row["report_id"] for row in listed.rows_of(rows)]
    listed.post(f"/v1/reports/{report_ids[0]}/retract", {}, "foro")
    assert cases_of(missing(listed)) == [("P-1", "held"), ("P-2", "released")]
    assert missing(listed, who="jep").total == 3


@one_engine
def test_a_report_that_was_corrected_by_itself_since_is_missing_by_its_newest_state(listed: World) -> None:
    report = listed.rows_of(listed.send_list(WHOLE))[0]["report_id"]
    patch = {"detention": {"ended": {"how": "escaped"}}}
    listed.client.patch(f"/v1/reports/{report}", json=patch, headers=listed.headers("foro"))
    assert cases_of(missing(listed, "P-1", "P-2")) == [("P-0", "escaped")]


@one_engine
def test_a_report_named_by_its_id_in_place_of_a_case_number_is_not_missing(listed: World) -> None:
    report = listed.rows_of(listed.send_list(WHOLE))[0]["report_id"]
    assert missing(listed, format_id_case(report), "P-1", "P-2").total == 0


@one_engine
def test_only_the_first_missing_reports_are_listed_and_all_are_counted(
    listed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_rows, "MAX_MISSING", 1)
    found = missing(listed)
    assert (found.total, cases_of(found)) == (3, [("P-1", "held")])


@one_engine
def test_keep_and_unknown_change_nothing(listed: World) -> None:
    with open_read_session(listed.engine) as session:
        answers = {"P-0": "keep", "P-1": "unknown"}
        assert build_missing_bodies(session, listed.app.state.secret, source_of(listed), answers, DAY) == []


def test_still_held_takes_a_release_back_and_sees_the_person_on_the_day_of_the_list(listed: World) -> None:
    assert (number(listed), listed.count()["total"]["cases"]) == (2, 1)
    file_answers(listed, {"P-0": "held", "P-2": "held"})
    assert (number(listed), listed.count()["total"]["cases"]) == (3, 0)
    assert filed_report(listed, "P-2")["detention"]["held_on"] == DAY
    assert number(listed, status="verified") == 3, "what was verified before still is"


@pytest.mark.parametrize("answer, day", [("released", None), ("released:2026-01-20", "2026-01-20")])
@one_engine
def test_released_is_a_release_that_nobody_verified_yet(listed: World, answer: str, day: str | None) -> None:
    file_answers(listed, {"P-0": answer})
    report = filed_report(listed, "P-0")
    assert (report["release"]["stage"], report["release"].get("released_on")) == ("carried_out", day)
    assert report["verification"]["verdict"] == "reported"
    assert listed.by_source() == {"foro": 1}, "only the release on the list is verified"
    total = listed.count(source="foro")["total"]
    assert (total["verified"], total["reported"]) == (1, 1)


@one_engine
def test_an_answer_has_the_verification_that_the_list_gives(listed: World) -> None:
    file_answers(listed, {"P-0": "released"}, verification={"verdict": "verified", "method": "lawyer"})
    assert listed.by_source() == {"foro": 2}


@one_engine
def test_a_release_that_was_refuted_gives_no_day_to_the_one_that_is_answered(listed: World) -> None:
    refuted = WHOLE.replace("2026-01-12;verificado", "2026-01-12;desmiente")
    listed.send_list(refuted, confirm=True)
    assert cases_of(missing(listed, "P-0", "P-1")) == [("P-2", "held")]
    file_answers(listed, {"P-2": "released"})
    report = filed_report(listed, "P-2")
    assert (report["release"].get("released_on"), report["verification"]["verdict"]) == (None, "reported")


@pytest.mark.parametrize("answer, day", [("died", None), ("died:2026-01-20", "2026-01-20")])
@one_engine
def test_died_ends_the_detention_and_is_no_release(listed: World, answer: str, day: str | None) -> None:
    file_answers(listed, {"P-0": answer})
    report = filed_report(listed, "P-0")
    assert report["detention"]["ended"]["how"] == "died"
    assert (report["detention"]["ended"].get("on"), report["detainee"].get("died_on")) == (day, day)
    assert (number(listed), listed.count()["total"]["cases"]) == (1, 1)
    assert cases_of(missing(listed, "P-1", "P-2")) == [("P-0", "died")]


@one_engine
def test_transferred_is_a_note_or_a_transfer_and_the_person_stays_held(listed: World) -> None:
    file_answers(listed, {"P-0": "transferred", "P-1": "transferred:Tocorón"})
    assert filed_report(listed, "P-0")["note"] == "Trasladado, según la lista del 1 de febrero de 2026."
    assert filed_report(listed, "P-1")["detention"]["transfers"][0]["facility"] == "Tocorón"
    assert number(listed) == 2


@one_engine
def test_a_mistake_withdraws_the_report(listed: World) -> None:
    file_answers(listed, {"P-0": "mistake", "P-2": "mistake"})
    assert (number(listed), listed.count()["total"]["cases"]) == (1, 0)
    assert missing(listed, "P-1").total == 0


@one_engine
def test_an_answer_keeps_the_identification_number_and_all_else(world: World) -> None:
    world.send_list(HEAD + "P-0;Rosa Inés Valdivia;V-12345678;1971;2025-03-02;;verificado;familia;VE\n")
    receipt = file_answers(world, {"P-0": "held"})
    ((row,),) = [world.rows_of(receipt)]
    assert [change["field"] for change in row["changes"]] == ["detention.held_on"]


@pytest.mark.parametrize("answers", [{"P-0": "gone"}, {"P-9": "held"}])
@one_engine
def test_an_answer_that_nobody_can_file_is_refused(listed: World, answers: dict[str, str]) -> None:
    with open_read_session(listed.engine) as session, pytest.raises(BadFile) as refused:
        build_missing_bodies(session, listed.app.state.secret, source_of(listed), answers, DAY)
    assert refused.value.code == "unknown_answer"
    assert refused.value.spanish


def test_answers_are_rows_after_the_last_one_of_the_list() -> None:
    rows = build_missing_rows([{"source_record_id": "A"}, {"source_record_id": "B"}])
    assert [(row.number, row.body) for row in rows] == [
        (FIRST_MISSING_ROW, {"source_record_id": "A"}),
        (FIRST_MISSING_ROW + 1, {"source_record_id": "B"}),
    ]


# People without case numbers of their own.


def a_row(name: str, birth: str | None = None, detained: str | None = None, card: str | None = None) -> Body:
    detainee = {"full_name": name, "birth_date": birth, "national_id": card}
    return {"detainee": detainee, "detention": {"detained_on": detained}}


def matched(world: World, *bodies: Body) -> dict[int, str]:
    with open_read_session(world.engine) as session:
        return match_own_reports(session, world.app.state.secret, source_of(world), enumerate(bodies, 2))


def renamed(world: World, cases: tuple[str, ...], *bodies: Body) -> dict[int, str]:
    with open_read_session(world.engine) as session:
        return find_renamed_rows(session, world.app.state.secret, source_of(world), cases, enumerate(bodies, 2))


def test_a_row_without_a_case_number_takes_that_of_its_own_report_by_name(listed: World) -> None:
    rows = (a_row("ROSA INES VALDIVIA"), a_row("Julio Peralta Ríos", "1964-05-01"), a_row("Ana Ruz"))
    assert matched(listed, *rows) == {2: "P-0", 3: "P-1"}


@pytest.mark.parametrize(
    "birth, detained, case",
    [
        ("1971", "2025-03-09", "P-0"),  # the day of detention is corrected
        ("1972", "2025-03-02", "P-0"),  # the birth is corrected
        ("1972", "2025-03-09", None),  # perhaps somebody else
        ("1990", None, None),
        (None, None, "P-0"),
    ],
)
@one_engine
def test_one_of_birth_year_and_day_of_detention_agrees(
    listed: World, birth: str | None, detained: str | None, case: str | None
) -> None:
    assert matched(listed, a_row("Rosa Inés Valdivia", birth, detained)).get(2) == case


@one_engine
def test_two_rows_or_two_reports_of_one_name_are_told_apart_by_what_agrees_or_not_at_all(world: World) -> None:
    world.send_list(
        HEAD
        + "F-1;José Rojas Lugo;;1950;2025-03-02;;;;VE\n"
        + "F-2;José Rojas Lugo;;1980;2025-03-02;;;;VE\n"
        + "F-3;Ana Ruz Sol;;;2025-03-02;;;;VE\n"
    )
    father, son = a_row("José Rojas Lugo", "1950", "2025-03-02"), a_row("José Rojas Lugo", "1980", "2025-03-02")
    assert matched(world, son, father) == {2: "F-2", 3: "F-1"}
    assert matched(world, a_row("José Rojas Lugo")) == {}
    assert matched(world, a_row("Ana Ruz Sol"), a_row("Ana Ruz Sol")) == {}


@one_engine
def test_who_was_detained_again_after_the_release_is_not_matched(listed: World) -> None:
    assert matched(listed, a_row("Elsa Mora Quiroga", "1980", "2025-03-02")) == {2: "P-2"}
    assert matched(listed, a_row("Elsa Mora Quiroga", "1980", "2026-02-03")) == {}


@one_engine
def test_the_identification_number_matches_another_name_and_parts_one_name(world: World) -> None:
    world.send_list(HEAD + "P-0;Rosa Inés Valdivia;V-12345678;1971;2025-03-02;;;;VE\n")
    assert matched(world, a_row("Rosa Inés Baldivia", card="12.345.678")) == {2: "P-0"}
    assert matched(world, a_row("Rosa Inés Valdivia", "1971", card="87654321")) == {}


@one_engine
def test_withdrawn_reports_and_those_of_others_match_nothing(listed: World) -> None:
    report = listed.rows_of(listed.send_list(WHOLE))[0]["report_id"]
    listed.post(f"/v1/reports/{report}/retract", {}, "foro")
    listed.send_list(HEAD + "J-1;Ana Ruz Sol;;1980;2025-03-02;;;;VE\n", who="jep")
    assert matched(listed, a_row("Rosa Inés Valdivia"), a_row("Ana Ruz Sol")) == {}


def test_a_row_with_a_corrected_birth_is_the_missing_person_and_nobody_new(listed: World) -> None:
    cases = ("P-1", "P-2")
    assert renamed(listed, cases, a_row("Rosa Inés Valdivia", "1973", "2025-03-09")) == {2: "P-0"}
    assert renamed(listed, (*cases, "P-0"), a_row("Rosa Inés Valdivia", "1973")) == {}, "nobody is missing"


@one_engine
def test_a_son_is_no_correction_of_his_missing_father(listed: World) -> None:
    assert renamed(listed, (), a_row("Julio Peralta Ríos", "1990", "2025-03-09")) == {}


@one_engine
def test_rows_that_are_no_reports_match_nothing(listed: World) -> None:
    odd: list[Body] = [{"detainee": {"full_name": 7, "birth_date": "soon"}}, {"detainee": None}, {}]
    assert matched(listed, *odd) == {}
