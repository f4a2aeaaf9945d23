"""Bursts: days on which a source filed far more reports than it is used to. A stolen key looks like that.

Read from the log's days and nothing else. A burst is told to whoever runs the registry and to its curators; nothing
follows by itself, for an honest source that empties its archive looks the same.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.log.entries import head, last_revision_at
from app.models import Record, Report

# Days that are told, the log's last one included: a curator who comes once a week sees each.
DAYS_TOLD = 7
# Days before a day in which its source's habit is looked for: lists that come every quarter are habit.
HABIT_DAYS = 92
# Fewer a curator can read through; a source that files three a day is free to file thirty.
LEAST = 100
# So many times the fullest day before. A list grows, and two of them may come on one day.
TIMES = 5
WARNING = "report_burst"


@dataclass(frozen=True, slots=True)
class Burst:
    """A day on which a source filed far more reports than on any day before. `usual`: on the fullest of those."""

    source: int
    day: date
    reports: int
    usual: int


def bursts(session: Session) -> list[Burst]:
    """The bursts of the log's last days, the newest first. Versions of reports count as reports do: a key writes
    both. A source's first day is no burst, since it has no habit yet."""
    revision, recorded_at = head(session)
    today = recorded_at.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(DAYS_TOLD)]
    if revision - _revision_before(session, days[-1]) < LEAST:
        return []  # as on nearly every day: nobody can have filed so many
    before = [revision, *(_revision_before(session, day) for day in days)]
    told = []
    for day, (last, first) in zip(days, pairwise(before), strict=True):
        for source, reports in _by_source(session, first, last):
            usual = _usual(session, source, day, reports)
            if usual is not None and reports > TIMES * usual:
                told.append(Burst(source, day, reports, usual))
    return told


def warnings(session: Session) -> list[str]:
    """The warning for the operator, without naming a source."""
    return [WARNING] if bursts(session) else []


def _revision_before(session: Session, day: date) -> int:
    """The last revision before a day (UTC)."""
    midnight = datetime.combine(day, time.min, UTC)
    return last_revision_at(session, midnight - timedelta(microseconds=1))


def _by_source(session: Session, after: int, until: int) -> list[tuple[int, int]]:
    """`(source, reports)` of the sources that filed many reports between two revisions."""
    if until - after < LEAST:
        return []
    filed = (
        select(col(Record.source), func.count())
        .select_from(Report)
        .join(Record, col(Record.key) == col(Report.record))
        .where(col(Report.since) > after, col(Report.since) <= until)
        .group_by(col(Record.source))
        .having(func.count() >= LEAST)
        .order_by(col(Record.source))
    )
    return [(source, number) for source, number in session.execute(filed)]


def _usual(session: Session, source: int, day: date, reports: int) -> int | None:
    """The number of reports on the fullest day of a source's habit before a day; None where the source had not filed
    before. It is looked for only as far as it tells whether `reports` are far more."""
    before = [_revision_before(session, day - timedelta(days=back)) for back in range(HABIT_DAYS + 1)]
    spans = sorted(pairwise(before), key=lambda span: span[1] - span[0])  # the fullest days of the log first
    usual = 0
    for last, first in spans:
        if last - first <= usual:
            break  # no emptier day can be fuller for this source
        of_day = (
            select(func.count())
            .select_from(Report)
            .join(Record, col(Record.key) == col(Report.record))
            .where(col(Report.since) > first, col(Report.since) <= last, col(Record.source) == source)
        )
        usual = max(usual, session.execute(of_day).scalar_one())
        if usual * TIMES >= reports:
            break
    if usual:
        return usual
    first_ever = session.execute(select(func.min(col(Record.key))).where(col(Record.source) == source)).scalar_one()
    return 0 if first_ever <= before[0] else None
