"""Match the dates of rows against windows and days, and number the days, weeks and months (buckets) in which they lie.

A date has a first (`lo`) and a last possible day (`hi`)."""

from typing import NamedTuple

import numpy as np

from app import dates
from app.columns.rows import NULL, Array, Mask, Rows, is_any_of
from app.columns.table import NULL_CODE, Codes
from app.queries.countables import get_held_day
from app.queries.dimensions import DayUnit
from app.queries.terms import DetentionTerms, HeldTerms
from app.vocabulary import CustodyEnd

DAYS_PER_WEEK, MONTHS_PER_YEAR = 7, 12


class WindowMatch(NamedTuple):
    """For each row, whether it counts within the query, and whether sources or coarse dates leave that uncertain."""

    is_inside: Mask
    is_uncertain: Mask


def match_all_rows(count: int) -> WindowMatch:
    """Return the match of rows without a condition."""
    return WindowMatch(np.ones(count, bool), np.zeros(count, bool))


def match_window(lo: Array, hi: Array, window: tuple[int | None, int | None]) -> WindowMatch:
    """Match dates against a window: inside if wholly within it, uncertain if across its edge or undated."""
    start, end = window
    if start is None and end is None:
        return match_all_rows(len(lo))
    has_day = lo != NULL
    inside, outside = has_day.copy(), ~has_day
    if start is not None:
        inside &= lo >= start
        outside |= hi < start
    if end is not None:
        inside &= hi <= end
        outside |= lo > end
    return WindowMatch(inside, ~has_day | ~(inside | outside))


def intersect_matches(a: WindowMatch, b: WindowMatch) -> WindowMatch:
    """Return the intersection of two matches; uncertain if neither excludes the row and not both are certain."""
    is_possible = (a.is_inside | a.is_uncertain) & (b.is_inside | b.is_uncertain)
    return WindowMatch(a.is_inside & b.is_inside, is_possible & (a.is_uncertain | b.is_uncertain))


def match_ended(rows: Rows, terms: DetentionTerms, codes: Codes) -> WindowMatch:
    """Match how and when detentions ended; uncertain if a date is too coarse or contradicted, or if only a contested
    release may have ended it."""
    if not terms.ended and terms.end_window == (None, None):
        return match_all_rows(len(rows))
    window_match = match_window(rows["out_lo"], rows["out_hi"], terms.end_window)
    has_end = rows["ended"] != NULL_CODE
    has_requested_end = is_any_of(rows["ended"], codes.find_codes(terms.ended)) if terms.ended else has_end
    may_have_ended = ~has_end & (rows["out_lo"] != dates.LAST_DAY)
    if terms.ended and CustodyEnd.RELEASED not in terms.ended:
        may_have_ended &= False
    return WindowMatch(
        window_match.is_inside & has_requested_end,
        (window_match.is_uncertain & has_requested_end)
        | ((window_match.is_inside | window_match.is_uncertain) & may_have_ended),
    )


def match_held_on_day(rows: Rows, day: int, *, house_arrest: bool) -> WindowMatch:
    """Match people held on a day (rule 7); uncertain if a date is missing or too coarse, or if a source says otherwise.

    A person is held on a day if detained by then and not released before it; a person who leaves on the day was held on
    it. A later detention that had begun by then replaces an earlier one."""
    prefix, sure_hi = ("free", rows["free_sure_hi"]) if house_arrest else ("out", rows["sure_hi"])
    end_lo, end_hi = rows[f"{prefix}_lo"], rows[f"{prefix}_hi"]
    lo, hi, next_hi = rows["lo"], rows["hi"], rows["next_hi"]
    has_begun = (hi != NULL) & (hi <= day)
    begins_later = ~has_begun & (lo != NULL) & (lo > day)
    may_be_held = end_hi >= day
    is_held = has_begun & may_be_held & (end_lo >= day)
    is_not_rearrested = (next_hi == NULL) | (next_hi > day)
    is_sure = is_held & (rows["sure_lo"] <= day) & (sure_hi >= day)
    return WindowMatch(is_held & is_not_rearrested, may_be_held & is_not_rearrested & ~begins_later & ~is_sure)


def match_held_within(rows: Rows, terms: HeldTerms) -> Mask:
    """Return which detentions a report shows the person inside within the years of the terms, or on no known day (rule
    7)."""
    heard_hi, limit = rows["heard_hi"], dates.subtract_years(get_held_day(terms), terms.held_within)
    is_within_years: Mask = (heard_hi == NULL) | (heard_hi >= limit)
    return is_within_years


def match_still_free(next_hi: Array, end: int | None) -> Mask:
    """Return whether no later detention had begun by the day `end`; by the revision if the window is open (rule 17).

    Detentions count that an independent source reports, or, in a row of one source, that source itself."""
    is_never_rearrested: Mask = next_hi == NULL
    return is_never_rearrested if end is None else is_never_rearrested | (next_hi > end)


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
