"""One line of a life: when a person was inside as all sources say it, as some do, and when nobody says. It lies where
there is room, and stands upright on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Literal

from app.web.charts.text import Linear, width_of, wrapped
from app.web.figure import PHONE, WHOLE

How = Literal["all", "some", "nobody"]
BAR = 26  # the thickness of the bar
DATE, TEXT = 13, 12  # sizes of type
LINE = 16  # from one base line to the next
LEVEL = 38  # two lines and the room between them and others
ABOVE, BELOW = 14, 12  # between the bar and the labels
AXIS = 24  # for the years
MOST_YEARS = 8  # on the line: more of them would touch
# Upright: where the bar stands, how wide the labels beside it are, and how long the line is at least.
UPRIGHT_X, LABELS_X, SHORTEST = 92, 134, 340
BETWEEN = 8  # between two labels
MOST_LINES = 3  # of a label: names can be as long as anybody likes
LONGEST = 340  # pixels of a line of a label in the wide drawing
BESIDE = 70  # pixels of a line beside a bracket


@dataclass(frozen=True)
class Stretch:
    """The days from `start` to `end`, as ordinals. `label`: where it was, if that is known."""

    start: int
    end: int
    how: How
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day between `first` and `last`: a tick, or a bracket where no day is said. `date`:
    as it was said, none where the words have no day; `words`: what, and who says so, and `whole` with all their names;
    `above`: the side of the bar."""

    first: int
    last: int
    date: str
    words: str
    above: bool = False
    whole: str = ""

    @property
    def is_bracket(self) -> bool:
        return self.last > self.first


@dataclass(frozen=True)
class Life:
    """What is drawn, between the days `first` and `last`."""

    first: int
    last: int
    stretches: Sequence[Stretch]
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Block:
    """A stretch as it is drawn: where it begins along the line, and how long it is."""

    at: float
    length: float
    how: How
    label: str


@dataclass(frozen=True)
class Label:
    """A mark as it is drawn. `at` to `to`: along the line. `x`, `y`: of its first line; `end`: the text ends at x.
    `reach`: as far as its tick goes, across the line."""

    at: float
    to: float
    x: float
    y: float
    end: bool
    reach: float
    date: str
    lines: Sequence[str]
    is_bracket: bool


@dataclass(frozen=True)
class Drawn:
    """The line. `bar`: the edge of the bar, across it. `years`: where each begins along it."""

    width: float
    height: float
    bar: float
    blocks: Sequence[Block]
    labels: Sequence[Label]
    years: Sequence[tuple[float, str]]


def level(life: Life) -> Drawn:
    """The line from side to side."""
    scale = Linear(life.first, life.last, 0, WHOLE)
    above = _places([mark for mark in life.marks if mark.above], scale)
    hanging = [mark for mark in life.marks if not mark.above] + [
        _place_of(stretch) for stretch in life.stretches if stretch.label and not _fits(stretch, scale)
    ]
    below = _places(hanging, scale)
    blocks = [_block(stretch, scale, WHOLE) for stretch in life.stretches]
    bar = ABOVE + LEVEL * _levels(above)
    labels = [_standing(mark, *place, bar, scale) for mark, place in above]
    labels += [_hanging(mark, *place, bar + BAR, scale) for mark, place in below]
    height = bar + BAR + BELOW + LEVEL * _levels(below) + AXIS
    return Drawn(WHOLE, height, bar, blocks, labels, _years(life, scale))


Place = tuple[int, float, bool]  # the level, counted from the bar, where the text begins, and whether it ends there


def _places(marks: Sequence[Mark], scale: Linear) -> list[tuple[Mark, Place]]:
    """Each mark at the level nearest to the bar on which neither its text nor its tick touches another's."""
    placed: list[tuple[Mark, Place]] = []
    taken: list[tuple[int, float, float]] = []  # level, from, to
    ticks: list[tuple[int, float]] = []  # up to which level a tick goes, and where
    # From the end on: what then stands higher runs on over the others, and its tick meets none of them.
    for mark in sorted(marks, key=lambda mark: (mark.is_bracket, -mark.first)):
        at, to = scale(mark.first), scale(mark.last)
        # Where no tick would keep clear of all words, one goes behind words that are nearer to the bar.
        fits = chain(
            (_fitting(mark, place, at, to, taken, ticks) for place in range(len(marks))),
            (_fitting(mark, place, at, to, taken, ()) for place in range(len(marks))),
        )
        place, x, end, low, high = next(filter(None, fits), (len(placed), 0.0, False, 0.0, WHOLE))
        taken.append((place, low, high))
        ticks += [(place, at), (place, to)] if mark.is_bracket else [(place, at)]
        placed.append((mark, (place, x, end)))
    return placed


def _fitting(
    mark: Mark, place: int, at: float, to: float, taken: Sequence[tuple[int, float, float]],
    ticks: Sequence[tuple[int, float]],
) -> tuple[int, float, bool, float, float] | None:  # fmt: skip
    """Where a text can stand at a level: after its tick, else before it; and from where to where it goes."""
    wide = _width(mark)
    for x, end in ((at + 5, False), (at - 5, True)):
        low, high = (x - wide, x) if end else (x, max(x + wide, to))
        crossed = any(level == place and low < until + 10 and begun < high + 10 for level, begun, until in taken)
        through = any(level > place and low - 4 < tick < high + 4 for level, tick in ticks)
        struck = ticks and any(level < place and begun - 4 < at < until + 4 for level, begun, until in taken)
        if low >= 0 and high <= WHOLE and not (crossed or through or struck):
            return place, x, end, low, high
    return None


def _width(mark: Mark) -> float:
    return max([width_of(mark.date, DATE, bold=True), *(width_of(line, TEXT) for line in _level_lines(mark))])


def _levels(placed: Sequence[tuple[Mark, Place]]) -> int:
    return max((place[0] + 1 for _mark, place in placed), default=0)


def _standing(mark: Mark, place: int, x: float, end: bool, bar: float, scale: Linear) -> Label:
    """A label above the bar, whose tick goes up to its words."""
    base = bar - ABOVE - LEVEL * place
    return _label(mark, scale, x, base - LINE, end, base - LINE - 10)


def _hanging(mark: Mark, place: int, x: float, end: bool, bar: float, scale: Linear) -> Label:
    """A label below the bar."""
    top = bar + BELOW + LEVEL * place
    return _label(mark, scale, x, top + LINE + 1, end, top if mark.is_bracket else top + LINE)


def _label(mark: Mark, scale: Linear, x: float, y: float, end: bool, reach: float, lines: Sequence[str] = ()) -> Label:
    told = lines or _level_lines(mark)
    return Label(scale(mark.first), scale(mark.last), x, y, end, reach, mark.date, told, mark.is_bracket)


def upright(life: Life) -> Drawn:
    """The line from top to bottom, its ticks' labels on one side and brackets on the other."""
    ticks = sorted((mark for mark in life.marks if not mark.is_bracket), key=lambda mark: mark.first)
    told = [(mark, _lines(mark, PHONE - LABELS_X, MOST_LINES)) for mark in ticks]
    places = [stretch for stretch in life.stretches if stretch.label]
    named = [(stretch, wrapped(stretch.label, PHONE - LABELS_X, TEXT, most=MOST_LINES)) for stretch in places]
    heights = sum(_height(lines) for _mark, lines in told) + sum(_height(lines) for _stretch, lines in named)
    length = max(SHORTEST, heights + 60)
    scale = Linear(life.first, life.last, 4, length - 12)
    blocks = [_block(stretch, scale, length, label=False) for stretch in life.stretches]
    beside: list[tuple[float, Mark | None, Sequence[str]]] = [(scale(mark.first), mark, lines) for mark, lines in told]
    beside += [(scale((stretch.start + stretch.end) / 2), None, lines) for stretch, lines in named]
    labels = _beside(sorted(beside, key=itemgetter(0)), length)
    labels += _before(sorted((mark for mark in life.marks if mark.is_bracket), key=attrgetter("first")), scale)
    height = max([length, *(label.y + LINE * len(label.lines) for label in labels)])
    # A year on whose line words of a bracket stand is not told: they have a date themselves.
    brackets = [label for label in labels if label.is_bracket]
    years = [(at, "" if any(_is_at(label, at) for label in brackets) else year) for at, year in _years(life, scale)]
    return Drawn(PHONE, height, UPRIGHT_X, blocks, labels, years)


def _is_at(label: Label, at: float) -> bool:
    """Whether the words of a label stand on the line of a year there."""
    return label.y - LINE < at + LINE and at < label.y + LINE * len(label.lines)


def _before(marks: Sequence[Mark], scale: Linear) -> list[Label]:
    """Labels before their brackets, one below the other. A date that is longer than the room there goes with the
    words."""
    labels: list[Label] = []
    top = 0.0
    for mark in marks:
        fits = width_of(mark.date, DATE, bold=True) <= BESIDE
        told = mark if fits else replace(mark, date="", words=f"{mark.date}, {mark.words}")
        lines = _lines(told, BESIDE, MOST_LINES if fits else 2 * MOST_LINES)
        middle = (scale(mark.first) + scale(mark.last)) / 2 - len(lines) * LINE / 2
        y = max(middle, top + 12)
        labels.append(_label(told, scale, UPRIGHT_X - 16, y, True, UPRIGHT_X - 10, lines))
        top = y + LINE * len(lines)
    return labels


def _height(lines: Sequence[str]) -> float:
    return LINE * (len(lines) + 1) + BETWEEN


def _beside(wanted: Sequence[tuple[float, Mark | None, Sequence[str]]], length: float) -> list[Label]:
    """Labels as near to their marks as they can stand without touching: first pushed down, then up from the end."""
    tops: list[float] = []
    for at, mark, lines in wanted:
        top = at - LINE if mark else at - LINE * len(lines) / 2
        tops.append(max(top, tops[-1] + _height(wanted[len(tops) - 1][2]) if tops else 0))
    low = length
    for n in range(len(tops) - 1, -1, -1):
        tops[n] = min(tops[n], low - _height(wanted[n][2]))
        low = tops[n]
    return [
        Label(at, at, LABELS_X, top + LINE - 2, False, LABELS_X - 4, mark.date if mark else "", lines, False)
        for (at, mark, lines), top in zip(wanted, tops, strict=True)
    ]


def _block(stretch: Stretch, scale: Linear, width: float, *, label: bool = True) -> Block:
    """A stretch, at least three pixels long; its words within it if there is room."""
    at = scale(stretch.start)
    length = max(scale(stretch.end) - at, 3)
    shown = stretch.label if label and stretch.how == "all" and _fits(stretch, scale) else ""
    return Block(at, min(length, width - at), stretch.how, shown)


def _fits(stretch: Stretch, scale: Linear) -> bool:
    return width_of(stretch.label, DATE, bold=True) + 16 <= scale(stretch.end) - scale(stretch.start)


def _place_of(stretch: Stretch) -> Mark:
    """The words of a stretch that is shorter than they are, below its middle."""
    middle = (stretch.start + stretch.end) // 2
    return Mark(middle, middle, "", stretch.label)


def _years(life: Life, scale: Linear) -> list[tuple[float, str]]:
    first, last = date.fromordinal(life.first).year, date.fromordinal(life.last).year
    step = next(step for step in (1, 2, 5, 10, 20, 50) if (last - first) / step < MOST_YEARS or step == 50)
    years = [year for year in range(first, last + 1) if year % step == 0]
    firsts = [(date(year, 1, 1).toordinal(), str(year)) for year in years]
    return [(scale(day), year) for day, year in firsts if life.first <= day <= life.last]


def _level_lines(mark: Mark) -> list[str]:
    """Beside a tick one line under the date; without a date two shorter ones."""
    return _lines(mark, LONGEST, 1) if mark.date else _lines(mark, LONGEST / 2, 2)


def _lines(mark: Mark, width: float, most: int) -> list[str]:
    return wrapped(mark.words, width, TEXT, most=most) if mark.words.strip() else []
