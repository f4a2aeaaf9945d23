"""Text that a spreadsheet would run is refused where it comes in, and prose is not; a name is what a reader sees."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app.schemas.reports import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, DetaineeIn, Line, LongLine, Note
from tests.growth import assert_grows_linearly

NOTE, LONG_LINE, LINE = TypeAdapter[str](Note), TypeAdapter[str](LongLine), TypeAdapter[str](Line)


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
    def look(length: int) -> None:
        text = ";-" + (filling * length)[: length - 2]
        refused(NOTE, text)
        refused(LONG_LINE, text)

    assert_grows_linearly(look, MAX_NOTE_LENGTH)


@pytest.mark.parametrize(
    "name", ["\ufeffAna Paz", "\u200b Ana\u2060 Pa\u00adz \u200e", "Ana\u200f Paz\ufe0f", "Ana Paz"]
)
def test_of_a_name_is_kept_what_a_reader_sees(name: str) -> None:
    assert LINE.validate_python(name) == "Ana Paz"


def test_joiners_that_a_script_needs_stay() -> None:
    assert LINE.validate_python("سیده\u200cزهرا") == "سیده\u200cزهرا"
    assert LINE.json_schema()["maxLength"] == MAX_NAME_LENGTH
    assert LINE.json_schema()["minLength"] == 1


@pytest.mark.parametrize("field", ["full_name", "father_name", "aliases"])
@pytest.mark.parametrize(
    "name", ["\u200b", "\u200c\u200d", " \ufeff\u2060 ", "\u200d \u200d", "\U000e0100", "\u00ad\u3164"]
)
def test_what_shows_nothing_is_no_name(field: str, name: str) -> None:
    with pytest.raises(ValidationError):
        DetaineeIn.model_validate({field: [name] if field == "aliases" else name})
