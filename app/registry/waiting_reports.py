"""Store reports under an embargo, sealed and outside the log, at most one for each case number of a source.

No count, list, lookup, export or public warning reads this table, so a waiting report changes no byte of a response to
anybody but its source, curators and administrators.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.errors import Conflict, NotFound, Problem
from app.log import sealing
from app.log.content import AGE_ON_FILING_DAY
from app.log.entries import compute_keyed_digest
from app.models import CaseKey, Record, WaitingReport
from app.registry import records
from app.registry.checks import POINTER_FIELDS
from app.registry.write import WriteContext, new_id
from app.schemas.directory import EmbargoedReport, EmbargoProblem
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.translations import Message
from app.vocabulary import Role

# Waiting reports of one source. A few hundred people are released in one night; and an erasure unseals every waiting
# report, some thousands in a tenth of a second.
MAX_WAITING_REPORTS = 1_000
STUCK_REPORTS_WARNING = "embargoed_reports_stuck"
# Due reports are filed every minute, but not in the first hour of a server (`jobs.py`).
OVERDUE_DELAY = timedelta(days=1)
WAITING_REPORT_SEAL_CONTEXT = "waiting report"  # authenticated with the ciphertext, like the report's id


@dataclass(frozen=True)
class PendingReport:
    """A waiting report. `until`: the end of its embargo. `refusal`: the sealed reason for which filing it failed."""

    id: uuid.UUID
    source: int
    key_id: str | None
    until: datetime
    received_at: datetime
    sealed_report: bytes
    refused_at: datetime | None
    refusal: bytes | None

    def unseal_sent_body(self, secret: bytes) -> EmbargoedReport:
        """Return the report as it was sent. Raises DamagedCiphertext."""
        body: EmbargoedReport = _unseal_report(secret, self)["body"]
        return body

    def unseal_filing_body(self, secret: bytes) -> DetentionReportIn:
        """Return the report to file, with an age of the filing day dated to the day on which it was sent.

        Raises DamagedCiphertext, and ValidationError for a report that only an earlier version accepted."""
        report = _unseal_report(secret, self)
        body = report["body"]
        if (body.get("detainee") or {}).get("age_on") == AGE_ON_FILING_DAY:
            body = {**body, "detainee": {**body["detainee"], "age_on": self.received_at.date().isoformat()}}
        return (ReleaseReportIn if report["of_release"] else DetentionReportIn).model_validate(body)

    def unseal_base_revision(self, secret: bytes) -> int | None:
        """Return the revision of the version that this report corrects, if any. Raises DamagedCiphertext."""
        revision: int | None = _unseal_report(secret, self).get("based_on")
        return revision

    def unseal_refusal(self, secret: bytes) -> EmbargoProblem | None:
        """Return the reason for which filing the report failed, if it did. Raises DamagedCiphertext."""
        if self.refusal is None:
            return None
        reason: EmbargoProblem = sealing.unseal_json(
            secret, self.refusal, WAITING_REPORT_SEAL_CONTEXT, self.id, "refusal"
        )
        return reason


_COLUMNS = (
    col(WaitingReport.id), col(WaitingReport.source), col(WaitingReport.key_id), col(WaitingReport.until),
    col(WaitingReport.received_at), col(WaitingReport.report), col(WaitingReport.refused_at),
    col(WaitingReport.refusal),
)  # fmt: skip
# Built once: it is executed for every report with a case number.
_SELECT_ANY = select(col(WaitingReport.id)).where(col(WaitingReport.source) == bindparam("source")).limit(1)


def load_waiting_reports(
    session: Session, *conditions: Any, limit: int | None = None, offset: int = 0
) -> list[PendingReport]:
    """Return the waiting reports that match the conditions, by the end of their embargo."""
    query = select(*_COLUMNS).where(*conditions).order_by(col(WaitingReport.until), col(WaitingReport.id))
    return [PendingReport(*row) for row in session.execute(query.limit(limit).offset(offset))]


def build_due_condition(now: datetime) -> Any:
    """Return the condition of reports to file now.

    It ignores the date of the last entry: if a wrong clock dated that ahead, embargoes would end too early."""
    return (col(WaitingReport.until) <= now) & col(WaitingReport.refused_at).is_(None)


def is_report_waiting(session: Session, waiting_id: uuid.UUID) -> bool:
    """Return whether a report waits and was not refused."""
    return bool(
        load_waiting_reports(session, col(WaitingReport.id) == waiting_id, col(WaitingReport.refused_at).is_(None))
    )


def count_key_reports(session: Session, key_id: str) -> int:
    """Count the waiting reports that a key sent."""
    query = select(func.count()).select_from(WaitingReport).where(col(WaitingReport.key_id) == key_id)
    return int(session.execute(query).scalar_one())


def list_waiting_digests(context: WriteContext, case: str | None, record: Record | None) -> list[str]:
    """Return the digests under which a report of a case number, or the next version of a record, may wait.

    The digest of the case number comes first, because its record may have been created later."""
    cases = [] if case is None else [case]
    if record is not None:
        cases += [records.format_id_case(record.id)]
        own_case = records.load_version(context.session, record).content.get("source_record_id")
        cases += [] if own_case is None else [str(own_case)]
    return [digest_waiting_case(context, case_number) for case_number in dict.fromkeys(cases)]


def has_waiting_reports(context: WriteContext) -> bool:
    """Return whether any report of this source waits. If none does, as nearly always, callers skip other lookups."""
    return context.session.connection().execute(_SELECT_ANY, {"source": context.actor.source}).first() is not None


def load_waiting_digests(context: WriteContext) -> frozenset[str]:
    """Return the digests under which reports of this source wait."""
    query = select(col(WaitingReport.digest)).where(col(WaitingReport.source) == context.actor.source)
    return frozenset(context.session.scalars(query))


def digest_waiting_case(context: WriteContext, case: str) -> str:
    """Return the digest under which a report with that case number waits."""
    return compute_keyed_digest(context.secret, WAITING_REPORT_SEAL_CONTEXT, str(context.actor.source), case)


def find_waiting_reports(context: WriteContext, digests: Sequence[str]) -> list[PendingReport]:
    """Return the reports that wait under these digests."""
    return load_waiting_reports(context.session, col(WaitingReport.digest).in_(digests))


def store_waiting_report(
    context: WriteContext,
    digests: Sequence[str],
    body: DetentionReportIn,
    embargo_end: datetime,
    base_revision: int | None = None,
) -> uuid.UUID:
    """Store a report until its embargo ends, in place of reports that wait under these digests.

    The same report with the same embargo keeps the instant at which it was first sent. `base_revision`: the revision of
    the version that it corrects. Raises Conflict if too many wait."""
    sent_body = body.model_dump(mode="json", exclude_unset=True, exclude={"publish_not_before"})
    report: dict[str, Any] = {"body": sent_body, "of_release": isinstance(body, ReleaseReportIn)}
    if base_revision is not None:
        report["based_on"] = base_revision
    replaced = find_waiting_reports(context, digests)
    if not replaced:
        _check_waiting_limit(context)
    unchanged = next(
        (
            previous
            for previous in replaced
            if previous.until == embargo_end and _has_same_content(context.secret, previous, report)
        ),
        None,
    )
    waiting_id = replaced[0].id if replaced else new_id()
    _delete_by_ids(context.session, [waiting.id for waiting in replaced])
    row = {
        "id": waiting_id,
        "digest": digests[0],
        "source": context.actor.source,
        "key_id": context.key_id or None,
        "until": embargo_end,
        "received_at": context.now if unchanged is None else unchanged.received_at,
        "report": sealing.seal_json(context.secret, report, WAITING_REPORT_SEAL_CONTEXT, waiting_id),
    }
    context.session.connection().execute(insert(WaitingReport), [row])
    return waiting_id


def delete_waiting_reports(context: WriteContext, digests: Sequence[str]) -> list[PendingReport]:
    """Delete the reports that wait under these digests, and return them."""
    deleted = find_waiting_reports(context, digests)
    _delete_by_ids(context.session, [waiting.id for waiting in deleted])
    return deleted


def require_none_waiting(context: WriteContext, record: Record) -> None:
    """Raise Conflict if a version of this record waits: it is based on the current version and would undo a change."""
    waiting = (
        find_waiting_reports(context, list_waiting_digests(context, None, record))
        if has_waiting_reports(context)
        else []
    )
    if waiting:
        raise Conflict(
            Message(
                "A version of this report waits (GET /v1/waiting), and would undo this later: delete it "
                "(DELETE /v1/waiting/{waiting_id}), or send the whole report again under its case number.",
                waiting_id=waiting[0].id,
            )
        )


def delete_own_report(context: WriteContext, waiting_id: uuid.UUID) -> PendingReport:
    """Delete a waiting report of the actor's source; an administrator may delete any. Raises NotFound."""
    found = load_waiting_reports(context.session, col(WaitingReport.id) == waiting_id)
    if not found or (context.actor.role is not Role.ADMIN and found[0].source != context.actor.source):
        raise NotFound("No report of yours waits under this id.")
    _delete_by_ids(context.session, [waiting_id])
    return found[0]


def erase_waiting_reports(context: WriteContext, erased_ids: Collection[uuid.UUID]) -> None:
    """Delete waiting reports that are next versions of erased records, or point at their person.

    Only the sealed reports show which these are, so all are unsealed."""
    session = context.session
    waiting = load_waiting_reports(session)
    if not waiting:
        return
    ids, cases = {records.format_id_case(record) for record in erased_ids}, set[str]()
    for chunk in split_into_chunks(erased_ids):
        id_query = select(col(Record.detainee_id), col(Record.detention_id), col(Record.release_id))
        ids |= {str(item) for row in session.execute(id_query.where(col(Record.id).in_(chunk))) for item in row}
        cases |= set(session.scalars(select(col(CaseKey.digest)).where(col(CaseKey.record_id).in_(chunk))))
    _delete_by_ids(session, [item.id for item in waiting if _is_about_erased(context.secret, item, ids, cases)])


def _is_about_erased(secret: bytes, waiting: PendingReport, ids: Collection[str], cases: Collection[str]) -> bool:
    try:
        body = waiting.unseal_sent_body(secret)
    except sealing.DamagedCiphertext:
        return True  # nobody can ever read it, so it may be about the erased person
    case = str(body.get("source_record_id"))
    references = {case, *(str(body.get(name)) for name, _kind in POINTER_FIELDS)}
    return not references.isdisjoint(ids) or records.digest_case(secret, waiting.source, case) in cases


def refuse_waiting_report(
    session: Session, secret: bytes, waiting: PendingReport, now: datetime, problem: Problem
) -> None:
    """Store the reason for which a report cannot be filed. The report waits until its source sends or deletes it."""
    reason = {"code": problem.code, "detail": problem.detail, "errors": problem.extra.get("errors") or []}
    sealed_reason = sealing.seal_json(secret, reason, WAITING_REPORT_SEAL_CONTEXT, waiting.id, "refusal")
    change = update(WaitingReport).where(col(WaitingReport.id) == waiting.id)
    session.connection().execute(change.values(refused_at=now, refusal=sealed_reason))


def refuse_all_waiting(session: Session, secret: bytes, now: datetime) -> int:
    """Refuse all waiting reports of a restored copy, and return their number: sources may have deleted them since."""
    waiting = load_waiting_reports(session)
    problem = Conflict(
        "The registry was put back from an earlier copy, and nobody can tell whether you took this report back since. "
        "Send it again, or delete it."
    )
    for report in waiting:
        refuse_waiting_report(session, secret, report, now, problem)
    return len(waiting)


def delete_filed_report(session: Session, waiting: PendingReport) -> None:
    """Delete a waiting report after it was filed."""
    _delete_by_ids(session, [waiting.id])


def count_stuck_reports(session: Session, now: datetime) -> list[tuple[int, int]]:
    """Return `(source, number)` of reports that were refused, or are overdue by OVERDUE_DELAY."""
    is_overdue = col(WaitingReport.until) < now - OVERDUE_DELAY
    query = select(col(WaitingReport.source), func.count()).where(
        or_(col(WaitingReport.refused_at).is_not(None), is_overdue)
    )
    grouped_query = query.group_by(col(WaitingReport.source)).order_by(col(WaitingReport.source))
    return [(source, reports) for source, reports in session.execute(grouped_query)]


def list_embargo_warnings(session: Session, now: datetime) -> list[str]:
    """Return the warning for the operator, without naming a source."""
    return [STUCK_REPORTS_WARNING] if count_stuck_reports(session, now) else []


def _check_waiting_limit(context: WriteContext) -> None:
    query = select(func.count()).select_from(WaitingReport).where(col(WaitingReport.source) == context.actor.source)
    if context.session.execute(query).scalar_one() >= MAX_WAITING_REPORTS:
        raise Conflict(
            Message(
                "{number} reports of yours wait already: send this one once some are public, or without "
                "`publish_not_before` if it may be public now.",
                number=MAX_WAITING_REPORTS,
            )
        )


def _delete_by_ids(session: Session, ids: Sequence[uuid.UUID]) -> None:
    for chunk in split_into_chunks(ids):
        session.connection().execute(delete(WaitingReport).where(col(WaitingReport.id).in_(chunk)))


def _has_same_content(secret: bytes, waiting: PendingReport, report: dict[str, Any]) -> bool:
    """Return whether a waiting report has this content. An unreadable one has not."""
    try:
        return _unseal_report(secret, waiting) == report
    except sealing.DamagedCiphertext:
        return False


def _unseal_report(secret: bytes, waiting: PendingReport) -> dict[str, Any]:
    report: dict[str, Any] = sealing.unseal_json(secret, waiting.sealed_report, WAITING_REPORT_SEAL_CONTEXT, waiting.id)
    return report
