"""Count what is new for the holder of keys: numbers by kind, and nothing that the keys may not read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlmodel import Session, col

from app.log.entries import find_revision_at, read_head
from app.matching.scripts import fold
from app.models import OPEN, NoticeHolder, Objection, Placement, Proposal, Record, Report, Verification
from app.notices.holders import Counts, HolderKey
from app.queries.review.items import count_new_pairs
from app.registry import alerts
from app.registry.curation import proposals
from app.registry.publication.objections import UNDECIDED_STATES
from app.registry.publication.permissions import Reader
from app.vocabulary import Publish, Review, Role, Verdict

# An objection is matched to its person, and a report compared with others, within this time. Both are counted after it.
SETTLING_TIME = timedelta(minutes=5)
ALERTS = "alerts"
# The kinds of notices with their text in English and Spanish.
NOTICE_LABELS = {
    "reports": ("Reports that await review", "Reportes que esperan revisión"),
    "objections": ("Objections", "Objeciones"),
    "pairs": ("Possible duplicates", "Posibles duplicados"),
    "decisions": ("Decisions that wait for a second person", "Decisiones que esperan a una segunda persona"),
    "verdicts": ("Verdicts of others on your cases", "Veredictos de otros sobre sus casos"),
    ALERTS: ("Warnings, such as the unusual use of a key", "Advertencias, como el uso inusual de una clave"),
}


@dataclass(frozen=True)
class NewsWindow:
    """The time that a notice covers, with the revisions of its beginning and end. `holder`: folded."""

    session: Session
    holder: str
    began_at: datetime
    ended_at: datetime
    first_revision: int
    last_revision: int


def count_news(
    session: Session, row: NoticeHolder, keys: list[HolderKey], now: datetime, by_day: alerts.WithdrawalsByDay
) -> Counts:
    """Return kind → how many are new for a holder since the last notice, and move the row to the end of that time.

    An alert is new if it was not raised at the last notice. What several keys may read is counted once."""
    end = now - SETTLING_TIME
    if end > row.covered_until:
        revisions = find_revision_at(session, row.covered_until), find_revision_at(session, end)
        window = NewsWindow(session, row.holder, row.covered_until, end, *revisions)
        row.covered_until = end
        by_subject = {
            (kind, key.reader.source if kind == "verdicts" else None): counter(window, key.reader)
            for key in keys
            for kind, (roles, route, counter) in _COUNTERS.items()
            if key.reader.role in roles and (key.scopes is None or route in key.scopes)
            if key.reader.role is Role.REPORTER or key.reader.independent
        }
    else:
        by_subject = {}
    counts: Counts = {}
    for (kind, _source), number in by_subject.items():
        counts[kind] = counts.get(kind, 0) + number
    counts[ALERTS] = _take_new_alerts(session, row, keys, now, by_day)
    return {kind: number for kind, number in counts.items() if number}


def _take_new_alerts(
    session: Session, row: NoticeHolder, keys: list[HolderKey], now: datetime, by_day: alerts.WithdrawalsByDay
) -> int:
    if not any(key.reader.role in (Role.CURATOR, Role.ADMIN) and key.reader.independent for key in keys):
        return 0
    raised = set(alerts.list_operator_warnings(session, by_day, now))
    known = set(json.loads(row.alerts))
    row.alerts = json.dumps(sorted(raised))
    return len(raised - known)


def _count_reports(window: NewsWindow, reader: Reader) -> int:
    """Count the reports of other sources that await review."""
    conditions = (
        col(Report.review) == Review.AWAITING_REVIEW,
        col(Report.until) == OPEN,
        col(Report.since) > window.first_revision,
        col(Report.since) <= window.last_revision,
        *(() if reader.source is None else (col(Report.source) != reader.source,)),
    )
    return _count(window.session, Report, *conditions)


def _count_objections(window: NewsWindow, _reader: Reader) -> int:
    conditions = (
        col(Objection.state).in_(UNDECIDED_STATES),
        col(Objection.record).is_not(None),
        col(Objection.received_at) > window.began_at,
        col(Objection.received_at) <= window.ended_at,
    )
    return _count(window.session, Objection, *conditions)


def _count_pairs(window: NewsWindow, _reader: Reader) -> int:
    return count_new_pairs(window.session, window.first_revision, window.last_revision, read_head(window.session)[0])


def _count_decisions(window: NewsWindow, _reader: Reader) -> int:
    """Count the decisions that wait for another holder."""
    authors = window.session.scalars(
        select(col(Proposal.proposed_by)).where(
            col(Proposal.proposed_at) > window.began_at,
            col(Proposal.proposed_at) <= window.ended_at,
        )
    )
    holders = [proposals.find_key_holder(window.session, key_id) for key_id in authors]
    return sum(holder is None or fold(holder) != window.holder for holder in holders)


def _count_verdicts(window: NewsWindow, reader: Reader) -> int:
    """Count the verdicts of others on the cases of the reader's source, as far as public lists show the person."""
    has_own_report = (
        exists()
        .where(col(Placement.spell) == col(Verification.spell), col(Placement.until) == OPEN)
        .where(col(Record.key) == col(Placement.record), col(Record.source) == reader.source)
        .where(col(Record.publish_now) != Publish.COUNTED)
    )
    return _count(
        window.session,
        Verification,
        col(Verification.until) == OPEN,
        col(Verification.source) != reader.source,
        col(Verification.verdict).in_((Verdict.VERIFIED, Verdict.DISPUTED, Verdict.REFUTED)),
        col(Verification.since) > window.first_revision,
        col(Verification.since) <= window.last_revision,
        has_own_report,
    )


def _count(session: Session, table: type, *conditions: object) -> int:
    query = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]
    return int(session.execute(query).scalar_one())


_Counter = Callable[[NewsWindow, Reader], int]
# Kind → the roles that it is for, the route on which a key reads it, and the function that counts it.
_COUNTERS: Mapping[str, tuple[tuple[Role, ...], str, _Counter]] = {
    "reports": ((Role.CURATOR,), "GET /v1/review/batches", _count_reports),
    "objections": ((Role.CURATOR,), "GET /v1/objections", _count_objections),
    "pairs": ((Role.CURATOR,), "GET /v1/review", _count_pairs),
    "decisions": ((Role.CURATOR, Role.ADMIN), "GET /v1/proposals", _count_decisions),
    "verdicts": ((Role.REPORTER,), "GET /v1/reports", _count_verdicts),
}
