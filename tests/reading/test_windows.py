"""A window means in SQL what it means in words."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, bindparam, literal, select
from sqlmodel import Session

from app.database import Key, reading
from app.dates import PartialDate, WindowPosition, place_in_window
from app.reading.windows import in_window
from tests.drawn import USUAL, examples

FIRST = date(2026, 1, 1).toordinal()
DAYS = st.integers(FIRST, FIRST + 12)
WHEN = st.one_of(st.none(), st.tuples(DAYS, DAYS).map(lambda pair: PartialDate("", min(pair), max(pair))))
EDGE = st.one_of(st.none(), DAYS)


def _place(session: Session, when: PartialDate | None, window: tuple[int | None, int | None]) -> tuple[bool, bool]:
    lo, hi = bindparam("lo", when and when.lo, Key), bindparam("hi", when and when.hi, Key)
    inside, uncertain = in_window(lo, hi, window)
    found = [session.execute(select(literal(1)).where(one)).first() is not None for one in (inside, uncertain)]
    return found[0], found[1]


@examples(USUAL)
@given(when=WHEN, window=st.tuples(EDGE, EDGE))
def test_a_date_lies_in_a_window_in_sql_as_it_does_in_words(
    engine: Engine, when: PartialDate | None, window: tuple[int | None, int | None]
) -> None:
    start, end = window
    if start is not None and end is not None and start > end:
        window = (end, start)
    place = place_in_window(when, *window)
    with reading(engine) as session:
        assert _place(session, when, window) == (place is WindowPosition.INSIDE, place is WindowPosition.UNCERTAIN)
