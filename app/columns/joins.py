"""Which rows of one table belong to which of another (pure). Keys of people and spells are revisions, so that an array
by key is hardly longer than the table itself."""

from typing import NamedTuple

import numpy as np

from app.columns.rows import Array, Mask, Places

NO_PLACE = -1
# An array by key is made where the keys are no more than so many times the rows; beyond, the rows are sorted.
SPARSE = 8


def flags(keys: int, of: Array) -> Mask:
    """By key, whether it is among these."""
    found = np.zeros(keys, bool)
    found[of] = True
    return found


def places_by(keys: int, of: Array) -> Places:
    """By key, where it stands among these, which are each another; NO_PLACE where it does not."""
    places = np.full(keys, NO_PLACE, np.intp)
    places[of] = np.arange(len(of))
    return places


class Joined(NamedTuple):
    """Pairs of rows: the place on the left, and that of a row of the same key on the right, NO_PLACE where there is
    none."""

    left: Places
    right: Places


def outer_join(left: Array, right: Array) -> Joined:
    """Every row on the left, once for each row of the same key on the right, and once where there is none. The keys are
    whole numbers of any size; NO_PLACE is no key of the right."""
    last = int(right.max(initial=0))
    if last < SPARSE * (len(left) + len(right)):
        places = places_by(last + 2, right)  # the last one is of keys that the right has not
        if np.array_equal(places[right], np.arange(len(right))):
            return Joined(np.arange(len(left)), places[np.where((left < 0) | (left > last), last + 1, left)])
    order = np.argsort(right, kind="stable")
    in_order = right[order]
    first = np.searchsorted(in_order, left, "left")
    if not (in_order[1:] == in_order[:-1]).any():
        # Behind the last key stands one that is looked for before the first.
        known = np.flatnonzero(np.append(in_order, NO_PLACE)[first] == left)
        found = np.full(len(left), NO_PLACE, np.intp)
        found[known] = order[first[known]]
        return Joined(np.arange(len(left)), found)
    number = np.searchsorted(in_order, left, "right") - first
    repeated = np.repeat(np.arange(len(left)), np.maximum(number, 1))
    begins = np.cumsum(np.maximum(number, 1)) - np.maximum(number, 1)
    nth = np.arange(len(repeated)) - begins[repeated]
    has = number[repeated] > 0
    found = np.full(len(repeated), NO_PLACE, np.intp)
    found[has] = order[first[repeated][has] + nth[has]]
    return Joined(repeated, found)
