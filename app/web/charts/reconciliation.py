"""A claim beside what was verified on its own count: one bar as long as the longer of the two, in segments.

Wide it lies, with the claim's bracket above and that of the verified below; on a phone it stands, what nobody has
verified on top. A claim without a top has an open end in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.web.charts.text import Linear, cut, flow, width_of, wrapped
from app.web.figure import PHONE, WHOLE

Kind = Literal["main", "rest", "others", "reported", "remainder"]
THICK, UPRIGHT = 46, 42  # px that the bar is wide, lying and standing
TALL = 380  # px of the standing bar, at least: as many as its labels need
TO_LINES, BETWEEN = 22, 6  # px of the number of such a label, and between two of them
OPEN, OPEN_UPRIGHT = 44, 26  # px that the sides of a bar without a top go on
OPEN_ROOM, OPEN_ROOM_UPRIGHT = 60, 44  # the same with the chevron, and what stands beside it
OPEN_WORDS = 110  # px at the end of the lying bar for the words that it has no top
NUMBER_SIZE, BOLD_SIZE, TEXT_SIZE, LINE = 20, 15, 13, 17
LABEL = 186  # px of a label's lines under the lying bar
APART = 20  # px between two labels
MOVED = 4  # px from its place from which a label has a leader
LEFT, RIGHT = 22, 82  # px: of the standing bar, and of the labels beside it


@dataclass(frozen=True)
class Segment:
    """A part of the bar. `told`: its number in words; `note`: a quieter line below its text."""

    kind: Kind
    number: int
    told: str
    text: str
    note: str = ""
    address: str | None = None
    link_name: str = ""


@dataclass(frozen=True)
class Compared:
    """What is drawn. `low` and `high`: the claim, None where open; `verified`: by at least one source, of all segments
    but those only reported; `by_authority`: whether the claimant is one, and not an organisation that verifies."""

    told: str
    text: str
    low: int | None
    high: int | None
    about: bool
    segments: Sequence[Segment]
    remainder: Segment | None
    verified: Segment
    by_authority: bool = True

    @property
    def open(self) -> bool:
        """Whether the claim has no top."""
        return self.high is None

    @property
    def sure(self) -> int:
        """Up to which number the claim is sure."""
        return self.low or 0

    @property
    def reach(self) -> int:
        """Up to where the claim is drawn."""
        return self.high if self.high is not None else self.sure


Block = tuple[list[str], list[str]]  # the lines of a label, and of its note
PlacedLine = tuple[float, float, str]  # x, baseline and text


@dataclass(frozen=True)
class Label:
    """A number and its lines. `x` and `y`: the baseline of its number; `small`: the number stands in a line with its
    text; `leader`: a line from the segment, if the label does not stand at it."""

    segment: Segment
    x: float
    y: float
    small: bool
    lines: Sequence[PlacedLine]
    notes: Sequence[PlacedLine]
    leader: str = ""


@dataclass(frozen=True)
class Bar:
    """A segment drawn: from `start` to `end` along the bar."""

    kind: Kind
    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Along:
    """What stands along the bar: nought at `start`, the segments end to end, the end of the claim at `reach`, from
    where to where it may go on (`unsure`), and the end of what was verified."""

    start: float
    bars: Sequence[Bar]
    unsure: tuple[float, float] | None
    reach: float
    verified: float

    @property
    def ends_in_the_claim(self) -> bool:
        """Whether the claim is the longer of the two: only then is there room beside its end."""
        return all(abs(bar.end - self.start) <= abs(self.reach - self.start) + 0.5 for bar in self.bars)


@dataclass(frozen=True)
class Drawn:
    """A drawing. `bar`: the edge of the bar across; `below`: where the bracket of what was verified stands."""

    width: float
    height: float
    bar: float
    along: Along
    labels: Sequence[Label]
    claim: Sequence[PlacedLine]
    below: float
    sentence: Sequence[PlacedLine]


def along_the_bar(compared: Compared, scale: Linear) -> Along:
    """The segments end to end from nought, what is left of the claim after them, and where the claim may go on."""
    bars: list[Bar] = []
    reached = 0
    for segment in compared.segments:
        if segment.number:
            bars.append(Bar(segment.kind, scale(reached), scale(reached + segment.number)))
            reached += segment.number
    if compared.sure > reached:
        bars.append(Bar("remainder", scale(reached), scale(compared.sure)))
        reached = compared.sure
    further = compared.high is not None and compared.high > reached
    return Along(
        start=scale(0),
        bars=bars,
        unsure=(scale(reached), scale(compared.reach)) if further else None,
        reach=scale(compared.reach),
        verified=scale(compared.verified.number),
    )


def lying(compared: Compared) -> Drawn:
    """The bar as it lies on a wide page."""
    scale = Linear(0, _total(compared), 1, WHOLE - (OPEN_ROOM if compared.open else 1))
    along = along_the_bar(compared, scale)
    above = [segment for segment in compared.segments if segment.kind == "reported" and segment.number]
    bar = 82 if above else 54
    y = bar + THICK + 28
    under = [segment for segment in _named(compared) if segment.kind != "reported"]
    blocks = [_block(segment, LABEL) for segment in under]
    widths = [_width(segment, *block) for segment, block in zip(under, blocks, strict=True)]
    places = [_bar_of(along.bars, segment.kind) for segment in under]
    wants = [place.start + 1 if place else scale(compared.sure) for place in places]
    labels = []
    starts = flow(wants, widths, APART, 0, WHOLE)
    for segment, block, place, x in zip(under, blocks, places, starts, strict=True):
        leader = ""
        if place and not place.start - MOVED <= x <= place.end:
            near = min(max(x + 5, place.start + 3), max(place.end - 3, place.middle))
            leader = f"M{near:.1f} {bar + THICK + 2}v4L{x + 5:.1f} {y - 17}"
        labels.append(_label(segment, block, x, y, leader))
    bottom = max([y, *(line[1] for label in labels for line in (*label.lines, *label.notes))])
    labels += [_over(segment, along.bars, bar, WHOLE - (OPEN_WORDS if compared.open else 0)) for segment in above]
    sentence = wrapped(compared.verified.text, WHOLE - 60, TEXT_SIZE, most=2)
    after = width_of(compared.verified.told, BOLD_SIZE, bold=True) + 5
    told = width_of(compared.told, NUMBER_SIZE, bold=True) + 6
    (claim,) = wrapped(compared.text, WHOLE - told, TEXT_SIZE, most=1)
    return Drawn(
        width=WHOLE,
        height=bottom + 42 + LINE * (len(sentence) - 1),
        bar=bar,
        along=along,
        labels=labels,
        claim=[(told, 22, claim)],
        below=bottom + 16,
        sentence=[(after, bottom + 36 + LINE * at, line) for at, line in enumerate(sentence)],
    )


def _over(segment: Segment, bars: Sequence[Bar], bar: float, right: float) -> Label:
    """A label in one line above the bar, for the narrow segment of what was only reported; it ends before `right`."""
    place = _bar_of(bars, segment.kind)
    assert place is not None  # it has a number
    number = width_of(segment.told, BOLD_SIZE, bold=True) + 4
    text = cut(segment.text, right - number, TEXT_SIZE)
    x = min(max(place.middle - number / 2, 0), right - number - width_of(text, TEXT_SIZE))
    leader = f"M{place.middle:.1f} {bar - 12}V{bar}"
    return Label(segment, x, bar - 17, True, [(x + number, bar - 17, text)], [], leader)


def standing(compared: Compared) -> Drawn:
    """The bar as it stands on a phone."""
    told = width_of(compared.told, NUMBER_SIZE, bold=True) + 6
    first, *others = wrapped(compared.text, PHONE - told, TEXT_SIZE, most=2)
    others = wrapped(" ".join(compared.text.split()[len(first.split()) :]), PHONE, TEXT_SIZE, most=3) if others else []
    claim = [(told, 20.0, first), *((0.0, 20.0 + LINE * (at + 1), line) for at, line in enumerate(others))]
    top = 20 + LINE * len(others) + (OPEN_ROOM_UPRIGHT if compared.open else 14)
    named = list(reversed(_named(compared)))
    blocks = [_block(segment, PHONE - RIGHT) for segment in named]
    tall = max(TALL, sum(_height(block) + BETWEEN for block in blocks))
    scale = Linear(0, _total(compared), top + tall, top)
    along = along_the_bar(compared, scale)
    places = [_bar_of(along.bars, segment.kind) for segment in named]
    small = [_is_small(segment, place, block) for segment, place, block in zip(named, places, blocks, strict=True)]
    sizes = [LINE if is_small else _height(block) for block, is_small in zip(blocks, small, strict=True)]
    middles = [place.middle if place else scale(compared.sure) for place in places]
    wants = [middle - min(size, 44) / 2 for middle, size in zip(middles, sizes, strict=True)]
    starts = flow(wants, sizes, BETWEEN, top - 8, top + tall + 8)
    labels = []
    for segment, block, is_small, middle, want, y in zip(named, blocks, small, middles, wants, starts, strict=True):
        moved = abs(y - want) > MOVED
        leader = f"M{LEFT + UPRIGHT + 1} {middle:.1f}L{RIGHT - 4} {y + (8 if is_small else 11):.1f}" if moved else ""
        if is_small:
            after = RIGHT + width_of(segment.told, BOLD_SIZE, bold=True) + 4
            labels.append(Label(segment, RIGHT, y + 13, True, [(after, y + 13, segment.text)], [], leader))
        else:
            labels.append(_label(segment, block, RIGHT, y + 18, leader))
    after = width_of(compared.verified.told, BOLD_SIZE, bold=True) + 5
    sentence = wrapped(compared.verified.text, PHONE - after, TEXT_SIZE, most=4)
    below = top + tall
    return Drawn(
        width=PHONE,
        height=below + 34 + LINE * (len(sentence) - 1),
        bar=LEFT,
        along=along,
        labels=labels,
        claim=claim,
        below=below,
        sentence=[(after, below + 28 + LINE * at, line) for at, line in enumerate(sentence)],
    )


def _total(compared: Compared) -> int:
    """How much the bar holds: the claim, or all that the registry counts, whichever is more."""
    return max(1, compared.reach, sum(segment.number for segment in compared.segments))


def _named(compared: Compared) -> list[Segment]:
    """What has a label, from nought on."""
    return [
        *(segment for segment in compared.segments if segment.number),
        *([compared.remainder] if compared.remainder else []),
    ]


def _bar_of(bars: Sequence[Bar], kind: Kind) -> Bar | None:
    return next((bar for bar in bars if bar.kind == kind), None)


def _is_small(segment: Segment, place: Bar | None, block: Block) -> bool:
    """Whether a label stands in one line: its segment is thin, and there is room."""
    lines, notes = block
    fits = width_of(segment.told, BOLD_SIZE, bold=True) + 4 + width_of(segment.text, TEXT_SIZE) <= PHONE - RIGHT
    return place is not None and abs(place.end - place.start) < 30 and len(lines) == 1 and not notes and fits


def _block(segment: Segment, room: float) -> Block:
    """The lines of a label and of its note."""
    notes = wrapped(segment.note, room, TEXT_SIZE, most=3) if segment.note else []
    return wrapped(segment.text, room, TEXT_SIZE, most=3), notes


def _height(block: Block) -> float:
    """Of a label of several lines on a phone."""
    lines, notes = block
    return TO_LINES + LINE * (len(lines) + len(notes))


def _width(segment: Segment, lines: Sequence[str], notes: Sequence[str]) -> float:
    texts = [width_of(line, TEXT_SIZE) for line in (*lines, *notes)]
    return max([width_of(segment.told, NUMBER_SIZE, bold=True), *texts])


def _label(segment: Segment, block: Block, x: float, y: float, leader: str) -> Label:
    lines, notes = block
    placed = [(x, y + 19 + LINE * at, line) for at, line in enumerate((*lines, *notes))]
    return Label(segment, x, y, False, placed[: len(lines)], placed[len(lines) :], leader)
