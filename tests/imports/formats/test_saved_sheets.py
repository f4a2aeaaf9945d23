"""A mapping that names a sheet, remembered: it speaks of that sheet alone."""

import pytest

from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import OpenedList, open_list
from tests.imports.test_list_reader import TABLE, book
from tests.support import World

OTHERS = [TABLE[0], ["Irma Soto", "2024", "VE"]]
MAPPING = """
sheet = "Verificados"
[constants]
"verification.verdict" = "verified"
"verification.method" = "family"
"""


def opened(data: bytes) -> OpenedList:
    """The list alone, after one with the mapping."""
    head = open_list(book(Verificados=TABLE), ListMapping.parse_toml(MAPPING)).headings
    return open_list(data, None, lambda digest: ListMapping.parse_toml(MAPPING) if digest == head else None)


def test_the_sheet_that_a_saved_mapping_names_is_read_and_not_another_of_the_same_headings() -> None:
    found = opened(book(**{"Por verificar": OTHERS, "Verificados": TABLE}))
    shape = found.shape()
    assert (shape["sheet"], shape["other_sheets"], shape["saved_mapping"]) == ("Verificados", ["Por verificar"], True)
    (row,) = found.rows()
    assert row.body is not None
    assert (row.body["detainee"]["full_name"], row.body["verification"]["verdict"]) == ("Ramón Ibáñez", "verified")
    assert found.count_rows() == 1


def test_a_cover_page_before_that_sheet_is_passed_over() -> None:
    assert opened(book(Portada=[["Informe"]], Otra=OTHERS, Verificados=TABLE)).shape()["sheet"] == "Verificados"


@pytest.mark.parametrize(
    "data",
    [
        book(**{"Por verificar": OTHERS}),
        book(**{"Por verificar": OTHERS, "Verificados": [["Nombre", "País"], ["Eva Sol", "VE"]]}),
        "Nombre;Fecha de detención;País\nIrma Soto;2024;VE\n".encode(),
    ],
    ids=["no such sheet", "other headings there", "no workbook"],
)
def test_of_a_list_without_that_sheet_the_answers_are_not_used(data: bytes) -> None:
    found = opened(data)
    assert not found.is_mapping_saved
    (body,) = (row.body for row in found.rows() if row.body and row.body["detainee"]["full_name"] == "Irma Soto")
    assert "verification" not in body


def test_rumours_are_not_filed_with_what_was_said_of_those_who_are_verified(world: World) -> None:
    made = book(**{"Por verificar": OTHERS, "Verificados": TABLE})
    assert world.send_list(made, mapping=MAPPING)["counts"]["new"] == 1
    again = world.send_list(made)
    assert (again["sheet"], again["saved_mapping"], again["counts"]["unchanged"]) == ("Verificados", True, 1)
    rumours = world.send_list(book(**{"Por verificar": OTHERS}))
    assert (rumours["saved_mapping"], rumours["counts"]["new"], rumours["gained"]["verdicts"]) == (False, 1, 0)
