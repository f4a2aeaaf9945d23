"""Lay out a person's timeline: days in custody by all sources, by some, and days without information.

It is horizontal on wide pages and vertical on phones. Days are ordinals; lengths are in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Literal

from app.web.charts.text import LinearScale, measure_text, wrap_text
from app.web.figure import FULL_WIDTH, PHONE_WIDTH

Certainty = Literal["all", "some", "nobody"]
BAR_THICKNESS = 26
DATE, TEXT = 13, 12  # font sizes
LINE = 16  # line height
LEVEL = 38  # two lines of text with their spacing
GAP_ABOVE_BAR, GAP_BELOW_BAR = 14, 12  # between the bar and the labels
YEARS_HEIGHT = 24  # room for the labels of years
MAX_YEARS = 8  # more labels would touch
# Vertical timeline: x of the bar, x of the labels, and minimum length.
UPRIGHT_X, LABELS_X, MIN_TIMELINE_LENGTH = 92, 134, 340
TIMELINE_LABEL_GAP = 8  # between labels
MAX_MARK_LINES = 3  # of a label: names can be of any length
MAX_LINE_WIDTH = 340  # width of a label in the wide drawing
BRACKET_TEXT_WIDTH = 70  # width of a text next to a bracket


@dataclass(frozen=True)
class Stretch:
    """The days from `start` to `end`, as ordinals. `label`: the place, if known."""

    start: int
    end: int
    certainty: Certainty
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """An event between the days `first` and `last`: a tick, or a bracket if the day is not known. `date`: as
    reported, empty if there is none; `words`: the event and its sources, and `full_words` with all their names;
    `is_above`: the side of the bar."""

    first: int
    last: int
    date: str
    words: str
    is_above: bool = False
    full_words: str = ""

    @property
    def is_bracket(self) -> bool:
        return self.last > self.first


@dataclass(frozen=True)
class Timeline:
    """The data of a timeline between the days `first` and `last`."""

    first: int
    last: int
    stretches: Sequence[Stretch]
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Block:
    """A placed stretch: its start and length along the line."""

    start: float
    length: float
    certainty: Certainty
    label: str


@dataclass(frozen=True)
class Label:
    """A placed mark. `start`, `finish`: its extent along the line; `x`, `y`: of its first line; `is_end_anchored`:
    the text ends at `x`; `reach`: the end of its tick, across the line."""

    start: float
    finish: float
    x: float
    y: float
    is_end_anchored: bool
    reach: float
    date: str
    lines: Sequence[str]
    is_bracket: bool


@dataclass(frozen=True)
class TimelineLayout:
    """A laid out timeline. `bar`: the bar's edge, across the line; `years`: where each begins along the line."""

    width: float
    height: float
    bar: float
    blocks: Sequence[Block]
    labels: Sequence[Label]
    years: Sequence[tuple[float, str]]


def lay_out_horizontal_timeline(timeline: Timeline) -> TimelineLayout:
    """Lay out the timeline from left to right."""
    scale = LinearScale(timeline.first, timeline.last, 0, FULL_WIDTH)
    marks_above = _assign_levels([mark for mark in timeline.marks if mark.is_above], scale)
    lower_marks = [mark for mark in timeline.marks if not mark.is_above] + [
        _build_stretch_mark(stretch)
        for stretch in timeline.stretches
        if stretch.label and not _label_fits(stretch, scale)
    ]
    marks_below = _assign_levels(lower_marks, scale)
    blocks = [_build_block(stretch, scale, FULL_WIDTH) for stretch in timeline.stretches]
    bar = GAP_ABOVE_BAR + LEVEL * _count_levels(marks_above)
    labels = [_build_label_above(mark, *place, bar, scale) for mark, place in marks_above]
    labels += [_build_label_below(mark, *place, bar + BAR_THICKNESS, scale) for mark, place in marks_below]
    height = bar + BAR_THICKNESS + GAP_BELOW_BAR + LEVEL * _count_levels(marks_below) + YEARS_HEIGHT
    return TimelineLayout(FULL_WIDTH, height, bar, blocks, labels, _build_year_ticks(timeline, scale))


LevelPlace = tuple[int, float, bool]  # level counted from the bar, x of the text, and whether the text ends there


def _assign_levels(marks: Sequence[Mark], scale: LinearScale) -> list[tuple[Mark, LevelPlace]]:
    """Assign each mark to the level nearest to the bar where neither its text nor its tick overlaps another."""
    placed_marks: list[tuple[Mark, LevelPlace]] = []
    occupied_spans: list[tuple[int, float, float]] = []  # level, start, end
    tick_places: list[tuple[int, float]] = []  # highest level of a tick, and its x
    # From the last mark back: a higher text extends over the later ones, and its tick crosses none of them.
    for mark in sorted(marks, key=lambda mark: (mark.is_bracket, -mark.first)):
        start, finish = scale(mark.first), scale(mark.last)
        # If no level keeps the tick clear of all texts, it passes behind texts nearer to the bar.
        fits = chain(
            (
                _find_place_at_level(mark, place, start, finish, occupied_spans, tick_places)
                for place in range(len(marks))
            ),
            (_find_place_at_level(mark, place, start, finish, occupied_spans, ()) for place in range(len(marks))),
        )
        place, x, is_end_anchored, low, high = next(
            filter(None, fits), (len(placed_marks), 0.0, False, 0.0, FULL_WIDTH)
        )
        occupied_spans.append((place, low, high))
        tick_places += [(place, start), (place, finish)] if mark.is_bracket else [(place, start)]
        placed_marks.append((mark, (place, x, is_end_anchored)))
    return placed_marks


def _find_place_at_level(
    mark: Mark, place: int, start: float, finish: float, occupied_spans: Sequence[tuple[int, float, float]],
    tick_places: Sequence[tuple[int, float]],
) -> tuple[int, float, bool, float, float] | None:  # fmt: skip
    """Return a free place for a text at a level, after its tick or before it, with its extent; None if there is
    none."""
    text_width = _measure_mark_width(mark)
    for x, is_end_anchored in ((start + 5, False), (start - 5, True)):
        low, high = (x - text_width, x) if is_end_anchored else (x, max(x + text_width, finish))
        overlaps_text = any(
            level == place and low < span_end + 10 and span_start < high + 10
            for level, span_start, span_end in occupied_spans
        )
        is_crossed_by_tick = any(level > place and low - 4 < tick < high + 4 for level, tick in tick_places)
        has_tick_across_text = tick_places and any(
            level < place and span_start - 4 < start < span_end + 4 for level, span_start, span_end in occupied_spans
        )
        if low >= 0 and high <= FULL_WIDTH and not (overlaps_text or is_crossed_by_tick or has_tick_across_text):
            return place, x, is_end_anchored, low, high
    return None


def _measure_mark_width(mark: Mark) -> float:
    return max(
        [measure_text(mark.date, DATE, bold=True), *(measure_text(line, TEXT) for line in _wrap_horizontal_lines(mark))]
    )


def _count_levels(placed_marks: Sequence[tuple[Mark, LevelPlace]]) -> int:
    return max((place[0] + 1 for _mark, place in placed_marks), default=0)


def _build_label_above(
    mark: Mark, place: int, x: float, is_end_anchored: bool, bar: float, scale: LinearScale
) -> Label:
    """Build a label above the bar, whose tick ends at its text."""
    base = bar - GAP_ABOVE_BAR - LEVEL * place
    return _build_mark_label(mark, scale, x, base - LINE, is_end_anchored, base - LINE - 10)


def _build_label_below(
    mark: Mark, place: int, x: float, is_end_anchored: bool, bar: float, scale: LinearScale
) -> Label:
    """Build a label below the bar."""
    top = bar + GAP_BELOW_BAR + LEVEL * place
    return _build_mark_label(mark, scale, x, top + LINE + 1, is_end_anchored, top if mark.is_bracket else top + LINE)


def _build_mark_label(
    mark: Mark, scale: LinearScale, x: float, y: float, is_end_anchored: bool, reach: float, lines: Sequence[str] = ()
) -> Label:
    label_lines = lines or _wrap_horizontal_lines(mark)
    return Label(
        scale(mark.first), scale(mark.last), x, y, is_end_anchored, reach, mark.date, label_lines, mark.is_bracket
    )


def lay_out_vertical_timeline(timeline: Timeline) -> TimelineLayout:
    """Lay out the timeline from top to bottom, labels of ticks on one side and brackets on the other."""
    tick_marks = sorted((mark for mark in timeline.marks if not mark.is_bracket), key=lambda mark: mark.first)
    tick_lines = [(mark, _wrap_mark_lines(mark, PHONE_WIDTH - LABELS_X, MAX_MARK_LINES)) for mark in tick_marks]
    labelled_stretches = [stretch for stretch in timeline.stretches if stretch.label]
    stretch_lines = [
        (stretch, wrap_text(stretch.label, PHONE_WIDTH - LABELS_X, TEXT, max_lines=MAX_MARK_LINES))
        for stretch in labelled_stretches
    ]
    heights = sum(_compute_label_height(lines) for _mark, lines in tick_lines) + sum(
        _compute_label_height(lines) for _stretch, lines in stretch_lines
    )
    length = max(MIN_TIMELINE_LENGTH, heights + 60)
    scale = LinearScale(timeline.first, timeline.last, 4, length - 12)
    blocks = [_build_block(stretch, scale, length, has_label=False) for stretch in timeline.stretches]
    side_labels: list[tuple[float, Mark | None, Sequence[str]]] = [
        (scale(mark.first), mark, lines) for mark, lines in tick_lines
    ]
    side_labels += [(scale((stretch.start + stretch.end) / 2), None, lines) for stretch, lines in stretch_lines]
    labels = _place_side_labels(sorted(side_labels, key=itemgetter(0)), length)
    labels += _build_bracket_labels(
        sorted((mark for mark in timeline.marks if mark.is_bracket), key=attrgetter("first")), scale
    )
    height = max([length, *(label.y + LINE * len(label.lines) for label in labels)])
    # A year is left out if a bracket's text is on its line: that text has a date.
    brackets = [label for label in labels if label.is_bracket]
    years = [
        (year_y, "" if any(_covers_year_line(label, year_y) for label in brackets) else year)
        for year_y, year in _build_year_ticks(timeline, scale)
    ]
    return TimelineLayout(PHONE_WIDTH, height, UPRIGHT_X, blocks, labels, years)


def _covers_year_line(label: Label, year_y: float) -> bool:
    """Return whether a label's text overlaps the line of a year."""
    return label.y - LINE < year_y + LINE and year_y < label.y + LINE * len(label.lines)


def _build_bracket_labels(marks: Sequence[Mark], scale: LinearScale) -> list[Label]:
    """Build labels before their brackets, one below the other. A date that is too long joins the text."""
    labels: list[Label] = []
    top = 0.0
    for mark in marks:
        date_fits = measure_text(mark.date, DATE, bold=True) <= BRACKET_TEXT_WIDTH
        shown_mark = mark if date_fits else replace(mark, date="", words=f"{mark.date}, {mark.words}")
        lines = _wrap_mark_lines(shown_mark, BRACKET_TEXT_WIDTH, MAX_MARK_LINES if date_fits else 2 * MAX_MARK_LINES)
        middle = (scale(mark.first) + scale(mark.last)) / 2 - len(lines) * LINE / 2
        y = max(middle, top + 12)
        labels.append(_build_mark_label(shown_mark, scale, UPRIGHT_X - 16, y, True, UPRIGHT_X - 10, lines))
        top = y + LINE * len(lines)
    return labels


def _compute_label_height(lines: Sequence[str]) -> float:
    return LINE * (len(lines) + 1) + TIMELINE_LABEL_GAP


def _place_side_labels(
    desired_labels: Sequence[tuple[float, Mark | None, Sequence[str]]], length: float
) -> list[Label]:
    """Place labels as near to their marks as possible without overlap: push them down first, then up from the end."""
    tops: list[float] = []
    for mark_y, mark, lines in desired_labels:
        top = mark_y - LINE if mark else mark_y - LINE * len(lines) / 2
        tops.append(max(top, tops[-1] + _compute_label_height(desired_labels[len(tops) - 1][2]) if tops else 0))
    low = length
    for n in range(len(tops) - 1, -1, -1):
        tops[n] = min(tops[n], low - _compute_label_height(desired_labels[n][2]))
        low = tops[n]
    return [
        Label(mark_y, mark_y, LABELS_X, top + LINE - 2, False, LABELS_X - 4, mark.date if mark else "", lines, False)
        for (mark_y, mark, lines), top in zip(desired_labels, tops, strict=True)
    ]


def _build_block(stretch: Stretch, scale: LinearScale, width: float, *, has_label: bool = True) -> Block:
    """Build a block of at least three pixels, with its label if it fits."""
    start = scale(stretch.start)
    length = max(scale(stretch.end) - start, 3)
    inner_label = stretch.label if has_label and stretch.certainty == "all" and _label_fits(stretch, scale) else ""
    return Block(start, min(length, width - start), stretch.certainty, inner_label)


def _label_fits(stretch: Stretch, scale: LinearScale) -> bool:
    return measure_text(stretch.label, DATE, bold=True) + 16 <= scale(stretch.end) - scale(stretch.start)


def _build_stretch_mark(stretch: Stretch) -> Mark:
    """Build a mark with the label of a stretch that is shorter than its text, below its middle."""
    middle = (stretch.start + stretch.end) // 2
    return Mark(middle, middle, "", stretch.label)


def _build_year_ticks(timeline: Timeline, scale: LinearScale) -> list[tuple[float, str]]:
    first, last = date.fromordinal(timeline.first).year, date.fromordinal(timeline.last).year
    step = next(step for step in (1, 2, 5, 10, 20, 50) if (last - first) / step < MAX_YEARS or step == 50)
    years = [year for year in range(first, last + 1) if year % step == 0]
    firsts = [(date(year, 1, 1).toordinal(), str(year)) for year in years]
    return [(scale(day), year) for day, year in firsts if timeline.first <= day <= timeline.last]


def _wrap_horizontal_lines(mark: Mark) -> list[str]:
    """Wrap a mark's text: one line below a date, or two shorter ones without a date."""
    return _wrap_mark_lines(mark, MAX_LINE_WIDTH, 1) if mark.date else _wrap_mark_lines(mark, MAX_LINE_WIDTH / 2, 2)


def _wrap_mark_lines(mark: Mark, width: float, max_lines: int) -> list[str]:
    return wrap_text(mark.words, width, TEXT, max_lines=max_lines) if mark.words.strip() else []
