"""Five lists of invented people, laid out as lists are that organisations really keep: written for people to read."""

import io
from collections.abc import Callable
from typing import Any

import xlsxwriter

from tests.imports.sheets import ods

# A list of 1976, typed by hand and saved by an old program: sections, subtotals, ages of nobody knows which day.
OF_1976 = """Nómina de personas detenidas, septiembre de 1976;;;;;;
;;;Detención;;Liberación;
Ficha;Nombre;Edad;Fecha;Lugar de detención;Fecha;Observaciones
SANTIAGO;;;;;;
001;Ana María Núñez Órdenes;34;12 de septiembre de 1976;Tres Álamos;;profesora
002;Eliseo Bravo Peña;17;15 de septiembre de 1976;Tres Álamos;3 de noviembre de 1976;
003;Hernán Ñancupil Toro;s/i;septiembre de 1976;?;;
004;N.N.;;20 de septiembre de 1976;Tres Álamos;pendiente;visto por dos detenidos
Subtotal;4;;;;;
VALPARAÍSO;;;;;;
005;Raquel Ibáñez Soto;51;2 de septiembre de 1976;Cárcel de Valparaíso;17 de noviembre de 1976;
006;Ramón Leal y Cajal;29;3 de septiembre de 1976;Cárcel de Valparaíso;;
007;Familia Rodríguez (3 personas);;3 de septiembre de 1976;Cárcel de Valparaíso;;los tres juntos
008;Juana Paz y Carlos Paz;;5 de septiembre de 1976;Cárcel de Valparaíso;;
Sin confirmar;;;;;;
009;Tomás Orrego Vidal;23;19/10/1976;Cárcel de Valparaíso;;
TOTAL: 10;;;;;;
"""
OF_1976_ANSWERS = """age_on = "detained_on"
[columns]
Ficha = "source_record_id"
[constants]
"detention.country" = "CL"
[rows]
section_title = "leave_out"
not_a_person = "leave_out"
12 = "read"
13 = "leave_out"
14 = "leave_out"
"""


def workbook(fill: Callable[[Any, Any], None], cover: str = "") -> bytes:
    """A workbook as a spreadsheet program writes it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    if cover:
        book.add_worksheet("Portada").write_string(0, 0, cover)
    fill(book, book.add_worksheet("Presos"))
    book.close()
    return out.getvalue()


MARKED_ROWS = (
    ("FP-01", "Rosa Inés Valdivia", 41, "2025-03-02", "El Rodeo I", "procesada", ""),
    ("FP-02", "Julio Peralta Ríos", 38, "2025-03-02", "", "procesado", ""),
    ("FP-03", "Elsa Mora Quiroga", 27, "2025-04", "", "condenada", ""),
    ("FP-04", "Bernardo Quiñones Lugo", 66, "#N/A", "Tocorón", "procesado", ""),
    ("FP-05", "Carmela Iturbe Sosa", 30, "2025-05-11", "Tocorón", "¿?", "nota al margen"),
    ("FP-06", "Ismael Otero Rey", 45, "2025-05-12", "Tocorón", "Estatus: Liberado", ""),
    ("FP-07", "Nieves Arráez Gil", "pendiente", "2025-06-30", "INOF", "procesada", ""),
    ("FP-08", "Simón Lugo Díaz", 17, "2025-07-01", "INOF", "procesado", "Estado: excarcelado"),
)


def _marked(book: Any, sheet: Any) -> None:
    struck, wrap = book.add_format({"font_strikeout": True}), book.add_format({"valign": "top"})
    sheet.merge_range(0, 0, 0, 6, "Presos políticos al 31 de julio de 2025")
    heads = ("Código", "Nombre y apellidos", "Edad al ser detenido/a", "Detenido el", "Penal", "Estatus", "Notas")
    for place, heading in enumerate((*heads, "País")):
        sheet.write_string(1, place, heading)
    for number, cells in enumerate(MARKED_ROWS, 2):
        for place, cell in enumerate((*cells, "VE")):
            if cell == "#N/A":
                sheet.write_formula(number, place, "=NA()", None, "#N/A")
            elif isinstance(cell, int):
                sheet.write_number(number, place, cell)
            elif cell:
                sheet.write_string(number, place, cell, struck if cells[0] == "FP-03" and place == 1 else None)
    sheet.merge_range(2, 4, 4, 4, "El Rodeo I", wrap)
    sheet.write_comment(6, 1, "Preguntar a la familia")
    sheet.set_row(8, None, None, {"hidden": True})
    sheet.set_column(6, 6, None, None, {"hidden": True})
    sheet.write_string(10, 0, "Total")
    sheet.write_formula(10, 1, "=COUNTA(B3:B10)", None, 8)


def marked() -> bytes:
    """A workbook with a cover, merged cells, a hidden row and column, something struck out, a comment, a sum."""
    return workbook(_marked, cover="Informe de julio")


MARKED_ANSWERS = """[columns]
"Notas" = "note"
"Penal" = "detention.facility"
"Estatus" = ["detention.legal_status", "state"]
[sheets]
Portada = false
Presos = true
[rows]
"10 remark_state" = "remark"
not_a_person = "leave_out"
5 = "leave_out"
7 = "read"
9 = "read"
"""


def open_document() -> bytes:
    """An open document: cells merged over rows, two columns of one heading, the headings again on the second page."""
    cell = '<table:table-cell office:value-type="string"{}>{}</table:table-cell>'
    merged = cell.format(' table:number-rows-spanned="3"', "<text:p>Ramo Verde</text:p>")
    covered = "<table:covered-table-cell/>"
    noted = cell.format("", "<office:annotation><text:p>ojo</text:p></office:annotation><text:p>M-6</text:p>")
    heads = ("Expediente interno", "Apellidos", "Nombre", "Fecha", "Fecha", "Centro", "Nacimiento", "Estado", "País")
    return ods(
        heads,
        ("M-1", "Rey Soto", "Olga", "2025-01-12", "2026-01-12", merged, "1936-1942", "excarcelada", "VE"),
        ("M-2", "Sol Gil", "Eva", "2025-01-13", "pendiente", covered, "1971", "detenida", "VE"),
        ("M-3", "Ruz Mora", "Ana", "2025-01-14", "?", covered, "?", "Miranda", "VE"),
        ("MILITARES", "", "", "", "", "", "", "", ""),
        heads,
        ("M-4", "Lugo", "Iván", "03/04/2025", "", "Yare", "1980", "sigue preso", "VE"),
        ("M-5", "Paz", "Juana y Carlos", "2025-02-01", "", "Yare", "", "detenidos", "VE"),
        (noted, "Toro Vera", "Luz", "2025-02-02", "2026-01-20", "Yare", "1990", "libertad plena", "VE"),
        ("Subtotal: 6", "", "", "", "", "", "", "", ""),
    )


OPEN_ANSWERS = """dates = "day_first"
[columns]
"Expediente interno" = "source_record_id"
"Centro" = "detention.facility"
"Nombre" = "detainee.given_names"
[values.state]
Miranda = "-"
[positions]
D = "detention.detained_on"
E = "release.released_on"
[rows]
section_title = "leave_out"
repeated_headings = "leave_out"
not_a_person = "leave_out"
8 = "leave_out"
9 = "read"
"""

# A list that is sent each week: verdicts, wishes, a part of a federation, what a spreadsheet cannot compute.
WEEKLY_HEAD = (
    "Código,Nombre,Edad actual,Detenida el,Penal,Estado,Situación,Excarcelada el,Verificación,Método,Publicar,País"
)
WEEKLY_ROWS = (
    "007,Leonor Ibarra Mota,44,2024-08-01,La Crisálida,Miranda,excarcelada,2026-01-12,verificado,familia,con nombre,VE",
    "008,Pilar Quiroz Bello,39,2024-08-01,La Crisálida,Miranda,Estado: excarcelado,2026-01-13,verificado,familia,,VE",
    "009,Delia Roca Iriarte,52,2024-08-02,La Crisálida,Zulia,con medidas,2026-01-13,verificado,abogado,con nombre,VE",
    "010,Nora Simón Vega,#N/D,2024-08-02,La Crisálida,Zulia,sigue detenida,,,,,VE",
    "011,Inés Tovar Luna,27,2024-08-03,La Crisálida,Zulia,sigue detenida,,verificado,familia,con nombre,VE",
    "012,Marta Vera Osorio,31,2024-08-03,s/d,Zulia,sigue detenida,,,,,VE",
)


def weekly(head: str = WEEKLY_HEAD, rows: tuple[str, ...] = WEEKLY_ROWS) -> bytes:
    return "\n".join((head, *rows, "")).encode()


def weekly_without_zeros_and_verdicts(*, zeros: bool = False) -> bytes:
    """The same list, opened and saved by a spreadsheet program, with a column of it deleted. `zeros`: mended again."""
    head, *cut = [",".join(row.split(",")[:8] + row.split(",")[9:]) for row in (WEEKLY_HEAD, *WEEKLY_ROWS)]
    return weekly(head, tuple(row if zeros else row.lstrip("0") for row in cut))


WEEKLY_ANSWERS = """[columns]
"Código" = "source_record_id"
"Penal" = "detention.facility"
"Estado" = []
[values."verification.method"]
"abogado" = "lawyer"
"""


def _english(book: Any, sheet: Any) -> None:
    day = book.add_format({"num_format": "d mmm yyyy"})
    heads = ("Prisoner", "Age", "Arrest", "", "Sentence", "Status of the prisoner", "Sources", "Charges")
    for place, over in ((2, "Arrest"),):
        sheet.merge_range(0, place, 0, place + 1, over)
    sheet.write_string(0, 5, "Now")
    for place, heading in enumerate(heads):
        sheet.write_string(1, place, {2: "Date", 3: "Place"}.get(place, heading))
    rows = (
        (
            "Aslan Murad oglu Veli",
            36,
            41_400,
            "Prison No 9",
            "2031-12-07",
            "in prison",
            "https://lists.example/1",
            "234",
        ),
        (
            "Leyla Farid Nuri",
            52,
            41_500,
            "Prison No 9",
            "life",
            "released",
            "https://lists.example/2",
            60 * "Article 1 and ",
        ),
        ("Group of students (12)", "", 41_500, "unknown", "", "in prison", "", ""),
        ("Rashad Ilham Tagi", "unknown", "May 2013", "Prison No 4", "7 years", "died in custody", "a newspaper", ""),
        ("Nigar Samir Aliyar", 24, 41_520, "Prison No 4", "unknown", "in prison", "https://lists.example/4", ""),
    )
    for number, cells in enumerate(rows, 2):
        for place, cell in enumerate(cells):
            if place == 2 and isinstance(cell, int):
                sheet.write_number(number, place, cell, day)
            elif isinstance(cell, int):
                sheet.write_number(number, place, cell)
            elif cell:
                sheet.write_string(number, place, cell)
    sheet.write_string(7, 0, "Grand total")
    sheet.write_number(7, 1, 16)


def english() -> bytes:
    """A workbook in English: headings in two rows, a sentence that is a day, a term or unknown, no case numbers."""
    return workbook(_english)


ENGLISH_ANSWERS = """age_on = "detained_on"
[columns]
"Sentence" = ["detention.sentence.until", "detention.sentence.term"]
[constants]
"detention.country" = "AZ"
[rows]
not_a_person = "leave_out"
several_people = "leave_out"
"""
