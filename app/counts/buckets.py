"""Days, ISO weeks and months of ordinals, over columns and back.

Ordinal 1 is Monday, 1 January of year 1. Months follow H. Hinnant, "chrono-compatible low-level date algorithms"
(days_from_civil), in whole numbers.
"""

from datetime import date

import numpy as np

from app.columns.rows import NONE, Array
from app.reading.dimensions import Unit

# Days from 1 March of year 0, where the algorithm begins, to the day before ordinal 1.
BEFORE_FIRST_DAY = 305
DAYS_OF_ERA, YEARS_OF_ERA = 146_097, 400
DAYS_OF_WEEK, MONTHS_OF_YEAR = 7, 12


def bucket_numbers(lo: Array, hi: Array, unit: Unit) -> Array:
    """The number of the one bucket that holds each date; NONE where it straddles two, or there is no date."""
    numbers, known = np.full(len(lo), NONE, np.int64), lo != NONE
    if known.any():
        first, last = int(lo[known].min()), int(hi[known].max())
        # Many events fall on few days: each day is looked up in a calendar of them.
        of_day = {"day": lambda day: day, "week": _week, "month": _month}[unit](np.arange(first, last + 1))
        begins, ends = of_day[lo[known] - first], of_day[hi[known] - first]
        numbers[known] = np.where(begins == ends, begins, NONE)
    return numbers


def _week(day: Array) -> Array:
    return (day - 1) // DAYS_OF_WEEK


def _month(day: Array) -> Array:
    """Months since March of year 0."""
    z = day + BEFORE_FIRST_DAY
    era = z // DAYS_OF_ERA
    doe = z - era * DAYS_OF_ERA
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    months: Array = (era * YEARS_OF_ERA + yoe) * MONTHS_OF_YEAR + (5 * doy + 2) // 153
    return months


def bucket_text(number: int, unit: Unit) -> str | None:
    """`2026-01-12`, `2026-W03` or `2026-01`; None for NONE."""
    if number == NONE:
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
