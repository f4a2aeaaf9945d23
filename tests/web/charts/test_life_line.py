"""On the line of a life nothing is drawn finer than it was said, and no words stand on others."""

from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.text import measure_text
from app.web.charts.timeline import (
    DATE,
    LINE,
    TEXT,
    Label,
    Mark,
    Stretch,
    Timeline,
    TimelineLayout,
    lay_out_horizontal_timeline,
    lay_out_vertical_timeline,
)
from app.web.figure import FULL_WIDTH, PHONE_WIDTH

FIRST, LAST = date(2024, 1, 1).toordinal(), date(2026, 3, 1).toordinal()
days = st.integers(FIRST, LAST - 400)


@st.composite
def lives(draw: st.DrawFn) -> Timeline:
    marks = []
    for _ in range(draw(st.integers(1, 9))):
        day = draw(days)
        last = day + draw(st.sampled_from([0, 0, 0, 30, 365]))
        words = draw(st.text("abc xyz", min_size=1, max_size=300))
        marks.append(Mark(day, last, "12 ene 2026", words, is_above=last == day and draw(st.booleans())))
    stretches = [Stretch(FIRST, LAST - 100, "all", "El Rodeo I"), Stretch(LAST - 100, LAST, "nobody")]
    return Timeline(FIRST, LAST, stretches, marks)


def box(label: Label) -> tuple[float, float, float, float]:
    """From where to where the words of a label go."""
    wide = max([measure_text(label.date, DATE, bold=True), *(measure_text(line, TEXT) for line in label.lines)])
    low = label.x - wide if label.is_end_anchored else label.x
    return low, low + wide, label.y - 10, label.y + 15 * len(label.lines)


def touch(one: Label, other: Label) -> bool:
    left, right = box(one), box(other)
    return left[0] < right[1] and right[0] < left[1] and left[2] < right[3] and right[2] < left[3]


@given(life=lives())
def test_no_words_stand_on_others(life: Timeline) -> None:
    drawn = lay_out_horizontal_timeline(life)
    assert [(one, other) for one, other in combinations(drawn.labels, 2) if touch(one, other)] == []
    assert [
        (one, other) for one, other in combinations(lay_out_vertical_timeline(life).labels, 2) if touch(one, other)
    ] == []


@given(life=lives())
def test_all_marks_are_drawn_within_the_drawing(life: Timeline) -> None:
    for drawn, width in (
        (lay_out_horizontal_timeline(life), FULL_WIDTH),
        (lay_out_vertical_timeline(life), PHONE_WIDTH),
    ):
        assert sum(bool(label.date) or label.is_bracket for label in drawn.labels) == len(life.marks)
        for label in drawn.labels:
            low, high, top, bottom = box(label)
            assert (low >= 0, high <= width + 1) == (True, True), label
            assert (top >= -4, bottom <= drawn.height + LINE) == (True, True), label


def only(drawn: TimelineLayout) -> Label:
    (label,) = (label for label in drawn.labels if label.date)
    return label


@pytest.mark.parametrize("draw", [lay_out_horizontal_timeline, lay_out_vertical_timeline])
def test_a_year_is_a_bracket_over_the_year(draw: object) -> None:
    year = Mark(date(2024, 1, 1).toordinal(), date(2024, 12, 31).toordinal(), "2024", "detained: Foro")
    drawn = (lay_out_horizontal_timeline if draw is lay_out_horizontal_timeline else lay_out_vertical_timeline)(
        Timeline(FIRST, LAST, [], [year])
    )
    label = only(drawn)
    assert label.is_bracket
    (start, first), (end, second), *_more = drawn.years
    assert {first, second} <= {"2024", "2025", ""}
    assert [label.start, label.finish] == pytest.approx([start, end], abs=2)


def test_words_of_a_bracket_take_the_place_of_a_year() -> None:
    day = date(2024, 12, 20).toordinal()
    drawn = lay_out_vertical_timeline(Timeline(FIRST, LAST, [], [Mark(day, day + 25, "dic 2024", "detained: Foro")]))
    assert [year for _at, year in drawn.years] == ["2024", "", "2026"]


def test_a_stretch_too_short_for_its_words_has_them_below() -> None:
    short = Stretch(FIRST, FIRST + 8, "all", "Zona 7, Caracas")
    drawn = lay_out_horizontal_timeline(Timeline(FIRST, LAST, [short], []))
    assert [block.label for block in drawn.blocks] == [""]
    assert [label.lines for label in drawn.labels] == [["Zona 7, Caracas"]]
    assert drawn.blocks[0].length >= 3


def test_words_are_cut_where_they_would_not_end() -> None:
    drawn = lay_out_vertical_timeline(Timeline(FIRST, LAST, [], [Mark(FIRST, FIRST, "1 ene 2024", "ñ" * 300)]))
    (label,) = drawn.labels
    assert [line[-1] for line in label.lines] == ["ñ", "ñ", "…"]
    assert box(label)[1] <= PHONE_WIDTH
