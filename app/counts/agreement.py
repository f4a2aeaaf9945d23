"""How far sources agree on the releases that they verified: on the day and on the kind, as each gives them itself."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from app.columns.rows import NONE, Array, Mask, Places
from app.columns.table import NOTHING
from app.counts.patterns import Patterns
from app.schemas.counts import DateAgreement, KindAgreement

# Two days in one number: the first in the upper half, the last in the lower. Days are above zero.
HALF, LAST = 32, 2**32 - 1
UNSAID, ABSENT = 0, -1


class Agreement(NamedTuple):
    """How many releases two sources both verified, and of how many of these their days and their kinds agree."""

    both: int
    dates: dict[DateAgreement, int]
    kinds: dict[KindAgreement, int]


def agreements(by_release: Patterns, slugs: Mapping[int, str]) -> Iterator[tuple[tuple[str, str], Agreement]]:
    """Of every two of the verifying sources, by their slugs in order. `slugs`: of all sources, by key."""
    said = _said_by(by_release)
    sources = sorted(said, key=lambda key: slugs[key])
    for number, a in enumerate(sources):
        days = np.full(len(by_release.spell), ABSENT)
        days[said[a].place] = said[a].days
        kinds = np.full(len(by_release.spell), NOTHING, np.int16)
        kinds[said[a].place] = said[a].kinds
        for b in sources[number + 1 :]:
            yield (slugs[a], slugs[b]), _agreement(days, kinds, said[b])


class _Said(NamedTuple):
    """What one source says of the releases that it verified: their places; for each the first and the last possible day
    in one number, UNSAID without a day; the kind."""

    place: Places
    days: Array
    kinds: Array


def _said_by(by_release: Patterns) -> dict[int, _Said]:
    voices, place = by_release.voices, by_release.place
    lo, hi, kinds = voices["said_lo"], voices["said_hi"], voices["said_kind"]
    days = np.where(lo == NONE, UNSAID, lo.astype(np.int64) << HALF | hi)
    of_source = {
        int(key): np.flatnonzero(voices["source"] == key) for key in np.flatnonzero(np.bincount(voices["source"]))
    }
    return {key: _Said(place[rows], days[rows], kinds[rows]) for key, rows in of_source.items()}


def _agreement(days: Array, kinds: Array, other: _Said) -> Agreement:
    """`days`, `kinds`: what one source says of each release, ABSENT where it did not verify it."""
    mine, theirs = days[other.place], other.days
    both, of_days = _number(mine != ABSENT), (mine > UNSAID) & (theirs != UNSAID)
    same = _number(of_days & (mine == theirs))
    apart = np.flatnonzero(of_days & (mine != theirs))
    mine, theirs = mine[apart], theirs[apart]
    may_be = _number((mine >> HALF <= theirs & LAST) & (theirs >> HALF <= mine & LAST))
    my_kinds = kinds[other.place]
    of_kinds = (my_kinds != NOTHING) & (other.kinds != NOTHING)
    same_kind, said_kind = _number(of_kinds & (my_kinds == other.kinds)), _number(of_kinds)
    return Agreement(
        both,
        {"same": same, "compatible": may_be, "different": len(apart) - may_be, "unsaid": both - same - len(apart)},
        {"same": same_kind, "different": said_kind - same_kind, "unsaid": both - said_kind},
    )


def _number(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
