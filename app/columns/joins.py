"""Which rows of one table belong to which of another (pure). Keys of people and spells are revisions, so that an array
by key is hardly longer than the table itself."""

from collections.abc import Iterator
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


def some(keys: int, left: Array, right: Array, which: Mask) -> Mask:
    """For each key on the left whether one of these on the right is the same. All on the right are looked at, whichever
    they are."""
    found: Mask = (np.bincount(right, weights=which, minlength=keys) > 0)[left]
    return found


# Pairs of a key, and of a value of which there are few.
Pairs = tuple[Array, Array]


class _OfPairs(NamedTuple):
    """Pairs with some of the values: where they stand, their keys, and the bit that each value is of its key."""

    of: Places | slice
    key: Array
    bit: Array


def _in_bits(left: Pairs, right: Pairs) -> Iterator[tuple[_OfPairs, _OfPairs]]:
    """The pairs on both sides whose values the right has, as many values at a time as a number has bits. So nothing is
    sorted."""
    values = np.flatnonzero(np.bincount(right[1]))
    last = max(int(side[1].max(initial=0)) for side in (left, right))
    for first in range(0, len(values), BITS):
        some_values = values[first : first + BITS]
        bit_of = np.full(last + 1, NO_PLACE, np.int8)
        bit_of[some_values] = np.arange(len(some_values))
        sides = []
        for key, value in (left, right):
            bit = bit_of[value]
            has = bit != NO_PLACE
            of: Places | slice = slice(None) if has.all() else np.flatnonzero(has)
            sides.append(_OfPairs(of, key[of], bit[of].astype(np.uint64)))
        yield sides[0], sides[1]


def some_pairs(keys: int, left: Pairs, right: Pairs, which: Mask) -> Mask:
    """For each pair on the left whether one of these on the right is the same. All on the right are looked at,
    whichever they are."""
    found = np.zeros(len(left[0]), bool)
    for of_left, of_right in _in_bits(left, right):
        bits = np.zeros(keys, np.uint64)
        np.bitwise_or.at(bits, of_right.key, which[of_right.of].astype(np.uint64) << of_right.bit)
        found[of_left.of] = bits[of_left.key] >> of_left.bit & ONE
    return found


def pairs(keys: int, left: Pairs, right: Pairs) -> tuple[Array, Array]:
    """Numbers of pairs, on the left and on the right, the same for the same pair; NO_PLACE on the left for one that the
    right has not."""
    numbers = np.full(len(left[0]), NO_PLACE, np.int32), np.full(len(right[0]), NO_PLACE, np.int32)
    total = 0
    for sides in _in_bits(left, right):
        bits = np.zeros(keys, np.uint64)
        np.bitwise_or.at(bits, sides[1].key, ONE << sides[1].bit)
        number = np.bitwise_count(bits)
        before = np.cumsum(number, dtype=np.int32) - number + total
        for (of, key, bit), found in zip(sides, numbers, strict=True):
            of_key = bits[key]
            within = before[key] + np.bitwise_count(of_key & ((ONE << bit) - ONE))
            found[of] = np.where(of_key >> bit & ONE, within, NO_PLACE)
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
