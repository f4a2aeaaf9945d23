"""One or two days by the hour: lines as they grew, the figures that were published on the way, and the claims of those
days, each as wide as what is known of its hour."""

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
    height_of,
    height_of_lines,
    stairs,
    width_of_lines,
)
from app.web.charts.text import Linear, flow, ticks, width_of, wrapped
from app.web.figure import PHONE, SEVEN

SIZE, AXIS_SIZE = 13, 12  # px of type
MOST_TICKS = 4
TOP = 14.0  # px above everything
BAR = 11  # px: how high a claim is drawn
CHEVRONS, CHEVRON_ROOM = 3, 9  # above a claim off the scale, and the px that they take
BETWEEN = 7  # px between two rows of claims off the scale, and between labels side by side
LEAST_ROOM = 120  # px that the words of a claim have, however narrow its bar
MOST_LINES = 4  # of a name: the table has it whole
NAME_ROOM = 150  # px of a name among the lines of a narrow drawing
AT_AN_HOUR = 6  # px to each side of an hour
ON_SCALE = 1.6  # times the highest line: a claim beyond is drawn above the plot, lest it press all lines flat

Lines = list[list[Run]]


@dataclass(frozen=True)
class Line:
    """A source: from which moment on it had verified how many. `style`: which of the three looks it has."""

    style: int
    name: str
    short: str
    steps: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Published:
    """A figure that a source published. `hour`: its words; `begins`, `ends`: one moment, or the day where no hour was
    given."""

    style: int
    value: int
    number: str
    hour: str
    begins: float
    ends: float


@dataclass(frozen=True)
class Claim:
    """A claim of those days. `beyond`: what is said of one above the scale."""

    value: int
    number: str
    who: str
    beyond: str
    begins: float
    ends: float
    address: str
    link: str


@dataclass(frozen=True)
class Hours:
    """All that the chart shows; moments are days, with their hour as a part of one. `days`: each with its name; `hour`
    and `told`: how an hour of the day and a number are written."""

    first: float
    days: tuple[str, ...]
    hour: Callable[[int], str]
    told: Callable[[int], str]
    lines: tuple[Line, ...]
    published: tuple[Published, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Frame:
    """The measures of a drawing, in px: from `left` to `right` the plot, which is `plot` high; what is left of the
    width is a column for names, where it is as wide as one."""

    width: float
    left: float
    right: float
    plot: float
    prefix: str

    @property
    def has_column(self) -> bool:
        return self.width - self.right > self.left


WIDE = Frame(SEVEN, 36, 500, 190, "w")
NARROW = Frame(PHONE, 30, 322, 190, "n")


@dataclass(frozen=True)
class OffScale:
    """A claim above the plot: its bar from `left` to `right`, and its words, which go from `x` to that side."""

    lines: Lines
    left: float
    right: float
    x: float
    anchor: str

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where the bar and its words go."""
        width = width_of_lines(self.lines)
        begins, ends = (self.x, self.x + width) if self.anchor == START else (self.x - width, self.x)
        return min(begins, self.left), max(ends, self.right)


def draw(hours: Hours, frame: Frame, prefix: str) -> Canvas:
    """The drawing. A claim on the scale whose words find no room is left to the table."""
    highest = max(
        [value for line in hours.lines for _at, value in line.steps]
        + [figure.value for figure in hours.published] + [1]
    )  # fmt: skip
    inside = [claim for claim in hours.claims if claim.value <= highest * ON_SCALE]
    high = max([highest] + [claim.value for claim in inside])
    axis = max(width_of(hours.told(value), AXIS_SIZE) for value in ticks(high, MOST_TICKS))
    frame = replace(frame, left=max(frame.left, axis + 10))
    x = Linear(hours.first, hours.first + len(hours.days), frame.left, frame.right)
    rows = _rows([claim for claim in hours.claims if claim not in inside], x, frame)
    heights = [CHEVRON_ROOM + BAR + max(height_of_lines(placed.lines) for placed in row) + BETWEEN for row in rows]
    words_above = max([12.0, *(height_of_lines(_words_inside(claim, x)) + BAR for claim in inside)])
    top = TOP + sum(heights) + words_above
    y = Linear(0, high, top + frame.plot, top)
    canvas = Canvas(frame.width, y(0) + 44)
    _axes(canvas, hours, frame, x, y)
    for number, row in enumerate(rows):
        for placed in row:
            _off_scale(canvas, placed, TOP + sum(heights[:number]) + CHEVRON_ROOM, prefix)
    for line in sorted(hours.lines, key=lambda line: -line.style):
        stairs(canvas, line.steps, x, y, frame.right, f"line-{line.style}")
    (_names_beside if frame.has_column else _names_within)(canvas, hours.lines, y, frame)
    for claim in sorted(inside, key=lambda claim: -claim.value):
        _on_scale(canvas, claim, x, y, prefix)
    _published(canvas, hours.published, x, y)
    return canvas


def _axes(canvas: Canvas, hours: Hours, frame: Frame, x: Linear, y: Linear) -> None:
    base = y(0)
    canvas.taken.append(Box(0, base + 4, canvas.width, canvas.height))
    for value in [value for value in ticks(y.high, MOST_TICKS) if value <= y.high]:
        canvas.path(f"M{frame.left:.1f} {y(value):.1f}H{frame.right:.1f}", "grid" if value else "zero")
        canvas.text(frame.left - 8, y(value) + 4, Run(hours.told(value), size=AXIS_SIZE), anchor=END, kind="axis")
        canvas.taken.append(Box(0, y(value) - 6, frame.left - 8, y(value) + 5))
    for number, name in enumerate(hours.days):
        day = hours.first + number
        for hour in (0, 12):
            _tick(canvas, x(day + hour / 24), base, hours.hour(hour))
        if number:
            canvas.path(f"M{x(day):.1f} {y(y.high):.1f}V{base:.1f}", "grid")
        canvas.text(x(day + 0.5), base + 37, Run(name, "strong", bold=True), anchor=MIDDLE)
    _tick(canvas, x(hours.first + len(hours.days)), base, hours.hour(24))


def _tick(canvas: Canvas, at: float, base: float, text: str) -> None:
    canvas.path(f"M{at:.1f} {base:.1f}v5", "zero")
    label = Run(text, size=AXIS_SIZE)
    canvas.text(min(at, canvas.width - label.width / 2), base + 18, label, anchor=MIDDLE, kind="axis")


def _span(claim: Claim, x: Linear) -> tuple[float, float]:
    """From where to where a claim's bar goes."""
    begins, ends = x(claim.begins), x(claim.ends)
    return (begins - AT_AN_HOUR, ends + AT_AN_HOUR) if begins == ends else (begins + 1, ends - 1)


def _number(claim: Claim) -> Run:
    return Run(claim.number, "claim-text strong", claim.address, claim.link, bold=True)


def _in_lines(text: str, room: float) -> Lines:
    return [[Run(line, "claim-text")] for line in wrapped(text, room, SIZE, most=MOST_LINES)]


def _rows(claims: Sequence[Claim], x: Linear, frame: Frame) -> list[list[OffScale]]:
    """Claims off the scale in rows, the highest on top; side by side where neither bars nor words touch."""
    rows: list[list[OffScale]] = []
    for claim in sorted(claims, key=lambda claim: -claim.value):
        placed = _placed_off_scale(claim, x, frame)
        begins, ends = placed.reach
        free = next(
            (row for row in rows if all(begins >= other.reach[1] or ends <= other.reach[0] for other in row)), None
        )  # fmt: skip
        if free is None:
            rows.append([placed])
        else:
            free.append(placed)
    return rows


def _placed_off_scale(claim: Claim, x: Linear, frame: Frame) -> OffScale:
    left, right = _span(claim, x)
    number = _number(claim)
    room = max(right - left, LEAST_ROOM, number.width)
    head = [number, Run(f": {claim.beyond}", "claim-text")]
    heads = [head] if width_of_lines([head]) <= room else [[number], *_in_lines(claim.beyond, room)]
    lines = [*heads, *_in_lines(claim.who, room)]
    if left + width_of_lines(lines) <= frame.width:
        return OffScale(lines, left, right, max(left, 0), START)
    return OffScale(lines, left, right, min(right, frame.width), END)


def _bar(canvas: Canvas, left: float, right: float, top: float, prefix: str) -> None:
    canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}v{BAR}H{left:.1f}Z", "hatched", fill=f"{prefix}-hatch")
    canvas.taken.append(Box(left, top, right, top + BAR))


def _off_scale(canvas: Canvas, claim: OffScale, top: float, prefix: str) -> None:
    """Hatched, without a top, under chevrons."""
    left, right = claim.left, claim.right
    _bar(canvas, left, right, top, prefix)
    canvas.path(f"M{left:.1f} {top:.1f}v{BAR}H{right:.1f}v-{BAR}", "claim")
    places = range(1, CHEVRONS + 1) if right - left > 2 * AT_AN_HOUR else (2,)
    for place in places:
        at = left + (right - left) * place / (CHEVRONS + 1)
        canvas.path(f"M{at - 5:.1f} {top - 3:.1f}l5 -6l5 6", "claim")
    canvas.block(claim.lines, [(claim.x, top + BAR, claim.anchor)])


def _words_inside(claim: Claim, x: Linear) -> Lines:
    """The words of a claim on the scale: in one line where its bar is as long, else the name below the number."""
    left, right = _span(claim, x)
    number = _number(claim)
    room = max(right - left, LEAST_ROOM)
    line = [number, Run(f", {claim.who}", "claim-text")]
    return [line] if width_of_lines([line]) <= room else [[number], *_in_lines(claim.who, room)]


def _on_scale(canvas: Canvas, claim: Claim, x: Linear, y: Linear, prefix: str) -> None:
    left, right = _span(claim, x)
    top = y(claim.value) - BAR / 2
    sides = ((left, START), (right, END), ((left + right) / 2, MIDDLE))
    for lines in (_words_inside(claim, x), [[_number(claim)]]):
        height = height_of_lines(lines)
        tops = (top - height - 1, top + BAR + 1, top - height - 12, top + BAR + 12)
        if canvas.block(lines, [(at, down, anchor) for down, (at, anchor) in product(tops, sides)]):
            break
    else:
        return
    _bar(canvas, left, right, top, prefix)
    canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}v{BAR}H{left:.1f}Z", "claim")


# Where the words of a published figure may stand, from the middle of its mark: nearest first, then farther down.
NEAR = ((-6.0, -21.0, END), (6.0, 5.0, START), (0.0, -24.0, MIDDLE), (-6.0, 4.0, END), (6.0, -21.0, START))
FARTHER = (0.0, -14.0, 16.0, 30.0, 46.0)


def _published(canvas: Canvas, published: Sequence[Published], x: Linear, y: Linear) -> None:
    for figure in published:
        begins, ends, high = x(figure.begins), x(figure.ends), y(figure.value)
        if figure.begins == figure.ends:
            canvas.circles.append(Circle(begins, high, 4, f"dot-{figure.style}"))
            canvas.taken.append(Box(begins - 5, high - 5, begins + 5, high + 5))
        else:
            canvas.path(f"M{begins + 1:.1f} {high:.1f}H{ends - 1:.1f}", f"day-{figure.style}")
            canvas.taken.append(Box(begins, high - 3, ends, high + 3))
    for figure in published:
        middle, high = (x(figure.begins) + x(figure.ends)) / 2, y(figure.value)
        number = Run(figure.number, f"ink-{figure.style} strong", bold=True)
        places = [(middle + across, high + down + more, anchor) for more in FARTHER for across, down, anchor in NEAR]
        if not canvas.block([[number, Run(f" {figure.hour}", f"ink-{figure.style}")]], places):
            canvas.block([[number]], places)


def _name(line: Line, text: str, room: float) -> Lines:
    parts = wrapped(text, room, SIZE, most=MOST_LINES, bold=True)
    return [[Run(part, f"ink-{line.style} strong", bold=True)] for part in parts]


def _names_beside(canvas: Canvas, lines: Sequence[Line], y: Linear, frame: Frame) -> None:
    """Each line named at its end, in a column of its own."""
    ordered = sorted(lines, key=lambda line: -line.steps[-1][1])
    names = [_name(line, line.name, frame.width - frame.right - 8) for line in ordered]
    sizes = [height_of_lines(name) for name in names]
    wanted = [y(line.steps[-1][1]) - size / 2 for line, size in zip(ordered, sizes, strict=True)]
    for place, name in zip(flow(wanted, sizes, 2, y(y.high) - 12, y(0)), names, strict=True):
        for number, run in enumerate(name):
            canvas.text(frame.right + 6, place + height_of(run) * (number + 0.8), *run)
        canvas.taken.append(Box(frame.right + 6, place, frame.width, place + height_of_lines(name)))


def _names_within(canvas: Canvas, lines: Sequence[Line], y: Linear, frame: Frame) -> None:
    """All names in one place that is free, the highest line's first; below the axis where there is none."""
    ordered = sorted(lines, key=lambda line: -line.steps[-1][1])
    names = [name for line in ordered for name in _name(line, line.short, NAME_ROOM)]
    if not names:
        return
    below = y(ordered[-1].steps[-1][1]) + 10
    if canvas.block(names, [(frame.right, below + more, END) for more in (0, 10, 20, 34)]):
        return
    top = canvas.height
    canvas.height += height_of_lines(names) + 4
    canvas.block(names, [(frame.right, top, END)])
