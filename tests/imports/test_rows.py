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
def test_a_row_that_sums_the_list_up_is_left_out_unless_an_answer_says_otherwise(name: str) -> None:
    columns = [Column(0, "Name", ("detainee.full_name",)), Column(1, "Age", ("detainee.age",))]
    reader = RowReader(columns, ListMapping())
    assert reader.read_row(Cells(7, [name, "24"])) is None
    assert reader.tally.shape()["sums"] == reader.tally.shape()["left_out"] == {"count": 1, "rows": [7]}
    answered = RowReader(columns, ListMapping.parse_toml('[rows]\n7 = "read"\n'))
    assert answered.read_row(Cells(7, [name, "24"])) is not None


@pytest.mark.parametrize("others", [["Ana"], ["34", "Yare"], ["2025-03-02"], ["11 hombres"]])
def test_a_row_with_more_than_a_sum_is_asked_about(others: list[str]) -> None:
    columns = [Column(0, "Surnames", ("detainee.surnames",)), Column(1, "Given names", ("detainee.given_names",))]
    row = RowReader(columns, ListMapping()).read_row(Cells(7, ["Suma", *others]))
    assert row is not None
    assert [fault.code for fault in row.faults] == ["not_a_person"]
