"""One source's own line, with the figures that it published."""

from datetime import date
from itertools import combinations

import pytest

from app.web.charts.source_line import Point, PublishedRange, lay_out_source_line

JANUARY_8 = float(date(2026, 1, 8).toordinal())  # its beginning, as a number of days


def line(*values: int) -> list[Point]:
    """Points at the ends of days from 8 January on."""
    return [Point(JANUARY_8 + day, value) for day, value in enumerate(values, 1)]


def published(at: float, low: int | None, high: int | None, *, is_off: bool = False) -> PublishedRange:
    return PublishedRange(at, at, low, high, str(low or high), "/es/claims/1", is_off)


def test_the_line_is_level_to_the_end_of_the_day_on_which_it_rose() -> None:
    drawn = lay_out_source_line(line(0, 10, 10, 20), [], 643, 330, 8)
    assert drawn.path.count("H") == 5
    heights = [float(part.split("H")[0]) for part in drawn.path.split("V")[1:]]
    assert heights == sorted(heights, reverse=True)
    assert drawn.last == (drawn.right, heights[-1], 20)


def test_the_time_after_which_nothing_changed_is_not_drawn_out() -> None:
    values = [0, 10, 20] + [20] * 100
    assert lay_out_source_line(line(*values), [], 643, 330, 8).days[-1][1].isoformat() < "2026-01-15"
    until = lay_out_source_line(line(*values), [published(JANUARY_8 + 60.5, 20, 20)], 643, 330, 8)
    assert until.days[-1][1].isoformat() > "2026-03-01"


def test_the_axis_of_numbers_begins_at_zero_and_holds_every_figure() -> None:
    drawn = lay_out_source_line(line(1, 5), [published(JANUARY_8 + 1, 400, 400, is_off=True)], 643, 330, 8)
    assert drawn.numbers[0][1] == 0
    assert drawn.numbers[-1][1] >= 400
    assert all(mark.high >= 0 for mark in drawn.marks)


def test_a_figure_without_a_bound_opens_to_that_side() -> None:
    marks = lay_out_source_line(
        line(1, 50),
        [
            published(JANUARY_8 + 1, 40, None),
            published(JANUARY_8 + 1, None, 40),
            published(JANUARY_8 + 1, 30, 40),
        ],
        643,
        330,
        8,
    ).marks
    assert [mark.opens for mark in marks] == [1, -1, 0]
    assert marks[2].low > marks[2].high  # the lower number stands lower
    assert marks[0].low == marks[0].high


@pytest.mark.parametrize("width,height,most", [(643, 330, 8), (328, 270, 4)])
def test_labels_of_figures_lie_inside_and_touch_neither_each_other_nor_the_axis(
    width: int, height: int, most: int
) -> None:
    figures = [published(JANUARY_8 + hour / 24, 40 + hour, 40 + hour, is_off=hour % 7 == 0) for hour in range(200)]
    drawn = lay_out_source_line(line(*range(0, 270, 30)), figures, width, height, most)
    assert len(drawn.labels) > 1
    assert all(label.x > drawn.left and label.x + label.width < width for label in drawn.labels)
    assert not any(one.touches(other) for one, other in combinations(drawn.labels, 2))


def test_a_figure_without_room_for_its_number_is_told_in_the_table_alone() -> None:
    assert lay_out_source_line(line(1, 5), [published(JANUARY_8, 4, 4)], 643, 330, 8).labels == []
    assert len(lay_out_source_line(line(1, 5), [published(JANUARY_8 + 1, 4, 4)], 643, 330, 8).labels) == 1
