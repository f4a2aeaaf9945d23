"""Who was held on a day, by whose word: a pure function of terms, reader and revision, like a count of releases.

A person was held on a day if taken by then and not gone before it; whoever leaves on the day was held on it. A later
detention that had begun by then ends an earlier detention without a known end.
"""

from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import and_, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app import dates
from app.errors import Invalid
from app.log.entries import entry_at
from app.models import DetentionState, SourceDetention
from app.reading.selection import CountedTables, Selection, selected
from app.reading.terms import HeldCountTerms, HeldTerms, PersonTerms
from app.reading.visibility import Condition
from app.reading.windows import Placed
from app.registry.read_permissions import Reader

HELD_TABLES = CountedTables(DetentionState, SourceDetention, aliased(SourceDetention), ("spell",))
# Organisations list who is held until they hear that somebody left. Half a year without a word (families visit, courts
# sit, lists are revised within it) is when a list may be out of date rather than the person in prison.
SILENCE = 180  # days
# The terms that speak of a day and of who says so; without a day a list of detentions is one of them all.
OF_A_DAY = HeldTerms.model_fields.keys() - PersonTerms.model_fields.keys() - {"held_on"}


def select_held(
    session: Session, terms: HeldTerms, reader: Reader, revision: int, *, by_source: bool = False
) -> Selection:
    """The detentions that the terms mean. `by_source`: one row per detention and source, by the source's own days."""

    def placed(columns: Any) -> Placed:
        return on_day(columns, day_of(terms), house_arrest=terms.house_arrest)

    return selected(session, HELD_TABLES, terms, reader, revision, by_source=by_source, conditions=(), placed=placed)


def on_day(columns: Any, day: int, *, house_arrest: bool) -> Placed:
    """`(inside, uncertain)`: surely held on the day; perhaps, since a date is missing or too coarse."""
    left_lo, left_hi = (columns.free_lo, columns.free_hi) if house_arrest else (columns.out_lo, columns.out_hi)
    begun = and_(columns.hi.is_not(None), columns.hi <= day)
    to_come = and_(not_(begun), columns.lo.is_not(None), columns.lo > day)
    not_gone = left_hi >= day
    stays = and_(not_gone, left_lo >= day)
    not_taken_again = or_(columns.next_hi.is_(None), columns.next_hi > day)
    inside = and_(begun, stays, not_taken_again)
    return inside, and_(not_gone, not_taken_again, not_(to_come), not_(and_(begun, stays)))


def silent(terms: HeldTerms) -> Condition:
    """Whether nobody has been heard to be held since long before the day."""
    return col(DetentionState.heard_hi) < day_of(terms) - SILENCE


def day_of(terms: HeldTerms) -> int:
    return dates.FIRST_DAY if terms.day is None else terms.day


def dated(session: Session, terms: HeldCountTerms, revision: int, zone: tzinfo, now: datetime) -> HeldCountTerms:
    """The terms with the one day they mean: that asked for, else the day in `zone` on which the revision was recorded.

    Raises Invalid for a day that has not come anywhere.
    """
    refuse_future(terms, now)
    if terms.day is not None:
        day = date.fromordinal(terms.day)
    elif revision:
        day = entry_at(session, revision).recorded_at.astimezone(zone).date()
    else:
        return terms
    return terms.model_copy(update={"held_on": day.isoformat()})


def refuse_future(terms: HeldTerms, now: datetime) -> None:
    """Raises Invalid for a day that has not come anywhere."""
    today = dates.latest_today(now)
    if terms.day is not None and terms.day > today:
        detail = f"Nobody knows who will be held: give a day up to {date.fromordinal(today).isoformat()}"
        raise Invalid.at("/held_on", "in_future", f"{detail}; a month or a year means its last day.")


def require_day(terms: HeldTerms) -> None:
    """Raises Invalid for terms that mean something on a day only, where none is given."""
    names = sorted(terms.model_fields_set & OF_A_DAY)
    if terms.held_on is None and names:
        detail = f"Add held_on, the day: who says that somebody is held is told of a day only (`{'`, `'.join(names)}`)."
        raise Invalid.at("/held_on", "day_needed", detail)
