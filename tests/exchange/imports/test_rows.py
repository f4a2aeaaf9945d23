"""A row of cells made the body of a report."""

import pytest

from app.exchange.imports.headings import Column
from app.exchange.imports.mapping import Mapping
from app.exchange.imports.rows import Reader


@pytest.mark.parametrize("country", ["SD", "NA", "VE"])
def test_what_is_the_same_for_every_row_may_be_any_country(country: str) -> None:
    reader = Reader([Column(0, "Name", ("detainee.full_name",))], Mapping(constants={"detention.country": country}))
    assert reader.read(2, ["Omar Idris"]).body == {
        "detainee": {"full_name": "Omar Idris"},
        "detention": {"country": country},
    }


@pytest.mark.parametrize("name", ["Total", "TOTAL:", "Gran Total", "* subtotal *"])
def test_a_row_that_sums_the_list_up_is_nobody(name: str) -> None:
    row = Reader([Column(0, "Name", ("detainee.full_name",))], Mapping()).read(2, [name])
    assert [(fault.column, fault.code) for fault in row.faults] == [("A", "not_a_person")]
