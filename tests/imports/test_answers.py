"""Answers to questions, written into a mapping and read back from its text."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.imports.answers import UnreadableMapping, build_answers, dump_mapping, format_mapping, merge_answers
from app.imports.mapping import ListMapping


@pytest.mark.parametrize(
    "place, text, mapping",
    [
        ("/positions/F", "note", {"positions": {"F": "note"}}),
        ("/positions/F", "", {"positions": {"F": []}}),
        ("/values/state/fuera", "released:unspecified", {"values": {"state": {"fuera": "released:unspecified"}}}),
        ("/values/detention.country/a~1b~0c", "VE", {"values": {"detention.country": {"a/b~c": "VE"}}}),
        ("/sheets/Enero", "true", {"sheets": {"Enero": True}}),
        ("/sheets/Enero", "false", {"sheets": {"Enero": False}}),
        ("/whole", "false", {"whole": False}),
        ("/confirmed/row_count", "true", {"confirmed": {"row_count": True}}),
        ("/header", " 3 ", {"header": 3}),
        ("/headers/Enero", "none", {"headers": {"Enero": 0}}),
        ("/rows/14 remark_wish", "remark", {"rows": {"14 remark_wish": "remark"}}),
        ("/list_date", "2026-01-14", {"list_date": "2026-01-14"}),
    ],
)
def test_an_answer_goes_to_its_place_in_its_type(place: str, text: str, mapping: dict[str, Any]) -> None:
    assert build_answers([(place, text)]) == mapping
    ListMapping.model_validate(mapping)


def test_answers_are_laid_over_a_mapping_and_leave_the_rest_as_it_was() -> None:
    text = 'dates = "day_first"\n[positions]\nB = "note"\nC = "detention.place"\n'
    merged = merge_answers(text, build_answers([("/positions/B", "detention.facility"), ("/whole", "true")]))
    assert tomllib.loads(merged) == {
        "dates": "day_first",
        "whole": True,
        "positions": {"B": "detention.facility", "C": "detention.place"},
    }
    assert merge_answers(text, {}) == text


@pytest.mark.parametrize("text", ["nonsense", "a = 2026-01-01", "x = [" + "[" * 1_500, "a." * 20_000 + "a = 1"])
def test_answers_cannot_be_merged_into_what_is_no_mapping(text: str) -> None:
    with pytest.raises(UnreadableMapping):
        merge_answers(text, {"whole": True})


def test_a_mapping_is_printed_without_what_it_leaves_open() -> None:
    text = dump_mapping(ListMapping(list_date="2026-01-14", rows={"7": "leave_out"}))  # type: ignore[dict-item]
    assert tomllib.loads(text) == {"list_date": "2026-01-14", "rows": {"7": "leave_out"}}
    assert dump_mapping(ListMapping()) == ""


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


names = st.sampled_from(sorted(ListMapping.model_fields))


@given(st.dictionaries(names, st.one_of(words, st.booleans(), st.integers(0, 50), st.dictionaries(words, words))))
def test_a_mapping_of_any_words_is_read_back_as_it_was(mapping: dict[str, Any]) -> None:
    kept = {name: value for name, value in mapping.items() if value != {}}
    assert tomllib.loads(format_mapping(mapping)) == kept


def test_answers_that_cannot_stand_together_are_refused() -> None:
    with pytest.raises(UnreadableMapping):
        build_answers([("/columns", "note"), ("/columns/Nombre", "note")])
    with pytest.raises(ValidationError):
        ListMapping.model_validate(build_answers([("/header", "9" * 5_000)]))


def test_the_name_of_a_sheet_may_be_long_and_have_an_exclamation_mark() -> None:
    name = "Libres!! " + "x" * 40
    mapping = ListMapping.model_validate(build_answers([(f"/positions/{name}!C", "note"), (f"/rows/{name}!4", "read")]))
    assert list(mapping.rows) == [f"{name}!4"]
