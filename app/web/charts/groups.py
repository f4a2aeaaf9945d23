"""Lay out the groups of a count: bars on one scale, or columns on a time axis for days, weeks and months."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.web.charts.text import LinearScale, choose_ticks, measure_text, wrap_text

MIN_WIDE_BARS_WIDTH = 600  # px; a narrower drawing has its labels above the bars
LABELS, WIDE_START = 236, 250  # px in wide drawings: width of labels, beginning of bars
LABEL, NUMBER, AXIS = 13, 15, 12  # font sizes, px
LINE, MAX_LABEL_LINES = 17, 2  # of a label; the table has all of it
BAR, WIDE_ROW, NARROW_ROW, TO_NUMBER = 16, 30, 46, 7
MAX_BARS = 24  # the table has all groups
# Columns, px: height of the plot, width of the number axis, margins above and below the plot.
HEIGHT, PHONE_HEIGHT, AXIS_WIDTH, PLOT_TOP_MARGIN, PLOT_BOTTOM_MARGIN = 260, 180, 40, 26, 24
MAX_TIME_COLUMNS = 1_100  # about one per pixel: three years of days
GAP = 2  # px between columns, if they have room
LOOKS = ("is-1", "is-3", "is-open")


@dataclass(frozen=True)
class Group:
    """A group. `parts`: numbers verified, contested and only reported; `time_step`: the position on the time axis, in
    steps of its unit."""

    label: str
    parts: tuple[int, int, int]
    list_address: str | None = None
    time_step: int | None = None

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
    """A bar with its label, and the beginning of its number."""

    group: Group
    label: list[Line]
    segments: list[Segment]
    number: str
    number_x: float
    number_y: float


@dataclass(frozen=True)
class GroupBars:
    """Placed bars. `omitted_count`: groups that are not drawn."""

    width: float
    height: float
    rows: list[Row]
    omitted_count: int


@dataclass(frozen=True)
class Tick:
    """A label of the number axis or of the time axis."""

    position: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class GroupColumns:
    """Placed columns with both axes."""

    width: float
    height: float
    left: float
    zero: float
    segments: list[Segment]
    numbers: list[Tick]
    times: list[Tick]


def lay_out_group_bars(groups: Sequence[Group], format_number: Callable[[int], str], width: float) -> GroupBars:
    """Lay out the first `MAX_BARS` groups, in their order."""
    is_wide = width >= MIN_WIDE_BARS_WIDTH
    largest = sorted(groups, key=lambda group: -group.number)[:MAX_BARS]
    shown_groups = [group for group in groups if group in largest][:MAX_BARS]
    number_width = max(
        (measure_text(format_number(group.number), NUMBER, bold=True) for group in shown_groups), default=0
    )
    high = max((group.number for group in shown_groups), default=0)
    scale = LinearScale(0, high or 1, WIDE_START if is_wide else 0, width - TO_NUMBER - number_width - 2)
    rows, y = [], 0.0
    for group in shown_groups:
        texts = wrap_text(group.label, LABELS if is_wide else width, LABEL, max_lines=MAX_LABEL_LINES)
        beneath = LINE * (len(texts) - 1)
        top = y + (7 if is_wide else 22 + beneath)
        first = top + 12.5 if is_wide else y + 15
        segments = _build_bar_segments(group, scale, top)
        end = scale(group.number)
        label = [Line(first + LINE * index, text) for index, text in enumerate(texts)]
        rows.append(Row(group, label, segments, format_number(group.number), end + TO_NUMBER, top + 13))
        y += (WIDE_ROW if is_wide else NARROW_ROW) + beneath
    return GroupBars(width, y + 2, rows, len(groups) - len(shown_groups))


def _build_bar_segments(group: Group, scale: LinearScale, top: float) -> list[Segment]:
    segments, offset = [], 0
    for look, part in zip(LOOKS, group.parts, strict=True):
        if part:
            start, end = scale(offset), scale(offset + part)
            segments.append(Segment(look, start, top, max(end - start, 1), BAR))
        offset += part
    return segments


def lay_out_group_columns(
    groups: Sequence[Group], format_number: Callable[[int], str], format_time: Callable[[int], str], width: float
) -> GroupColumns:
    """Lay out groups on a time axis. `format_time`: formats a number of steps as a time."""
    times = [group.time_step for group in groups if group.time_step is not None]
    first, last = min(times), max(times)
    high = max(group.number for group in groups if group.time_step is not None)
    marks = choose_ticks(high)
    height = HEIGHT if width >= MIN_WIDE_BARS_WIDTH else PHONE_HEIGHT
    time_scale = LinearScale(first, last + 1, AXIS_WIDTH, width)
    number_scale = LinearScale(0, marks[-1], PLOT_TOP_MARGIN + height, PLOT_TOP_MARGIN)
    step = (width - AXIS_WIDTH) / (last + 1 - first)
    gap = GAP if step > 3 * GAP else 0
    segments = []
    for group in groups:
        if group.time_step is None:
            continue
        offset = 0
        for look, part in zip(LOOKS, group.parts, strict=True):
            if part:
                low, top = number_scale(offset), number_scale(offset + part)
                segments.append(
                    Segment(look, time_scale(group.time_step) + gap / 2, top, max(step - gap, 1), low - top)
                )
            offset += part
    return GroupColumns(
        width=width,
        height=PLOT_TOP_MARGIN + height + PLOT_BOTTOM_MARGIN,
        left=AXIS_WIDTH,
        zero=number_scale(0),
        segments=segments,
        numbers=[Tick(number_scale(mark), format_number(mark)) for mark in marks],
        times=_place_time_labels(first, last, format_time, time_scale, step, width),
    )


def _place_time_labels(
    first: int, last: int, format_time: Callable[[int], str], time_scale: LinearScale, step: float, width: float
) -> list[Tick]:  # fmt: skip
    """Place evenly spaced time labels, the first time among them."""
    label_space = max(measure_text(format_time(time_step), AXIS) for time_step in (first, last)) + 14
    stride = max(1, -(-label_space // step))
    labels = []
    for time_step in range(first, last + 1, int(stride)):
        text, x = format_time(time_step), time_scale(time_step) + step / 2
        half_width = measure_text(text, AXIS) / 2
        labels.append(Tick(min(max(x, half_width), width - half_width), text, "middle"))
    if len(labels) > 1 and labels[-1].position - labels[-2].position < label_space:  # the edge pushed it back
        labels.pop()
    return labels
