"""Days lie where the terms ask surely, perhaps or not, as whoever goes through each possible day would find."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.columns.rows import NULL, Rows
from app.queries.selection.windows import (
    WindowMatch,
    intersect_matches,
    match_all_rows,
    match_held_on_day,
    match_still_free,
    match_window,
)
from tests.drawn import examples

FIRST, LAST = 1, 12
DAYS = st.integers(FIRST, LAST)
# From the first possible day to the last; without a day.
SPANS = st.one_of(st.none(), st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days))))
WINDOWS = st.one_of(
    st.just((None, None)),
    st.tuples(DAYS, st.none()),
    st.tuples(st.none(), DAYS),
    st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days))),
)
Span = tuple[int, int] | None
Window = tuple[int | None, int | None]


def possible(span: Span) -> range:
    return range(FIRST, LAST + 1) if span is None else range(span[0], span[1] + 1)


def placed(spans: list[Span], window: Window) -> WindowMatch:
    lo, hi = (np.array([NULL if span is None else span[end] for span in spans], np.int32) for end in (0, 1))
    return match_window(lo, hi, window)


def by_hand(span: Span, window: Window) -> tuple[bool, bool]:
    start, end = window
    if window == (None, None):
        return True, False
    within = [(start is None or start <= day) and (end is None or day <= end) for day in possible(span)]
    if span is None:
        return False, True  # whatever the window
    return all(within), any(within) and not all(within)


@examples(80)
@given(st.lists(SPANS, max_size=8), WINDOWS)
def test_a_day_is_inside_if_each_day_that_it_may_be_is_and_uncertain_if_only_some_are(
    spans: list[Span], window: Window
) -> None:
    found = placed(spans, window)
    told = [*zip(found.is_inside.tolist(), found.is_uncertain.tolist(), strict=True)]
    assert told == [by_hand(span, window) for span in spans]


@examples(60)
@given(st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=6), WINDOWS, WINDOWS)
def test_two_windows_at_once_are_surely_met_only_if_both_are_and_not_met_if_one_is_not(
    spans: list[tuple[Span, Span]], one: Window, other: Window
) -> None:
    found = intersect_matches(placed([a for a, _b in spans], one), placed([b for _a, b in spans], other))
    told = [*zip(found.is_inside.tolist(), found.is_uncertain.tolist(), strict=True)]
    for (a, b), (inside, uncertain) in zip(spans, told, strict=True):
        each = by_hand(a, one), by_hand(b, other)
        assert inside == all(sure for sure, _perhaps in each)
        assert uncertain == (not inside and all(any(either) for either in each))


def test_rows_of_which_nothing_is_asked_are_all_inside() -> None:
    assert [column.tolist() for column in match_all_rows(2)] == [[True, True], [False, False]]


ENDS = st.tuples(DAYS, DAYS).map(lambda days: (min(days), max(days)))


@examples(120)
@given(SPANS, ENDS, ENDS, st.none() | DAYS, DAYS)
def test_held_on_a_day_is_whoever_was_taken_by_then_and_left_no_earlier(
    taken: Span, left: tuple[int, int], undoubted: tuple[int, int], again: int | None, day: int
) -> None:
    """Gone through every day on which the person may have been taken, and every day on which the person may have left;
    whoever was taken again by then is held anew, and not by this detention. A day that a source doubts counts, and is
    uncertain too."""
    columns = {
        "lo": [NULL if taken is None else taken[0]], "hi": [NULL if taken is None else taken[1]],
        "out_lo": [left[0]], "out_hi": [left[1]], "free_lo": [LAST + 9], "free_hi": [LAST + 9],
        "sure_lo": [undoubted[0]], "sure_hi": [undoubted[1]], "next_hi": [NULL if again is None else again],
    }  # fmt: skip
    rows = Rows({name: np.array(values, np.int32) for name, values in columns.items()}, np.arange(1))
    (inside,), (uncertain,) = (column.tolist() for column in match_held_on_day(rows, day, house_arrest=False))
    ways = [begun <= day <= gone for begun, gone in product(possible(taken), range(left[0], left[1] + 1))]
    taken_again = again is not None and again <= day
    assert inside == (taken is not None and all(ways) and not taken_again)
    may = day <= left[1] if taken is None else any(ways)
    is_doubted = not undoubted[0] <= day <= undoubted[1]
    assert uncertain == (may and not taken_again and (not inside or is_doubted))


@examples(40)
@given(st.lists(st.none() | DAYS, max_size=6), st.none() | DAYS)
def test_still_free_is_whom_nobody_took_by_the_end_of_the_window(again: list[int | None], end: int | None) -> None:
    column = np.array([NULL if day is None else day for day in again], np.int32)
    wanted = [day is None or (end is not None and day > end) for day in again]
    assert match_still_free(column, end).tolist() == wanted
