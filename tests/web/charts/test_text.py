"""Texts of drawings: measured, broken into lines, and shortened where they have no room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.text import BREAKS, measure_text, truncate_at_word, truncate_text, wrap_text

# Widths of these names in Noto Sans of 100 px, as Chromium draws them.
MEASURED = [
    ("Plataforma Unitaria Democrática", 1541),
    ("MINISTERIO DEL PODER POPULAR", 1614),
    ("ACNUDH OMCT FIDH", 994),
    ("Wawamwmw", 626),
    ("Правозащитный центр", 1141),
    ("المرصد السوري لحقوق الإنسان", 1293),
    ("ÅÄÖ Ñandú", 547),
    ("🕊️🕊️ Libertad", 617),
    ("1003 12.345", 568),
]


@pytest.mark.parametrize("text,width", MEASURED)
def test_a_text_is_rather_wider_in_our_reckoning_than_in_a_browser(text: str, width: int) -> None:
    assert width * 0.94 <= measure_text(text, 100) <= width * 1.3


def test_a_long_label_is_broken_at_its_spaces() -> None:
    lines = wrap_text("El registro une lo que se dice de una misma persona", 130, 12, max_lines=9)
    assert len(lines) > 1
    assert all(measure_text(line, 12) <= 130 for line in lines)
    assert " ".join(lines) == "El registro une lo que se dice de una misma persona"


def test_what_must_stay_together_is_not_parted() -> None:
    assert wrap_text("Ministerio, 12\N{NO-BREAK SPACE}ene", 80, 13, max_lines=2)[-1] == "12\N{NO-BREAK SPACE}ene"


def test_a_text_of_more_lines_than_may_be_ends_with_an_ellipsis() -> None:
    assert wrap_text("one two three", 60, 13, max_lines=3) == ["one two", "three"]
    assert wrap_text("one two three four five", 60, 13, max_lines=2) == ["one two", "three fo…"]


def test_a_word_that_is_wider_than_a_line_goes_on_in_the_next() -> None:
    lines = wrap_text("Donaudampfschifffahrtsgesellschaft", 80, 13, max_lines=9)
    assert "".join(lines) == "Donaudampfschifffahrtsgesellschaft"
    assert all(measure_text(line, 13) <= 80 for line in lines)


@given(st.text(max_size=60), st.floats(20, 300), st.integers(1, 4), st.booleans())
def test_lines_fit_their_room_and_lose_nothing_unless_they_say_so(
    text: str, room: float, most: int, bold: bool
) -> None:
    lines = wrap_text(text, room, 13, max_lines=most, bold=bold)
    assert 1 <= len(lines) <= most
    assert all(measure_text(line, 13, bold=bold) <= room for line in lines)
    whole = "".join(BREAKS.split(text))
    assert "".join(lines).replace(" ", "") == whole or lines[-1].endswith("…")


def test_a_name_without_room_is_cut_after_a_whole_word() -> None:
    assert truncate_at_word("Foro Penal", 150, 13) == "Foro Penal"
    assert truncate_at_word("Justicia, Encuentro y Perdón", 170, 13) == "Justicia, Encuentro…"
    assert truncate_at_word("Donaudampfschifffahrtsgesellschaft", 80, 13).startswith("Donaudamp")
    assert truncate_text("Plataforma", 40, 13) == "Plat…"
    assert truncate_text("Foro", 400, 13) == "Foro"
