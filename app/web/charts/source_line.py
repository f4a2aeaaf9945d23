"""Lay out what one source verified over time, and the figures that it published itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.web.charts.text import LinearScale, choose_day_ticks, choose_ticks, measure_text

TOP, BOTTOM, LABEL, NUMBER = 30.0, 28.0, 12, 15  # px: margins, and two font sizes
DAY_LABEL_WIDTH = 48  # px, after its tick
MAX_LABELS = 8  # the table has all
LABEL_DISTANCE, LABEL_HEIGHT, TO_LABEL = 8, 16, 7
QUIET_TAIL_SHARE = 0.12  # share of the axis drawn after the last change


@dataclass(frozen=True)
class Point:
    """The number verified by the end of a day. `moment`: in days, with the hour as a fraction."""

    moment: float
    value: int


@dataclass(frozen=True)
class PublishedRange:
    """A published figure. `end`: the end of its day if the hour is unknown, otherwise equal to `moment`; `is_off`:
    the figure equals none of the source's verified numbers of that day."""

    moment: float
    end: float
    low: int | None
    high: int | None
    text: str
    address: str
    is_off: bool


@dataclass(frozen=True)
class Mark:
    """A placed figure, from `low` to `high`; `opens`: the direction in which it has no bound."""

    x: float
    end: float
    low: float
    high: float
    opens: int
    is_hollow: bool


@dataclass(frozen=True)
class Label:
    """A number next to its mark."""

    x: float
    y: float
    width: float
    text: str
    address: str

    def touches(self, other: "Label") -> bool:
        has_horizontal_gap = (
            self.x > other.x + other.width + LABEL_DISTANCE or other.x > self.x + self.width + LABEL_DISTANCE
        )
        return not has_horizontal_gap and abs(self.y - other.y) < LABEL_HEIGHT


@dataclass(frozen=True)
class SourceLine:
    """A laid out drawing. `days`, `numbers`: ticks of both axes."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    path: str
    last: tuple[float, float, int]
    days: Sequence[tuple[float, date]]
    numbers: Sequence[tuple[float, int]]
    marks: Sequence[Mark]
    labels: Sequence[Label]


def lay_out_source_line(
    points: Sequence[Point], published_ranges: Sequence[PublishedRange], width: float, height: float, max_day_ticks: int
) -> SourceLine:
    """Lay out the drawing. The line is level until the end of the day of a change."""
    top = max([point.value for point in points] + [figure.low or figure.high or 0 for figure in published_ranges])
    scale_ticks = choose_ticks(top)
    left = max(measure_text(f"{number:,}", LABEL) for number in scale_ticks) + 8
    right = width - measure_text(f"{points[-1].value:,}", NUMBER, bold=True) - TO_LABEL
    begin, end = points[0].moment - 1, find_line_end(points, published_ranges)
    x, y = LinearScale(begin, end, left, right), LinearScale(0, scale_ticks[-1], height - BOTTOM, TOP)
    path = f"M{x(begin):.1f} {y(0):.1f}"
    for point in points:
        if point.moment <= end:
            path += f"H{x(point.moment):.1f}V{y(point.value):.1f}"
    path += f"H{right:.1f}"
    marks = [_place_mark(figure, x, y) for figure in published_ranges]
    days = [(x(day.toordinal()), day) for day in choose_day_ticks(begin, end, max_day_ticks)]
    return SourceLine(
        width=width,
        height=height,
        left=left,
        right=right,
        bottom=y(0),
        path=path,
        last=(right, y(points[-1].value), points[-1].value),
        days=[(tick_x, day) for tick_x, day in days if tick_x + DAY_LABEL_WIDTH <= width],
        numbers=[(y(number), number) for number in scale_ticks],
        marks=marks,
        labels=_place_range_labels(published_ranges, marks, left),
    )


def find_line_end(points: Sequence[Point], published_ranges: Sequence[PublishedRange]) -> float:
    """Return where the drawing ends: a little after the last change of the line or the last published figure."""
    changes = [current.moment for previous, current in pairwise(points) if current.value != previous.value]
    last = max([points[0].moment, *changes, *(figure.end for figure in published_ranges)])
    return min(points[-1].moment, last + max(2, (last - points[0].moment) * QUIET_TAIL_SHARE))


def _place_mark(figure: PublishedRange, x: LinearScale, y: LinearScale) -> Mark:
    low, high = (
        (figure.low if figure.low is not None else figure.high),
        (figure.high if figure.high is not None else figure.low),
    )
    opens = 1 if figure.high is None else -1 if figure.low is None else 0
    return Mark(x(figure.moment), x(figure.end), y(low or 0), y(high or 0), opens, is_hollow=figure.is_off)


def _place_range_labels(published_ranges: Sequence[PublishedRange], marks: Sequence[Mark], left: float) -> list[Label]:
    """Place the numbers of figures to the upper left of their marks, where a rising line leaves room. Figures off the
    line come first, then the latest; labels that would touch are left out."""
    labels: list[Label] = []
    ranked_pairs = sorted(
        zip(published_ranges, marks, strict=True), key=lambda pair: (pair[0].is_off, pair[0].moment), reverse=True
    )
    for figure, mark in ranked_pairs:
        label_width = measure_text(figure.text, LABEL)
        label = Label(mark.x - label_width - TO_LABEL, mark.high - 4, label_width, figure.text, figure.address)
        if label.x > left and not any(label.touches(other) for other in labels) and len(labels) < MAX_LABELS:
            labels.append(label)
    return labels
