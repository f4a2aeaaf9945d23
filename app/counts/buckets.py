"""Days, ISO weeks and months of ordinals, in SQL and back.

Ordinal 1 is Monday, 1 January of year 1. Months follow H. Hinnant, "chrono-compatible low-level date algorithms"
(days_from_civil), in whole numbers that both databases divide alike.
"""

from datetime import date
from typing import Any

from sqlalchemy import case

from app.reading.dimensions import Unit

# Days from 1 March of year 0, where the algorithm begins, to the day before ordinal 1.
BEFORE_FIRST_DAY = 305
DAYS_OF_ERA, YEARS_OF_ERA = 146_097, 400
DAYS_OF_WEEK, MONTHS_OF_YEAR = 7, 12


def bucket_number(lo: Any, hi: Any, unit: Unit) -> Any:
    """SQL: the number of the one bucket that holds a date, or NULL when it straddles two."""
    number = {"day": lambda day: day, "week": _week, "month": _month}[unit]
    return case((number(lo) == number(hi), number(lo)), else_=None)


def _week(day: Any) -> Any:
    return (day - 1) // DAYS_OF_WEEK


def _month(day: Any) -> Any:
    """Months since March of year 0."""
    z = day + BEFORE_FIRST_DAY
    era = z // DAYS_OF_ERA
    doe = z - era * DAYS_OF_ERA
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    return (era * YEARS_OF_ERA + yoe) * MONTHS_OF_YEAR + (5 * doy + 2) // 153


def bucket_text(number: int | None, unit: Unit) -> str | None:
    """`2026-01-12`, `2026-W03` or `2026-01`."""
    if number is None:
        return None
    if unit == "day":
        return date.fromordinal(number).isoformat()
    if unit == "week":
        year, week, _day = date.fromordinal(number * DAYS_OF_WEEK + 1).isocalendar()
        return f"{year:04}-W{week:02}"
    year, month = _civil(number)
    return f"{year:04}-{month:02}"


def bucket_dates(text: str, unit: Unit) -> tuple[str, str]:
    """First and last day of a bucket, as partial dates that open and close a window."""
    if unit == "week":
        year, week = text.split("-W")
        return tuple(date.fromisocalendar(int(year), int(week), day).isoformat() for day in (1, 7))  # type: ignore[return-value]
    return text, text


def _civil(number: int) -> tuple[int, int]:
    year, from_march = divmod(number, MONTHS_OF_YEAR)
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year + (month <= 2), month
