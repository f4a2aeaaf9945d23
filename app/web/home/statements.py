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
from app.web.charts.text import day_number

Claims = Sequence[Mapping[str, Any]]
Sources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """What is counted. `country` is None in a registry that knows of none, `released_from` where no beginning is
    usual."""

    country: str | None
    released_from: str | None
    countries: tuple[str, ...]  # that the registry knows of, for whoever asks about another

    @property
    def terms(self) -> dict[str, str | None]:
        return {"country": self.country, "released_from": self.released_from}


def question_of(given: Mapping[str, Any], claims: Claims, groups: Claims, sources: Sources) -> Question:
    """`given`: the terms in the address; `groups`: releases by country."""
    counted = {group["country"]: group["releases"] for group in groups if group["country"]}
    claimed = Counter(claim["country"] for claim in claims if claim["country"] and claim["measure"] == Measure.RELEASED)
    known = sorted({*claimed, *(country for country, number in counted.items() if number)})
    country = given.get("country") or max(
        known, key=lambda one: (claimed[one], counted.get(one, 0), [-ord(letter) for letter in one]), default=None
    )
    own = [claim for claim in claims if claim["country"] == country]
    return Question(country, given.get("released_from") or usual_beginning(own, sources), tuple(known))


def usual_beginning(claims: Claims, sources: Sources) -> str | None:
    """From when most figures of independent sources count; of beginnings that as many use, the latest."""
    verifying = (claim for claim in claims if sources.get(claim["claimant"] or "", {}).get("independent"))
    return commonest(
        claim["window_from"]
        for claim in verifying
        if claim["measure"] == Measure.RELEASED and claim["series"] == Series.CUMULATIVE
    )


def commonest(beginnings: Iterable[str | None]) -> str | None:
    """The beginning that most have; of those that as many have, the latest."""
    times = Counter(one for one in beginnings if one)
    return max(times, key=lambda one: (times[one], one), default=None)


DAY = len("2026-01-13")
HOUR = "T"  # stands in an instant, and in no day
LEAST_FIGURES = 3  # fewer contradict each other in no way that hours would show


def own_figures(claims: Claims, slug: str, released_from: str | None) -> list[dict[str, Any]]:
    """The running totals that a source published of this window, each once, in the order of their hours."""
    figures: dict[tuple[object, ...], dict[str, Any]] = {}
    for claim in claims:
        alike = claim["claimant"] == slug and len(claim["stated_at"]) >= DAY and claim["series"] == Series.CUMULATIVE
        if alike and claim["qualifier"] == Qualifier.EXACTLY and claim["window_from"] == released_from:
            # The same number of the same day, once with its hour and once without, is one figure.
            figures.setdefault((claim["low"], claim["stated_at"][:DAY]), dict(claim))
    return list(figures.values())


def when_of(claim: Mapping[str, Any], zone: tzinfo) -> datetime:
    """When a figure was stated, on the clock of the registry; of one without an hour the day as it was said, which has
    an end of its own in each zone."""
    if HOUR in claim["stated_at"]:
        return datetime.fromisoformat(claim["at"]).astimezone(zone)
    return datetime.combine(date.fromisoformat(claim["stated_at"]), time.max, zone)


def placed(claim: Mapping[str, Any], local: datetime) -> tuple[float, float]:
    """An hour, or a day from its beginning to its end where none was given."""
    if "T" in str(claim["stated_at"]):
        return day_number(local), day_number(local)
    return float(local.toordinal()), local.toordinal() + 1.0


def days_to_zoom(figures_by_day: Mapping[date, int], contested: date | None) -> date | None:
    """The first of two days in a row: those around the contested one on which most figures were published, or of all.

    `figures_by_day`: how many figures of drawn sources each day has."""
    if contested is not None:
        starts = [contested.toordinal() - 1, contested.toordinal()]
    else:
        starts = sorted({day.toordinal() + shift for day in figures_by_day for shift in (-1, 0)})
    numbers = {
        start: sum(figures_by_day.get(date.fromordinal(start + shift), 0) for shift in (0, 1)) for start in starts
    }  # fmt: skip
    best = max(starts, key=lambda start: (numbers[start], -start), default=None)
    return None if best is None or numbers[best] < LEAST_FIGURES else date.fromordinal(best)


MOST_RECONCILED = 8  # claims that are set against the registry on their own window: as many as the chart draws


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


def statements(claims: Claims, sources: Sources, zone: tzinfo) -> list[Statement]:
    """The authorities' statements, in the order of their hours."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for claim in claims:
        if is_authority(claim["claimant"], sources) and len(claim["stated_at"] or "") >= len("2026-01-13"):
            day = when_of(claim, zone).date()
            key = claim["claimant"], claim["low"], claim["high"], claim["qualifier"], claim["series"], day
            groups.setdefault(key, []).append(claim)
    usual = commonest(claim["window_from"] for group in groups.values() for claim in group)
    return [_statement(group, usual, zone) for group in groups.values()]


def _statement(group: list[Mapping[str, Any]], usual: str | None, zone: tzinfo) -> Statement:
    # A printing with the usual beginning is the one that others can be set beside.
    ordered = sorted(group, key=lambda claim: (claim["window_from"] != usual, not claim["window_from"]))
    local = when_of(ordered[0], zone)
    moment = day_number(local) if "T" in ordered[0]["stated_at"] else local.toordinal() + 0.5
    beginnings = tuple(sorted({str(claim["window_from"]) for claim in group if claim["window_from"]}))
    return Statement(tuple(ordered), local.date().isoformat(), moment, beginnings)


def most_contested(told: Iterable[Statement], verified: Mapping[str, int], published: set[str]) -> Statement | None:
    """The cumulative figure that on its day stood farthest from what any source had verified, as a multiple of it.

    `verified`: by day, the most that one source had verified by its end; `published`: the days on which independent
    sources published a figure, which go before others, for there the reader was given both. Of two as far, the later.
    """
    open_or_exact = [statement for statement in told if statement.is_cumulative and statement.claim["low"] is not None]
    return max(
        open_or_exact,
        key=lambda statement: (
            statement.day in published,
            statement.size / max(verified.get(statement.day, 0), 1),
            statement.moment,
        ),
        default=None,
    )


def ranked(told: Iterable[Statement], contested: Statement | None, last: Statement | None) -> list[Statement]:
    """Which are shown first where not all can be: the contested one, the last that can be set against the registry,
    then running totals by their size, then figures of one occasion."""
    first = [statement.id for statement in (contested, last) if statement is not None]

    def rank(statement: Statement) -> tuple[Any, ...]:
        place = first.index(statement.id) if statement.id in first else len(first)
        return place, not statement.is_cumulative, -statement.size, statement.moment

    return sorted(told, key=rank)
