"""Whether a day lies in the window that the terms ask about: surely, perhaps, or not.

A day is as precise as known, from its first possible day (`lo`) to its last (`hi`). Wholly inside the window: counted.
Straddling its edge, or without a day: uncertain, which is told beside the count. Wholly outside: neither."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, select, true
from sqlalchemy.orm import aliased

from app.models import Detention, SourceDetention
from app.reading.dimensions import Window
from app.reading.terms import PersonTerms
from app.reading.visibility import Condition, at

# `(inside, uncertain)`: surely within what is asked for; perhaps.
Placed = tuple[Condition, Condition]
# The tables that tell the day of arrest: by all sources together, and by each source. `columns` may be those of one of
# them, and a count may be filtered and grouped by that day at once, so that each use has tables of its own.
Arrests = tuple[Any, Any]
FILTERED: Arrests = (aliased(Detention), aliased(SourceDetention))
GROUPED: Arrests = (aliased(Detention), aliased(SourceDetention))


@dataclass(frozen=True)
class EventDay:
    """The first and the last possible day of an event. `table`: to be joined to the selected row where `of_row`; None
    where the days stand in the selected row itself."""

    lo: Any
    hi: Any
    table: Any = None
    of_row: Any = None


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
    day = day_of("detained", columns, revision, own=own, arrests=FILTERED)
    inside, uncertain = (exists(select(1).where(day.of_row, place)) for place in in_window(day.lo, day.hi, window))
    return inside, uncertain


def day_of(window: Window, columns: Any, revision: int, *, own: bool, arrests: Arrests) -> EventDay:
    """The day about which a window asks, of a selected row; `own`: by the source whose row it is."""
    if window == "released":
        return EventDay(columns.lo, columns.hi)
    table = arrests[own]
    of_row = and_(table.spell == columns.spell, at(table, revision))
    if own:
        return EventDay(table.lo, table.hi, table, and_(of_row, table.source == columns.source))
    return EventDay(table.detained_lo, table.detained_hi, table, of_row)
