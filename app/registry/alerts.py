"""Find days on which a source filed far more reports than usual (bursts), and list the operator's warnings.

A burst may mean a stolen key. Only the operator and the curators are warned; nothing is blocked, because an honest
source that files its archive looks the same. No warning names a person or a source.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.log.entries import find_revision_at, read_head
from app.models import Record, Report
from app.registry import report_versions, waiting_reports
from app.registry.publication import erasure, objections

# The last days of the log that are searched: a curator who comes once a week sees every burst.
REPORTED_DAYS = 7
# A day is compared with this many days before it, so that a quarterly list is not a burst.
HABIT_DAYS = 92
# A curator can read through fewer than this; a source that files three reports a day is free to file thirty.
MIN_BURST_REPORTS = 100
# A burst exceeds the source's fullest day before it by this factor. Lists grow, and two may come on one day.
BURST_FACTOR = 5
BURST_WARNING = "report_burst"
MAX_CACHED_DAYS = 2 * (HABIT_DAYS + REPORTED_DAYS)  # a few KB: one number for each day and source


@dataclass(frozen=True, slots=True)
class Burst:
    """A day on which a source filed far more reports than on any day before. `usual`: the number on the fullest."""

    source: int
    day: date
    reports: int
    usual: int


class DailyReportCounts:
    """A cache of the reports that each source filed on each past day of the log (UTC).

    Past days never change: the log only grows, and its instants never decrease. Today's reports are not cached.
    """

    def __init__(self) -> None:
        self._revisions: dict[date, int] = {}
        self._counts: dict[date, dict[int, int]] = {}

    def find_revision_before(self, session: Session, day: date) -> int:
        """Return the last revision before a day that has begun."""
        if day not in self._revisions:
            if len(self._revisions) > MAX_CACHED_DAYS:
                self._revisions.clear()
            midnight = datetime.combine(day, time.min, UTC)
            self._revisions[day] = find_revision_at(session, midnight - timedelta(microseconds=1))
        return self._revisions[day]

    def count_day(self, session: Session, day: date) -> dict[int, int]:
        """Return source → reports filed on a day that is over."""
        if day not in self._counts:
            if len(self._counts) > MAX_CACHED_DAYS:
                self._counts.clear()
            span = self.find_revision_before(session, day), self.find_revision_before(session, day + timedelta(days=1))
            self._counts[day] = count_reports_between(session, *span)
        return self._counts[day]


def count_reports_between(session: Session, after_revision: int, last_revision: int) -> dict[int, int]:
    """Return source → reports filed after one revision, up to another."""
    query = (
        select(col(Record.source), func.count())
        .select_from(Report)
        .join(Record, col(Record.key) == col(Report.record))
        .where(
            col(Report.since) > after_revision,
            col(Report.since) <= last_revision,
            col(Report.stated) == col(Report.since),
        )
        .group_by(col(Record.source))
    )
    return dict(session.execute(query).all()) if last_revision > after_revision else {}


def find_bursts(session: Session, daily_counts: DailyReportCounts) -> list[Burst]:
    """Return the bursts of the log's last days, newest first.

    Next versions count like first reports: a stolen key can write both. A source's first day is no burst, since there
    is no day to compare with. `daily_counts`: the process's cache."""
    revision, recorded_at = read_head(session)
    today = recorded_at.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(REPORTED_DAYS)]
    if revision - daily_counts.find_revision_before(session, days[-1]) < MIN_BURST_REPORTS:
        return []  # as on nearly every day: all sources together filed too few
    found = []
    for day in days:
        is_past = day != today
        counts = (
            daily_counts.count_day(session, day)
            if is_past
            else count_reports_between(session, daily_counts.find_revision_before(session, day), revision)
        )
        for source, reports in sorted(counts.items()):
            usual = (
                _find_usual_count(session, daily_counts, source, day, reports) if reports >= MIN_BURST_REPORTS else None
            )
            if usual is not None and reports > BURST_FACTOR * usual:
                found.append(Burst(source, day, reports, usual))
    return found


def list_burst_warnings(session: Session, daily_counts: DailyReportCounts) -> list[str]:
    """Return the warning for the operator, without naming a source."""
    return [BURST_WARNING] if find_bursts(session, daily_counts) else []


def _find_usual_count(
    session: Session, daily_counts: DailyReportCounts, source: int, day: date, reports: int
) -> int | None:
    """Return the reports of a source's fullest day in the HABIT_DAYS before a day; None if it had never filed.

    The search stops as soon as a day shows that `reports` is not a burst."""
    usual, after = 0, day
    for _ in range(HABIT_DAYS):
        before = after - timedelta(days=1)
        entries = daily_counts.find_revision_before(session, after) - daily_counts.find_revision_before(session, before)
        if entries > usual:  # on a day with fewer the source cannot have filed more
            usual = max(usual, daily_counts.count_day(session, before).get(source, 0))
        if usual * BURST_FACTOR >= reports:
            return usual
        after = before
    if usual:
        return usual
    first = session.execute(select(func.min(col(Record.key))).where(col(Record.source) == source)).scalar_one()
    return 0 if first <= daily_counts.find_revision_before(session, day) else None


def list_operator_warnings(session: Session, daily_counts: DailyReportCounts, now: datetime) -> list[str]:
    """Return the codes of the current warnings, for `/readyz` and `recuento status`."""
    return [
        *report_versions.list_hiding_warnings(session),
        *list_burst_warnings(session, daily_counts),
        *objections.list_objection_warnings(session, now),
        *erasure.list_erasure_warnings(session),
    ]


def list_private_warnings(session: Session, now: datetime) -> list[str]:
    """Return the codes of warnings for `recuento status` only.

    `/readyz` is public, and would reveal that a report is under an embargo."""
    return waiting_reports.list_embargo_warnings(session, now)
