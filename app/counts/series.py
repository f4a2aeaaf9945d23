"""Counts as they grew: one line for each source, one for all together, and the published figures beside them.

`by=known` asks at the end of each interval what was known by then; `by=event` asks today what had happened by then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.counts import terms as wording
from app.counts.claims.figures import WHO_SAYS, Figure, figures_at
from app.counts.selection import COUNTING, select_releases
from app.counts.tally import by_slug, count_releases
from app.counts.terms import CountTerms, Interval
from app.dates import Unit, format_instant
from app.errors import Invalid
from app.log.entries import last_revision_at
from app.models import Entry, Standing
from app.registry.claims import ClaimTermsIn
from app.registry.policy import Reader
from app.vocabulary import Measure

Row = dict[str, Any]
# Each point is a count of its own; a year by days, and far more than a screen can show.
MOST_POINTS = 400
TOO_MANY = f"This would be more than {MOST_POINTS} points: ask for weeks or months, or for fewer days."
STEP: dict[Interval, Unit] = {"day": "day", "week": "week", "month": "month"}


@dataclass(frozen=True)
class Asked:
    """A series as asked: which intervals, what a day is, and whether by knowledge or by event."""

    interval: Interval
    by: str
    zone: timezone


def series(session: Session, terms: CountTerms, asked: Asked, reader: Reader, revision: int) -> Row:
    """`{"terms", "points", "series", "claims"}`; every number is cumulative from the beginning of the window.

    `series` holds for each source its verified releases, `points` the totals, both at the end of each interval;
    `claims` the figures stated from the first day to the last. Raises Invalid for more than MOST_POINTS.
    """
    terms = by_slug(session, terms)
    said = {**wording.echo(terms), "interval": asked.interval, "by": asked.by}
    said.pop("group_by", None)
    span = _span(session, terms, asked, reader, revision)
    ends = list(_ends(*span, asked.interval)) if span else []
    # On days on which nothing was recorded or nothing can have happened, the question is that of the day before.
    questions = {end: _question(session, terms, asked, end, revision) for end in ends}
    answers = {question: _count(session, terms, reader, question) for question in set(questions.values())}
    counted = [(end, answers[question]) for end, question in questions.items()]
    sources = sorted({group["source"] for _end, count in counted for group in count["groups"] if group["verified"]})
    return {
        "revision": revision,
        "terms": said,
        "points": [_total(end, count) for end, count in counted],
        "series": [{"source": slug, "points": [_line(end, count, slug) for end, count in counted]} for slug in sources],
        "claims": [_claim(figure) for figure in _claims(session, terms, asked.zone, *span, revision)] if span else [],
        "permalink": wording.link("/v1/counts/series", {**said, "zone": _offset(asked.zone)}, revision),
    }


def _offset(zone: timezone) -> str:
    """As it may be asked for again; Python names a fixed offset `UTC-04:00`."""
    return str(zone).removeprefix("UTC") or "Z"


class _Question(NamedTuple):
    """What is asked at the end of an interval: the releases until a day, as known at a revision."""

    released_to: str | None
    revision: int


def _question(session: Session, terms: CountTerms, asked: Asked, end: date, revision: int) -> _Question:
    if asked.by == "known":
        known = last_revision_at(session, datetime.combine(end, time.max, asked.zone))
        return _Question(terms.released_to, min(known, revision))
    last = terms.window[1]
    to = end if last is None else min(end, date.fromordinal(last))
    return _Question(to.isoformat(), revision)


def _count(session: Session, terms: CountTerms, reader: Reader, question: _Question) -> Row:
    by_source = terms.model_copy(update={"group_by": ["source"], "released_to": question.released_to})
    return count_releases(session, by_source, reader, question.revision)


def _total(end: date, count: Row) -> Row:
    names = ("releases", "verified", "contested", "reported")
    return {"on": end.isoformat(), "revision": count["revision"], **{name: count["total"][name] for name in names}}


def _line(end: date, count: Row, slug: str) -> Row:
    verified = next((group["verified"] for group in count["groups"] if group["source"] == slug), 0)
    return {"on": end.isoformat(), "verified": verified}


def _ends(first: date, last: date, interval: Interval) -> Iterator[date]:
    """The last day of every interval from the first day to the last, which ends the last interval early."""
    end, number = _end_of(first, interval), 0
    while True:
        number += 1
        if number > MOST_POINTS:
            raise Invalid.at("/interval", "too_many_points", TOO_MANY)
        yield min(end, last)
        if end >= last:
            return
        end = _end_of(end + timedelta(days=1), interval)


def _end_of(day: date, interval: Interval) -> date:
    if interval == "day":
        return day
    if interval == "week":
        return day + timedelta(days=7 - day.isoweekday())
    following = day.replace(day=28) + timedelta(days=4)
    return following - timedelta(days=following.day)


def _span(session: Session, terms: CountTerms, asked: Asked, reader: Reader, revision: int) -> tuple[date, date] | None:
    """First and last day of a series: of what happened, or of what was recorded; the window narrows both."""
    start, end = (None if edge is None else date.fromordinal(edge) for edge in terms.window)
    if asked.by == "event":
        selection = select_releases(session, terms, reader, revision)
        lo, hi = selection.columns.lo, selection.columns.hi
        within = selection.rows(func.min(lo), func.max(hi)).where(selection.inside, col(Standing.status).in_(COUNTING))
        least, most = session.execute(within).one()
        if least is None:
            return None
        return start or date.fromordinal(least), end or date.fromordinal(most)
    recorded = select(func.min(col(Entry.recorded_at)), func.max(col(Entry.recorded_at))).where(
        col(Entry.revision) <= revision
    )
    begun, ended = session.execute(recorded).one()
    if begun is None:
        return None
    first, last = (moment.astimezone(asked.zone).date() for moment in (begun, ended))
    # Before the window opened nothing of it could be known; what was learned after it closed is known late.
    return (max(first, start) if start and start <= last else first), last


def _claims(
    session: Session, terms: CountTerms, zone: timezone, first: date, last: date, revision: int
) -> list[Figure]:
    """Figures of the same releases, in the country and at the stage asked for, stated within the series."""
    figures = figures_at(session, revision)
    said = wording.echo(terms)
    of_whom = {name: said[name] for name in ClaimTermsIn.model_fields.keys() & said.keys() - WHO_SAYS - {"stage"}}
    found = [
        figure
        for figure in figures.by_id.values()
        if figure.said["measure"] == Measure.RELEASED
        and figure.bounds != (None, None)
        and not figure.misprint
        and figure.stage == terms.stage
        and figure.of_whom == of_whom
        and figure.id not in figures.superseded
        and terms.country in (None, figure.said.get("country"))
        and figure.instant is not None
        and first <= figure.instant.astimezone(zone).date() <= last
    ]
    return sorted(found, key=lambda figure: (str(figure.instant), figure.since))


def _claim(figure: Figure) -> Row:
    """A published figure as a point (low = high) or a bar; an open bound is null."""
    assert figure.instant is not None
    return {**figure.shown(), "at": format_instant(figure.instant), "series": figure.said.get("series")}
