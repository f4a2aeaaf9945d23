"""What authorities claimed: each figure once, with every beginning that was printed with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any

from app.vocabulary import Series, SourceKind
from app.web.charts.time_axis import day_number
from app.web.home.own_figures import when_of
from app.web.home.question import Claims, Sources, commonest

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
