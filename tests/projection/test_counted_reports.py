"""What the log says of a report on somebody who may only be counted, and what it seals."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dates import parse_date
from app.projection.statements import coarsen_content, coarsen_to_month, merge_content, restore_content, split_content
from app.vocabulary import Method
from tests.registry.statements import statement

days = st.dates(date(1990, 1, 1), date(2026, 1, 1)).map(date.isoformat)
dates = st.one_of(days, days.map(lambda day: day[:7]), days.map(lambda day: day[:4])) | st.tuples(days, days).map(
    lambda two: "/".join(sorted(two))
)
contents = st.fixed_dictionaries(
    {"verification.verdict": st.just("verified"), "detainee.full_name": st.just("Berta Solano Ugas")},
    optional={
        **{f"detention.{name}": dates for name in ("detained_on", "held_on")},
        "taken_over": st.just({"fields": ["detention.detained_on", "detention.held_on"], "revision": 7}),
        "release.released_on": dates,
        "verification.method": st.sampled_from([method.value for method in Method]),
    },
)


@pytest.mark.parametrize(
    "text, month",
    [
        ("2026", "2026"),
        ("2026-01", "2026-01"),
        ("2026-01-31", "2026-01"),
        ("2026-01-08/2026-01-09", "2026-01"),
        ("2025-12-31/2026-01-01", "2025-12/2026-01"),
        ("2025/2026-02-03", "2025-01/2026-02"),
    ],
)
def test_a_day_becomes_its_month_and_a_year_stays(text: str, month: str) -> None:
    assert coarsen_to_month(text) == month


@given(dates)
def test_the_month_holds_every_day_that_was_meant_and_is_its_own_month(text: str) -> None:
    month = coarsen_to_month(text)
    assert parse_date(text).is_within(parse_date(month))
    assert coarsen_to_month(month) == month


@given(contents, st.booleans())
def test_what_was_filed_can_be_had_again(content: dict[str, Any], counted: bool) -> None:
    public, personal = split_content(content, is_count_only=counted)
    assert restore_content(public, personal) == content
    assert "detainee.full_name" in personal


@given(contents)
def test_days_and_method_count_for_nothing_where_they_are_sealed(content: dict[str, Any]) -> None:
    """What counts is the same once an erasure has deleted what is sealed."""
    public, personal = split_content(content, is_count_only=True)
    counting, hidden = merge_content(public, personal)
    assert {name: value for name, value in counting.items() if name != "detainee.full_name"} == public
    assert restore_content(counting, hidden) == content
    assert coarsen_content(counting) == counting
    assert "verification.method" not in public


@pytest.mark.parametrize("method, first_hand", [("family", True), ("press", False)])
def test_of_a_method_the_log_says_whether_the_source_knows_of_it_itself(method: str, first_hand: bool) -> None:
    public, personal = split_content({"verification.method": method}, is_count_only=True)
    assert (public, personal) == ({"verification.first_hand": first_hand}, {"verification.method": method})
    assert statement(1, verification__first_hand=first_hand).independent is first_hand


def test_of_everybody_else_the_log_says_the_days_and_the_method() -> None:
    said = {"detention.detained_on": "2026-01-03", "verification.method": "lawyer"}
    assert split_content(said, is_count_only=False) == (said, {})


@given(contents)
def test_a_report_read_as_counted_and_again_as_filed_is_what_it_was(content: dict[str, Any]) -> None:
    filed = replace(statement(1), content=content)
    counted = filed.to_count_only()
    assert (counted.full_content, counted.to_count_only()) == (content, counted)
    assert counted.to_filed() == filed
