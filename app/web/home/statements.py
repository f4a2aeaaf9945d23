"""Rules that select what the first page shows, for any registry: days to zoom into, and authorities' claims.

Printings of one figure are grouped into a `Statement`, with every published beginning.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from functools import cached_property
from typing import Any

from app.vocabulary import Qualifier, Series, SourceKind
from app.web.charts.text import compute_day_number

Claims = Sequence[Mapping[str, Any]]
Sources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class HomeQuestion:
    """What is counted. `country` is None if the registry has none, `released_from` if no setting names a first day."""

    country: str | None
    released_from: str | None
    countries: tuple[str, ...]  # of the registry, to choose from

    @property
    def terms(self) -> dict[str, str | None]:
        return {"country": self.country, "released_from": self.released_from}


def find_commonest_beginning(beginnings: Iterable[str | None]) -> str | None:
    """Return the most frequent beginning; of equally frequent ones, the latest."""
    times = Counter(beginning for beginning in beginnings if beginning)
    return max(times, key=lambda beginning: (times[beginning], beginning), default=None)


DAY_LENGTH = len("2026-01-13")
MIN_FIGURES = 3  # fewer show no contradiction by the hour


def list_own_figures(claims: Claims, slug: str, released_from: str | None) -> list[dict[str, Any]]:
    """Return a source's published running totals for this window, each once, by hour."""
    figures: dict[tuple[object, ...], dict[str, Any]] = {}
    for claim in claims:
        is_own_total = (
            claim["claimant"] == slug and len(claim["stated_at"]) >= DAY_LENGTH and claim["series"] == Series.CUMULATIVE
        )
        if is_own_total and claim["qualifier"] == Qualifier.EXACTLY and claim["window_from"] == released_from:
            # The same number on the same day, with and without its hour, is one figure.
            figures.setdefault((claim["low"], claim["stated_at"][:DAY_LENGTH]), dict(claim))
    return list(figures.values())


def parse_stated_moment(claim: Mapping[str, Any], zone: tzinfo) -> datetime:
    """Parse when a figure was stated, in the registry's time zone. Without an hour it is the plain day, whose end
    differs by zone."""
    if "T" in claim["stated_at"]:  # an instant, not a day
        return datetime.fromisoformat(claim["at"]).astimezone(zone)
    return datetime.combine(date.fromisoformat(claim["stated_at"]), time.max, zone)


def compute_time_span(claim: Mapping[str, Any], local: datetime) -> tuple[float, float]:
    """Return an instant twice, or the beginning and end of a day."""
    if "T" in str(claim["stated_at"]):
        return compute_day_number(local), compute_day_number(local)
    return float(local.toordinal()), local.toordinal() + 1.0


def choose_zoom_start(figures_by_day: Mapping[date, int], contested_day: date | None) -> date | None:
    """Return the first of two consecutive days with most published figures, among those around the contested day if
    there is one.

    `figures_by_day`: numbers of figures of the drawn sources.
    """
    if contested_day is not None:
        starts = [contested_day.toordinal() - 1, contested_day.toordinal()]
    else:
        starts = sorted({day.toordinal() + shift for day in figures_by_day for shift in (-1, 0)})
    numbers = {
        start: sum(figures_by_day.get(date.fromordinal(start + shift), 0) for shift in (0, 1)) for start in starts
    }  # fmt: skip
    best = max(starts, key=lambda start: (numbers[start], -start), default=None)
    return None if best is None or numbers[best] < MIN_FIGURES else date.fromordinal(best)


MAX_RECONCILED = 8  # claims compared on their own window: as many as the chart draws


@dataclass(frozen=True)
class Statement:
    """A figure of one claimant on one day. `claims`: its printings, the most complete first."""

    claims: tuple[Mapping[str, Any], ...]
    day: str
    moment: float
    beginnings: tuple[str, ...]

    @property
    def claim(self) -> Mapping[str, Any]:
        return self.claims[0]

    @property
    def id(self) -> str:
        return str(self.claim["id"])

    @property
    def has_hour(self) -> bool:
        return "T" in self.claim["stated_at"]

    @cached_property
    def size(self) -> int:
        return int(self.claim["low"] if self.claim["low"] is not None else self.claim["high"])

    @property
    def is_cumulative(self) -> bool:
        """Whether it is a running total; a part of another figure is none."""
        return bool(self.claim["series"] == Series.CUMULATIVE) and not self.claim.get("part_of")


def is_authority(slug: str | None, sources: Sources) -> bool:
    """Return whether a claimant is a government or its spokesperson: shown as an authority, never as independent."""
    source = sources.get(slug or "")
    return source is not None and not source["independent"] and source["kind"] == SourceKind.GOVERNMENT


def group_statements(claims: Claims, sources: Sources, zone: tzinfo) -> list[Statement]:
    """Group the authorities' claims into statements, by hour."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for claim in claims:
        if is_authority(claim["claimant"], sources) and len(claim["stated_at"] or "") >= len("2026-01-13"):
            day = parse_stated_moment(claim, zone).date()
            key = claim["claimant"], claim["low"], claim["high"], claim["qualifier"], claim["series"], day
            groups.setdefault(key, []).append(claim)
    usual = find_commonest_beginning(claim["window_from"] for group in groups.values() for claim in group)
    return [_build_statement(group, usual, zone) for group in groups.values()]


def _build_statement(group: list[Mapping[str, Any]], usual: str | None, zone: tzinfo) -> Statement:
    # The printing with the usual beginning is comparable with other figures.
    sorted_claims = sorted(group, key=lambda claim: (claim["window_from"] != usual, not claim["window_from"]))
    local = parse_stated_moment(sorted_claims[0], zone)
    moment = compute_day_number(local) if "T" in sorted_claims[0]["stated_at"] else local.toordinal() + 0.5
    beginnings = tuple(sorted({str(claim["window_from"]) for claim in group if claim["window_from"]}))
    return Statement(tuple(sorted_claims), local.date().isoformat(), moment, beginnings)


def find_contested_statement(
    candidates: Iterable[Statement], max_verified_by_day: Mapping[str, int], published_days: set[str]
) -> Statement | None:
    """Return the cumulative figure that differed most from the verified counts of its day, as a ratio; of equal ones,
    the latest.

    `max_verified_by_day`: by day, the most that one source had verified at its end. `published_days`: days on which
    independent sources published a figure; they take precedence, because readers saw both figures.
    """
    comparable_statements = [
        statement for statement in candidates if statement.is_cumulative and statement.claim["low"] is not None
    ]
    return max(
        comparable_statements,
        key=lambda statement: (
            statement.day in published_days,
            statement.size / max(max_verified_by_day.get(statement.day, 0), 1),
            statement.moment,
        ),
        default=None,
    )


def rank_statements(
    unranked_statements: Iterable[Statement], contested_statement: Statement | None, last: Statement | None
) -> list[Statement]:
    """Rank statements for display: the contested one, the last comparable one, running totals by size, then figures
    of single events."""
    first_ids = [statement.id for statement in (contested_statement, last) if statement is not None]

    def rank(statement: Statement) -> tuple[Any, ...]:
        place = first_ids.index(statement.id) if statement.id in first_ids else len(first_ids)
        return place, not statement.is_cumulative, -statement.size, statement.moment

    return sorted(unranked_statements, key=rank)
