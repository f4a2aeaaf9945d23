"""How sources overlap: which of them verified the same releases, in pairs and in exact patterns."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import Session, col

from app.counts import terms as wording
from app.counts.selection import COUNTING, at, select_releases
from app.counts.terms import CountTerms
from app.dates import parse
from app.models import Source, Standing, Verification, Voice
from app.registry.difference import chunks
from app.registry.policy import Reader
from app.vocabulary import ReleaseKind, Verdict

Row = dict[str, Any]
Pattern = frozenset[str]
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def overlap(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Row:
    """`{"releases", "sources", "pairs", "patterns"}` of the releases that the terms mean, by who verified them."""
    said = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    by_release = verified_by(session, terms, reader, revision)
    own = _own_words(session, by_release.keys(), revision)
    slugs = sorted({slug for pattern in by_release.values() for slug in pattern})
    return {
        "revision": revision,
        "terms": said,
        "releases": len(by_release),
        "sources": [_source(slug, by_release, said, revision) for slug in slugs],
        "pairs": [_pair(a, b, by_release, own, said, revision) for a, b in combinations(slugs, 2)],
        "patterns": _patterns(by_release, said, revision),
        "permalink": wording.link("/v1/counts/overlap", said, revision),
    }


def verified_by(
    session: Session, terms: CountTerms, reader: Reader, revision: int, *, independent: bool = False
) -> dict[int, Pattern]:
    """Spell → the sources that verified its release at the stage asked for; empty where none did.

    `independent`: only those whose verification counts as a confirmation of its own.
    """
    selection = select_releases(session, terms, reader, revision)
    counted = selection.rows(selection.columns.spell).where(selection.inside, col(Standing.status).in_(COUNTING))
    found: dict[int, set[str]] = {spell: set() for spell in session.scalars(counted)}
    voices = select(col(Voice.spell), col(Source.slug)).where(
        at(Voice, revision),
        col(Voice.stage) == terms.stage,
        col(Voice.verdict) == Verdict.VERIFIED,
        col(Voice.source) == col(Source.key),
        at(Source, revision),
        *([col(Voice.independent).is_(True)] if independent else []),
    )
    for spell, slug in session.execute(voices.where(col(Voice.spell).in_(counted.scalar_subquery()))):
        found[spell].add(slug)
    return {spell: frozenset(slugs) for spell, slugs in found.items()}


def patterns_of(by_release: Mapping[int, Pattern]) -> Counter[Pattern]:
    """How many releases exactly these sources verified, and no others; nobody's verified ones are left out."""
    return Counter(pattern for pattern in by_release.values() if pattern)


def _link(said: Row, revision: int, **more: Any) -> str:
    """The releases behind a number."""
    terms = {**said, **more}
    terms.setdefault("status", list(COUNTING))
    return wording.link("/v1/releases", terms, revision)


def _with(said: Row, name: str, *slugs: str) -> Row:
    return {name: list(dict.fromkeys([*said.get(name, []), *slugs]))}


def _source(slug: str, by_release: Mapping[int, Pattern], said: Row, revision: int) -> Row:
    mine = [pattern for pattern in by_release.values() if slug in pattern]
    alone = sum(1 for pattern in mine if len(pattern) == 1)
    only = None if "only_by" in said else _link(said, revision, only_by=[slug])
    return {
        "source": slug,
        "verified": len(mine),
        "only_this_source": alone,
        "list": _link(said, revision, **_with(said, "verified_by", slug)),
        "only_list": only,
    }


def _pair(
    a: str, b: str, by_release: Mapping[int, Pattern], own: Mapping[int, dict[str, Row]], said: Row, revision: int
) -> Row:
    both = [spell for spell, pattern in by_release.items() if a in pattern and b in pattern]
    with_a = sum(1 for pattern in by_release.values() if a in pattern)
    with_b = sum(1 for pattern in by_release.values() if b in pattern)
    words = [(own.get(spell, {}).get(a, {}), own.get(spell, {}).get(b, {})) for spell in both]
    return {
        "a": a,
        "b": b,
        "both": len(both),
        "only_a": with_a - len(both),
        "only_b": with_b - len(both),
        "either": with_a + with_b - len(both),
        "dates": _agreement([_dates(one, other) for one, other in words], ("same", "compatible", "different")),
        "kinds": _agreement([_kinds(one, other) for one, other in words], ("same", "different")),
        "list": _link(said, revision, **_with(said, "verified_by", a, b)),
    }


def _agreement(found: list[str], names: tuple[str, ...]) -> Row:
    numbers = Counter(found)
    return {name: numbers[name] for name in (*names, "unsaid")}


def _dates(one: Row, other: Row) -> str:
    """Whether two sources give one day, days that may be one, or days that cannot."""
    if not one.get("date") or not other.get("date"):
        return "unsaid"
    if one["date"] == other["date"]:
        return "same"
    return "compatible" if parse(one["date"]).overlaps(parse(other["date"])) else "different"


def _kinds(one: Row, other: Row) -> str:
    if not one.get("kind") or not other.get("kind"):
        return "unsaid"
    return "same" if one["kind"] == other["kind"] else "different"


def _own_words(session: Session, spells: Any, revision: int) -> dict[int, dict[str, Row]]:
    """Spell → source → the day and the kind of release it gives itself."""
    found: dict[int, dict[str, Row]] = defaultdict(dict)
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
            found[spell][slug] = {"date": word["released_on"], "kind": kind}
    return found


def _patterns(by_release: Mapping[int, Pattern], said: Row, revision: int) -> list[Row]:
    """Every exact pattern, the most frequent first."""
    ranked = sorted(patterns_of(by_release).items(), key=lambda one: (-one[1], sorted(one[0])))
    return [
        {
            "sources": sorted(pattern),
            "releases": number,
            "list": None if "only_by" in said else _link(said, revision, only_by=sorted(pattern)),
        }
        for pattern, number in ranked
    ]
