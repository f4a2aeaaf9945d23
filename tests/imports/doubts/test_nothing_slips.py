"""Every cell of a row that holds something is read into a field, told as not read, or a part of what is asked."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.imports.fields import GIVEN_NAMES, NAME, STATE, STATE_DAY, STATE_MARKS, SURNAMES
from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import OpenedList, open_list
from app.imports.reader.rows import Row
from tests.imports.sheets import ods, row, xlsx
from tests.imports.test_list_reader import questions

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "lists"
MAPPINGS = ROOT / "bench" / "mappings"
PARTS_OF_A_NAME = (GIVEN_NAMES, SURNAMES)


def holds(body: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(body, dict) or part not in body:
            return False
        body = body[part]
    return True


# What a status, or the day of one, becomes.
STATE_FIELDS = (
    "release", "detainee.died_on", "detention.ended", "detention.legal_status", "detention.held_on",
    "detention.detained_on",
)  # fmt: skip


def is_read(row: Row, field: str) -> bool:
    """Whether a row says something in the field, or in what the field becomes."""
    body = row.body or {}
    if field in (STATE, STATE_DAY, *STATE_MARKS):
        return row.is_in_custody or any(holds(body, path) for path in STATE_FIELDS)
    return holds(body, NAME if field in PARTS_OF_A_NAME else field)


def slipped(opened: OpenedList) -> dict[str, int]:
    """Column → cells that nobody is told of."""
    assert opened.cells is not None
    rows = {one.number: one for one in opened.rows()}
    told = opened.tally.shape()
    spoken_of: Counter[str] = Counter()
    for one in (*told["unsaid"], *told["unread"]):
        spoken_of[one["column"]] += one["count"]
    fields = {column.letter: column.fields for column in opened.columns}
    missing: Counter[str] = Counter()
    left_out = 0
    for cells in opened.cells():
        if cells.number not in rows:
            left_out += 1
            continue
        made = rows[cells.number]
        if made.body is None:
            assert made.faults
            continue
        for column in opened.columns:
            text = cells.texts[column.place].strip() if column.place < len(cells.texts) else ""
            if text and not any(is_read(made, field) for field in fields[column.letter]):
                missing[column.letter] += 1
        assert not any(text.strip() for text in cells.texts[len(opened.columns) :])
    assert left_out == told["left_out"]["count"]
    return dict(missing - spoken_of)


CSV = """Lista al 12 de enero
Código;Nombre;Apellidos;Detención;;Excarcelación;;País;Estado;Nota;;Fecha;Condición
;;;Fecha;Lugar;Fecha;Tipo;;;;;;
MILITARES;;;;;;;;;;;;
N-1;Ana;Ruz;2025-01-12;Tocorón;2026-01-12;libertad plena;VE;excarcelada;una;algo;2020;x
N-2;Olga;Rey;?;s/d;pendiente;;VE;Miranda;;;;
N-3;Juana y Carlos;Paz;2025;Tocorón;;;VE;detenida;;;;
N-4;Eva;Sol;#N/A;Tocorón;;;VE;detenida;;;;
N-5;Rosa;Gil;2025;-;;;VE;;otra;;;
;Sin confirmar;;2025;Tocorón;;;VE;;;;;
;Familia Rodríguez (3 personas);;2025;Tocorón;;;VE;;;;;
;;;;;Subtotal;5;;;;;;
;Total: 5;;;;;;;;;;;
N-6;Elsa;Mora;2025;Tocorón;;;VE;;;;;;sobra
"""
MAPPING = '[positions]\nL = "detention.place"\n[rows]\nnot_a_person = "leave_out"\n4 = "leave_out"\n'
SHEET = xlsx(
    row(1, "Nombre", "Centro de reclusión", "País", "Nacimiento", "Sentence", "Estatus"),
    row(2, "Ana Ruz", "Tocorón", "VE", "1936-1942", "perpetua", "Liberado"),
    row(3, "Olga Rey", '<c r="C3" t="inlineStr"><is><t>VE</t></is></c>', '<c r="D3" t="e"><v>#N/A</v></c>'),
    row(4, "Eva Sol", '<c r="C4" t="inlineStr"><is><t>VE</t></is></c>').replace("<row ", '<row hidden="1" '),
    row(5, '<c r="A5" s="2" t="inlineStr"><is><t>Rosa Gil</t></is></c>', "Tocorón", "VE", "¿?", "s/d", "condenada"),
    row(6, "Elsa Mora", "Tocorón", "VE", "1980", "12 años", "Estatus: Liberado"),
    after='<mergeCells count="1"><mergeCell ref="B2:B4"/></mergeCells>',
    comments=["A6"],
)


@pytest.mark.parametrize("mapping", [None, MAPPING])
def test_nothing_slips_of_a_list_with_every_layout(mapping: str | None) -> None:
    opened = open_list(CSV.encode(), None if mapping is None else ListMapping.parse_toml(mapping))
    assert slipped(opened) == {}
    asked = {one.get("column") for one in questions(CSV, mapping)}
    unread = {one["column"] for one in opened.tally.shape()["unread"]}
    assert unread == {"K", "M", "N"}
    assert unread <= asked


def test_a_day_of_a_status_beside_another_day_of_release_is_asked_about() -> None:
    said = "Nombre;Estado;Fecha del estado;Fecha de excarcelación;País\n"
    said += "Ana Ruz;excarcelada;2020;2026-01-12;VE\nEva Sol;libre;2026-01;2026-01-12;VE\n"
    assert [one["rows"] for one in questions(said) if one["code"] == "states_differ"] == [["2"]]


@pytest.mark.parametrize(
    "mapping", [None, '[rows]\nhidden_row = "read"\nstruck_out = "read"\ncell_comment = "leave_out"\n']
)
def test_nothing_slips_of_a_workbook(mapping: str | None) -> None:
    assert slipped(open_list(SHEET, None if mapping is None else ListMapping.parse_toml(mapping))) == {}


def test_nothing_slips_of_an_open_document() -> None:
    text = '<table:table-cell office:value-type="string"{}>{}</table:table-cell>'
    merged = text.format(' table:number-rows-spanned="2"', "<text:p>Tocorón</text:p>")
    noted = text.format("", "<office:annotation/><text:p>VE</text:p>")
    made = ods(
        ("Nombre", "Centro de reclusión", "País"),
        ("Ana Ruz", merged, "VE"),
        ("Olga Rey", "<table:covered-table-cell/>", "VE"),
        ("Eva Sol", "Ramo Verde", noted),
    )
    opened = open_list(made, None)
    assert slipped(opened) == {}
    said = {one.number: one for one in opened.rows()}
    assert [one.body and one.body["detention"]["facility"] for one in said.values()] == ["Tocorón", "Tocorón", None]
    assert [fault.code for fault in said[4].faults] == ["cell_comment"]


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real lists are not here ({REAL})")
@pytest.mark.parametrize("name", ["azerbaijan-2014", "china"])
def test_nothing_slips_of_a_real_list(name: str) -> None:
    mapping = ListMapping.parse_toml((MAPPINGS / f"{name}.toml").read_text(encoding="utf-8"))
    opened = open_list((REAL / f"{name}.csv").read_bytes(), mapping)
    assert slipped(opened) == {}
