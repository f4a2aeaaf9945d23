"""Source rows: whom each source counts, and one bar for what it had verified then and has verified by now.

What an authority claimed stands first. It is another count, and its bar is as open as the claim.

One bar in parts: how the rows of a list fare. Grey and dark alone: ochre means an authority.

What came into a count and what left it, as one bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.text import Linear, width_of, wrapped

BAR = 16
BOLD_SIZE, TEXT_SIZE, SMALL_SIZE = 15, 13, 12  # px
LINE = 18  # px from one line of a text to the next
MOST_LINES = 4  # of a definition in the drawing; the table has it whole
GAP = 8
# Px down a row: from its top to the base line of the name, from there to that of the definition, to a bar beside or
# below the text, from the bar to the base line of what stands under it, and below all.
TO_NAME, TO_DEFINITION, TO_BAR, TO_UNDER, BELOW = 24, 21, 12, 22, 14
TAG_PADDING = 12  # px around the words of a tag, both sides together


@dataclass(frozen=True)
class Form:
    """Where things stand. `text`: the width of names and definitions; `start`: of bars; `beside`: whether bars stand
    beside the text, and not under it."""

    width: int
    text: int
    start: int
    beside: bool


WIDE = Form(width=1120, text=440, start=477, beside=True)
NARROW = Form(width=328, text=328, start=0, beside=False)
# What stands at the end of a bar: the dashed sides of one without a top and their chevron, or a number and its day.
OPEN_END = 60
TO_NO_TOP = 10  # px from the number of a claim to the words that it has no top


@dataclass(frozen=True)
class SourceRow:
    """A source and what it verified. `then`: None where nobody asks what it was; `link_name`: what a screen reader says
    of the link."""

    name: str
    definition: str
    now: int
    told_now: str
    address: str | None = None
    link_name: str = ""
    then: int | None = None
    told_then: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """What an authority claimed. `told`: as it was said; `high` None: without a top, as `no_top` says; `low` None:
    without a least."""

    name: str
    tag: str
    sentence: str
    told: str
    address: str
    low: int | None
    high: int | None
    no_top: str = ""


@dataclass(frozen=True)
class Texts:
    """The text of a row: its name in lines, a tag (x, baseline, width, text), and its definition in lines."""

    names: Sequence[tuple[float, str]]
    tag: tuple[float, float, float, str] | None
    lines: Sequence[tuple[float, str]]
    bottom: float


@dataclass(frozen=True)
class PlacedSource:
    """A row of a source. The bar is `dark` to what it had verified then, goes on to what it has verified now (`whole`),
    and is empty to what it had then and has no more (`beyond`)."""

    row: SourceRow
    texts: Texts
    top: float
    bar: float
    dark: float
    whole: float
    beyond: float
    tick: float | None
    told_then: float  # the middle of the label under the tick
    number: float
    by: float  # where "today" stands, after the number


@dataclass(frozen=True)
class PlacedClaim:
    """A row of a claim: outlined from nought to `end`, hatched from `hatched` on; `open`: it has no top."""

    row: ClaimRow
    texts: Texts
    bar: float
    hatched: float
    end: float
    open: bool
    told_end: float  # where the figure as said ends
    no_top: float  # where the words begin that it has no top


@dataclass(frozen=True)
class SourceRows:
    """The whole drawing. `now`: the word for when the numbers are of; `nobody`: the sentence that stands where no
    source verified anything."""

    form: Form
    height: float
    now: str
    claim: PlacedClaim | None
    sources: Sequence[PlacedSource]
    nobody: Sequence[tuple[float, str]]


def source_rows(sources: Sequence[SourceRow], claim: ClaimRow | None, now: str, nobody: str, form: Form) -> SourceRows:
    """Each row under the one before it, all bars on one scale from nought."""
    largest = max([1, *(max(row.now, row.then or 0) for row in sources)])
    if claim is not None:
        largest = max(largest, claim.low or 0, claim.high or 0)
    numbers = [_width_of_number(row) + width_of(now, TEXT_SIZE) for row in sources]
    no_top = TO_NO_TOP + width_of(claim.no_top, SMALL_SIZE) if claim is not None else 0
    scale = Linear(0, largest, form.start, form.width - max([OPEN_END, no_top, *numbers]))
    top, placed_claim, placed = 0.0, None, []
    if claim is not None:
        placed_claim, top = _claim(claim, scale, form)
    for row in sources:
        source, top = _source(row, scale, form, top)
        placed.append(source)
    lines = [] if sources else wrapped(nobody, form.width, TEXT_SIZE, most=MOST_LINES)
    empty = [(top + TO_NAME + LINE * at, line) for at, line in enumerate(lines)]
    return SourceRows(form, top + (LINE * len(lines) + 20 if lines else 0), now, placed_claim, placed, empty)


def _width_of_number(row: SourceRow) -> float:
    """From the end of a bar to the word after its number."""
    return GAP + width_of(row.told_now, BOLD_SIZE, bold=True) + 4


def _texts(name: str, tag: str, definition: str, form: Form, top: float) -> Texts:
    names = wrapped(name, form.text, BOLD_SIZE, most=2, bold=True)
    baseline = top + TO_NAME + LINE * (len(names) - 1)
    placed_tag = None
    if tag:
        width, after = width_of(tag, TEXT_SIZE) + TAG_PADDING, width_of(names[-1], BOLD_SIZE, bold=True) + GAP
        if after + width > form.text:
            after, baseline = 0, baseline + TO_NAME
        placed_tag = (after, baseline, width, tag)
    lines = wrapped(definition, form.text, TEXT_SIZE, most=MOST_LINES) if definition else []
    return Texts(
        [(top + TO_NAME + LINE * at, line) for at, line in enumerate(names)],
        placed_tag,
        [(baseline + TO_DEFINITION + LINE * at, line) for at, line in enumerate(lines)],
        baseline + (TO_DEFINITION + LINE * (len(lines) - 1) if lines else 0),
    )


def _bar_and_end(texts: Texts, form: Form, top: float) -> tuple[float, float]:
    """Where the bar of a row stands, and where the row ends."""
    bar = (top if form.beside else texts.bottom) + TO_BAR
    return bar, max(texts.bottom, bar + BAR + TO_UNDER) + BELOW


def _source(row: SourceRow, scale: Linear, form: Form, top: float) -> tuple[PlacedSource, float]:
    texts = _texts(row.name, "", row.definition, form, top)
    bar, end = _bar_and_end(texts, form, top)
    then = row.now if row.then is None else row.then
    least, most = sorted((then, row.now))
    half = width_of(row.told_then, SMALL_SIZE) / 2
    placed = PlacedSource(
        row=row,
        texts=texts,
        top=top,
        bar=bar,
        dark=scale(least) - form.start,
        whole=scale(row.now) - form.start,
        beyond=scale(most) - form.start,
        tick=None if row.then is None else scale(row.then),
        told_then=max(scale(then), form.start + half),
        number=scale(most) + GAP,
        by=scale(most) + _width_of_number(row),
    )
    return placed, end


def _claim(row: ClaimRow, scale: Linear, form: Form) -> tuple[PlacedClaim, float]:
    texts = _texts(row.name, row.tag, row.sentence, form, 0)
    bar, end = _bar_and_end(texts, form, 0)
    reach = scale(row.high if row.high is not None else row.low or 0)
    # What is hatched is claimed without a doubt: between two numbers, only what the smaller one leaves open is not.
    hatched = reach if row.low is None else scale(0) if row.high in (None, row.low) else scale(row.low)
    is_open = row.high is None and row.low is not None
    told_end = max(reach, form.start + width_of(row.told, BOLD_SIZE, bold=True))
    return PlacedClaim(row, texts, bar, hatched, reach, is_open, told_end, told_end + TO_NO_TOP), end


HEIGHT, SHARES_GAP = 20, 2  # of the bar, and between its parts
LEAST = 6  # pixels of a part, or one row of thousands would not be seen
SIZE, SHARES_LINE, BETWEEN = 13, 20, 16  # of a label, its line, and what stays free between two on one line


@dataclass(frozen=True)
class Share:
    """`kind`: enter, same, waits or out."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Shares:
    """Where everything stands. `height`: of the whole drawing."""

    width: float
    height: float
    parts: Sequence[Share]
    labels: Sequence[Label]


def drawn(shares: Sequence[tuple[str, int, str]], width: float) -> Shares:
    """The bar of some shares: kind, number and label of each."""
    room = width - SHARES_GAP * (len(shares) - 1)
    total = sum(count for _kind, count, _label in shares) or 1
    small = [max(LEAST, room * count / total) for _kind, count, _label in shares]
    widths = [each * room / sum(small) for each in small]
    parts, x = [], 0.0
    for (kind, _count, _label), part in zip(shares, widths, strict=True):
        parts.append(Share(kind, x, part))
        x += part + SHARES_GAP
    labels = _labels([part.x for part in parts], [label for _kind, _count, label in shares], width)
    return Shares(width, max((label.y for label in labels), default=HEIGHT) + 6, parts, labels)


def _labels(starts: Sequence[float], texts: Sequence[str], width: float) -> list[Label]:
    """Each beneath the beginning of its part, moved on where another stands there; one below the other where they do
    not fit."""
    x, line, labels = 0.0, HEIGHT + SHARES_LINE, []
    for start, text in zip(starts, texts, strict=True):
        labels.append(Label(max(x, start), line, text))
        x = labels[-1].x + width_of(text, SIZE) + BETWEEN
    if not labels or x - BETWEEN <= width:
        return labels
    return [
        Label(max(0, min(start, width - width_of(text, SIZE))), HEIGHT + SHARES_LINE * (at + 1), text)
        for at, (start, text) in enumerate(zip(starts, texts, strict=True))
    ]


GROWN_BAR, ABOVE, GROWN_BELOW = 26, 24, 24
LABEL, NUMBER = 13, 15  # sizes of type
APART = 18  # between labels
SPACE = 4  # between a number and its words


@dataclass(frozen=True)
class Part:
    """A part of the bar. `look`: its class; `number` and `text`: what is written below it; `lead`: where that leads."""

    value: int
    look: str
    number: str = ""
    text: str = ""
    lead: str | None = None


@dataclass(frozen=True)
class Segment:
    """A part where it stands, and where what is written of it begins."""

    part: Part
    x: float
    width: float
    label: float


@dataclass(frozen=True)
class Bar:
    """Where each mark stands. `worded`: whether there is room for words, or for numbers alone."""

    width: float
    height: float
    top: float
    segments: list[Segment]
    worded: bool


def lay_out(parts: Sequence[Part], width: float, *, worded: bool) -> Bar:
    """Parts side by side. A part of nothing has a label and no length."""
    scale = Linear(0, sum(part.value for part in parts) or 1, 0, width)
    begun, starts = 0, []
    for part in parts:
        starts.append(scale(begun))
        begun += part.value
    labels = _apart(starts, [_room(part, worded=worded) for part in parts], width)
    segments = [
        Segment(part, start, scale(part.value), label)
        for part, start, label in zip(parts, starts, labels, strict=True)
    ]  # fmt: skip
    return Bar(width, ABOVE + GROWN_BAR + GROWN_BELOW, ABOVE, segments, worded)


def _room(part: Part, *, worded: bool) -> float:
    """What is written below a part takes so much."""
    number = width_of(part.number, NUMBER, bold=True)
    return number + (SPACE + width_of(part.text, LABEL) if worded and part.text else 0)


def _apart(starts: Sequence[float], rooms: Sequence[float], width: float) -> list[float]:
    """Where labels begin: below their parts as far as they do not touch and do not pass the end."""
    placed, end = [], 0.0
    for start, room in zip(starts, rooms, strict=True):
        placed.append(max(start, end))
        end = placed[-1] + room + (APART if room else 0)
    last = width
    for at in range(len(placed) - 1, -1, -1):
        placed[at] = min(placed[at], last - rooms[at])
        last = placed[at] - (APART if rooms[at] else 0)
    return placed
