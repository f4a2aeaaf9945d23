"""Whether a day lies in the window that the terms ask about: surely, perhaps, or not.

A day is as precise as known, from its first possible day (`lo`) to its last (`hi`). Wholly inside the window: counted.
Straddling its edge, or without a day: uncertain, which is told beside the count. Wholly outside: neither."""

from typing import Any

from sqlalchemy import and_, exists, or_, select, true
from sqlalchemy.orm import aliased

from app.models import Detention, SourceDetention
from app.reading.terms import PersonTerms
from app.reading.visibility import Condition, at

# `(inside, uncertain)`: surely within what is asked for; perhaps.
Placed = tuple[Condition, Condition]
_ARRESTED: Any = aliased(Detention)  # `columns` may be those of Detention itself
_ARRESTED_BY: Any = aliased(SourceDetention)


def in_window(lo: Any, hi: Any, window: tuple[int | None, int | None]) -> Placed:
    """`(inside, uncertain)`: wholly inside the window; straddling its edge or undated."""
    start, end = window
    if start is None and end is None:
        return true(), ~true()
    inside = [lo.is_not(None), *([lo >= start] if start is not None else []), *([hi <= end] if end is not None else [])]
    outside = [*([hi < start] if start is not None else []), *([lo > end] if end is not None else [])]
    return and_(*inside), or_(lo.is_(None), and_(~and_(*inside), ~or_(*outside)))


def both(a: Placed, b: Placed) -> Placed:
    """Inside two windows at once; uncertain where neither rules it out and not both are sure."""
    inside = and_(a[0], b[0])
    return inside, and_(or_(*a), or_(*b), ~inside)


def detained_within(terms: PersonTerms, columns: Any, revision: int, *, own: bool = False) -> Placed:
    """Whether the person was taken within the days asked for; `own`: by the source whose row it is."""
    window = terms.arrested
    if window == (None, None):
        return true(), ~true()
    table = _ARRESTED_BY if own else _ARRESTED
    of_row, lo, hi = _arrest_of(table, columns, revision, own=own)
    inside, uncertain = (exists(select(1).where(of_row, place)) for place in in_window(lo, hi, window))
    return inside, uncertain


def _arrest_of(table: Any, columns: Any, revision: int, *, own: bool) -> tuple[Condition, Any, Any]:
    """Which row of `table` (of SourceDetention if `own`, else of Detention) tells the day of arrest of a selected row,
    and the bounds of that day."""
    of_row = and_(table.spell == columns.spell, at(table, revision))
    if own:
        return and_(of_row, table.source == columns.source), table.lo, table.hi
    return of_row, table.detained_lo, table.detained_hi
