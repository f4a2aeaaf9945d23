"""File reports, or keep them until their embargo ends: `publish_not_before`.

A report under an embargo is checked like any other and then waits outside the log (`waiting_reports.py`). Once its
embargo is over `end` files it, in its source's name as the source stands by then. An entry tells nothing of an embargo:
it is dated by the day on which it was appended.
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
from app.registry.embargo_terms import waits_until
from app.registry.report_versions import next_version, source_of
from app.registry.reporters import reporter
from app.registry.schemas import DetentionReportIn, VerificationOfReleaseIn
from app.registry.waiting_reports import Waiting
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Verdict

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
