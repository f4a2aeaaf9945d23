"""File the rows of a list: each as `embargoes.file_report` would, many in one transaction.

Most rows are of people whom no other source reports yet, or repeat what stands. Both are found with one query for many
rows; new reports that are tied to nobody are buffered and written together, and every other row is filed like a single
report.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from app.db.engine import others_wait
from app.errors import Problem, Redacted
from app.registry import (
    blocking,
    checks,
    content,
    embargoes,
    linking,
    pointers,
    records,
    reports,
    waiting_reports,
)
from app.registry.candidate_cache import CandidateCache, WrittenRecords
from app.registry.candidates import CandidateRecord, StandingRecord
from app.registry.content import Content
from app.registry.linking import LinkResult
from app.registry.report_versions import CREATED, OK, Opened, first_version, open_alone, source_of
from app.registry.schemas import DetentionReportIn
from app.registry.write import Outcome, Trial, WriteContext, new_id
from app.vocabulary import Judgement, Publish, Verdict

# Seconds of one transaction before other writers get their turn: rows with many candidates, each under many names, take
# a hundred times as long as others.
LONGEST = 2.0
# The same where somebody of this process waits already: a report sent beside a list is answered within a second. That
# nobody waits is worth knowing: a transaction of few rows costs each of them half as much again.
WHILE_OTHERS_WAIT = 0.1


@dataclass(frozen=True, slots=True)
class _New:
    """A row that opens a record: its content, the digest of its case number, and its place among such rows."""

    content: Content
    digest: str
    place: int


@dataclass(frozen=True, slots=True)
class StaysWithdrawn:
    """A body that would bring back a report, which its source withdrew on a `day`: it is not filed."""

    day: str


# The plan for a row: a certain outcome or refusal, a record to open, or a body to file as a single report.
Act = Outcome | Problem | StaysWithdrawn | _New | DetentionReportIn


class Filed(NamedTuple):
    """What came of a body, and the content of the report that stood under its case number before, if one did."""

    outcome: Outcome | Problem | StaysWithdrawn
    before: Content | None


def file_rows(
    context: WriteContext,
    bodies: Sequence[DetentionReportIn],
    written: WrittenRecords | None = None,
    standing_again: Collection[int] = (),
) -> list[Filed]:
    """What comes of each body, in order; a refused body leaves nothing behind. `written`: the records that earlier rows
    of a trial would have made; `standing_again`: the places of bodies that may bring back a withdrawn report. Any other
    stays withdrawn: who sends last month's list again has forgotten what was withdrawn since.

    After LONGEST, or WHILE_OTHERS_WAIT, it ends early: the remaining bodies are for another transaction."""
    begun, engine = monotonic(), context.session.connection().engine
    source = source_of(context)
    digests = [
        None if body.source_record_id is None else records.case_digest(context.secret, source, body.source_record_id)
        for body in bodies
    ]
    stood = records.by_cases(context.session, set(filter(None, digests)))
    new = [digest for digest in digests if digest is not None and digest not in stood]
    plan = _Plan(context, records.recalled_cases(context.session, new))
    by_id = records.by_ids(context.session, source, _named_by_id(bodies))
    standing = [
        None if digest is None else stood.get(digest) or by_id.get(str(body.source_record_id))
        for body, digest in zip(bodies, digests, strict=True)
    ]
    acts = [
        plan.act(body, digest, before, may_return=place in standing_again)
        for place, (body, digest, before) in enumerate(zip(bodies, digests, standing, strict=True))
    ]
    opening = [linking.compared(context, report) for report in plan.new]
    filing = _Filing(context, CandidateCache(context, opening, written))
    filed: list[Filed] = []
    for act, before in zip(acts, standing, strict=True):
        filed.append(Filed(filing.file(act), None if before is None else before.content))
        lasted = monotonic() - begun
        if lasted > LONGEST or (lasted > WHILE_OTHERS_WAIT and others_wait(engine)):
            break
    context.pending_writes.flush()
    return filed


def _named_by_id(bodies: Sequence[DetentionReportIn]) -> set[str]:
    """What stands in place of case numbers for reports that have none."""
    return {case for body in bodies if (case := str(body.source_record_id)).startswith(records.BY_ID)}


def _would_return(body: DetentionReportIn, before: records.FiledCase) -> bool:
    """Whether a body would bring back a report that its source withdrew."""
    withdrawn = before.content.get("verification.verdict") == Verdict.RETRACTED
    return withdrawn and body.verification.verdict != Verdict.RETRACTED


class _Plan:
    """The act on each row, as far as it is certain before any row is written."""

    def __init__(self, context: WriteContext, recalled: set[str]) -> None:
        self._context = context
        # Digests for which a row is filed singly: an earlier row has the case number, or a record that stands no more.
        self._seen = set(recalled)
        self._by_id = False  # whether an earlier row named a report by its id
        self._waiting = waiting_reports.names_of_all(context)
        self.new: list[Content] = []

    def act(
        self, body: DetentionReportIn, digest: str | None, before: records.FiledCase | None, *, may_return: bool
    ) -> Act:
        points = any(getattr(body, name) is not None for name, _kind in pointers.POINTERS)
        if digest is None:
            return body
        seen = digest in self._seen
        self._seen.add(digest)
        self._by_id = self._by_id or str(body.source_record_id).startswith(records.BY_ID)
        if not may_return and before is not None and _would_return(body, before):
            return StaysWithdrawn(before.stated_on)
        if points or seen or self._by_id or body.publish_not_before is not None or self._waits(body, before):
            return body
        try:
            report = reports.content_of(self._context, body)
            return self._opening(body, report, digest) if before is None else self._again(body, report, before)
        except Problem as refusal:
            return refusal

    def _waits(self, body: DetentionReportIn, stood: records.FiledCase | None) -> bool:
        """Whether a version of the row's report waits, which the row replaces."""
        if not self._waiting:
            return False
        cases = [str(body.source_record_id), *([] if stood is None else [records.case_by_id(stood.record)])]
        return any(waiting_reports.name_of(self._context, case) in self._waiting for case in cases)

    def _again(self, body: DetentionReportIn, report: Content, stood: records.FiledCase) -> Act:
        if stood.redacted:
            raise Redacted(records.ERASED)
        report = reports.classed(self._context, report, stood.filed_on, stood.content)
        if not content.says_the_same(reports.with_kept(report, body, stood.content), stood.content):
            return body
        return Outcome("report", OK, stood.revision, {"report": str(stood.record), "version": stood.number})

    def _opening(self, body: DetentionReportIn, report: Content, digest: str) -> _New:
        checks.check(report, self._context.now, points=False)
        report = {**reports.classed(self._context, report, None, None), "source_record_id": body.source_record_id}
        row = _New(report, digest, len(self.new))
        self.new.append(report)
        return row


class _Filing:
    """The rows of one transaction, in their order."""

    def __init__(self, context: WriteContext, candidates: CandidateCache) -> None:
        self._context = context
        self._candidates = candidates

    def file(self, act: Act) -> Outcome | Problem | StaysWithdrawn:
        try:
            match act:
                case _New():
                    return self._open(act)
                case DetentionReportIn():
                    return self._saved(lambda: embargoes.file_report(self._context, act))
                case _:
                    return act
        except Problem as refusal:
            return refusal

    def _open(self, row: _New) -> Outcome:
        """Open a record: in the buffer, unless its report is tied to another person."""
        context, report = self._context, row.content
        candidates = self._candidates.of(row.place)
        match = linking.by_match(context, report, candidates)
        if context.trial is not None:
            return self._foretell(context.trial, row, match, candidates)
        if match.ties:
            return self._saved(lambda: first_version(context, report, None, match))
        if match.decisions:
            opened = self._whole(lambda: open_alone(context, report, new_id(), match.decisions))
        else:
            opened = open_alone(context, report, new_id(), ())
        person, key = blocking.person_of(report), opened.entry.revision
        source, publish = source_of(context), opened.publish
        self._candidates.add(row.place, StandingRecord(key, opened.record, source, publish, key, report, person))
        return Outcome("report", CREATED, key, opened.ids, match.outcome)

    def _foretell(self, trial: Trial, row: _New, match: LinkResult, candidates: Sequence[CandidateRecord]) -> Outcome:
        """The outcome that opening a record would have. Nothing is written; later rows meet the record all the same."""
        context, number, record_id = self._context, trial.number(), new_id()
        person = blocking.person_of(linking.compared(context, row.content))
        publish = row.content.get("detainee.publish", Publish.ANONYMOUS.value)
        linked = {decision.record for decision in match.decisions if decision.judgement is Judgement.SAME}
        detainee = next((c.record.detainee for c in candidates if c.record.id in linked), number)
        if detainee != number:
            trial.tie(detainee, person, counted=publish == Publish.COUNTED)
        foretold = StandingRecord(number, record_id, source_of(context), publish, detainee, {}, person)
        self._candidates.add(row.place, foretold)
        return Outcome("report", CREATED, context.log.revision, {"report": str(record_id)}, match.outcome)

    def _whole(self, act: Callable[[], Opened]) -> Opened:
        """Act within the buffer: a refusal half-way forgets all of this act, the decisions before its report too."""
        before = self._context.log.revision
        try:
            with self._context.pending_writes.whole():
                return act()
        except Problem:
            self._context.log.revision = before
            raise

    def _saved(self, act: Callable[[], Outcome]) -> Outcome:
        """Act after all pending writes, in a savepoint: a refusal half-way undoes this act alone."""
        self._context.pending_writes.flush()
        before = self._context.log.revision
        try:
            with self._context.session.begin_nested():
                outcome = act()
        except Problem:
            self._context.log.revision = before
            self._context.pending_writes.discard()
            raise
        if outcome.revision > before:
            self._candidates.read_again(uuid.UUID(outcome.ids["report"]))
        return outcome
