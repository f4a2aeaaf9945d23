"""Two lists laid side by side: which line of the one is which line of the other (pure).

A line is paired with at most one of the other list, the likeliest pairs first. A pair is sure where the matcher is, of
these two and, as where a report is tied, of no other in the place of either; and where no other fits nearly as well.
What is left of the likely ones is for somebody who knows the people.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import thread_time

from app.matching.lookup import MOST_CANDIDATES, MOST_ROWS
from app.matching.score import REVIEW, Match, Person, birth_bounds, compare
from app.matching.weighing import Witness, judged

# Two pairs of one line whose scores lie no further apart are a tie, though the matcher be sure of one alone: a release
# date that one of the two does not state counts as much, and whoever leaves it out is not another person for that.
NEAR = 0.06
NOT_KNOWN = 400_000  # days, over a thousand years: further than any two births or arrests lie apart


class TooLong(Exception):
    """The comparison took more of the processor than it was given."""


class Deadline:
    """So many seconds of the processor, of this thread, from now on: a list can be written so that each line is like
    each, under as many names as there may be."""

    def __init__(self, seconds: float = inf) -> None:
        self._until = thread_time() + seconds

    def check(self) -> None:
        """Raises TooLong."""
        if thread_time() > self._until:
            raise TooLong


NEVER = Deadline()


@dataclass(frozen=True, slots=True)
class Line:
    """Who a line speaks of, and the keys by which it is found: lines that share none are never compared. `planted`: it
    may have been put there to unsettle who is known, so it is no rival of a line that was not. `whose`: of all lines of
    one person the same, where that is known. `witnesses`: what each source says of the person, where several do."""

    person: Person
    keys: frozenset[str] = frozenset()
    planted: bool = False
    whose: str | None = None
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Lines `a` of the one list and `b` of the other, by their places. `match` is None where they were tied before.

    `other_a`, `other_b`: lines that fit as surely or nearly as well in the place of either, best first.
    """

    a: int
    b: int
    match: Match | None
    sure: bool
    other_a: tuple[int, ...] = ()
    other_b: tuple[int, ...] = ()


def align(
    ours: Sequence[Line], theirs: Sequence[Line], tied: Mapping[int, int] | None = None, deadline: Deadline = NEVER
) -> list[Pair]:
    """The pairs, by the order of our lines. `tied`: those that are known already, ours → theirs. Raises TooLong."""
    pairs = [Pair(a, b, None, sure=True) for a, b in (tied or {}).items()]
    settled_a, settled_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    found = _likely(ours, theirs, settled_a, settled_b, deadline)
    of_a: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    of_b: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    for one in found:
        of_a[one[1]].append(one)
        of_b[one[2]].append(one)
    taken_a, taken_b = set(settled_a), set(settled_b)
    for match, a, b in found:
        if a in taken_a or b in taken_b:
            continue
        # Whoever is surely somebody else is no rival.
        of_theirs = [(m, j) for m, _i, j in of_a[a] if j != b and j not in settled_b]
        rivals = [j for m, j in of_theirs if _rival(match, m, theirs[b], theirs[j])]
        other_b = [j for j in rivals if theirs[b].planted or not theirs[j].planted]
        of_ours = [(m, i) for m, i, _j in of_b[b] if i != a and i not in settled_a]
        other_a = [i for m, i in of_ours if _rival(match, m, ours[a], ours[i])]
        sure = match.sure and not other_a and not other_b
        pairs.append(Pair(a, b, match, sure, tuple(other_a), tuple(other_b)))
        taken_a.add(a)
        taken_b.add(b)
        if sure:
            settled_a.add(a)
            settled_b.add(b)
    return sorted(pairs, key=lambda pair: pair.a)


def _rival(match: Match, other: Match, line: Line, in_its_place: Line) -> bool:
    """Whether another line fits in the place of one: nearly as well, or surely; of the same person's only the former,
    for there is no doubt then who that is."""
    # Rounded like scores, or the last digit of a float would part what is exactly NEAR.
    of_one = line.whose is not None and line.whose == in_its_place.whose
    return round(match.score - other.score, 4) <= NEAR or (other.sure and not of_one)


def _likely(
    ours: Sequence[Line],
    theirs: Sequence[Line],
    settled_a: Collection[int],
    settled_b: Collection[int],
    deadline: Deadline,
) -> list[tuple[Match, int, int]]:
    """Every pair that may be one person, the likeliest first."""
    index = _Index(theirs, settled_b)
    found = []
    for a, line in enumerate(ours):
        if a in settled_a:
            continue
        deadline.check()
        for b in index.candidates(line):
            match = judged(line.person, compare(line.person, theirs[b].person), theirs[b].witnesses)
            if match.sure or match.score >= REVIEW:
                found.append((match, a, b))

    def order(one: tuple[Match, int, int]) -> tuple[bool, bool, float, int, int]:
        match, a, b = one
        return not match.sure, match.sure and theirs[b].planted, -match.score, a, b

    return sorted(found, key=order)


class _Index:
    """The lines of a list by their keys; like the look-up of a registry, it reads a bounded number for each line."""

    def __init__(self, lines: Sequence[Line], without: Collection[int]) -> None:
        self._lines = lines
        self._having: dict[str, list[int]] = defaultdict(list)
        for place, line in enumerate(lines):
            if place not in without:
                for key in line.keys:
                    self._having[key].append(place)
        for having in self._having.values():
            if len(having) > MOST_ROWS:
                having.sort(key=self._born)

    def candidates(self, line: Line) -> list[int]:
        """The lines that share most keys, the rarest keys first; of those alike in that, whose days lie nearest."""
        shared: Counter[int] = Counter()
        rows = 0
        for having in sorted((self._having[key] for key in line.keys if key in self._having), key=len):
            rows += len(having)
            if shared and rows > MOST_ROWS:
                break
            shared.update(having if len(having) <= MOST_ROWS else self._nearest(line, having))
        return sorted(shared, key=lambda place: (-shared[place], *self._apart(line, place), place))[:MOST_CANDIDATES]

    def _born(self, place: int) -> float:
        born = birth_bounds(self._lines[place].person)
        return inf if born is None else born[0]

    def _nearest(self, line: Line, having: list[int]) -> list[int]:
        """Of lines that share too common a key, those born next to this one; where its birth is not known, any."""
        born = birth_bounds(line.person)
        middle = 0 if born is None else bisect_left(having, float(born[0]), key=self._born)
        return having[max(0, middle - MOST_ROWS // 2) :][:MOST_ROWS]

    def _apart(self, line: Line, place: int) -> tuple[int, int]:
        one, two = line.person, self._lines[place].person
        births = birth_bounds(one), birth_bounds(two)
        days = one.detained_on, two.detained_on
        return (
            abs(births[0][0] - births[1][0]) if births[0] and births[1] else NOT_KNOWN,
            abs(days[0].lo - days[1].lo) if days[0] and days[1] else NOT_KNOWN,
        )
