"""What is answered about a list becomes a mapping that the API reads."""

import tomllib

import pytest

from app.imports.mapping import ListMapping
from app.web.desk import answers

HOSTILE = 'a "quoted" \\ word\n= [x]\t\x7f é 🙂'


def test_every_answer_is_one_that_a_mapping_has() -> None:
    given = {
        "dates": ["day_first"],
        "age_on": ["day"],
        "age_day": [" 2026-01 "],
        "row:5": ["leave_out"],
        "row:6": [""],
        "rows:section_title": ["read"],
        "value:verification.method:at the door": ["at_the_gate"],
        "column:B": ["-"],
        "column:H": ["detainee.full_name"],
        "constant:detention.country": ["VE"],
        "token": ["x"],
    }
    mapping = ListMapping.parse_toml(answers.merge_answers("", "", answers.parse_answers(given)))
    assert mapping.dates == "day_first"
    assert mapping.age_on == "2026-01"
    assert mapping.rows == {"5": "leave_out", "section_title": "read"}
    assert mapping.values == {"verification.method": {"at the door": "at_the_gate"}}
    assert mapping.positions == {"B": [], "H": "detainee.full_name"}
    assert mapping.constants == {"detention.country": "VE"}


def test_answers_are_written_into_the_mapping_of_before() -> None:
    before = 'dates = "month_first"\nheader = 3\n[values."release.kind"]\nLP = "full_release"\n'
    new = {"dates": "day_first", "values": {"release.kind": {"X": "pardon"}}}
    assert tomllib.loads(answers.merge_answers(before, "", new)) == {
        "dates": "day_first",
        "header": 3,
        "values": {"release.kind": {"LP": "full_release", "X": "pardon"}},
    }


def test_a_mapping_stays_as_written_where_nothing_is_answered() -> None:
    assert answers.merge_answers("# mine\n", "dates = 1", {}) == "# mine\n"
    assert answers.merge_answers("", "dates = 1", {}) == ""


def test_what_was_remembered_begins_a_mapping() -> None:
    columns = [{"column": "A", "fields": ["note"]}, {"column": "B", "fields": []}]
    remembered = answers.build_mapping_as_read(columns)
    assert not remembered.startswith("\n"), "a browser would send it back without"
    told = answers.merge_answers("", remembered, {"dates": "day_first"})
    assert tomllib.loads(told) == {"positions": {"A": ["note"]}, "dates": "day_first"}


def test_any_word_can_stand_in_a_mapping() -> None:
    mapping = {"values": {"release.kind": {HOSTILE: "pardon"}}, "sheet": HOSTILE, "columns": {HOSTILE: []}}
    assert tomllib.loads(answers.format_mapping(mapping)) == mapping


@pytest.mark.parametrize("text", ["=", "[", "a = 'b"])
def test_what_is_no_mapping_is_not_written_into(text: str) -> None:
    with pytest.raises(answers.UnreadableMapping):
        answers.merge_answers(text, "", {"dates": "day_first"})


@pytest.mark.parametrize(
    "mapping",
    [
        ".".join(["a"] * 5_000) + "=1",  # which takes the square of its length to read
        "\n".join(["# a long remark"] * 5_000),
        "[" * 2_000,
        "d = 2026-01-01",
    ],
    ids=["names", "lines", "brackets", "day"],
)
def test_a_mapping_that_no_answer_can_be_written_into_is_told(mapping: str) -> None:
    with pytest.raises(answers.UnreadableMapping):
        answers.merge_answers(mapping, "", {"dates": "day_first"})
