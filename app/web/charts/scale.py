"""What all charts share: scales, ticks, and labels that make way for each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

STEPS = (1, 2, 5, 10)  # a tick is one of these times a power of ten


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
    return [max(place, low + gap * at) for at, place in enumerate(placed)]


def flow(wanted: Sequence[float], sizes: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Where labels of some sizes begin: as near to the wanted places as the gap between them and the bounds allow."""
    placed: list[float] = []
    for want, _size in zip(wanted, sizes, strict=True):
        least = placed[-1] + sizes[len(placed) - 1] + gap if placed else low
        placed.append(max(want, least))
    limit = high
    for at in range(len(placed) - 1, -1, -1):
        placed[at] = min(placed[at], limit - sizes[at])
        limit = placed[at] - gap
    return placed
