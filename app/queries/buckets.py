"""Number the days, weeks and months (the buckets) in which dates lie."""

import numpy as np

from app.columns.rows import NULL, Array
from app.queries.terms import DayUnit

DAYS_PER_WEEK, MONTHS_PER_YEAR = 7, 12


def compute_bucket_numbers(lo: Array, hi: Array, unit: DayUnit) -> Array:
    """Return the bucket number of each date; NULL if there is no date or it spans two buckets."""
    numbers, has_date = np.full(len(lo), NULL, np.int64), lo != NULL
    if has_date.any():
        first, last = int(lo[has_date].min()), int(hi[has_date].max())
        # Many events share few days, so convert each day of the range once and look up the rest.
        numbers_by_day = {"day": lambda day: day, "week": _to_weeks, "month": _to_months}[unit](
            np.arange(first, last + 1)
        )
        begins, ends = numbers_by_day[lo[has_date] - first], numbers_by_day[hi[has_date] - first]
        numbers[has_date] = np.where(begins == ends, begins, NULL)
    return numbers


def _to_weeks(day: Array) -> Array:
    return (day - 1) // DAYS_PER_WEEK


def _to_months(day: Array) -> Array:
    """Return the months since March of year 0."""
    z = day + 305  # days from 1 March of year 0 to the day before ordinal 1
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    months: Array = (era * 400 + yoe) * MONTHS_PER_YEAR + (5 * doy + 2) // 153
    return months
