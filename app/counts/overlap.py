"""Compare verifying sources: which of them verified the same releases, and whether their days and kinds agree.

Only first-hand verifications count; copies confirm nothing, so they create no overlap."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from app.columns.rows import NULL, Array, Mask, Places
from app.columns.table import NULL_CODE
from app.counts.groups import build_links
from app.counts.shapes import DateAgreement, KindAgreement, Overlap, OverlapPair, OverlapPattern, OverlapSource
from app.counts.tally import Pattern, Patterns, build_patterns, count_not_visible, load_slugs_by_key
from app.log.entries import Pin, pin_revision
from app.queries import addresses
from app.queries.addresses import EchoedTerms
from app.queries.selection.build import build_selection
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.shapes import build_revision_out
from app.queries.term_names import find_unknown_values, resolve_places
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.schemas.reports import MAX_SOURCES

# The first and last possible day in one number: upper and lower half. Days are above zero.
DAY_BITS, LAST_DAY_MASK = 32, 2**32 - 1
NO_DAY, NOT_VERIFIED = 0, -1


class Agreement(NamedTuple):
    """The number of releases that two sources both verified, and how far their days and kinds agree."""

    shared_count: int
    dates: dict[DateAgreement, int]
    kinds: dict[KindAgreement, int]


def compare_sources(patterns: Patterns, slugs: Mapping[int, str]) -> Iterator[tuple[tuple[str, str], Agreement]]:
    """Yield the agreement of every pair of verifying sources, ordered by slug. `slugs`: of all sources, by key."""
    verified_by_source = _group_by_source(patterns)
    sources = sorted(verified_by_source, key=lambda key: slugs[key])
    for number, a in enumerate(sources):
        days = np.full(len(patterns.spell), NOT_VERIFIED)
        days[verified_by_source[a].place] = verified_by_source[a].days
        kinds = np.full(len(patterns.spell), NULL_CODE, np.int16)
        kinds[verified_by_source[a].place] = verified_by_source[a].kinds
        for b in sources[number + 1 :]:
            yield (slugs[a], slugs[b]), _compare_pair(days, kinds, verified_by_source[b])


class _VerifiedReleases(NamedTuple):
    """The releases that one source verified, as parallel arrays.

    `place`: position of the release. `days`: the first and last possible day in one number, NO_DAY without a day.
    `kinds`: code of the kind. Days and kinds are the source's own."""

    place: Places
    days: Array
    kinds: Array


def _group_by_source(patterns: Patterns) -> dict[int, _VerifiedReleases]:
    source_rows, place = patterns.source_rows, patterns.place
    lo, hi, kinds = source_rows["said_lo"], source_rows["said_hi"], source_rows["said_kind"]
    days = np.where(lo == NULL, NO_DAY, lo.astype(np.int64) << DAY_BITS | hi)
    rows_by_source = {
        int(key): np.flatnonzero(source_rows["source"] == key)
        for key in np.flatnonzero(np.bincount(source_rows["source"]))
    }
    return {key: _VerifiedReleases(place[rows], days[rows], kinds[rows]) for key, rows in rows_by_source.items()}


def _compare_pair(days: Array, kinds: Array, other: _VerifiedReleases) -> Agreement:
    """`days`, `kinds`: one source's values for each release; `days` is NOT_VERIFIED where it did not verify the
    release."""
    own_days, other_days = days[other.place], other.days
    shared_count, has_both_days = _count_true(own_days != NOT_VERIFIED), (own_days > NO_DAY) & (other_days != NO_DAY)
    same_days = _count_true(has_both_days & (own_days == other_days))
    differing = np.flatnonzero(has_both_days & (own_days != other_days))
    own_days, other_days = own_days[differing], other_days[differing]
    compatible = _count_true(
        (own_days >> DAY_BITS <= other_days & LAST_DAY_MASK) & (other_days >> DAY_BITS <= own_days & LAST_DAY_MASK)
    )
    own_kinds = kinds[other.place]
    has_both_kinds = (own_kinds != NULL_CODE) & (other.kinds != NULL_CODE)
    same_kinds, stated_kinds = _count_true(has_both_kinds & (own_kinds == other.kinds)), _count_true(has_both_kinds)
    return Agreement(
        shared_count,
        {
            "same": same_days,
            "compatible": compatible,
            "different": len(differing) - compatible,
            "unsaid": shared_count - same_days - len(differing),
        },
        {"same": same_kinds, "different": stated_kinds - same_kinds, "unsaid": shared_count - stated_kinds},
    )


def _count_true(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def compute_overlap(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Overlap:
    """Count the releases of the terms by the independent sources that verified them; its address to cite is relative.

    The pattern without sources is of releases that no source verified."""
    terms = resolve_places(session, terms, revision)
    echoed_terms = {name: value for name, value in addresses.echo_terms(terms).items() if name != "group_by"}
    selection = build_selection(session, terms, reader, revision)
    release_patterns = build_patterns(session, selection, terms)
    sizes = release_patterns.count_by_pattern()
    verified_counts: Counter[str] = Counter()
    for pattern, number in sizes.items():
        verified_counts.update(dict.fromkeys(pattern, number))
    slugs, as_of = sorted(verified_counts), pin_revision(session, revision)
    pairs = compare_sources(release_patterns, load_slugs_by_key(session))
    return {
        "terms": echoed_terms,
        "at": build_revision_out(session, revision),
        "cases": sizes.total(),
        "sources": [_build_source(slug, verified_counts[slug], sizes, echoed_terms, as_of) for slug in slugs],
        "pairs": [_build_pair(pair, agreement, verified_counts, echoed_terms, as_of) for pair, agreement in pairs],
        "patterns": _format_patterns(
            sizes, selection.count_rows(selection.consolidated_rows["independent_verified"] == 0), echoed_terms, as_of
        ),
        "caveats": {
            "not_visible": count_not_visible(session, terms, reader, revision),
            "unknown_values": find_unknown_values(session, terms, reader, revision),
            "unlinkable": selection.count_rows(selection.consolidated_rows["withheld"]),
        },
        "links": build_links("/v1/counts/overlap", echoed_terms, terms, as_of),
    }


def _build_list_link(echoed_terms: EchoedTerms, as_of: Pin, narrowing: EchoedTerms | None) -> str | None:
    """Return the address of the list behind a number; None if no terms express it. `narrowing`: the terms that the
    number adds."""
    if narrowing is None:
        return None
    terms = {**echoed_terms, **narrowing}
    terms.setdefault("status", list(COUNTABLE_STATUSES))
    return addresses.build_query_url("/v1/releases", terms, as_of)


def _build_source(
    slug: str,
    verified_count: int,
    sizes: Mapping[Pattern, int],
    echoed_terms: EchoedTerms,
    as_of: Pin,
) -> OverlapSource:
    return {
        "source": slug,
        "verified": verified_count,
        "only_this_source": sizes.get(frozenset((slug,)), 0),
        "list": _build_list_link(echoed_terms, as_of, _require_sources(echoed_terms, [slug])),
        "only_list": _build_list_link(echoed_terms, as_of, _require_only_sources(echoed_terms, [slug])),
    }


def _build_pair(
    pair: tuple[str, str],
    agreement: Agreement,
    verified_counts: Mapping[str, int],
    echoed_terms: EchoedTerms,
    as_of: Pin,
) -> OverlapPair:
    a, b = pair
    return {
        "a": a,
        "b": b,
        "both": agreement.shared_count,
        "only_a": verified_counts[a] - agreement.shared_count,
        "only_b": verified_counts[b] - agreement.shared_count,
        "either": verified_counts[a] + verified_counts[b] - agreement.shared_count,
        "dates": agreement.dates,
        "kinds": agreement.kinds,
        "list": _build_list_link(echoed_terms, as_of, _require_sources(echoed_terms, pair)),
    }


def _format_patterns(
    sizes: Mapping[Pattern, int], unconfirmed_count: int, echoed_terms: EchoedTerms, as_of: Pin
) -> list[OverlapPattern]:
    """Return every exact pattern, most frequent first; their numbers add up to all releases.

    `unconfirmed_count`: releases that no source confirms in the window. If some of them are verified, no terms express
    the unverified ones."""
    sorted_sizes = sorted(sizes.items(), key=lambda row: (-row[1], sorted(row[0])))
    return [
        {
            "sources": sorted(pattern),
            "cases": number,
            "list": _build_list_link(echoed_terms, as_of, _require_only_sources(echoed_terms, pattern))
            if pattern
            else _build_list_link(echoed_terms, as_of, _require_no_source(echoed_terms))
            if number == unconfirmed_count
            else None,
        }
        for pattern, number in sorted_sizes
    ]


def _require_sources(terms: EchoedTerms, slugs: Collection[str]) -> EchoedTerms | None:
    """Return the terms that also require a verification by each of these sources; None if no terms can."""
    named, match = addresses.get_term_values(terms, "verified_by"), terms.get("verified_by_match", "all")
    if match == "only":
        return {} if set(slugs).issubset(named) else None
    if match == "any":
        return None if set(slugs).isdisjoint(named) else {"verified_by": sorted(slugs), "verified_by_match": "all"}
    required = list(dict.fromkeys([*named, *sorted(slugs)]))
    return {"verified_by": required} if len(required) <= MAX_SOURCES else None


def _require_only_sources(terms: EchoedTerms, slugs: Collection[str]) -> EchoedTerms | None:
    """Return the terms that also require a verification by each of these sources and by no other; None if no terms
    can."""
    named, match = set(addresses.get_term_values(terms, "verified_by")), terms.get("verified_by_match", "all")
    matches = {"all": named.issubset(slugs), "any": not named.isdisjoint(slugs), "only": named == set(slugs)}
    if not matches[str(match)] or len(slugs) > MAX_SOURCES:
        return None
    return {"verified_by": sorted(slugs), "verified_by_match": "only"}


def _require_no_source(echoed_terms: EchoedTerms) -> EchoedTerms | None:
    """Return the terms that exclude releases verified by an independent source; None if the terms require one."""
    return None if "min_sources" in echoed_terms or "verified_by" in echoed_terms else {"max_sources": 0}
