"""What came into a count and what left it, as one bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.scale import Linear
from app.web.charts.text import width_of

BAR, ABOVE, BELOW = 26, 24, 24
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
    return Bar(width, ABOVE + BAR + BELOW, ABOVE, segments, worded)


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
