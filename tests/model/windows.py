"""Where a partial date lies relative to a window: the rule that the model counts by."""

from enum import StrEnum

from app.dates import FIRST_DAY, LAST_DAY, DateError, PartialDate


class WindowPosition(StrEnum):
    """Where a partial date lies relative to a window."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNCERTAIN = "uncertain"


def find_window_position(partial_date: PartialDate | None, start: int | None, end: int | None) -> WindowPosition:
    """Return where a date lies in the window of days `start`..`end`, both inclusive; `None` means no edge.

    Without edges everything is inside, an undated event too. With an edge, an undated event is uncertain, and so is a
    date that straddles the edge. Raises DateError if the window ends before it starts.
    """
    if start is None and end is None:
        return WindowPosition.INSIDE
    lo = FIRST_DAY if start is None else start
    hi = LAST_DAY if end is None else end
    if lo > hi:
        raise DateError("The window ends before it begins: the _from date must not be after the _to date.")
    if partial_date is None:
        return WindowPosition.UNCERTAIN
    if lo <= partial_date.lo and partial_date.hi <= hi:
        return WindowPosition.INSIDE
    return WindowPosition.OUTSIDE if partial_date.hi < lo or partial_date.lo > hi else WindowPosition.UNCERTAIN
