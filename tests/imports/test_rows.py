"""A row of cells made the body of a report."""

import pytest

from app.imports.formats.csv import Cells
from app.imports.mapping import ListMapping
from app.imports.reader.layout import Column
from app.imports.reader.rows import Row, RowReader


def read(reader: RowReader, *cells: str) -> Row:
    row = reader.read_row(Cells(2, list(cells)))
    assert row is not None
    return row


@pytest.mark.parametrize("country", ["SD", "NA", "VE"])
def test_what_is_the_same_for_every_row_may_be_any_country(country: str) -> None:
    reader = RowReader(
        [Column(0, "Name", ("detainee.full_name",))], ListMapping(constants={"detention.country": country})
    )
    assert read(reader, "Omar Idris").body == {
        "detainee": {"full_name": "Omar Idris"},
        "detention": {"country": country},
    }


@pytest.mark.parametrize(
    "name", ["Total", "TOTAL:", "Gran Total", "* subtotal *", "Total: 24", "Subtotal Helicoide 12"]
)
def test_a_row_that_sums_the_list_up_is_nobody(name: str) -> None:
    row = read(RowReader([Column(0, "Name", ("detainee.full_name",))], ListMapping()), name)
    assert [(fault.column, fault.code) for fault in row.faults] == [("A", "not_a_person")]
