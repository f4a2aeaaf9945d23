"""A net count leaves out each release whose person was detained again by the end of the window (rule 8)."""

from typing import Any

from sqlalchemy import or_

from app.reading.visibility import Condition


def still_free(columns: Any, end: int | None) -> Condition:
    """Whether no detention that an independent source states, or in a row of one source that source itself, followed
    the release of a row by the day `end`; by the revision where the window is open."""
    detained_again = columns.next_hi.is_not(None) if end is None else columns.next_hi <= end
    return or_(columns.next_hi.is_(None), ~detained_again)
