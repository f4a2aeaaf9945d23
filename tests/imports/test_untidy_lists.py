"""Lists as field offices keep them, of invented people: what is read of them, and what is asked."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook

from app.imports.answers import build_answers
from app.imports.faults import StoredQuestion
from app.imports.filing.questions import collect_questions
from app.imports.filing.survey import survey_list
from app.imports.mapping import ListMapping
from app.imports.reader import row_states
from app.imports.reader.list_reader import ListContext, OpenedList, open_list

Line = Sequence[object]


WHOLE_LIST = [("/list_date", "2026-01-20"), ("/whole", "false"), ("/checked", "no"), ("/held", "held")]


@pytest.fixture(autouse=True)
def _days_of_custody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day of the list is given to whoever is held, however recent the arrest."""
    monkeypatch.setattr(row_states, "DEFAULT_HELD_WITHIN", 0)


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


def find_states(data: bytes, *answers: tuple[str, str]) -> list[str]:
    """What each row says: released, died, held on the day of the list, or nothing."""
    states = []
    for body in read_bodies(data, *answers):
        detention, release = (body or {}).get("detention", {}), (body or {}).get("release")
        if release is not None:
            states.append(f"released {release.get('released_on', '')}".strip())
        elif "ended" in detention:
            states.append(detention["ended"]["how"])
        else:
            states.append("held" if detention.get("held_on") == "2026-01-20" else "nothing")
    return states


def test_words_among_days_of_release_say_whether_somebody_is_out() -> None:
    data = write_csv(
        ("Nombre", "Detenido", "Liberado"),
        ("Ana Paz Gil", "13/1/2025", "no"),
        ("Luis Rojas Mora", "14/1/2025", "14/1/2026"),
        ("Eva Sosa Luna", "15/1/2025", "Sí"),
        ("Rosa Díaz Peña", "16/1/2025", "libertad plena"),
        ("Iván Toro Vega", "17/1/2025", "sigue preso"),
        ("Pía Ruz Sol", "17/1/2025", "32/1/2026"),
    )
    assert find_states(data)[:5] == ["held", "released 2026-01-14", "released", "released", "held"]
    bodies = read_bodies(data)
    assert bodies[3] is not None
    assert bodies[3]["release"]["kind"] == "full_release"
    assert bodies[5] is None  # a day that does not exist is a fault, not a word


def test_an_unknown_word_among_days_of_release_is_asked_about_as_a_status() -> None:
    data = write_csv(
        ("Nombre", "Fecha de libertad"),
        ("Ana Paz Gil", "13/1/2025"),
        ("Eva Sosa", "14/1/2025"),
        ("Luz Mora", "en trámite"),
    )
    [question] = ask(data)
    assert question["value"] == "en trámite"
    assert "held" in [choice["value"] for choice in question["choices"]]
    assert find_states(data, (question["place"], "held"))[2] == "held"


def test_nobody_died_where_the_column_of_deaths_says_no() -> None:
    data = write_csv(
        ("Nombre", "Fallecido", "Fecha de detención"),
        ("Ana Paz Gil", "no", "13/1/2025"),
        ("Eva Sosa Luna", "14/1/2026", "13/1/2025"),
        ("Luz Mora Gil", "15/1/2026", "13/1/2025"),
    )
    assert find_states(data) == ["held", "died", "died"]


def test_crosses_that_differ_are_asked_about_once_and_the_answer_decides() -> None:
    data = write_csv(
        ("Nombre", "Detenido", "Excarcelado"),
        ("Ana Paz Gil", "X", ""),
        ("Eva Sosa Luna", "X", "X"),
        ("Luz Mora", "", "X"),
    )
    [question] = ask(data)
    choices = [choice["value"] for choice in question["choices"]]
    assert {"released", "held"} <= set(choices)
    assert find_states(data, (question["place"], "released"))[1] == "released"
    assert find_states(data, (question["place"], "held"))[1] == "held"
    for choice in choices:
        assert not ask(data, (question["place"], choice))


def test_a_remark_about_publication_is_asked_about_in_the_round_in_which_the_states_differ() -> None:
    data = write_csv(
        ("Nombre", "Estatus", "Fecha de libertad", "Observaciones"),
        ("Ana Paz Gil", "Preso", "14/1/2026", "No publicar"),
    )
    assert {q["code"] for q in ask(data)} == {"states_differ", "remark_wish"}


def test_nobody_is_held_by_an_answer_about_all_where_the_row_says_no() -> None:
    data = write_csv(
        ("Nombre", "Sigue detenido", "Fecha de detención"),
        ("Ana Paz Gil", "Sí", "13/1/2025"),
        ("Eva Sosa Luna", "No", "14/1/2025"),
    )
    assert find_states(data) == ["held", "nothing"]


def test_the_day_beside_held_is_that_of_the_arrest_and_the_person_is_held_on_the_day_of_the_list() -> None:
    data = write_csv(
        ("Nombre", "Estatus", "Fecha"),
        ("Ana Paz Gil", "Detenida", "13/1/2025"),
        ("Eva Sosa", "Excarcelada", "14/1/2026"),
    )
    answer = ("/positions/C", "state_on")
    assert find_states(data, answer) == ["held", "released 2026-01-14"]
    held = read_bodies(data, answer)[0] or {}
    assert held["detention"]["detained_on"] == "2025-01-13"


def test_a_ditto_mark_repeats_the_cell_above() -> None:
    data = write_workbook(
        Lista=[
            ("Nombre", "Centro de reclusión", "Estatus"),
            ("Ana Paz Gil", "Yare", "preso"),
            ("Eva Sosa Luna", "Ídem", "″"),
            ("Luz Mora Gil", '"', "excarcelada"),
            ("Pía Ruz Sol", "id.", "ídem"),
        ]
    )
    assert find_states(data) == ["held", "held", "released", "released"]
    assert {(body or {})["detention"]["facility"] for body in read_bodies(data)} == {"Yare"}


def test_a_ditto_mark_below_an_empty_cell_repeats_nothing() -> None:
    data = write_csv(
        ("Nombre", "Centro de reclusión", "Estatus"),
        ("Ana Paz Gil", "Yare", "preso"),
        ("Eva Sosa Luna", "", "preso"),
        ("Luz Mora Gil", "ídem", "preso"),
    )
    assert [body is None for body in read_bodies(data)] == [False, False, True]


def test_a_column_that_proves_both_orders_of_day_and_month_is_asked_about() -> None:
    data = write_csv(
        ("Nombre", "Fecha de detención", "Fecha de excarcelación"),
        ("Ana Paz Gil", "13/01/2025", "14/01/2026"),
        ("Eva Sosa Luna", "01/14/2025", "15/01/2026"),
        ("Luz Mora Gil", "03/04/2025", "03/02/2026"),
    )
    assert "date_order" in {question["code"] for question in ask(data)}


def test_no_year_completes_a_date_whose_column_of_years_is_empty() -> None:
    data = write_csv(
        ("Nombre", "Día", "Mes", "Año", "Estatus"),
        ("Ana Paz Gil", "14", "enero", "2026", "excarcelada"),
        ("Eva Sosa Luna", "14", "enero", "", "excarcelada"),
    )
    assert [body is None for body in read_bodies(data, ("/positions/B", "release.released_on"))] == [False, True]


def test_a_status_after_a_name_is_asked_about_and_is_no_part_of_the_name() -> None:
    data = write_csv(
        ("Nombre", "Fecha de detención", "Estatus"),
        ("Ana Paz Gil (†)", "13/1/2025", ""),
        ("Iván Toro Vega - LIBERADO", "14/1/2025", ""),
        ("Jean-Luc Mora (alias Lucho)", "15/1/2025", ""),
        ("Eva Sosa (detenida)", "15/1/2025", "Detenida"),
    )
    questions = ask(data)
    assert [(q["code"], q["value"]) for q in questions] == [
        ("remark_state", "Ana Paz Gil (†)"),
        ("remark_state", "Iván Toro Vega - LIBERADO"),
    ]
    answers = [(q["place"], "remark") for q in questions]
    assert find_states(data, *answers) == ["died", "released", "held", "held"]
    assert read_names(data, *answers) == ["Ana Paz Gil", "Iván Toro Vega", "Jean-Luc Mora (alias Lucho)", "Eva Sosa"]


def test_headings_of_the_upper_row_alone_are_read() -> None:
    data = write_workbook(
        Lista=[
            ("Nombre", "Fecha", "", "Centro de reclusión", "Estatus"),
            ("", "Detención", "Liberación", "", ""),
            ("Ana Paz Gil", "13/1/2025", "14/1/2026", "Yare", "libre"),
        ]
    )
    assert not ask(data)
    assert find_states(data) == ["released 2026-01-14"]


def test_an_unknown_status_stays_unknown_when_all_silent_rows_are_held() -> None:
    data = write_csv(
        ("Nombre", "Estatus", "Fecha de detención"),
        ("Ana Paz Gil", "preso", "13/1/2025"),
        ("Eva Sosa Luna", "", "14/1/2025"),
        ("Luz Mora", "?", "15/1/2025"),
        ("Pía Ruz Sol", "se desconoce", "15/1/2025"),
        ("Rosa Díaz Peña", "-", "15/1/2025"),
    )
    assert find_states(data) == ["held", "held", "nothing", "nothing", "held"]


def test_numbers_of_rows_between_totals_and_repeated_headings_are_no_case_numbers() -> None:
    data = write_csv(
        ("N°", "Nombre", "Fecha de detención"),
        (1, "Ana Paz Gil", "13/1/2025"),
        (2, "Eva Sosa Luna", "13/1/2025"),
        ("N°", "Nombre", "Fecha de detención"),
        (3, "Luz Mora", "14/1/2025"),
        ("TOTAL", 3, ""),
    )
    assert {q["code"] for q in ask(data)} == {"repeated_headings"}
    assert "source_record_id" not in (read_bodies(data)[0] or {})


def test_a_list_without_known_headings_is_parted_into_columns_to_ask_about() -> None:
    data = write_csv(("Ad Soyad", "Gözaltı", "Durum"), ("Ayşe Yılmaz", "13.03.2025", "tutuklu"))
    questions = {q["place"]: q["guess"] for q in ask(data)}
    assert questions == {"/header": "1", "/positions/A": None, "/positions/B": None, "/positions/C": None}


def test_a_date_in_three_columns_is_read_as_one() -> None:
    data = write_workbook(
        Lista=[
            ("Nombre", "Fecha de detención", "", "", "Año de liberación", "Mes de liberación"),
            ("", "Día", "Mes", "Año", "", ""),
            ("Ana Paz Gil", 13, "enero", 2025, 2026, 1),
            ("Eva Sosa Luna", "", "mar.", 2024, "", ""),
            ("Luz Mora", "", "", 2023, "", ""),
            ("Pía Ruz Sol", 31, 2, 2024, "", ""),
        ]
    )
    bodies = read_bodies(data)
    days = [(body or {}).get("detention", {}).get("detained_on") for body in bodies]
    assert days == ["2025-01-13", "2024-03", "2023", None]
    assert bodies[3] is None  # no such day
    assert (bodies[0] or {})["release"]["released_on"] == "2026-01"
    assert not ask(data)


def test_people_on_two_sheets_are_counted_once_by_an_answer() -> None:
    headings = ("Nombre", "Fecha de detención", "Estatus")
    data = write_workbook(
        Enero=[headings, ("Ana Paz Gil", "13/1/2025", "Presa"), ("Eva Sosa Luna", "14/1/2025", "Libre")],
        Diciembre=[
            headings,
            ("ANA PAZ GIL", "13/1/2025", "Presa"),
            ("Eva Sosa Luna", "14/2/2023", "Libre"),
            ("Luz Mora Toro", "15/2/2023", "Libre"),
        ],
    )
    sheets = ("/sheets/Enero", "true"), ("/sheets/Diciembre", "true")
    [question] = ask(data, *sheets)
    assert (question["code"], question["rows"]) == ("repeated_person", ["Diciembre!2"])
    assert question["value"] == "ANA PAZ GIL"
    assert len(read_bodies(data, *sheets, (question["place"], "leave_out"))) == 4
    assert None not in read_bodies(data, *sheets, (question["place"], "read"))


def test_statuses_of_other_countries_are_read_without_a_question() -> None:
    data = write_csv(
        ("Nom", "Prénom", "Statut"),
        ("TSHALA", "Paul", "libération provisoire"),
        ("MBUYI", "Rita", "portée disparue"),
        ("KABILA", "Jean", "exécuté"),
        ("KASONGO", "Luc", "s'est évadé"),
        ("ILUNGA", "Marc", "détenu"),
    )
    answer = ("/positions/A", "detainee.surnames")
    assert not ask(data, answer)
    assert find_states(data, answer) == ["released", "nothing", "died", "escaped", "held"]
    assert (read_bodies(data, answer)[1] or {})["detention"]["legal_status"] == "enforced_disappearance"
