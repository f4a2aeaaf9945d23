"""Days, ISO weeks and months by the calendar of the standard library, to try those of `app.counts.groups` by."""

from app.dates import PartialDate
from app.queries.dimensions import DayUnit


def bucket(when: PartialDate | None, unit: DayUnit) -> str | None:
    """The one day, ISO week or month holding the whole date (2026-01-12, 2026-W03, 2026-01), else None."""
    if when is None:
        return None
    first, last = when.first, when.last
    if unit == "day":
        return first.isoformat() if first == last else None
    if unit == "month":
        return first.isoformat()[:7] if (first.year, first.month) == (last.year, last.month) else None
    year, week, _ = first.isocalendar()
    return f"{year:04}-W{week:02}" if (year, week) == last.isocalendar()[:2] else None
