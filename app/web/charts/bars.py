"""Lay out bars: rows of sources with an authority's claim above, shares of a list, and changes of a count.

A claim has a bar of its own kind, because it is another count, and an open end where it has no upper bound. Shares
are grey and dark only: ochre means an authority. Lengths are in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.text import LinearScale, measure_text, wrap_text

BAR_HEIGHT = 16
BOLD_SIZE, TEXT_SIZE, SMALL_SIZE = 15, 13, 12  # px
TEXT_LINE_HEIGHT = 18  # px from one line of a text to the next
MAX_DEFINITION_LINES = 4  # of a definition; the table has all of it
GAP = 8
# Vertical distances in px: from a row's top to the baseline of its name, from there to the definition's baseline and to
# the bar, from the bar to the baseline of the label below it, and the margin below the row.
TO_NAME, TO_DEFINITION, TO_BAR, TO_TICK_LABEL, ROW_BOTTOM_MARGIN = 24, 21, 12, 22, 14
TAG_PADDING = 12  # px, left and right padding of a tag added up


@dataclass(frozen=True)
class RowsLayout:
    """Widths and columns of a drawing. `text_width`: of names and definitions; `bars_start`: where bars begin;
    `is_side_by_side`: bars are at the end of the text, not below it."""

    width: int
    text_width: int
    bars_start: int
    is_side_by_side: bool


WIDE = RowsLayout(width=1120, text_width=440, bars_start=477, is_side_by_side=True)
NARROW = RowsLayout(width=328, text_width=328, bars_start=0, is_side_by_side=False)
# px at the end of a bar: for its dashed sides and chevron if it has no upper bound, or for a number and its day.
OPEN_END = 60
TO_NO_TOP = 10  # px from the number of a claim to the label of its open end


@dataclass(frozen=True)
class SourceRow:
    """A source and how many it verified. `then_count` is None if no earlier moment was requested; `link_name`: the
    accessible name of the link."""

    name: str
    definition: str
    now_count: int
    now_text: str
    address: str | None = None
    link_name: str = ""
    then_count: int | None = None
    then_text: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """An authority's claim. `figure_text`: the figure as stated; `low`, `high`: its bounds, None if open;
    `no_top_text`: the label of an open upper end."""

    name: str
    tag: str
    sentence: str
    figure_text: str
    address: str
    low: int | None
    high: int | None
    no_top_text: str = ""


@dataclass(frozen=True)
class Texts:
    """The text of a row: lines of its name, a tag (x, baseline, width, text), and lines of its definition."""

    names: Sequence[tuple[float, str]]
    tag: tuple[float, float, float, str] | None
    lines: Sequence[tuple[float, str]]
    bottom: float


@dataclass(frozen=True)
class PlacedSource:
    """A placed row of a source. The bar has three lengths: `shared_length` was verified then and is now, `now_length`
    is verified now, and `full_length` includes what was verified then and is no longer."""

    row: SourceRow
    texts: Texts
    top: float
    bar_top: float
    shared_length: float
    now_length: float
    full_length: float
    tick_x: float | None
    then_label_x: float  # the centre of the label below the tick
    number_x: float
    now_label_x: float  # the label "today", after the number


@dataclass(frozen=True)
class PlacedClaim:
    """A placed row of a claim: outlined from zero to `end`, hatched from `hatch_start`; `is_open`: without an upper
    bound."""

    row: ClaimRow
    texts: Texts
    bar_top: float
    hatch_start: float
    end: float
    is_open: bool
    figure_end: float  # the end of the figure as stated
    no_top_x: float  # the beginning of `no_top_text`


@dataclass(frozen=True)
class SourceRows:
    """The whole drawing. `now_label`: the moment of the current numbers; `empty_lines`: the sentence shown if no
    source verified anything."""

    layout: RowsLayout
    height: float
    now_label: str
    claim: PlacedClaim | None
    sources: Sequence[PlacedSource]
    empty_lines: Sequence[tuple[float, str]]


def lay_out_source_rows(
    sources: Sequence[SourceRow], claim: ClaimRow | None, now_label: str, empty_text: str, layout: RowsLayout
) -> SourceRows:
    """Lay out the rows one below the other, with all bars on one scale from zero."""
    largest = max([1, *(max(row.now_count, row.then_count or 0) for row in sources)])
    if claim is not None:
        largest = max(largest, claim.low or 0, claim.high or 0)
    number_widths = [_measure_now_text(row) + measure_text(now_label, TEXT_SIZE) for row in sources]
    no_top_width = TO_NO_TOP + measure_text(claim.no_top_text, SMALL_SIZE) if claim is not None else 0
    scale = LinearScale(0, largest, layout.bars_start, layout.width - max([OPEN_END, no_top_width, *number_widths]))
    top, placed_claim, placed_sources = 0.0, None, []
    if claim is not None:
        placed_claim, top = _place_claim(claim, scale, layout)
    for row in sources:
        source, top = _place_source(row, scale, layout, top)
        placed_sources.append(source)
    lines = [] if sources else wrap_text(empty_text, layout.width, TEXT_SIZE, max_lines=MAX_DEFINITION_LINES)
    empty_lines = [(top + TO_NAME + TEXT_LINE_HEIGHT * index, line) for index, line in enumerate(lines)]
    return SourceRows(
        layout,
        top + (TEXT_LINE_HEIGHT * len(lines) + 20 if lines else 0),
        now_label,
        placed_claim,
        placed_sources,
        empty_lines,
    )


def _measure_now_text(row: SourceRow) -> float:
    """Return the distance from the end of a bar to the label after its number."""
    return GAP + measure_text(row.now_text, BOLD_SIZE, bold=True) + 4


def _lay_out_texts(name: str, tag: str, definition: str, layout: RowsLayout, top: float) -> Texts:
    names = wrap_text(name, layout.text_width, BOLD_SIZE, max_lines=2, bold=True)
    baseline = top + TO_NAME + TEXT_LINE_HEIGHT * (len(names) - 1)
    placed_tag = None
    if tag:
        width, tag_x = measure_text(tag, TEXT_SIZE) + TAG_PADDING, measure_text(names[-1], BOLD_SIZE, bold=True) + GAP
        if tag_x + width > layout.text_width:
            tag_x, baseline = 0, baseline + TO_NAME
        placed_tag = (tag_x, baseline, width, tag)
    lines = wrap_text(definition, layout.text_width, TEXT_SIZE, max_lines=MAX_DEFINITION_LINES) if definition else []
    return Texts(
        [(top + TO_NAME + TEXT_LINE_HEIGHT * index, line) for index, line in enumerate(names)],
        placed_tag,
        [(baseline + TO_DEFINITION + TEXT_LINE_HEIGHT * index, line) for index, line in enumerate(lines)],
        baseline + (TO_DEFINITION + TEXT_LINE_HEIGHT * (len(lines) - 1) if lines else 0),
    )


def _compute_bar_and_end(texts: Texts, layout: RowsLayout, top: float) -> tuple[float, float]:
    """Return the top of a row's bar and the bottom of the row."""
    bar = (top if layout.is_side_by_side else texts.bottom) + TO_BAR
    return bar, max(texts.bottom, bar + BAR_HEIGHT + TO_TICK_LABEL) + ROW_BOTTOM_MARGIN


def _place_source(row: SourceRow, scale: LinearScale, layout: RowsLayout, top: float) -> tuple[PlacedSource, float]:
    texts = _lay_out_texts(row.name, "", row.definition, layout, top)
    bar, end = _compute_bar_and_end(texts, layout, top)
    then_count = row.now_count if row.then_count is None else row.then_count
    lower, upper = sorted((then_count, row.now_count))
    half_width = measure_text(row.then_text, SMALL_SIZE) / 2
    placed_source = PlacedSource(
        row=row,
        texts=texts,
        top=top,
        bar_top=bar,
        shared_length=scale(lower) - layout.bars_start,
        now_length=scale(row.now_count) - layout.bars_start,
        full_length=scale(upper) - layout.bars_start,
        tick_x=None if row.then_count is None else scale(row.then_count),
        then_label_x=max(scale(then_count), layout.bars_start + half_width),
        number_x=scale(upper) + GAP,
        now_label_x=scale(upper) + _measure_now_text(row),
    )
    return placed_source, end


def _place_claim(row: ClaimRow, scale: LinearScale, layout: RowsLayout) -> tuple[PlacedClaim, float]:
    texts = _lay_out_texts(row.name, row.tag, row.sentence, layout, 0)
    bar, end = _compute_bar_and_end(texts, layout, 0)
    reach = scale(row.high if row.high is not None else row.low or 0)
    # The hatched part is claimed for certain: of an interval, only the part above the lower bound is not.
    hatch_start = reach if row.low is None else scale(0) if row.high in (None, row.low) else scale(row.low)
    is_open = row.high is None and row.low is not None
    figure_end = max(reach, layout.bars_start + measure_text(row.figure_text, BOLD_SIZE, bold=True))
    return PlacedClaim(row, texts, bar, hatch_start, reach, is_open, figure_end, figure_end + TO_NO_TOP), end


SHARE_BAR_HEIGHT, PART_GAP = 20, 2  # px: height of the bar, gap between its parts
MIN_PART_WIDTH = 6  # px, so that one row of thousands is visible
SHARE_LABEL_SIZE, SHARE_LABEL_LINE_HEIGHT, SHARE_LABEL_GAP = (
    13,
    20,
    16,
)  # px: font size, line height, and gap between labels on one line


@dataclass(frozen=True)
class SharePart:
    """A part of the bar. `kind`: enter, same, waits or out."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class ShareLabel:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Shares:
    """A placed bar of shares with its labels. `height`: of the whole drawing."""

    width: float
    height: float
    parts: Sequence[SharePart]
    labels: Sequence[ShareLabel]


def lay_out_shares(shares: Sequence[tuple[str, int, str]], width: float) -> Shares:
    """Lay out the bar of some shares, each a kind, a number and a label."""
    available_width = width - PART_GAP * (len(shares) - 1)
    total = sum(count for _kind, count, _label in shares) or 1
    raw_widths = [max(MIN_PART_WIDTH, available_width * count / total) for _kind, count, _label in shares]
    widths = [raw_width * available_width / sum(raw_widths) for raw_width in raw_widths]
    parts, x = [], 0.0
    for (kind, _count, _label), part in zip(shares, widths, strict=True):
        parts.append(SharePart(kind, x, part))
        x += part + PART_GAP
    labels = _place_share_labels([part.x for part in parts], [label for _kind, _count, label in shares], width)
    return Shares(width, max((label.y for label in labels), default=SHARE_BAR_HEIGHT) + 6, parts, labels)


def _place_share_labels(starts: Sequence[float], texts: Sequence[str], width: float) -> list[ShareLabel]:
    """Place each label below the beginning of its part, moved on if another label is there; stack them if they do not
    fit on one line."""
    x, line, labels = 0.0, SHARE_BAR_HEIGHT + SHARE_LABEL_LINE_HEIGHT, []
    for start, text in zip(starts, texts, strict=True):
        labels.append(ShareLabel(max(x, start), line, text))
        x = labels[-1].x + measure_text(text, SHARE_LABEL_SIZE) + SHARE_LABEL_GAP
    if not labels or x - SHARE_LABEL_GAP <= width:
        return labels
    return [
        ShareLabel(
            max(0, min(start, width - measure_text(text, SHARE_LABEL_SIZE))),
            SHARE_BAR_HEIGHT + SHARE_LABEL_LINE_HEIGHT * (index + 1),
            text,
        )
        for index, (start, text) in enumerate(zip(starts, texts, strict=True))
    ]


CHANGE_BAR_HEIGHT, CHANGE_BAR_TOP_MARGIN, CHANGE_BAR_BOTTOM_MARGIN = 26, 24, 24
LABEL, NUMBER = 13, 15  # font sizes, px
CHANGE_LABEL_GAP = 18  # px between labels
SPACE = 4  # px between a number and its text


@dataclass(frozen=True)
class ChangePart:
    """A part of the bar. `look`: its CSS class; `number`, `text`: its label below the bar; `address`: the link of the
    label."""

    value: int
    look: str
    number: str = ""
    text: str = ""
    address: str | None = None


@dataclass(frozen=True)
class PlacedPart:
    """A placed part, and the beginning of its label."""

    part: ChangePart
    x: float
    width: float
    label_x: float


@dataclass(frozen=True)
class ChangeBar:
    """A placed bar of changes. `has_words`: labels have words, not only numbers."""

    width: float
    height: float
    top: float
    segments: list[PlacedPart]
    has_words: bool


def lay_out_change_bar(parts: Sequence[ChangePart], width: float, *, has_words: bool) -> ChangeBar:
    """Lay out parts side by side. A part of zero has a label and no length."""
    scale = LinearScale(0, sum(part.value for part in parts) or 1, 0, width)
    offset, starts = 0, []
    for part in parts:
        starts.append(scale(offset))
        offset += part.value
    labels = _place_change_labels(starts, [_measure_label(part, has_words=has_words) for part in parts], width)
    segments = [
        PlacedPart(part, start, scale(part.value), label)
        for part, start, label in zip(parts, starts, labels, strict=True)
    ]  # fmt: skip
    return ChangeBar(
        width,
        CHANGE_BAR_TOP_MARGIN + CHANGE_BAR_HEIGHT + CHANGE_BAR_BOTTOM_MARGIN,
        CHANGE_BAR_TOP_MARGIN,
        segments,
        has_words,
    )


def _measure_label(part: ChangePart, *, has_words: bool) -> float:
    """Return the width of the label below a part."""
    number = measure_text(part.number, NUMBER, bold=True)
    return number + (SPACE + measure_text(part.text, LABEL) if has_words and part.text else 0)


def _place_change_labels(starts: Sequence[float], label_widths: Sequence[float], width: float) -> list[float]:
    """Return where labels begin: below their parts, as far as they neither touch nor leave the drawing."""
    label_starts, end = [], 0.0
    for start, label_width in zip(starts, label_widths, strict=True):
        label_starts.append(max(start, end))
        end = label_starts[-1] + label_width + (CHANGE_LABEL_GAP if label_width else 0)
    last = width
    for index in range(len(label_starts) - 1, -1, -1):
        label_starts[index] = min(label_starts[index], last - label_widths[index])
        last = label_starts[index] - (CHANGE_LABEL_GAP if label_widths[index] else 0)
    return label_starts
