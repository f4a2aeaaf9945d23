"""What is asked about a list becomes fields of a form, with what was answered before."""

from typing import Any

import pytest

from app.imports.fields import FIELDS
from app.web.desk.answers import RowIdentity
from app.web.desk.list_questions import (
    FormAnswers,
    ListQuestions,
    build_list_questions,
)
from app.web.desk.list_words import build_field_titles, format_value, group_fields
from app.web.rendering import load_catalogue

ENGLISH, SPANISH = load_catalogue("en"), load_catalogue("es")
CASES = {"column": "A", "heading": "N°", "fields": ["source_record_id"], "filled": 3, "samples": ["1", "2"]}
NAMES = {"column": "B", "heading": "Quién", "fields": [], "filled": 3, "samples": ["Ana Roca", "Eva Paz"]}
EMPTY = {"column": "C", "heading": "", "fields": [], "filled": 0, "samples": []}


def question(code: str, place: str, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "place": place, "detail": f"{code}?", "step": 1, "kind": "choice", "choices": [], "guess": None,
        "column": None, "value": None, "count": None, "rows": [], "samples": [], **more,
    }  # fmt: skip


def choices(*values: str) -> list[dict[str, str]]:
    return [{"value": value, "label": f"label of {value}"} for value in values]


WHOLE = question("whole_list", "/whole", choices=choices("false", "true"))
ORDER = question(
    "date_order", "/dates", step=2, value="03/04/2025", choices=choices("day_first", "month_first"), rows=["4"], count=1
)
PERSON = question("not_a_name", "/rows/9", step=2, choices=choices("leave_out", "read"), guess="leave_out", rows=["9"])
NAME_COLUMN = question("column_unread", "/positions/B", kind="meaning", column="B", detail="What is in column B?")


def receipt(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "state": "questioned", "questions": list(questions), "columns": [CASES, NAMES, EMPTY], "groups": [],
        "sheet": None, "sheet_names": {}, "other_sheets": [], "sums": {"count": 0, "rows": []}, "kept_answers": {},
        **more,
    }  # fmt: skip


NOTHING_GIVEN = FormAnswers({})


def build(received: dict[str, Any], given: FormAnswers = NOTHING_GIVEN, *rows: RowIdentity) -> ListQuestions:
    return build_list_questions(received, given, {row.label: row for row in rows}, {2: "2026-01-20"}, ENGLISH)


def test_what_was_settled_without_a_question_can_be_changed() -> None:
    settled = receipt(
        sheet="Enero, Mayo", sheet_names={"1": "Enero", "2": "Mayo"}, other_sheets=["Notas"],
        sums={"count": 1, "rows": [10_000_009]}, kept_answers={"Enero!4 remark_wish": "remark", "Mayo!3": "leave_out"},
    )  # fmt: skip
    row = RowIdentity(10_000_004, "Ana Roca", "", "Enero!4", {})
    switches = {switch.name: switch for switch in build(settled, NOTHING_GIVEN, row).switches}
    assert [(name, switch.options[0][1], switch.options[1][0]) for name, switch in switches.items()] == [
        ("answer:/sheets/Enero", "It belongs to the list", "false"),
        ("answer:/sheets/Mayo", "It belongs to the list", "false"),
        ("answer:/sheets/Notas", "Set it aside", "true"),
        ("answer:/rows/Enero%219", "A sum: left out", "read"),
        ("answer:/rows/Enero%214%20remark_wish", "Yes, it is not published", "read"),
        ("answer:/rows/Mayo%213", "Leave it out", "read"),
    ]
    assert all(switch.options[0][0] == "" for switch in switches.values()), "what is not touched is no answer"
    assert switches["answer:/rows/Enero%214%20remark_wish"].title.startswith("Row Enero!4. Ana Roca.")
    given = build(settled, FormAnswers({"sheets": {"Mayo": False}})).switches
    assert "answer:/sheets/Mayo" not in {switch.name for switch in given}


def test_a_guess_is_selected_and_nothing_else_is() -> None:
    whole, person = build(receipt(WHOLE, PERSON)).open
    assert (whole.kind, whole.selected, whole.guess) == ("radio", None, None)
    assert (person.kind, person.selected, person.guess) == ("radio", "leave_out", "leave_out")


def test_the_row_that_is_asked_about_is_shown() -> None:
    title = RowIdentity(9, "", "", "9", {"B": "Presos de enero"})
    (person,) = build(receipt(PERSON), NOTHING_GIVEN, title).open
    assert person.cells == ["Presos de enero"]


def test_the_remark_that_is_asked_about_is_shown_with_the_name() -> None:
    remark = question("remark_state", "/rows/remark_state", step=3, rows=["7", "8"], count=5, column="C")
    identity = RowIdentity(7, "Ana Roca", "", "7", {"A": "1", "B": "Ana Roca", "C": "excarcelada el 14/1"})
    (asked,) = build(receipt(remark), NOTHING_GIVEN, identity).open
    assert asked.cells == ["Ana Roca", "excarcelada el 14/1"]


def test_the_day_that_each_order_makes_of_a_date_is_shown() -> None:
    (order,) = build(receipt(ORDER)).open
    assert [label for _value, label in order.options] == [
        "label of day_first: 3 April 2025",
        "label of month_first: 4 March 2025",
    ]
    assert order.hint == "In row 4"


def test_a_question_about_a_column_is_asked_in_its_row_of_the_table() -> None:
    questions = build(receipt(NAME_COLUMN, WHOLE))
    assert [one.place for one in questions.open] == ["/whole"]
    cases, names = questions.columns
    assert (cases.question, cases.reading) == ("", "Case number")
    assert (names.question, names.samples) == ("What is in column B?", ["Ana Roca", "Eva Paz"])
    assert questions.open_count == 2


def test_case_numbers_that_only_count_rows_are_asked_about_where_their_column_is() -> None:
    counting = question("numbers_count_rows", "/confirmed/numbers_count_rows", choices=choices("true"))
    questions = build(receipt(counting))
    (asked,) = questions.open
    assert (asked.place, [value for value, _label in asked.options]) == ("/positions/A", ["source_record_id", "-"])
    assert [column.letter for column in questions.columns] == ["B"], "one field for one answer"


def test_an_answer_given_is_shown_with_its_question_and_not_asked_again() -> None:
    first = build(receipt(WHOLE, ORDER))
    given = FormAnswers({"whole": False}, first.previous)
    questions = build(receipt(ORDER), given)
    assert [(one.place, one.selected) for one in questions.answered] == [("/whole", "false")]
    assert [one.place for one in questions.open] == ["/dates"]
    again = build(receipt(state="done"), FormAnswers({"whole": False, "dates": "day_first"}, questions.previous))
    assert [one.place for one in again.answered] == ["/whole", "/dates"]


def test_a_meaning_of_an_earlier_list_can_be_changed() -> None:
    given = FormAnswers({"values": {"verification.method": {"a las puertas": "at_the_gate"}}})
    (value,) = build(receipt(WHOLE), given).answered
    assert (value.place, value.selected) == ("/values/verification.method/a las puertas", "at_the_gate")
    assert "a las puertas" in value.text


def test_a_withdrawn_report_is_asked_about_only_once_the_rows_were_tried() -> None:
    group = {"code": "withdrawn_report", "question": True, "count": 1, "column": None, "heading": None,
             "examples": [{"row": 2, "value": None}]}  # fmt: skip
    (asked,) = build(receipt(state="done", groups=[group])).open
    assert asked.place == "/rows/2"
    assert "You withdrew it on 20 January 2026." in asked.text
    answered = build(receipt(state="done", groups=[group]), FormAnswers({"rows": {"2": "leave_out"}}))
    assert answered.open == []


def test_an_answer_that_was_refused_says_so() -> None:
    (whole,) = build(receipt(WHOLE), FormAnswers({}, refused=frozenset({"/whole"}))).open
    assert whole.fault


def test_a_receipt_of_an_earlier_version_without_places_asks_nothing() -> None:
    assert build(receipt({**WHOLE, "place": None})).open == []


@pytest.mark.parametrize("words", [ENGLISH, SPANISH])
def test_every_field_has_a_title_in_one_group(words: Any) -> None:
    titles = build_field_titles(words)
    assert titles.keys() == FIELDS.keys()
    assert not any(name == title for name, title in titles.items())
    grouped = [name for _label, fields in group_fields(titles, words) for name, _title in fields]
    assert sorted(grouped) == sorted(FIELDS)


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("release.released_on", "2026-01-14", "14 ene 2026"),
        ("detention.country", "VE", "Venezuela"),
        ("detainee.full_name", "Ana Roca", "Ana Roca"),
        ("detention.charges", ["a", "b"], "a y b"),
        ("release.released_on", None, "nada"),
        ("verification.verdict", "no such code", "no such code"),
    ],
)
def test_a_value_that_changes_is_told_in_words(name: str, value: Any, text: str) -> None:
    assert format_value(name, value, SPANISH) == text
