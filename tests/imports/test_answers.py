"""Answers are written into a mapping, and a mapping as TOML."""

import tomllib

import pytest

from app.imports.answers import UnreadableMapping, build_answers, dump_mapping, format_mapping, merge_answers
from app.imports.mapping import ListMapping

HOSTILE = 'a "quoted" \\ word\n= [x]\t\x7f é 🙂'


def test_answers_are_written_into_the_mapping_of_before() -> None:
    before = 'dates = "month_first"\nheader = 3\n[values."release.kind"]\nLP = "full_release"\n'
    answers = build_answers([("/dates", "day_first"), ("/values/release.kind/X", "pardon")])
    assert tomllib.loads(merge_answers(before, answers)) == {
        "dates": "day_first",
        "header": 3,
        "values": {"release.kind": {"LP": "full_release", "X": "pardon"}},
    }


def test_the_same_answers_given_again_change_no_letter() -> None:
    answers = build_answers([("/list_date", "2026-01-20"), ("/whole", "false"), ("/rows/5", "leave_out")])
    once = merge_answers("", answers)
    assert merge_answers(once, answers) == once
    assert not once.startswith("\n"), "a browser would send it back without"


def test_a_mapping_stays_as_written_where_nothing_is_answered() -> None:
    assert merge_answers("# mine\n", {}) == "# mine\n"


def test_a_mapping_is_written_without_what_it_leaves_open() -> None:
    mapping = ListMapping(positions={"B": []}, whole=False)
    assert tomllib.loads(dump_mapping(mapping)) == {"positions": {"B": []}, "whole": False}


def test_any_word_can_stand_in_a_mapping() -> None:
    mapping = {"values": {"release.kind": {HOSTILE: "pardon"}}, "sheet": HOSTILE, "columns": {HOSTILE: []}}
    assert tomllib.loads(format_mapping(mapping)) == mapping


@pytest.mark.parametrize(
    "mapping",
    [
        "=",
        "a = 'b",
        ".".join(["a"] * 5_000) + "=1",  # which takes the square of its length to read
        "\n".join(["# a long remark"] * 5_000),
        "[" * 2_000,
        "d = 2026-01-01",
    ],
    ids=["no name", "no end", "names", "lines", "brackets", "day"],
)
def test_what_is_no_mapping_is_not_written_into(mapping: str) -> None:
    with pytest.raises(UnreadableMapping):
        merge_answers(mapping, {"dates": "day_first"})
