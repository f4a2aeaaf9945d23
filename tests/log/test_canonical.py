"""Canonical JSON: whichever encoder writes it, the bytes are those of RFC 8785."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.log import entries
from app.vocabulary import Verdict
from tests.drawn import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-entries.MAX_EXACT_INTEGER, entries.MAX_EXACT_INTEGER) | st.floats(
    allow_nan=False, allow_infinity=False
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


@examples(100)
@given(VALUES)
def test_every_value_is_written_as_the_standard_says(value: Any) -> None:
    assert entries.encode_canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("char", [chr(code) for code in (*range(0x21), 0x22, 0x2F, 0x5C, 0x7F, 0x80, 0x2028, 0x1F600)])
def test_every_character_that_json_escapes_is_escaped_as_the_standard_says(char: str) -> None:
    assert entries.encode_canonical({"said": char}) == rfc8785.dumps({"said": char})


def test_names_are_sorted_by_utf_16() -> None:
    last, first = "\ufb33", "\U0001f600"  # the first has the larger code point, and begins with the smaller unit
    assert list(json.loads(entries.encode_canonical({last: 1, first: 2}))) == [first, last]


def test_a_code_is_written_as_its_text() -> None:
    assert entries.encode_canonical([Verdict.VERIFIED]) == b'["verified"]'


@pytest.mark.parametrize("value", [2**53, -(2**53), {1: 2}, float("nan"), {"inner": [2**53]}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        entries.encode_canonical(value)
