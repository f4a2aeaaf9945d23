"""The day on which people were held: which one terms mean, and of whom nobody has been heard since."""

from datetime import date, datetime, tzinfo

from sqlmodel import Session

from app import dates
from app.columns.rows import NONE, Mask, Rows
from app.errors import Invalid
from app.log.entries import recorded_at
from app.reading.terms import HeldCountTerms, HeldTerms, PersonTerms

# Organisations list who is held until they hear that somebody left. Half a year without a word (families visit, courts
# sit, lists are revised within it) is when a list may be out of date rather than the person in prison.
SILENCE = 180  # days
# The terms that speak of a day and of who says so; without a day a list of detentions is one of them all.
OF_A_DAY = HeldTerms.model_fields.keys() - PersonTerms.model_fields.keys() - {"held_on"}


def silent(together: Rows, terms: HeldTerms) -> Mask:
    """Of which rows nobody has been heard to be held since long before the day."""
    heard = together["heard_hi"]
    long_since: Mask = (heard != NONE) & (heard < day_of(terms) - SILENCE)
    return long_since


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
        day = recorded_at(session, revision).astimezone(zone).date()
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
