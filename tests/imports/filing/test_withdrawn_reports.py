"""A row that would bring back a report that its source withdrew is asked about: an old list knows nothing of that."""

import pytest

from app.imports.faults import BadFile
from app.imports.mapping import ListMapping
from tests.imports.filing.test_filing import counts
from tests.support import Body, World

HEAD = "código;nombre;fecha de detención;país;fecha de excarcelación;verificación;método\n"
PEOPLE = [
    "EX-1;Rosa Inés Valdivia;2025-03-02;VE;12 de enero de 2026;verificado;familia",
    "EX-2;Julio Peralta Ríos;2025-04-02;VE;12 de enero de 2026;verificado;familia",
]
LIST = HEAD + "\n".join(PEOPLE) + "\n"
AGAIN, OUT = '[rows]\n2 = "stands_again"\n', '[rows]\nwithdrawn_report = "leave_out"\n'


def report_of(world: World, case: str) -> Body:
    reports = world.get("/v1/reports", "foro").json()["data"]
    return next(report for report in reports if report["source_record_id"] == case)


def verdict(world: World, case: str) -> str:
    return str(report_of(world, case)["verification"]["verdict"])


@pytest.fixture
def withdrawn(world: World) -> World:
    """A registry to which a list was sent, and in which its first report was withdrawn since."""
    world.send_list(LIST)
    report = report_of(world, "EX-1")
    assert world.post(f"/v1/reports/{report['id']}/retract", {"reason": "another person"}, "foro").status_code == 200
    return world


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_row_of_a_withdrawn_report_is_asked_about_and_stays_withdrawn(withdrawn: World, dry_run: bool) -> None:
    receipt = withdrawn.send_list(LIST, dry_run=dry_run)
    assert counts(receipt) == {"error": 1, "unchanged": 1}
    (group,) = receipt["groups"]
    assert (group["code"], group["question"], group["column"]) == ("withdrawn_report", True, "A")
    (error,) = withdrawn.rows_of(receipt)[0]["errors"]
    assert error["withdrawn_on"] == withdrawn.app.state.clock().date().isoformat()
    assert '2 = "stands_again"' in error["detail"]
    spanish = withdrawn.rows_of(receipt, lang="es")[0]["errors"][0]["detail"]
    assert spanish.startswith("Usted retiró este reporte: ¿vuelve a valer?")
    assert verdict(withdrawn, "EX-1") == "retracted"


@pytest.mark.parametrize("answer", [AGAIN, '[rows]\nwithdrawn_report = "stands_again"\n'])
def test_answered_that_it_stands_again_it_does(withdrawn: World, answer: str) -> None:
    assert counts(withdrawn.send_list(LIST, mapping=answer)) == {"updated": 1, "unchanged": 1}
    assert verdict(withdrawn, "EX-1") == "verified"


def test_answered_that_it_does_not_the_row_changes_nothing(withdrawn: World) -> None:
    receipt = withdrawn.send_list(LIST, mapping=OUT)
    assert (counts(receipt), receipt["groups"]) == ({"unchanged": 2}, [])
    assert verdict(withdrawn, "EX-1") == "retracted"


def test_that_a_row_is_a_person_does_not_answer_whether_its_report_stands_again(withdrawn: World) -> None:
    assert counts(withdrawn.send_list(LIST, mapping='[rows]\n2 = "read"\n')) == {"error": 1, "unchanged": 1}
    assert verdict(withdrawn, "EX-1") == "retracted"


@pytest.mark.parametrize("alike", ["EX\u20111", "\uff25\uff38-1", "ex-1"])
def test_a_number_that_looks_like_that_of_a_withdrawn_report_brings_nothing_back_unasked(
    withdrawn: World, alike: str
) -> None:
    receipt = withdrawn.send_list(LIST.replace("EX-1", alike))
    assert [question["code"] for question in receipt["questions"]] == ["case_numbers_alike"]
    assert withdrawn.count()["total"]["cases"] == 1


def test_a_row_that_withdraws_too_is_not_asked_about(withdrawn: World) -> None:
    again = LIST.replace("verificado", "retirado", 1)
    assert counts(withdrawn.send_list(again, mapping='[values."verification.verdict"]\nretirado = "retracted"\n')) in (
        {"updated": 1, "unchanged": 1},
        {"unchanged": 2},
    )


def test_lines_of_json_say_the_answer_themselves_also_of_a_report_named_by_its_id(world: World) -> None:
    body = {
        "detainee": {"full_name": "Elsa Mora Quiroga"},
        "detention": {"detained_on": "2025-03-02", "country": "VE"},
        "verification": {"verdict": "verified", "method": "family"},
    }
    report = world.post("/v1/detentions", body, "foro").json()
    listed = world.send_list(export(world))
    assert counts(listed) == {"unchanged": 1}
    before = export(world)
    world.post(f"/v1/reports/{report['report']['id']}/retract", {}, "foro")
    assert counts(world.send_list(before)) == {"error": 1}
    left_out = before.replace("{", '{"if_withdrawn": "leave_out", ', 1)
    assert counts(world.send_list(left_out)) == {"unchanged": 1}
    assert counts(world.send_list(left_out.replace("leave_out", "stands_again"))) == {"updated": 1}
    assert counts(world.send_list(before.replace("{", '{"if_withdrawn": "perhaps", ', 1))) == {"error": 1}


def export(world: World) -> str:
    return world.get("/v1/reports.jsonl", "foro").text


def test_a_single_report_brings_a_withdrawn_one_back_by_hand(withdrawn: World) -> None:
    report = report_of(withdrawn, "EX-1")
    path = f"/v1/reports/{report['id']}"
    tag = withdrawn.get(path, "foro").headers["etag"]
    change = {"verification": {"verdict": "verified", "method": "family"}}
    headers = withdrawn.headers("foro") | {"If-Match": tag}
    assert withdrawn.client.patch(path, json=change, headers=headers).status_code == 200
    assert verdict(withdrawn, "EX-1") == "verified"


@pytest.mark.parametrize("answer", ['withdrawn_report = "read"', 'section_title = "stands_again"'])
def test_an_answer_to_another_question_is_refused(answer: str) -> None:
    with pytest.raises(BadFile, match="is no answer to"):
        ListMapping.parse_toml(f"[rows]\n{answer}\n")


@pytest.mark.parametrize("every", ["leave_out", "stands_again"])
def test_a_line_of_json_whose_row_is_left_out_stays_withdrawn(world: World, every: str) -> None:
    listed = of_nobody_s_case(world)
    world.post(f"/v1/reports/{listed['report']['id']}/retract", {}, "foro")
    before = export(world).replace('"retracted"', '"verified"')
    mapping = f'[rows]\n1 = "leave_out"\nwithdrawn_report = "{every}"\n'
    assert counts(world.send_list(before, mapping=mapping)) == {"unchanged": 1}
    assert world.by_source().get("foro", 0) == 0


def test_an_id_that_is_written_in_two_ways_is_asked_about_in_both(world: World) -> None:
    listed = of_nobody_s_case(world)
    report_id = listed["report"]["id"]
    line = export(world)
    world.post(f"/v1/reports/{report_id}/retract", {}, "foro")
    assert counts(world.send_list(line + line.replace(report_id, report_id.upper()))) == {"error": 2}
    assert world.by_source().get("foro", 0) == 0


def test_an_erased_report_named_by_its_id_is_the_error_of_one_row(world: World) -> None:
    erased = of_nobody_s_case(world)
    kept = of_nobody_s_case(world, "Julio Peralta Ríos")
    exported = export(world)
    world.post(f"/v1/detainees/{erased['detainee']['id']}/redaction", {"reason": "asked for"}, "admin")
    receipt = world.send_list(exported)
    assert (receipt["state"], counts(receipt)) == ("done", {"error": 1, "unchanged": 1})
    assert [error["code"] for row in world.rows_of(receipt) for error in row["errors"]] == ["redacted"]
    assert kept["report"]["id"] in {report["id"] for report in world.get("/v1/reports", "foro").json()["data"]}


def test_of_a_report_named_by_its_id_the_change_of_the_own_count_is_told(world: World) -> None:
    of_nobody_s_case(world)
    retracted = export(world).replace('"verified"', '"retracted"').replace('"method":"family"', '"method":null')
    receipt = world.send_list(retracted, dry_run=True)
    assert receipt["own_releases"] == [{"country": "VE", "verified": -1, "reported": 0}]


def of_nobody_s_case(world: World, name: str = "Elsa Mora Quiroga") -> Body:
    """A verified release that its source filed without a case number of its own."""
    body = {
        "detainee": {"full_name": name},
        "detention": {"detained_on": "2025-03-02", "country": "VE"},
        "release": {"released_on": "2026-01-12"},
        "verification": {"verdict": "verified", "method": "family"},
    }
    return dict(world.post("/v1/releases", body, "foro").json())
