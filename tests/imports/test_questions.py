"""What is asked about a list, in one round: where each answer goes, and that it closes the question."""

import io
import json
from typing import Any

import pytest
from openpyxl import Workbook

from app.imports.answers import build_answers
from app.imports.faults import BadFile, Fault, StoredQuestion
from app.imports.filing.question_form import CHANGES_STEP, READ_STEP, VALUES_STEP
from app.imports.filing.questions import MAX_VALUE_QUESTIONS, ask_about_rows, collect_questions
from app.imports.filing.survey import SurveyedFaults, survey_list
from app.imports.formats.template import LANGUAGES
from app.imports.mapping import ListMapping
from app.imports.reader import rows
from app.imports.reader.layout import Column
from app.imports.reader.list_reader import ListContext, open_list

HEAD = "Nombre;Penal;Estado;Excarcelado el;Observaciones;Cosa\n"
LIST = (
    HEAD
    + "Ana Ruz;Cárcel de Yare;detenida;2026-01-12;;\n"
    + "Eva Sol;Cárcel de Yare;raro;;;azul\n"
    + "Olga Rey;Cárcel de Yare;libre;;La familia pide anonimato;\n"
    + "Rosa Gil y otros;Cárcel de Yare;libre;;;\n"
    + "Elsa Mora;Cárcel de Yare;libre;;;\n"
)


def ask(said: str, answers: ListMapping | None = None, *, country: str | None = None) -> list[StoredQuestion]:
    found = open_list(said.encode(), answers, context=ListContext(country))
    facts = survey_list(found.rows(), fields=False)
    return collect_questions(found, facts.faults, facts.undated_ages, is_confirmed=False)


def by_code(questions: list[StoredQuestion]) -> dict[str, StoredQuestion]:
    return {question["code"]: question for question in questions}


def answered(questions: list[StoredQuestion], **answers: str) -> ListMapping:
    """The mapping with an answer to each question: the one given for its code, the guess, or the first choice."""
    pairs = []
    for question in questions:
        choices = question["choices"]
        first = choices[0]["value"] if choices else ""
        pairs.append((question["place"], answers.get(question["code"], question["guess"] or first)))
    return ListMapping.model_validate(build_answers(pairs))


def test_all_is_asked_in_one_round_in_the_order_of_its_steps(every_list_questions: None) -> None:
    questions = ask(LIST)
    assert [(one["step"], one["code"]) for one in questions] == [
        (READ_STEP, "column_unread"),
        (READ_STEP, "list_date"),
        (READ_STEP, "whole_list"),
        (READ_STEP, "list_checked"),
        (READ_STEP, "list_country"),
        (VALUES_STEP, "value_unknown"),
        (VALUES_STEP, "several_people"),
        (CHANGES_STEP, "states_differ"),
        (CHANGES_STEP, "remark_wish"),
    ]
    mapping = answered(questions, list_date="2026-01-20", list_country="VE", value_unknown="held")
    assert ask(LIST, mapping) == []


def test_each_question_is_said_in_both_languages_with_choices() -> None:
    for question in ask(LIST):
        assert set(question["details"]) == set(LANGUAGES)
        assert question["details"]["en"] != question["details"]["es"]
        assert all(set(choice["labels"]) == set(LANGUAGES) for choice in question["choices"])
        assert question["choices"] or question["kind"] in ("meaning", "country", "text", "number", "date")


def test_a_status_has_the_choices_that_can_be_right_for_it_and_no_others() -> None:
    values = {choice["value"] for choice in by_code(ask(LIST))["value_unknown"]["choices"]}
    assert {"held", "released:amnesty", "house_arrest", "died", "transferred", "escaped", "unknown", "-"} <= values
    assert len(values) < 30


def test_a_value_is_asked_about_once_with_its_count_and_its_rows() -> None:
    said = HEAD + "Ana Ruz;Yare;raro;;;\nEva Sol;Yare;RARO;;;\nOlga Rey;Yare;detenida;;;\nElsa Mora;Yare;libre;;;\n"
    question = by_code(ask(said))["value_unknown"]
    assert (question["place"], question["value"], question["count"], question["rows"]) == (
        "/values/state/raro", "raro", 2, ["2", "3"],
    )  # fmt: skip
    assert (question["column"], question["heading"]) == ("C", "Estado")


DATED = "Nombre;Situación actual;Observaciones\nAna Ruz;exc 6/11;\nEva Sol;exc el 14/11;\nElsa Mora;sigue detenida;\n"
ON_DAY = ListMapping(list_date="2026-11-20")
DATED_FACTS = 'list_date = "2026-11-20"\n[values.state]\nexc = "released:unspecified"\n'


def test_a_word_is_asked_about_once_for_all_its_dates_and_dated_by_each_cell() -> None:
    (question,) = [one for one in ask(DATED) if one["code"] == "value_unknown"]
    assert (question["place"], question["value"], question["count"]) == ("/values/state/exc", "exc", 2)
    assert question["samples"] == ["exc 6/11", "exc el 14/11"]
    mapping = ListMapping.parse_toml(DATED_FACTS)
    next_list = DATED.replace("6/11", "18/11").replace("exc el", "desterr. a Guatemala")
    assert [one["value"] for one in ask(next_list, mapping) if one["code"] == "value_unknown"] == [
        "desterr. a Guatemala"
    ]
    rows_read = [row.body or {} for row in open_list(DATED.encode(), mapping).rows()]
    assert [row.get("release", {}).get("released_on") for row in rows_read] == ["2026-11-06", "2026-11-14", None]
    assert not any("note" in row for row in rows_read)


def test_the_order_of_a_date_is_asked_about_together_with_the_word_before_it() -> None:
    assert {"value_unknown", "date_order"} <= by_code(ask(DATED.replace("14/11", "7/11"), ON_DAY)).keys()


def test_a_word_on_several_sheets_is_one_question() -> None:
    book = Workbook()
    for sheet, heading in ((book.active, "Situación actual"), (book.create_sheet("Mujeres"), "Estatus")):
        for line in (["Nombre y apellido", "Centro de reclusión", heading], ["Ana Ruz", "Yare", "exc 6/11"]):
            sheet.append(line)
        sheet.append(["Eva Sol", "Yare", "detenida"])
    out = io.BytesIO()
    book.save(out)
    found = open_list(out.getvalue(), None)
    facts = survey_list(found.rows(), fields=False)
    questions = collect_questions(found, facts.faults, 0, is_confirmed=False)
    assert [one["count"] for one in questions if one["code"] == "value_unknown"] == [2]


def test_values_of_a_column_are_asked_about_once_the_column_is_settled() -> None:
    said = HEAD + "Ana Ruz;Yare;raro;;;\nOlga Rey;Yare;extraño;;;\n"  # a state of a person, or of a federation
    assert "value_unknown" not in by_code(ask(said))
    assert "value_unknown" in by_code(ask(said, ListMapping.parse_toml('[positions]\nC = "state"\n')))


def test_professions_among_groups_are_not_asked_about_and_stay_in_the_note() -> None:
    said = "Nombre;Grupo;Observaciones\nAna Ruz;maestra;enferma\nEva Sol;periodista;\nElsa Mora;estudiante, mesera;\n"
    mapping = ListMapping.parse_toml('[positions]\nB = "detainee.groups"\n')
    found = open_list(said.encode(), mapping)
    assert [row.body and (row.body["detainee"].get("groups"), row.body.get("note")) for row in found.rows()] == [
        (None, "maestra\nenferma"), (["journalist"], None), (["student"], "estudiante, mesera"),
    ]  # fmt: skip
    assert found.tally.shape()["noted"] == [{"column": "B", "count": 2}]


@pytest.mark.parametrize("cell, note", [("c. 50", "c. 50"), ("~50", "~50"), ("50 a.", None), ("50", None)])
def test_an_age_that_is_not_exact_stays_in_the_note(cell: str, note: str | None) -> None:
    (row,) = open_list(f"Nombre;Edad\nAna Ruz;{cell}\n".encode(), None).rows()
    assert row.body is not None
    assert (row.body["detainee"]["age"], row.body.get("note")) == (50, note)


def test_questions_about_rows_name_their_people(every_list_questions: None) -> None:
    asked = by_code(ask("Nombre;País;Observaciones\nAna Ruz;VE;\nEva Sol;VE;no publicar\n"))
    assert "(2: Ana Ruz; 3: Eva Sol)" in asked["list_held"]["details"]["es"]
    assert asked["remark_wish"]["details"]["es"].startswith("Fila 3: Eva Sol.")


def test_a_country_is_asked_for_unless_the_source_has_one() -> None:
    assert by_code(ask(LIST))["list_country"]["count"] == 1
    assert "list_country" not in by_code(ask(LIST, country="VE"))
    assert "list_country" not in by_code(ask("Nombre;País\nAna Ruz;VE\n"))


def test_the_day_of_the_list_is_guessed_from_the_text_above_the_headings(every_list_questions: None) -> None:
    assert by_code(ask(f"Actualizado al 20/01/2026\n{LIST}"))["list_date"]["guess"] == "2026-01-20"
    assert by_code(ask(LIST))["list_date"]["guess"] is None


def test_how_a_list_was_checked_is_asked_unless_a_column_says_it(every_list_questions: None) -> None:
    assert "list_checked" in by_code(ask("Nombre;País\nAna Ruz;VE\n"))
    said = "Nombre;País;Veredicto\nAna Ruz;VE;verificado\n"
    assert "list_checked" not in by_code(ask(said))
    checked = 'checked = "family"\n'
    (row,) = open_list(b"Nombre;Pa\xc3\xads\nAna Ruz;VE\n", ListMapping.parse_toml(checked)).rows()
    assert row.body is not None
    assert row.body["verification"] == {"verdict": "verified", "method": "family"}


def test_whether_people_are_held_is_asked_of_those_of_whom_nothing_says_it(every_list_questions: None) -> None:
    said = "Nombre;País;Excarcelado el\nAna Ruz;VE;\nEva Sol;VE;2026-01-12\n"
    assert by_code(ask(said))["list_held"]["count"] == 1
    assert "list_held" not in by_code(ask("Nombre;País;Estado\nAna Ruz;VE;sigue presa\n"))


def test_an_age_asks_for_its_day() -> None:
    question = by_code(ask("Nombre;Edad;País\nAna Ruz;31;VE\n"))["age_needs_day"]
    assert (question["place"], question["count"]) == ("/age_on", 1)


def test_the_order_of_days_is_asked_for_once() -> None:
    said = "Nombre;Detenido el;Excarcelado el;País\nAna Ruz;03/04/2025;05/06/2025;VE\n"
    (question,) = (one for one in ask(said) if one["code"] == "date_order")
    assert (question["place"], question["value"]) == ("/dates", "03/04/2025")


def test_many_rows_of_one_kind_are_one_question() -> None:
    said = HEAD + "".join(f"Persona {name};Yare;detenida;2026-01-12;;\n" for name in ("A", "B", "C", "D"))
    (question,) = (one for one in ask(said) if one["code"] == "states_differ")
    assert (question["place"], question["count"], question["rows"]) == ("/rows/states_differ", 4, ["2", "3", "4", "5"])
    few = HEAD + "".join(f"Persona {name};Yare;detenida;2026-01-12;;\n" for name in ("A", "B", "C"))
    assert [one["place"] for one in ask(few) if one["code"] == "states_differ"] == [
        f"/rows/{row} states_differ" for row in (2, 3, 4)
    ]


def test_a_column_of_days_or_names_is_set_aside_by_itself_only() -> None:
    said = "Nombre;País;Uno;Dos;Tres\nAna Ruz;VE;2025-01-12;Luis Sosa;7\nEva Sol;VE;2025-02-01;Raúl Paz;9\n"
    asked = {one["place"]: one["answer"] for one in ask(said) if one["code"] == "column_unread"}
    assert asked == {"/positions/C": "mapping", "/positions/D": "mapping", "/positions/E": "confirm"}


def test_a_confirmed_list_asks_what_nobody_may_pass_over() -> None:
    found = open_list("Nombre;País;Uno;Dos\nAna Ruz;VE;2025-01-12;azul\n".encode(), None)
    facts = survey_list(found.rows(), fields=False)
    asked = collect_questions(found, facts.faults, facts.undated_ages, is_confirmed=True)
    assert [one["place"] for one in asked] == ["/positions/C"]


def test_a_column_read_for_the_wrong_thing_does_not_ask_about_each_of_its_cells() -> None:
    column = Column(0, "Estado", ("state",))
    faults = SurveyedFaults()
    for number in range(MAX_VALUE_QUESTIONS + 20):
        fault = Fault("A", "/state", "unknown_code", "")
        faults.add(rows.Row(number, None, [fault], cells=[f"palabra {number}"]))
    assert len(ask_about_rows(faults, [column], str)) == MAX_VALUE_QUESTIONS


@pytest.mark.parametrize("word", ["a/b", "50 ~ 60", "«sí»"])
def test_an_answer_to_any_word_is_found_again(word: str) -> None:
    said = f"Nombre;País;Estado\nAna Ruz;VE;{word}\nEva Sol;VE;libre\n"
    questions = ask(said)
    assert "value_unknown" in by_code(questions)
    assert ask(said, answered(questions, value_unknown="held")) == []


def test_json_lines_ask_nothing() -> None:
    assert ask('{"detainee": {"full_name": "Ana Ruz", "age": 31}}\n') == []


@pytest.mark.parametrize("taken_over", [None, 7, {"fields": 7}, {"fields": [1]}, {"fields": ["detainee.age"]}])
def test_a_malformed_listed_report_does_not_stop_the_list(taken_over: Any) -> None:
    line = json.dumps({"id": 1, "version": 1, "revision": 1, "taken_over": taken_over})
    assert [row.body for row in open_list(line.encode(), None).rows()] == [{"source_record_id": "report:1"}]


def test_a_workbook_of_too_many_sheets_is_refused_instead_of_read_in_part() -> None:
    book = Workbook()
    for number in range(13):
        sheet = book.create_sheet(f"Mes {number}")
        sheet.append(["Nombre", "Estado"])
        sheet.append([f"Ana Paz {number}", "detenida"])
    book.remove(book.worksheets[0])
    stream = io.BytesIO()
    book.save(stream)
    with pytest.raises(BadFile, match="divide it"):
        open_list(stream.getvalue(), None)
    assert len(list(open_list(stream.getvalue(), ListMapping(sheet="Mes 12")).rows())) == 1
