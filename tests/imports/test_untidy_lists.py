"""Lists as field offices keep them, of invented people: what is read of them, and what is asked."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from openpyxl import Workbook

from app.imports.answers import build_answers
from app.imports.faults import StoredQuestion
from app.imports.list_reader import ListContext, OpenedList, open_list
from app.imports.mapping import ListMapping
from app.imports.questions import collect_questions
from app.imports.survey import survey_list

Line = Sequence[object]
WHOLE_LIST = [("/list_date", "2026-01-20"), ("/whole", "false"), ("/checked", "no"), ("/held", "held")]


def write_csv(*lines: Line) -> bytes:
    return "\n".join(";".join(map(str, line)) for line in lines).encode()


def write_workbook(**sheets: Sequence[Line]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def open_answered(data: bytes, *answers: tuple[str, str]) -> OpenedList:
    mapping = ListMapping.model_validate(build_answers([*WHOLE_LIST, *answers]))
    return open_list(data, mapping, context=ListContext("VE", date(2026, 2, 1)))


def read_bodies(data: bytes, *answers: tuple[str, str]) -> list[dict[str, Any] | None]:
    return [row.body for row in open_answered(data, *answers).rows()]


def ask(data: bytes, *answers: tuple[str, str]) -> list[StoredQuestion]:
    opened_list = open_answered(data, *answers)
    facts = survey_list(opened_list.rows(), fields=False)
    return collect_questions(opened_list, facts.faults, facts.undated_ages, is_confirmed=False)


def ask_unread(data: bytes) -> list[StoredQuestion]:
    """The questions about a list that comes without any answer."""
    opened_list = open_list(data, None, context=ListContext("VE", date(2026, 2, 1)))
    facts = survey_list(opened_list.rows(), fields=False)
    return collect_questions(opened_list, facts.faults, facts.undated_ages, is_confirmed=False)


def read_names(data: bytes, *answers: tuple[str, str]) -> list[str | None]:
    return [(body or {}).get("detainee", {}).get("full_name") for body in read_bodies(data, *answers)]


def test_a_question_about_a_column_of_one_of_several_sheets_can_be_answered() -> None:
    data = write_workbook(
        Detenidos=[("Nombre", "Zona"), ("Ana Paz Gil", "Norte")], Liberados=[("Nombre", "Zona"), ("Eva Sosa", "Sur")]
    )
    assert [q["place"] for q in ask(data, ("/sheets/Detenidos", "true"), ("/sheets/Liberados", "true"))] == [
        "/positions/Detenidos!B",
        "/positions/Liberados!B",
    ]
    bodies = read_bodies(data, ("/positions/Detenidos!B", "detention.place"), ("/positions/Liberados!B", "note"))
    assert [(body or {}).get("note") for body in bodies] == [None, "Sur"]
    assert (bodies[0] or {})["detention"]["place"] == "Norte"


def test_unknown_words_of_several_sheets_are_asked_about() -> None:
    data = write_workbook(
        Uno=[("Nombre", "Estatus"), ("Ana Paz Gil", "preso"), ("Luz Mora", "gestionando")],
        Dos=[("Nombre", "Estatus"), ("Eva Sosa Luna", "preso")],
    )
    questions = [q for q in ask(data) if q["code"] == "value_unknown"]
    assert [(q["value"], q["column"]) for q in questions] == [("gestionando", "Uno!B")]


def test_two_columns_of_surnames_are_joined_in_their_order() -> None:
    data = write_csv(
        ("Primer apellido", "Segundo apellido", "Nombres", "Fecha de detención"),
        ("Paz", "Gil", "Ana María", "13/1/2025"),
        ("Sosa", "", "Eva", "14/1/2025"),
    )
    assert read_names(data) == ["Ana María Paz Gil", "Eva Sosa"]
    assert not ask(data)


def test_nom_beside_prenom_is_the_surname() -> None:
    data = write_csv(("Nom", "Prénom", "Date d'arrestation"), ("KABILA", "Jean", "13/04/2025"))
    assert read_names(data) == ["Jean KABILA"]


def test_a_day_in_a_status_is_read_by_the_order_that_another_column_proves_and_the_likely_day_of_the_list() -> None:
    data = write_csv(
        ("Lista al 15 DE ENERO DE 2026", "", ""),
        ("Nombre", "Fecha de detención", "Estatus"),
        ("Ana Paz Gil", "13/01/2025", "Excarcelada (5/1)"),
        ("Eva Sosa Luna", "14/01/2025", "Falleció el 03/02/2025"),
    )
    assert not [q for q in ask_unread(data) if q["code"] in ("value_unknown", "date_order")]
    release, death = (body or {} for body in read_bodies(data))
    assert release["release"]["released_on"] == "2026-01-05"
    assert death["detainee"]["died_on"] == "2025-02-03"


def test_the_order_of_days_inside_statuses_is_asked_where_nothing_proves_it() -> None:
    data = write_csv(("Nombre", "Estatus"), ("Ana Paz Gil", "Excarcelada 03/02/2025"), ("Eva Sosa", "Presa"))
    assert [q["code"] for q in ask(data)] == ["date_order"]
    release = read_bodies(data, ("/dates", "day_first"))[0] or {}
    assert release["release"]["released_on"] == "2025-02-03"


def test_ages_on_the_day_of_the_list_take_the_day_that_is_answered_with_them() -> None:
    data = write_csv(("Nombre", "Edad", "Fecha de detención"), ("Ana Paz Gil", "34", "13/1/2025"))
    ages = next(q for q in ask_unread(data) if q["code"] == "age_needs_day")
    answer = ages["choices"][-1]["value"]
    body = read_bodies(data, (ages["place"], answer))[0] or {}
    assert body["detainee"]["age_on"] == "2026-01-20"
