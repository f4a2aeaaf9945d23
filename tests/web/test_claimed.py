"""A claim's figure is printed as it was said."""

import pytest

from app.web.catalogue import catalogue
from app.web.claimed import figure_of


@pytest.mark.parametrize(
    "qualifier,low,high,spanish,english",
    [
        ("exactly", 626, 626, "626", "626"),
        ("more_than", 401, None, "más de 400", "more than 400"),
        ("at_least", 63, None, "al menos 63", "at least 63"),
        ("fewer_than", None, 57, "menos de 58", "fewer than 58"),
        ("at_most", None, 57, "como máximo 57", "at most 57"),
        ("between", 800, 1200, "entre 800 y 1200", "between 800 and 1,200"),
        ("unquantified", None, None, "sin cifra", "no number"),
    ],
)
def test_a_figure_is_said_as_its_claimant_said_it(
    qualifier: str, low: int | None, high: int | None, spanish: str, english: str
) -> None:
    claim = {"qualifier": qualifier, "low": low, "high": high}
    told = [figure_of(claim, catalogue(language)).replace("\N{NO-BREAK SPACE}", " ") for language in ("es", "en")]
    assert told == [spanish, english]
