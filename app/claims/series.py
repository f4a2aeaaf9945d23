"""Compute counts over time: one line per source, one for all sources, and the published figures.

With `by=known` a point is what was known at the end of its interval; with `by=event` it is what, as known at the
revision read, had happened by then. Only `by=known` supports hours: releases have days. The numbers equal those of
`tally.compute_count`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.claims.coverage import select_figures
from app.claims.figures import Figure, load_figures
from app.columns.loader import Columns
from app.columns.rows import NULL, Array, Cells, Rows, count_cells, is_any_of
from app.columns.store import BEGIN_COLUMN, END_COLUMN, build_columns_at_revisions, get_columns
from app.counts.groups import build_links
from app.counts.shapes import CountSeries, Line, PlacedFigure, Point
from app.counts.tally import count_not_visible
from app.dates import LAST_DAY, end_of_day, format_instant, format_zone, parse_window_start
from app.errors import Invalid
from app.log.entries import find_revision_at, load_recorded_at, pin_revision
from app.models import OPEN, Source
from app.queries import addresses
from app.queries.selection.build import Selection, build_selection
from app.queries.selection.rows import COUNTABLE_STATUSES, list_reads, load_confirmations, match_approved
from app.queries.shapes import build_revision_out
from app.queries.term_names import find_unknown_values, resolve_places
from app.queries.terms import CountTerms, Interval
from app.registry.publication.permissions import Reader
from app.translations import Message
from app.vocabulary import ReleaseStatus


class PointCounts(NamedTuple):
    """The numbers of one point.

    `by_status`: releases by status. `unlinkable`: releases of unlinkable people. `by_source`: releases that each source
    verified, by source key and on the source's own days."""

    by_status: dict[str, int]
    unlinkable: int
    by_source: dict[int, int]


_CellKey = tuple[Any, ...]


class _Side(NamedTuple):
    """The counted rows, their cells and the text keys of the cells: for all sources together, or by source."""

    rows: Rows
    cells: Cells
    keys: list[_CellKey]


def count_at_revisions(
    session: Session, terms: CountTerms, reader: Reader, revisions: Sequence[int]
) -> Iterator[PointCounts]:
    """Yield the counts at each of these ascending revisions.

    A release adds 1 at the first revision at which its row is valid, and subtracts 1 after the last."""
    at_head, table_reads = get_columns(session), list_reads(terms)
    key = "revisions", tuple(revisions), tuple(table_reads)
    columns = at_head.get_recent(key, lambda: build_columns_at_revisions(at_head, revisions, table_reads))
    width = len(revisions) + 1

    sides = []
    for side in _select_sides(session, terms, reader, revisions[-1], columns):
        entries, exits = (_count_steps(side.cells, side.rows[name], width) for name in (BEGIN_COLUMN, END_COLUMN))
        sides.append((side.keys, np.cumsum(entries - exits, axis=1)))
    return _iterate_points(sides, len(revisions))


def _iterate_points(sides: Sequence[tuple[list[_CellKey], Array]], points: int) -> Iterator[PointCounts]:
    """Yield the numbers of each point from the cumulative sums of the cells of both sides."""
    for point in range(points):
        yield _build_point_counts(*(dict(zip(keys, sums[:, point].tolist(), strict=True)) for keys, sums in sides))


def _build_point_counts(total_numbers: Mapping[_CellKey, int], source_numbers: Mapping[_CellKey, int]) -> PointCounts:
    by_status: dict[str, int] = defaultdict(int)
    for (status, _unlinkable), number in total_numbers.items():
        by_status[status] += number
    unlinkable = sum(number for (_status, unlinkable), number in total_numbers.items() if unlinkable)
    return PointCounts(by_status, unlinkable, {source: number for (source,), number in source_numbers.items()})


def count_at_days(
    session: Session, terms: CountTerms, reader: Reader, revision: int, ends: Sequence[date]
) -> Iterator[PointCounts]:
    """Yield the counts with the window closed on each of these ascending days; the last one closes it for good.

    A release adds 1 on the last day on which it may have happened. It counts as verified from the day by which a
    source has confirmed it (rule 6). In a net count it subtracts 1 on the day by which the person was surely detained
    again. A point is the sum of the steps up to it."""
    # Applied at each point: what happens by the end of the window has not happened yet at earlier points.
    unapplied: dict[str, Any] = {"net": False, "status": [], "min_sources": None, "max_sources": None}
    whole = terms.model_copy(update={**unapplied, f"{terms.window_event}_to": ends[-1].isoformat()})
    total = build_selection(session, whole, reader, revision)
    own = build_selection(session, whole, reader, revision, by_source=True)
    confirming_rows = load_confirmations(total.columns, whole, revision)
    confirmations = _Confirmations(total.columns.key_count, confirming_rows["spell"], confirming_rows["hi"])
    total = total.where(total.is_inside & total.is_countable)
    own = own.where(own.is_inside & match_approved(own.columns, own.rows))
    spans = _list_spans(total, confirmations, terms)
    total_cells = count_cells([spans.status, total.consolidated_rows["withheld"][spans.place]])
    status, unlinkable = (values.tolist() for values in total_cells.values)
    total_keys = [*zip(map(total.columns.codes.text, status), unlinkable, strict=True)]
    own_spans = _list_spans(own, confirmations, terms)
    own_cells = count_cells([own.rows["source"][own_spans.place]])
    own_keys = [(key,) for key in own_cells.values[0].tolist()]
    sides: list[tuple[list[_CellKey], Array]] = [
        (total_keys, _sum_up_to_ends(spans, total_cells, ends)),
        (own_keys, _sum_up_to_ends(own_spans, own_cells, ends)),
    ]
    return _iterate_points(sides, len(ends))


def _select_sides(
    session: Session, terms: CountTerms, reader: Reader, revision: int, columns: Columns | None = None
) -> tuple[_Side, _Side]:
    """Return the releases by status and linkability, and the verified releases by source."""
    selection = build_selection(session, terms, reader, revision, columns=columns)
    is_counted, text = selection.is_inside & selection.is_countable, selection.columns.codes.text
    total_cells = count_cells([selection.consolidated_rows[name][is_counted] for name in ("status", "withheld")])
    status, unlinkable = (values.tolist() for values in total_cells.values)
    own = build_selection(session, terms, reader, revision, by_source=True, columns=columns)
    is_verified = own.is_inside & match_approved(own.columns, own.rows)
    source_cells = count_cells([own.rows["source"][is_verified]])
    return (
        _Side(selection.rows.where(is_counted), total_cells, [*zip(map(text, status), unlinkable, strict=True)]),
        _Side(own.rows.where(is_verified), source_cells, [(key,) for key in source_cells.values[0].tolist()]),
    )


NEVER = LAST_DAY + 1


class _Confirmations:
    """The days by which one, two or more sources have confirmed each release.

    `spells`, `days`: of each confirmation."""

    def __init__(self, key_count: int, spells: Array, days: Array) -> None:
        order = np.lexsort((days, spells))
        self._key_count, self._spells, self._days = key_count, spells[order], days[order]
        self._ranks = np.arange(1, len(order) + 1) - np.searchsorted(self._spells, self._spells)

    def find_days(self, spells: Array, number: int) -> Array:
        """Return for each spell the day by which this many sources have confirmed it; NEVER if fewer do."""
        if number == 0:
            return np.zeros(len(spells), np.int64)
        days = np.full(self._key_count, NEVER, np.int64)
        days[self._spells[self._ranks == number]] = self._days[self._ranks == number]
        found: Array = days[spells]
        return found


class _Spans(NamedTuple):
    """The days on which rows count with a status, from `begin` to the day before `end`. `place`: of the row."""

    place: Array
    begin: Array
    end: Array
    status: Array


def _list_spans(selection: Selection, confirmations: _Confirmations, terms: CountTerms) -> _Spans:
    """Return when the rows of a selection count, by the terms that depend on the end of the window."""

    def find_days(number: int) -> Array:
        """Return the day by which this many sources have confirmed each row; of rows apart, any day or NEVER."""
        apart_days = np.where(selection.consolidated_rows["independent_verified"] >= number, 0, NEVER)
        return np.where(selection.is_apart, apart_days, confirmations.find_days(spell, number))

    rows, status, codes = selection.rows, selection.consolidated_rows["status"], selection.columns.codes
    spell, begin, end = rows["spell"], rows["hi"].astype(np.int64), np.full(len(rows), NEVER, np.int64)
    if terms.net:
        end = np.where(rows["next_hi"] == NULL, NEVER, rows["next_hi"])
    if terms.min_sources is not None:
        begin = np.maximum(begin, find_days(terms.min_sources))
    if terms.max_sources is not None:
        end = np.minimum(end, find_days(terms.max_sources + 1))
    confirmed = np.where(status == codes.find_code(ReleaseStatus.VERIFIED), confirmations.find_days(spell, 1), 0)
    spans = _Spans(
        np.tile(np.arange(len(rows)), 2),
        np.concatenate([begin, np.maximum(begin, confirmed)]),
        np.concatenate([np.minimum(end, confirmed), end]),
        np.concatenate([np.full(len(rows), codes.find_code(ReleaseStatus.REPORTED), status.dtype), status]),
    )
    counts = spans.begin < spans.end
    if terms.status:
        counts &= is_any_of(spans.status, codes.find_codes(terms.status))
    return _Spans(*(column[counts] for column in spans))


def _sum_up_to_ends(spans: _Spans, cells: Cells, ends: Sequence[date]) -> Array:
    """Return for each cell how many rows count at each end. `cells`: of the spans."""
    ordinals = np.array([end.toordinal() for end in ends])
    # One step more than there are ends, for what happens after the last.
    begins, closes = (
        _count_steps(cells, np.searchsorted(ordinals, days), len(ends) + 1) for days in (spans.begin, spans.end)
    )
    sums: Array = np.cumsum(begins - closes, axis=1)
    return sums


def _count_steps(cells: Cells, points: Array, width: int) -> Array:
    """Return for each cell the number of rows at each point."""
    return np.bincount(cells.cell_numbers * width + points, minlength=len(cells) * width).reshape(-1, width)


MAX_POINTS = 400  # a year by days, far more than a screen can show
TOO_MANY_POINTS = Message("Over {highest} points: ask for weeks or months, or for fewer days.", highest=MAX_POINTS)
# By knowledge each revision is a separate count. Columns distinguish up to 64 revisions.
MAX_REVISIONS = 62
TOO_MANY_REVISIONS = Message(
    "Over {highest} intervals with entries, each a count: ask for weeks or months, later days (told_from) or by=event.",
    highest=MAX_REVISIONS,
)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class SeriesSteps:
    """The steps of a series.

    `interval`: their length. `basis`: `known` or `event`. `zone`: the time zone in which days end. `points_from`: first
    day with points; everything known before that day counts at the first point."""

    interval: Interval
    basis: str
    zone: tzinfo
    points_from: str | None = None


def build_series(session: Session, terms: CountTerms, steps: SeriesSteps, reader: Reader, revision: int) -> CountSeries:
    """Return a series of cumulative numbers from the start of the window.

    `series` has the verified releases of each source and `points` the totals, both at the end of each interval.
    `claims` has the figures stated within the span. `not_visible` is as of the revision read; the address to cite is
    relative. Raise Invalid for more than MAX_POINTS or MAX_REVISIONS, and for hours of events."""
    if steps.interval == "hour" and steps.basis == "event":
        detail = "Of a release the day is known and no hour: ask by=known, which has hours, or for days."
        raise Invalid.at_pointer("/interval", "no_hours", detail)
    terms = resolve_places(session, terms, revision)
    echoed_terms = {
        **addresses.echo_terms(terms),
        "interval": steps.interval,
        "by": steps.basis,
        "zone": format_zone(steps.zone),
    }
    echoed_terms.pop("group_by", None)
    if steps.points_from is not None:
        echoed_terms["told_from"] = steps.points_from
    span = _find_span(session, terms, steps, reader, revision)
    points = _count_points(session, terms, steps, reader, revision, span) if span else []
    return {
        "terms": echoed_terms,
        "at": build_revision_out(session, revision),
        "points": [_format_total_point(point) for point in points],
        "series": [_build_line(slug, key, points) for slug, key in _find_sources(session, points)],
        "claims": [_place_claim(figure) for figure in _find_claims(session, terms, steps.zone, *span, revision)]
        if span
        else [],
        "caveats": {
            "not_visible": count_not_visible(session, terms, reader, revision),
            "unknown_values": find_unknown_values(session, terms, reader, revision),
        },
        "links": build_links("/v1/counts/series", echoed_terms, terms, pin_revision(session, revision)),
    }


class _Point(NamedTuple):
    """The numbers at the end of an interval, as known at a revision."""

    label: str
    revision: int
    numbers: PointCounts


def _count_points(
    session: Session, terms: CountTerms, steps: SeriesSteps, reader: Reader, revision: int, span: tuple[date, date]
) -> list[_Point]:
    if steps.basis == "event":
        ends = list(_list_interval_ends(*span, steps.interval))
        return [
            _Point(end.isoformat(), revision, numbers)
            for end, numbers in zip(ends, count_at_days(session, terms, reader, revision, ends), strict=True)
        ]
    closing = _list_closing_moments(session, steps, *span, revision)
    # A day on which nothing was recorded has the numbers of the day before.
    revisions: list[int] = []
    distinct_revisions: dict[int, None] = {}
    for _label, moment in closing:
        revisions.append(min(find_revision_at(session, moment), revision))
        distinct_revisions[revisions[-1]] = None
        if len(distinct_revisions) > MAX_REVISIONS:
            raise Invalid.at_pointer("/interval", "too_many_points", TOO_MANY_REVISIONS)
    numbers = dict(
        zip(distinct_revisions, count_at_revisions(session, terms, reader, [*distinct_revisions]), strict=True)
    )
    return [
        _Point(label, point_revision, numbers[point_revision])
        for (label, _moment), point_revision in zip(closing, revisions, strict=True)
    ]


def _list_closing_moments(
    session: Session, steps: SeriesSteps, first: date, last: date, revision: int
) -> list[tuple[str, datetime]]:  # fmt: skip
    """Return the moments of the points by knowledge, each with its label.

    The label is the day for the end of a day, or the instant at which an hour ends. Hours run up to the one in which
    the revision was recorded."""
    if steps.interval != "hour":
        return [
            (end.isoformat(), end_of_day(end, steps.zone)) for end in _list_interval_ends(first, last, steps.interval)
        ]
    newest = load_recorded_at(session, revision)
    moment = datetime.combine(first, time.min, steps.zone).astimezone(UTC)
    closing = [moment]
    while moment < newest and moment < end_of_day(last, steps.zone):
        if len(closing) == MAX_POINTS:
            raise Invalid.at_pointer("/interval", "too_many_points", TOO_MANY_POINTS)
        moment += HOUR
        closing.append(moment)
    return [(format_instant(moment), moment) for moment in closing]


def _format_total_point(point: _Point) -> Point:
    verified, contested, reported = (point.numbers.by_status.get(status, 0) for status in COUNTABLE_STATUSES)
    return {
        "on": point.label,
        "revision": point.revision,
        "cases": verified + contested + reported,
        "verified": verified,
        "contested": contested,
        "reported": reported,
        "unlinkable": point.numbers.unlinkable,
    }


def _build_line(slug: str, key: int, points: Sequence[_Point]) -> Line:
    return {
        "source": slug,
        "points": [{"on": point.label, "verified": point.numbers.by_source.get(key, 0)} for point in points],
    }


def _find_sources(session: Session, points: Sequence[_Point]) -> list[tuple[str, int]]:
    """Return `(slug, key)` of the sources that verified a release at any point."""
    keys = {key for point in points for key, number in point.numbers.by_source.items() if number}
    slugs = select(col(Source.slug), col(Source.key)).where(col(Source.key).in_(keys), col(Source.until) == OPEN)
    return sorted((slug, key) for slug, key in session.execute(slugs))


def _list_interval_ends(first: date, last: date, interval: Interval) -> Iterator[date]:
    """Yield the last day of every interval; the last interval ends early, on `last`. Raise Invalid for too many."""
    end = _find_interval_end(first, interval)
    for _number in range(MAX_POINTS):
        yield min(end, last)
        if end >= last:
            return
        end = _find_interval_end(end + timedelta(days=1), interval)
    raise Invalid.at_pointer("/interval", "too_many_points", TOO_MANY_POINTS)


def _find_interval_end(day: date, interval: Interval) -> date:
    if interval == "day":
        return day
    if interval == "week":
        return day + timedelta(days=7 - day.isoweekday())
    following = day.replace(day=28) + timedelta(days=4)
    return following - timedelta(days=following.day)


def find_event_days(session: Session, terms: CountTerms, reader: Reader, revision: int) -> tuple[date, date] | None:
    """Return the first and last day on which a counted release may have happened; None without a dated release."""
    selection = build_selection(session, terms, reader, revision)
    dated_rows = selection.rows.where(selection.is_inside & selection.is_countable & (selection.rows["lo"] != NULL))
    if not len(dated_rows):
        return None
    return date.fromordinal(int(dated_rows["lo"].min())), date.fromordinal(int(dated_rows["hi"].max()))


def _find_span(
    session: Session, terms: CountTerms, steps: SeriesSteps, reader: Reader, revision: int
) -> tuple[date, date] | None:
    """Return the first and last day of a series, of events or of recording; the window narrows both."""
    start, end = (None if edge is None else date.fromordinal(edge) for edge in terms.window)
    if steps.basis == "event":
        # Without the terms that a release may cease to match before the window ends: its days count up to then.
        statuses = [*terms.status, *([ReleaseStatus.VERIFIED] if ReleaseStatus.REPORTED in terms.status else [])]
        lasting = terms.model_copy(update={"net": False, "max_sources": None, "status": statuses})
        days = find_event_days(session, lasting, reader, revision)
        return None if days is None else (start or days[0], end or days[1])
    if not revision:
        return None
    first, last = (
        load_recorded_at(session, edge_revision).astimezone(steps.zone).date() for edge_revision in (1, revision)
    )
    # Nothing about the window could be known before it opened; what was learned after it closed is included.
    points_from = steps.points_from and date.fromordinal(parse_window_start(steps.points_from))
    return max(day for day in (first, start, points_from) if day and (day is first or day <= last)), last


def _find_claims(
    session: Session, terms: CountTerms, zone: tzinfo, first: date, last: date, revision: int
) -> list[Figure]:
    """Return figures of the same releases, country and stage, stated within the series."""
    matching_figures = [
        figure
        for figure in select_figures(load_figures(session, revision), terms)
        if (figure.is_whole or figure.fields.get("series") == "batch")
        and figure.instant is not None
        and first <= figure.instant.astimezone(zone).date() <= last
    ]
    return sorted(matching_figures, key=lambda figure: (str(figure.instant), figure.entry_revision))


def _place_claim(figure: Figure) -> PlacedFigure:
    """Build a published figure as a point (low = high) or a bar; an open bound is null."""
    assert figure.instant is not None
    return {**figure.build_figure_out(), "at": format_instant(figure.instant), "series": figure.fields.get("series")}
