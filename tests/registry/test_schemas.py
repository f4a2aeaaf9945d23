"""Text that a spreadsheet would run is refused where it comes in, and prose is not."""

import time

import pytest
from pydantic import TypeAdapter, ValidationError

from app.registry.schemas import NOTE_LENGTH, LongLine, Note

NOTE, LONG_LINE = TypeAdapter[str](Note), TypeAdapter[str](LongLine)


def refused(adapter: TypeAdapter[str], text: str) -> str | None:
    try:
        adapter.validate_python(text)
    except ValidationError as error:
        return error.errors()[0]["type"]
    return None


@pytest.mark.parametrize(
    "text",
    ["libre; - sin medidas", "libre;-sin medidas; - con fianza", "ver acta | - folio", "a; b (dos)", "a - SUM(1); b",
     "una línea;\n- otra\n- otra más", "50% = 5; 6"],
)  # fmt: skip
def test_a_note_is_prose(text: str) -> None:
    assert refused(NOTE, text) is None


@pytest.mark.parametrize(
    "text",
    ["a;=1", "a; @b", "a|+1", "a;-1", "a; -(1)", "a;-SUM(1)", "a; - sum (1)", "a;-B1*cmd|' /C calc'!A1", "a;\u200b=1",
     "a;\uff0d1", 'a;"=1"', "a;-'[b]c'!A1"],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_no_part_of_a_note(text: str) -> None:
    assert refused(NOTE, text) == "formula"
    assert refused(LONG_LINE, text) == "formula"


@pytest.mark.parametrize(
    "text, code", [("a; - b", "formula"), ("desde\n=A1", "control_character"), ("a\t=1", "control_character")]
)
def test_of_one_line_nothing_becomes_another(text: str, code: str) -> None:
    assert refused(LONG_LINE, text) == code


@pytest.mark.parametrize(
    "filling", [";", ";-", "; ", "; -", ";-a", ";-a ", "a ", "-", "|", "\u200b", ";'", "(", ";-\n"]
)
def test_a_note_is_looked_through_once(filling: str) -> None:
    text = ";-" + (filling * NOTE_LENGTH)[: NOTE_LENGTH - 2]
    before = time.process_time()
    for _ in range(10):
        refused(NOTE, text)
        refused(LONG_LINE, text)
    assert time.process_time() - before < 1  # second; a way there and back for each character would take longer
