"""How the revisions of a log are cut into parts, each of which is written once (pure)."""

from typing import NamedTuple

# Revisions of the smallest part: some hundred kilobytes of each table. A small registry is one part.
SMALLEST = 8_192
# A part is as long as so many of the next smaller ones: a log of four million entries has some thirty parts, and
# whoever comes back fetches what is new and now and then what was put together.
FAN = 16


class Part(NamedTuple):
    """The revisions `first` to `last`."""

    first: int
    last: int

    @property
    def is_whole(self) -> bool:
        """Whether a later revision has the same part, as long as no larger one takes its place."""
        length = self.last - self.first + 1
        while length > SMALLEST and length % FAN == 0:
            length //= FAN
        return length == SMALLEST


def parts_of(revision: int) -> list[Part]:
    """The parts that hold all revisions from the first one on, the largest first; the last part may be a shorter one
    than any whole part."""
    size, first, parts = SMALLEST, 1, []
    while size * FAN <= revision:
        size *= FAN
    while first <= revision:
        while size > SMALLEST and first + size - 1 > revision:
            size //= FAN
        part = Part(first, min(first + size - 1, revision))
        parts.append(part)
        first = part.last + 1
    return parts
