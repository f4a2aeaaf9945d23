"""What drawings of lines, bars and labels are made of, and room for a label among what is already drawn.

Since when each figure counts: a line for each, from its beginning to the moment at which it was stated.

What the contested series shows, and the measures of its drawings."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.web.charts.text import Linear, width_of, wrapped
from app.web.figure import PHONE, WHOLE

START, MIDDLE, END = "start", "middle", "end"
CLEAR = 3  # px between a line and a label
ASIDE = 3  # px between two labels side by side
LINE_HEIGHT = 1.26  # of a line of text, times the size of its type, with what parts it from the next
BELOW_BASE = 0.22  # of that height: from the base line of the letters to the bottom


@dataclass(frozen=True)
class Path:
    """A line or an area. `fill`: the name of a pattern, where it has one."""

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
    """A part of a label: where it leads, and what that link is called."""

    text: str
    kind: str = ""
    address: str | None = None
    link: str | None = None
    size: float = 13
    bold: bool = False

    @cached_property
    def width(self) -> float:
        return width_of(self.text, self.size, bold=self.bold)


@dataclass(frozen=True)
class Text:
    """A label of one line: `x`, `y` are where its letters stand."""

    x: float
    y: float
    runs: tuple[Run, ...]
    anchor: str = START
    kind: str = ""


@dataclass(frozen=True)
class Box:
    """What something drawn takes up."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass
class Canvas:
    """A drawing as it fills: marks in the order in which they are painted, and the room that they take."""

    width: float
    height: float
    paths: list[Path] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)

    def path(self, d: str, kind: str, fill: str | None = None) -> None:
        self.paths.append(Path(d, kind, fill))

    def is_free(self, box: Box) -> bool:
        if box.left < 0 or box.top < 0 or box.right > self.width or box.bottom > self.height:
            return False
        for other in self.taken:  # asked some thousand times for a drawing: a plain loop is twice as quick
            if box.left < other.right and other.left < box.right and box.top < other.bottom and other.top < box.bottom:
                return False
        return True

    def text(self, x: float, y: float, *runs: Run, anchor: str = START, kind: str = "") -> None:
        self.texts.append(Text(x, y, runs, anchor, kind))

    def block(self, lines: Sequence[Sequence[Run]], places: Iterable[tuple[float, float, str]]) -> bool:
        """Write lines of text at the first of these places (x, top, anchor) where nothing stands, if there is one."""
        width, height = width_of_lines(lines), height_of_lines(lines)
        for x, top, anchor in places:
            left = x - {START: 0.0, MIDDLE: width / 2, END: width}[anchor]
            box = Box(left, top, left + width, top + height)
            if self.is_free(box):
                below = top
                for line in lines:
                    below += height_of(line)
                    self.text(x, below - height_of(line) * BELOW_BASE, *line, anchor=anchor)
                self.taken.append(Box(left - ASIDE, top, left + width + ASIDE, top + height))
                return True
        return False


def stairs(
    canvas: Canvas, steps: Sequence[tuple[float, int]], x: Linear, y: Linear, right: float, kind: str
) -> None:  # fmt: skip
    """A line that stays where it is until the moment of the next change. `steps`: from when on it is how high."""
    if not steps:
        return
    d = f"M{x(steps[0][0]):.1f} {y(steps[0][1]):.1f}"
    ends = [*(x(moment) for moment, _value in steps[1:]), right]
    for (moment, value), end in zip(steps, ends, strict=True):
        d += f"V{y(value):.1f}H{end:.1f}"
        canvas.taken.append(Box(x(moment) - CLEAR, y(value) - CLEAR, end + CLEAR, y(value) + CLEAR))
    canvas.path(d, kind)


def width_of_lines(lines: Sequence[Sequence[Run]]) -> float:
    return max(sum(run.width for run in line) for line in lines)


def height_of_lines(lines: Sequence[Sequence[Run]]) -> float:
    return sum(map(height_of, lines))


def height_of(line: Sequence[Run]) -> float:
    """How high a line of text is, with what parts it from the next."""
    return max(run.size for run in line) * LINE_HEIGHT


SIZE, LINE = 13, 16  # px of type, and from one line of words to the next
MOST_LINES = 3  # of the words of a lane: the table has all
BESIDE, ABOVE = 21, 37  # px of a lane, with its words beside it and above it
UNSAID = 46  # px of the dashes of a figure that does not say since when it counts
HEADING = 52  # px from the axis to the first lane
GUTTER_NARROW = 4  # px from the edge of a narrow drawing to the earliest of the beginnings before the chart
GUTTER = 98  # px that they have in a wide one
TO_WORDS = 10  # px from the end of a lane to its words

Words = list[tuple[float, list[Run]]]  # lines, and how far each stands from where the words begin


@dataclass(frozen=True)
class Lane:
    """`begins`: every beginning that was printed with the figure, the first first; none where nobody said. `said`: when
    it was stated; None goes on to the end. `figure`: the number, in bold; `words`: since when."""

    figure: str
    words: str
    begins: tuple[float, ...]
    said: float | None
    is_claim: bool = True


def lanes(canvas: Canvas, heading: str, shown: Sequence[Lane], x: Linear, *, narrow: bool) -> None:
    """Draw the lanes beneath what is drawn, and make the drawing so much higher."""
    if not shown:
        return
    top = canvas.height
    canvas.text(0, top + 20, Run(heading, "strong", size=SIZE, bold=True))
    earlier = _gutter(shown, x, GUTTER_NARROW if narrow else x.start - GUTTER)
    words = [_words(lane, canvas.width if narrow else canvas.width - _end(lane, x) - 2 - TO_WORDS) for lane in shown]
    heights = [(ABOVE if narrow else BESIDE) + LINE * (len(lines) - 1) for lines in words]
    first = top + HEADING + (8 if narrow else 0)
    if narrow:  # words stand above their lane
        places = [first + sum(heights[: at + 1]) - heights[0] + LINE * (len(words[0]) - 1) for at in range(len(shown))]
    else:
        places = [first + sum(heights[:at]) for at in range(len(shown))]
        canvas.path(f"M{x.start:.1f} {top + 30:.1f}V{places[-1] + 12:.1f}", "grid")
    for lane, lines, y in zip(shown, words, places, strict=True):
        _lane(canvas, lane, y, x, earlier)
        start, base = (0.0, y - 9 - LINE * (len(lines) - 1)) if narrow else (_end(lane, x) + TO_WORDS, y + 4)
        for at, (indent, runs) in enumerate(lines):
            canvas.text(start + indent, base + LINE * at, *runs, kind="second-ink" if narrow else "")
    canvas.height = places[-1] + 16 + (0 if narrow else heights[-1] - BESIDE)


def _end(lane: Lane, x: Linear) -> float:
    return x.end if lane.said is None else x(lane.said)


def _words(lane: Lane, room: float) -> Words:
    """What is said of a lane, in lines: the words after the figure, or below it where it leaves them little room."""
    figure = Run(lane.figure, "claim-text strong" if lane.is_claim else "strong", bold=True)
    if figure.width <= room / 2:
        first, *others = wrapped(lane.words, room - figure.width, SIZE, most=MOST_LINES)
        return [
            (0, [figure, Run(first)] if lane.figure else [Run(first)]),
            *((figure.width, [Run(line)]) for line in others),
        ]
    figures = wrapped(lane.figure, room, SIZE, most=MOST_LINES, bold=True)
    words = wrapped(lane.words.lstrip(": "), room, SIZE, most=MOST_LINES)
    return [*((0.0, [Run(line, figure.kind, bold=True)]) for line in figures), *((0.0, [Run(line)]) for line in words)]


def _gutter(shown: Sequence[Lane], x: Linear, left: float) -> dict[float, float]:
    """Where beginnings before the chart stand: in their order, without a scale, the earliest at the edge."""
    earlier = sorted({begin for lane in shown for begin in lane.begins if begin < x.low})
    if not earlier:
        return {}
    apart = (x.start - left) / (len(earlier) + (len(earlier) == 1))
    first = left + (apart if len(earlier) == 1 else 0)
    return {begin: first + place * apart for place, begin in enumerate(earlier)}


def _lane(canvas: Canvas, lane: Lane, y: float, x: Linear, earlier: dict[float, float]) -> None:
    """The line of a lane, with a tick at each of its beginnings; of the earliest at the edge an arrow."""
    kind, end = "claim" if lane.is_claim else "line-1", _end(lane, x)
    if lane.begins:
        places = [earlier[begin] if begin in earlier else x(begin) for begin in lane.begins]
        canvas.path(f"M{places[0]:.1f} {y:.1f}H{end:.1f}", kind)
        for begin, place in zip(lane.begins, places, strict=True):
            is_edge = len(earlier) > 1 and begin == min(earlier)
            arrow = f"M{place + 6:.1f} {y - 5:.1f}L{place:.1f} {y:.1f}l6 5"
            canvas.path(arrow if is_edge else f"M{place:.1f} {y - 5:.1f}v10", f"{kind} tick")
    else:
        start = max(end - UNSAID, 14)
        canvas.path(f"M{start:.1f} {y:.1f}H{end:.1f}", f"{kind} unsure")
        canvas.text(start - 12, y + 4, Run("?", "claim-text" if lane.is_claim else "", bold=True))
    if lane.said is not None:
        canvas.circles.append(Circle(end, y, 4, "dot-claim"))


@dataclass(frozen=True)
class Line:
    """A source. `steps`: from which moment on it had verified how many; `style`: which of the three looks."""

    style: int
    name: str
    short: str
    steps: tuple[tuple[float, int], ...]
    number: str
    address: str | None
    link: str


@dataclass(frozen=True)
class Published:
    """A figure that a source of a line published: an hour, or a day from its beginning to its end. `label`: only where
    it does not lie on the line."""

    style: int
    value: int
    begins: float
    ends: float
    label: str | None = None


@dataclass(frozen=True)
class Bar:
    """A claim at the middle of its day. `verified`: on its own window and hour; None where nothing may be set against
    it."""

    id: str
    day: float
    low: int | None
    high: int | None
    is_about: bool
    verified: int | None
    number: str
    who: str
    said: str
    note: str
    address: str
    link: str

    @property
    def top(self) -> int:
        return self.high if self.high is not None else self.low or 0

    @property
    def opens_up(self) -> bool:
        return self.high is None

    @property
    def opens_down(self) -> bool:
        return self.low is None


@dataclass(frozen=True)
class Gap:
    """What of a claim nobody had verified, in words."""

    bar: str
    number: str
    words: str
    hatch: str
    address: str
    link: str


@dataclass(frozen=True)
class Reference:
    """Verified by at least one source on the window of the claims."""

    steps: tuple[tuple[float, int], ...]
    label: str
    words: str


@dataclass(frozen=True)
class Contest:
    """All that the chart shows. `bars`: the most contested first; `band`: from which moment on at least three sources
    had verified so many, and at least one so many; `event`: a day on which something was announced, with its words."""

    first: float
    last: float
    ticks: tuple[tuple[float, str], ...]
    unit: str
    lines: tuple[Line, ...]
    band: tuple[tuple[float, int, int], ...]
    band_words: str
    published: tuple[Published, ...]
    bars: tuple[Bar, ...]
    gap: Gap | None
    reference: Reference | None
    event: tuple[float, str] | None
    lanes_heading: str
    lanes: Callable[[Collection[str]], Sequence[Lane]]  # of the bars that are drawn
    told: Callable[[int], str]  # a number as the reader's language writes it


@dataclass(frozen=True)
class Frame:
    """The measures of a drawing, in px. Across: the axis from `left` to `right`; `first`: where the first day stands,
    with the gutter of earlier beginnings before it; `column`: where labels at the ends of lines begin, if they have a
    column of their own. Down: the plot from `top` to `base`. `bar`: how wide a claim is drawn; `number`: the type of
    its figure; `text`: the width of a label; `prefix`: of the ids of its patterns."""

    width: float
    left: float
    first: float
    right: float
    column: float | None
    top: float
    base: float
    bar: float
    number: float
    most_bars: int
    text: float
    prefix: str


WIDE = Frame(
    width=WHOLE, left=44, first=146, right=834, column=850, top=36, base=436,
    bar=13, number=20, most_bars=8, text=190, prefix="w",
)  # fmt: skip
NARROW = Frame(
    width=PHONE, left=34, first=40, right=PHONE, column=None, top=84, base=400,
    bar=6, number=17, most_bars=4, text=118, prefix="n",
)  # fmt: skip
