"""What was known on a day before the log begins: from the days on which sources say that they verified a release.

A registry that begins in March holds reports of January with `verified_on` in January. Counting by those days says what
was known then, as far as sources tell; a verification without a day is left out, and its number is given.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, select
from sqlmodel import Session, col

from app.dates import parse
from app.db.engine import chunks
from app.models import Source, SourceRelease, Verification
from app.projection.statements import status_among
from app.queries.selection import COUNTING, source_keys
from app.queries.selection import select as select_counted
from app.queries.terms import CountTerms
from app.queries.visibility import at
from app.registry.publication.permissions import Reader
from app.schemas.counts import SaidCount
from app.vocabulary import ReleaseStatus, Verdict

_AMONG: BindParameter[Any] = bindparam("among", expanding=True)
# The terms that name verifying sources, left open: they are judged by what was said by the day, not by today's rows.
ANYBODY: dict[str, list[str] | None] = {"status": [], "any_of": [], "all_of": [], "min_sources": None}


class DatedVerdict(NamedTuple):
    """One source's verdict on one release, with the first and last day on which the verdict may have been given; None:
    the source does not say when."""

    source: int
    verdict: Verdict
    independent: bool
    first: int | None
    day: int | None


def count_known_on(session: Session, terms: CountTerms, reader: Reader, revision: int, day: int) -> SaidCount:
    """A count as of `day` (an ordinal). `undated`: verifications without a day; `learned_since`: releases of today's
    count that did not count by then, where every source says when it knew."""
    keys = source_keys(session, terms)
    anybody = terms.model_copy(update=ANYBODY)
    selection = select_counted(session, anybody, reader, revision)
    chosen = selection.together.where(selection.inside)
    inside: dict[int, bool] = dict(zip(chosen["spell"].tolist(), chosen["withheld"].tolist(), strict=True))
    own = select_counted(session, anybody, reader, revision, by_source=True)
    verifying = own.rows.where(own.inside & (own.rows["verdict"] == own.columns.codes.of(Verdict.VERIFIED)))
    by_themselves = {*zip(verifying["spell"].tolist(), verifying["source"].tolist(), strict=True)}

    every = _verdicts(session, terms, inside.keys() | {spell for spell, _source in by_themselves}, revision)
    by_then = {
        spell: [each for each in verdicts if each.day is not None and each.day <= day]
        for spell, verdicts in every.items()
    }
    wanted = {spell: verdicts for spell, verdicts in by_then.items() if verdicts and _wanted(terms, keys, verdicts)}
    statuses = {spell: _status(verdicts) for spell, verdicts in wanted.items() if spell in inside}
    counted = [spell for spell, status in statuses.items() if status in COUNTING]
    today = {spell for spell, verdicts in every.items() if spell in inside and _counts(terms, keys, verdicts)}
    confirmed = [_confirmations(wanted[spell]) for spell in counted]
    by_source = Counter(
        each.source
        for spell, verdicts in wanted.items()
        for each in verdicts
        if each.verdict == Verdict.VERIFIED and (spell, each.source) in by_themselves
    )
    slugs: dict[int, str] = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    numbers = Counter(statuses.values())
    return {
        "revision": revision,
        "basis": "said",
        "releases": len(counted),
        "by_min_sources": {
            str(k): sum(1 for n in confirmed if n >= k) for k in range(1, max(confirmed, default=0) + 1)
        },
        "counted_apart": sum(1 for spell in counted if inside[spell]),
        "reported": numbers[ReleaseStatus.REPORTED],
        "refuted": numbers[ReleaseStatus.REFUTED],
        "by_source": dict(sorted((slugs[source], number) for source, number in by_source.items())),
        "undated": sum(
            1
            for spell, verdicts in every.items()
            if _wanted(terms, keys, verdicts)
            for each in verdicts
            if each.day is None and each.verdict == Verdict.VERIFIED and (spell, each.source) in by_themselves
        ),
        "learned_since": sum(1 for spell in today.difference(counted) if _surely_told(every[spell], day)),
    }


def _status(verdicts: Sequence[DatedVerdict]) -> ReleaseStatus | None:
    return status_among([(each.verdict, each.independent) for each in verdicts])


def _counts(terms: CountTerms, keys: dict[str, int], verdicts: Sequence[DatedVerdict]) -> bool:
    return _wanted(terms, keys, verdicts) and _status(verdicts) in COUNTING


def _surely_told(verdicts: Sequence[DatedVerdict], day: int) -> bool:
    """Whether every source says when it knew, finely enough to tell whether that was by the day."""
    return all(
        each.first is not None and each.day is not None and (each.day <= day or each.first > day) for each in verdicts
    )


def _confirmations(verdicts: Sequence[DatedVerdict]) -> int:
    return sum(1 for each in verdicts if each.verdict == Verdict.VERIFIED and each.independent)


def _wanted(terms: CountTerms, keys: dict[str, int], verdicts: Sequence[DatedVerdict]) -> bool:
    """Whether the terms ask for the status of a release and the sources that had verified it."""
    verified = {each.source for each in verdicts if each.verdict == Verdict.VERIFIED}
    return (
        (not terms.status or _status(verdicts) in terms.status)
        and (not terms.any_of or any(keys[slug] in verified for slug in terms.any_of))
        and all(keys[slug] in verified for slug in terms.all_of)
        and _confirmations(verdicts) >= (terms.min_sources or 0)
    )


def _verdicts(
    session: Session, terms: CountTerms, spells: Collection[int], revision: int
) -> dict[int, list[DatedVerdict]]:
    """What every source says of the releases at the stage asked for."""
    days = _days(session, spells, revision)
    rows = select(
        col(SourceRelease.spell), col(SourceRelease.source), col(SourceRelease.verdict), col(SourceRelease.independent)
    ).where(col(SourceRelease.spell).in_(_AMONG), col(SourceRelease.stage) == terms.stage, at(SourceRelease, revision))
    verdicts: dict[int, list[DatedVerdict]] = defaultdict(list)
    for some in chunks(spells):
        for spell, source, verdict, independent in session.execute(rows, {"among": some}):
            first, last = days.get((spell, source), (None, None))
            verdicts[spell].append(DatedVerdict(source, Verdict(verdict), independent, first, last))
    return verdicts


def _days(session: Session, spells: Collection[int], revision: int) -> dict[tuple[int, int], tuple[int, int]]:
    verifications = select(col(Verification.spell), col(Verification.source), col(Verification.said)).where(
        and_(col(Verification.spell).in_(_AMONG), col(Verification.object) == "release", at(Verification, revision))
    )
    days = {}
    for some in chunks(spells):
        for spell, source, text in session.execute(verifications, {"among": some}):
            verified_on = json.loads(text)["verified_on"]
            if verified_on is not None:
                told = parse(verified_on)
                days[spell, source] = told.lo, told.hi
    return days
