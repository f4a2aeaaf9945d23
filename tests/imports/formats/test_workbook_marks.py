"""What a workbook shows beside its values, in workbooks as openpyxl and spreadsheet programs write them."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.colors import Color

from app.imports.faults import BadFile
from app.imports.formats.csv import Cells
from app.imports.formats.workbook_reader import Sheet, Workbook
from tests.imports.sheets import MAIN, ods, packed, row, text, xlsx

PEOPLE = (("Rosa Prado", "VE", "El Rodeo"), ("Irma Soto", "VE", None), ("Olga Rey", "VE", None))


def workbook(change: Callable[[Any], None] = lambda _sheet: None, *, book: Any = None) -> bytes:
    """A workbook of three people, with a change of its sheet."""
    book = book or openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Lista"
    sheet.append(["Nombre", "País", "Penal"])
    for cells in PEOPLE:
        sheet.append(cells)
    change(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(data: bytes, name: str | None = None, *, with_hidden: bool = False) -> tuple[Sheet, dict[int, Cells]]:
    with Workbook(data, name, with_hidden=with_hidden) as book:
        return book.sheet, {cells.number: cells for cells in book.read_rows()}


def rows(change: Callable[[Any], None]) -> dict[int, Cells]:
    return read(workbook(change))[1]


def read_parts(data: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def replaced(data: bytes, part: str, old: str, new: str) -> bytes:
    """A copy of a workbook with a change in one part."""
    parts = read_parts(data)
    text = str(parts[part])
    assert old in text
    return packed({**parts, part: text.replace(old, new)})


def test_a_sheet_without_marks_has_none() -> None:
    sheet, found = read(workbook())
    assert (sheet.name, sheet.height, sheet.hidden_columns) == ("Lista", 4, frozenset())
    assert found[2] == Cells(2, ["Rosa Prado", "VE", "El Rodeo"], [], {}, {}, {})


def test_struck_out_cells_are_marked_whole_or_in_part() -> None:
    def strike(sheet: Any) -> None:
        sheet["A2"].font = Font(strike=True)
        sheet["B3"] = CellRichText("V", TextBlock(InlineFont(strike=True), "E"))
        sheet["A4"].font = Font(strike=False, bold=True)
        sheet["C4"].font = Font(strike=True)  # an empty cell

    found = rows(strike)
    assert [found[number].marks.get("struck_out") for number in (2, 3, 4)] == [[0], [1], None]


def test_comments_hidden_rows_and_hidden_columns_are_marked() -> None:
    def mark(sheet: Any) -> None:
        sheet["B2"].comment = Comment("Preguntar a la familia", "Oficina")
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["C"].hidden = True

    sheet, found = read(workbook(mark))
    assert found[2].marks == {"cell_comment": [1]}
    assert (found[3].marks, found[4].marks) == ({"hidden_row": []}, {})
    assert sheet.hidden_columns == {2}


def test_every_sheet_is_named_and_a_hidden_one_is_read_only_when_asked_for() -> None:
    book = openpyxl.Workbook()
    for name, state in (("Notas", "visible"), ("Reserva", "hidden"), ("Vieja", "veryHidden")):
        book.create_sheet(name).sheet_state = state
    book["Reserva"].append(["Nombre", "Eva Sol"])
    data = workbook(book=book)
    sheet, _rows = read(data)
    assert sheet.sheets == (("Lista", False), ("Notas", False), ("Reserva", True), ("Vieja", True))
    assert sheet.other_sheets == ["Notas"]
    assert read(data, "Reserva", with_hidden=True)[1][1].texts == ["Nombre", "Eva Sol"]
    with pytest.raises(BadFile, match="no visible sheet"):
        read(data, "Reserva")


def fill(color: Color | str, kind: str = "solid") -> PatternFill:
    return PatternFill(kind, fgColor=color)


@pytest.mark.parametrize(
    "made, colour",
    [
        (fill("FFFF00"), "FFFF00"),
        (fill("FF00b050"), "00B050"),
        (fill(Color(indexed=13)), "FFFF00"),
        (fill(Color(theme=4)), "4F81BD"),
        (fill(Color(theme=4, tint=0.5999938962981048)), "B9CDE5"),
        (fill(Color(theme=0, tint=-0.25)), "BFBFBF"),
        (fill("FFFFFF"), None),
        (fill(Color(theme=0)), None),
        (fill(Color(indexed=64)), None),
        (fill("FFFF00", "lightUp"), None),
    ],
)
def test_a_solid_fill_that_is_not_white_is_a_colour(made: PatternFill, colour: str | None) -> None:
    def paint(sheet: Any) -> None:
        for place in "ABC":
            sheet[f"{place}3"].fill = made

    found = rows(paint)
    assert found[3].colours == (dict.fromkeys((0, 1, 2), colour) if colour else {})
    assert found[2].colours == {}


def test_a_colour_of_a_theme_that_the_workbook_does_not_say_keeps_its_number() -> None:
    def paint(sheet: Any) -> None:
        sheet["A2"].fill, sheet["B2"].fill = fill(Color(theme=5)), fill(Color(theme=0))

    data = replaced(workbook(paint), "xl/theme/theme1.xml", "clrScheme", "noScheme")
    assert read(data)[1][2].colours == {0: "theme:5"}


def test_a_value_merged_over_several_rows_is_given_to_each() -> None:
    found = rows(lambda sheet: sheet.merge_cells("C2:C4"))
    assert [found[number].texts[2] for number in (2, 3, 4)] == ["El Rodeo"] * 3
    assert [found[number].merged for number in (2, 3, 4)] == [{}, {}, {}]


def test_a_heading_merged_over_several_columns_is_given_to_each() -> None:
    def merge(sheet: Any) -> None:
        sheet.insert_rows(1)
        sheet["B1"] = "Detención"
        sheet.merge_cells("B1:C1")

    found = rows(merge)
    assert (found[1].texts, found[1].merged) == (["", "Detención", ""], {1: 2})
    assert found[1].spread_texts() == ["", "Detención", "Detención"]
    assert found[2].merged == {}


def test_a_cell_merged_both_ways_covers_all_its_rows_and_columns() -> None:
    found = rows(lambda sheet: sheet.merge_cells("B2:C3"))
    assert found[2].spread_texts() == ["Rosa Prado", "VE", "VE"]
    assert found[3].spread_texts() == ["Irma Soto", "VE", "VE"]
    assert found[4].spread_texts() == ["Olga Rey", "VE", ""]


def test_days_are_read_by_the_format_of_their_cell() -> None:
    def date_cells(sheet: Any) -> None:
        sheet["A2"], sheet["B2"], sheet["C2"] = date(2026, 1, 14), 46_036, 46_036
        sheet["B2"].number_format = "d mmm yyyy"
        sheet["A3"], sheet["A3"].number_format = 46_036.395833333336, "yyyy-mm-dd hh:mm"

    found = rows(date_cells)
    assert found[2].texts == ["2026-01-14", "2026-01-14", "46036"]
    assert found[3].texts[0] == "2026-01-14 09:30:00"


def test_a_formula_that_no_program_has_computed_has_no_value() -> None:
    def compute(sheet: Any) -> None:
        sheet["B3"], sheet["C4"] = "=TODAY()", "#N/A"

    found = rows(compute)
    assert [list(found[number].valueless_cells) for number in (2, 3, 4)] == [[], [1], [2]]


def test_cells_without_a_reference_follow_the_last_one_with_one() -> None:
    struck, plain = (f'<c s="{style}" t="inlineStr"><is><t>Rosa</t></is></c>' for style in (2, 0))
    found = read(xlsx(f"<row>{plain}{struck}</row>", f"<row>{text('B2', 'Irma')}{plain}{struck}{struck}</row>"))[1]
    assert [found[number].marks for number in (1, 2)] == [{"struck_out": [1]}, {"struck_out": [3, 4]}]


def test_many_cells_without_a_reference_end_before_the_process_is_out_of_time() -> None:
    crowded = "<row>" + '<c s="2"><f/></c>' * 300_000 + "</row>"
    assert len(read(xlsx(row(1, "Nombre"), crowded))[1]) == 1


def test_the_strict_kind_of_xlsx_is_read_alike() -> None:
    made = xlsx(row(1, "Nombre", "País"), row(2, '<c r="A2" s="2" t="inlineStr"><is><t>Rosa</t></is></c>', "VE"))
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    for part in ("xl/worksheets/sheet1.xml", "xl/styles.xml"):
        made = replaced(made, part, MAIN, strict)
    assert read(made)[1][2].marks == {"struck_out": [0]}


@pytest.mark.parametrize(
    "part, old, new",
    [
        ("xl/styles.xml", "<fonts>", "<fonts"),
        ("xl/styles.xml", "<fonts>", '<fills><fill><patternFill patternType="none of them"/></fill></fills><fonts>'),
        ("xl/worksheets/sheet1.xml", '<row r="1">', '<row r="x" hidden="1">'),
        ("xl/worksheets/sheet1.xml", "</sheetData>", '</sheetData><mergeCell ref="nowhere"/>'),
    ],
)
def test_a_workbook_whose_marks_cannot_be_read_is_refused(part: str, old: str, new: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(replaced(xlsx(row(1, "Nombre"), row(2, "Rosa")), part, old, new))
    assert refused.value.code == "unreadable_workbook"


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_entities_are_refused_in_every_part(part: str) -> None:
    parts = read_parts(xlsx(row(1, "Nombre"), row(2, "Rosa")))
    with pytest.raises(BadFile) as refused:
        read(packed({**parts, part: f'<!DOCTYPE w [<!ENTITY a "b">]>{parts[part]!s}'}))
    assert refused.value.code == "unreadable_workbook"


def test_parts_of_a_hundred_thousand_levels_and_merges_end_soon() -> None:
    nested = "<a>" * 100_000 + "</a>" * 100_000
    merges = '<mergeCell ref="A1:XFD1048576"/>' * 100_000
    people = row(1, "Nombre", "País"), row(2, "Rosa", "VE")
    assert len(read(xlsx(*people, after=nested + merges))[1]) == 2
    assert len(read(replaced(xlsx(*people), "xl/styles.xml", "<fonts>", nested + "<fonts>"))[1]) == 2


COLOURED = (
    '<office:automatic-styles xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0">'
    '<style:style style:name="g"><style:table-cell-properties fo:background-color="#00b050"/></style:style>'
    '<style:style style:name="w"><style:table-cell-properties fo:background-color="#ffffff"/></style:style>'
    "</office:automatic-styles><office:body>"
)


def cell(text: str, more: str) -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def test_an_open_document_has_colours_and_merged_cells_too() -> None:
    green, white = 'table:style-name="g"', 'table:style-name="w"'
    wide = 'table:number-columns-spanned="2" table:number-rows-spanned="2"'
    covered = "<table:covered-table-cell/>"
    made = ods(
        ("Nombre", "País", "Penal"),
        (cell("Rosa", green), cell("El Rodeo", wide), covered),
        (cell("Irma", white), covered, covered),
    )
    found = read(replaced(made, "content.xml", "<office:body>", COLOURED))[1]
    assert [found[number].colours for number in (1, 2, 3)] == [{}, {0: "00B050"}, {}]
    assert [found[number].spread_texts() for number in (2, 3)] == [
        [name, *["El Rodeo"] * 2] for name in ("Rosa", "Irma")
    ]


def test_a_coloured_column_of_an_open_document_colours_its_cells() -> None:
    made = replaced(ods(("Nombre", "País"), ("Rosa", "VE")), "content.xml", "<office:body>", COLOURED)
    column = '<table:table-column/><table:table-column table:default-cell-style-name="g"/><table:table-row>'
    first = replaced(made, "content.xml", '"Hoja1"><table:table-row>', f'"Hoja1">{column}')
    assert read(first)[1][2].colours == {1: "00B050"}
