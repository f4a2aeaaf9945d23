"""What is certain is settled without a question, and said: phone numbers, and whether a sheet belongs to the list."""

import pytest

from app.imports.filing.questions import collect_questions
from app.imports.filing.survey import survey_list
from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import open_list
from tests.imports.filing.test_several_sheets import workbook

HEAD = ("Nombre y apellido", "Fecha de detención", "Centro de reclusión", "Estatus")
MEN = (HEAD, ("Ivo Ruz Paz", "2025-03-02", "Yare", "detenido"), ("Noé Prat Lira", "2025-03-03", "Yare", "det."))
WOMEN = (HEAD, ("Ana Roca Lugo", "2025-03-02", "INOF", "detenida"))
PHONES = ("0414-5550101", "0412 5550102 (madre)", "no tiene")


def ask(data: bytes) -> dict[str, str]:
    opened = open_list(data, None)
    facts = survey_list(opened.rows(), fields=False)
    return {str(one["place"]): one["code"] for one in collect_questions(opened, facts.faults, 0, is_confirmed=False)}


def build_phone_list(heading: str, phones: tuple[str, ...] = PHONES) -> bytes:
    rows = "".join(f"Persona Número{letter};2025-03-02;{phone}\n" for letter, phone in zip("ABC", phones, strict=True))
    return f"Nombre y apellido;Fecha de detención;{heading}\n{rows}".encode()


@pytest.mark.parametrize("heading", ["Teléf.", "Contacto", "Tel. familiar", "Celular", "Xyzzy"])
def test_phone_numbers_are_not_asked_about_shown_or_stored(heading: str) -> None:
    phones = PHONES if heading != "Xyzzy" else ("0414-5550101", "0412-5550102", "+58 412 555 0103")
    opened = open_list(build_phone_list(heading, phones), None)
    assert "/positions/C" not in ask(build_phone_list(heading, phones))
    column = opened.shape()["columns"][2]
    assert (column["phones"], column["fields"], column["samples"]) == (True, [], [])
    assert "555" not in str([row.body for row in opened.rows()])


@pytest.mark.parametrize(
    "heading, phones",
    [
        ("Contacto", ("Rosa Paz", "Luis Gil", "0414-5550101")),
        ("Teléfono", ("0414-5550101", "0412-5550102 NO PUBLICAR", "0416-5550103")),
        ("Xyzzy", ("20240001", "20240002", "20240003")),
    ],
)
def test_a_column_that_may_hold_something_else_is_asked_about(heading: str, phones: tuple[str, ...]) -> None:
    assert ask(build_phone_list(heading, phones))["/positions/C"] == "column_unread"


def test_sheets_with_the_same_headings_and_other_people_belong_to_the_list() -> None:
    data = workbook(Hombres=MEN, Mujeres=WOMEN, Hoja3=[], Tareas=[("xyzzy",), ("llamar a la defensoría",)])
    opened = open_list(data, None)
    assert (opened.shape()["sheet"], opened.shape()["other_sheets"]) == ("Hombres, Mujeres", ["Hoja3", "Tareas"])
    assert "sheet_used" not in ask(data).values()


@pytest.mark.parametrize(
    "sheets, asked",
    [
        ({"Enero": MEN, "Febrero": MEN}, {"Enero", "Febrero"}),
        ({"Lista": MEN, "Borrador": WOMEN}, {"Borrador"}),
        ({"Lista": MEN, "Otra": [("xyzzy", "plugh"), ("Ana Roca Lugo", "x"), ("Eva Paz Ruiz", "y")]}, {"Otra"}),
        ({"Lista": MEN, "Abogados": [("Nombre", "Ciudad"), ("Eva Paz Ruiz", "Caracas")]}, {"Abogados"}),
    ],
)  # fmt: skip
def test_a_sheet_is_asked_about_if_it_is_unclear(
    sheets: dict[str, tuple[tuple[str, ...], ...]], asked: set[str]
) -> None:
    questions = ask(workbook(**sheets))
    assert {place for place, code in questions.items() if code == "sheet_used"} == {f"/sheets/{name}" for name in asked}


def test_answers_about_the_columns_of_the_list_make_no_list_of_notes() -> None:
    data = workbook(Lista=MEN, Notas=[("Llamar a la familia Roca", ""), ("Revisar la lista", "y enviarla")])
    mapping = ListMapping.parse_toml('[positions]\nA = "detainee.full_name"\nD = "state"\n')
    opened = open_list(data, mapping)
    assert (opened.shape()["sheet"], opened.shape()["other_sheets"]) == ("Lista", ["Notas"])
    assert all(sheet.is_sure for sheet in opened.sheets)
