"""What all charts share: scales, ticks, the room that a label needs, and labels that make way for each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

STEPS = (1, 2, 5, 10)  # a tick is one of these times a power of ten
# The width of a letter as a share of the size of its type, in the sans serif faces that pages use: measured of
# Spanish and English labels, and a twentieth more, so that a label never comes out wider than its room.
NARROW, USUAL, WIDE, BOLD = 0.31, 0.56, 0.86, 1.06
SHORTEST_LAST_WORD = 3  # letters: a name cut after “y” or “of” reads badly
NARROW_LETTERS, WIDE_LETTERS = frozenset(" \N{NO-BREAK SPACE}ilj.,:;'|!·"), frozenset("mwMW%—")


@dataclass(frozen=True)
class Linear:
    """A straight scale from values to pixels. `low` stands at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low or 1
        return self.start + (value - self.low) / width * (self.end - self.start)


def ticks(high: float, most: int = 6) -> list[int]:
    """Whole numbers from zero on, at most `most`, of which the last is `high` or the first beyond."""
    if high <= 0:
        return [0, 1]
    rough = high / (most - 1)
    power = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = next(step * power for step in STEPS if step * power >= rough)
    return list(range(0, ceil(high / step) * step + 1, step))


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """About how many pixels a label takes, rather more than less."""
    shares = (NARROW if one in NARROW_LETTERS else WIDE if one in WIDE_LETTERS else USUAL for one in text)
    return sum(shares) * size * (BOLD if bold else 1)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels, as near to the wanted ones as at least `gap` between them and the bounds allow; in the order
    given, which is that of the wanted places."""
    placed = list(wanted)
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + gap)
    if placed and placed[-1] > high:
        placed[-1] = high
        for at in range(len(placed) - 2, -1, -1):
            placed[at] = min(placed[at], placed[at + 1] - gap)
    return [max(one, low + gap * at) for at, one in enumerate(placed)]


def wrapped(text: str, room: float, size: float, *, most: int, bold: bool = False) -> list[str]:
    """A text in lines that fit the room, at most so many; what is left out is told by an ellipsis. A word longer than
    a line is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size, bold=bold) <= room:
            lines[-1] = longer
            continue
        if len(lines) == most:
            return [*lines[:-1], _cut(longer, room, size, bold=bold)]
        whole = width_of(word, size, bold=bold) <= room
        lines = [line for line in (*lines, word if whole else _cut(word, room, size, bold=bold)) if line]
    return lines


def _cut(text: str, room: float, size: float, *, bold: bool) -> str:
    """The beginning of a text, with an ellipsis."""
    while width_of(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def shortened(text: str, size: float, room: float) -> str:
    """As much of a name as has room, in whole words where these leave half of it; an ellipsis tells that it goes on."""
    if width_of(text, size) <= room:
        return text
    kept = text
    while kept and width_of(f"{kept}…", size) > room:
        kept = kept[:-1]
    whole = kept if text[len(kept) :].startswith(" ") else kept.rpartition(" ")[0]
    first, _space, last = whole.rpartition(" ")
    whole = first if 0 < len(last) < SHORTEST_LAST_WORD else whole
    return f"{(whole if len(whole) * 2 > len(kept) else kept).rstrip(' ,(')}…"
