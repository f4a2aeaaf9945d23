"""Fourteen lists of invented people as field offices keep them, each with what its author knows and expects."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from tests.imports.officer.officer import Answers, Numbers, Officer

Cell = str | int | date | None
SERIAL_START = date(1899, 12, 30)


@dataclass(frozen=True)
class OfficerList:
    """A list with the country of its source, its author and the numbers that the author expects.

    `rows`: filled rows below the headings on the sheets of the list, whatever they are."""

    name: str
    data: bytes
    country: str
    officer: Officer
    expected: Numbers
    rows: int
    rounds: int = 1


def fill_sheet(sheet: Any, rows: Sequence[Sequence[Cell]]) -> None:
    for row in rows:
        sheet.append(list(row))


def save(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def build_book(title: str, rows: Sequence[Sequence[Cell]], mark: Callable[[Any], None] | None = None) -> bytes:
    """Build a workbook of one sheet. `mark`: what is done to the sheet besides its texts."""
    book = Workbook()
    sheet = book.active
    sheet.title = title
    fill_sheet(sheet, rows)
    if mark is not None:
        mark(sheet)
    return save(book)


def to_serial(year: int, month: int, day: int) -> int:
    """The number that a spreadsheet shows for a day in a cell without the format of a date."""
    return (date(year, month, day) - SERIAL_START).days


def list_status_in_words() -> OfficerList:
    """A status column in words and days, ages in words, a facility merged over its people, telephones of relatives."""
    people = [
        ("Aurelio Montesinos Parra", "c. 50", "12/03/2024", "El Rodeo I", "Excarcelado 14/01/2026", "0414-0000001"),
        ("Belén Carrasco Oviedo", "23 a.", "05/11/2024", None, "Sigue detenida", "0414-0000002"),
        ("Cornelio Duarte Mijares", "menor", "29/07/2024", None, "Casa por cárcel", "0414-0000003"),
        ("Dilia Esparza Rondón", "41", "30/07/2024", None, "Falleció 10/01", "0414-0000004"),
        ("Efraín Figuera Salas", "38 años", "02/08/2024", None, "Trasladado a Yare", "0414-0000005"),
        ("Flor Guaicara Luque", "61", "03/08/2024", "INOF", "Excarcelada 15/01/2026", "0414-0000006"),
        ("Genaro Hidalgo Bosque", "19", "03/08/2024", "Tocorón", "Detenido", "0414-0000007"),
        ("Hilda Infante Carmona", "27", "09/08/2024", "INOF", "Excarcelada 14/01/2026", "0414-0000008"),
    ]
    rows: list[Sequence[Cell]] = [
        ["Personas detenidas por motivos políticos, actualizado al 20/01/2026"],
        [],
        ["N°", "Nombre y apellido", "Edad", "Fecha de detención", "Centro de reclusión", "Situación", "Tlf. familiar"],
        *([number, *person] for number, person in enumerate(people, 1)),
    ]
    answers: Answers = {
        "column_unread": {"Tlf. familiar": ""},
        "column_unsure": {"Centro de reclusión": "detention.facility"},
        "value_unknown": {"Trasladado a Yare": "transferred", "menor": "", "Falleció 10/01": "died"},
        "age_needs_day": "list_date",
        "date_order": "day_first",
        "list_held": "held",
    }
    return OfficerList(
        "situacion.xlsx",
        build_book("Listado", rows, lambda sheet: sheet.merge_cells("E4:E8")),
        "VE",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=8, releases=3, held=4, deaths=1, house_arrests=1, dated_ends=4),
        rows=8,
    )


def list_two_heading_rows() -> OfficerList:
    """Two rows of headings, remarks that say more than the cells, a row struck out and a comment."""
    rows: list[Sequence[Cell]] = [
        ["Código", "Nombres", "Apellidos", "DETENCIÓN", None, "EXCARCELACIÓN", None, "Publicar", "Observaciones"],
        [None, None, None, "Fecha", "Lugar", "Fecha", "Tipo", None, None],
        ["NI-01", "Octavio", "Lacayo Zamora", date(2025, 2, 3), "La Modelo", None, None, "con nombre", ""],
        ["NI-02", "Pastora", "Meza Urbina", date(2025, 2, 3), "La Esperanza", None, None, "con nombre", "NO PUBLICAR"],
        ["NI-03", "Quintín", "Narváez Tijerino", date(2025, 3, 9), "La Modelo", None, None, "con nombre",
         "falleció en el hospital el 2/1/2026"],
        ["NI-04", "Rosaura", "Obando Vílchez", date(2025, 3, 9), "La Esperanza", None, None, "anónimo",
         "excarcelada el 14/1"],
        ["NI-05", "Saturnino", "Pineda Wilson", date(2025, 4, 1), "La Modelo", date(2026, 1, 14), "Libertad plena",
         "con nombre", ""],
        ["NI-06", "Telma", "Rugama Ybarra", date(2025, 4, 2), "La Esperanza", None, None, "anónimo", ""],
        ["NI-07", "Ulises", "Sequeira Zapata", date(2025, 4, 8), "La Modelo", None, None, "anónimo", ""],
    ]  # fmt: skip

    def mark(sheet: Any) -> None:
        sheet.merge_cells("D1:E1")
        sheet.merge_cells("F1:G1")
        for cell in sheet[8]:
            cell.font = Font(strike=True)
        sheet["B9"].comment = Comment("Falta confirmar con la madre", "Oficina")

    answers: Answers = {
        "column_unsure": {"DETENCIÓN / Lugar": "detention.facility", "Lugar": "detention.facility"},
        "list_held": "held",
        "remark_wish": "remark",
        "remark_state": "remark",
        "struck_out": "leave_out",
        "cell_comment": "read",
        "date_order": "day_first",
    }
    return OfficerList(
        "dos_encabezados.xlsx",
        build_book("Presos", rows, mark),
        "NI",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=6, releases=2, held=3, deaths=1, dated_ends=3),
        rows=7,
    )


def list_colours() -> OfficerList:
    """Colours that carry the status, with a legend below the list."""
    green, red = PatternFill("solid", fgColor="92D050"), PatternFill("solid", fgColor="FF7C80")
    names = ("Abel Quiala Ponce", "Bárbara Rizo Leyva", "Celio Sotomayor Gé", "Dunia Tamayo Ochoa", "Eliécer Urra Pino",
             "Fidelina Verdecia Más", "Gil Wong Arias", "Haydée Yero Núñez")  # fmt: skip
    people = [
        (f"CU-{number}", name, date(2024, 7, 10 + number), "Combinado del Este") for number, name in enumerate(names, 1)
    ]
    rows: list[Sequence[Cell]] = [
        ["Expediente", "Nombre", "Fecha de detención", "Prisión"],
        *people,
        [],
        ["Leyenda"],
        ["Verde: excarcelado"],
        ["Rojo: falleció en prisión"],
    ]

    def mark(sheet: Any) -> None:
        for number, fill in ((2, green), (4, green), (5, green), (7, red), (8, red), (12, green), (13, red)):
            for cell in sheet[number]:
                cell.fill = fill

    answers: Answers = {
        "column_unsure": {"Expediente": "source_record_id", "Prisión": "detention.facility"},
        "row_colour": {"verde": "released:unspecified", "rojo": "died"},
        "section_title": "leave_out",
        "list_held": "held",
    }
    return OfficerList(
        "colores.xlsx",
        build_book("Lista", rows, mark),
        "CU",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=8, releases=3, held=3, deaths=2),
        rows=11,
    )


def list_serial_numbers() -> OfficerList:
    """Serial numbers where days were formatted as numbers, English days month first, and the same in words."""
    rows: list[Sequence[Cell]] = [
        ["Ref", "Full name", "Sex", "Arrested", "Released", "Prison", "Current status", "Lawyer's phone"],
        [
            "EG-1",
            "Amal Fahmy Darwish",
            "F",
            to_serial(2025, 5, 4),
            "1/14/2026",
            "Qanater",
            "Released",
            "+20 100 000 001",
        ],
        ["EG-2", "Basem Gaber Elwan", "M", to_serial(2025, 5, 6), None, "Badr 1", "Still detained", "+20 100 000 002"],
        ["EG-3", "Camilia Hafez Imam", "F", "6/7/2025", "January 5, 2026", "Qanater", "Released on bail", None],
        ["EG-4", "Dawud Issa Karim", "M", "6/25/2025", None, "Badr 1", "In prison", None],
        ["EG-5", "Eman Lotfy Mansi", "F", "7/8/2025", "1/5/2026", "Qanater", "Released", None],
        ["EG-6", "Fathi Nagib Omran", "M", to_serial(2025, 7, 9), None, "Badr 3", "Died in custody", None],
    ]
    answers: Answers = {
        "column_unread": {"Lawyer's phone": ""},
        "date_order": "month_first",
        "list_held": "held",
    }
    return OfficerList(
        "cairo.xlsx",
        build_book("Cases", rows),
        "EG",
        Officer("2026-01-20", checked="lawyer", answers=answers),
        Numbers(reports=6, releases=3, held=2, deaths=1, dated_ends=3),
        rows=6,
    )


def list_in_portuguese() -> OfficerList:
    rows: list[Sequence[Cell]] = [
        ["Nº", "Nome completo", "Idade", "Data da detenção", "Estabelecimento prisional", "Situação actual",
         "Data de soltura", "Contacto da família"],
        [1, "Adérito Bungo Cassule", 34, "12/06/2025", "Viana", "Solto", "14/01/2026", "923 000 001"],
        [2, "Benedita Cahango Dala", 29, "13/06/2025", "Viana", "Detida", None, "923 000 002"],
        [3, "Celestino Dembo Epalanga", 45, "13/06/2025", "Calomboloca", "Preso", None, "923 000 003"],
        [4, "Domingas Futa Gaspar", 52, "20/06/2025", "Viana", "Em liberdade", "15/01/2026", None],
        [5, "Evaristo Hossi Ilunga", 38, "21/06/2025", "Calomboloca", "Prisão domiciliar", None, None],
        [6, "Francisca Jamba Kiala", 61, "30/06/2025", "Viana", "Faleceu", None, None],
    ]  # fmt: skip
    answers: Answers = {
        "column_unread": {"Contacto da família": ""},
        "column_unsure": {
            "Estabelecimento prisional": "detention.facility", "Data de soltura": "release.released_on",
            "Situação actual": "state",
        },
        "age_needs_day": "list_date",
        "list_held": "held",
    }  # fmt: skip
    return OfficerList(
        "luanda.xlsx",
        build_book("Presos políticos", rows),
        "AO",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=6, releases=2, held=3, deaths=1, house_arrests=1, dated_ends=2),
        rows=6,
    )


def list_in_french() -> OfficerList:
    rows: list[Sequence[Cell]] = [
        ["N° dossier", "Nom", "Prénom", "Sexe", "Date d'arrestation", "Lieu de détention", "Statut",
         "Date de libération", "Remarques"],
        ["BI-1", "Barankitse", "Aline", "F", "3 mars 2025", "Mpimba", "Libérée", "14 janvier 2026", None],
        ["BI-2", "Cishahayo", "Bosco", "M", "4 mars 2025", "Mpimba", "Toujours détenu", None, "asthmatique"],
        ["BI-3", "Dusabe", "Chantal", "F", "1er avril 2025", "Ngozi", "Décédée", None, None],
        ["BI-4", "Ekobera", "Désiré", "M", "2 avril 2025", "Mpimba", "Détenu", None, "évadé le 3 janvier 2026"],
        ["BI-5", "Ferabanga", "Espérance", "F", "9 mai 2025", "Ngozi", "Libérée", "5 janvier 2026", None],
    ]  # fmt: skip
    answers: Answers = {
        "column_unsure": {"Nom": "detainee.surnames", "Lieu de détention": "detention.facility"},
        "remark_state": "remark",
        "list_held": "held",
    }
    return OfficerList(
        "bujumbura.xlsx",
        build_book("Liste", rows),
        "BI",
        Officer("2026-01-20", "true", checked="lawyer", answers=answers),
        Numbers(reports=5, releases=2, held=1, deaths=1, dated_ends=3),
        rows=5,
    )


def list_sheets_by_year() -> OfficerList:
    """A sheet for each year, one of notes and a hidden one with an older copy."""
    book = Workbook()
    book.remove(book.active)
    heading: list[Cell] = ["Case no", "Name", "Date of arrest", "Place of detention", "Released on"]
    sheets: dict[str, list[list[Cell]]] = {
        "2024": [
            heading,
            ["T-101", "Ayla Bozkurt Sen", date(2024, 2, 3), "Silivri", date(2026, 1, 14)],
            ["T-102", "Baran Cetin Oz", date(2024, 5, 9), "Silivri", None],
        ],
        "2025": [
            heading,
            ["T-201", "Cemre Dogan Ak", date(2025, 3, 19), "Bakirkoy", None],
            ["T-202", "Deniz Erdem Kaya", date(2025, 3, 19), "Silivri", date(2026, 1, 5)],
            ["T-203", "Ege Firat Uslu", date(2025, 6, 1), "Silivri", None],
        ],
        "Notes": [["To do"], ["ask the lawyers about the hearing in March"]],
        "old": [heading, ["T-101", "Ayla Bozkurt Sen", date(2024, 2, 3), "Silivri", None]],
    }
    for name, rows in sheets.items():
        fill_sheet(book.create_sheet(name), rows)
    book["old"].sheet_state = "hidden"
    answers: Answers = {
        "sheet_used": {"2024": "true", "2025": "true", "Notes": "false", "old": "false"},
        "list_held": "held",
        "column_unsure": {"Case no": "source_record_id", "Place of detention": "detention.facility"},
    }
    return OfficerList(
        "by_year.xlsx",
        save(book),
        "TR",
        Officer("2026-01-20", "true", checked="lawyer", answers=answers),
        Numbers(reports=5, releases=2, held=3, dated_ends=2),
        rows=5,
    )


def list_without_headings() -> OfficerList:
    rows: list[Sequence[Cell]] = [
        ["V-7001", "Ignacia Toledo Marrero", date(2025, 1, 9), "El Helicoide", "excarcelada"],
        ["V-7002", "Jesús Uzcanga Nieto", date(2025, 1, 10), "El Helicoide", "detenido"],
        ["V-7003", "Karelis Valbuena Ojeda", date(2025, 1, 11), "Ramo Verde", "excarcelada"],
        ["V-7004", "Lisandro Wills Pacheco", date(2025, 1, 12), "Ramo Verde", "detenido"],
    ]
    meanings = {
        "A": "source_record_id", "B": "detainee.full_name", "C": "detention.detained_on", "D": "detention.facility",
        "E": "state",
    }  # fmt: skip
    answers: Answers = {"header_row": "0", "column_unread": meanings, "column_unsure": meanings, "list_held": "held"}
    return OfficerList(
        "sin_encabezados.xlsx",
        build_book("Hoja1", rows),
        "VE",
        Officer("2026-01-20", answers=answers),
        Numbers(reports=4, releases=2, held=2),
        rows=4,
    )


def list_printed_pages() -> OfficerList:
    """Sums in the middle, titles of sections, and the headings again on each printed page."""
    heading: list[Cell] = ["Ficha", "Nombre y apellidos", "Cédula", "Detenido desde", "Fecha de libertad", "Penal"]
    rows: list[Sequence[Cell]] = [
        ["Registro de presos políticos al 20 de enero de 2026"],
        heading,
        ["MUJERES"],
        ["B-1", "Mireya Arce Loayza", "1001001", date(2024, 11, 2), date(2026, 1, 14), "Miraflores"],
        ["B-2", "Norah Bellot Mamani", "1001002", date(2024, 11, 3), None, "Miraflores"],
        ["Subtotal", 2],
        heading,
        ["HOMBRES"],
        ["B-3", "Óscar Choque Nina", "1001003", date(2024, 11, 4), None, "San Pedro"],
        ["B-4", "Pablo Durán Ortuño", "1001004", date(2024, 11, 5), date(2026, 1, 15), "San Pedro"],
        ["B-5", "Ramiro Escóbar Poma", "1001005", date(2024, 11, 6), None, "San Pedro"],
        ["Subtotal", 3],
        heading,
        ["B-6", "Santos Flores Quispe", "1001006", date(2024, 12, 1), None, "San Pedro"],
        ["TOTAL", 6],
    ]
    answers: Answers = {
        "column_unsure": {
            "Ficha": "source_record_id",
            "Penal": "detention.facility",
            "Fecha de libertad": "release.released_on",
        },
        "not_a_person": "leave_out",
        "section_title": "leave_out",
        "repeated_headings": "leave_out",
        "list_held": "held",
    }  # fmt: skip
    return OfficerList(
        "impreso.xlsx",
        build_book("Registro", rows),
        "BO",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=6, releases=2, held=4, dated_ends=2),
        rows=13,
    )


def list_of_2014() -> OfficerList:
    """A historical list with arrests only: its people were in custody when it was made."""
    rows: list[Sequence[Cell]] = [
        ["List of political prisoners as of 15 August 2014"],
        ["No", "Name", "Occupation", "Date of arrest", "Place of detention", "Charges"],
        [1, "Anar Bagirli Mehdi", "blogger", "17 May 2013", "Prison No 2", "hooliganism"],
        [2, "Elchin Dadashov Nur", "journalist", "12 September 2013", "Prison No 13", "extortion"],
        [3, "Gunel Hasanli Rza", "youth activist", "4 March 2014", "Kurdakhani", "drugs"],
        [4, "Ilgar Jabbarov Suleyman", "politician", "4 February 2013", "Prison No 2", "mass disorder"],
    ]
    occupations = {"blogger": "journalist", "youth activist": "", "politician": "politician"}
    answers: Answers = {
        "column_unsure": {"Place of detention": "detention.facility"},
        "value_unknown": occupations,
        "list_held": "held",
    }
    return OfficerList(
        "list_2014.xlsx",
        build_book("2014", rows),
        "AZ",
        Officer("2014-08-15", checked="no", answers=answers),
        Numbers(reports=4, releases=0, held=4),
        rows=4,
    )


WEEKLY_HEADING: list[Cell] = ["Código", "Nombre", "F. Nac.", "Fecha de detención", "Centro", "Fecha de excarcelación"]
WEEKLY_PEOPLE: dict[str, list[Cell]] = {
    "H-01": ["Alba Rivas Sosa", date(1980, 2, 1), date(2025, 5, 2), "Támara", None],
    "H-02": ["Braulio Suazo Tercero", date(1975, 3, 2), date(2025, 5, 3), "Támara", None],
    "H-03": ["Clementina Urrutia Valle", date(1991, 4, 3), date(2025, 5, 4), "PNFAS", None],
    "H-04": ["Delmer Varela Yánez", date(1969, 5, 4), date(2025, 5, 5), "Támara", date(2026, 1, 14)],
    "H-05": ["Eufemia Zelaya Andino", date(1958, 6, 5), date(2025, 5, 6), "PNFAS", None],
    "H-06": ["Fausto Barahona Cálix", date(1988, 7, 6), date(2025, 5, 7), "Támara", date(2026, 1, 15)],
    "H-07": ["Gloria Discua Elvir", date(1983, 8, 7), date(2025, 5, 8), "PNFAS", None],
    "H-08": ["Humberto Funes Girón", date(1979, 9, 8), date(2025, 5, 9), "Támara", None],
}
WEEKLY_ANSWERS: Answers = {
    "column_unsure": {"Centro": "detention.facility"},
    "list_held": "held",
}


def list_first_week() -> OfficerList:
    rows = [WEEKLY_HEADING, *([case, *person] for case, person in WEEKLY_PEOPLE.items())]
    return OfficerList(
        "semana_1.xlsx",
        build_book("Lista", rows),
        "HN",
        Officer("2026-01-20", "true", answers=WEEKLY_ANSWERS),
        Numbers(reports=8, releases=2, held=6, dated_ends=2),
        rows=8,
    )


def list_second_week() -> OfficerList:
    """The list of the first week, corrected: no case numbers, a surname, a date taken back, and three people less.

    Of those three one was released, one died and one had been listed by mistake."""
    people = {case: [*person] for case, person in WEEKLY_PEOPLE.items() if case not in ("H-02", "H-03", "H-05")}
    people["H-07"][0] = "Gloria Discua Elvira"
    people["H-06"][-1] = None  # it was another Fausto
    answers: Answers = {
        **WEEKLY_ANSWERS,
        "missing_person": {
            "Braulio Suazo Tercero": "released:2026-01-25",
            "Clementina Urrutia Valle": "died:2026-01-23",
            "Eufemia Zelaya Andino": "mistake",
            "Gloria Discua Elvir": "row:5",
        },
        "column_gone": "true",
        "releases_gone": "true",
        "row_count": "true",
    }
    return OfficerList(
        "semana_2.xlsx",
        build_book("Lista", [WEEKLY_HEADING[1:], *people.values()]),
        "HN",
        Officer("2026-01-27", "true", answers=answers),
        Numbers(reports=7, releases=2, held=4, deaths=1, dated_ends=3),
        rows=5,
        rounds=2,
    )


def list_from_windows() -> OfficerList:
    """A CSV as Excel saves it in Latin America: semicolons, Windows-1252, an empty column, telephones of relatives."""
    text = (
        "Expediente;Apellidos;Nombres;Sexo;Fec. Det.;Fec. Exc.;Centro penitenciario;Teléfono de la madre;Contacto;\r\n"
        "GT-001;Ajú Bámaca;Ángel;M;5/2/2025;14/1/2026;Mariscal Zavala;5555-0001;Hermana, 5555-0011;\r\n"
        "GT-002;Bocel Cutzal;Begoña;F;6/2/2025;;Santa Teresa;5555-0002;;\r\n"
        "GT-003;Chávez Ñonguera;César;M;27/2/2025;;Mariscal Zavala;;;\r\n"
        "GT-004;Díaz Gómez;Íngrid;F;1/3/2025;15/1/2026;Santa Teresa;;tía;\r\n"
        "GT-005;Estrada Núñez;José;M;s/f;;Mariscal Zavala;;;\r\n"
    )
    answers: Answers = {
        "column_unread": {"Teléfono de la madre": "", "Contacto": ""},
        "column_unsure": {"Centro penitenciario": "detention.facility"},
        "list_held": "held",
    }
    return OfficerList(
        "guatemala.csv",
        text.encode("cp1252"),
        "GT",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=5, releases=2, held=3, dated_ends=2),
        rows=5,
    )


def list_merged_headings() -> OfficerList:
    """Headings merged downwards and sideways, in which each person has something to ask about."""
    rows: list[Sequence[Cell]] = [
        ["Nº", "Apellidos y Nombres", "Edad", "Detención", None, "Situación jurídica", "Excarcelación", None, "Obs."],
        [None, None, None, "Fecha", "Lugar", None, "Fecha", "Medida", None],
        [1, "Pacheco Lira, Amparo", "34", "3/1/2025", "El Helicoide", "procesada", "14/1/2026",
         "presentación cada 15 días", None],
        [2, "Quiroz Mata, Benigno", "menor de edad", "13/1/2025", None, "condenado", None, None, "pedir anonimato"],
        [3, "Rondón Nava, Carmen", "22 años", "5/1/2025", None, "imputada", "s/f", None, None],
        [4, "Salas Oviedo, Darío", None, "6/1/2025", None, "procesado", None, None, "fallecido el 2/1/2026"],
    ]  # fmt: skip

    def mark(sheet: Any) -> None:
        for cells in ("A1:A2", "B1:B2", "C1:C2", "D1:E1", "F1:F2", "G1:H1", "I1:I2", "E3:E6"):
            sheet.merge_cells(cells)

    answers: Answers = {
        "column_unsure": {"Detención / Lugar": "detention.facility"},
        "value_unknown": {"presentación cada 15 días": "reporting_duty", "menor de edad": ""},
        "age_needs_day": "list_date",
        "undated_release": "released",
        "remark_state": "remark",
        "remark_wish": "remark",
        "list_held": "held",
    }
    return OfficerList(
        "encabezados_combinados.xlsx",
        build_book("Lista", rows, mark),
        "VE",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=4, releases=2, held=1, deaths=1, dated_ends=2),
        rows=4,
    )


def list_abbreviations() -> OfficerList:
    """A status in abbreviations of the office, and a colour that only says what is to be checked."""
    rows: list[Sequence[Cell]] = [
        ["Nombre", "Fecha de detención", "Estatus", "Comentario"],
        ["Ernesto Tovar Cova", "12-ene-25", "LIB", "confirmar con la mamá"],
        ["Fabiola Uzcátegui Bello", "13-ene-25", "DET", None],
        ["Gonzalo Vielma Ríos", "ene-25", "DET/CxC", None],
        ["Herminia Yépez Lugo", "15-ene-25", "FALL", None],
        ["Iván Zerpa Colina", "16-ene-25", "LIB c/medidas", None],
    ]

    def mark(sheet: Any) -> None:
        for number in (3, 4):
            for cell in sheet[number]:
                cell.fill = PatternFill("solid", fgColor="FFFF00")

    answers: Answers = {
        "row_colour": "-",
        "value_unknown": {
            "LIB": "released:unspecified", "DET": "held", "DET/CxC": "house_arrest", "FALL": "died",
            "LIB c/medidas": "released:release_with_measures",
        },
    }  # fmt: skip
    return OfficerList(
        "siglas.xlsx",
        build_book("Lista", rows, mark),
        "VE",
        Officer("2026-01-20", "true", answers=answers),
        Numbers(reports=5, releases=2, held=2, deaths=1, house_arrests=1),
        rows=5,
    )


LISTS: dict[str, Callable[[], OfficerList]] = {
    "a status in words and days": list_status_in_words,
    "two rows of headings": list_two_heading_rows,
    "colours with a legend": list_colours,
    "serial numbers and days month first": list_serial_numbers,
    "Portuguese headings": list_in_portuguese,
    "French headings": list_in_french,
    "a sheet for each year": list_sheets_by_year,
    "no row of headings": list_without_headings,
    "printed pages": list_printed_pages,
    "a list of 2014": list_of_2014,
    "a CSV from Excel": list_from_windows,
    "headings merged downwards": list_merged_headings,
    "abbreviations of the office": list_abbreviations,
}
