"""A cell's text made a value: what is known of it, and what says that nothing is known."""

import pytest

from app.countries import COUNTRIES
from app.exchange.imports.cells import value
from app.exchange.imports.mapping import Mapping

COUNTRY, NATIONALITIES = "detention.country", "detainee.nationalities"


def test_every_country_is_read_by_its_code() -> None:
    assert {code: value(COUNTRY, code, None, None) for code in COUNTRIES} == {code: code for code in COUNTRIES}
    assert {code: value(NATIONALITIES, code, None, None) for code in COUNTRIES} == {code: [code] for code in COUNTRIES}


@pytest.mark.parametrize("said", ["s/d", "S/D", "sd", "n/a", "N/A", "na", "S/I", "-", "sin datos"])
def test_a_country_that_nobody_knew_is_not_sudan_or_namibia(said: str) -> None:
    assert (value(COUNTRY, said, None, None), value(NATIONALITIES, said, None, None)) == (None, None)


@pytest.mark.parametrize("said", ["NA", "SD"])
def test_in_any_other_cell_the_codes_of_these_two_say_that_nobody_knew(said: str) -> None:
    assert [value(name, said, None, None) for name in ("detention.facility", "detainee.gender")] == [None, None]


def test_a_list_that_means_something_else_by_a_code_says_so_in_its_mapping() -> None:
    meant = Mapping.read(f'[values."{NATIONALITIES}"]\n"NA" = ""\n').meanings[NATIONALITIES]
    assert value(NATIONALITIES, "NA", None, meant) is None
    assert value(NATIONALITIES, "VE", None, meant) == ["VE"]
