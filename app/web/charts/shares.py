"""One bar in parts: how the rows of a list fare. Grey and dark alone: ochre means an authority."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.text import width_of

HEIGHT, GAP = 20, 2  # of the bar, and between its parts
LEAST = 6  # pixels of a part, or one row of thousands would not be seen
SIZE, LINE, BETWEEN = 13, 20, 16  # of a label, its line, and what stays free between two on one line


@dataclass(frozen=True)
class Part:
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
    parts: Sequence[Part]
    labels: Sequence[Label]


def drawn(shares: Sequence[tuple[str, int, str]], width: float) -> Shares:
    """The bar of some shares: kind, number and label of each."""
    room = width - GAP * (len(shares) - 1)
    total = sum(count for _kind, count, _label in shares) or 1
    small = [max(LEAST, room * count / total) for _kind, count, _label in shares]
    widths = [each * room / sum(small) for each in small]
    parts, x = [], 0.0
    for (kind, _count, _label), part in zip(shares, widths, strict=True):
        parts.append(Part(kind, x, part))
        x += part + GAP
    labels = _labels([part.x for part in parts], [label for _kind, _count, label in shares], width)
    return Shares(width, max((label.y for label in labels), default=HEIGHT) + 6, parts, labels)


def _labels(starts: Sequence[float], texts: Sequence[str], width: float) -> list[Label]:
    """Each beneath the beginning of its part, moved on where another stands there; one below the other where they do
    not fit."""
    x, line, labels = 0.0, HEIGHT + LINE, []
    for start, text in zip(starts, texts, strict=True):
        labels.append(Label(max(x, start), line, text))
        x = labels[-1].x + width_of(text, SIZE) + BETWEEN
    if not labels or x - BETWEEN <= width:
        return labels
    return [
        Label(max(0, min(start, width - width_of(text, SIZE))), HEIGHT + LINE * (at + 1), text)
        for at, (start, text) in enumerate(zip(starts, texts, strict=True))
    ]
