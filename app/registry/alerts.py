"""Bursts: days on which a source filed far more reports than it is used to. A stolen key looks like that.

Read from the log's days and nothing else. A burst is told to whoever runs the registry and to its curators; nothing
follows by itself, for an honest source that empties its archive looks the same.

What whoever runs the registry should look at, in words that name nobody."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.log.entries import find_revision_at, read_head
from app.models import Record, Report
from app.registry import report_versions, waiting_reports
from app.registry.publication import erasure, objections

# Days that are told, the log's last one included: a curator who comes once a week sees each.
REPORTED_DAYS = 7
# Days before a day in which its source's habit is looked for: lists that come every quarter are habit.
HABIT_DAYS = 92
# Fewer a curator can read through; a source that files three a day is free to file thirty.
MIN_BURST_REPORTS = 100
# So many times the fullest day before. A list grows, and two of them may come on one day.
BURST_FACTOR = 5
BURST_WARNING = "report_burst"
MAX_CACHED_DAYS = 2 * (HABIT_DAYS + REPORTED_DAYS)  # days in memory, each with a number for each source: some KB in all


@dataclass(frozen=True, slots=True)
class Burst:
    """A day on which a source filed far more reports than on any day before. `usual`: on the fullest of those."""

    source: int
    day: date
    reports: int
    usual: int


class DailyReportCounts:
    """How many reports each source filed on each day of the log (UTC), as far as it was looked for.

    A day that is over never changes, for the log only grows and its instants never decrease. So a process may keep
    this, and count today's reports alone.
    """

    def __init__(self) -> None:
        self._revisions: dict[date, int] = {}
        self._counts: dict[date, dict[int, int]] = {}

    def find_revision_before(self, session: Session, day: date) -> int:
        """The last revision before a day that has begun."""
        if day not in self._revisions:
            if len(self._revisions) > MAX_CACHED_DAYS:
                self._revisions.clear()
            midnight = datetime.combine(day, time.min, UTC)
            self._revisions[day] = find_revision_at(session, midnight - timedelta(microseconds=1))
        return self._revisions[day]

    def count_day(self, session: Session, day: date) -> dict[int, int]:
        """Source → the reports that it filed on a day that is over."""
        if day not in self._counts:
            if len(self._counts) > MAX_CACHED_DAYS:
                self._counts.clear()
            span = self.find_revision_before(session, day), self.find_revision_before(session, day + timedelta(days=1))
            self._counts[day] = count_reports_between(session, *span)
        return self._counts[day]


def count_reports_between(session: Session, after_revision: int, last_revision: int) -> dict[int, int]:
    """Source → the reports that it filed between two revisions."""
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
    """The bursts of the log's last days, the newest first. Versions of reports count as reports do: a key writes
    both. A source's first day is no burst, since it has no habit yet. `daily_counts`: what the process has counted before."""
    revision, recorded_at = read_head(session)
    today = recorded_at.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(REPORTED_DAYS)]
    if revision - daily_counts.find_revision_before(session, days[-1]) < MIN_BURST_REPORTS:
        return []  # as on nearly every day: nobody can have filed so many
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
    """The warning for the operator, without naming a source."""
    return [BURST_WARNING] if find_bursts(session, daily_counts) else []


def _find_usual_count(
    session: Session, daily_counts: DailyReportCounts, source: int, day: date, reports: int
) -> int | None:
    """The reports of the fullest day of a source's habit before a day; None where the source had not filed before. It
    is looked for only as far as it tells whether `reports` are far more."""
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
    """The codes of the warnings that stand, for `/readyz` and `recuento status` alike."""
    return [
        *report_versions.list_hiding_warnings(session),
        *list_burst_warnings(session, daily_counts),
        *objections.list_objection_warnings(session, now),
        *erasure.list_erasure_warnings(session),
    ]


def list_private_warnings(session: Session, now: datetime) -> list[str]:
    """The codes of warnings for `recuento status` alone: anybody can ask `/readyz`, and would learn that something is
    under an embargo."""
    return waiting_reports.list_embargo_warnings(session, now)
