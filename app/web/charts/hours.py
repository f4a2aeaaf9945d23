"""One or two days by the hour: lines as they grew, the figures that were published on the way, and the claims of those
days, each as wide as what is known of its hour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.web.charts.marks import END, MIDDLE, START, Box, Canvas, Circle, Run, stairs, width_of_lines
from app.web.charts.scale import Linear, spread, ticks
from app.web.charts.text import cut, wrapped
from app.web.figure import PHONE, SEVEN

BAR = 11  # px: how high a claim is drawn
CLAIM_ROW = 66  # px of a row of claims that lie above the scale, with their words
LEAST_ROOM = 120  # px that the words of a claim have, however narrow its bar
AT_AN_HOUR = 6  # px to each side of an hour
ON_SCALE = 1.6  # times the highest line: a claim beyond is drawn above the plot, lest it press all lines flat
CHEVRONS = 3


@dataclass(frozen=True)
class Grown:
    """A source, as in the series that this is a part of."""

    style: int
    name: str
    short: str
    steps: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Said:
    """A published figure: `hour`: its words; `begins`, `ends`: one moment, or the day where no hour was given."""

    style: int
    value: int
    number: str
    hour: str
    begins: float
    ends: float


@dataclass(frozen=True)
class Claimed:
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
    """All that the chart shows. `days`: each with its name; `hour`: how an hour of the day is written."""

    first: float
    days: tuple[str, ...]
    hour: Callable[[int], str]
    told: Callable[[int], str]
    lines: tuple[Grown, ...]
    said: tuple[Said, ...]
    claims: tuple[Claimed, ...]


@dataclass(frozen=True)
class Frame:
    width: float
    left: float
    right: float
    plot: float  # how high
    prefix: str

    @property
    def has_column(self) -> bool:
        return self.width - self.right > self.left


WIDE = Frame(SEVEN, 36, 500, 190, "w")
NARROW = Frame(PHONE, 30, 322, 190, "n")


def draw(hours: Hours, frame: Frame, prefix: str) -> Canvas:
    highest = max(
        [value for line in hours.lines for _at, value in line.steps] + [one.value for one in hours.said] + [1]
    )
    inside = [one for one in hours.claims if one.value <= highest * ON_SCALE]
    beyond = [one for one in hours.claims if one.value > highest * ON_SCALE]
    rows = _rows(beyond)
    top = 14.0 + CLAIM_ROW * len(rows) + (28 if inside else 12)
    base = top + frame.plot
    canvas = Canvas(frame.width, base + 44)
    last = hours.first + len(hours.days)
    x = Linear(hours.first, last, frame.left, frame.right)
    y = Linear(0, max([highest] + [one.value for one in inside]), base, top)
    _axes(canvas, hours, frame, x, y)
    for number, row in enumerate(rows):
        for one in row:
            _beyond(canvas, one, 22.0 + number * CLAIM_ROW, x, frame, prefix)
    for one in inside:
        _inside(canvas, one, x, y, prefix)
    for line in sorted(hours.lines, key=lambda line: -line.style):
        stairs(canvas, line.steps, x, y, frame.right, f"line-{line.style}")
    _said(canvas, hours.said, x, y)
    _names(canvas, hours.lines, y, frame)
    return canvas


def _axes(canvas: Canvas, hours: Hours, frame: Frame, x: Linear, y: Linear) -> None:
    base = y(0)
    for value in [value for value in ticks(y.high, 4) if value <= y.high]:
        canvas.path(f"M{frame.left:.1f} {y(value):.1f}H{frame.right:.1f}", "grid" if value else "zero")
        canvas.text(frame.left - 8, y(value) + 4, Run(hours.told(value), size=12), anchor=END, kind="axis")
    for number, name in enumerate(hours.days):
        day = hours.first + number
        for hour in (0, 12):
            at = x(day + hour / 24)
            canvas.path(f"M{at:.1f} {base:.1f}v5", "zero")
            canvas.text(at, base + 18, Run(hours.hour(hour), size=12), anchor=MIDDLE, kind="axis")
        if number:
            canvas.path(f"M{x(day):.1f} {y(y.high):.1f}V{base:.1f}", "grid")
        canvas.text(x(day + 0.5), base + 37, Run(name, "strong", bold=True), anchor=MIDDLE)
    end = hours.first + len(hours.days)
    canvas.path(f"M{x(end):.1f} {base:.1f}v5", "zero")
    canvas.text(x(end), base + 18, Run(hours.hour(24), size=12), anchor=MIDDLE, kind="axis")


def _rows(claims: Sequence[Claimed]) -> list[list[Claimed]]:
    """Claims above the scale in rows, the highest on top, those of different days side by side."""
    rows: list[list[Claimed]] = []
    for one in sorted(claims, key=lambda one: -one.value):
        free = next(
            (row for row in rows if all(one.begins >= each.ends or one.ends <= each.begins for each in row)), None
        )
        if free is None:
            rows.append([one])
        else:
            free.append(one)
    return rows


def _span(one: Claimed, x: Linear) -> tuple[float, float]:
    begins, ends = x(one.begins), x(one.ends)
    return (begins - AT_AN_HOUR, ends + AT_AN_HOUR) if begins == ends else (begins + 1, ends - 1)


def _bar(canvas: Canvas, left: float, right: float, top: float, prefix: str) -> None:
    canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}v{BAR}H{left:.1f}Z", "hatched", fill=f"{prefix}-hatch")
    canvas.taken.append(Box(left, top, right, top + BAR))


def _beyond(canvas: Canvas, one: Claimed, top: float, x: Linear, frame: Frame, prefix: str) -> None:
    left, right = _span(one, x)
    _bar(canvas, left, right, top, prefix)
    canvas.path(f"M{left:.1f} {top:.1f}v{BAR}H{right:.1f}v-{BAR}", "claim")
    for place in range(1, CHEVRONS + 1):
        at = left + (right - left) * place / (CHEVRONS + 1)
        canvas.path(f"M{at - 5:.1f} {top - 3:.1f}l5 -6l5 6", "claim")
    number = Run(one.number, "claim-text strong", one.address, one.link, bold=True)
    room = max(right - left, LEAST_ROOM)
    who, head = [Run(cut(one.who, room, 13), "claim-text")], [number, Run(f": {one.beyond}", "claim-text")]
    lines = [head, who] if width_of_lines([head]) <= room else [[number], [Run(one.beyond, "claim-text")], who]
    below = top + BAR + 1
    canvas.block(lines, [(max(left, 0), below, START), (min(right, frame.width), below, END)])


def _inside(canvas: Canvas, one: Claimed, x: Linear, y: Linear, prefix: str) -> None:
    left, right = _span(one, x)
    top = y(one.value) - BAR / 2
    _bar(canvas, left, right, top, prefix)
    canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}v{BAR}H{left:.1f}Z", "claim")
    number = Run(one.number, "claim-text strong", one.address, one.link, bold=True)
    words = cut(f", {one.who}", max(right - left, LEAST_ROOM) - number.width, 13)
    canvas.block([[number, Run(words, "claim-text")]], [(left, top - 17, START), (left, top + BAR + 1, START)])


def _said(canvas: Canvas, said: Sequence[Said], x: Linear, y: Linear) -> None:
    for one in said:
        begins, ends, high = x(one.begins), x(one.ends), y(one.value)
        if one.begins == one.ends:
            canvas.circles.append(Circle(begins, high, 4, f"dot-{one.style}"))
            canvas.taken.append(Box(begins - 5, high - 5, begins + 5, high + 5))
        else:
            canvas.path(f"M{begins + 1:.1f} {high:.1f}H{ends - 1:.1f}", f"day-{one.style}")
            canvas.taken.append(Box(begins, high - 3, ends, high + 3))
    for one in said:
        middle, high = (x(one.begins) + x(one.ends)) / 2, y(one.value)
        runs = [Run(one.number, f"ink-{one.style} strong", bold=True), Run(" " + one.hour, f"ink-{one.style}")]
        near = [(-6.0, -21.0, END), (6.0, 5.0, START), (0.0, -24.0, MIDDLE), (-6.0, 4.0, END), (6.0, -21.0, START)]
        far = [(across, down + more, anchor) for more in (-14.0, 16.0, 30.0, 46.0) for across, down, anchor in near]
        places = [(middle + across, high + down, anchor) for across, down, anchor in near + far]
        if not canvas.block([runs], places):
            canvas.block([runs[:1]], places)


def _names(canvas: Canvas, lines: Sequence[Grown], y: Linear, frame: Frame) -> None:
    ordered = sorted(lines, key=lambda line: -line.steps[-1][1])
    if frame.has_column:
        names = [wrapped(line.name, frame.width - frame.right - 8, 13, most=2, bold=True) for line in ordered]
        high = 17 * max(map(len, names), default=1)
        places = spread([y(line.steps[-1][1]) for line in ordered], high, y(y.high), y(0))
        for place, line, name in zip(places, ordered, names, strict=True):
            for row, part in enumerate(name):
                at = place + 4 + 16 * (row - (len(name) - 1) / 2)
                canvas.text(frame.right + 6, at, Run(part, f"ink-{line.style} strong", bold=True))
        return
    rows = [[Run(line.short, f"ink-{line.style} strong", bold=True)] for line in ordered]
    below = y(min((line.steps[-1][1] for line in ordered), default=0)) + 10
    canvas.block(rows, [(frame.right, below + more, END) for more in (0, 10, 20, 34)])
