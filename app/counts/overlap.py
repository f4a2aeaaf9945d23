"""How sources overlap: which of them verified the same releases of their own knowledge, in pairs and exact patterns.

Copies confirm nothing, so they make no overlap either.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, func, select
from sqlmodel import Session, col

from app.counts.tally import not_visible, scalar
from app.database import chunks
from app.dates import parse
from app.models import ReleaseAtStage, Source, SourceRelease, Verification
from app.reading import terms as wording
from app.reading.selection import COUNTING, select_releases, with_facility_slug
from app.reading.terms import CountTerms
from app.reading.visibility import at
from app.registry.policy import Reader
from app.registry.projection.statements import DATE_OF_STAGE
from app.registry.schemas import MOST_SOURCES
from app.vocabulary import ReleaseKind, Stage, Verdict

Row = dict[str, Any]
Pattern = frozenset[str]


class Word(NamedTuple):
    """What one source gives itself of a release: the day of the stage, and the kind unless it is unspecified."""

    date: str | None = None
    kind: str | None = None


UNSAID = Word()
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def overlap(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Row:
    """`{"releases", "counted_apart", "sources", "pairs", "patterns"}` of the releases that the terms mean, by the
    independent sources that verified them; the pattern without sources is of those that none verified."""
    terms = with_facility_slug(session, terms)
    said = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    by_release = verified_by(session, terms, reader, revision, independent=True)
    copied = _copied(by_release, verified_by(session, terms, reader, revision))
    own = _own_words(session, terms.stage, by_release.keys(), revision)
    verified = Counter(slug for pattern in by_release.values() for slug in pattern)
    both: dict[tuple[str, str], list[int]] = defaultdict(list)
    for spell, pattern in by_release.items():
        for pair in combinations(sorted(pattern), 2):
            both[pair].append(spell)
    slugs = sorted(verified)
    return {
        "revision": revision,
        "terms": said,
        "releases": len(by_release),
        "counted_apart": _counted_apart(session, terms, reader, revision),
        "sources": [_source(slug, by_release, copied, said, revision) for slug in slugs],
        "pairs": [_pair(pair, both[pair], verified, own, copied, said, revision) for pair in combinations(slugs, 2)],
        "patterns": _patterns(by_release, said, revision),
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/counts/overlap", said, revision),
    }


def _counted_apart(session: Session, terms: CountTerms, reader: Reader, revision: int) -> int:
    """The releases, of those that the terms mean, of people who may only be counted."""
    selection = select_releases(session, terms, reader, revision)
    return scalar(session, selection, func.count(), and_(selection.inside, col(ReleaseAtStage.withheld).is_(True)))


def verified_by(
    session: Session, terms: CountTerms, reader: Reader, revision: int, *, independent: bool = False
) -> dict[int, Pattern]:
    """Spell → the sources that verified its release at the stage asked for; empty where none did.

    `independent`: only those whose verification counts as a confirmation of its own.
    """
    selection = select_releases(session, terms, reader, revision)
    counted = selection.rows(selection.columns.spell).where(selection.inside, col(ReleaseAtStage.status).in_(COUNTING))
    found: dict[int, set[str]] = {spell: set() for spell in session.scalars(counted)}
    voices = select(col(SourceRelease.spell), col(Source.slug)).where(
        at(SourceRelease, revision),
        col(SourceRelease.stage) == terms.stage,
        col(SourceRelease.verdict) == Verdict.VERIFIED,
        col(SourceRelease.source) == col(Source.key),
        at(Source, revision),
        *([col(SourceRelease.independent).is_(True)] if independent else []),
    )
    for spell, slug in session.execute(voices.where(col(SourceRelease.spell).in_(counted.scalar_subquery()))):
        found[spell].add(slug)
    return {spell: frozenset(slugs) for spell, slugs in found.items()}


def _copied(by_release: Mapping[int, Pattern], any_method: Mapping[int, Pattern]) -> Pattern:
    """The sources that verified some of the releases as copies of others."""
    return frozenset(slug for spell, pattern in any_method.items() for slug in pattern - by_release[spell])


def patterns_of(by_release: Mapping[int, Pattern]) -> Counter[Pattern]:
    """How many releases exactly these sources verified, and no others; nobody's verified ones are left out."""
    return Counter(pattern for pattern in by_release.values() if pattern)


def _link(said: Row, revision: int, name: str, slugs: Collection[str]) -> str | None:
    """The releases behind a number, by who verified them; None where the terms cannot say who."""
    terms = {**said, name: list(dict.fromkeys([*said.get(name, []), *sorted(slugs)]))}
    if len(terms[name]) > MOST_SOURCES or (name == "only_by" and name in said):
        return None
    terms.setdefault("status", list(COUNTING))
    return wording.link("/v1/releases", terms, revision)


def _list_of(slugs: Sequence[str], copied: Pattern, said: Row, revision: int) -> str | None:
    """The releases that all these sources verified; None where the term would mean copies too."""
    return None if copied.intersection(slugs) else _link(said, revision, "verified_by", slugs)


def _source(slug: str, by_release: Mapping[int, Pattern], copied: Pattern, said: Row, revision: int) -> Row:
    mine = [pattern for pattern in by_release.values() if slug in pattern]
    return {
        "source": slug,
        "verified": len(mine),
        "only_this_source": sum(1 for pattern in mine if len(pattern) == 1),
        "list": _list_of([slug], copied, said, revision),
        "only_list": _link(said, revision, "only_by", [slug]),
    }


def _pair(
    pair: tuple[str, str],
    both: Sequence[int],
    verified: Mapping[str, int],
    own: Mapping[int, dict[str, Word]],
    copied: Pattern,
    said: Row,
    revision: int,
) -> Row:
    a, b = pair
    words = [(own.get(spell, {}).get(a, UNSAID), own.get(spell, {}).get(b, UNSAID)) for spell in both]
    return {
        "a": a,
        "b": b,
        "both": len(both),
        "only_a": verified[a] - len(both),
        "only_b": verified[b] - len(both),
        "either": verified[a] + verified[b] - len(both),
        "dates": _agreement([_dates(one, other) for one, other in words], ("same", "compatible", "different")),
        "kinds": _agreement([_kinds(one, other) for one, other in words], ("same", "different")),
        "list": _list_of(pair, copied, said, revision),
    }


def _agreement(found: list[str], names: tuple[str, ...]) -> Row:
    numbers = Counter(found)
    return {name: numbers[name] for name in (*names, "unsaid")}


def _dates(one: Word, other: Word) -> str:
    """Whether two sources give one day, days that may be one, or days that cannot."""
    if not one.date or not other.date:
        return "unsaid"
    if one.date == other.date:
        return "same"
    return "compatible" if parse(one.date).overlaps(parse(other.date)) else "different"


def _kinds(one: Word, other: Word) -> str:
    if not one.kind or not other.kind:
        return "unsaid"
    return "same" if one.kind == other.kind else "different"


def _own_words(session: Session, stage: Stage, spells: Collection[int], revision: int) -> dict[int, dict[str, Word]]:
    """Spell → source → the day of the stage and the kind of release it gives itself."""
    found: dict[int, dict[str, Word]] = defaultdict(dict)
    said = select(col(Verification.spell), col(Source.slug), col(Verification.said)).where(
        col(Verification.source) == col(Source.key),
        at(Source, revision),
        at(Verification, revision),
        col(Verification.object) == "release",
        col(Verification.spell).in_(_AMONG),
    )
    for some in chunks(spells):
        for spell, slug, text in session.execute(said, {"among": some}):
            word = json.loads(text)
            kind = None if word["kind"] == ReleaseKind.UNSPECIFIED else word["kind"]
            found[spell][slug] = Word(word[DATE_OF_STAGE[stage]], kind)
    return found


def _patterns(by_release: Mapping[int, Pattern], said: Row, revision: int) -> list[Row]:
    """Every exact pattern, the most frequent first; they add up to the releases."""
    ranked = sorted(Counter(by_release.values()).items(), key=lambda one: (-one[1], sorted(one[0])))
    return [
        {
            "sources": sorted(pattern),
            "releases": number,
            "list": _link(said, revision, "only_by", pattern) if pattern else _unverified(said, revision),
        }
        for pattern, number in ranked
    ]


def _unverified(said: Row, revision: int) -> str | None:
    """The releases that no independent source verified."""
    if said.get("sources", 0) != 0:
        return None
    terms = {**said, "sources": 0}
    terms.setdefault("status", list(COUNTING))
    return wording.link("/v1/releases", terms, revision)
