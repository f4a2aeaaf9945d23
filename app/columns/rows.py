"""Rows of columns: all of a table, those that hold at a revision, those of them that a question means.

Which rows of one table belong to which of another (pure). Keys of people and spells are revisions, so that an array
by key is hardly longer than the table itself.

Rows that agree in every column, counted (pure)."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # of whole numbers, or of truths
Mask: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]

# What stands for null in a column of numbers: no day and no revision is as low.
NONE = -(2**31)
# `until` of a row that still holds: beyond any revision of 32 bits.
STANDS = 2**31 - 1
# Of rows that questions have in common, with all that was gathered of them: what a question at a million people uses.
# With more, workers would need memory that only a rare question uses again.
MOST_KEPT = 64 << 20
# Of the rows that were asked for last so many may still gather columns: more than all that is asked at once reads.
GATHERING = 32


class Rows:
    """Some rows of a table. A column is gathered when it is first asked for, and kept as long as the rows are."""

    def __init__(self, arrays: dict[str, Array], places: Array) -> None:
        """`places`: where the rows stand in the arrays."""
        self._arrays = arrays
        self._places = places
        self._gathered: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> Array:
        column = self._gathered.get(name)
        if column is None:
            column = self._gathered[name] = self._arrays[name][self._places]
        return column

    @property
    def size(self) -> int:
        """The bytes that they take."""
        return self._places.nbytes + sum(column.nbytes for column in [*self._gathered.values()])

    def where(self, mask: Mask) -> "Rows":
        """The rows for which a condition holds."""
        return self if mask.all() else self.at(np.flatnonzero(mask))

    def at(self, places: Places) -> "Rows":
        """The rows at these places, some perhaps more than once."""
        return Rows(self._arrays, self._places[places])

    def grown(self, arrays: dict[str, Array], ended: Places, opened: Places) -> "Rows":
        """The same rows of a table that has grown, without those that ended and with those that opened behind them. All
        are in the order in which they stand in the arrays."""
        at = np.searchsorted(self._places, ended)
        gone = at[np.take(self._places, at, mode="clip") == ended] if len(self) else at[:0]
        rows = Rows(arrays, _changed(self._places, gone, opened))
        for name, column in [*self._gathered.items()]:
            rows._gathered[name] = _changed(column, gone, arrays[name][opened])
        return rows


def _changed(column: Array, gone: Places, new: Array) -> Array:
    """A column without the values at some places, and with new ones behind the last."""
    return np.concatenate([np.delete(column, gone) if len(gone) else column, new])


class Sized(Protocol):
    """What takes so many bytes."""

    @property
    def size(self) -> int: ...


Asked = TypeVar("Asked", bound=Sized)


class Recent:
    """Rows that were asked for last, within MOST_KEPT."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._size = 0  # of all together
        self._turn = Lock()

    def all(self) -> list[tuple[Any, Any]]:
        """What is kept, by its keys, the oldest first."""
        with self._turn:
            return [*self._rows.items()]

    def get(self, key: Hashable, choose: Callable[[], Asked]) -> Asked:
        """The rows of a key, which are always of one kind; `choose`: which they are."""
        with self._turn:
            found: Asked | None = self._rows.get(key)
        rows = choose() if found is None else found
        self.put(key, rows)
        return rows

    def put(self, key: Hashable, rows: Sized) -> None:
        """Keep the rows of a key as those asked for last."""
        with self._turn:
            self._rows[key] = rows
            self._rows.move_to_end(key)
            # What they have gathered since they were asked for is measured now: of thousands that are kept, the last.
            for recent in islice(reversed(self._rows), GATHERING):
                size = self._rows[recent].size
                self._size += size - self._sizes.get(recent, 0)
                self._sizes[recent] = size
            while self._size > MOST_KEPT and len(self._rows) > 1:
                oldest, _rows = self._rows.popitem(last=False)
                self._size -= self._sizes.pop(oldest)


def among(column: Array, values: list[int]) -> Mask:
    """Whether each value of a column is one of a few."""
    mask = np.zeros(len(column), bool)
    for value in values:
        mask |= column == value
    return mask


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


# Combinations of values that are counted in an array with a place for each, used or not: eight megabytes. Of more the
# used ones are sorted out.
DENSE = 1_000_000
# What 64 bits hold, with room for a sign: beyond, the columns so far are numbered before the next is added.
MOST = 2**62


@dataclass(frozen=True)
class Cells:
    """`values`: for each column its value in each cell; `of_each`: how many rows each cell has; `_number`: the cell of
    each row, found once it is asked for."""

    values: list[Array]
    of_each: Array
    _number: Callable[[], Array]

    @cached_property
    def number(self) -> Array:
        """The number of the cell of each row, its place among `values`."""
        return self._number()

    def __len__(self) -> int:
        return len(self.of_each)

    def sizes(self) -> Array:
        """How many rows each cell has."""
        return self.of_each


def cells(columns: Sequence[Array]) -> Cells:
    """The cells of rows: one for each combination of values, of one column or several, that a row has."""
    before, pending, combined = list[Array](), _Pending([], [], 1), None
    for column in columns:
        coded, low, size = _coded(column)
        if pending.total * size > MOST and combined is not None:
            numbered = _numbered(combined, before, pending)
            combined, before, pending = numbered.number, numbered.values, _Pending([], [], max(1, len(numbered)))
        if combined is None:
            combined = coded.astype(np.intp)
        else:
            combined *= size  # in place: an array of so many rows costs as much as what is done with it
            combined += coded
        pending = _Pending([*pending.lows, low], [*pending.sizes, size], pending.total * size)
    assert combined is not None
    return _numbered(combined, before, pending)


class _Pending(NamedTuple):
    """Columns that are combined into one number. `total`: one more than the highest such number."""

    lows: list[int]
    sizes: list[int]
    total: int


def _numbered(combined: Array, before: list[Array], pending: _Pending) -> Cells:
    """The cells of combined numbers. `before`: the values of the columns that had been numbered already."""
    if pending.total <= DENSE:
        every = np.bincount(combined, minlength=pending.total)
        used = np.flatnonzero(every)
        sizes, place = every[used], np.empty(pending.total, np.intp)
        place[used] = np.arange(len(used))
        number = partial(np.take, place, combined)
    else:
        used, of_row, sizes = np.unique(combined, return_inverse=True, return_counts=True)
        number = partial(np.asarray, of_row)
    values: list[Array] = []
    for low, size in zip(reversed(pending.lows), reversed(pending.sizes), strict=True):
        used, coded = np.divmod(used, size)
        values.append(np.where(coded, coded + low, NONE))
    return Cells([*(earlier[used] for earlier in before), *values[::-1]], sizes, number)


def _coded(column: Array) -> tuple[Array, int, int]:
    """`(codes, what to add to one, how many there are)`: 0 for null, and from 1 on in the order of the values."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    if high == NONE:
        return np.zeros(len(column), np.int64), 0, 1
    known = None if low != NONE else column != NONE
    if known is not None:
        low = int(column.min(initial=high, where=known))
    size = high - low + 2
    numbers = column.astype(np.int64) if size > STANDS else column
    coded = numbers - numbers.dtype.type(low - 1) if numbers.dtype == np.int64 else numbers - np.int32(low - 1)
    return coded if known is None else np.where(known, coded, 0), low - 1, size
