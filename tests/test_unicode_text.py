"""Text is brought into a normal form in one place, and no text takes long there."""

import ast
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.unicode_text import INVISIBLE, MAX_MARKS, has_too_many_marks, is_blank, normalize_text, remove_ignorable
from tests.growth import assert_grows_linearly

APP = Path(__file__).parent.parent / "app"
MANY = 200_000  # of which the half took a minute

letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(letters)
def test_what_people_write_is_normal_as_unicode_has_it(text: str) -> None:
    assert not has_too_many_marks(text)
    assert normalize_text("NFC", text) == unicodedata.normalize("NFC", text)
    assert normalize_text("NFKD", text) == unicodedata.normalize("NFKD", text)


@pytest.mark.parametrize("text", ["José", "Jose\u0301", "שָׁלוֹם", "مُحَمَّدٌ", "Nguyễn", "རྀ", "e" + "\u0301" * MAX_MARKS])
def test_accents_vowels_and_tones_are_not_too_many(text: str) -> None:
    assert not has_too_many_marks(text)


@pytest.mark.parametrize("marks", ["\u0301", "\u0301\u0316", "\u0f73", "\u0f75\u0f81", "\uff9e\u0301", "\U0001e94a"])
def test_more_marks_than_anybody_writes_are_too_many_and_take_no_time(marks: str) -> None:
    def look(count: int) -> None:
        text = "a" + marks * count
        assert has_too_many_marks(text)
        assert len(normalize_text("NFC", text)) <= len(normalize_text("NFKD", text)) <= 1 + 2 * MAX_MARKS

    assert_grows_linearly(look, MANY)


def test_as_many_marks_as_are_taken_on_each_letter_take_no_time() -> None:
    def look(count: int) -> None:
        text = ("a" + "\u0301\u0316" * (MAX_MARKS // 2)) * (count // MAX_MARKS)
        assert not has_too_many_marks(text)
        assert unicodedata.normalize("NFC", text) == normalize_text("NFC", text)

    assert_grows_linearly(look, MANY)


def test_every_mark_that_unicode_knows_is_counted() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    marks = [char for char in every if unicodedata.combining(unicodedata.normalize("NFKD", char)[0])]
    assert [char for char in marks if not has_too_many_marks(char * (MAX_MARKS + 1))] == []


# Signs before numbers and verses, and what puts hieroglyphs together: a screen shows them.
SHOWN = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f]")


def test_every_invisible_character_that_unicode_knows_is_refused_taken_out_or_no_text_alone() -> None:
    formatting = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) == "Cf"]
    refused = re.compile(f"[{INVISIBLE}]")
    assert [char for char in formatting if not (refused.match(char) or is_blank(char) or SHOWN.match(char))] == []


@pytest.mark.parametrize("unread", ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e", "\u061c", "\ufe0f"])
def test_what_shows_nothing_is_taken_out_and_what_is_left_is_normal(unread: str) -> None:
    assert remove_ignorable(f"{unread}Jose{unread}\u0301 Pe{unread}ña{unread}") == "José Peña"
    assert is_blank(unread)


@pytest.mark.parametrize("text", ["سیده\u200cزهرا", "क\u094d\u200dष", "葛\U000e0100城", "José Peña"])
def test_joiners_and_forms_of_characters_stay(text: str) -> None:
    assert remove_ignorable(text) == text
    assert not is_blank(text)


@given(letters)
def test_taking_out_twice_changes_nothing(text: str) -> None:
    assert remove_ignorable(remove_ignorable(text)) == remove_ignorable(text)


def test_nothing_else_brings_text_into_a_normal_form() -> None:
    elsewhere = [
        path.name
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "normalize"
    ]
    assert elsewhere == ["unicode_text.py"]
