"""A row of cells made the body of a report."""

import pytest

from app.imports.formats.csv import Cells
from app.imports.headings import Column
from app.imports.mapping import Mapping
from app.imports.rows import Reader, Row


def read(reader: Reader, *cells: str) -> Row:
    row = reader.read(Cells(2, list(cells)))
    assert row is not None
    return row


@pytest.mark.parametrize("country", ["SD", "NA", "VE"])
def test_what_is_the_same_for_every_row_may_be_any_country(country: str) -> None:
    reader = Reader([Column(0, "Name", ("detainee.full_name",))], Mapping(constants={"detention.country": country}))
    assert read(reader, "Omar Idris").body == {
        "detainee": {"full_name": "Omar Idris"},
        "detention": {"country": country},
    }


@pytest.mark.parametrize(
    "name", ["Total", "TOTAL:", "Gran Total", "* subtotal *", "Total: 24", "Subtotal Helicoide 12"]
)
def test_a_row_that_sums_the_list_up_is_nobody(name: str) -> None:
    row = read(Reader([Column(0, "Name", ("detainee.full_name",))], Mapping()), name)
    assert [(fault.column, fault.code) for fault in row.faults] == [("A", "not_a_person")]
