"""Which rows of one table belong to which of another (pure). Keys of people and spells are revisions, so that an array
by key is hardly longer than the table itself."""

from typing import NamedTuple

import numpy as np

from app.columns.rows import Array, Mask, Places

NO_PLACE = -1
BITS, ONE = 64, np.uint64(1)  # of a whole number
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


def some(left: Array, right: Array, which: Mask) -> Mask:
    """For each number on the left whether one of these on the right is the same. All on the right are looked at,
    whichever they are. NO_PLACE on the left is none of them."""
    last = max(int(left.max(initial=0)), int(right.max(initial=0)))
    number = np.bincount(right, weights=which, minlength=last + 2)  # the last place, which NO_PLACE means, is nobody's
    found: Mask = number[left] > 0
    return found


def pairs(keys: int, left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
    """Numbers of pairs, on the left and on the right, the same for the same pair; NO_PLACE on the left for one that the
    right has not. A pair is of a key, and of a value of which there are few: each is a bit of its key, so that nothing
    is sorted."""
    values = np.flatnonzero(np.bincount(right[1]))
    numbers = np.full(len(left[0]), NO_PLACE, np.intp), np.full(len(right[0]), NO_PLACE, np.intp)
    total = 0
    for first in range(0, len(values), BITS):
        bit_of = np.full(max(int(side[1].max(initial=0)) for side in (left, right)) + 1, NO_PLACE, np.int16)
        bit_of[values[first : first + BITS]] = np.arange(len(values[first : first + BITS]))
        bits, sides = np.zeros(keys, np.uint64), []
        for key, value in (left, right):
            of = np.flatnonzero(bit_of[value] != NO_PLACE)
            sides.append((of, key[of], bit_of[value[of]].astype(np.uint64)))
        _of, key, bit = sides[1]
        np.bitwise_or.at(bits, key, ONE << bit)
        number = np.bitwise_count(bits)
        before = np.cumsum(number, dtype=np.int64) - number + total
        for (of, key, bit), found in zip(sides, numbers, strict=True):
            has = bits[key] >> bit & ONE
            found[of] = np.where(has, before[key] + np.bitwise_count(bits[key] & ((ONE << bit) - ONE)), NO_PLACE)
        total = int(before[-1] + number[-1])
    return numbers


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
