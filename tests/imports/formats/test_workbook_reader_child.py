"""Cells of a workbook that hold a formula and no value: no fact may be lost in them."""

import io
import zipfile

import pytest

from tests.imports.sheets import day, ods, packed, row, xlsx
from tests.imports.test_list_reader import bodies, faults, refusal

HEAD = ("Nombre", "País", "Fecha de excarcelación")


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="C2"><f>TODAY()</f><v /></c>',
        '<c r="C2"><f>TODAY()</f><v></v></c>',
        '<c r="C2"><f>TODAY()</f><v> </v></c>',
        '<c r="C2"><f>TODAY()</f></c>',
        '<c r="C2"><v/><f>TODAY()</f></c>',
        '<c r="C2" t="str"><f>TODAY()</f></c>',
    ],
)
def test_a_formula_whose_value_is_empty_has_none(cell: str) -> None:
    assert faults(xlsx(row(1, *HEAD), row(2, "Rosa", "VE", cell))) == {2: [("C", "formula")]}


def test_a_formula_that_was_computed_is_read_by_its_value_and_an_empty_text_is_one() -> None:
    made = xlsx(
        row(1, *HEAD),
        row(2, "Rosa", "VE", '<c r="C2" t="str"><f>A1</f><v>2026-01-12</v></c>'),
        row(3, "Irma", "VE", '<c r="C3" t="str"><f>IF(A1=1,A1,"")</f><v></v></c>'),
        row(4, "Olga", "VE", day("C4", 46_034).replace("<v>", "<f>A1</f><v>")),
    )
    assert [one.get("release", {}).get("released_on") for one in bodies(made)] == ["2026-01-12", None, "2026-01-12"]


def cell(more: str, text: str = "") -> str:
    return f'<table:table-cell table:formula="of:=TODAY()" {more}>{text}</table:table-cell>'


@pytest.mark.parametrize(
    "more",
    [
        "",
        'office:value-type="date"',
        'office:value-type="string" office:string-value="" calcext:value-type="error"',
    ],
)
def test_an_open_document_with_a_formula_that_has_no_value_is_told_too(more: str) -> None:
    made = ods(HEAD, ("Olga", "VE", "2025"), ("Rosa", "VE", cell(more)))
    assert faults(made) == {3: [("C", "formula")]}


def test_an_open_document_with_computed_formulas_is_read_by_their_values() -> None:
    computed = cell('office:value-type="date" office:date-value="2026-01-12"', "<text:p>12/01/26</text:p>")
    empty = cell('office:value-type="string" office:string-value=""')
    made = ods(HEAD, ("Rosa", "VE", computed), ("Irma", "VE", empty))
    assert [one.get("release", {}).get("released_on") for one in bodies(made)] == ["2026-01-12", None]


def test_cells_and_rows_of_an_open_document_that_stand_for_many_are_counted() -> None:
    many = '<table:table-cell table:number-columns-repeated="2"/>'
    made = ods((*HEAD, "Nota"), ("Olga", many, "x"), ("Rosa", "VE", cell('table:number-columns-repeated="2"')))
    one_each = '[rows]\nrepeated_person = "read"\n'
    assert faults(alike(made, 2, 3), one_each) == {5: [("C", "formula"), ("D", "formula")]}
    assert faults(alike(made, 3, 2), one_each) == {row: [("C", "formula"), ("D", "formula")] for row in (3, 4)}


def test_a_cell_that_stands_for_more_than_a_sheet_holds_costs_nothing() -> None:
    def repeated(times: str) -> bytes:
        return ods(HEAD, ("Rosa", "VE", cell(f'table:number-columns-repeated="{times}"')))

    assert faults(repeated("1000000000")) == {2: [("C", "formula")]}
    assert refusal(repeated("9" * 5_000)) == refusal(repeated("x")) == "unreadable_workbook"


@pytest.mark.parametrize("times", [1_002, 1_000_000_000])
def test_a_row_that_stands_for_thousands_is_refused_before_it_is_read(times: int) -> None:
    made = ods(HEAD, ("Rosa", "VE", "2025"))
    assert refusal(alike(made, 2, times)) == "repeated_rows"
    assert len(bodies(alike(made, 2, 20))) == 20


def test_empty_rows_below_a_list_may_stand_for_a_million() -> None:
    empty = '<table:table-cell table:number-columns-repeated="16384"/>'
    assert len(bodies(alike(ods(HEAD, ("Rosa", "VE", "2025"), (empty,)), 3, 1_048_574))) == 1


def alike(made: bytes, number: int, times: int) -> bytes:
    """An open document in which one row stands for several."""
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before, *rows = parts["content.xml"].decode().split("<table:table-row>")
    rows = [f"<table:table-row>{one}" for one in rows]
    rows[number - 1] = rows[number - 1].replace("row>", f'row table:number-rows-repeated="{times}">', 1)
    return packed({**parts, "content.xml": "".join([before, *rows])})
