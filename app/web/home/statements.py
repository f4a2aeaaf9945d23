"""Which country and which window a page is about, where its address does not say: the same rule for every registry.

What sources published of what they verified themselves, and on which days most of it lies close together.

What authorities claimed: each figure once, with every beginning that was printed with it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from functools import cached_property
from typing import Any

from app.vocabulary import Measure, Qualifier, Series, SourceKind
from app.web.charts.text import compute_day_number

Claims = Sequence[Mapping[str, Any]]
Sources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class HomeQuestion:
    """What is counted. `country` is None in a registry that knows of none, `released_from` where no beginning is
    usual."""

    country: str | None
    released_from: str | None
    countries: tuple[str, ...]  # that the registry knows of, for whoever asks about another

    @property
    def terms(self) -> dict[str, str | None]:
        return {"country": self.country, "released_from": self.released_from}


def build_question(page_terms: Mapping[str, Any], claims: Claims, groups: Claims, sources: Sources) -> HomeQuestion:
    """`page_terms`: the terms in the address; `groups`: releases by country."""
    releases_by_country = {group["country"]: group["releases"] for group in groups if group["country"]}
    claims_by_country = Counter(
        claim["country"] for claim in claims if claim["country"] and claim["measure"] == Measure.RELEASED
    )
    known_countries = sorted(
        {*claims_by_country, *(country for country, number in releases_by_country.items() if number)}
    )
    country = page_terms.get("country") or max(
        known_countries,
        key=lambda code: (claims_by_country[code], releases_by_country.get(code, 0), [-ord(letter) for letter in code]),
        default=None,
    )
    country_claims = [claim for claim in claims if claim["country"] == country]
    return HomeQuestion(
        country,
        page_terms.get("released_from") or find_usual_beginning(country_claims, sources),
        tuple(known_countries),
    )


def find_usual_beginning(claims: Claims, sources: Sources) -> str | None:
    """From when most figures of independent sources count; of beginnings that as many use, the latest."""
    verifying = (claim for claim in claims if sources.get(claim["claimant"] or "", {}).get("independent"))
    return find_commonest_beginning(
        claim["window_from"]
        for claim in verifying
        if claim["measure"] == Measure.RELEASED and claim["series"] == Series.CUMULATIVE
    )


def find_commonest_beginning(beginnings: Iterable[str | None]) -> str | None:
    """The beginning that most have; of those that as many have, the latest."""
    times = Counter(beginning for beginning in beginnings if beginning)
    return max(times, key=lambda beginning: (times[beginning], beginning), default=None)


DAY_LENGTH = len("2026-01-13")
HOUR_MARK = "T"  # stands in an instant, and in no day
MIN_FIGURES = 3  # fewer contradict each other in no way that hours would show


def list_own_figures(claims: Claims, slug: str, released_from: str | None) -> list[dict[str, Any]]:
    """The running totals that a source published of this window, each once, in the order of their hours."""
    figures: dict[tuple[object, ...], dict[str, Any]] = {}
    for claim in claims:
        is_own_total = (
            claim["claimant"] == slug and len(claim["stated_at"]) >= DAY_LENGTH and claim["series"] == Series.CUMULATIVE
        )
        if is_own_total and claim["qualifier"] == Qualifier.EXACTLY and claim["window_from"] == released_from:
            # The same number of the same day, once with its hour and once without, is one figure.
            figures.setdefault((claim["low"], claim["stated_at"][:DAY_LENGTH]), dict(claim))
    return list(figures.values())


def parse_stated_moment(claim: Mapping[str, Any], zone: tzinfo) -> datetime:
    """When a figure was stated, on the clock of the registry; of one without an hour the day as it was said, which has
    an end of its own in each zone."""
    if HOUR_MARK in claim["stated_at"]:
        return datetime.fromisoformat(claim["at"]).astimezone(zone)
    return datetime.combine(date.fromisoformat(claim["stated_at"]), time.max, zone)


def compute_time_span(claim: Mapping[str, Any], local: datetime) -> tuple[float, float]:
    """An hour, or a day from its beginning to its end where none was given."""
    if "T" in str(claim["stated_at"]):
        return compute_day_number(local), compute_day_number(local)
    return float(local.toordinal()), local.toordinal() + 1.0


def choose_zoom_start(figures_by_day: Mapping[date, int], contested_day: date | None) -> date | None:
    """The first of two days in a row: those around the contested one on which most figures were published, or of all.

    `figures_by_day`: how many figures of drawn sources each day has."""
    if contested_day is not None:
        starts = [contested_day.toordinal() - 1, contested_day.toordinal()]
    else:
        starts = sorted({day.toordinal() + shift for day in figures_by_day for shift in (-1, 0)})
    numbers = {
        start: sum(figures_by_day.get(date.fromordinal(start + shift), 0) for shift in (0, 1)) for start in starts
    }  # fmt: skip
    best = max(starts, key=lambda start: (numbers[start], -start), default=None)
    return None if best is None or numbers[best] < MIN_FIGURES else date.fromordinal(best)


MAX_RECONCILED = 8  # claims that are set against the registry on their own window: as many as the chart draws


@dataclass(frozen=True)
class Statement:
    """A figure of one claimant on one day. `claims`: each printing of it, that which says most of itself first."""

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
        return bool(self.claim["series"] == Series.CUMULATIVE)


def is_authority(slug: str | None, sources: Sources) -> bool:
    """Whether a claimant is a government, or speaks for one: told as an authority, never as independent."""
    source = sources.get(slug or "")
    return source is not None and not source["independent"] and source["kind"] == SourceKind.GOVERNMENT


def group_statements(claims: Claims, sources: Sources, zone: tzinfo) -> list[Statement]:
    """The authorities' statements, in the order of their hours."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for claim in claims:
        if is_authority(claim["claimant"], sources) and len(claim["stated_at"] or "") >= len("2026-01-13"):
            day = parse_stated_moment(claim, zone).date()
            key = claim["claimant"], claim["low"], claim["high"], claim["qualifier"], claim["series"], day
            groups.setdefault(key, []).append(claim)
    usual = find_commonest_beginning(claim["window_from"] for group in groups.values() for claim in group)
    return [_build_statement(group, usual, zone) for group in groups.values()]


def _build_statement(group: list[Mapping[str, Any]], usual: str | None, zone: tzinfo) -> Statement:
    # A printing with the usual beginning is the one that others can be set beside.
    sorted_claims = sorted(group, key=lambda claim: (claim["window_from"] != usual, not claim["window_from"]))
    local = parse_stated_moment(sorted_claims[0], zone)
    moment = compute_day_number(local) if "T" in sorted_claims[0]["stated_at"] else local.toordinal() + 0.5
    beginnings = tuple(sorted({str(claim["window_from"]) for claim in group if claim["window_from"]}))
    return Statement(tuple(sorted_claims), local.date().isoformat(), moment, beginnings)


def find_contested_statement(
    candidates: Iterable[Statement], max_verified_by_day: Mapping[str, int], published_days: set[str]
) -> Statement | None:
    """The cumulative figure that on its day stood farthest from what any source had verified, as a multiple of it.

    `max_verified_by_day`: by day, the most that one source had verified by its end; `published_days`: the days on which independent
    sources published a figure, which go before others, for there the reader was given both. Of two as far, the later.
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
    """Which are shown first where not all can be: the contested one, the last that can be set against the registry,
    then running totals by their size, then figures of one occasion."""
    first_ids = [statement.id for statement in (contested_statement, last) if statement is not None]

    def rank(statement: Statement) -> tuple[Any, ...]:
        place = first_ids.index(statement.id) if statement.id in first_ids else len(first_ids)
        return place, not statement.is_cumulative, -statement.size, statement.moment

    return sorted(unranked_statements, key=rank)
