"""What was known on a day that the log does not reach back to: from what sources say of when they verified it.

A registry that begins in March holds reports of January with `verified_on` in January. Counting by those days says what
was known then, as far as sources tell; a verification without a day is left out, and its number is given.
"""

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, select
from sqlmodel import Session, col

from app.counts.selection import COUNTING, at, select_releases
from app.counts.terms import CountTerms
from app.dates import parse
from app.models import Source, Standing, Verification, Voice
from app.registry.difference import chunks
from app.registry.policy import Reader
from app.vocabulary import Verdict

Row = dict[str, Any]
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def knew(session: Session, terms: CountTerms, reader: Reader, revision: int, day: int) -> Row:
    """Numbers as of `day` (an ordinal): `by_min_sources`, `by_source`, `releases`, `reported`, `refuted`, `undated`."""
    told = _told(session, terms, reader, revision)
    slugs: dict[int, str] = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    selection = select_releases(session, terms, reader, revision)
    spells = session.scalars(
        selection.rows(selection.columns.spell).where(selection.inside, col(Standing.status).in_(COUNTING))
    ).all()
    by_spell: dict[int, list[Row]] = defaultdict(list)
    undated = 0
    for word in told:
        known = word["verified_on"]
        undated += known is None and word["verdict"] == Verdict.VERIFIED
        if known is not None and known <= day:
            by_spell[word["spell"]].append(word)
    numbers = {spell: _numbers(by_spell[spell]) for spell in spells}
    confirmed = [independent for independent, _asserted, _refuted in numbers.values()]
    most = max(confirmed, default=0)
    by_source: dict[str, int] = defaultdict(int)
    for word in (word for words in by_spell.values() for word in words):
        if word["verdict"] == Verdict.VERIFIED:
            by_source[slugs[word["source"]]] += 1
    return {
        "releases": sum(1 for _n, asserted, _refuted in numbers.values() if asserted),
        "by_min_sources": {str(k): sum(1 for n in confirmed if n >= k) for k in range(1, most + 1)},
        "reported": sum(1 for n, asserted, refuted in numbers.values() if not n and asserted and not refuted),
        "refuted": sum(1 for n, _asserted, refuted in numbers.values() if not n and refuted),
        "by_source": dict(sorted(by_source.items())),
        "undated": undated,
    }


def _numbers(words: list[Row]) -> tuple[int, bool, bool]:
    """Independent verifications of one release, whether anyone asserts it, whether an independent source refutes it."""
    independent = sum(1 for word in words if word["verdict"] == Verdict.VERIFIED and word["independent"])
    asserted = any(word["verdict"] in (Verdict.VERIFIED, Verdict.REPORTED) for word in words)
    return independent, asserted, any(word["verdict"] == Verdict.REFUTED and word["independent"] for word in words)


def _told(session: Session, terms: CountTerms, reader: Reader, revision: int) -> list[Row]:
    """Every source's word on the releases of the window, with the last day on which it may have been given.

    Inside by the source's own day and kind, as counts by source go."""
    own = select_releases(session, terms, reader, revision, by_source=True)
    rows = session.execute(
        own.rows(col(Voice.spell), col(Voice.source), col(Voice.verdict), col(Voice.independent)).where(own.inside)
    ).all()
    days = _days(session, {row[0] for row in rows}, revision)
    return [
        {
            "spell": spell,
            "source": source,
            "verdict": verdict,
            "independent": independent,
            "verified_on": days.get((spell, source)),
        }
        for spell, source, verdict, independent in rows
    ]


def _days(session: Session, spells: set[int], revision: int) -> dict[tuple[int, int], int]:
    found = select(col(Verification.spell), col(Verification.source), col(Verification.said)).where(
        and_(col(Verification.spell).in_(_AMONG), col(Verification.object) == "release", at(Verification, revision))
    )
    days = {}
    for some in chunks(spells):
        for spell, source, said in session.execute(found, {"among": some}):
            verified_on = json.loads(said)["verified_on"]
            if verified_on is not None:
                days[spell, source] = parse(verified_on).hi
    return days
