"""Parse the moments of queries: a revision of the log, an instant, or the end of a day or month.

A revision is written `r812`, so that nobody can take it for a date, and no date for a revision. A number alone is
refused for the same reason.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.dates import DateError, has_no_hour, parse_date, parse_moment

_REVISION = re.compile(r"r(0|[1-9][0-9]*)")
BARE_NUMBER_DETAIL = (
    "A number alone may mean a revision or a date: write r812 for revision 812, 2026-01-14 for the end of that day, "
    "2026-01 for the end of that month, and 2026-12 for the end of the year."
)
FORMS_DETAIL = (
    "Write a revision as r812, an instant with its zone as 2026-01-14T19:00:00Z, a day as 2026-01-14, or a month as "
    "2026-01."
)


def format_revision(revision: int) -> str:
    """Return a revision as queries write it: `r812`."""
    return f"r{revision}"


def parse_revision(text: str) -> int | None:
    """Return the revision that a text names; None if it names none."""
    match = _REVISION.fullmatch(text)
    return None if match is None else int(match[1])


def parse_past_moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Parse a moment that is no revision; a day or month means its end in `zone`. Raises DateError."""
    if text.isascii() and text.isdigit():
        raise DateError(BARE_NUMBER_DETAIL)
    if not text[:1].isdigit():
        raise DateError(FORMS_DETAIL)
    return parse_moment(text, zone)


def find_day_before(text: str) -> str:
    """Return the day before a day, month or year begins; the first day of the calendar for itself. Raises DateError."""
    first = parse_date(text).first
    return (first if first == date.min else first - timedelta(days=1)).isoformat()


def is_date(text: str) -> bool:
    """Return whether a valid moment is a day or month alone, whose end depends on the zone."""
    return parse_revision(text) is None and has_no_hour(text)
