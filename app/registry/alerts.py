"""Find days on which a source took back many of its reports, and list the operator's warnings.

A withdrawal never waits for a curator, and a correction that awaits review takes back what it corrects. Many on one day
may mean a stolen key, or a source under pressure, so the operator and the curators are alerted. Nothing is blocked, and
no warning names a person or a source.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.log.entries import INSTANT_RESOLUTION, find_revision_at, read_head
from app.models import Entry, Proposal, Report
from app.registry import report_versions, waiting_reports
from app.registry.publication import erasure, objections

# The last days of the log that are searched: a curator who comes once a week sees every day.
REPORTED_DAYS = 7
MIN_WITHDRAWALS = 20  # of a source on a day
WITHDRAWALS_WARNING = "many_withdrawals"
AWAITING_PATTERN = '"review":"awaiting_review"'
WITHDRAWAL_PATTERN = '"verification.verdict":"retracted"'  # in the canonical body of an entry
WAITING_DECISIONS_WARNING = "decisions_wait"
# Day that is over (UTC) → source → its withdrawals. Past days never change: the log only grows.
WithdrawalsByDay = dict[date, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """A day on which a source withdrew at least MIN_WITHDRAWALS reports."""

    source: int
    day: date
    reports: int


def find_withdrawals(session: Session, by_day: WithdrawalsByDay) -> list[Withdrawals]:
    """Return the days of many withdrawals among the log's last days, newest first. `by_day`: the process's cache."""
    revision, recorded_at = read_head(session)
    today = recorded_at.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(REPORTED_DAYS)]
    if revision - _find_revision_before(session, days[-1]) < MIN_WITHDRAWALS:
        return []  # as on most days of a small registry
    counts = {day: known if (known := by_day.get(day)) is not None else count_withdrawals(session, day) for day in days}
    by_day.clear()
    by_day.update({day: number for day, number in counts.items() if day != today})
    return [
        Withdrawals(source, day, reports)
        for day, by_source in counts.items()
        for source, reports in sorted(by_source.items())
        if reports >= MIN_WITHDRAWALS
    ]


def count_withdrawals(session: Session, day: date) -> dict[int, int]:
    """Return source → the reports that it withdrew on a day."""
    first, last = (_find_revision_before(session, day + timedelta(days=ahead)) for ahead in (0, 1))
    query = (
        select(col(Report.source), func.count())
        .join(Entry, col(Entry.revision) == col(Report.stated))
        .where(
            col(Report.since).between(first + 1, last),
            col(Report.stated) == col(Report.since),
            col(Report.version) > 1,
            or_(col(Entry.body).contains(WITHDRAWAL_PATTERN), col(Entry.body).contains(AWAITING_PATTERN)),
        )
        .group_by(col(Report.source))
    )
    return dict(session.execute(query).all())


def _find_revision_before(session: Session, day: date) -> int:
    return find_revision_at(session, datetime.combine(day, time.min, UTC) - INSTANT_RESOLUTION)


def list_operator_warnings(session: Session, by_day: WithdrawalsByDay, now: datetime) -> list[str]:
    """Return the codes of the current warnings, for `/readyz` and `recuento status`."""
    return [
        *report_versions.list_hiding_warnings(session),
        *([WITHDRAWALS_WARNING] if find_withdrawals(session, by_day) else []),
        *objections.list_objection_warnings(session, now),
        *erasure.list_erasure_warnings(session),
    ]


def list_private_warnings(session: Session, now: datetime) -> list[str]:
    """Return the codes of warnings for `recuento status` only.

    `/readyz` is public, and would reveal that a report is under an embargo, or that somebody may soon be shown."""
    is_waiting = session.scalars(select(col(Proposal.id)).limit(1)).first() is not None
    waiting_decisions = [WAITING_DECISIONS_WARNING] if is_waiting else []
    return [*waiting_reports.list_embargo_warnings(session, now), *waiting_decisions]
