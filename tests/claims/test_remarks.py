"""A running total that falls or jumps beside what its claimant gave before is remarked, and nothing else is."""

from typing import Any

import pytest

from app.claims.figures import Figure
from app.claims.reconciliation import JUMP_FACTOR, find_remarks
from tests.claims.figuring import figure, part

RUNNING = {"window_from": "2026-01-08", "stated_at": "2026-01-13", "series": "cumulative"}


def total(number: Any, day: str = "2026-01-13", **said: Any) -> Figure:
    return figure(f"{number} of {day}", number, **{**RUNNING, "stated_at": day, **said})


def codes(now: Figure, *own: Figure) -> list[tuple[str, int | None]]:
    return [(one["code"], one["before"]["low"]) for one in find_remarks(now, own)]


def test_a_fall_is_remarked_beside_the_last_figure_before() -> None:
    own = (total(60, "2026-01-10"), total(90, "2026-01-11"), total(95, "2026-01-14"))
    assert codes(total(80), *own) == [("fall", 90)]
    assert codes(total(90), *own) == codes(total(91), *own) == []


def test_growth_by_more_than_the_factor_is_a_jump() -> None:
    assert codes(total(10 * JUMP_FACTOR + 1), total(10, "2026-01-12")) == [("jump", 10)]
    assert codes(total(10 * JUMP_FACTOR), total(10, "2026-01-12")) == []
    assert codes(total(5), total(0, "2026-01-12")) == [], "from none anything is a beginning"


@pytest.mark.parametrize("before, now", [
    ((401, None), 400), ((60, 70), (50, 59)), (90, (None, 60)),
])  # fmt: skip
def test_a_range_that_lies_wholly_below_is_a_fall(before: Any, now: Any) -> None:
    assert [code for code, _low in codes(total(now), total(before, "2026-01-12"))] == ["fall"]


@pytest.mark.parametrize("before, now", [((401, None), 401), ((60, 70), (50, 60)), (90, (50, None)), (None, 5)])
def test_what_may_have_grown_is_none(before: Any, now: Any) -> None:
    assert codes(total(now), total(before, "2026-01-12")) == []


@pytest.mark.parametrize("said", [
    {"series": "batch"}, {"series": None}, {"window_from": "2025-12"}, {"window_from": None},
    {"terms__stage": "announced"}, {"stated_at": None}, {"window_to": "2026-01-10"},
    {"part_of": part("80 of 2026-01-13")},
])  # fmt: skip
def test_another_total_is_not_the_same_one_before(said: dict[str, Any]) -> None:
    assert codes(total(80), total(90, "2026-01-12", **said)) == []


def test_a_batch_is_no_running_total() -> None:
    assert codes(total(80, series="batch"), total(90, "2026-01-12")) == []
