"""Draw one or two days by the hour: verified counts as lines, published figures, and claims as wide as the
uncertainty of their hour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from app.web.charts.marks import (
    END,
    MIDDLE,
    START,
    Box,
    Canvas,
    Circle,
    Run,
    draw_steps,
    measure_line_height,
    measure_lines_height,
    measure_lines_width,
)
from app.web.charts.text import LinearScale, choose_ticks, flow_labels, measure_text, wrap_text
from app.web.figure import PHONE_WIDTH, SEVEN_COLUMNS_WIDTH

SIZE, AXIS_SIZE = 13, 12  # font sizes, px
MAX_VALUE_TICKS = 4
TOP = 14.0  # px, margin above the drawing
CLAIM_BAR_HEIGHT = 11  # px
CHEVRONS, CHEVRONS_HEIGHT = 3, 9  # above a claim off the scale: their number, and height in px
ROW_GAP = 7  # px between two rows of claims off the scale, and between labels side by side
MIN_WORDS_WIDTH = 120  # px of a claim's text, even if its bar is narrower
MAX_NAME_LINES = 4  # of a name; the table has all of it
NAME_WIDTH = 150  # px of a name inside a narrow plot
HOUR_HALF_WIDTH = 6  # px on each side of a known hour
MAX_SCALE_RATIO = 1.6  # times the highest line: a claim beyond it would flatten all lines

Lines = list[list[Run]]


@dataclass(frozen=True)
class Line:
    """The verified count of a source. `steps`: (moment, value) of each change; `style`: one of the three line
    styles."""

    style: int
    name: str
    short_name: str
    steps: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class HourlyPublishedValue:
    """A figure published by a source. `hour_text`: its hour in words; `start`, `end`: equal for a known hour,
    otherwise the whole day."""

    style: int
    value: int
    number: str
    hour_text: str
    start: float
    end: float


@dataclass(frozen=True)
class HourlyClaim:
    """A claim of those days. `off_scale_note`: the remark on a claim above the scale."""

    value: int
    number: str
    claimant: str
    off_scale_note: str
    start: float
    end: float
    address: str
    link_name: str


@dataclass(frozen=True)
class HoursChart:
    """Data of the chart. Moments are days with the hour as a fraction; `days`: names of the days; `format_hour`,
    `format_number`: formatters of an hour of the day and of a number."""

    first: float
    days: tuple[str, ...]
    format_hour: Callable[[int], str]
    format_number: Callable[[int], str]
    lines: tuple[Line, ...]
    published_values: tuple[HourlyPublishedValue, ...]
    claims: tuple[HourlyClaim, ...]


@dataclass(frozen=True)
class Frame:
    """Measures of a drawing, in px. The plot is between `left` and `right`; the rest of the width is a column for
    names if it is wide enough."""

    width: float
    left: float
    right: float
    plot_height: float
    id_prefix: str

    @property
    def has_column(self) -> bool:
        return self.width - self.right > self.left


WIDE = Frame(SEVEN_COLUMNS_WIDTH, 36, 500, 190, "w")
NARROW = Frame(PHONE_WIDTH, 30, 322, 190, "n")


@dataclass(frozen=True)
class OffScaleClaim:
    """A claim above the plot: its bar from `left` to `right`, and its text from `x` in the direction of `anchor`."""

    lines: Lines
    left: float
    right: float
    x: float
    anchor: str

    @property
    def reach(self) -> tuple[float, float]:
        """The horizontal extent of the bar with its text."""
        width = measure_lines_width(self.lines)
        start, end = (self.x, self.x + width) if self.anchor == START else (self.x - width, self.x)
        return min(start, self.left), max(end, self.right)


def draw_hours_chart(chart: HoursChart, frame: Frame, prefix: str) -> Canvas:
    """Draw the chart. A claim on the scale whose text finds no room is left to the table."""
    highest = max(
        [value for line in chart.lines for _moment, value in line.steps]
        + [figure.value for figure in chart.published_values] + [1]
    )  # fmt: skip
    claims_on_scale = [claim for claim in chart.claims if claim.value <= highest * MAX_SCALE_RATIO]
    high = max([highest] + [claim.value for claim in claims_on_scale])
    axis = max(measure_text(chart.format_number(value), AXIS_SIZE) for value in choose_ticks(high, MAX_VALUE_TICKS))
    frame = replace(frame, left=max(frame.left, axis + 10))
    x = LinearScale(chart.first, chart.first + len(chart.days), frame.left, frame.right)
    rows = _arrange_off_scale_rows([claim for claim in chart.claims if claim not in claims_on_scale], x, frame)
    heights = [
        CHEVRONS_HEIGHT
        + CLAIM_BAR_HEIGHT
        + max(measure_lines_height(placed_claim.lines) for placed_claim in row)
        + ROW_GAP
        for row in rows
    ]
    words_above = max(
        [12.0, *(measure_lines_height(_build_claim_lines(claim, x)) + CLAIM_BAR_HEIGHT for claim in claims_on_scale)]
    )
    top = TOP + sum(heights) + words_above
    y = LinearScale(0, high, top + frame.plot_height, top)
    canvas = Canvas(frame.width, y(0) + 44)
    _draw_axes(canvas, chart, frame, x, y)
    for number, row in enumerate(rows):
        for placed_claim in row:
            _draw_off_scale_claim(canvas, placed_claim, TOP + sum(heights[:number]) + CHEVRONS_HEIGHT, prefix)
    for line in sorted(chart.lines, key=lambda line: -line.style):
        draw_steps(canvas, line.steps, x, y, frame.right, f"line-{line.style}")
    (_draw_names_in_column if frame.has_column else _draw_names_in_plot)(canvas, chart.lines, y, frame)
    for claim in sorted(claims_on_scale, key=lambda claim: -claim.value):
        _draw_claim_on_scale(canvas, claim, x, y, prefix)
    _draw_hourly_values(canvas, chart.published_values, x, y)
    return canvas


def _draw_axes(canvas: Canvas, chart: HoursChart, frame: Frame, x: LinearScale, y: LinearScale) -> None:
    base = y(0)
    canvas.occupied_boxes.append(Box(0, base + 4, canvas.width, canvas.height))
    for value in [value for value in choose_ticks(y.high, MAX_VALUE_TICKS) if value <= y.high]:
        canvas.add_path(f"M{frame.left:.1f} {y(value):.1f}H{frame.right:.1f}", "grid" if value else "zero")
        canvas.add_text(
            frame.left - 8, y(value) + 4, Run(chart.format_number(value), size=AXIS_SIZE), anchor=END, kind="axis"
        )
        canvas.occupied_boxes.append(Box(0, y(value) - 6, frame.left - 8, y(value) + 5))
    for number, name in enumerate(chart.days):
        day = chart.first + number
        for hour in (0, 12):
            _draw_tick(canvas, x(day + hour / 24), base, chart.format_hour(hour))
        if number:
            canvas.add_path(f"M{x(day):.1f} {y(y.high):.1f}V{base:.1f}", "grid")
        canvas.add_text(x(day + 0.5), base + 37, Run(name, "strong", bold=True), anchor=MIDDLE)
    _draw_tick(canvas, x(chart.first + len(chart.days)), base, chart.format_hour(24))


def _draw_tick(canvas: Canvas, x: float, base: float, text: str) -> None:
    canvas.add_path(f"M{x:.1f} {base:.1f}v5", "zero")
    label = Run(text, size=AXIS_SIZE)
    canvas.add_text(min(x, canvas.width - label.width / 2), base + 18, label, anchor=MIDDLE, kind="axis")


def _compute_span(claim: HourlyClaim, x: LinearScale) -> tuple[float, float]:
    """Return the left and right end of a claim's bar."""
    start_x, end_x = x(claim.start), x(claim.end)
    return (start_x - HOUR_HALF_WIDTH, end_x + HOUR_HALF_WIDTH) if start_x == end_x else (start_x + 1, end_x - 1)


def _build_number_run(claim: HourlyClaim) -> Run:
    return Run(claim.number, "claim-text strong", claim.address, claim.link_name, bold=True)


def _wrap_claim_text(text: str, max_width: float) -> Lines:
    return [[Run(line, "claim-text")] for line in wrap_text(text, max_width, SIZE, max_lines=MAX_NAME_LINES)]


def _arrange_off_scale_rows(claims: Sequence[HourlyClaim], x: LinearScale, frame: Frame) -> list[list[OffScaleClaim]]:
    """Arrange claims above the scale in rows, the highest first; claims share a row if neither bars nor texts
    touch."""
    rows: list[list[OffScaleClaim]] = []
    for claim in sorted(claims, key=lambda claim: -claim.value):
        placed_claim = _place_off_scale_claim(claim, x, frame)
        start_x, end_x = placed_claim.reach
        free_row = next(
            (row for row in rows if all(start_x >= other.reach[1] or end_x <= other.reach[0] for other in row)), None
        )  # fmt: skip
        if free_row is None:
            rows.append([placed_claim])
        else:
            free_row.append(placed_claim)
    return rows


def _place_off_scale_claim(claim: HourlyClaim, x: LinearScale, frame: Frame) -> OffScaleClaim:
    left, right = _compute_span(claim, x)
    number = _build_number_run(claim)
    max_width = max(right - left, MIN_WORDS_WIDTH, number.width)
    first_line = [number, Run(f": {claim.off_scale_note}", "claim-text")]
    first_lines = (
        [first_line]
        if measure_lines_width([first_line]) <= max_width
        else [[number], *_wrap_claim_text(claim.off_scale_note, max_width)]
    )
    lines = [*first_lines, *_wrap_claim_text(claim.claimant, max_width)]
    if left + measure_lines_width(lines) <= frame.width:
        return OffScaleClaim(lines, left, right, max(left, 0), START)
    return OffScaleClaim(lines, left, right, min(right, frame.width), END)


def _draw_hatched_bar(canvas: Canvas, left: float, right: float, top: float, prefix: str) -> None:
    canvas.add_path(
        f"M{left:.1f} {top:.1f}H{right:.1f}v{CLAIM_BAR_HEIGHT}H{left:.1f}Z", "hatched", fill=f"{prefix}-hatch"
    )
    canvas.occupied_boxes.append(Box(left, top, right, top + CLAIM_BAR_HEIGHT))


def _draw_off_scale_claim(canvas: Canvas, claim: OffScaleClaim, top: float, prefix: str) -> None:
    """Draw a hatched bar that is open above, under chevrons."""
    left, right = claim.left, claim.right
    _draw_hatched_bar(canvas, left, right, top, prefix)
    canvas.add_path(f"M{left:.1f} {top:.1f}v{CLAIM_BAR_HEIGHT}H{right:.1f}v-{CLAIM_BAR_HEIGHT}", "claim")
    places = range(1, CHEVRONS + 1) if right - left > 2 * HOUR_HALF_WIDTH else (2,)
    for place in places:
        chevron_x = left + (right - left) * place / (CHEVRONS + 1)
        canvas.add_path(f"M{chevron_x - 5:.1f} {top - 3:.1f}l5 -6l5 6", "claim")
    canvas.place_text_block(claim.lines, [(claim.x, top + CLAIM_BAR_HEIGHT, claim.anchor)])


def _build_claim_lines(claim: HourlyClaim, x: LinearScale) -> Lines:
    """Return the text of a claim on the scale: one line if its bar is long enough, otherwise the name below the
    number."""
    left, right = _compute_span(claim, x)
    number = _build_number_run(claim)
    max_width = max(right - left, MIN_WORDS_WIDTH)
    line = [number, Run(f", {claim.claimant}", "claim-text")]
    return (
        [line] if measure_lines_width([line]) <= max_width else [[number], *_wrap_claim_text(claim.claimant, max_width)]
    )


def _draw_claim_on_scale(canvas: Canvas, claim: HourlyClaim, x: LinearScale, y: LinearScale, prefix: str) -> None:
    left, right = _compute_span(claim, x)
    top = y(claim.value) - CLAIM_BAR_HEIGHT / 2
    sides = ((left, START), (right, END), ((left + right) / 2, MIDDLE))
    for lines in (_build_claim_lines(claim, x), [[_build_number_run(claim)]]):
        height = measure_lines_height(lines)
        tops = (top - height - 1, top + CLAIM_BAR_HEIGHT + 1, top - height - 12, top + CLAIM_BAR_HEIGHT + 12)
        if canvas.place_text_block(
            lines, [(label_x, label_top, anchor) for label_top, (label_x, anchor) in product(tops, sides)]
        ):
            break
    else:
        return
    _draw_hatched_bar(canvas, left, right, top, prefix)
    canvas.add_path(f"M{left:.1f} {top:.1f}H{right:.1f}v{CLAIM_BAR_HEIGHT}H{left:.1f}Z", "claim")


# Offsets (x, y, anchor) tried for a published figure's label, from the centre of its mark: nearest first.
LABEL_SHIFTS = ((-6.0, -21.0, END), (6.0, 5.0, START), (0.0, -24.0, MIDDLE), (-6.0, 4.0, END), (6.0, -21.0, START))
EXTRA_DROPS = (0.0, -14.0, 16.0, 30.0, 46.0)


def _draw_hourly_values(
    canvas: Canvas, published_values: Sequence[HourlyPublishedValue], x: LinearScale, y: LinearScale
) -> None:
    for figure in published_values:
        start_x, end_x, value_y = x(figure.start), x(figure.end), y(figure.value)
        if figure.start == figure.end:
            canvas.circles.append(Circle(start_x, value_y, 4, f"dot-{figure.style}"))
            canvas.occupied_boxes.append(Box(start_x - 5, value_y - 5, start_x + 5, value_y + 5))
        else:
            canvas.add_path(f"M{start_x + 1:.1f} {value_y:.1f}H{end_x - 1:.1f}", f"day-{figure.style}")
            canvas.occupied_boxes.append(Box(start_x, value_y - 3, end_x, value_y + 3))
    for figure in published_values:
        middle, value_y = (x(figure.start) + x(figure.end)) / 2, y(figure.value)
        number = Run(figure.number, f"ink-{figure.style} strong", bold=True)
        places = [
            (middle + shift_x, value_y + shift_y + drop, anchor)
            for drop in EXTRA_DROPS
            for shift_x, shift_y, anchor in LABEL_SHIFTS
        ]
        if not canvas.place_text_block([[number, Run(f" {figure.hour_text}", f"ink-{figure.style}")]], places):
            canvas.place_text_block([[number]], places)


def _wrap_line_name(line: Line, text: str, max_width: float) -> Lines:
    parts = wrap_text(text, max_width, SIZE, max_lines=MAX_NAME_LINES, bold=True)
    return [[Run(part, f"ink-{line.style} strong", bold=True)] for part in parts]


def _draw_names_in_column(canvas: Canvas, lines: Sequence[Line], y: LinearScale, frame: Frame) -> None:
    """Label each line at its end, in a separate column."""
    sorted_lines = sorted(lines, key=lambda line: -line.steps[-1][1])
    names = [_wrap_line_name(line, line.name, frame.width - frame.right - 8) for line in sorted_lines]
    sizes = [measure_lines_height(name) for name in names]
    desired_tops = [y(line.steps[-1][1]) - size / 2 for line, size in zip(sorted_lines, sizes, strict=True)]
    for place, name in zip(flow_labels(desired_tops, sizes, 2, y(y.high) - 12, y(0)), names, strict=True):
        for number, run in enumerate(name):
            canvas.add_text(frame.right + 6, place + measure_line_height(run) * (number + 0.8), *run)
        canvas.occupied_boxes.append(Box(frame.right + 6, place, frame.width, place + measure_lines_height(name)))


def _draw_names_in_plot(canvas: Canvas, lines: Sequence[Line], y: LinearScale, frame: Frame) -> None:
    """Write all names in one free place, the highest line's first; below the axis if there is none."""
    sorted_lines = sorted(lines, key=lambda line: -line.steps[-1][1])
    names = [name for line in sorted_lines for name in _wrap_line_name(line, line.short_name, NAME_WIDTH)]
    if not names:
        return
    lowest_top = y(sorted_lines[-1].steps[-1][1]) + 10
    if canvas.place_text_block(names, [(frame.right, lowest_top + drop, END) for drop in (0, 10, 20, 34)]):
        return
    top = canvas.height
    canvas.height += measure_lines_height(names) + 4
    canvas.place_text_block(names, [(frame.right, top, END)])
