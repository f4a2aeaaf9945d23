"""Counts then and today: of each row a hollow dot, a line and a filled dot on one scale; a claim crosses all rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.web.charts.text import Linear, spread, width_of, wrapped

WIDE_FROM = 600  # units: a narrower drawing has its labels above the rows
LABELS, WIDE_START = 204, 250  # of a wide drawing: the width of the labels, and where zero stands
DOT, TO_NUMBER = 5, 11  # the radius of a dot, and from its middle to its number
LABEL, NUMBER, CLAIM, AXIS = 13, 15, 15, 12  # sizes of type
LINE = 17  # from one line of a label to the next
MOST_LINES = 3  # of a label: the table has it whole
WIDE_ROW, NARROW_ROW = 34, 52
HEAD, CLAIMED = 26, 22  # room above the first row: for the words of the dots, and for the figure of a claim
ASIDE = 5  # from the line of a claim to what makes way for it


@dataclass(frozen=True)
class Counted:
    """A row: who counts, how many then and today, and where the lists are. `derived`: by the registry from several
    sources; `tag`: what is to be known of the source."""

    label: str
    then: int
    now: int
    derived: bool = False
    then_list: str | None = None
    now_list: str | None = None
    tag: str = ""


@dataclass(frozen=True)
class ClaimLine:
    """What was claimed. A bound that is None is open."""

    text: str
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Words:
    """What the dots are called, "23 Jan" and "today", and how a number is written."""

    then: str
    now: str
    number: Callable[[int], str]


@dataclass(frozen=True)
class Placed:
    """A text where it stands."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Pair:
    """A row where it stands. `then` is None where both counts are one: then there is one dot. `top`: of the dots, below
    a label that stands above them."""

    row: Counted
    label: list[Placed]
    tag: Placed | None
    y: float
    top: float
    rule: float
    then_x: float
    now_x: float
    then: Placed | None
    now: Placed


@dataclass(frozen=True)
class ClaimPlaced:
    """The line of a claim, or both where it is an interval. `opens`: 1 where it has no top, -1 where no bottom."""

    text: Placed
    lines: list[float]
    top: float
    bottom: float
    opens: int


@dataclass(frozen=True)
class Drawing:
    """Where each mark stands."""

    width: float
    height: float
    zero: float
    heads: list[Placed]
    pairs: list[Pair]
    claim: ClaimPlaced | None


def lay_out(rows: Sequence[Counted], words: Words, width: float, claim: ClaimLine | None = None) -> Drawing:
    """The drawing of rows, of which there is at least one."""
    wide = width >= WIDE_FROM
    scale = _scale(rows, words, width, claim, wide=wide)
    lines = [] if claim is None else [scale(bound) for bound in (claim.low, claim.high) if bound is not None]
    top: float = HEAD + (CLAIMED if lines else 0)
    pairs, y = [], top
    for row in rows:
        pair = _pair(row, words, scale, y, width, lines, wide=wide)
        pairs.append(pair)
        y = pair.rule
    placed = None if claim is None or not lines else _claim(claim, lines, width, y)
    heads = _heads(pairs[0], words, scale(0), pairs[0].y - 12 if wide else top - 4)
    return Drawing(width, y + 4, scale(0), heads, pairs, placed)


def _scale(rows: Sequence[Counted], words: Words, width: float, claim: ClaimLine | None, *, wide: bool) -> Linear:
    """Room is left on both sides for the longest number."""
    bounds = [] if claim is None else [bound for bound in (claim.low, claim.high) if bound is not None]
    high = max(1, *bounds, *[max(row.then, row.now) for row in rows])
    before = max(width_of(words.number(min(row.then, row.now)), NUMBER, bold=True) for row in rows)
    after = max(width_of(words.number(max(row.then, row.now)), NUMBER, bold=True) for row in rows)
    start = WIDE_START if wide else TO_NUMBER + before + 2
    return Linear(0, high, start, width - TO_NUMBER - ASIDE - after - 4)


def _pair(
    row: Counted, words: Words, scale: Linear, top: float, width: float, lines: Sequence[float], *, wide: bool
) -> Pair:
    beside = 0 if wide or not row.tag else width_of(row.tag, AXIS) + 8
    texts = wrapped(row.label, LABELS if wide else width - beside, LABEL, most=MOST_LINES, bold=True)
    beneath = LINE * (len(texts) - 1 + (bool(row.tag) and wide))
    y = top + (WIDE_ROW / 2 if wide else 36 + beneath)
    first = y + 4.5 if wide else top + 15
    label = [Placed(0, first + LINE * at, text) for at, text in enumerate(texts)]
    tag = None
    if row.tag:
        aside = 0 if wide else width_of(texts[-1], LABEL, bold=True) + 8
        tag = Placed(aside, label[-1].y + (LINE if wide else 0), row.tag)
    rule = top + (WIDE_ROW if wide else NARROW_ROW) + beneath
    then_x, now_x = scale(row.then), scale(row.now)
    grown = row.now >= row.then
    then, now = words.number(row.then), words.number(row.now)
    then_placed = None
    if row.then != row.now:
        room = width_of(then, LABEL)
        then_placed = Placed(_aside(then_x, room, lines, left=grown), y + 4.5, then, "end" if grown else "start")
    room = width_of(now, NUMBER, bold=True)
    now_placed = Placed(_aside(now_x, room, lines, left=not grown), y + 5, now, "start" if grown else "end")
    return Pair(row, label, tag, y, y - WIDE_ROW / 2, rule, then_x, now_x, then_placed, now_placed)


def _aside(dot: float, room: float, lines: Sequence[float], *, left: bool) -> float:
    """Where the number beside a dot begins or, to its left, ends: past the line of a claim that would cross it."""
    side = -1 if left else 1
    at = dot + side * TO_NUMBER
    for line in sorted(lines, reverse=left):
        if min(at, at + side * room) - ASIDE < line < max(at, at + side * room) + ASIDE:
            at = line + side * ASIDE
    return at


def _heads(first: Pair, words: Words, zero: float, y: float) -> list[Placed]:
    """What the dots of the first row mean, above them, and the zero of the scale."""
    named = [(first.now_x, words.now)]
    if first.then is not None:
        named = sorted([(first.then_x, words.then), *named])
    wanted = [(zero, "0"), *named]
    gap = max(width_of(text, AXIS) / 2 + width_of(other, AXIS) / 2 for (_, text), (_, other) in pairwise(wanted)) + 8
    placed = spread([x for x, _text in wanted], gap, zero, float("inf"))
    return [Placed(x, y, text, "middle") for x, (_wanted, text) in zip(placed, wanted, strict=True)]


def _claim(claim: ClaimLine, lines: list[float], width: float, bottom: float) -> ClaimPlaced:
    half = width_of(claim.text, CLAIM, bold=True) / 2
    x = min(max(sum(lines) / len(lines), half), width - half)
    opens = 1 if claim.high is None else -1 if claim.low is None else 0
    drawn = lines[:1] if claim.low == claim.high else lines
    return ClaimPlaced(Placed(x, 14, claim.text, "middle"), drawn, 20, bottom, opens)
