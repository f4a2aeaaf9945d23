"""What one source verified, as its records came in, and the figures that it published itself, at their hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.web.charts.text import Linear, day_ticks, ticks, width_of

TOP, BOTTOM, LABEL, NUMBER = 30.0, 28.0, 12, 15  # px; of type, the last two
DAY_ROOM = 48  # px of a day on the axis, which stands after its tick
MOST_LABELS = 8  # the table has all
APART, HEIGHT_OF_LABEL, TO_LABEL = 8, 16, 7
QUIET = 0.12  # of what came before: as much of the time after which nothing changed any more is drawn


@dataclass(frozen=True)
class Point:
    """What was verified by the end of a day: `at` in days, with the hour as a part of one."""

    at: float
    value: int


@dataclass(frozen=True)
class Published:
    """A published figure. `end`: of the day for which it was stated without an hour; else as `at`. `is_off`: whether
    it is none of the numbers that the source had verified on that day."""

    at: float
    end: float
    low: int | None
    high: int | None
    told: str
    address: str
    is_off: bool


@dataclass(frozen=True)
class Mark:
    """A published figure in a drawing, from `low` to `high`; `opens`: to which side it goes on without a bound."""

    x: float
    end: float
    low: float
    high: float
    opens: int
    is_hollow: bool


@dataclass(frozen=True)
class Label:
    """A number beside its mark."""

    x: float
    y: float
    width: float
    text: str
    address: str

    def touches(self, other: "Label") -> bool:
        beside = self.x > other.x + other.width + APART or other.x > self.x + self.width + APART
        return not beside and abs(self.y - other.y) < HEIGHT_OF_LABEL


@dataclass(frozen=True)
class SourceLine:
    """A drawing. `days`: ticks with their dates; `numbers`: ticks with theirs."""

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


def laid_out(
    points: Sequence[Point], published: Sequence[Published], width: float, height: float, most: int
) -> SourceLine:
    """Where everything stands. The line is level to the end of the day on which it rose. `most`: days with a tick."""
    top = max([point.value for point in points] + [figure.low or figure.high or 0 for figure in published])
    scale_ticks = ticks(top)
    left = max(width_of(f"{number:,}", LABEL) for number in scale_ticks) + 8
    right = width - width_of(f"{points[-1].value:,}", NUMBER, bold=True) - TO_LABEL
    begin, end = points[0].at - 1, drawn_until(points, published)
    x, y = Linear(begin, end, left, right), Linear(0, scale_ticks[-1], height - BOTTOM, TOP)
    path = f"M{x(begin):.1f} {y(0):.1f}"
    for point in points:
        if point.at <= end:
            path += f"H{x(point.at):.1f}V{y(point.value):.1f}"
    path += f"H{right:.1f}"
    marks = [_mark(figure, x, y) for figure in published]
    days = [(x(day.toordinal()), day) for day in day_ticks(begin, end, most)]
    return SourceLine(
        width=width,
        height=height,
        left=left,
        right=right,
        bottom=y(0),
        path=path,
        last=(right, y(points[-1].value), points[-1].value),
        days=[(at, day) for at, day in days if at + DAY_ROOM <= width],
        numbers=[(y(number), number) for number in scale_ticks],
        marks=marks,
        labels=_labels(published, marks, left),
    )


def drawn_until(points: Sequence[Point], published: Sequence[Published]) -> float:
    """Where a drawing ends: a little after the line changed for the last time, or a figure was published."""
    changes = [after.at for before, after in pairwise(points) if after.value != before.value]
    last = max([points[0].at, *changes, *(figure.end for figure in published)])
    return min(points[-1].at, last + max(2, (last - points[0].at) * QUIET))


def _mark(figure: Published, x: Linear, y: Linear) -> Mark:
    low, high = (
        (figure.low if figure.low is not None else figure.high),
        (figure.high if figure.high is not None else figure.low),
    )
    opens = 1 if figure.high is None else -1 if figure.low is None else 0
    return Mark(x(figure.at), x(figure.end), y(low or 0), y(high or 0), opens, is_hollow=figure.is_off)


def _labels(published: Sequence[Published], marks: Sequence[Mark], left: float) -> list[Label]:
    """The numbers of figures, those off the line first and then the latest, left above their marks, where a line that
    rises leaves room; none touches another."""
    labels: list[Label] = []
    ranked = sorted(zip(published, marks, strict=True), key=lambda pair: (pair[0].is_off, pair[0].at), reverse=True)
    for figure, mark in ranked:
        wide = width_of(figure.told, LABEL)
        label = Label(mark.x - wide - TO_LABEL, mark.high - 4, wide, figure.told, figure.address)
        if label.x > left and not any(label.touches(other) for other in labels) and len(labels) < MOST_LABELS:
            labels.append(label)
    return labels
