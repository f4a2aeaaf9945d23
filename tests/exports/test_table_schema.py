"""A cell of a copy says exactly what it was made of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exports.table_schema import DECIMAL, FLAG, LIST, NUMBER, STRING, TEXTS, FieldSchema, format_cell, parse_cell

SAID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(SAID)
def test_a_text_is_found_again(text: str) -> None:
    assert parse_cell(format_cell(text, STRING), STRING) == text


@given(st.lists(SAID, min_size=1))
def test_texts_are_found_again_whatever_stands_in_them(texts: list[str]) -> None:
    assert parse_cell(format_cell(texts, TEXTS), TEXTS) == texts


@pytest.mark.parametrize(
    "meant, field", [(["VE", "NA"], LIST), (54, NUMBER), (-66.6, DECIMAL), (0.0, DECIMAL), (True, FLAG), (False, FLAG)]
)
def test_codes_numbers_and_flags_are_found_again(meant: Any, field: FieldSchema) -> None:
    assert parse_cell(format_cell(meant, field), field) == meant


@pytest.mark.parametrize("nothing", [None, []])
def test_what_nobody_said_is_an_empty_cell(nothing: Any) -> None:
    assert format_cell(nothing, TEXTS) == ""
