"""Bursts: days on which a source filed far more reports than it is used to. A stolen key looks like that.

Read from the log's days and nothing else. A burst is told to whoever runs the registry and to its curators; nothing
follows by itself, for an honest source that empties its archive looks the same.

What whoever runs the registry should look at, in words that name nobody."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.log.entries import head, last_revision_at
from app.models import Record, Report
from app.registry import report_versions, waiting_reports
from app.registry.publication import erasure, objections

# Days that are told, the log's last one included: a curator who comes once a week sees each.
DAYS_TOLD = 7
# Days before a day in which its source's habit is looked for: lists that come every quarter are habit.
HABIT_DAYS = 92
# Fewer a curator can read through; a source that files three a day is free to file thirty.
LEAST = 100
# So many times the fullest day before. A list grows, and two of them may come on one day.
TIMES = 5
WARNING = "report_burst"
MOST_KEPT = 2 * (HABIT_DAYS + DAYS_TOLD)  # days in memory, each with a number for each source: some KB in all


@dataclass(frozen=True, slots=True)
class Burst:
    """A day on which a source filed far more reports than on any day before. `usual`: on the fullest of those."""

    source: int
    day: date
    reports: int
    usual: int


class FiledByDay:
    """How many reports each source filed on each day of the log (UTC), as far as it was looked for.

    A day that is over never changes, for the log only grows and its instants never decrease. So a process may keep
    this, and count today's reports alone.
    """

    def __init__(self) -> None:
        self._before: dict[date, int] = {}
        self._filed: dict[date, dict[int, int]] = {}

    def before(self, session: Session, day: date) -> int:
        """The last revision before a day that has begun."""
        if day not in self._before:
            if len(self._before) > MOST_KEPT:
                self._before.clear()
            midnight = datetime.combine(day, time.min, UTC)
            self._before[day] = last_revision_at(session, midnight - timedelta(microseconds=1))
        return self._before[day]

    def filed(self, session: Session, day: date) -> dict[int, int]:
        """Source → the reports that it filed on a day that is over."""
        if day not in self._filed:
            if len(self._filed) > MOST_KEPT:
                self._filed.clear()
            span = self.before(session, day), self.before(session, day + timedelta(days=1))
            self._filed[day] = filed_between(session, *span)
        return self._filed[day]


def filed_between(session: Session, after: int, until: int) -> dict[int, int]:
    """Source → the reports that it filed between two revisions."""
    filed = (
        select(col(Record.source), func.count())
        .select_from(Report)
        .join(Record, col(Record.key) == col(Report.record))
        .where(col(Report.since) > after, col(Report.since) <= until, col(Report.stated) == col(Report.since))
        .group_by(col(Record.source))
    )
    return dict(session.execute(filed).all()) if until > after else {}


def bursts(session: Session, known: FiledByDay) -> list[Burst]:
    """The bursts of the log's last days, the newest first. Versions of reports count as reports do: a key writes
    both. A source's first day is no burst, since it has no habit yet. `known`: what the process has counted before."""
    revision, recorded_at = head(session)
    today = recorded_at.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(DAYS_TOLD)]
    if revision - known.before(session, days[-1]) < LEAST:
        return []  # as on nearly every day: nobody can have filed so many
    told = []
    for day in days:
        over = day != today
        filed = known.filed(session, day) if over else filed_between(session, known.before(session, day), revision)
        for source, reports in sorted(filed.items()):
            usual = _usual(session, known, source, day, reports) if reports >= LEAST else None
            if usual is not None and reports > TIMES * usual:
                told.append(Burst(source, day, reports, usual))
    return told


def warnings(session: Session, known: FiledByDay) -> list[str]:
    """The warning for the operator, without naming a source."""
    return [WARNING] if bursts(session, known) else []


def _usual(session: Session, known: FiledByDay, source: int, day: date, reports: int) -> int | None:
    """The reports of the fullest day of a source's habit before a day; None where the source had not filed before. It
    is looked for only as far as it tells whether `reports` are far more."""
    usual, after = 0, day
    for _ in range(HABIT_DAYS):
        before = after - timedelta(days=1)
        entries = known.before(session, after) - known.before(session, before)
        if entries > usual:  # on a day with fewer the source cannot have filed more
            usual = max(usual, known.filed(session, before).get(source, 0))
        if usual * TIMES >= reports:
            return usual
        after = before
    if usual:
        return usual
    first = session.execute(select(func.min(col(Record.key))).where(col(Record.source) == source)).scalar_one()
    return 0 if first <= known.before(session, day) else None


def operator_warnings(session: Session, filed_by_day: FiledByDay, now: datetime) -> list[str]:
    """The codes of the warnings that stand, for `/readyz` and `recuento status` alike."""
    return [
        *report_versions.warnings(session),
        *warnings(session, filed_by_day),
        *objections.warnings(session, now),
        *erasure.warnings(session),
    ]


def private_warnings(session: Session, now: datetime) -> list[str]:
    """The codes of warnings for `recuento status` alone: anybody can ask `/readyz`, and would learn that something is
    under an embargo."""
    return waiting_reports.warnings(session, now)
