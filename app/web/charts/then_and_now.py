"""Lay out counts then and now: for each row a hollow dot, a line and a filled dot on one scale; a claim crosses all
rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.web.charts.text import LinearScale, measure_text, spread_labels, wrap_text

MIN_WIDE_PAIRS_WIDTH = 600  # px; a narrower drawing has its labels above the rows
LABELS, WIDE_START = 204, 250  # px in a wide drawing: width of labels, x of zero
TO_NUMBER = 11  # px from the centre of a dot to its number
LABEL, NUMBER, CLAIM, AXIS = 13, 15, 15, 12  # font sizes, px
LINE = 17  # line height of labels, px
MAX_PAIR_LABEL_LINES = 3  # the table has the whole label
WIDE_ROW, NARROW_ROW = 34, 52
DOT_LABELS_HEIGHT, CLAIM_FIGURE_HEIGHT = (
    26,
    22,
)  # px above the first row: for the labels of dots, and for a claim's figure
CLAIM_LINE_CLEARANCE = 5  # px between a claim line and a number that avoids it


@dataclass(frozen=True)
class ThenAndNowRow:
    """A row: its label, both counts, and their lists. `is_derived`: derived by the registry from several sources;
    `tag`: a note on the source."""

    label: str
    then_count: int
    now_count: int
    is_derived: bool = False
    then_list: str | None = None
    now_list: str | None = None
    tag: str = ""


@dataclass(frozen=True)
class ClaimLine:
    """A claim. `low`, `high`: None if open."""

    text: str
    low: int | None
    high: int | None


@dataclass(frozen=True)
class DotLabels:
    """Labels of the dots, such as "23 Jan" and "today", and the number formatter."""

    then_label: str
    now_label: str
    format_number: Callable[[int], str]


@dataclass(frozen=True)
class PlacedText:
    """A placed text."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Pair:
    """A placed row. `then_number` is None if both counts are equal, which draws one dot; `top`: of the dots, below a
    label above them."""

    row: ThenAndNowRow
    label: list[PlacedText]
    tag: PlacedText | None
    y: float
    top: float
    rule: float
    then_x: float
    now_x: float
    then_number: PlacedText | None
    now_number: PlacedText


@dataclass(frozen=True)
class PlacedClaimLine:
    """The placed lines of a claim, two for an interval. `opens`: 1 without an upper bound, -1 without a lower one."""

    text: PlacedText
    lines: list[float]
    top: float
    bottom: float
    opens: int


@dataclass(frozen=True)
class ThenAndNowLayout:
    """A laid out drawing."""

    width: float
    height: float
    zero: float
    dot_labels: list[PlacedText]
    pairs: list[Pair]
    claim: PlacedClaimLine | None


def lay_out_then_and_now(
    rows: Sequence[ThenAndNowRow], dot_labels: DotLabels, width: float, claim: ClaimLine | None = None
) -> ThenAndNowLayout:
    """Lay out the rows, at least one."""
    is_wide = width >= MIN_WIDE_PAIRS_WIDTH
    scale = _build_scale(rows, dot_labels, width, claim, is_wide=is_wide)
    lines = [] if claim is None else [scale(bound) for bound in (claim.low, claim.high) if bound is not None]
    top: float = DOT_LABELS_HEIGHT + (CLAIM_FIGURE_HEIGHT if lines else 0)
    pairs, y = [], top
    for row in rows:
        pair = _place_pair(row, dot_labels, scale, y, width, lines, is_wide=is_wide)
        pairs.append(pair)
        y = pair.rule
    placed_claim = None if claim is None or not lines else _place_claim_line(claim, lines, width, y)
    placed_labels = _place_dot_labels(pairs[0], dot_labels, scale(0), pairs[0].y - 12 if is_wide else top - 4)
    return ThenAndNowLayout(width, y + 4, scale(0), placed_labels, pairs, placed_claim)


def _build_scale(
    rows: Sequence[ThenAndNowRow], dot_labels: DotLabels, width: float, claim: ClaimLine | None, *, is_wide: bool
) -> LinearScale:
    """Build the scale with room on both sides for the longest number."""
    bounds = [] if claim is None else [bound for bound in (claim.low, claim.high) if bound is not None]
    high = max(1, *bounds, *[max(row.then_count, row.now_count) for row in rows])
    left_width = max(
        measure_text(dot_labels.format_number(min(row.then_count, row.now_count)), NUMBER, bold=True) for row in rows
    )
    right_width = max(
        measure_text(dot_labels.format_number(max(row.then_count, row.now_count)), NUMBER, bold=True) for row in rows
    )
    start = WIDE_START if is_wide else TO_NUMBER + left_width + 2
    return LinearScale(0, high, start, width - TO_NUMBER - CLAIM_LINE_CLEARANCE - right_width - 4)


def _place_pair(
    row: ThenAndNowRow,
    dot_labels: DotLabels,
    scale: LinearScale,
    top: float,
    width: float,
    lines: Sequence[float],
    *,
    is_wide: bool,
) -> Pair:
    tag_width = 0 if is_wide or not row.tag else measure_text(row.tag, AXIS) + 8
    texts = wrap_text(
        row.label, LABELS if is_wide else width - tag_width, LABEL, max_lines=MAX_PAIR_LABEL_LINES, bold=True
    )
    beneath = LINE * (len(texts) - 1 + (bool(row.tag) and is_wide))
    y = top + (WIDE_ROW / 2 if is_wide else 36 + beneath)
    first = y + 4.5 if is_wide else top + 15
    label = [PlacedText(0, first + LINE * index, text) for index, text in enumerate(texts)]
    tag = None
    if row.tag:
        tag_x = 0 if is_wide else measure_text(texts[-1], LABEL, bold=True) + 8
        tag = PlacedText(tag_x, label[-1].y + (LINE if is_wide else 0), row.tag)
    rule = top + (WIDE_ROW if is_wide else NARROW_ROW) + beneath
    then_x, now_x = scale(row.then_count), scale(row.now_count)
    has_grown = row.now_count >= row.then_count
    then_text, now_text = dot_labels.format_number(row.then_count), dot_labels.format_number(row.now_count)
    then_number = None
    if row.then_count != row.now_count:
        number_width = measure_text(then_text, LABEL)
        then_number = PlacedText(
            _avoid_claim_lines(then_x, number_width, lines, is_left=has_grown),
            y + 4.5,
            then_text,
            "end" if has_grown else "start",
        )
    number_width = measure_text(now_text, NUMBER, bold=True)
    now_number = PlacedText(
        _avoid_claim_lines(now_x, number_width, lines, is_left=not has_grown),
        y + 5,
        now_text,
        "start" if has_grown else "end",
    )
    return Pair(row, label, tag, y, y - WIDE_ROW / 2, rule, then_x, now_x, then_number, now_number)


def _avoid_claim_lines(dot: float, number_width: float, lines: Sequence[float], *, is_left: bool) -> float:
    """Return where the number next to a dot begins (or ends, if it is on the left), so that no claim line crosses
    it."""
    side = -1 if is_left else 1
    x = dot + side * TO_NUMBER
    for line in sorted(lines, reverse=is_left):
        if (
            min(x, x + side * number_width) - CLAIM_LINE_CLEARANCE
            < line
            < max(x, x + side * number_width) + CLAIM_LINE_CLEARANCE
        ):
            x = line + side * CLAIM_LINE_CLEARANCE
    return x


def _place_dot_labels(first: Pair, dot_labels: DotLabels, zero: float, y: float) -> list[PlacedText]:
    """Place the labels above the first row's dots, and the zero of the scale."""
    dot_texts = [(first.now_x, dot_labels.now_label)]
    if first.then_number is not None:
        dot_texts = sorted([(first.then_x, dot_labels.then_label), *dot_texts])
    desired_labels = [(zero, "0"), *dot_texts]
    gap = (
        max(
            measure_text(text, AXIS) / 2 + measure_text(other_text, AXIS) / 2
            for (_, text), (_, other_text) in pairwise(desired_labels)
        )
        + 8
    )
    positions = spread_labels([x for x, _text in desired_labels], gap, zero, float("inf"))
    return [PlacedText(x, y, text, "middle") for x, (_desired_x, text) in zip(positions, desired_labels, strict=True)]


def _place_claim_line(claim: ClaimLine, lines: list[float], width: float, bottom: float) -> PlacedClaimLine:
    half_width = measure_text(claim.text, CLAIM, bold=True) / 2
    x = min(max(sum(lines) / len(lines), half_width), width - half_width)
    opens = 1 if claim.high is None else -1 if claim.low is None else 0
    visible_lines = lines[:1] if claim.low == claim.high else lines
    return PlacedClaimLine(PlacedText(x, 14, claim.text, "middle"), visible_lines, 20, bottom, opens)
