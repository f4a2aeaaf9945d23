"""File reports, or keep them until their embargo ends: `publish_not_before`.

A report under an embargo is checked like any other and then waits outside the log (`waiting_reports.py`). Once its
embargo is over `end` files it, in its source's name as the source stands by then. An entry tells nothing of an embargo:
it is dated by the day on which it was appended.

File the rows of a list: each as `embargoes.file_report` would, many in one transaction.

Most rows are of people whom no other source reports yet, or repeat what stands. Both are found with one query for many
rows; new reports that are tied to nobody are buffered and written together, and every other row is filed like a single
report."""

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
from app.db.engine import others_wait
from app.errors import Conflict, Invalid, Problem, Redacted
from app.log import content
from app.log.content import Content
from app.models import ApiKey, Record
from app.registry import checks, recalls, records, reports, waiting_reports
from app.registry.identity import blocking_keys, record_linkage
from app.registry.identity.candidates import CandidateCache, CandidateRecord, StandingRecord, WrittenRecords
from app.registry.identity.record_linkage import LinkResult
from app.registry.publication.permissions import reporter
from app.registry.report_versions import CREATED, OK, Opened, first_version, next_version, open_alone, source_of
from app.registry.waiting_reports import Waiting
from app.registry.write import Outcome, Trial, WriteContext, new_id
from app.schemas.reports import DetentionReportIn, VerificationOfReleaseIn
from app.schemas.text import waits_until
from app.vocabulary import Judgement, Publish, Verdict

# Kinds of outcomes, with their statuses: the report waits; what waited is gone.
WAITING, DELETED = "waiting", "waiting_deleted"
STATUSES = {WAITING: 202, DELETED: 200}
# Seconds of one transaction, before other writers get their turn.
LONGEST = 2.0
# Reports that one transaction looks at: hundreds are filed in a second.
AT_ONCE = 500
KEY_REVOKED = "The key that sent this report was revoked before its day: send the report again with another key."
BASE_RECALLED = (
    "The version that this report corrects was recalled: send the whole report again under your case number, or delete "
    "this one."
)
INTERNAL = "Something failed here. The report is not public: send it again, or ask whoever runs the registry."


def file_report(context: WriteContext, body: DetentionReportIn) -> Outcome:
    """File a report at once, in place of what waits under its case number, or keep it until its embargo ends. What says
    nothing new is answered as ever. Raises what `reports.file_report` does, and Conflict where too many wait."""
    until, case = waits_until(body.publish_not_before, context.now), body.source_record_id
    if case is None:
        if until is not None:
            detail = "A report that waits needs your case number, by which you can correct it or take it back."
            raise Invalid.at("/source_record_id", "case_number_required", detail)
        return reports.file_report(context, body)
    if until is None and not waiting_reports.has_any(context):
        return reports.file_report(context, body)
    record = records.by_case(context.session, context.secret, source_of(context), case)
    names = waiting_reports.digests(context, case, record)
    if record is None and body.verification.verdict == Verdict.RETRACTED:
        gone = waiting_reports.forget(context, names)
        if gone:
            return _outcome(context, gone[0].id, gone[0].until, DELETED)
    if until is not None and reports.changes_anything(context, body):
        return _outcome(context, waiting_reports.keep(context, names, body, until), until, WAITING)
    waiting_reports.forget(context, names)
    return reports.file_report(context, body)


def amend(
    context: WriteContext, report_id: uuid.UUID, patch: dict[str, Any], matches: Callable[[int], bool]
) -> Outcome:
    """Correct a report at once, or once its embargo ends: until then the corrected report waits whole. Raises what
    `reports.amended` does, and Conflict where another version waits that this one would not replace."""
    (record, version), body, report = reports.amended(context, report_id, patch, matches)
    until = waits_until(body.publish_not_before, context.now)
    if until is None:
        waiting_reports.require_none(context, record)
        return next_version(context, record, version, report)
    case = body.source_record_id or records.case_by_id(record.id)
    whole = body.model_copy(update={"source_record_id": case})
    if not reports.changes_anything(context, whole):
        return next_version(context, record, version, report)
    names = waiting_reports.digests(context, case, record)
    return _outcome(context, waiting_reports.keep(context, names, whole, until, version.entry.revision), until, WAITING)


def retract(context: WriteContext, report_id: uuid.UUID, reason: str | None, matches: Callable[[int], bool]) -> Outcome:
    """Withdraw a report, and delete the version of it that waits."""
    outcome = reports.retract(context, report_id, reason, matches)
    if waiting_reports.has_any(context):
        waiting_reports.forget(context, waiting_reports.digests(context, None, _record(context, outcome)))
    return outcome


def verify_release(context: WriteContext, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Outcome:
    """As `reports.verify_release`. Raises Conflict where a version of the source's report there waits."""
    outcome = reports.verify_release(context, release_id, body)
    waiting_reports.require_none(context, _record(context, outcome))
    return outcome


def take_back(context: WriteContext, waiting_id: uuid.UUID) -> Outcome:
    """Delete a report that waits. Raises NotFound."""
    gone = waiting_reports.delete_own(context, waiting_id)
    return _outcome(context, gone.id, gone.until, DELETED)


def is_due(session: Session, now: datetime) -> bool:
    """Whether any embargo is over, told without a lock."""
    return bool(waiting_reports.read(session, waiting_reports.is_due(now), limit=1))


def end(session: Session, now: datetime, secret: bytes, names: Names) -> bool:
    """File reports whose embargo is over, and delete each in the transaction that files it. Whether there may be more.

    What cannot be filed stays, with the reason for its source. The caller has locked the head row.
    """
    until = monotonic() + LONGEST
    waiting = waiting_reports.read(session, waiting_reports.is_due(now), limit=AT_ONCE)
    for number, each in enumerate(waiting, 1):
        _end(session, each, now, secret, names)
        if monotonic() > until:
            return number < len(waiting) or len(waiting) == AT_ONCE
    return len(waiting) == AT_ONCE


def no_longer_waits(session: Session, outcome: Outcome) -> bool:
    """Whether a report that was kept then was filed, taken back or refused since: sent again, it is meant to act."""
    return outcome.kind == WAITING and not waiting_reports.waits(session, uuid.UUID(outcome.ids["waiting"]))


def _end(session: Session, waiting: Waiting, now: datetime, secret: bytes, names: Names) -> None:
    whose = reporter(session, waiting.source, names)
    # A wrong clock or other rules refuse all, and no report.
    context = WriteContext(session, whose, now, secret, waiting.key_id or "", sent_at=waiting.received_at)
    try:
        with session.begin_nested():
            _require_key(session, waiting)
            _require_base(session, waiting, secret)
            reports.file_report(context, waiting.body(secret))
    except Problem as refusal:
        waiting_reports.refuse(session, secret, waiting, now, refusal)
    except (IntegrityError, DataError):
        waiting_reports.refuse(session, secret, waiting, now, Problem(INTERNAL))
    except SQLAlchemyError:
        raise  # the database is busy or away: all wait
    except Exception as error:
        server_log.unforeseen(error, "a report whose embargo is over")
        waiting_reports.refuse(session, secret, waiting, now, Problem(INTERNAL))
    else:
        waiting_reports.done(session, waiting)


def _require_key(session: Session, waiting: Waiting) -> None:
    """A key that ran out said what it said; one that was revoked may have been stolen."""
    key = None if waiting.key_id is None else session.get(ApiKey, waiting.key_id)
    if key is not None and key.revoked_at is not None:
        raise Conflict(KEY_REVOKED)


def _require_base(session: Session, waiting: Waiting, secret: bytes) -> None:
    """What was made of a version that was recalled since says what that said, a thief's words among it."""
    based_on = waiting.based_on(secret)
    if based_on is not None and recalls.is_recalled(session, based_on):
        raise Conflict(BASE_RECALLED)


def _outcome(context: WriteContext, waiting_id: uuid.UUID, until: datetime, kind: str) -> Outcome:
    ids = {"waiting": str(waiting_id), "until": format_instant(until)}
    return Outcome(kind, STATUSES[kind], context.log.revision, ids)


def _record(context: WriteContext, outcome: Outcome) -> Record:
    found = select(Record).where(col(Record.id) == uuid.UUID(outcome.ids["report"]))
    return context.session.scalars(found).one()


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
    opening = [record_linkage.compared(context, report) for report in plan.new]
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
        points = any(getattr(body, name) is not None for name, _kind in checks.POINTERS)
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
                    return self._saved(lambda: file_report(self._context, act))
                case _:
                    return act
        except Problem as refusal:
            return refusal

    def _open(self, row: _New) -> Outcome:
        """Open a record: in the buffer, unless its report is tied to another person."""
        context, report = self._context, row.content
        candidates = self._candidates.of(row.place)
        match = record_linkage.by_match(context, report, candidates)
        if context.trial is not None:
            return self._foretell(context.trial, row, match, candidates)
        if match.ties:
            return self._saved(lambda: first_version(context, report, None, match))
        if match.decisions:
            opened = self._whole(lambda: open_alone(context, report, new_id(), match.decisions))
        else:
            opened = open_alone(context, report, new_id(), ())
        person, key = blocking_keys.person_of(report), opened.entry.revision
        source, publish = source_of(context), opened.publish
        self._candidates.add(row.place, StandingRecord(key, opened.record, source, publish, key, report, person))
        return Outcome("report", CREATED, key, opened.ids, match.outcome)

    def _foretell(self, trial: Trial, row: _New, match: LinkResult, candidates: Sequence[CandidateRecord]) -> Outcome:
        """The outcome that opening a record would have. Nothing is written; later rows meet the record all the same."""
        context, number, record_id = self._context, trial.number(), new_id()
        person = blocking_keys.person_of(record_linkage.compared(context, row.content))
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
