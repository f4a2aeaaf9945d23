"""File single reports, reports under an embargo (`publish_not_before`), and the rows of lists.

A report under an embargo is checked like any other, and then waits outside the log (`waiting_reports.py`). Once the
embargo is over, `file_due_reports` files it under the current version of its source. The entry does not mention the
embargo: it is dated by the day on which it was appended.

`file_rows` files many rows of a list in one transaction, each as `file_or_embargo` would. Most rows are about people
whom no other source reports yet, or repeat a current report. Both kinds are found with one query for many rows. New
reports that are linked to nobody are buffered and written together; every other row is filed like a single report.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session, col

from app import server_log
from app.config import Names
from app.dates import format_instant
from app.db.engine import has_waiting_writers
from app.errors import Conflict, Invalid, Problem, Redacted
from app.log import content
from app.log.content import Content
from app.models import ApiKey, Record
from app.registry import checks, recalls, records, reports, waiting_reports
from app.registry.identity import blocking_keys, record_linkage
from app.registry.identity.candidates import CandidateCache, CandidateRecord, CurrentRecord, WrittenRecords
from app.registry.identity.record_linkage import LinkResult
from app.registry.publication.permissions import load_reporter
from app.registry.report_versions import (
    CREATED_STATUS,
    OK_STATUS,
    OpenedRecord,
    get_source_key,
    open_unlinked,
    write_first_version,
    write_next_version,
)
from app.registry.waiting_reports import PendingReport
from app.registry.write import Outcome, Trial, WriteContext, new_id
from app.schemas.reports import DetentionReportIn, VerificationOfReleaseIn
from app.schemas.text import find_embargo_end
from app.vocabulary import Judgement, Publish, Verdict

# Kinds of outcomes, with their HTTP statuses: the report waits, or a waiting report was deleted.
WAITING_KIND, DELETED_KIND = "waiting", "waiting_deleted"
EMBARGO_STATUSES = {WAITING_KIND: 202, DELETED_KIND: 200}
# How long a transaction files reports before other writers get their turn. Rows with many candidates, each under many
# names, take a hundred times as long as others.
MAX_BATCH_SECONDS = 2.0
# The same limit while another writer of this process waits: a report sent during an import is answered within a second.
# It does not apply otherwise, because in a transaction of few rows each row takes half as long again.
MAX_CONTENDED_BATCH_SECONDS = 0.1
# Reports whose embargo is over, in one transaction. Hundreds are filed in a second.
MAX_DUE_REPORTS = 500
INTERNAL_ERROR_DETAIL = (
    "Something failed here. The report is not public: send it again, or ask whoever runs the registry."
)


def file_or_embargo(context: WriteContext, body: DetentionReportIn) -> Outcome:
    """File a report at once, replacing a waiting report of its case number, or store it until its embargo ends.

    A report without changes is not stored. Raises what `reports.write_report` does, and Conflict if too many wait."""
    embargo_end, case = find_embargo_end(body.publish_not_before, context.now), body.source_record_id
    if case is None:
        if embargo_end is not None:
            detail = "A report that waits needs your case number, by which you can correct it or take it back."
            raise Invalid.at_pointer("/source_record_id", "case_number_required", detail)
        return reports.write_report(context, body)
    if embargo_end is None and not waiting_reports.has_waiting_reports(context):
        return reports.write_report(context, body)
    record = records.find_case_record(context.session, context.secret, get_source_key(context), case)
    digests = waiting_reports.list_waiting_digests(context, case, record)
    if record is None and body.verification.verdict == Verdict.RETRACTED:
        deleted = waiting_reports.delete_waiting_reports(context, digests)
        if deleted:
            return _build_embargo_outcome(context, deleted[0].id, deleted[0].until, DELETED_KIND)
    if embargo_end is not None and reports.has_changes(context, body):
        waiting_id = waiting_reports.store_waiting_report(context, digests, body, embargo_end)
        return _build_embargo_outcome(context, waiting_id, embargo_end, WAITING_KIND)
    waiting_reports.delete_waiting_reports(context, digests)
    return reports.write_report(context, body)


def amend_or_embargo(
    context: WriteContext, report_id: uuid.UUID, patch: dict[str, Any], matches: Callable[[int], bool]
) -> Outcome:
    """Correct a report at once, or store the whole corrected report until its embargo ends.

    Raises what `reports.prepare_amendment` does, and Conflict if another version waits that this one would not
    replace."""
    (record, version), body, report = reports.prepare_amendment(context, report_id, patch, matches)
    embargo_end = find_embargo_end(body.publish_not_before, context.now)
    if embargo_end is None:
        waiting_reports.require_none_waiting(context, record)
        return write_next_version(context, record, version, report)
    case = body.source_record_id or records.format_id_case(record.id)
    full_body = body.model_copy(update={"source_record_id": case})
    if not reports.has_changes(context, full_body):
        return write_next_version(context, record, version, report)
    digests = waiting_reports.list_waiting_digests(context, case, record)
    base_revision = version.entry.revision
    waiting_id = waiting_reports.store_waiting_report(context, digests, full_body, embargo_end, base_revision)
    return _build_embargo_outcome(context, waiting_id, embargo_end, WAITING_KIND)


def retract_with_waiting(
    context: WriteContext, report_id: uuid.UUID, reason: str | None, matches: Callable[[int], bool]
) -> Outcome:
    """Withdraw a report, and delete its waiting version."""
    outcome = reports.write_retraction(context, report_id, reason, matches)
    if waiting_reports.has_waiting_reports(context):
        waiting_reports.delete_waiting_reports(
            context, waiting_reports.list_waiting_digests(context, None, _load_outcome_record(context, outcome))
        )
    return outcome


def verify_unless_waiting(context: WriteContext, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Outcome:
    """File a verdict like `reports.write_verification`. Raises Conflict if a version of the source's report waits."""
    outcome = reports.write_verification(context, release_id, body)
    waiting_reports.require_none_waiting(context, _load_outcome_record(context, outcome))
    return outcome


def delete_waiting_report(context: WriteContext, waiting_id: uuid.UUID) -> Outcome:
    """Delete a waiting report. Raises NotFound."""
    deleted = waiting_reports.delete_own_report(context, waiting_id)
    return _build_embargo_outcome(context, deleted.id, deleted.until, DELETED_KIND)


def has_due_reports(session: Session, now: datetime) -> bool:
    """Return whether any embargo is over. Takes no lock."""
    return bool(waiting_reports.load_waiting_reports(session, waiting_reports.build_due_condition(now), limit=1))


def file_due_reports(session: Session, now: datetime, secret: bytes, names: Names) -> bool:
    """File reports whose embargo is over, and delete each waiting report in the transaction that files it.

    Returns whether there may be more. A report that cannot be filed stays, with the reason for its source. The caller
    has locked the head row.
    """
    deadline = monotonic() + MAX_BATCH_SECONDS
    waiting = waiting_reports.load_waiting_reports(
        session, waiting_reports.build_due_condition(now), limit=MAX_DUE_REPORTS
    )
    for number, due_report in enumerate(waiting, 1):
        _file_due_report(session, due_report, now, secret, names)
        if monotonic() > deadline:
            return number < len(waiting) or len(waiting) == MAX_DUE_REPORTS
    return len(waiting) == MAX_DUE_REPORTS


def is_no_longer_waiting(session: Session, outcome: Outcome) -> bool:
    """Return whether a report that waited then was filed, deleted or refused since, so that a retry must act."""
    return outcome.kind == WAITING_KIND and not waiting_reports.is_report_waiting(
        session, uuid.UUID(outcome.ids["waiting"])
    )


def _file_due_report(session: Session, waiting: PendingReport, now: datetime, secret: bytes, names: Names) -> None:
    actor = load_reporter(session, waiting.source, names)
    # Outside the savepoint: a wrong clock, other rules or a freeze stop the whole batch and refuse no report.
    context = WriteContext(session, actor, now, secret, waiting.key_id or "", sent_at=waiting.received_at)
    context.require_unfrozen()
    try:
        with session.begin_nested():
            _require_unrevoked_key(session, waiting)
            _require_unrecalled_base(session, waiting, secret)
            reports.write_report(context, waiting.unseal_filing_body(secret))
    except Problem as refusal:
        waiting_reports.refuse_waiting_report(session, secret, waiting, now, refusal)
    except (IntegrityError, DataError):
        waiting_reports.refuse_waiting_report(session, secret, waiting, now, Problem(INTERNAL_ERROR_DETAIL))
    except SQLAlchemyError:
        raise  # the database is busy or unreachable: all reports go on waiting
    except Exception as error:
        server_log.log_unforeseen_error(error, "a report whose embargo is over")
        waiting_reports.refuse_waiting_report(session, secret, waiting, now, Problem(INTERNAL_ERROR_DETAIL))
    else:
        waiting_reports.delete_filed_report(session, waiting)


def _require_unrevoked_key(session: Session, waiting: PendingReport) -> None:
    # Reports of an expired key are filed; a revoked key may have been stolen.
    key = None if waiting.key_id is None else session.get(ApiKey, waiting.key_id)
    if key is not None and key.revoked_at is not None:
        detail = "The key that sent this report was revoked before its day: send the report again with another key."
        raise Conflict(detail)


def _require_unrecalled_base(session: Session, waiting: PendingReport, secret: bytes) -> None:
    # A correction contains what it was based on, and a recalled version may be a thief's.
    base_revision = waiting.unseal_base_revision(secret)
    if base_revision is not None and recalls.is_entry_recalled(session, base_revision):
        raise Conflict(
            "The version that this report corrects was recalled: send the whole report again under your case number, "
            "or delete this one."
        )


def _build_embargo_outcome(context: WriteContext, waiting_id: uuid.UUID, embargo_end: datetime, kind: str) -> Outcome:
    context.require_unfrozen()  # these outcomes write no entry, which would be refused
    ids = {"waiting": str(waiting_id), "until": format_instant(embargo_end)}
    return Outcome(kind, EMBARGO_STATUSES[kind], context.log.revision, ids)


def _load_outcome_record(context: WriteContext, outcome: Outcome) -> Record:
    query = select(Record).where(col(Record.id) == uuid.UUID(outcome.ids["report"]))
    return context.session.scalars(query).one()


@dataclass(frozen=True, slots=True)
class _NewReport:
    """A row that opens a record: its content, the digest of its case number, and its index among such rows."""

    content: Content
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class SkippedWithdrawal:
    """The outcome of a row that is not filed, because its source withdrew the report on `day`."""

    day: str


# The plan for a row: a known outcome or refusal, a record to open, or a body to file as a single report.
RowPlan = Outcome | Problem | SkippedWithdrawal | _NewReport | DetentionReportIn


class RowResult(NamedTuple):
    """The outcome of a row, and the previous content of the report under its case number, if there was one."""

    outcome: Outcome | Problem | SkippedWithdrawal
    previous: Content | None


def file_rows(
    context: WriteContext,
    bodies: Sequence[DetentionReportIn],
    written_records: WrittenRecords | None = None,
    reinstating_rows: Collection[int] = (),
) -> list[RowResult]:
    """File rows in order and return their results. A refused row leaves nothing behind.

    `written_records`: the records that earlier rows of a trial would have made. `reinstating_rows`: the indexes of rows
    that may reinstate a withdrawn report. Other rows may not: whoever sends last month's list again has forgotten what
    was withdrawn since.

    After MAX_BATCH_SECONDS, or MAX_CONTENDED_BATCH_SECONDS, it ends early and returns fewer results: the caller files
    the remaining rows in another transaction."""
    started_at, engine = monotonic(), context.session.connection().engine
    source = get_source_key(context)
    digests = [
        None if body.source_record_id is None else records.digest_case(context.secret, source, body.source_record_id)
        for body in bodies
    ]
    cases_by_digest = records.find_filed_cases(context.session, set(filter(None, digests)))
    new_digests = [digest for digest in digests if digest is not None and digest not in cases_by_digest]
    planner = _RowPlanner(context, records.find_recalled_cases(context.session, new_digests))
    by_id = records.find_cases_by_id(context.session, source, _collect_id_cases(bodies))
    filed_cases = [
        None if digest is None else cases_by_digest.get(digest) or by_id.get(str(body.source_record_id))
        for body, digest in zip(bodies, digests, strict=True)
    ]
    row_plans = [
        planner.plan_row(body, digest, filed_case, can_reinstate=index in reinstating_rows)
        for index, (body, digest, filed_case) in enumerate(zip(bodies, digests, filed_cases, strict=True))
    ]
    new_contents = [record_linkage.select_compared_content(context, report) for report in planner.new_reports]
    writer = _RowWriter(context, CandidateCache(context, new_contents, written_records))
    results: list[RowResult] = []
    for row_plan, filed_case in zip(row_plans, filed_cases, strict=True):
        results.append(RowResult(writer.write_row(row_plan), None if filed_case is None else filed_case.content))
        elapsed = monotonic() - started_at
        if elapsed > MAX_BATCH_SECONDS or (elapsed > MAX_CONTENDED_BATCH_SECONDS and has_waiting_writers(engine)):
            break
    context.pending_writes.flush()
    return results


def _collect_id_cases(bodies: Sequence[DetentionReportIn]) -> set[str]:
    """Return the report ids that rows send in place of a case number."""
    return {case for body in bodies if (case := str(body.source_record_id)).startswith(records.ID_CASE_PREFIX)}


def _would_reinstate(body: DetentionReportIn, filed_case: records.FiledCase) -> bool:
    """Return whether a row would reinstate a report that its source withdrew."""
    is_withdrawn = filed_case.content.get("verification.verdict") == Verdict.RETRACTED
    return is_withdrawn and body.verification.verdict != Verdict.RETRACTED


class _RowPlanner:
    """Plans each row, as far as its outcome is certain before any row is written."""

    def __init__(self, context: WriteContext, recalled_digests: set[str]) -> None:
        self._context = context
        # Rows with these digests are filed as single reports: an earlier row has the case number, or its record was
        # recalled.
        self._seen_digests = set(recalled_digests)
        self._has_id_case = False  # whether an earlier row named a report by its id
        self._waiting_digests = waiting_reports.load_waiting_digests(context)
        self.new_reports: list[Content] = []

    def plan_row(
        self, body: DetentionReportIn, digest: str | None, filed_case: records.FiledCase | None, *, can_reinstate: bool
    ) -> RowPlan:
        has_pointer = any(getattr(body, name) is not None for name, _kind in checks.POINTER_FIELDS)
        if digest is None:
            return body
        is_repeated = digest in self._seen_digests
        self._seen_digests.add(digest)
        self._has_id_case = self._has_id_case or str(body.source_record_id).startswith(records.ID_CASE_PREFIX)
        if not can_reinstate and filed_case is not None and _would_reinstate(body, filed_case):
            return SkippedWithdrawal(filed_case.stated_on)
        if (
            has_pointer
            or is_repeated
            or self._has_id_case
            or body.publish_not_before is not None
            or self._has_waiting_version(body, filed_case)
        ):
            return body
        try:
            report = reports.build_content(self._context, body)
            return (
                self._plan_new_report(body, report, digest)
                if filed_case is None
                else self._plan_known_case(body, report, filed_case)
            )
        except Problem as refusal:
            return refusal

    def _has_waiting_version(self, body: DetentionReportIn, filed_case: records.FiledCase | None) -> bool:
        """Return whether the row replaces a waiting version of its report."""
        if not self._waiting_digests:
            return False
        id_case = [] if filed_case is None else [records.format_id_case(filed_case.record)]
        cases = [str(body.source_record_id), *id_case]
        return any(waiting_reports.digest_waiting_case(self._context, case) in self._waiting_digests for case in cases)

    def _plan_known_case(self, body: DetentionReportIn, report: Content, filed_case: records.FiledCase) -> RowPlan:
        if filed_case.is_redacted:
            raise Redacted(records.ERASED_DETAIL)
        report = content.remove_equal_values(report, filed_case.full_content)
        report = reports.classify_content(self._context, report, filed_case.filed_on, filed_case.content)
        report = reports.carry_over_fields(report, body, filed_case.full_content)
        if not content.is_same_content(report, filed_case.full_content):
            return body
        return Outcome(
            "report", OK_STATUS, filed_case.revision, {"report": str(filed_case.record), "version": filed_case.number}
        )

    def _plan_new_report(self, body: DetentionReportIn, report: Content, digest: str) -> _NewReport:
        checks.check_report(report, self._context.now, has_pointer=False)
        report = reports.classify_content(self._context, report, None, None)
        report = {**report, "source_record_id": body.source_record_id}
        row = _NewReport(report, digest, len(self.new_reports))
        self.new_reports.append(report)
        return row


class _RowWriter:
    """Writes the rows of one transaction, in order."""

    def __init__(self, context: WriteContext, candidates: CandidateCache) -> None:
        self._context = context
        self._candidates = candidates

    def write_row(self, row_plan: RowPlan) -> Outcome | Problem | SkippedWithdrawal:
        try:
            match row_plan:
                case _NewReport():
                    return self._open_record(row_plan)
                case DetentionReportIn():
                    return self._write_in_savepoint(lambda: file_or_embargo(self._context, row_plan))
                case _:
                    return row_plan
        except Problem as refusal:
            return refusal

    def _open_record(self, row: _NewReport) -> Outcome:
        """Open a record: in the buffer, unless its report is linked to a known person."""
        context, report = self._context, row.content
        candidates = self._candidates.get_candidates(row.index)
        match = record_linkage.link_by_match(context, report, candidates)
        if context.trial is not None:
            return self._predict_outcome(context.trial, row, match, candidates)
        if match.has_link:
            return self._write_in_savepoint(lambda: write_first_version(context, report, None, match))
        if match.decisions:
            new_record = self._write_buffered(lambda: open_unlinked(context, report, new_id(), match.decisions))
        else:
            new_record = open_unlinked(context, report, new_id(), ())
        person, key = blocking_keys.build_person(report), new_record.entry.revision
        source, publish = get_source_key(context), new_record.publish
        self._candidates.add(row.index, CurrentRecord(key, new_record.record, source, publish, key, report, person))
        return Outcome("report", CREATED_STATUS, key, new_record.ids, match.outcome)

    def _predict_outcome(
        self, trial: Trial, row: _NewReport, match: LinkResult, candidates: Sequence[CandidateRecord]
    ) -> Outcome:
        """Return the outcome that opening a record would have. Nothing is written, but later rows find the record."""
        context, number, record_id = self._context, trial.take_number(), new_id()
        person = blocking_keys.build_person(record_linkage.select_compared_content(context, row.content))
        publish = row.content.get("detainee.publish", Publish.ANONYMOUS.value)
        linked_ids = {decision.record for decision in match.decisions if decision.judgement is Judgement.SAME}
        detainee = next((c.record.detainee for c in candidates if c.record.id in linked_ids), number)
        if detainee != number:
            trial.link(detainee, person, is_count_only=publish == Publish.COUNTED)
        predicted = CurrentRecord(number, record_id, get_source_key(context), publish, detainee, {}, person)
        self._candidates.add(row.index, predicted)
        return Outcome("report", CREATED_STATUS, context.log.revision, {"report": str(record_id)}, match.outcome)

    def _write_buffered(self, write: Callable[[], OpenedRecord]) -> OpenedRecord:
        """Write to the buffer. A refusal discards everything written by this call, decisions included."""
        start_revision = self._context.log.revision
        try:
            with self._context.pending_writes.all_or_nothing():
                return write()
        except Problem:
            self._context.log.revision = start_revision
            raise

    def _write_in_savepoint(self, write: Callable[[], Outcome]) -> Outcome:
        """Flush all pending writes, then write in a savepoint, so that a refusal undoes only this row."""
        self._context.pending_writes.flush()
        start_revision = self._context.log.revision
        try:
            with self._context.session.begin_nested():
                outcome = write()
        except Problem:
            self._context.log.revision = start_revision
            self._context.pending_writes.discard()
            raise
        if outcome.revision > start_revision:
            self._candidates.reload_person(uuid.UUID(outcome.ids["report"]))
        return outcome
