"""Reports that wait for the end of an embargo: sealed with the operator's secret and beside the log, at most one for
each case number of a source.

No count, list, look-up, export or warning that the public sees reads this table, so that a report that waits changes no
byte that anybody but its source, curators and administrators gets.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from app.db.engine import chunks
from app.errors import Conflict, NotFound, Problem
from app.log import head
from app.log.content import FILED
from app.log.entries import keyed_digest
from app.models import CaseKey, Record, WaitingReport
from app.registry import records
from app.registry.checks import POINTERS
from app.registry.write import WriteContext, new_id
from app.schemas.directory import EmbargoedReport, EmbargoProblem
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.vocabulary import Role

# Of one source at once. Whoever was let out in one night and is still on the way is some hundreds; and an erasure
# unseals every report that waits, some thousands in a tenth of a second.
MOST_WAITING = 1_000
STUCK = "embargoed_reports_stuck"
# Ends are looked for every minute, but not in the first hour of a server (`jobs.py`).
OVERDUE_AFTER = timedelta(days=1)
RESTORED = (
    "The registry was put back from an earlier copy, and nobody can tell whether you took this report back since. Send "
    "it again, or delete it."
)
PLACE = "waiting report"  # for which it is sealed, with its id


@dataclass(frozen=True)
class Waiting:
    """A report that waits. `case`: what stands for its case number; `refusal`: why it could not be filed, if so."""

    id: uuid.UUID
    source: int
    key_id: str | None
    until: datetime
    received_at: datetime
    sealed: bytes
    refused_at: datetime | None
    refusal: bytes | None

    def sent(self, secret: bytes) -> EmbargoedReport:
        """The report as it was sent. Raises Damaged."""
        body: EmbargoedReport = _unsealed(secret, self)["body"]
        return body

    def body(self, secret: bytes) -> DetentionReportIn:
        """The report to be filed: an age of the day of filing is one of the day on which it was sent. Raises Damaged,
        and a ValidationError where an earlier version took what this one does not."""
        report = _unsealed(secret, self)
        body = report["body"]
        if (body.get("detainee") or {}).get("age_on") == FILED:
            body = {**body, "detainee": {**body["detainee"], "age_on": self.received_at.date().isoformat()}}
        return (ReleaseReportIn if report["of_release"] else DetentionReportIn).model_validate(body)

    def based_on(self, secret: bytes) -> int | None:
        """The revision of the version that this one corrects, where it was sent as a correction. Raises Damaged."""
        revision: int | None = _unsealed(secret, self).get("based_on")
        return revision

    def reason(self, secret: bytes) -> EmbargoProblem | None:
        """Why it could not be filed."""
        if self.refusal is None:
            return None
        reason: EmbargoProblem = head.unseal_json(secret, self.refusal, PLACE, self.id, "refusal")
        return reason


_COLUMNS = (
    col(WaitingReport.id), col(WaitingReport.source), col(WaitingReport.key_id), col(WaitingReport.until),
    col(WaitingReport.received_at), col(WaitingReport.report), col(WaitingReport.refused_at),
    col(WaitingReport.refusal),
)  # fmt: skip
# Made once: every report with a case number asks.
_ANY = select(col(WaitingReport.id)).where(col(WaitingReport.source) == bindparam("source")).limit(1)


def read(session: Session, *among: Any, limit: int | None = None, after: int = 0) -> list[Waiting]:
    """The reports that wait, `among` those that these conditions mean; whatever ends first comes first, and `after` so
    many the rest."""
    rows = select(*_COLUMNS).where(*among).order_by(col(WaitingReport.until), col(WaitingReport.id))
    return [Waiting(*row) for row in session.execute(rows.limit(limit).offset(after))]


def is_due(now: datetime) -> Any:
    """The condition of what is to be filed now. The date of the last entry has no say: where a wrong clock dated that
    ahead, embargoes would end with it."""
    return (col(WaitingReport.until) <= now) & col(WaitingReport.refused_at).is_(None)


def waits(session: Session, waiting_id: uuid.UUID) -> bool:
    """Whether a report waits for its day, and was not refused."""
    return bool(read(session, col(WaitingReport.id) == waiting_id, col(WaitingReport.refused_at).is_(None)))


def number_of_key(session: Session, key_id: str) -> int:
    """How many reports that a key sent wait."""
    number = select(func.count()).select_from(WaitingReport).where(col(WaitingReport.key_id) == key_id)
    return int(session.execute(number).scalar_one())


def digests(context: WriteContext, case: str | None, record: Record | None) -> list[str]:
    """The digests under which a report of that case number, or the next version of that record, may wait: first of the
    case number, since a record under it may have come later."""
    cases = [] if case is None else [case]
    if record is not None:
        cases += [records.case_by_id(record.id)]
        own = records.newest(context.session, record).content.get("source_record_id")
        cases += [] if own is None else [str(own)]
    return [name_of(context, each) for each in dict.fromkeys(cases)]


def has_any(context: WriteContext) -> bool:
    """Whether anything of this source waits. Nearly always nothing does, and nothing else need be looked for."""
    return context.session.connection().execute(_ANY, {"source": context.actor.source}).first() is not None


def names_of_all(context: WriteContext) -> frozenset[str]:
    """The digests under which reports of this source wait."""
    mine = select(col(WaitingReport.digest)).where(col(WaitingReport.source) == context.actor.source)
    return frozenset(context.session.scalars(mine))


def name_of(context: WriteContext, case: str) -> str:
    """The digest under which a report with that case number waits."""
    return keyed_digest(context.secret, PLACE, str(context.actor.source), case)


def under(context: WriteContext, names: Sequence[str]) -> list[Waiting]:
    """What waits under these digests."""
    return read(context.session, col(WaitingReport.digest).in_(names))


def keep(
    context: WriteContext, names: Sequence[str], body: DetentionReportIn, until: datetime, based_on: int | None = None
) -> uuid.UUID:
    """Keep a report until its embargo ends, in place of whatever waits under these digests. The same report until the
    same day keeps the instant at which it was first sent. `based_on`: the revision of the version that it corrects.
    Raises Conflict where too many wait."""
    sent = body.model_dump(mode="json", exclude_unset=True, exclude={"publish_not_before"})
    report: dict[str, Any] = {"body": sent, "of_release": isinstance(body, ReleaseReportIn)}
    if based_on is not None:
        report["based_on"] = based_on
    stood = under(context, names)
    if not stood:
        _require_room(context)
    same = next((each for each in stood if each.until == until and _says(context.secret, each, report)), None)
    waiting_id = stood[0].id if stood else new_id()
    _delete(context.session, [waiting.id for waiting in stood])
    row = {
        "id": waiting_id,
        "digest": names[0],
        "source": context.actor.source,
        "key_id": context.key_id or None,
        "until": until,
        "received_at": context.now if same is None else same.received_at,
        "report": head.seal_json(context.secret, report, PLACE, waiting_id),
    }
    context.session.connection().execute(insert(WaitingReport), [row])
    return waiting_id


def forget(context: WriteContext, names: Sequence[str]) -> list[Waiting]:
    """Delete what waits under these digests; what that was."""
    gone = under(context, names)
    _delete(context.session, [waiting.id for waiting in gone])
    return gone


def require_none(context: WriteContext, record: Record) -> None:
    """Raises Conflict where a version of this record waits: it was made of what stands, and would undo the change."""
    waits = under(context, digests(context, None, record)) if has_any(context) else []
    if waits:
        raise Conflict(
            f"A version of this report waits (GET /v1/waiting), and would undo this later: delete it "
            f"(DELETE /v1/waiting/{waits[0].id}), or send the whole report again under its case number."
        )


def delete_own(context: WriteContext, waiting_id: uuid.UUID) -> Waiting:
    """Delete a report of the actor's source, an administrator one of any source. Raises NotFound."""
    found = read(context.session, col(WaitingReport.id) == waiting_id)
    if not found or (context.actor.role is not Role.ADMIN and found[0].source != context.actor.source):
        raise NotFound("No report of yours waits under this id.")
    _delete(context.session, [waiting_id])
    return found[0]


def erase(context: WriteContext, erased: Collection[uuid.UUID]) -> None:
    """Delete what waits as a next version of erased records, or points at their person. Which those are stands in the
    sealed reports alone."""
    session = context.session
    waiting = read(session)
    if not waiting:
        return
    ids, cases = {records.case_by_id(record) for record in erased}, set[str]()
    for some in chunks(erased):
        known = select(col(Record.detainee_id), col(Record.detention_id), col(Record.release_id))
        ids |= {str(each) for row in session.execute(known.where(col(Record.id).in_(some))) for each in row}
        cases |= set(session.scalars(select(col(CaseKey.digest)).where(col(CaseKey.record_id).in_(some))))
    _delete(session, [each.id for each in waiting if _is_about(context.secret, each, ids, cases)])


def _is_about(secret: bytes, waiting: Waiting, ids: Collection[str], cases: Collection[str]) -> bool:
    try:
        body = waiting.sent(secret)
    except head.Damaged:
        return True  # nobody can ever read it, or tell whom it is about
    case = str(body.get("source_record_id"))
    named = {case, *(str(body.get(name)) for name, _kind in POINTERS)}
    return not named.isdisjoint(ids) or records.case_digest(secret, waiting.source, case) in cases


def refuse(session: Session, secret: bytes, waiting: Waiting, now: datetime, problem: Problem) -> None:
    """Keep a report with the reason for which it cannot be filed, until its source sends it again or deletes it."""
    reason = {"code": problem.code, "detail": problem.detail, "errors": problem.extra.get("errors") or []}
    sealed = head.seal_json(secret, reason, PLACE, waiting.id, "refusal")
    change = update(WaitingReport).where(col(WaitingReport.id) == waiting.id)
    session.connection().execute(change.values(refused_at=now, refusal=sealed))


def hold_all(session: Session, secret: bytes, now: datetime) -> int:
    """Let nothing be filed that waits in a copy that was put back: its source may have taken it back since. How many
    wait."""
    waiting = read(session)
    for each in waiting:
        refuse(session, secret, each, now, Conflict(RESTORED))
    return len(waiting)


def done(session: Session, waiting: Waiting) -> None:
    """Delete a report that was filed."""
    _delete(session, [waiting.id])


def stuck(session: Session, now: datetime) -> list[tuple[int, int]]:
    """`(source, number)` of reports that could not be filed, or should have been long since."""
    late = col(WaitingReport.until) < now - OVERDUE_AFTER
    number = select(col(WaitingReport.source), func.count()).where(
        or_(col(WaitingReport.refused_at).is_not(None), late)
    )
    of_sources = number.group_by(col(WaitingReport.source)).order_by(col(WaitingReport.source))
    return [(source, reports) for source, reports in session.execute(of_sources)]


def warnings(session: Session, now: datetime) -> list[str]:
    """The warning for the operator, without naming a source."""
    return [STUCK] if stuck(session, now) else []


def _require_room(context: WriteContext) -> None:
    mine = select(func.count()).select_from(WaitingReport).where(col(WaitingReport.source) == context.actor.source)
    if context.session.execute(mine).scalar_one() >= MOST_WAITING:
        raise Conflict(
            f"{MOST_WAITING} reports of yours wait already: send this one once some are public, or without "
            "`publish_not_before` if it may be public now."
        )


def _delete(session: Session, ids: Sequence[uuid.UUID]) -> None:
    for some in chunks(ids):
        session.connection().execute(delete(WaitingReport).where(col(WaitingReport.id).in_(some)))


def _says(secret: bytes, waiting: Waiting, report: dict[str, Any]) -> bool:
    """Whether that report waits; what nobody can read says nothing."""
    try:
        return _unsealed(secret, waiting) == report
    except head.Damaged:
        return False


def _unsealed(secret: bytes, waiting: Waiting) -> dict[str, Any]:
    report: dict[str, Any] = head.unseal_json(secret, waiting.sealed, PLACE, waiting.id)
    return report
