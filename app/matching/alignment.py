"""Align two lists: pair the lines of one with the lines of the other.

A line is paired with at most one line of the other list, the most similar pairs first. As when a report is linked, a
pair is sure if the matcher is sure of it and of no other line for either side, and no other line is nearly as similar.
The other pairs are likely and need a decision by somebody who knows the people."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import thread_time

from app.matching.blocking import MAX_CANDIDATES, MAX_INDEX_ROWS
from app.matching.score import REVIEW_SCORE, Match, Person, Witness, compare_people, find_birth_bounds, judge_match

# Scores of two pairs of one line within this margin tie, even if the matcher is sure of only one pair: a missing
# release date weighs as much, and does not make another person.
TIE_MARGIN = 0.06
UNKNOWN_DISTANCE = 400_000  # days, over a thousand years: more than between any two births or arrests


class TooLong(Exception):
    """The comparison exceeded its processor time."""


class Deadline:
    """A limit on the further processor seconds of this thread: in a crafted list every line resembles every other,
    under the maximum number of names."""

    def __init__(self, seconds: float = inf) -> None:
        self._expires_at = thread_time() + seconds

    def check(self) -> None:
        """Raise TooLong if the time is over."""
        if thread_time() > self._expires_at:
            raise TooLong


NO_DEADLINE = Deadline()


@dataclass(frozen=True, slots=True)
class Line:
    """The person of a line and its blocking keys; lines without a common key are never compared.

    `is_dependent`: reported only by sources that are not independent, so it is no rival of other lines. `person_id`:
    equal on all lines of one person, if known. `witnesses`: one per source of the person, if there are several."""

    person: Person
    keys: frozenset[str] = frozenset()
    is_dependent: bool = False
    person_id: str | None = None
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Line `a` of our list and line `b` of theirs, by index. `match`: None if they were paired before.

    `rivals_a`, `rivals_b`: alternative lines for either side, as sure or nearly as similar, best first."""

    a: int
    b: int
    match: Match | None
    is_sure: bool
    rivals_a: tuple[int, ...] = ()
    rivals_b: tuple[int, ...] = ()


def align_lists(
    our_lines: Sequence[Line],
    their_lines: Sequence[Line],
    known_pairs: Mapping[int, int] | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> list[Pair]:
    """Return the pairs in the order of our lines. `known_pairs`: existing pairs, ours → theirs. Raise TooLong."""
    pairs = [Pair(a, b, None, is_sure=True) for a, b in (known_pairs or {}).items()]
    settled_a, settled_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    likely = _find_likely_pairs(our_lines, their_lines, settled_a, settled_b, deadline)
    matches_by_a: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    matches_by_b: dict[int, list[tuple[Match, int, int]]] = defaultdict(list)
    for match, a, b in likely:
        matches_by_a[a].append((match, a, b))
        matches_by_b[b].append((match, a, b))
    used_a, used_b = set(settled_a), set(settled_b)
    for match, a, b in likely:
        if a in used_a or b in used_b:
            continue
        # A line that surely belongs to another person is no rival.
        alternatives_b = [(m, j) for m, _i, j in matches_by_a[a] if j != b and j not in settled_b]
        rivals = [j for m, j in alternatives_b if _is_rival(match, m, their_lines[b], their_lines[j])]
        rivals_b = [j for j in rivals if their_lines[b].is_dependent or not their_lines[j].is_dependent]
        alternatives_a = [(m, i) for m, i, _j in matches_by_b[b] if i != a and i not in settled_a]
        rivals_a = [i for m, i in alternatives_a if _is_rival(match, m, our_lines[a], our_lines[i])]
        is_sure = match.is_sure and not rivals_a and not rivals_b
        pairs.append(Pair(a, b, match, is_sure, tuple(rivals_a), tuple(rivals_b)))
        used_a.add(a)
        used_b.add(b)
        if is_sure:
            settled_a.add(a)
            settled_b.add(b)
    return sorted(pairs, key=lambda pair: pair.a)


def _is_rival(match: Match, other: Match, line: Line, alternative: Line) -> bool:
    """Return whether another line is a rival: nearly as similar, or as sure. A line of the same person must be nearly
    as similar, since the person is not in doubt."""
    # Rounded like scores: the last digit of a float must not separate scores exactly TIE_MARGIN apart.
    is_same_person = line.person_id is not None and line.person_id == alternative.person_id
    return round(match.score - other.score, 4) <= TIE_MARGIN or (other.is_sure and not is_same_person)


def _find_likely_pairs(
    our_lines: Sequence[Line],
    their_lines: Sequence[Line],
    settled_a: Collection[int],
    settled_b: Collection[int],
    deadline: Deadline,
) -> list[tuple[Match, int, int]]:
    """Return every pair that may be one person, the most similar first."""
    index = _LineIndex(their_lines, settled_b)
    pairs = []
    for a, line in enumerate(our_lines):
        if a in settled_a:
            continue
        deadline.check()
        for b in index.find_candidates(line):
            match = judge_match(
                line.person, compare_people(line.person, their_lines[b].person), their_lines[b].witnesses
            )
            if match.is_sure or match.score >= REVIEW_SCORE:
                pairs.append((match, a, b))

    def sort_key(pair: tuple[Match, int, int]) -> tuple[bool, bool, float, int, int]:
        match, a, b = pair
        return not match.is_sure, match.is_sure and their_lines[b].is_dependent, -match.score, a, b

    return sorted(pairs, key=sort_key)


class _LineIndex:
    """The lines of a list by blocking key. Like a blocking lookup, it reads a bounded number of lines per query."""

    def __init__(self, lines: Sequence[Line], excluded: Collection[int]) -> None:
        self._lines = lines
        self._places_by_key: dict[str, list[int]] = defaultdict(list)
        for place, line in enumerate(lines):
            if place not in excluded:
                for key in line.keys:
                    self._places_by_key[key].append(place)
        for places in self._places_by_key.values():
            if len(places) > MAX_INDEX_ROWS:
                places.sort(key=self._get_first_birth_day)

    def find_candidates(self, line: Line) -> list[int]:
        """Return the lines that share most keys, reading rare keys first; ties are ordered by distance in birth and
        arrest."""
        shared: Counter[int] = Counter()
        rows = 0
        for places in sorted((self._places_by_key[key] for key in line.keys if key in self._places_by_key), key=len):
            rows += len(places)
            if shared and rows > MAX_INDEX_ROWS:
                break
            shared.update(places if len(places) <= MAX_INDEX_ROWS else self._find_nearest(line, places))
        return sorted(shared, key=lambda place: (-shared[place], *self._measure_distance(line, place), place))[
            :MAX_CANDIDATES
        ]

    def _get_first_birth_day(self, place: int) -> float:
        birth = find_birth_bounds(self._lines[place].person)
        return inf if birth is None else birth[0]

    def _find_nearest(self, line: Line, places: list[int]) -> list[int]:
        """Return the lines with the nearest births among those of a too common key; any lines if the birth is
        unknown."""
        birth = find_birth_bounds(line.person)
        middle = 0 if birth is None else bisect_left(places, float(birth[0]), key=self._get_first_birth_day)
        return places[max(0, middle - MAX_INDEX_ROWS // 2) :][:MAX_INDEX_ROWS]

    def _measure_distance(self, line: Line, place: int) -> tuple[int, int]:
        a, b = line.person, self._lines[place].person
        births = find_birth_bounds(a), find_birth_bounds(b)
        days = a.detained_on, b.detained_on
        return (
            abs(births[0][0] - births[1][0]) if births[0] and births[1] else UNKNOWN_DISTANCE,
            abs(days[0].lo - days[1].lo) if days[0] and days[1] else UNKNOWN_DISTANCE,
        )
