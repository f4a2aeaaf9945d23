"""How sources overlap: which of them verified the same releases of their own knowledge, in pairs and exact patterns.

Copies confirm nothing, so they make no overlap either.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from app.columns.rows import cells
from app.counts.agreement import Agreement, agreements
from app.counts.patterns import Pattern, Patterns, patterns_of, slugs_by_key
from app.counts.shapes import Overlap
from app.counts.tally import not_visible
from app.log.entries import Pin, pin
from app.reading import terms as wording
from app.reading.named import with_facility_slug
from app.reading.selection import COUNTING, select
from app.reading.terms import CountTerms, EchoedTerms
from app.registry.publication.permissions import Reader
from app.schemas.counts import OverlapPair, OverlapPattern, OverlapSource
from app.schemas.reports import MOST_SOURCES


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
