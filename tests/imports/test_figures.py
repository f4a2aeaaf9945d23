"""Figures in a sheet: tables by prison, month and state, and lists of people that must never be taken for figures."""

import pytest

from app.imports.faults import BadFile
from app.imports.reader.figure_files import read_figures
from app.imports.reader.figure_words import parse_count, read_label
from app.imports.reader.figures import MAX_FIGURE_ROWS, Figure, find_figures
from app.imports.reader.list_reader import open_list
from app.vocabulary import Measure, Qualifier
from tests.imports.test_list_reader import book, refusal

PRISONS = "Centro de reclusión;Detenidos;Excarcelados\nEl Rodeo I;1.120;5\nSan Juan Bautista;80;-\nTotal;1.200;5"


def found(text: str) -> list[Figure]:
    return find_figures([line.split(";") for line in text.split("\n")])


def told(text: str) -> list[tuple[str, int, str | None]]:
    return [(one.label, one.number, one.measure and one.measure.value) for one in found(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Resumen: Detenidos 905 · Excarcelados 56 · Fallecidos 2",
        "Detenidos 905, Excarcelados 56, Fallecidos 2",
        "Resumen general\nDetenidos;905\nExcarcelados;56\nFallecidos;2",
        "Detenidos: 905\nExcarcelados: 56\nFallecidos: 2\nActualizado al 12 de enero de 2026",
        "Detenidos;905;93,9 %\nExcarcelados;56;5,8 %\nFallecidos;2;0,2 %",
        "Detenidos;Excarcelados;Fallecidos\n905;56;2",
    ],
)
def test_a_summary_is_read_in_whatever_form_it_is_written(text: str) -> None:
    assert told(text) == [("Detenidos", 905, "held"), ("Excarcelados", 56, "released"), ("Fallecidos", 2, "died")]


def test_a_table_by_prison_gives_each_number_its_prison_and_marks_the_sum() -> None:
    figures = found(PRISONS)
    assert [(one.row, one.number, one.measure, one.terms, one.is_total) for one in figures] == [
        (2, 1120, Measure.HELD, {"facility": "El Rodeo I"}, False),
        (2, 5, Measure.RELEASED, {"facility": "El Rodeo I"}, False),
        (3, 80, Measure.HELD, {"facility": "San Juan Bautista"}, False),
        (4, 1200, Measure.HELD, {}, True),
        (4, 5, Measure.RELEASED, {}, True),
    ]
    assert figures[0].label == "El Rodeo I · Detenidos"


def test_prisons_are_known_without_headings_below_a_title_that_says_what_is_counted() -> None:
    figures = found("Detenidos por cárcel\nCárcel de Yare;12\nInternado de Oriente;4\nTotal;16")
    assert [(one.number, one.measure, one.is_total) for one in figures] == [
        (12, "held", False), (4, "held", False), (16, "held", True)
    ]  # fmt: skip


def test_a_table_by_state_says_the_area() -> None:
    figures = found("N°;Estado;Detenidos;%\n1;Nueva Esparta;3;30 %\n2;Zulia;7;70 %\n;Total;10;100 %")
    assert [(one.number, one.terms, one.is_total) for one in figures] == [
        (3, {"area": "Nueva Esparta"}, False), (7, {"area": "Zulia"}, False), (10, {}, True)
    ]  # fmt: skip


def test_a_table_by_month_takes_the_year_and_the_measure_of_its_title() -> None:
    figures = found("Excarcelaciones de 2026\n;Hombres;Mujeres;Total\nenero;5;6;11\nfebrero;7;8;15\n;12;14;26")
    assert {one.measure for one in figures} == {Measure.RELEASED}
    assert [(one.number, one.window, one.terms.get("gender"), one.is_total) for one in figures] == [
        (5, "2026-01", "male", False), (6, "2026-01", "female", False), (11, "2026-01", None, True),
        (7, "2026-02", "male", False), (8, "2026-02", "female", False), (15, "2026-02", None, True),
        (12, "", "male", True), (14, "", "female", True), (26, "", None, True),
    ]  # fmt: skip


def test_a_month_that_a_spreadsheet_stored_as_its_first_day_is_a_month() -> None:
    assert [one.window for one in found("Mes;Detenidos\n2026-01-01;5\n2026-02-01;6")] == ["2026-01", "2026-02"]
    assert [one.window for one in found("Fecha;Detenciones\n2026-01-01;5\n2026-01-02;6")] == [
        "2026-01-01",
        "2026-01-02",
    ]


def test_groups_above_the_headings_belong_to_the_columns_below_them() -> None:
    text = "Centro;Detenidos;;Excarcelados;\n;Hombres;Mujeres;Hombres;Mujeres\nEl Rodeo;5;6;7;8"
    assert [(one.measure, one.terms["gender"], one.number) for one in found(text)] == [
        ("held", "male", 5), ("held", "female", 6), ("released", "male", 7), ("released", "female", 8)
    ]  # fmt: skip


def test_a_column_that_adds_up_different_measures_counts_nothing_by_itself() -> None:
    figures = found("Centro;Detenidos;Excarcelados;Total\nYare;5;6;11\nTocorón;1;1;2")
    assert [(one.number, one.measure) for one in figures if one.is_total] == [(11, None), (2, None)]


@pytest.mark.parametrize(
    "label, measure, terms, population",
    [
        ("Procesados", "held", {"legal_status": "pretrial"}, ""),
        ("Excarcelados con medidas cautelares", "released", {"kind": "release_with_measures"}, ""),
        ("Militares", None, {"category": "military"}, ""),
        ("Mujeres detenidas", "held", {"gender": "female"}, ""),
        ("Nuevas detenciones", "detained", {}, ""),
        ("Desaparecidos", "missing", {}, ""),
        ("Casa por cárcel", None, {}, "Casa por cárcel"),
        ("Detenidos en El Rodeo", "held", {}, "Detenidos en El Rodeo"),
        ("Detenidos verificados", "held", {}, "Detenidos verificados"),
        ("Detenidos o excarcelados", None, {}, "Detenidos o excarcelados"),
        ("Detenidos no verificados", None, {}, "Detenidos no verificados"),
    ],
)
def test_a_label_says_what_it_can_and_the_rest_is_kept(
    label: str, measure: str | None, terms: dict[str, str], population: str
) -> None:
    figures = found(f"Concepto;Cantidad\n{label};12\nFallecidos;2")
    assert (figures[0].measure, figures[0].terms, figures[0].population) == (measure, terms, population)


def test_a_house_arrest_without_headings_is_no_guess() -> None:
    assert read_label("Casa por cárcel").measure is None


def test_what_a_label_denies_is_asked() -> None:
    assert [(one.measure, one.population) for one in found("Detenidos no verificados;12")] == [
        (None, "Detenidos no verificados")
    ]


def test_more_than_is_kept() -> None:
    figures = found("Detenidos: más de 900\nUnos 40 excarcelados")
    assert [(one.qualifier, one.number) for one in figures] == [(Qualifier.MORE_THAN, 900), (Qualifier.ABOUT, 40)]


@pytest.mark.parametrize(
    "text, number",
    [("905", 905), ("1.234", 1234), ("1,234,567", 1234567), ("1 234", 1234), ("905.0", 905), ("0", 0)],
)
def test_whole_numbers_are_read(text: str, number: int) -> None:
    assert parse_count(text) == (Qualifier.EXACTLY, number)


@pytest.mark.parametrize("text", ["", "-", "12,5", "12 %", "007", "1.23.456", "12/01/2026", "x", "99999999999"])
def test_other_texts_are_no_numbers_of_people(text: str) -> None:
    assert parse_count(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Nombre;Edad\nLeocadia Mendizábal;34\nEvelio Tascón;40",
        "Leocadia Mendizábal;34\nEvelio Tascón;40",
        "Leocadia Mendizábal;34\nEvelio Tascón;40\nTotal;74",
        "DETENIDOS\nLeocadia Mendizábal;34\nEvelio Tascón;40",
        "DETENIDOS\nLeocadia;34\nEvelio;40",
        "Detenidos;Edad\nLeocadia Mendizábal;34\nEvelio Tascón;40",
        "Detenidos;Total\nLeocadia Mendizábal;34\nEvelio Tascón;40",
        "Detenidos\nLeocadia Mendizábal\nEvelio Tascón\nTotal: 2 detenidos",
        "Detenido Evelio Tascón;34",
        "Detenidos Evelio Tascón;34",
        "Leocadia Mendizábal 34 · Evelio Tascón 40",
        "Categoría;Total\nLeocadia Mendizábal;4\nEvelio Tascón;5",
        "Resumen;Total\nLeocadia;34\nEvelio;40",
        "Situación;Casos\nLeocadia;34\nEvelio;40",
        "Estudiante Leocadia Mendizábal;3\nPeriodista Evelio Tascón;4",
        "Código;Días detenido\nEX-1;34\nEX-2;40",
        "Código;Detenidos\nEX-1;1\nEX-2;1",
        "Familia;Personas\nMendizábal;3\nTascón;4",
        "Centro;Edad\nYare;31\nTocorón;44",
        "Centro;Sexo;Detenidos\nYare;F;1\nYare;F;1",
        "Centro;Detenidos\nYare;Leocadia Mendizábal\nTocorón;Evelio Tascón",
        "Centro;Detenidos;Nombre\nYare;3;Leocadia Mendizábal",
        "Centro;Detenidos\nYare;3;Leocadia Mendizábal",
        "Centro;Detenidos\nYare;3\nLeocadia Mendizábal",
        "Apellidos;Nombres;Detenidos\nMendizábal;Leocadia;1\nTascón;Evelio;2",
        "Lugar de nacimiento;Personas\nCumaná;3\nMérida;4",
        "Hora;Lunes;Martes\n08:00;Visita;Visita\n09:00;;Visita",
        "Centro;Día;Hora\nYare;3;9\nTocorón;4;10",
        "Estado;Porcentaje\nZulia;45 %\nLara;55 %",
        "Estado;Tasa de detenidos\nZulia;4,5\nLara;5,5",
        "uno;dos;tres\n1;2;3",
        "edad;sexo\n31;F",
        "",
    ],
)
def test_people_ages_percentages_and_timetables_are_no_figures(text: str) -> None:
    assert found(text) == []


def test_a_long_sheet_is_a_list() -> None:
    rows = [["Centro", "Detenidos"], *([f"Centro {number}", "3"] for number in range(MAX_FIGURE_ROWS))]
    assert find_figures(rows) == []
    assert len(find_figures(rows[:-100])) == MAX_FIGURE_ROWS - 100


def test_the_rows_of_a_file_have_their_numbers_in_the_sheet() -> None:
    assert [one.row for one in read_figures(b"\n\nDetenidos;905\n\nExcarcelados;56\n")] == [3, 5]


@pytest.mark.parametrize("text", [PRISONS, "Detenidos;905\nExcarcelados;56", "País;Centro;Detenidos\nVenezuela;Yare;5"])
def test_a_list_of_figures_is_refused_as_what_it_is(text: str) -> None:
    assert refusal(text) == "list_of_figures"
    with pytest.raises(BadFile) as refused:
        open_list(text.encode(), None)
    assert "POST /v1/claims" in refused.value.detail
    assert "Son cifras" in (refused.value.spanish or "")
    assert f" {read_figures(text.encode())[0].number}" in refused.value.detail


def test_a_list_of_people_is_read_as_before() -> None:
    people = "Nombre;Centro de reclusión;Edad\nLeocadia Mendizábal;Yare;34\n"
    assert open_list(people.encode(), None).columns
    assert open_list(b"Pa\xc3\xads;Centro de reclusi\xc3\xb3n;Sexo\nVenezuela;Yare;F\n", None).columns


def test_a_summary_beside_sheets_of_people_is_figures_and_its_workbook_is_a_list() -> None:
    summary = [["Resumen general", ""], ["Detenidos", "1"], ["Excarcelados", "0"]]
    people = [["Nombre", "Centro de reclusión"], ["Leocadia Mendizábal", "Yare"]]
    assert [one.number for one in find_figures(summary)] == [1, 0]
    assert find_figures(people) == []
    assert open_list(book(Resumen=summary, Detenidos=people), None).shape()["sheet"] == "Detenidos"
    strange = [["Quién", "Dónde"], ["Leocadia Mendizábal", "Yare"]]
    assert open_list(book(Resumen=summary, Detenidos=strange), None).shape()["sheet"] == "Detenidos"
    assert refusal(book(Resumen=summary, Notas=[["Hecho por la oficina"]])) == "list_of_figures"
