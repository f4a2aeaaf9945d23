"""Drawing primitives and the data of the contested series.

A `Canvas` collects paths, circles and texts, and finds free places for labels. `draw_window_rows` draws the window of
each figure, from its beginning to its statement. Below are the chart's data classes and the measures of its drawings.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.web.charts.text import LinearScale, measure_text, wrap_text
from app.web.figure import FULL_WIDTH, PHONE_WIDTH

START, MIDDLE, END = "start", "middle", "end"
LINE_CLEARANCE = 3  # px between a line and a label
LABEL_CLEARANCE = 3  # px between two labels side by side
LINE_HEIGHT = 1.26  # times the font size
BELOW_BASE = 0.22  # share of the line height below the baseline


@dataclass(frozen=True)
class Path:
    """A line or an area. `fill`: the id of a pattern, if any."""

    d: str
    kind: str
    fill: str | None = None


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    r: float
    kind: str


@dataclass(frozen=True)
class Run:
    """A piece of a label with one style, and its optional link with its accessible name."""

    text: str
    kind: str = ""
    address: str | None = None
    link_name: str | None = None
    size: float = 13
    bold: bool = False

    @cached_property
    def width(self) -> float:
        return measure_text(self.text, self.size, bold=self.bold)


@dataclass(frozen=True)
class Text:
    """A label of one line. `x`, `y`: the anchor point on the baseline."""

    x: float
    y: float
    runs: tuple[Run, ...]
    anchor: str = START
    kind: str = ""


@dataclass(frozen=True)
class Box:
    """The bounding box of a mark."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass
class Canvas:
    """A drawing in progress: marks in painting order, and the boxes that they occupy."""

    width: float
    height: float
    paths: list[Path] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    occupied_boxes: list[Box] = field(default_factory=list)

    def add_path(self, d: str, kind: str, fill: str | None = None) -> None:
        self.paths.append(Path(d, kind, fill))

    def is_free(self, box: Box) -> bool:
        if box.left < 0 or box.top < 0 or box.right > self.width or box.bottom > self.height:
            return False
        for other in self.occupied_boxes:  # called thousands of times per drawing: a plain loop is twice as fast
            if box.left < other.right and other.left < box.right and box.top < other.bottom and other.top < box.bottom:
                return False
        return True

    def add_text(self, x: float, y: float, *runs: Run, anchor: str = START, kind: str = "") -> None:
        self.texts.append(Text(x, y, runs, anchor, kind))

    def place_text_block(self, lines: Sequence[Sequence[Run]], positions: Iterable[tuple[float, float, str]]) -> bool:
        """Write lines of text at the first free position (x, top, anchor); return False if none is free."""
        width, height = measure_lines_width(lines), measure_lines_height(lines)
        for x, top, anchor in positions:
            left = x - {START: 0.0, MIDDLE: width / 2, END: width}[anchor]
            box = Box(left, top, left + width, top + height)
            if self.is_free(box):
                line_bottom = top
                for line in lines:
                    line_bottom += measure_line_height(line)
                    self.add_text(x, line_bottom - measure_line_height(line) * BELOW_BASE, *line, anchor=anchor)
                self.occupied_boxes.append(
                    Box(left - LABEL_CLEARANCE, top, left + width + LABEL_CLEARANCE, top + height)
                )
                return True
        return False


def draw_steps(
    canvas: Canvas, steps: Sequence[tuple[float, int]], x: LinearScale, y: LinearScale, right: float, kind: str
) -> None:  # fmt: skip
    """Draw a step line. `steps`: (moment, value) of each change."""
    if not steps:
        return
    d = f"M{x(steps[0][0]):.1f} {y(steps[0][1]):.1f}"
    ends = [*(x(moment) for moment, _value in steps[1:]), right]
    for (moment, value), end in zip(steps, ends, strict=True):
        d += f"V{y(value):.1f}H{end:.1f}"
        canvas.occupied_boxes.append(
            Box(x(moment) - LINE_CLEARANCE, y(value) - LINE_CLEARANCE, end + LINE_CLEARANCE, y(value) + LINE_CLEARANCE)
        )
    canvas.add_path(d, kind)


def measure_lines_width(lines: Sequence[Sequence[Run]]) -> float:
    return max(sum(run.width for run in line) for line in lines)


def measure_lines_height(lines: Sequence[Sequence[Run]]) -> float:
    return sum(map(measure_line_height, lines))


def measure_line_height(line: Sequence[Run]) -> float:
    """Return the height of a line of text, with its spacing."""
    return max(run.size for run in line) * LINE_HEIGHT


SIZE, LINE = 13, 16  # px: font size and line height
MAX_WINDOW_LINES = 3  # of a row's text; the table has all of it
SIDE_TEXT_HEIGHT, TEXT_ABOVE_HEIGHT = 21, 37  # px of a row with its text after it, and above it
UNKNOWN_START_LENGTH = 46  # px of the dashes of a figure without a beginning
HEADING_HEIGHT = 52  # px from the axis to the first row
NARROW_GUTTER_START = 4  # px from a narrow drawing's edge to the earliest beginning
GUTTER_WIDTH = 98  # px for beginnings before the chart, in a wide drawing
TO_WORDS = 10  # px from the end of a row's line to its text

IndentedLines = list[tuple[float, list[Run]]]  # each line with its indent


@dataclass(frozen=True)
class WindowRow:
    """The window of a figure. `beginnings`: every published beginning, in order, empty if none was published;
    `stated_at`: the moment of the statement, or None if the window is still open; `figure`: the number, set in bold;
    `text`: the beginning in words."""

    figure: str
    text: str
    beginnings: tuple[float, ...]
    stated_at: float | None
    is_claim: bool = True


def draw_window_rows(
    canvas: Canvas, heading: str, rows: Sequence[WindowRow], x: LinearScale, *, is_narrow: bool
) -> None:
    """Draw the rows below the drawing, and extend its height."""
    if not rows:
        return
    top = canvas.height
    canvas.add_text(0, top + 20, Run(heading, "strong", size=SIZE, bold=True))
    earlier = _place_early_beginnings(rows, x, NARROW_GUTTER_START if is_narrow else x.start - GUTTER_WIDTH)
    row_lines = [
        _wrap_row_text(row, canvas.width if is_narrow else canvas.width - _compute_end_x(row, x) - 2 - TO_WORDS)
        for row in rows
    ]
    heights = [(TEXT_ABOVE_HEIGHT if is_narrow else SIDE_TEXT_HEIGHT) + LINE * (len(lines) - 1) for lines in row_lines]
    first = top + HEADING_HEIGHT + (8 if is_narrow else 0)
    if is_narrow:  # the text is above its line
        places = [
            first + sum(heights[: index + 1]) - heights[0] + LINE * (len(row_lines[0]) - 1)
            for index in range(len(rows))
        ]
    else:
        places = [first + sum(heights[:index]) for index in range(len(rows))]
        canvas.add_path(f"M{x.start:.1f} {top + 30:.1f}V{places[-1] + 12:.1f}", "grid")
    for row, lines, y in zip(rows, row_lines, places, strict=True):
        _draw_window_row(canvas, row, y, x, earlier)
        start, base = (
            (0.0, y - 9 - LINE * (len(lines) - 1)) if is_narrow else (_compute_end_x(row, x) + TO_WORDS, y + 4)
        )
        for index, (indent, runs) in enumerate(lines):
            canvas.add_text(start + indent, base + LINE * index, *runs, kind="second-ink" if is_narrow else "")
    canvas.height = places[-1] + 16 + (0 if is_narrow else heights[-1] - SIDE_TEXT_HEIGHT)


def _compute_end_x(row: WindowRow, x: LinearScale) -> float:
    return x.end if row.stated_at is None else x(row.stated_at)


def _wrap_row_text(row: WindowRow, max_width: float) -> IndentedLines:
    """Return the text of a row in lines: the words after the figure, or below it if little room is left."""
    figure = Run(row.figure, "claim-text strong" if row.is_claim else "strong", bold=True)
    if figure.width <= max_width / 2:
        first, *other_lines = wrap_text(row.text, max_width - figure.width, SIZE, max_lines=MAX_WINDOW_LINES)
        return [
            (0, [figure, Run(first)] if row.figure else [Run(first)]),
            *((figure.width, [Run(line)]) for line in other_lines),
        ]
    figures = wrap_text(row.figure, max_width, SIZE, max_lines=MAX_WINDOW_LINES, bold=True)
    words = wrap_text(row.text.lstrip(": "), max_width, SIZE, max_lines=MAX_WINDOW_LINES)
    return [*((0.0, [Run(line, figure.kind, bold=True)]) for line in figures), *((0.0, [Run(line)]) for line in words)]


def _place_early_beginnings(rows: Sequence[WindowRow], x: LinearScale, edge_x: float) -> dict[float, float]:
    """Return the x of beginnings before the chart's first day: in order, not to scale, the earliest at the edge."""
    earlier = sorted({beginning for row in rows for beginning in row.beginnings if beginning < x.low})
    if not earlier:
        return {}
    spacing = (x.start - edge_x) / (len(earlier) + (len(earlier) == 1))
    first = edge_x + (spacing if len(earlier) == 1 else 0)
    return {beginning: first + place * spacing for place, beginning in enumerate(earlier)}


def _draw_window_row(canvas: Canvas, row: WindowRow, y: float, x: LinearScale, earlier: dict[float, float]) -> None:
    """Draw a row's line with a tick at each beginning; an arrow marks the earliest one if it is at the edge."""
    kind, end = "claim" if row.is_claim else "line-1", _compute_end_x(row, x)
    if row.beginnings:
        places = [earlier[beginning] if beginning in earlier else x(beginning) for beginning in row.beginnings]
        canvas.add_path(f"M{places[0]:.1f} {y:.1f}H{end:.1f}", kind)
        for beginning, place in zip(row.beginnings, places, strict=True):
            is_edge = len(earlier) > 1 and beginning == min(earlier)
            arrow = f"M{place + 6:.1f} {y - 5:.1f}L{place:.1f} {y:.1f}l6 5"
            canvas.add_path(arrow if is_edge else f"M{place:.1f} {y - 5:.1f}v10", f"{kind} tick")
    else:
        start = max(end - UNKNOWN_START_LENGTH, 14)
        canvas.add_path(f"M{start:.1f} {y:.1f}H{end:.1f}", f"{kind} unsure")
        canvas.add_text(start - 12, y + 4, Run("?", "claim-text" if row.is_claim else "", bold=True))
    if row.stated_at is not None:
        canvas.circles.append(Circle(end, y, 4, "dot-claim"))


@dataclass(frozen=True)
class Line:
    """The verified count of a source. `steps`: (moment, value) of each change; `style`: one of the three line
    styles."""

    style: int
    name: str
    short_name: str
    steps: tuple[tuple[float, int], ...]
    number: str
    address: str | None
    link_name: str


@dataclass(frozen=True)
class PublishedValue:
    """A figure published by a source: at an hour, or during a whole day. `label`: only if the figure is not on the
    line."""

    style: int
    value: int
    start: float
    end: float
    label: str | None = None


@dataclass(frozen=True)
class ClaimBar:
    """A claim at the middle of its day. `verified_count`: verified on the claim's own window and hour; None if the
    two cannot be compared."""

    id: str
    day: float
    low: int | None
    high: int | None
    is_about: bool
    verified_count: int | None
    number: str
    claimant: str
    stated_on: str
    note: str
    address: str
    link_name: str

    @property
    def top(self) -> int:
        return self.high if self.high is not None else self.low or 0

    @property
    def is_open_above(self) -> bool:
        return self.high is None

    @property
    def is_open_below(self) -> bool:
        return self.low is None


@dataclass(frozen=True)
class Gap:
    """The part of a claim that no source had verified, in words."""

    bar_id: str
    number: str
    text: str
    hatch_legend: str
    address: str
    link_name: str


@dataclass(frozen=True)
class Reference:
    """The count verified by at least one source, on the window of the claims."""

    steps: tuple[tuple[float, int], ...]
    label: str
    words: str


@dataclass(frozen=True)
class ClaimsChart:
    """Data of the chart. `bars`: the most contested first; `band`: (moment, verified by three or more sources,
    verified by at least one); `event`: the day of an announcement, with its text."""

    first: float
    last: float
    ticks: tuple[tuple[float, str], ...]
    unit: str
    lines: tuple[Line, ...]
    band: tuple[tuple[float, int, int], ...]
    band_label: str
    published_values: tuple[PublishedValue, ...]
    bars: tuple[ClaimBar, ...]
    gap: Gap | None
    reference: Reference | None
    event: tuple[float, str] | None
    windows_heading: str
    list_window_rows: Callable[[Collection[str]], Sequence[WindowRow]]  # takes the ids of the drawn bars
    format_number: Callable[[int], str]  # in the reader's language


@dataclass(frozen=True)
class Frame:
    """Measures of a drawing, in px. The axis goes from `left` to `right`; `first`: x of the first day, after the
    gutter of earlier beginnings; `column_x`: beginning of the column of labels at line ends, None without one; the
    plot goes from `top` to `base`. `number_size`: the font size of a claim's figure; `text_width`: of a label;
    `id_prefix`: of the ids of patterns."""

    width: float
    left: float
    first: float
    right: float
    column_x: float | None
    top: float
    base: float
    bar_width: float
    number_size: float
    max_bars: int
    text_width: float
    id_prefix: str


WIDE = Frame(
    width=FULL_WIDTH, left=44, first=146, right=834, column_x=850, top=36, base=436,
    bar_width=13, number_size=20, max_bars=8, text_width=190, id_prefix="w",
)  # fmt: skip
NARROW = Frame(
    width=PHONE_WIDTH, left=34, first=40, right=PHONE_WIDTH, column_x=None, top=84, base=400,
    bar_width=6, number_size=17, max_bars=4, text_width=118, id_prefix="n",
)  # fmt: skip
