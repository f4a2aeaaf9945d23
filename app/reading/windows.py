"""Whether a day lies where the terms ask: surely, perhaps, or not (pure, over columns).

A day is as precise as known, from its first possible day (`lo`) to its last (`hi`). Wholly inside a window: counted.
Straddling its edge, or without a day: uncertain, which is told beside the count. Wholly outside: neither."""

from typing import NamedTuple

import numpy as np

from app.columns.rows import NONE, Array, Mask, Rows


class Placed(NamedTuple):
    """For each row: whether it is surely within what is asked for; whether it is perhaps."""

    inside: Mask
    uncertain: Mask


def everywhere(number: int) -> Placed:
    """Rows of which nothing is asked."""
    return Placed(np.ones(number, bool), np.zeros(number, bool))


def in_window(lo: Array, hi: Array, window: tuple[int | None, int | None]) -> Placed:
    """Wholly inside the window; straddling its edge or undated."""
    start, end = window
    if start is None and end is None:
        return everywhere(len(lo))
    known = lo != NONE
    inside, outside = known.copy(), ~known
    if start is not None:
        inside &= lo >= start
        outside |= hi < start
    if end is not None:
        inside &= hi <= end
        outside |= lo > end
    return Placed(inside, ~known | ~(inside | outside))


def both(a: Placed, b: Placed) -> Placed:
    """Inside two windows at once; uncertain where neither rules it out and not both are sure."""
    inside = a.inside & b.inside
    return Placed(inside, (a.inside | a.uncertain) & (b.inside | b.uncertain) & ~inside)


def on_day(rows: Rows, day: int, *, house_arrest: bool) -> Placed:
    """Surely held on the day; perhaps, since a date is missing or too coarse.

    A person was held on a day if taken by then and not gone before it; whoever leaves on the day was held on it. A
    later detention that had begun by then ends an earlier detention without a known end."""
    left_lo, left_hi = (rows["free_lo"], rows["free_hi"]) if house_arrest else (rows["out_lo"], rows["out_hi"])
    lo, hi, next_hi = rows["lo"], rows["hi"], rows["next_hi"]
    begun = (hi != NONE) & (hi <= day)
    to_come = ~begun & (lo != NONE) & (lo > day)
    not_gone = left_hi >= day
    sure = begun & not_gone & (left_lo >= day)
    not_taken_again = (next_hi == NONE) | (next_hi > day)
    return Placed(sure & not_taken_again, not_gone & not_taken_again & ~to_come & ~sure)


def still_free(next_hi: Array, end: int | None) -> Mask:
    """Whether no detention that an independent source states, or in a row of one source that source itself, followed
    the release of a row by the day `end`; by the revision where the window is open (rule 8)."""
    never: Mask = next_hi == NONE
    return never if end is None else never | (next_hi > end)
