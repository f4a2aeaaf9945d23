"""What is no name, and what only looks like none."""

import pytest

from app.schemas import text
from tests.growth import assert_grows_linearly


@pytest.mark.parametrize(
    "said",
    ["S/I", "S.I.", "s/i", "Sin información", "SIN INFORMACION", "No se sabe", "N/D", "s/d", "XXX", "xx xx", "X. X.",
     "Sin nombre", "POR CONFIRMAR", "N.N.", "nn", "Desconocido", "Unknown", "Nombre (por confirmar)", "TBD"],
)  # fmt: skip
def test_a_word_that_says_nobody_knew_is_no_name(said: str) -> None:
    assert text.is_unknown_text(said)
    fault = text.find_name_fault(said)
    assert fault is not None
    assert fault[0] == "placeholder_name"


@pytest.mark.parametrize("said", ["-", "?", "…", "???"])
def test_neither_is_what_has_no_letter(said: str) -> None:
    assert text.is_unknown_text(said)
    fault = text.find_name_fault(said)
    assert fault is not None
    assert fault[0] == "no_name"


@pytest.mark.parametrize("said", ["Mar?a Mu?oz", "?ngel Soto", "Jos? Gil", "???? ??????", "Mar\ufffda Soto"])
def test_letters_lost_to_a_question_mark_are_asked_for(said: str) -> None:
    assert text.find_name_fault(said) == text.GARBLED_FAULT == text.find_name_damage(said)


@pytest.mark.parametrize("filling", ["?", "? ", "?? ", "0", "0 ", "x", "x ", " "])
def test_what_is_far_too_long_for_a_name_is_looked_through_once(filling: str) -> None:
    assert_grows_linearly(lambda count: text.find_name_damage("a" + filling * count), 16_000)


@pytest.mark.parametrize("said", ["Elías Pons 04141234567", "Elías Pons V-12.345.678", "Elías Pons 12/03/1990"])
def test_a_long_number_is_no_part_of_a_name(said: str) -> None:
    assert text.find_name_fault(said) == text.NUMBER_FAULT == text.find_name_damage(said)


@pytest.mark.parametrize(
    "said", ["Sí", "Si Un", "Ana Xu", "Max", "Juan XXIII Gil", "Noé Na", "Elías Pons (2)", "Elías Pons (?)", "王"]
)
def test_what_only_looks_so_is_a_name(said: str) -> None:
    assert text.find_name_fault(said) is None
    assert not text.is_unknown_text(said)
