"""The numbers of a series: what was counted at each of several revisions, and what had happened by each of many days.

The numbers are those of `tally.count`, without all that a series does not show.

Counts as they grew: one line for each source, one for all together, and the published figures beside them.

`by=known` asks at the end of each interval what was known by then; `by=event` asks today what had happened by then.
Only what was known has hours: releases have days."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.claims.figures import WHO_SAYS, Figure, figures_at
from app.columns.loader import Columns
from app.columns.rows import NONE, Array, Cells, Rows, cells
from app.columns.store import FROM, TO, columns_of, over
from app.counts.shapes import Series
from app.counts.tally import not_visible
from app.dates import end_of_day, format_instant, parse_from, zone_name
from app.errors import Invalid
from app.log.entries import last_revision_at, pin, recorded_at
from app.models import OPEN, Source
from app.queries import terms as wording
from app.queries.selection import COUNTING, read_by, with_facility_slug
from app.queries.selection import select as select_counted
from app.queries.selection import select as select_meant
from app.queries.terms import CountTerms, Interval
from app.registry.claims import ClaimTermsIn
from app.registry.publication.permissions import Reader
from app.schemas.counts import Line, PlacedFigure, Point
from app.vocabulary import Measure, Verdict


class Numbers(NamedTuple):
    """Releases by status, how many of them are of people who may only be counted, and how many each source verified, by
    its key and its own days."""

    by_status: dict[str, int]
    counted_apart: int
    by_source: dict[int, int]


_Key = tuple[Any, ...]


class _Side(NamedTuple):
    """Rows that count, with the text of what divides them: for all sources together, or by source."""

    rows: Rows
    cells: Cells
    keys: list[_Key]


def known(session: Session, terms: CountTerms, reader: Reader, revisions: Sequence[int]) -> Iterator[Numbers]:
    """What the terms count at each of these revisions, which ascend.

    A release is a step up at the first of them at which it stood so, and a step down behind the last."""
    at_head, read = columns_of(session), read_by(terms)
    key = "over", tuple(revisions), tuple(read)
    columns = at_head.recent(key, lambda: over(at_head, revisions, read))
    width = len(revisions) + 1

    sides = []
    for side in _sides(session, terms, reader, revisions[-1], columns):
        up, down = (_steps(side, side.cells.number, side.rows[name], width) for name in (FROM, TO))
        sides.append((side.keys, np.cumsum(up - down, axis=1)))
    return _each(sides, len(revisions))


def _each(sides: Sequence[tuple[list[_Key], Array]], points: int) -> Iterator[Numbers]:
    """The numbers of each point, from what the cells of both sides come to by then."""
    for point in range(points):
        yield _numbers(*(dict(zip(keys, sums[:, point].tolist(), strict=True)) for keys, sums in sides))


def _numbers(together: Mapping[_Key, int], own: Mapping[_Key, int]) -> Numbers:
    by_status: dict[str, int] = defaultdict(int)
    for (status, _apart), number in together.items():
        by_status[status] += number
    apart = sum(number for (_status, apart), number in together.items() if apart)
    return Numbers(by_status, apart, {source: number for (source,), number in own.items()})


def growth(
    session: Session, terms: CountTerms, reader: Reader, revision: int, ends: Sequence[date]
) -> Iterator[Numbers]:
    """What the terms count when asked with `released_to` on each of `ends`, which ascend; the last closes the window.

    A release is a step up on the last day on which it may have happened and, net, a step down on the day by which the
    person was surely taken again. A point is the sum of the steps up to it.
    """
    # Net is worked out point by point: a re-arrest by the end of the window is none yet at the points before it.
    gross = terms.model_copy(update={"net": False, "released_to": ends[-1].isoformat()})
    sides = [(side.keys, _sums(side, ends, net=terms.net)) for side in _sides(session, gross, reader, revision)]
    return _each(sides, len(ends))


def _sides(
    session: Session, terms: CountTerms, reader: Reader, revision: int, columns: Columns | None = None
) -> tuple[_Side, _Side]:
    """The releases by status and by whether the person may only be counted; what sources verified, by source."""
    selection = select_meant(session, terms, reader, revision, columns=columns)
    chosen, text = selection.inside & selection.counting, selection.columns.codes.text
    together = cells([selection.together[name][chosen] for name in ("status", "withheld")])
    status, apart = (values.tolist() for values in together.values)
    own = select_meant(session, terms, reader, revision, by_source=True, columns=columns)
    verified = own.inside & (own.rows["verdict"] == own.columns.codes.of(Verdict.VERIFIED))
    by_source = cells([own.rows["source"][verified]])
    return (
        _Side(selection.rows.where(chosen), together, [*zip(map(text, status), apart, strict=True)]),
        _Side(own.rows.where(verified), by_source, [(key,) for key in by_source.values[0].tolist()]),
    )


def _sums(side: _Side, ends: Sequence[date], *, net: bool) -> Array:
    """For each cell how many releases had happened by each end; `net`: without people taken again by then."""
    ordinals = np.array([end.toordinal() for end in ends])
    # One step more than there are ends, for re-arrests after the last.
    width, number, released = len(ends) + 1, side.cells.number, side.rows["hi"]
    steps = _steps(side, number, np.searchsorted(ordinals, released), width)
    if net:
        again = side.rows["next_hi"]
        taken = again != NONE
        days = np.maximum(released, again)[taken]
        steps -= _steps(side, number[taken], np.searchsorted(ordinals, days), width)
    sums: Array = np.cumsum(steps, axis=1)
    return sums


def _steps(side: _Side, number: Array, points: Array, width: int) -> Array:
    """For each cell how many rows there are at each point. `number`: of the cell of each row."""
    return np.bincount(number * width + points, minlength=len(side.cells) * width).reshape(-1, width)


MOST_POINTS = 400  # a year by days, and far more than a screen can show
TOO_MANY = f"This would be more than {MOST_POINTS} points: ask for weeks or months, or for fewer days."
# By knowledge each revision is a count of its own. Two months by days or a year by weeks fit; columns tell 64 apart.
MOST_REVISIONS = 62
TOO_MANY_REVISIONS = (
    f"Something was recorded in more than {MOST_REVISIONS} of these intervals, and each is a count of its own: ask for "
    "weeks or months, for later days (told_from), an earlier as_of, or by=event."
)
NO_HOURS = "Of a release the day is known and no hour: ask by=known, which has hours, or for days."
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Steps:
    """The steps of a series: its intervals, the zone in which its days end, whether it grows by knowledge or by event,
    and from which day on its points are told. Whatever was known before that day counts at the first of them."""

    interval: Interval
    by: str
    zone: tzinfo
    told_from: str | None = None


def series(session: Session, terms: CountTerms, steps: Steps, reader: Reader, revision: int) -> Series:
    """Every number is cumulative from the beginning of the window.

    `series` holds for each source its verified releases, `points` the totals, both at the end of each interval;
    `claims` the figures stated from the first day to the last. With a personal term beside them `not_visible`, as of
    the revision read. Raises Invalid for more than MOST_POINTS or MOST_REVISIONS, and for hours of events.
    """
    if steps.interval == "hour" and steps.by == "event":
        raise Invalid.at("/interval", "no_hours", NO_HOURS)
    terms = with_facility_slug(session, terms)
    echoed = {**wording.echo(terms), "interval": steps.interval, "by": steps.by, "zone": zone_name(steps.zone)}
    echoed.pop("group_by", None)
    if steps.told_from is not None:
        echoed["told_from"] = steps.told_from
    span = _span(session, terms, steps, reader, revision)
    points = _points(session, terms, steps, reader, revision, span) if span else []
    return {
        "terms": echoed,
        "points": [_total(point) for point in points],
        "series": [_line(slug, key, points) for slug, key in _sources(session, points)],
        "claims": [_claim(figure) for figure in _claims(session, terms, steps.zone, *span, revision)] if span else [],
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/counts/series", echoed, pin(session, revision)),
    }


class _Point(NamedTuple):
    """What is counted at the end of an interval, as known at a revision."""

    on: str
    revision: int
    numbers: Numbers


def _points(
    session: Session, terms: CountTerms, steps: Steps, reader: Reader, revision: int, span: tuple[date, date]
) -> list[_Point]:
    if steps.by == "event":
        ends = list(_ends(*span, steps.interval))
        return [
            _Point(end.isoformat(), revision, numbers)
            for end, numbers in zip(ends, growth(session, terms, reader, revision, ends), strict=True)
        ]
    closing = _closing(session, steps, *span, revision)
    # A day on which nothing was recorded has the numbers of the day before.
    revisions: list[int] = []
    different: dict[int, None] = {}
    for _on, moment in closing:
        revisions.append(min(last_revision_at(session, moment), revision))
        different[revisions[-1]] = None
        if len(different) > MOST_REVISIONS:
            raise Invalid.at("/interval", "too_many_points", TOO_MANY_REVISIONS)
    numbers = dict(zip(different, known(session, terms, reader, [*different]), strict=True))
    return [_Point(on, past, numbers[past]) for (on, _moment), past in zip(closing, revisions, strict=True)]


def _closing(
    session: Session, steps: Steps, first: date, last: date, revision: int
) -> list[tuple[str, datetime]]:  # fmt: skip
    """The moments of which points tell what was known, each with how it is said: a day for its end, an hour as the
    instant at which it ends. Hours go on to the one in which the revision was recorded."""
    if steps.interval != "hour":
        return [(end.isoformat(), end_of_day(end, steps.zone)) for end in _ends(first, last, steps.interval)]
    newest = recorded_at(session, revision)
    moment = datetime.combine(first, time.min, steps.zone).astimezone(UTC)
    closing = [moment]
    while moment < newest and moment < end_of_day(last, steps.zone):
        if len(closing) == MOST_POINTS:
            raise Invalid.at("/interval", "too_many_points", TOO_MANY)
        moment += HOUR
        closing.append(moment)
    return [(format_instant(moment), moment) for moment in closing]


def _total(point: _Point) -> Point:
    verified, contested, reported = (point.numbers.by_status.get(status, 0) for status in COUNTING)
    return {
        "on": point.on,
        "revision": point.revision,
        "releases": verified + contested + reported,
        "verified": verified,
        "contested": contested,
        "reported": reported,
        "counted_apart": point.numbers.counted_apart,
    }


def _line(slug: str, key: int, points: Sequence[_Point]) -> Line:
    return {
        "source": slug,
        "points": [{"on": point.on, "verified": point.numbers.by_source.get(key, 0)} for point in points],
    }


def _sources(session: Session, points: Sequence[_Point]) -> list[tuple[str, int]]:
    """`(slug, key)` of the sources that verified anything at any point."""
    keys = {key for point in points for key, number in point.numbers.by_source.items() if number}
    slugs = select(col(Source.slug), col(Source.key)).where(col(Source.key).in_(keys), col(Source.until) == OPEN)
    return sorted((slug, key) for slug, key in session.execute(slugs))


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


def _span(session: Session, terms: CountTerms, steps: Steps, reader: Reader, revision: int) -> tuple[date, date] | None:
    """First and last day of a series: of what happened, or of what was recorded; the window narrows both."""
    start, end = (None if edge is None else date.fromordinal(edge) for edge in terms.window)
    if steps.by == "event":
        # Gross: net leaves out people taken again within the window, and would cut off the days on which they counted.
        gross = terms.model_copy(update={"net": False})
        counted = select_counted(session, gross, reader, revision)
        dated = counted.rows.where(counted.inside & counted.counting & (counted.rows["lo"] != NONE))
        if not len(dated):
            return None
        least, most = int(dated["lo"].min()), int(dated["hi"].max())
        return start or date.fromordinal(least), end or date.fromordinal(most)
    if not revision:
        return None
    first, last = (recorded_at(session, one).astimezone(steps.zone).date() for one in (1, revision))
    # Before the window opened nothing of it could be known; what was learned after it closed is known late.
    told = steps.told_from and date.fromordinal(parse_from(steps.told_from))
    return max(day for day in (first, start, told) if day and (day is first or day <= last)), last


def _claims(session: Session, terms: CountTerms, zone: tzinfo, first: date, last: date, revision: int) -> list[Figure]:
    """Figures of the same releases, in the country and at the stage asked for, stated within the series."""
    figures = figures_at(session, revision)
    echoed = wording.echo(terms)
    if terms.not_nationality:
        return []  # no claim is defined so
    of_whom = {name: echoed[name] for name in ClaimTermsIn.model_fields.keys() & echoed.keys() - WHO_SAYS - {"stage"}}
    if len(terms.nationality) == 1:
        of_whom |= {"nationality": terms.nationality[0]}  # as a claim's definition has it, which names one
    alike = [
        figure
        for figure in figures.by_id.values()
        if figure.filed["measure"] == Measure.RELEASED
        and figure.bounds != (None, None)
        and not figure.misprint
        and figure.stage == terms.stage
        and figure.of_whom == of_whom
        and figure.id not in figures.superseded
        and terms.country in (None, figure.filed.get("country"))
        and figure.instant is not None
        and first <= figure.instant.astimezone(zone).date() <= last
    ]
    return sorted(alike, key=lambda figure: (str(figure.instant), figure.stated))


def _claim(figure: Figure) -> PlacedFigure:
    """A published figure as a point (low = high) or a bar; an open bound is null."""
    assert figure.instant is not None
    return {**figure.shown(), "at": format_instant(figure.instant), "series": figure.filed.get("series")}
