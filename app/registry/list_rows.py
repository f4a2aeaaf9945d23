"""File the rows of a list.

`file_rows` files many rows in one transaction, each as `filing.file_or_embargo` would. Most rows are about people whom
no other source reports yet, or repeat a current report. Both kinds are found with one query for many rows. New
reports that are linked to nobody are buffered and written together; every other row is filed like a single report.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from app.db.engine import has_waiting_writers
from app.errors import Problem, Redacted
from app.log import content
from app.log.content import Content
from app.registry import checks, records, reports, waiting_reports
from app.registry.filing import MAX_BATCH_SECONDS, file_or_embargo
from app.registry.identity import blocking_keys, record_linkage
from app.registry.identity.candidates import CandidateCache, CandidateRecord, CurrentRecord, WrittenRecords
from app.registry.identity.record_linkage import LinkResult
from app.registry.report_versions import (
    CREATED_STATUS,
    OK_STATUS,
    OpenedRecord,
    get_source_key,
    open_unlinked,
    write_first_version,
)
from app.registry.review.judge import closes_person, count_report, judge_report
from app.registry.write import Outcome, Trial, WriteContext, new_id
from app.schemas.reports import DetentionReportIn
from app.vocabulary import Judgement, MatchOutcome, Publish, Review, Verdict

# The same limit while another writer of this process waits: a report sent during an import is answered within a second.
# It does not apply otherwise, because in a transaction of few rows each row takes half as long again.
MAX_CONTENDED_BATCH_SECONDS = 0.1
# The mark of an outcome of a report that awaits review.
WAITS = {"review": Review.AWAITING_REVIEW.value}
NEW = MatchOutcome.NEW


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


# Why a report is withdrawn that a list opened which its sender undid.
LIST_UNDONE_REASON = "The list that reported it was undone."

# The plan for a row: a known outcome or refusal, a record to open, or a body to file as a single report.
RowPlan = Outcome | Problem | SkippedWithdrawal | _NewReport | DetentionReportIn


class RowResult(NamedTuple):
    """The outcome of a row, and the report under its case number before it was filed, if there was one."""

    outcome: Outcome | Problem | SkippedWithdrawal
    previous: records.FiledCase | None


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
        results.append(RowResult(writer.write_row(row_plan), filed_case))
        elapsed = monotonic() - started_at
        if elapsed > MAX_BATCH_SECONDS or (elapsed > MAX_CONTENDED_BATCH_SECONDS and has_waiting_writers(engine)):
            break
    context.pending_writes.flush()
    return results


def _collect_id_cases(bodies: Sequence[DetentionReportIn]) -> set[str]:
    """Return the report ids that rows send in place of a case number."""
    return {case for body in bodies if (case := str(body.source_record_id)).startswith(records.ID_CASE_PREFIX)}


def _would_reinstate(body: DetentionReportIn, filed_case: records.FiledCase) -> bool:
    """Return whether a row would reinstate a report that its source withdrew.

    A report that was withdrawn with its whole list may be reinstated: the sender corrects the list and sends it
    again."""
    is_withdrawn = filed_case.content.get("verification.verdict") == Verdict.RETRACTED
    is_undone = filed_case.content.get("retraction.reason") == LIST_UNDONE_REASON
    return is_withdrawn and not is_undone and body.verification.verdict != Verdict.RETRACTED


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
        review = judge_report(context, report)
        if review is Review.AWAITING_REVIEW and not closes_person(report):
            return self._open_waiting(report, review)
        candidates = self._candidates.get_candidates(row.index)
        match = record_linkage.link_by_match(context, report, candidates)
        if context.trial is not None:
            return self._predict_outcome(context.trial, row, match, candidates, review)
        if match.has_link or review is Review.AWAITING_REVIEW:
            return self._write_in_savepoint(lambda: write_first_version(context, report, None, match))
        if match.decisions:
            new_record = self._write_buffered(lambda: open_unlinked(context, report, new_id(), match.decisions, review))
        else:
            new_record = open_unlinked(context, report, new_id(), (), review)
        person, key = blocking_keys.build_person(report), new_record.entry.revision
        source, publish = get_source_key(context), new_record.publish
        self._candidates.add(row.index, CurrentRecord(key, new_record.record, source, publish, key, report, person))
        return Outcome("report", CREATED_STATUS, key, new_record.ids, match.outcome)

    def _open_waiting(self, report: Content, review: Review) -> Outcome:
        """Open a record that awaits review: it is linked to nobody, and later rows are not compared with it."""
        context = self._context
        if context.trial is not None:
            count_report(context, review, report, None)
            return Outcome("report", CREATED_STATUS, context.log.revision, {"report": str(new_id()), **WAITS}, NEW)
        opened = open_unlinked(context, report, new_id(), (), review)
        return Outcome("report", CREATED_STATUS, opened.entry.revision, opened.ids | WAITS, NEW)

    def _predict_outcome(
        self,
        trial: Trial,
        row: _NewReport,
        match: LinkResult,
        candidates: Sequence[CandidateRecord],
        review: Review | None,
    ) -> Outcome:
        """Return the outcome that opening a record would have. Nothing is written, but later rows find the record."""
        context, number, record_id = self._context, trial.take_number(), new_id()
        count_report(context, review, row.content, None)
        person = blocking_keys.build_person(record_linkage.select_compared_content(context, row.content))
        publish = row.content.get("detainee.publish", Publish.ANONYMOUS.value)
        linked_ids = {decision.record for decision in match.decisions if decision.judgement is Judgement.SAME}
        detainee = next((c.record.detainee for c in candidates if c.record.id in linked_ids), number)
        if detainee != number:
            trial.linked_people.add(detainee)
        predicted = CurrentRecord(number, record_id, get_source_key(context), publish, detainee, {}, person)
        self._candidates.add(row.index, predicted)
        ids = {"report": str(record_id)} | (WAITS if review is Review.AWAITING_REVIEW else {})
        return Outcome("report", CREATED_STATUS, context.log.revision, ids, match.outcome)

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
