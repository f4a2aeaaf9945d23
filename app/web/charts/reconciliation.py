"""Lay out a claim against what was verified on its own count: one bar in segments.

The wide drawing is horizontal, with the claim's bracket above and the bracket of verified releases below. On a phone
it is vertical, with the unverified part on top. A claim without an upper bound has an open end in both. Lengths are
in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.web.charts.text import LinearScale, flow_labels, measure_text, truncate_text, wrap_text
from app.web.figure import FULL_WIDTH, PHONE_WIDTH

Kind = Literal["main", "rest", "others", "reported", "hidden", "remainder"]
HORIZONTAL_BAR_THICKNESS, VERTICAL_BAR_THICKNESS = 46, 42  # px
MIN_VERTICAL_BAR_LENGTH = 380  # px: room for the labels of all segments
TO_LINES, VERTICAL_LABEL_GAP = 22, 6  # px: from a label's number to its lines, and between labels
OPEN_END_LENGTH, VERTICAL_OPEN_END_LENGTH = (
    60,
    44,
)  # px of an open end beyond the claim's number, with its chevron and label
OPEN_WORDS_WIDTH = 110  # px at the end of the horizontal bar for the label of its open end
NUMBER_SIZE, BOLD_SIZE, TEXT_SIZE, LINE = 20, 15, 13, 17
LABEL = 186  # px, width of a label below the horizontal bar
HORIZONTAL_LABEL_GAP = 20  # px between two labels
LEADER_THRESHOLD = 4  # px: a label moved farther has a leader line
VERTICAL_BAR_X, VERTICAL_LABELS_X = 22, 82  # px


@dataclass(frozen=True)
class Segment:
    """A part of the bar. `number_text`: its number, formatted; `note`: a secondary line below its text."""

    kind: Kind
    number: int
    number_text: str
    text: str
    note: str = ""
    address: str | None = None
    link_name: str = ""


@dataclass(frozen=True)
class ClaimComparison:
    """Data of the drawing. `low`, `high`: bounds of the claim, None if open; `verified_segment`: all segments except
    the only reported one; `is_by_authority`: the claimant is an authority, not an organisation that verifies."""

    figure_text: str
    text: str
    low: int | None
    high: int | None
    is_about: bool
    segments: Sequence[Segment]
    remainder: Segment | None
    verified_segment: Segment
    is_by_authority: bool = True

    @property
    def is_open(self) -> bool:
        """Whether the claim has no upper bound."""
        return self.high is None

    @property
    def lower_bound(self) -> int:
        """The number up to which the claim is certain."""
        return self.low or 0

    @property
    def reach(self) -> int:
        """The number up to which the claim is drawn."""
        return self.high if self.high is not None else self.lower_bound


Block = tuple[list[str], list[str]]  # the lines of a label, and of its note
PlacedLine = tuple[float, float, str]  # x, baseline and text


@dataclass(frozen=True)
class Label:
    """A placed number with its lines. `x`, `y`: the baseline of the number; `is_small`: number and text share a line;
    `leader`: the path from the segment, if the label was moved."""

    segment: Segment
    x: float
    y: float
    is_small: bool
    lines: Sequence[PlacedLine]
    notes: Sequence[PlacedLine]
    leader: str = ""


@dataclass(frozen=True)
class SegmentBar:
    """A placed segment, from `start` to `end` along the bar."""

    kind: Kind
    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class BarLayout:
    """Positions along the bar: zero at `start`, the segments end to end, the end of the claim at `reach`, the span
    where the claim is uncertain, and the end of the verified part."""

    start: float
    bars: Sequence[SegmentBar]
    uncertain_span: tuple[float, float] | None
    reach: float
    verified_end: float

    @property
    def has_longer_claim(self) -> bool:
        """Whether the claim is longer than the count: only then is there room at its end."""
        return all(abs(bar.end - self.start) <= abs(self.reach - self.start) + 0.5 for bar in self.bars)


@dataclass(frozen=True)
class ReconciliationLayout:
    """A laid out drawing. `bar`: the bar's edge on the cross axis; `bracket_y`: of the bracket of verified
    releases."""

    width: float
    height: float
    bar: float
    bar_layout: BarLayout
    labels: Sequence[Label]
    claim: Sequence[PlacedLine]
    bracket_y: float
    sentence: Sequence[PlacedLine]


def build_bar_layout(comparison: ClaimComparison, scale: LinearScale) -> BarLayout:
    """Place the segments end to end from zero, then the remainder of the claim and its uncertain span."""
    bars: list[SegmentBar] = []
    total = 0
    for segment in comparison.segments:
        if segment.number:
            bars.append(SegmentBar(segment.kind, scale(total), scale(total + segment.number)))
            total += segment.number
    if comparison.lower_bound > total:
        bars.append(SegmentBar("remainder", scale(total), scale(comparison.lower_bound)))
        total = comparison.lower_bound
    has_open_range = comparison.high is not None and comparison.high > total
    return BarLayout(
        start=scale(0),
        bars=bars,
        uncertain_span=(scale(total), scale(comparison.reach)) if has_open_range else None,
        reach=scale(comparison.reach),
        verified_end=scale(comparison.verified_segment.number),
    )


def lay_out_horizontal_bar(comparison: ClaimComparison) -> ReconciliationLayout:
    """Lay out the horizontal bar of a wide page."""
    scale = LinearScale(
        0, _compute_bar_total(comparison), 1, FULL_WIDTH - (OPEN_END_LENGTH if comparison.is_open else 1)
    )
    bar_layout = build_bar_layout(comparison, scale)
    upper_segments = [segment for segment in comparison.segments if segment.kind == "reported" and segment.number]
    bar = 82 if upper_segments else 54
    y = bar + HORIZONTAL_BAR_THICKNESS + 28
    lower_segments = [segment for segment in _list_labelled_segments(comparison) if segment.kind != "reported"]
    blocks = [_wrap_segment_text(segment, LABEL) for segment in lower_segments]
    widths = [_measure_segment_width(segment, *block) for segment, block in zip(lower_segments, blocks, strict=True)]
    segment_bars = [_find_segment_bar(bar_layout.bars, segment.kind) for segment in lower_segments]
    desired_starts = [
        segment_bar.start + 1 if segment_bar else scale(comparison.lower_bound) for segment_bar in segment_bars
    ]
    labels = []
    starts = flow_labels(desired_starts, widths, HORIZONTAL_LABEL_GAP, 0, FULL_WIDTH)
    for segment, block, segment_bar, x in zip(lower_segments, blocks, segment_bars, starts, strict=True):
        leader = ""
        if segment_bar and not segment_bar.start - LEADER_THRESHOLD <= x <= segment_bar.end:
            leader_x = min(max(x + 5, segment_bar.start + 3), max(segment_bar.end - 3, segment_bar.middle))
            leader = f"M{leader_x:.1f} {bar + HORIZONTAL_BAR_THICKNESS + 2}v4L{x + 5:.1f} {y - 17}"
        labels.append(_build_segment_label(segment, block, x, y, leader))
    bottom = max([y, *(line[1] for label in labels for line in (*label.lines, *label.notes))])
    labels += [
        _build_label_above_bar(
            segment, bar_layout.bars, bar, FULL_WIDTH - (OPEN_WORDS_WIDTH if comparison.is_open else 0)
        )
        for segment in upper_segments
    ]
    sentence = wrap_text(comparison.verified_segment.text, FULL_WIDTH - 60, TEXT_SIZE, max_lines=2)
    sentence_x = measure_text(comparison.verified_segment.number_text, BOLD_SIZE, bold=True) + 5
    claim_x = measure_text(comparison.figure_text, NUMBER_SIZE, bold=True) + 6
    (claim,) = wrap_text(comparison.text, FULL_WIDTH - claim_x, TEXT_SIZE, max_lines=1)
    return ReconciliationLayout(
        width=FULL_WIDTH,
        height=bottom + 42 + LINE * (len(sentence) - 1),
        bar=bar,
        bar_layout=bar_layout,
        labels=labels,
        claim=[(claim_x, 22, claim)],
        bracket_y=bottom + 16,
        sentence=[(sentence_x, bottom + 36 + LINE * index, line) for index, line in enumerate(sentence)],
    )


def _build_label_above_bar(segment: Segment, bars: Sequence[SegmentBar], bar: float, right: float) -> Label:
    """Build a one-line label above the bar, for the narrow segment of only reported releases; it ends before
    `right`."""
    segment_bar = _find_segment_bar(bars, segment.kind)
    assert segment_bar is not None  # its number is not zero
    number_width = measure_text(segment.number_text, BOLD_SIZE, bold=True) + 4
    text = truncate_text(segment.text, right - number_width, TEXT_SIZE)
    x = min(max(segment_bar.middle - number_width / 2, 0), right - number_width - measure_text(text, TEXT_SIZE))
    leader = f"M{segment_bar.middle:.1f} {bar - 12}V{bar}"
    return Label(segment, x, bar - 17, True, [(x + number_width, bar - 17, text)], [], leader)


def lay_out_vertical_bar(comparison: ClaimComparison) -> ReconciliationLayout:
    """Lay out the vertical bar of a phone."""
    claim_x = measure_text(comparison.figure_text, NUMBER_SIZE, bold=True) + 6
    first_line, *other_lines = wrap_text(comparison.text, PHONE_WIDTH - claim_x, TEXT_SIZE, max_lines=2)
    other_lines = (
        wrap_text(" ".join(comparison.text.split()[len(first_line.split()) :]), PHONE_WIDTH, TEXT_SIZE, max_lines=3)
        if other_lines
        else []
    )
    claim = [
        (claim_x, 20.0, first_line),
        *((0.0, 20.0 + LINE * (index + 1), line) for index, line in enumerate(other_lines)),
    ]
    top = 20 + LINE * len(other_lines) + (VERTICAL_OPEN_END_LENGTH if comparison.is_open else 14)
    labelled_segments = list(reversed(_list_labelled_segments(comparison)))
    blocks = [_wrap_segment_text(segment, PHONE_WIDTH - VERTICAL_LABELS_X) for segment in labelled_segments]
    length = max(MIN_VERTICAL_BAR_LENGTH, sum(_compute_block_height(block) + VERTICAL_LABEL_GAP for block in blocks))
    scale = LinearScale(0, _compute_bar_total(comparison), top + length, top)
    bar_layout = build_bar_layout(comparison, scale)
    segment_bars = [_find_segment_bar(bar_layout.bars, segment.kind) for segment in labelled_segments]
    small_flags = [
        _is_small(segment, segment_bar, block)
        for segment, segment_bar, block in zip(labelled_segments, segment_bars, blocks, strict=True)
    ]
    sizes = [
        LINE if is_small else _compute_block_height(block) for block, is_small in zip(blocks, small_flags, strict=True)
    ]
    middles = [segment_bar.middle if segment_bar else scale(comparison.lower_bound) for segment_bar in segment_bars]
    desired_tops = [middle - min(size, 44) / 2 for middle, size in zip(middles, sizes, strict=True)]
    starts = flow_labels(desired_tops, sizes, VERTICAL_LABEL_GAP, top - 8, top + length + 8)
    labels = []
    for segment, block, is_small, middle, desired_top, y in zip(
        labelled_segments, blocks, small_flags, middles, desired_tops, starts, strict=True
    ):
        is_moved = abs(y - desired_top) > LEADER_THRESHOLD
        leader = (
            f"M{VERTICAL_BAR_X + VERTICAL_BAR_THICKNESS + 1} {middle:.1f}"
            f"L{VERTICAL_LABELS_X - 4} {y + (8 if is_small else 11):.1f}"
            if is_moved
            else ""
        )
        if is_small:
            text_x = VERTICAL_LABELS_X + measure_text(segment.number_text, BOLD_SIZE, bold=True) + 4
            labels.append(Label(segment, VERTICAL_LABELS_X, y + 13, True, [(text_x, y + 13, segment.text)], [], leader))
        else:
            labels.append(_build_segment_label(segment, block, VERTICAL_LABELS_X, y + 18, leader))
    text_x = measure_text(comparison.verified_segment.number_text, BOLD_SIZE, bold=True) + 5
    sentence = wrap_text(comparison.verified_segment.text, PHONE_WIDTH - text_x, TEXT_SIZE, max_lines=4)
    bracket_y = top + length
    return ReconciliationLayout(
        width=PHONE_WIDTH,
        height=bracket_y + 34 + LINE * (len(sentence) - 1),
        bar=VERTICAL_BAR_X,
        bar_layout=bar_layout,
        labels=labels,
        claim=claim,
        bracket_y=bracket_y,
        sentence=[(text_x, bracket_y + 28 + LINE * index, line) for index, line in enumerate(sentence)],
    )


def _compute_bar_total(comparison: ClaimComparison) -> int:
    """Return the number at the end of the bar: the claim or the registry's whole count, whichever is larger."""
    return max(1, comparison.reach, sum(segment.number for segment in comparison.segments))


def _list_labelled_segments(comparison: ClaimComparison) -> list[Segment]:
    """Return the segments with labels, from zero up."""
    return [
        *(segment for segment in comparison.segments if segment.number),
        *([comparison.remainder] if comparison.remainder else []),
    ]


def _find_segment_bar(bars: Sequence[SegmentBar], kind: Kind) -> SegmentBar | None:
    return next((bar for bar in bars if bar.kind == kind), None)


def _is_small(segment: Segment, segment_bar: SegmentBar | None, block: Block) -> bool:
    """Return whether a label has one line: its segment is thin, and there is room."""
    lines, notes = block
    fits = (
        measure_text(segment.number_text, BOLD_SIZE, bold=True) + 4 + measure_text(segment.text, TEXT_SIZE)
        <= PHONE_WIDTH - VERTICAL_LABELS_X
    )
    return (
        segment_bar is not None
        and abs(segment_bar.end - segment_bar.start) < 30
        and len(lines) == 1
        and not notes
        and fits
    )


def _wrap_segment_text(segment: Segment, max_width: float) -> Block:
    """Return the lines of a label and of its note."""
    notes = wrap_text(segment.note, max_width, TEXT_SIZE, max_lines=3) if segment.note else []
    return wrap_text(segment.text, max_width, TEXT_SIZE, max_lines=3), notes


def _compute_block_height(block: Block) -> float:
    """Return the height of a label of several lines on a phone."""
    lines, notes = block
    return TO_LINES + LINE * (len(lines) + len(notes))


def _measure_segment_width(segment: Segment, lines: Sequence[str], notes: Sequence[str]) -> float:
    texts = [measure_text(line, TEXT_SIZE) for line in (*lines, *notes)]
    return max([measure_text(segment.number_text, NUMBER_SIZE, bold=True), *texts])


def _build_segment_label(segment: Segment, block: Block, x: float, y: float, leader: str) -> Label:
    lines, notes = block
    placed_lines = [(x, y + 19 + LINE * index, line) for index, line in enumerate((*lines, *notes))]
    return Label(segment, x, y, False, placed_lines[: len(lines)], placed_lines[len(lines) :], leader)
