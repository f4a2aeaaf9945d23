"""File single reports, and reports under an embargo (`publish_not_before`).

A report under an embargo is checked like any other, and then waits outside the log (`waiting_reports.py`). Once the
embargo is over, `file_due_reports` files it under the current version of its source. The entry does not mention the
embargo: it is dated by the day on which it was appended.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session, col

from app import server_log
from app.config import Names
from app.dates import format_instant
from app.errors import Conflict, Invalid, Problem
from app.models import ApiKey, Record
from app.registry import recalls, records, reports, waiting_reports
from app.registry.publication.permissions import load_reporter
from app.registry.report_versions import (
    get_source_key,
    write_next_version,
)
from app.registry.waiting_reports import PendingReport
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import DetentionReportIn, VerificationOfReleaseIn
from app.schemas.text import find_embargo_end
from app.vocabulary import Verdict

# Kinds of outcomes, with their HTTP statuses: the report waits, or a waiting report was deleted.
WAITING_KIND, DELETED_KIND = "waiting", "waiting_deleted"
EMBARGO_STATUSES = {WAITING_KIND: 202, DELETED_KIND: 200}
# How long a transaction files reports before other writers get their turn. Rows with many candidates, each under many
# names, take a hundred times as long as others.
MAX_BATCH_SECONDS = 2.0
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
