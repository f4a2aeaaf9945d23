"""A window means over columns what it means in words."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.columns.rows import NULL
from app.dates import PartialDate
from app.queries.selection.windows import match_window
from tests.drawn import USUAL, examples
from tests.model.windows import WindowPosition, find_window_position

FIRST = date(2026, 1, 1).toordinal()
DAYS = st.integers(FIRST, FIRST + 12)
WHEN = st.one_of(st.none(), st.tuples(DAYS, DAYS).map(lambda pair: PartialDate("", min(pair), max(pair))))
EDGE = st.one_of(st.none(), DAYS)


@examples(USUAL)
@given(when=WHEN, window=st.tuples(EDGE, EDGE))
def test_a_date_lies_in_a_window_as_it_does_in_words(
    when: PartialDate | None, window: tuple[int | None, int | None]
) -> None:
    start, end = window
    if start is not None and end is not None and start > end:
        window = (end, start)
    place = find_window_position(when, *window)
    lo, hi = (np.array([day], np.int32) for day in ((when.lo, when.hi) if when else (NULL, NULL)))
    inside, uncertain = match_window(lo, hi, window)
    assert inside.tolist() == [place is WindowPosition.INSIDE]
    assert uncertain.tolist() == [place is WindowPosition.UNCERTAIN]
