"""Count what was known on a day before the log begins, from the days on which sources verified a release.

A registry that begins in March holds reports of January with `verified_on` in January. Counting by those days shows
what was known then, as far as sources state it. Verifications without a day are excluded and their number is
returned."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, select
from sqlmodel import Session, col

from app.counts.shapes import CountTotal
from app.counts.tally import build_total
from app.dates import parse_date
from app.db.engine import split_into_chunks
from app.models import Source, SourceRelease, Verification
from app.projection.status import weigh_verdicts
from app.queries.selection.build import build_selection
from app.queries.selection.rows import COUNTABLE_STATUSES, match_verified
from app.queries.selection.visibility import valid_at
from app.queries.term_names import load_source_keys
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import ReleaseStatus, Verdict

_SPELLS_PARAM: BindParameter[Any] = bindparam("keys", expanding=True)
# Terms that filter by verification are cleared here and applied to the verdicts known by the day.
UNRESTRICTED_TERMS: dict[str, list[str] | None] = {"status": [], "verified_by": [], "min_sources": None}


class KnownCount(NamedTuple):
    """What sources say that they knew by a day.

    `unlinkable_count`: releases of unlinkable people. `undated`: verifications without a day. `learned_since`: releases
    of today's count that did not count by then, if every source states when it knew."""

    total: CountTotal
    unlinkable_count: int
    by_source: dict[str, int]
    undated: int
    learned_since: int


class DatedVerdict(NamedTuple):
    """One source's verdict and status on one release, with the first and last day on which it may have been given.

    Both days are None if the source does not state when."""

    source: int
    verdict: Verdict
    independent: bool
    status: str | None
    first: int | None
    day: int | None


def count_known_on(
    session: Session, terms: CountTerms, reader: Reader, revision: int, day: int, *, possible: bool = False
) -> KnownCount:
    """Return a count as of `day` (an ordinal). `possible`: with the releases whose value of a personal term is unknown
    or hidden from the reader."""
    keys = load_source_keys(session, terms, revision)
    unrestricted_terms = terms.model_copy(update=UNRESTRICTED_TERMS)
    selection = build_selection(session, unrestricted_terms, reader, revision, possible=possible)
    inside_rows = selection.consolidated_rows.where(selection.is_inside)
    inside: dict[int, int] = dict(
        zip(inside_rows["spell"].tolist(), selection.person[selection.is_inside].tolist(), strict=True)
    )
    unlinkable_spells = set(inside_rows["spell"][inside_rows["withheld"]].tolist())
    own = build_selection(session, unrestricted_terms, reader, revision, by_source=True)
    verifying = own.rows.where(own.is_inside & match_verified(own.columns, own.rows))
    own_verified = {*zip(verifying["spell"].tolist(), verifying["source"].tolist(), strict=True)}

    all_verdicts = _load_verdicts(session, terms, inside.keys() | {spell for spell, _source in own_verified}, revision)
    verdicts_by_day = {
        spell: [
            dated_verdict for dated_verdict in verdicts if dated_verdict.day is not None and dated_verdict.day <= day
        ]
        for spell, verdicts in all_verdicts.items()
    }
    matching = {
        spell: verdicts
        for spell, verdicts in verdicts_by_day.items()
        if verdicts and _matches_terms(terms, keys, verdicts)
    }
    statuses = {spell: _derive_release_status(verdicts) for spell, verdicts in matching.items() if spell in inside}
    counted_spells = [spell for spell, status in statuses.items() if status in COUNTABLE_STATUSES]
    today = {
        spell for spell, verdicts in all_verdicts.items() if spell in inside and _is_counted(terms, keys, verdicts)
    }
    by_source = Counter(
        dated_verdict.source
        for spell, verdicts in matching.items()
        for dated_verdict in verdicts
        if (spell, dated_verdict.source) in own_verified
    )
    slugs: dict[int, str] = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    sizes = Counter((status, _count_confirmations(matching[spell])) for spell, status in statuses.items())
    return KnownCount(
        total=build_total(
            [(*cell, number) for cell, number in sizes.items()], len({inside[spell] for spell in counted_spells})
        ),
        unlinkable_count=len(unlinkable_spells.intersection(counted_spells)),
        by_source=dict(sorted((slugs[source], number) for source, number in by_source.items())),
        undated=sum(
            1
            for spell, verdicts in all_verdicts.items()
            if _matches_terms(terms, keys, verdicts)
            for dated_verdict in verdicts
            if dated_verdict.day is None and (spell, dated_verdict.source) in own_verified
        ),
        learned_since=sum(
            1 for spell in today.difference(counted_spells) if _is_surely_dated(all_verdicts[spell], day)
        ),
    )


def _derive_release_status(verdicts: Sequence[DatedVerdict]) -> ReleaseStatus | None:
    is_reported = any(verdict.status in COUNTABLE_STATUSES for verdict in verdicts)
    return weigh_verdicts([(verdict.verdict, verdict.independent) for verdict in verdicts], is_reported=is_reported)


def _is_counted(terms: CountTerms, keys: dict[str, int], verdicts: Sequence[DatedVerdict]) -> bool:
    return _matches_terms(terms, keys, verdicts) and _derive_release_status(verdicts) in COUNTABLE_STATUSES


def _is_surely_dated(verdicts: Sequence[DatedVerdict], day: int) -> bool:
    """Return whether every source's day is precise enough to tell whether it was by `day`."""
    return all(
        verdict.first is not None and verdict.day is not None and (verdict.day <= day or verdict.first > day)
        for verdict in verdicts
    )


def _count_confirmations(verdicts: Sequence[DatedVerdict]) -> int:
    return sum(1 for verdict in verdicts if verdict.status == ReleaseStatus.VERIFIED)


def _matches_terms(terms: CountTerms, keys: dict[str, int], verdicts: Sequence[DatedVerdict]) -> bool:
    """Return whether the status and the verifying sources of a release match the terms of a claim."""
    verifying_sources = {verdict.source for verdict in verdicts if verdict.status == ReleaseStatus.VERIFIED}
    named_sources = {keys[slug] for slug in terms.verified_by}
    matches_any = terms.verified_by_match == "any" and not named_sources.isdisjoint(verifying_sources)
    return (
        (not terms.status or _derive_release_status(verdicts) in terms.status)
        and (not named_sources or matches_any or named_sources <= verifying_sources)
        and _count_confirmations(verdicts) >= (terms.min_sources or 0)
    )


def _load_verdicts(
    session: Session, terms: CountTerms, spells: Collection[int], revision: int
) -> dict[int, list[DatedVerdict]]:
    """Return every source's verdict on the releases at the stage of the terms."""
    days = _load_verification_days(session, spells, revision)
    rows = select(
        col(SourceRelease.spell),
        col(SourceRelease.source),
        col(SourceRelease.verdict),
        col(SourceRelease.independent),
        col(SourceRelease.status),
    ).where(
        col(SourceRelease.spell).in_(_SPELLS_PARAM),
        col(SourceRelease.stage) == terms.stage,
        col(SourceRelease.review).is_(None),
        valid_at(SourceRelease, revision),
    )
    verdicts: dict[int, list[DatedVerdict]] = defaultdict(list)
    for chunk in split_into_chunks(spells):
        for spell, source, verdict, independent, status in session.execute(rows, {"keys": chunk}):
            first, last = days.get((spell, source), (None, None))
            verdicts[spell].append(DatedVerdict(source, Verdict(verdict), independent, status, first, last))
    return verdicts


def _load_verification_days(
    session: Session, spells: Collection[int], revision: int
) -> dict[tuple[int, int], tuple[int, int]]:
    verifications = select(col(Verification.spell), col(Verification.source), col(Verification.said)).where(
        and_(
            col(Verification.spell).in_(_SPELLS_PARAM),
            col(Verification.object) == "release",
            valid_at(Verification, revision),
        )
    )
    days = {}
    for chunk in split_into_chunks(spells):
        for spell, source, text in session.execute(verifications, {"keys": chunk}):
            verified_on = json.loads(text)["verified_on"]
            if verified_on is not None:
                date = parse_date(verified_on)
                days[spell, source] = date.lo, date.hi
    return days
