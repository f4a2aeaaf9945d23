"""The groups of a count: bars on one scale, or, of days, weeks and months, columns where their time is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.web.charts.text import Linear, ticks, width_of, wrapped

WIDE_FROM = 600  # units: a narrower drawing has its labels above the bars
LABELS, WIDE_START = 236, 250  # of wide bars: the width of the labels, and where the bars begin
LABEL, NUMBER, AXIS = 13, 15, 12  # sizes of type
LINE, MOST_LINES = 17, 2  # of a label: the table has it whole
BAR, WIDE_ROW, NARROW_ROW, TO_NUMBER = 16, 30, 46, 7
MOST_BARS = 24  # of the largest groups: more are read in a table
# Columns: the height of the plot, the room for the numbers of the axis, above the plot and below it.
HEIGHT, PHONE_HEIGHT, AXIS_ROOM, ABOVE, BELOW = 260, 180, 40, 26, 24
MOST_COLUMNS = 1_100  # as many as there are pixels: three years by days
GAP = 2  # between columns that have room for it
LOOKS = ("is-1", "is-3", "is-open")


@dataclass(frozen=True)
class Group:
    """A group. `parts`: how many are verified, contested and only reported; `at`: of a time, which one it is, in
    steps of its unit."""

    label: str
    parts: tuple[int, int, int]
    list: str | None = None
    at: int | None = None

    @property
    def number(self) -> int:
        return sum(self.parts)


@dataclass(frozen=True)
class Segment:
    """A part of a bar or of a column."""

    look: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A line of a label."""

    y: float
    text: str


@dataclass(frozen=True)
class Row:
    """A bar with its label, and where its number begins."""

    group: Group
    label: list[Line]
    segments: list[Segment]
    number: str
    number_x: float
    number_y: float


@dataclass(frozen=True)
class Bars:
    """Where each mark stands."""

    width: float
    height: float
    rows: list[Row]
    left_out: int


@dataclass(frozen=True)
class Tick:
    """A number at the axis of numbers, or a time at that of time."""

    at: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class Columns:
    """Where each mark stands."""

    width: float
    height: float
    left: float
    zero: float
    segments: list[Segment]
    numbers: list[Tick]
    times: list[Tick]


def lay_out_bars(groups: Sequence[Group], number: Callable[[int], str], width: float) -> Bars:
    """The largest groups, in the order given."""
    wide = width >= WIDE_FROM
    largest = sorted(groups, key=lambda group: -group.number)[:MOST_BARS]
    shown = [group for group in groups if group in largest][:MOST_BARS]
    after = max((width_of(number(group.number), NUMBER, bold=True) for group in shown), default=0)
    high = max((group.number for group in shown), default=0)
    scale = Linear(0, high or 1, WIDE_START if wide else 0, width - TO_NUMBER - after - 2)
    rows, y = [], 0.0
    for group in shown:
        texts = wrapped(group.label, LABELS if wide else width, LABEL, most=MOST_LINES)
        beneath = LINE * (len(texts) - 1)
        top = y + (7 if wide else 22 + beneath)
        first = top + 12.5 if wide else y + 15
        segments = _lying(group, scale, top)
        end = scale(group.number)
        label = [Line(first + LINE * at, text) for at, text in enumerate(texts)]
        rows.append(Row(group, label, segments, number(group.number), end + TO_NUMBER, top + 13))
        y += (WIDE_ROW if wide else NARROW_ROW) + beneath
    return Bars(width, y + 2, rows, len(groups) - len(shown))


def _lying(group: Group, scale: Linear, top: float) -> list[Segment]:
    segments, begun = [], 0
    for look, part in zip(LOOKS, group.parts, strict=True):
        if part:
            start, end = scale(begun), scale(begun + part)
            segments.append(Segment(look, start, top, max(end - start, 1), BAR))
        begun += part
    return segments


def lay_out_columns(
    groups: Sequence[Group], number: Callable[[int], str], told: Callable[[int], str], width: float
) -> Columns:
    """Groups of times. `told`: what a time is called, by its number in steps."""
    times = [group.at for group in groups if group.at is not None]
    first, last = min(times), max(times)
    high = max(group.number for group in groups if group.at is not None)
    marks = ticks(high)
    height = HEIGHT if width >= WIDE_FROM else PHONE_HEIGHT
    across = Linear(first, last + 1, AXIS_ROOM, width)
    up = Linear(0, marks[-1], ABOVE + height, ABOVE)
    step = (width - AXIS_ROOM) / (last + 1 - first)
    gap = GAP if step > 3 * GAP else 0
    segments = []
    for group in groups:
        if group.at is None:
            continue
        begun = 0
        for look, part in zip(LOOKS, group.parts, strict=True):
            if part:
                low, top = up(begun), up(begun + part)
                segments.append(Segment(look, across(group.at) + gap / 2, top, max(step - gap, 1), low - top))
            begun += part
    return Columns(
        width=width,
        height=ABOVE + height + BELOW,
        left=AXIS_ROOM,
        zero=up(0),
        segments=segments,
        numbers=[Tick(up(mark), number(mark)) for mark in marks],
        times=_times(first, last, told, across, step, width),
    )


def _times(
    first: int, last: int, told: Callable[[int], str], across: Linear, step: float, width: float
) -> list[Tick]:  # fmt: skip
    """The times that have room for their names, evenly apart, the first among them."""
    room = max(width_of(told(at), AXIS) for at in (first, last)) + 14
    apart = max(1, -(-room // step))
    placed = []
    for at in range(first, last + 1, int(apart)):
        text, x = told(at), across(at) + step / 2
        half = width_of(text, AXIS) / 2
        placed.append(Tick(min(max(x, half), width - half), text, "middle"))
    if len(placed) > 1 and placed[-1].at - placed[-2].at < room:  # pushed back from the edge
        placed.pop()
    return placed
