"""What drawings of lines, bars and labels are made of, and room for a label among what is already drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.web.charts.scale import Linear
from app.web.charts.text import width_of

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
