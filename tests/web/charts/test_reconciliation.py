"""A claim beside what was verified: the bar holds the longer of both, and is no surer of its end than the claim is."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from app.web.charts.reconciliation import (
    ClaimComparison,
    Kind,
    ReconciliationLayout,
    Segment,
    lay_out_horizontal_bar,
    lay_out_vertical_bar,
)
from app.web.charts.text import flow_labels, measure_text

DRAWN = pytest.mark.parametrize("draw", [lay_out_horizontal_bar, lay_out_vertical_bar], ids=["lying", "standing"])
Draw = Callable[[ClaimComparison], ReconciliationLayout]


def segment(kind: Kind, number: int) -> Segment:
    return Segment(kind, number, str(number), f"of kind {kind}")


def compared(low: int | None, high: int | None, *numbers: int, about: bool = False) -> ClaimComparison:
    """A claim beside numbers by the main source, in its other days, by others, and only reported."""
    kinds: tuple[Kind, ...] = ("main", "rest", "others", "reported")
    segments = [segment(kind, number) for kind, number in zip(kinds, numbers, strict=False) if number]
    left = (low or 0) - sum(numbers) > 0 or (high or 0) - sum(numbers) > 0
    verified = sum(numbers) - (numbers[3] if len(numbers) > 3 else 0)
    return ClaimComparison(
        "so many", "according to them, 13 Jan", low, high, about, segments,
        segment("remainder", 1) if left else None, segment("main", verified),
    )  # fmt: skip


def lengths(drawn: ReconciliationLayout) -> dict[str, float]:
    return {bar.kind: abs(bar.end - bar.start) for bar in drawn.bar_layout.bars}


@DRAWN
def test_segments_stand_end_to_end_and_are_as_long_as_their_numbers(draw: Draw) -> None:
    drawn = draw(compared(600, 600, 150, 120, 20, 10))
    long = lengths(drawn)
    assert list(long) == ["main", "rest", "others", "reported", "remainder"]
    assert long["remainder"] == pytest.approx(2 * long["main"])
    assert [bar.end for bar in drawn.bar_layout.bars[:-1]] == [bar.start for bar in drawn.bar_layout.bars[1:]]
    assert drawn.bar_layout.bars[-1].end == pytest.approx(drawn.bar_layout.reach)
    assert abs(drawn.bar_layout.verified_end - drawn.bar_layout.start) == pytest.approx(
        290 / 600 * abs(drawn.bar_layout.reach - drawn.bar_layout.start)
    )
    assert drawn.bar_layout.uncertain_span is None


@DRAWN
def test_a_claim_without_a_top_leaves_room_beyond_it(draw: Draw) -> None:
    drawn = draw(compared(401, None, 200))
    assert drawn.bar_layout.reach != pytest.approx(draw(compared(401, 401, 200)).bar_layout.reach)
    assert 0 < drawn.bar_layout.reach < max(drawn.width - 50, drawn.height)
    assert drawn.bar_layout.uncertain_span is None


@DRAWN
def test_between_two_numbers_only_the_smaller_is_sure(draw: Draw) -> None:
    drawn = draw(compared(800, 1200, 400))
    assert drawn.bar_layout.uncertain_span is not None
    assert abs(drawn.bar_layout.uncertain_span[1] - drawn.bar_layout.uncertain_span[0]) == pytest.approx(
        lengths(drawn)["remainder"]
    )


@DRAWN
def test_a_claim_of_at_most_so_many_is_sure_of_none(draw: Draw) -> None:
    drawn = draw(compared(None, 100, 40))
    assert "remainder" not in lengths(drawn)
    assert drawn.bar_layout.uncertain_span is not None
    assert draw(compared(None, 11, 9, 0, 9)).bar_layout.uncertain_span is None, "the registry counts more"


@DRAWN
def test_where_the_registry_counts_more_the_bar_is_as_long_as_its_count(draw: Draw) -> None:
    drawn = draw(compared(154, 154, 154, 0, 25, 1))
    whole = sum(lengths(drawn).values())
    assert abs(drawn.bar_layout.reach - drawn.bar_layout.start) == pytest.approx(whole * 154 / 180)
    assert not any(label.segment.kind == "remainder" for label in drawn.labels)


@DRAWN
def test_labels_do_not_touch_however_thin_their_segments_are(draw: Draw) -> None:
    drawn = draw(compared(10_000, 10_000, 1, 1, 1, 1))
    assert len(drawn.labels) == 5
    if draw is lay_out_horizontal_bar:
        starts = sorted(label.x for label in drawn.labels if not label.is_small)
        assert all(after - before >= 60 for before, after in pairwise(starts))
    else:
        baselines = sorted(y for label in drawn.labels for y in {label.y, *(line[1] for line in label.lines)})
        assert all(after - before >= 14 for before, after in pairwise(baselines))


@DRAWN
def test_nothing_at_all_is_still_a_drawing(draw: Draw) -> None:
    drawn = draw(compared(5, 5))
    assert list(lengths(drawn)) == ["remainder"]
    assert drawn.bar_layout.verified_end == drawn.bar_layout.start


@DRAWN
@pytest.mark.parametrize("name", ["x" * 300, "Organisation of many words " * 20])
def test_a_long_name_stays_within_the_drawing(draw: Draw, name: str) -> None:
    long = replace(compared(600, 600, 150), text=f"according to {name}")
    drawn = draw(long)
    assert all(x + measure_text(line, 13) <= drawn.width for x, _y, line in drawn.claim)


def test_labels_flow_within_their_bounds() -> None:
    assert flow_labels([0, 5, 90], [30, 30, 30], 10, 0, 200) == [0, 40, 90]
    assert flow_labels([80, 85], [30, 30], 10, 0, 100) == [30, 70]
