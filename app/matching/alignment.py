"""Align two lists: pair the lines of one with the lines of the other (pure).

A line is paired with at most one line of the other list, the most similar pairs first. As when a report is linked, a
pair is sure where the matcher is sure of it and of no other line in place of either, and where no other line is nearly
as similar. The other pairs are likely, and left to somebody who knows the people.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import thread_time

from app.matching.blocking import MOST_CANDIDATES, MOST_ROWS
from app.matching.score import REVIEW, Match, Person, Witness, birth_bounds, compare, judged

# Two pairs of one line whose scores lie no further apart tie, even where the matcher is sure of one pair alone: a
# release date that a line leaves out weighs as much, and leaving it out makes nobody another person.
NEAR = 0.06
NOT_KNOWN = 400_000  # days, over a thousand years: more than between any two births or arrests


class TooLong(Exception):
    """The comparison took more processor time than it was given."""


class Deadline:
    """A bound on this thread's processor seconds from now on: a list can be made so that every line resembles every
    other, under as many names as are allowed."""

    def __init__(self, seconds: float = inf) -> None:
        self._until = thread_time() + seconds

    def check(self) -> None:
        """Raises TooLong."""
        if thread_time() > self._until:
            raise TooLong


NEVER = Deadline()


@dataclass(frozen=True, slots=True)
class Line:
    """The person of a line and its blocking keys; lines without a common key are never compared. `planted`: reported
    only by sources that are not independent, and so no rival of other lines. `whose`: equal on all lines of one person,
    where that is known. `witnesses`: one for each source of the person, where there are several."""

    person: Person
    keys: frozenset[str] = frozenset()
    planted: bool = False
    whose: str | None = None
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Line `a` of our list and line `b` of theirs, by index. `match`: None where they were paired before.

    `other_a`, `other_b`: rival lines in place of either, as sure or nearly as similar, best first.
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
    """The pairs, in the order of our lines. `tied`: pairs known before, ours → theirs. Raises TooLong."""
    pairs = [Pair(a, b, None, sure=True) for a, b in (tied or {}).items()]
    settled_a, settled_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    likely = _likely(ours, theirs, settled_a, settled_b, deadline)
    of_a: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    of_b: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    for match, a, b in likely:
        of_a[a].append((match, a, b))
        of_b[b].append((match, a, b))
    taken_a, taken_b = set(settled_a), set(settled_b)
    for match, a, b in likely:
        if a in taken_a or b in taken_b:
            continue
        # A line that is surely of another person is no rival.
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
    """Whether another line is a rival: nearly as similar, or as sure; another line of the same person only where nearly
    as similar, since the person is not in doubt."""
    # Rounded like scores: the last digit of a float must not part scores exactly NEAR apart.
    of_one = line.whose is not None and line.whose == in_its_place.whose
    return round(match.score - other.score, 4) <= NEAR or (other.sure and not of_one)


def _likely(
    ours: Sequence[Line],
    theirs: Sequence[Line],
    settled_a: Collection[int],
    settled_b: Collection[int],
    deadline: Deadline,
) -> list[tuple[Match, int, int]]:
    """Every pair that may be one person, the most similar first."""
    index = _Index(theirs, settled_b)
    pairs = []
    for a, line in enumerate(ours):
        if a in settled_a:
            continue
        deadline.check()
        for b in index.candidates(line):
            match = judged(line.person, compare(line.person, theirs[b].person), theirs[b].witnesses)
            if match.sure or match.score >= REVIEW:
                pairs.append((match, a, b))

    def order(pair: tuple[Match, int, int]) -> tuple[bool, bool, float, int, int]:
        match, a, b = pair
        return not match.sure, match.sure and theirs[b].planted, -match.score, a, b

    return sorted(pairs, key=order)


class _Index:
    """The lines of a list by blocking key. Like the blocked look-up, it reads a bounded number for each line."""

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
        """The lines that share most keys, rare keys first; of equal lines the nearest in birth and arrest first."""
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
        """The lines of the nearest births among the lines with too common a key; any where the birth is unknown."""
        born = birth_bounds(line.person)
        middle = 0 if born is None else bisect_left(having, float(born[0]), key=self._born)
        return having[max(0, middle - MOST_ROWS // 2) :][:MOST_ROWS]

    def _apart(self, line: Line, place: int) -> tuple[int, int]:
        a, b = line.person, self._lines[place].person
        births = birth_bounds(a), birth_bounds(b)
        days = a.detained_on, b.detained_on
        return (
            abs(births[0][0] - births[1][0]) if births[0] and births[1] else NOT_KNOWN,
            abs(days[0].lo - days[1].lo) if days[0] and days[1] else NOT_KNOWN,
        )
