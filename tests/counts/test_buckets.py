"""A day is put into the bucket that the calendar puts it into, and a bucket into words and back."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns.rows import NONE
from app.counts.buckets import bucket_dates, bucket_numbers, bucket_text
from app.dates import PartialDate, parse, parse_from, parse_to
from app.reading.dimensions import Unit
from tests.buckets import bucket
from tests.drawn import USUAL, examples

UNITS: tuple[Unit, ...] = ("day", "week", "month")
# Where a calendar breaks first: leap days, ISO weeks of two years, ends of months and of centuries.
EDGES = tuple(
    date.fromisoformat(text)
    for text in (
        "0001-01-01", "0001-12-31", "1582-10-10", "1899-12-31", "1900-02-28", "1900-03-01", "2000-02-29", "2000-03-01",
        "2015-12-31", "2016-01-03", "2020-12-31", "2021-01-03", "2024-02-29", "2024-12-30", "2026-01-01", "9999-12-31",
    )
)  # fmt: skip
DAYS = st.one_of(st.sampled_from(EDGES), st.dates())


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    """A day, or a few days up to some weeks, in which a bucket may or may not end."""
    first = draw(DAYS).toordinal()
    last = min(first + draw(st.sampled_from((0, 0, 1, 6, 27, 30, 365))), date.max.toordinal())
    return PartialDate("", first, last)


def _numbers(when: list[PartialDate], unit: Unit) -> list[int]:
    lo, hi = (np.array(days, np.int32) for days in ([one.lo for one in when], [one.hi for one in when]))
    numbers: list[int] = bucket_numbers(lo, hi, unit).tolist()
    return numbers


@pytest.mark.parametrize("unit", UNITS)
@examples(USUAL)
@given(when=st.lists(partial_dates(), min_size=1, max_size=20))
def test_a_date_is_in_the_same_bucket_as_in_the_calendar(unit: Unit, when: list[PartialDate]) -> None:
    assert [bucket_text(number, unit) for number in _numbers(when, unit)] == [bucket(one, unit) for one in when]


@pytest.mark.parametrize("unit", UNITS)
def test_the_days_of_four_centuries_are_in_the_buckets_of_the_calendar(unit: Unit) -> None:
    first = date(1999, 12, 25).toordinal()
    days = [PartialDate("", day, day) for day in range(first, first + 146_097, 97)]
    assert [bucket_text(n, unit) for n in _numbers(days, unit)] == [bucket(one, unit) for one in days]


@pytest.mark.parametrize(
    "unit, text, in_words",
    [
        ("day", "2026-01-12", "2026-01-12"),
        ("week", "2026-01-12", "2026-W03"),
        ("week", "2021-01-03", "2020-W53"),
        ("week", "2024-12-30", "2025-W01"),
        ("month", "2026-01", "2026-01"),
        ("month", "2026-01-08/2026-01-31", "2026-01"),
        ("week", "2026-01-12/2026-01-18", "2026-W03"),
        ("day", "2026-01-12/2026-01-13", None),
        ("week", "2026-01-18/2026-01-19", None),
        ("month", "2026-01-31/2026-02-01", None),
        ("month", "2026", None),
        ("day", "2026-01", None),
    ],
)
def test_a_date_that_straddles_buckets_stands_in_none(unit: Unit, text: str, in_words: str | None) -> None:
    assert bucket_text(_numbers([parse(text)], unit)[0], unit) == in_words


def test_an_undated_event_stands_in_no_bucket() -> None:
    undated = np.array([NONE], np.int32)
    assert [bucket_numbers(undated, undated, unit).tolist() for unit in UNITS] == [[NONE]] * len(UNITS)
    assert bucket_text(NONE, "week") is None


@given(day=st.dates(max_value=date(9999, 12, 20)), unit=st.sampled_from(UNITS))
def test_the_window_of_a_bucket_holds_its_days_and_no_others(day: date, unit: Unit) -> None:
    when = PartialDate("", day.toordinal(), day.toordinal())
    text = bucket(when, unit)
    assert text is not None
    first, last = bucket_dates(text, unit)
    lo, hi = parse_from(first), parse_to(last)
    assert lo <= when.lo <= hi
    assert bucket(PartialDate("", lo, hi), unit) == text
    outside = [edge for edge in (lo - 1, hi + 1) if edge >= 1]
    assert all(bucket(PartialDate("", edge, edge), unit) != text for edge in outside)
