"""Which entries of the log may be corrections: questions to its indexes, so that no page reads the whole of it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Invalid
from app.models import OPEN, Claim, Decision, Detention, Entry, Placement, RecalledEntry, Record, Report, Verification
from app.projection.statements import DENIALS
from app.reading.corrections.restated import VERDICT
from app.reading.questions import CorrectionQuery
from app.reading.visibility import at
from app.registry.directory_snapshot import Views
from app.vocabulary import CorrectionKind, Judgement

Condition = ColumnElement[bool]

BY_CURATORS = frozenset({CorrectionKind.MERGED, CorrectionKind.PARTED})
OF_CLAIMS = frozenset({CorrectionKind.CLAIM_RESTATED, CorrectionKind.CLAIM_SUPERSEDED})
OF_KEYS = frozenset({CorrectionKind.RECALLED})
OF_REPORTS = frozenset(CorrectionKind) - BY_CURATORS - OF_CLAIMS - OF_KEYS
# A claim that replaces another, in canonical JSON: inside a text the quotes would be escaped.
SUPERSEDES = '"supersedes":["'


def entries(
    session: Session, query: CorrectionQuery, source: int | None, newest: int, since: int, revision: int, most: int
) -> list[int]:
    """The revisions of entries that may be what is asked for, from `newest` back to after `since`, newest first.
    `source`: the key of the one asked for."""
    kinds = frozenset(query.kind or CorrectionKind)

    def within(column: Any) -> Condition:
        return and_(column <= newest, column > since)

    arms: list[Select[int]] = []
    if kinds & OF_REPORTS:
        arms.append(_versions(source, query.country, revision).where(within(col(Report.since)), *_verdicts(kinds)))
        arms.append(_denials(source, query.country, revision).where(within(col(Verification.since))))
    if kinds & BY_CURATORS and source is None:
        arms.append(_made(query.country, revision).where(within(col(Decision.key))))
        arms.append(_undone(query.country, revision).where(within(col(Decision.until))))
    if kinds & OF_CLAIMS:
        arms.append(_claims(source, query.country).where(within(col(Claim.since))))
    if kinds & OF_KEYS:  # of whatever country: one entry may withdraw reports of several
        arms.append(_recalls(query.source, col(RecalledEntry.since)).where(within(col(RecalledEntry.since))))
        arms.append(_recalls(query.source, col(RecalledEntry.until)).where(within(col(RecalledEntry.until))))
    if not arms:
        return []  # curators' decisions of a source: there are none
    revision_of = union(*arms).subquery().c[0]
    return list(session.scalars(select(revision_of).order_by(revision_of.desc()).limit(most)))


def source_of(session: Session, slug: str | None) -> int | None:
    """The key of the source asked for. Raises Invalid for one that does not exist."""
    if slug is None:
        return None
    view = Views.of(session).sources_by_slug.get(slug)
    if view is None:
        raise Invalid.at("/source", "unknown_source", "No source has this slug: see /v1/sources.")
    return view.key


def _in_country(record: Any, country: str | None, revision: int) -> list[Condition]:
    """Whether the detention of a record is in a country."""
    if country is None:
        return []
    detention = select(1).select_from(Placement).join(Detention, col(Detention.spell) == col(Placement.spell))
    here = (col(Placement.record) == record, at(Placement, revision), at(Detention, revision))
    return [exists(detention.where(*here, col(Detention.country) == country))]


def _counts(revision: int) -> Condition:
    """Whether no recall withdraws a report at a revision: what a recall withdraws, the recall tells."""
    recalled = (col(RecalledEntry.since) <= revision) & (col(RecalledEntry.until) > revision)
    return ~exists().where(col(RecalledEntry.revision) == col(Report.stated), recalled)


def _versions(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Later versions of reports."""
    versions = select(col(Report.since)).where(
        col(Report.version) > 1,
        col(Report.stated) == col(Report.since),
        _counts(revision),
        *_in_country(col(Report.record), country, revision),
    )
    if source is None:
        return versions
    return versions.join(Record, col(Record.key) == col(Report.record)).where(col(Record.source) == source)


def _verdicts(kinds: frozenset[CorrectionKind]) -> list[Condition]:
    """That a version has the verdict that names a kind; a restatement may have any."""
    if CorrectionKind.RESTATED in kinds:
        return []
    # In canonical JSON, where the quotes of a text within a value would be escaped.
    verdicts = [col(Entry.body).contains(f'"{VERDICT}":"{kind}"') for kind in kinds & OF_REPORTS]
    return [exists(select(1).where(col(Entry.revision) == col(Report.stated), or_(*verdicts)))]


def _denials(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Reports that deny, which may be a source's first ones."""
    mine = [] if source is None else [col(Verification.source) == source]
    filed = (col(Report.record) == col(Verification.record)) & (col(Report.stated) == col(Verification.since))
    return (
        select(col(Verification.since))
        .join(Report, filed)
        .where(
            col(Verification.verdict).in_(sorted(DENIALS)),
            _counts(revision),
            *mine,
            *_in_country(col(Verification.record), country, revision),
        )
    )


def _made(country: str | None, revision: int) -> Select[int]:
    """Decisions of curators, who alone tie or part people already known."""
    return _decided(col(Decision.key), country, revision).where(
        col(Decision.decided_by) == "curator", col(Decision.judgement) != Judgement.UNSURE
    )


def _undone(country: str | None, revision: int) -> Select[int]:
    """Decisions of anybody, when a curator took them back."""
    return _decided(col(Decision.until), country, revision).where(col(Decision.until) < OPEN)


def _decided(column: Any, country: str | None, revision: int) -> Select[int]:
    record: Any = aliased(Record)
    return (
        select(column)
        .select_from(Decision)
        .join(record, record.id == col(Decision.a))
        .where(*_in_country(record.key, country, revision))
    )


def _claims(source: int | None, country: str | None) -> Select[int]:
    """Later versions of claims, and claims that replace others."""
    conditions = [] if source is None else [col(Claim.filed_by) == source]
    conditions += [] if country is None else [col(Claim.country) == country]
    return (
        select(col(Claim.since))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(
            col(Claim.stated) == col(Claim.since),
            or_(col(Claim.since) != col(Claim.key), col(Entry.body).contains(SUPERSEDES)),
            *conditions,
        )
    )


def _recalls(source: str | None, revision_of: Any) -> Select[int]:
    """Recalls, or what undid them."""
    recalls = select(revision_of).distinct()
    if source is None:
        return recalls
    of_source = col(Entry.body).contains(f'"source":"{source}"')
    return recalls.where(exists(select(1).where(col(Entry.revision) == revision_of, of_source)))
