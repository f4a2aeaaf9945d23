"""How sources overlap: which of them verified the same releases of their own knowledge, in pairs and exact patterns.

Copies confirm nothing, so they make no overlap either.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple, get_args

import numpy as np
from sqlalchemy import BindParameter, bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.counts.patterns import Pattern, Patterns, patterns_of
from app.counts.shapes import Overlap
from app.counts.tally import not_visible
from app.database import chunks
from app.dates import parse
from app.log.entries import Pin, pin
from app.models import Source, Verification
from app.reading import terms as wording
from app.reading.named import with_facility_slug
from app.reading.selection import COUNTING, select
from app.reading.terms import CountTerms, EchoedTerms
from app.reading.visibility import at
from app.registry.projection.statements import DATE_OF_STAGE
from app.registry.read_permissions import Reader
from app.registry.schemas import MOST_SOURCES
from app.vocabulary import ReleaseKind, Stage
from app.wire.counts import DateAgreement, KindAgreement, OverlapPair, OverlapPattern, OverlapSource


class OwnWord(NamedTuple):
    """What one source gives itself of a release: the day of the stage, and the kind unless it is unspecified."""

    date: str | None = None
    kind: str | None = None


UNSAID = OwnWord()
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def overlap(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Overlap:
    """The releases that the terms mean by the independent sources that verified them; the pattern without sources is of
    releases that none verified."""
    terms = with_facility_slug(session, terms)
    echoed = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    selection = select(session, terms, reader, revision)
    by_release = patterns_of(session, selection, terms, independent=True)
    sizes = by_release.sizes()
    copied = _copied(by_release, patterns_of(session, selection, terms))
    own = _own_words(session, terms.stage, by_release.spell.tolist(), revision)
    verified: Counter[str] = Counter()
    for pattern, number in sizes.items():
        verified.update(dict.fromkeys(pattern, number))
    slugs, as_of = sorted(verified), pin(session, revision)
    both = {pair: _spells_of(by_release, pair) for pair in combinations(slugs, 2)}
    return {
        "terms": echoed,
        "releases": sizes.total(),
        "counted_apart": selection.number(selection.together["withheld"]),
        "sources": [_source(slug, verified[slug], sizes, copied, echoed, as_of) for slug in slugs],
        "pairs": [_pair(pair, spells, verified, own, copied, echoed, as_of) for pair, spells in both.items()],
        "patterns": _patterns(sizes, echoed, as_of),
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/counts/overlap", echoed, as_of),
    }


def _spells_of(by_release: Patterns, pair: tuple[str, str]) -> list[int]:
    """The releases that both sources verified."""
    shared = [number for number, pattern in enumerate(by_release.sources) if pattern.issuperset(pair)]
    spells: list[int] = by_release.spell[np.isin(by_release.pattern, shared)].tolist()
    return spells


def _copied(by_release: Patterns, any_method: Patterns) -> Pattern:
    """The sources that verified some of the releases as copies of others."""
    pairs = np.unique(np.stack([by_release.pattern, any_method.pattern]), axis=1)
    return frozenset(
        slug for own, every in pairs.T.tolist() for slug in any_method.sources[every] - by_release.sources[own]
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
    both: Sequence[int],
    verified: Mapping[str, int],
    own: Mapping[int, dict[str, OwnWord]],
    copied: Pattern,
    echoed: EchoedTerms,
    as_of: Pin,
) -> OverlapPair:
    a, b = pair
    words = [(own.get(spell, {}).get(a, UNSAID), own.get(spell, {}).get(b, UNSAID)) for spell in both]
    dates = Counter(_dates(of_a, of_b) for of_a, of_b in words)
    kinds = Counter(_kinds(of_a, of_b) for of_a, of_b in words)
    return {
        "a": a,
        "b": b,
        "both": len(both),
        "only_a": verified[a] - len(both),
        "only_b": verified[b] - len(both),
        "either": verified[a] + verified[b] - len(both),
        "dates": {agreement: dates[agreement] for agreement in get_args(DateAgreement)},
        "kinds": {agreement: kinds[agreement] for agreement in get_args(KindAgreement)},
        "list": _list_of(pair, copied, echoed, as_of),
    }


def _dates(a: OwnWord, b: OwnWord) -> DateAgreement:
    """Whether two sources give one day, days that may be one, or days that cannot."""
    if not a.date or not b.date:
        return "unsaid"
    if a.date == b.date:
        return "same"
    return "compatible" if parse(a.date).overlaps(parse(b.date)) else "different"


def _kinds(a: OwnWord, b: OwnWord) -> KindAgreement:
    if not a.kind or not b.kind:
        return "unsaid"
    return "same" if a.kind == b.kind else "different"


def _own_words(session: Session, stage: Stage, spells: Collection[int], revision: int) -> dict[int, dict[str, OwnWord]]:
    """Spell → source → the day of the stage and the kind of release it gives itself."""
    words: dict[int, dict[str, OwnWord]] = defaultdict(dict)
    own = select_rows(col(Verification.spell), col(Source.slug), col(Verification.said)).where(
        col(Verification.source) == col(Source.key),
        at(Source, revision),
        at(Verification, revision),
        col(Verification.object) == "release",
        col(Verification.spell).in_(_AMONG),
    )
    for some in chunks(spells):
        for spell, slug, text in session.execute(own, {"among": some}):
            statement = json.loads(text)
            kind = None if statement["kind"] == ReleaseKind.UNSPECIFIED else statement["kind"]
            words[spell][slug] = OwnWord(statement[DATE_OF_STAGE[stage]], kind)
    return words


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
