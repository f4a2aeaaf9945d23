"""How far sources agree on the releases that they verified: on the day and on the kind, as each gives them itself.

How sources overlap: which of them verified the same releases of their own knowledge, in pairs and exact patterns.

Copies confirm nothing, so they make no overlap either."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from app.columns.rows import NONE, Array, Mask, Places, cells
from app.columns.table import NOTHING
from app.counts.shapes import Overlap
from app.counts.tally import Pattern, Patterns, not_visible, patterns_of, slugs_by_key
from app.log.entries import Pin, pin
from app.queries import terms as wording
from app.queries.selection import COUNTING, select, with_facility_slug
from app.queries.terms import CountTerms, EchoedTerms
from app.registry.publication.permissions import Reader
from app.schemas.counts import DateAgreement, KindAgreement, OverlapPair, OverlapPattern, OverlapSource
from app.schemas.reports import MOST_SOURCES

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


def overlap(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Overlap:
    """The releases that the terms mean by the independent sources that verified them; the pattern without sources is of
    releases that none verified."""
    terms = with_facility_slug(session, terms)
    echoed = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    selection = select(session, terms, reader, revision)
    by_release = patterns_of(session, selection, terms, independent=True)
    sizes = by_release.sizes()
    copied = _copied(by_release, patterns_of(session, selection, terms))
    verified: Counter[str] = Counter()
    for pattern, number in sizes.items():
        verified.update(dict.fromkeys(pattern, number))
    slugs, as_of = sorted(verified), pin(session, revision)
    pairs = agreements(by_release, slugs_by_key(session))
    return {
        "terms": echoed,
        "releases": sizes.total(),
        "counted_apart": selection.number(selection.together["withheld"]),
        "sources": [_source(slug, verified[slug], sizes, copied, echoed, as_of) for slug in slugs],
        "pairs": [_pair(pair, agree, verified, copied, echoed, as_of) for pair, agree in pairs],
        "patterns": _patterns(sizes, echoed, as_of),
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/counts/overlap", echoed, as_of),
    }


def _copied(by_release: Patterns, any_method: Patterns) -> Pattern:
    """The sources that verified some of the releases as copies of others."""
    own_and_every = (column.tolist() for column in cells([by_release.pattern, any_method.pattern]).values)
    return frozenset(
        slug
        for own, every in zip(*own_and_every, strict=True)
        for slug in any_method.sources[every] - by_release.sources[own]
    )


def _link(echoed: EchoedTerms, as_of: Pin, name: str, slugs: Collection[str]) -> str | None:
    """The list of the releases behind a number, by the verifying sources; None where the terms cannot name them."""
    sources = list(dict.fromkeys([*wording.values_of(echoed, name), *sorted(slugs)]))
    if len(sources) > MOST_SOURCES or (name == "only_by" and name in echoed):
        return None
    terms = {**echoed, name: sources}
    terms.setdefault("status", list(COUNTING))
    return wording.link("/v1/releases", terms, as_of)


def _list_of(slugs: Sequence[str], copied: Pattern, echoed: EchoedTerms, as_of: Pin) -> str | None:
    """The list of the releases that all these sources verified; None where the term would mean copies too."""
    return None if copied.intersection(slugs) else _link(echoed, as_of, "verified_by", slugs)


def _source(
    slug: str, verified: int, sizes: Mapping[Pattern, int], copied: Pattern, echoed: EchoedTerms, as_of: Pin
) -> OverlapSource:
    return {
        "source": slug,
        "verified": verified,
        "only_this_source": sizes.get(frozenset((slug,)), 0),
        "list": _list_of([slug], copied, echoed, as_of),
        "only_list": _link(echoed, as_of, "only_by", [slug]),
    }


def _pair(
    pair: tuple[str, str],
    agree: Agreement,
    verified: Mapping[str, int],
    copied: Pattern,
    echoed: EchoedTerms,
    as_of: Pin,
) -> OverlapPair:
    a, b = pair
    return {
        "a": a,
        "b": b,
        "both": agree.both,
        "only_a": verified[a] - agree.both,
        "only_b": verified[b] - agree.both,
        "either": verified[a] + verified[b] - agree.both,
        "dates": agree.dates,
        "kinds": agree.kinds,
        "list": _list_of(pair, copied, echoed, as_of),
    }


def _patterns(sizes: Mapping[Pattern, int], echoed: EchoedTerms, as_of: Pin) -> list[OverlapPattern]:
    """Every exact pattern, the most frequent first; they add up to the releases."""
    ranked = sorted(sizes.items(), key=lambda row: (-row[1], sorted(row[0])))
    return [
        {
            "sources": sorted(pattern),
            "releases": number,
            "list": _link(echoed, as_of, "only_by", pattern) if pattern else _unverified(echoed, as_of),
        }
        for pattern, number in ranked
    ]


def _unverified(echoed: EchoedTerms, as_of: Pin) -> str | None:
    """The list of the releases that no independent source verified; None where the terms ask for some."""
    if echoed.get("sources", 0) != 0:
        return None
    terms = {**echoed, "sources": 0}
    terms.setdefault("status", list(COUNTING))
    return wording.link("/v1/releases", terms, as_of)
