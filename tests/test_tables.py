"""Rows as CSV that a spreadsheet may open, and as JSON Lines that lose nothing."""

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from typing_extensions import TypedDict

from app.tables import FORMULA_PREFIXES, list_columns, list_shape_columns, to_cell, to_csv, to_jsonl, unquote_cell

Row = dict[str, Any]


def read(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def cell(value: Any) -> str:
    """What one value becomes."""
    return str(read(to_csv([{"key": 1, "value": value}]))[0]["value"])


def test_columns_stand_in_the_order_in_which_they_first_appear() -> None:
    assert list_columns([{"b": 1, "a": 2}, {"a": 3, "c": 4, "b": 5}]) == ["b", "a", "c"]


def test_facts_and_nested_records_are_no_columns() -> None:
    rows = [{"id": 1, "facts": {"age": {"value": 72}}, "detentions": [{"id": 2}], "verified_by": ["foro"]}]
    assert list_columns(rows) == ["id", "verified_by"]


class Inner(TypedDict):
    id: int


class Shape(TypedDict):
    id: int
    names: list[str] | None
    ended: Inner | None
    spells: list[Inner]
    facts: dict[str, Any] | None
    said: str | None


def test_the_columns_of_a_shape_are_known_before_its_rows() -> None:
    assert list_shape_columns(Shape) == ["id", "names", "said"]
    assert to_csv([{"id": 1, "said": "x"}], ["id", "names", "said"], include_heading=False) == "1,,x\r\n"


def test_whole_numbers_are_written_whole() -> None:
    assert [to_cell(number) for number in (91, 91.0, -3.0, 0.5)] == ["91", "91", "-3", "0.5"]


def test_a_table_has_one_header_and_a_line_for_each_row() -> None:
    assert to_csv([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]) == "a,b\r\n1,x\r\n2,y\r\n"


def test_a_value_that_a_row_does_not_have_is_an_empty_cell() -> None:
    assert to_csv([{"a": 1}, {"b": 2}]) == "a,b\r\n1,\r\n,2\r\n"


def test_no_rows_are_no_table() -> None:
    assert to_csv([]) == to_jsonl([]) == ""


@pytest.mark.parametrize("value, text", [
    (None, ""),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-3, "-3"),
    (2.5, "2.5"),
    ([], ""),
    (["foro", "jep"], "foro; jep"),
    (date(2026, 1, 12), "2026-01-12"),
    ("2026-01-12", "2026-01-12"),
    ("", ""),
])  # fmt: skip
def test_a_value_becomes_what_a_spreadsheet_can_hold(value: Any, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize("text", ["a,b", 'say "no"', "two\nlines", "two\r\nlines", "ñandú 🕊", " spaced ", "a;b", "'"])
def test_what_csv_has_to_quote_comes_back_as_it_was(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("start", FORMULA_PREFIXES)
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(start: str) -> None:
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert cell([f"{start}HYPERLINK(1)", "x"]) == f"'{start}HYPERLINK(1); x"
    assert cell(["x", f"{start}A1"]) == f"x; '{start}A1"
    assert cell(start) == f"'{start}"


@pytest.mark.parametrize("text", ["-04:00", "+05:30", "-3", "-0.5"])
def test_a_number_or_a_zone_is_no_formula(text: str) -> None:
    assert (cell(text), unquote_cell(text)) == (text, text)


@pytest.mark.parametrize("text", ["-3+1", "-04:00 ", "+58412", "'-3", "-A1", "-١"])
def test_a_text_that_only_begins_like_a_number_is_made_text(text: str) -> None:
    assert (cell(text), unquote_cell(cell(text))) == (f"'{text}", text)


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'", "''", "'Abd", "x=1", "\t", *FORMULA_PREFIXES])
def test_the_text_of_a_cell_is_found_again(text: str) -> None:
    assert unquote_cell(to_cell(text)) == text


def test_the_signs_that_a_spreadsheet_runs_are_those_we_know_of() -> None:
    assert set(FORMULA_PREFIXES) == {
        *"=+-@\t\r",
        *map(chr, (0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)),
    }  # the last as wide as Chinese


@pytest.mark.parametrize("text", ["a=b", "1-2", "name@example.org", "x\ty"])
def test_a_sign_inside_a_cell_is_left_alone(text: str) -> None:
    assert cell(text) == text


def test_json_lines_are_the_rows_themselves() -> None:
    rows: list[Row] = [
        {"a": None, "b": [1, {"c": "ñ"}], "formula": "=1+1", "f": 2.5},
        {"text": "two\nlines", "separator": "\u2028"},
    ]
    text = to_jsonl(rows)
    assert text.count("\n") == len(rows)
    assert [json.loads(line) for line in text.split("\n")[:-1]] == rows
    assert "ñ" in text
