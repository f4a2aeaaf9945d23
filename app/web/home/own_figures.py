"""What sources published of what they verified themselves, and on which days most of it lies close together."""

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from typing import Any

from app.vocabulary import Qualifier, Series
from app.web.charts.time_axis import day_number
from app.web.home.question import Claims

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
