"""Find log entries that may be corrections, and compare versions to see what a new one withdraws.

Adding information is no correction: a value where there was none, a finer date inside a coarser one, a later stage, a
verification of what was only passed on. Stating something else is a correction, and so is stating less. Candidates are
found through indexes, so that no page reads the whole log."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.content import (
    DENIES,
    IS_FIRST_HAND,
    UNSTATED_VALUES,
    Content,
    has_release_section,
    remove_taken_over,
)
from app.models import OPEN, Claim, Decision, Detention, Entry, Placement, RecalledEntry, Record, Report, Verification
from app.projection.statements import DENIALS, STAGE_RANK, coarsen_content, parse_cached_date
from app.queries.parameters import CorrectionQuery
from app.queries.selection.visibility import valid_at
from app.registry.publication.classes import CLASS_FIELD
from app.schemas.records import ChangeOut
from app.vocabulary import CorrectionKind, Judgement, Publish, Stage, Verdict

# The compared values by name: the shown values of a report, or the values of a claim.
Values = Mapping[str, Any]

VERDICT_PATH = "verification.verdict"
ENDED_PATH = "detention.ended"
# The shown fields of a change: public values only, by their names in responses. The publication class is excluded
# because it concerns nobody else, and the day of a check because it is no value of a release.
CORRECTION_FIELDS = {
    "verdict": VERDICT_PATH,
    "denies": DENIES,
    "stage": "release.stage",
    "released_on": "release.released_on",
    "ordered_on": "release.ordered_on",
    "announced_on": "release.announced_on",
    "kind": "release.kind",
    "measures_lifted_on": "release.measures_lifted_on",
    "detained_on": "detention.detained_on",
    "held_on": "detention.held_on",
    "country": "detention.country",
    "designation": "detainee.designation",
    "died_on": "detainee.died_on",
    "method": "verification.method",
    "citing": "verification.citing",
}
# A claim's figure and its scope; its prose may name people.
CLAIM_FIELDS = (
    "claimant", "measure", "qualifier", "low", "high", "window_from", "window_to", "stated_at", "zone", "country",
    "series", "misprint",
)  # fmt: skip

# Verdict → the kind of correction that it makes if it is new.
WITHDRAWAL_KINDS = {
    Verdict.RETRACTED: CorrectionKind.RETRACTED,
    Verdict.REFUTED: CorrectionKind.REFUTED,
    Verdict.DISPUTED: CorrectionKind.DISPUTED,
}


def compare_report_versions(before: Content | None, after: Content) -> tuple[CorrectionKind | None, list[ChangeOut]]:
    """Return the kind of correction that a version of a report is (None if it is none) and its changes.

    `before` is the superseded version; a first version corrects other reports by a denial of the event."""
    after = remove_taken_over(after)
    verdict = Verdict(after[VERDICT_PATH])
    if before is None:
        return (WITHDRAWAL_KINDS[verdict] if verdict in DENIALS and DENIES not in after else None), []
    before = remove_taken_over(before)
    # a change of what the log discloses is no statement of the source
    if _has_month_dates(before) or _has_month_dates(after):
        before, after = coarsen_content(before), coarsen_content(after)
    changes = _list_changes(_extract_public_values(before), _extract_public_values(after))
    if verdict in WITHDRAWAL_KINDS and verdict != before[VERDICT_PATH]:
        return WITHDRAWAL_KINDS[verdict], changes
    # A verdict on a detention does not concern the release that a record gains.
    unrelated_fields = (
        {"verdict", "method"} if has_release_section(after) and not has_release_section(before) else set()
    )
    # Verifying what was only passed on requires another method.
    confirmed_fields = {"method"} if (before[VERDICT_PATH], verdict) == (Verdict.REPORTED, Verdict.VERIFIED) else set()
    has_retraction = any(
        _is_retraction(change) for change in changes if change["field"] not in unrelated_fields | confirmed_fields
    )
    return (CorrectionKind.RESTATED if has_retraction else None), changes


def _has_month_dates(content: Content) -> bool:
    return content.get(CLASS_FIELD) == Publish.COUNTED or IS_FIRST_HAND in content


def compare_claims(before: Values, after: Values) -> list[ChangeOut]:
    """Return what differs between two figures."""
    return _list_changes(*({name: claim.get(name) for name in CLAIM_FIELDS} for claim in (before, after)))


def _extract_public_values(content: Content) -> Values:
    end_values = content.get(ENDED_PATH, {})
    values = {name: content.get(path) for name, path in CORRECTION_FIELDS.items()}
    return {
        **values,
        "ended_on": end_values.get("on"),
        "ended_how": end_values.get("how"),
        "citing": values["citing"] or [],
    }


def _list_changes(before: Values, after: Values) -> list[ChangeOut]:
    return [
        {"field": name, "before": before[name], "after": after[name]} for name in after if before[name] != after[name]
    ]


def _is_retraction(change: ChangeOut) -> bool:
    name, before, after = change["field"], change["before"], change["after"]
    if name in ("citing", "denies"):
        return True  # a source that cites has not checked, and a detail denied is no denial: a count may change
    if before in UNSTATED_VALUES:
        return False
    if after is None:
        return True
    if name == "verdict":
        return (before, after) != (Verdict.REPORTED, Verdict.VERIFIED)
    if name == "stage":
        return STAGE_RANK[Stage(after)] < STAGE_RANK[Stage(before)]
    if name == "held_on":
        return parse_cached_date(after).hi < parse_cached_date(before).hi  # the last known day normally advances
    if name.endswith("_on"):
        return not parse_cached_date(after).is_within(parse_cached_date(before))
    return True


SqlCondition = ColumnElement[bool]

CURATOR_KINDS = frozenset({CorrectionKind.MERGED, CorrectionKind.PARTED})
CLAIM_KINDS = frozenset({CorrectionKind.CLAIM_RESTATED, CorrectionKind.CLAIM_SUPERSEDED})
# Withdrawn claims are recalls of their entries.
RECALL_KINDS = frozenset({CorrectionKind.RECALLED, CorrectionKind.CLAIM_RETRACTED})
REPORT_KINDS = frozenset(CorrectionKind) - CURATOR_KINDS - CLAIM_KINDS - RECALL_KINDS
# A claim that replaces another, in canonical JSON; quotes within a text would be escaped.
SUPERSEDES_PATTERN = '"supersedes":["'


def find_candidate_entries(
    session: Session, query: CorrectionQuery, source: int | None, newest: int, since: int, revision: int, limit: int
) -> list[int]:
    """Return the revisions of candidate entries from `newest` back to after `since`, newest first. `source`: the key of
    the requested source."""
    kinds = frozenset(query.correction_kind or CorrectionKind)

    def is_in_range(column: Any) -> SqlCondition:
        return and_(column <= newest, column > since)

    statements: list[Select[Any]] = []
    if kinds & REPORT_KINDS:
        statements.append(
            _select_versions(source, query.country, revision).where(
                is_in_range(col(Report.since)), *_build_verdict_conditions(kinds)
            )
        )
        statements.append(_select_denials(source, query.country, revision).where(is_in_range(col(Verification.since))))
    if kinds & CURATOR_KINDS and source is None:
        statements.append(_select_decisions(query.country, revision).where(is_in_range(col(Decision.key))))
        statements.append(_select_undone_decisions(query.country, revision).where(is_in_range(col(Decision.until))))
    if kinds & CLAIM_KINDS:
        statements.append(_select_claims(source, query.country).where(is_in_range(col(Claim.confirmed))))
    if kinds & RECALL_KINDS:  # in any country: one entry may withdraw reports of several
        statements.append(
            _select_recalls(query.source, col(RecalledEntry.since)).where(is_in_range(col(RecalledEntry.since)))
        )
        statements.append(
            _select_recalls(query.source, col(RecalledEntry.until)).where(is_in_range(col(RecalledEntry.until)))
        )
    if not statements:
        return []  # decisions of curators have no source
    revision_column = union(*statements).subquery().c[0]
    return list(session.scalars(select(revision_column).order_by(revision_column.desc()).limit(limit)))


def _build_country_conditions(record: Any, country: str | None, revision: int) -> list[SqlCondition]:
    """Return conditions that the detention of a record is in a country."""
    if country is None:
        return []
    detention = select(1).select_from(Placement).join(Detention, col(Detention.spell) == col(Placement.spell))
    valid_rows = (col(Placement.record) == record, valid_at(Placement, revision), valid_at(Detention, revision))
    return [exists(detention.where(*valid_rows, col(Detention.country) == country))]


def _is_not_recalled(revision: int) -> SqlCondition:
    """Return whether no recall withdraws a report at a revision; recalls have their own correction."""
    is_valid_recall = (col(RecalledEntry.since) <= revision) & (col(RecalledEntry.until) > revision)
    return ~exists().where(col(RecalledEntry.revision) == col(Report.stated), is_valid_recall)


def _select_versions(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Select later versions of reports."""
    versions = select(col(Report.since)).where(
        col(Report.version) > 1,
        col(Report.stated) == col(Report.since),
        _is_not_recalled(revision),
        *_build_country_conditions(col(Report.record), country, revision),
    )
    if source is None:
        return versions
    return versions.join(Record, col(Record.key) == col(Report.record)).where(col(Record.source) == source)


def _build_verdict_conditions(kinds: frozenset[CorrectionKind]) -> list[SqlCondition]:
    """Return conditions that a version has a verdict of the requested kinds; a restatement may have any."""
    if CorrectionKind.RESTATED in kinds:
        return []
    # In canonical JSON, quotes within a text would be escaped.
    verdicts = [col(Entry.body).contains(f'"{VERDICT_PATH}":"{kind}"') for kind in kinds & REPORT_KINDS]
    return [exists(select(1).where(col(Entry.revision) == col(Report.stated), or_(*verdicts)))]


def _select_denials(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Select reports that deny, which may be a source's first version."""
    source_conditions = [] if source is None else [col(Verification.source) == source]
    same_version = (col(Report.record) == col(Verification.record)) & (col(Report.stated) == col(Verification.since))
    return (
        select(col(Verification.since))
        .join(Report, same_version)
        .where(
            col(Verification.verdict).in_(sorted(DENIALS)),
            _is_not_recalled(revision),
            *source_conditions,
            *_build_country_conditions(col(Verification.record), country, revision),
        )
    )


def _select_decisions(country: str | None, revision: int) -> Select[int]:
    """Select decisions of curators; only they join or separate people already known."""
    return _select_decision_column(col(Decision.key), country, revision).where(
        col(Decision.decided_by) == "curator", col(Decision.judgement) != Judgement.UNSURE
    )


def _select_undone_decisions(country: str | None, revision: int) -> Select[int]:
    """Select decisions of anyone that a curator withdrew."""
    return _select_decision_column(col(Decision.until), country, revision).where(col(Decision.until) < OPEN)


def _select_decision_column(column: Any, country: str | None, revision: int) -> Select[int]:
    record: Any = aliased(Record)
    return (
        select(column)
        .select_from(Decision)
        .join(record, record.id == col(Decision.a))
        .where(*_build_country_conditions(record.key, country, revision))
    )


def _select_claims(source: int | None, country: str | None) -> Select[int | None]:
    """Select the confirmations of later versions of claims, and of claims that replace others."""
    conditions = [] if source is None else [col(Claim.filed_by) == source]
    conditions += [] if country is None else [col(Claim.country) == country]
    return (
        select(col(Claim.confirmed))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(
            col(Claim.stated) == col(Claim.since),
            or_(col(Claim.since) != col(Claim.key), col(Entry.body).contains(SUPERSEDES_PATTERN)),
            *conditions,
        )
    )


def _select_recalls(source: str | None, revision_column: Any) -> Select[int]:
    """Select recalls, or the entries that undid them."""
    recalls = select(revision_column).distinct()
    if source is None:
        return recalls
    names_source = col(Entry.body).contains(f'"source":"{source}"')
    return recalls.where(exists(select(1).where(col(Entry.revision) == revision_column, names_source)))
