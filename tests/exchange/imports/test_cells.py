"""What a cell is read as, and that no cell takes long to read."""

import contextlib
import time

import pytest

from app.exchange.imports.cells import UnreadCell, plain, value
from app.exchange.imports.fields import FIELDS
from app.exchange.imports.texts import MOST_CHARACTERS

# What a cell may be full of: whatever parts words, lists, dates and numbers, and what stands for lost letters.
FILLINGS = (
    " ", "\n", "\t", "\u00a0", "0", "1 ", "9.", "x", "x ", "?", "? ", "?? ", '"', "'", "=", "-", ".", ",", ";", " ;", "; ",
    "|", "/", "+", " y", "y ", " and", "(", "[", "<", ":", "T0", "e\u0301", "ي",
)  # fmt: skip
LONG = 1.0  # seconds of the processor, for what takes milliseconds, and took fifteen seconds


@pytest.mark.parametrize("name", FIELDS)
def test_no_cell_takes_long_to_read_whatever_it_is_full_of(name: str) -> None:
    for filling in FILLINGS:
        cell = "a" + (filling * MOST_CHARACTERS)[: MOST_CHARACTERS - 2] + "b"
        before = time.process_time()
        with contextlib.suppress(UnreadCell):
            value(name, plain(cell), None, None)
        assert time.process_time() - before < LONG, filling


def test_the_space_around_what_parts_a_list_is_no_part_of_it() -> None:
    assert value("detainee.aliases", "Chela ;  La  Negra|\n Irma ; ", None, None) == ["Chela", "La Negra", "Irma"]
    said = "Venezuela  y   Colombia ,Cuba / Perú, y Chile"
    assert value("detainee.nationalities", said, None, None) == ["VE", "CO", "CU", "PE", "CL"]


def test_more_accents_on_a_letter_than_anybody_writes_are_told() -> None:
    with pytest.raises(UnreadCell) as unread:
        plain("a" + "\u0301\u0316" * 1_000)
    assert unread.value.code == "too_many_marks"
