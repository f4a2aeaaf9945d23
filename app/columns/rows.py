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
NULL = -(2**31)
# `until` of a row that still holds: beyond any revision of 32 bits.
OPEN_UNTIL = 2**31 - 1
# Of rows that questions have in common, with all that was gathered of them: what a question at a million people uses.
# With more, workers would need memory that only a rare question uses again.
MAX_CACHED_BYTES = 64 << 20
# Of the rows that were asked for last so many may still gather columns: more than all that is asked at once reads.
REMEASURED_ENTRIES = 32


class Rows:
    """Some rows of a table. A column is gathered when it is first asked for, and kept as long as the rows are."""

    def __init__(self, arrays: dict[str, Array], places: Array) -> None:
        """`places`: where the rows stand in the arrays."""
        self._arrays = arrays
        self._places = places
        self._cached_columns: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> Array:
        column = self._cached_columns.get(name)
        if column is None:
            column = self._cached_columns[name] = self._arrays[name][self._places]
        return column

    @property
    def size(self) -> int:
        """The bytes that they take."""
        return self._places.nbytes + sum(column.nbytes for column in [*self._cached_columns.values()])

    def where(self, mask: Mask) -> "Rows":
        """The rows for which a condition holds."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, places: Places) -> "Rows":
        """The rows at these places, some perhaps more than once."""
        return Rows(self._arrays, self._places[places])

    def carry_over(self, arrays: dict[str, Array], ended_places: Places, opened_places: Places) -> "Rows":
        """The same rows of a table that has grown, without those that ended and with those that opened behind them. All
        are in the order in which they stand in the arrays."""
        positions = np.searchsorted(self._places, ended_places)
        removed = (
            positions[np.take(self._places, positions, mode="clip") == ended_places] if len(self) else positions[:0]
        )
        rows = Rows(arrays, _remove_and_append(self._places, removed, opened_places))
        for name, column in [*self._cached_columns.items()]:
            rows._cached_columns[name] = _remove_and_append(column, removed, arrays[name][opened_places])
        return rows


def _remove_and_append(column: Array, removed: Places, new_values: Array) -> Array:
    """A column without the values at some places, and with new ones behind the last."""
    return np.concatenate([np.delete(column, removed) if len(removed) else column, new_values])


class HasSize(Protocol):
    """What takes so many bytes."""

    @property
    def size(self) -> int: ...


HasSizeT = TypeVar("HasSizeT", bound=HasSize)


class RecentRows:
    """Rows that were asked for last, within MOST_KEPT."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._size = 0  # of all together
        self._lock = Lock()

    def list_items(self) -> list[tuple[Any, Any]]:
        """What is kept, by its keys, the oldest first."""
        with self._lock:
            return [*self._rows.items()]

    def get(self, key: Hashable, compute: Callable[[], HasSizeT]) -> HasSizeT:
        """The rows of a key, which are always of one kind; `compute`: which they are."""
        with self._lock:
            cached_rows: HasSizeT | None = self._rows.get(key)
        rows = compute() if cached_rows is None else cached_rows
        self.put(key, rows)
        return rows

    def put(self, key: Hashable, rows: HasSize) -> None:
        """Keep the rows of a key as those asked for last."""
        with self._lock:
            self._rows[key] = rows
            self._rows.move_to_end(key)
            # What they have gathered since they were asked for is measured now: of thousands that are kept, the last.
            for recent_key in islice(reversed(self._rows), REMEASURED_ENTRIES):
                size = self._rows[recent_key].size
                self._size += size - self._sizes.get(recent_key, 0)
                self._sizes[recent_key] = size
            while self._size > MAX_CACHED_BYTES and len(self._rows) > 1:
                oldest, _rows = self._rows.popitem(last=False)
                self._size -= self._sizes.pop(oldest)


def is_any_of(column: Array, values: list[int]) -> Mask:
    """Whether each value of a column is one of a few."""
    mask = np.zeros(len(column), bool)
    for value in values:
        mask |= column == value
    return mask


NO_PLACE = -1
BITS_PER_NUMBER, UINT64_ONE = 64, np.uint64(1)  # of a whole number
# An array by key is made where the keys are no more than so many times the rows; beyond, the rows are sorted.
MAX_KEYS_PER_ROW = 8


def flag_keys(key_count: int, members: Array) -> Mask:
    """By key, whether it is among these."""
    is_member = np.zeros(key_count, bool)
    is_member[members] = True
    return is_member


def index_places(key_count: int, members: Array) -> Places:
    """By key, where it stands among these, which are each another; NO_PLACE where it does not."""
    places = np.full(key_count, NO_PLACE, np.intp)
    places[members] = np.arange(len(members))
    return places


def has_match(key_count: int, left: Array, right: Array, mask: Mask) -> Mask:
    """For each key on the left whether one of these on the right is the same. All on the right are looked at, whichever
    they are."""
    is_matched: Mask = (np.bincount(right, weights=mask, minlength=key_count) > 0)[left]
    return is_matched


# Pairs of a key, and of a value of which there are few.
Pairs = tuple[Array, Array]


class _PairBits(NamedTuple):
    """Pairs with some of the values: where they stand, their keys, and the bit that each value is of its key."""

    places: Places | slice
    key: Array
    bit: Array


def _iterate_pair_bits(left: Pairs, right: Pairs) -> Iterator[tuple[_PairBits, _PairBits]]:
    """The pairs on both sides whose values the right has, as many values at a time as a number has bits. So nothing is
    sorted."""
    values = np.flatnonzero(np.bincount(right[1]))
    last = max(int(side[1].max(initial=0)) for side in (left, right))
    for first in range(0, len(values), BITS_PER_NUMBER):
        batch_values = values[first : first + BITS_PER_NUMBER]
        bit_by_value = np.full(last + 1, NO_PLACE, np.int8)
        bit_by_value[batch_values] = np.arange(len(batch_values))
        sides = []
        for key, value in (left, right):
            bit = bit_by_value[value]
            has_bit = bit != NO_PLACE
            places: Places | slice = slice(None) if has_bit.all() else np.flatnonzero(has_bit)
            sides.append(_PairBits(places, key[places], bit[places].astype(np.uint64)))
        yield sides[0], sides[1]


def has_pair_match(key_count: int, left: Pairs, right: Pairs, mask: Mask) -> Mask:
    """For each pair on the left whether one of these on the right is the same. All on the right are looked at,
    whichever they are."""
    is_matched = np.zeros(len(left[0]), bool)
    for left_bits, right_bits in _iterate_pair_bits(left, right):
        bits = np.zeros(key_count, np.uint64)
        np.bitwise_or.at(bits, right_bits.key, mask[right_bits.places].astype(np.uint64) << right_bits.bit)
        is_matched[left_bits.places] = bits[left_bits.key] >> left_bits.bit & UINT64_ONE
    return is_matched


def number_pairs(key_count: int, left: Pairs, right: Pairs) -> tuple[Array, Array]:
    """Numbers of pairs, on the left and on the right, the same for the same pair; NO_PLACE on the left for one that the
    right has not."""
    numbers = np.full(len(left[0]), NO_PLACE, np.int32), np.full(len(right[0]), NO_PLACE, np.int32)
    total = 0
    for sides in _iterate_pair_bits(left, right):
        bits = np.zeros(key_count, np.uint64)
        np.bitwise_or.at(bits, sides[1].key, UINT64_ONE << sides[1].bit)
        counts = np.bitwise_count(bits)
        first_numbers = np.cumsum(counts, dtype=np.int32) - counts + total
        for (places, key, bit), side_numbers in zip(sides, numbers, strict=True):
            key_bits = bits[key]
            offset = first_numbers[key] + np.bitwise_count(key_bits & ((UINT64_ONE << bit) - UINT64_ONE))
            side_numbers[places] = np.where(key_bits >> bit & UINT64_ONE, offset, NO_PLACE)
        total = int(first_numbers[-1] + counts[-1])
    return numbers


class JoinedRows(NamedTuple):
    """Pairs of rows: the place on the left, and that of a row of the same key on the right, NO_PLACE where there is
    none."""

    left: Places
    right: Places


def outer_join(left: Array, right: Array) -> JoinedRows:
    """Every row on the left, once for each row of the same key on the right, and once where there is none. The keys are
    whole numbers of any size; NO_PLACE is no key of the right."""
    max_key = int(right.max(initial=0))
    if max_key < MAX_KEYS_PER_ROW * (len(left) + len(right)):
        place_by_key = index_places(max_key + 2, right)  # the last one is of keys that the right has not
        if np.array_equal(place_by_key[right], np.arange(len(right))):
            return JoinedRows(
                np.arange(len(left)), place_by_key[np.where((left < 0) | (left > max_key), max_key + 1, left)]
            )
    order = np.argsort(right, kind="stable")
    sorted_right = right[order]
    first = np.searchsorted(sorted_right, left, "left")
    if not (sorted_right[1:] == sorted_right[:-1]).any():
        # Behind the last key stands one that is looked for before the first.
        matched = np.flatnonzero(np.append(sorted_right, NO_PLACE)[first] == left)
        right_places = np.full(len(left), NO_PLACE, np.intp)
        right_places[matched] = order[first[matched]]
        return JoinedRows(np.arange(len(left)), right_places)
    match_counts = np.searchsorted(sorted_right, left, "right") - first
    left_places = np.repeat(np.arange(len(left)), np.maximum(match_counts, 1))
    begins = np.cumsum(np.maximum(match_counts, 1)) - np.maximum(match_counts, 1)
    nth = np.arange(len(left_places)) - begins[left_places]
    has_match_right = match_counts[left_places] > 0
    right_places = np.full(len(left_places), NO_PLACE, np.intp)
    right_places[has_match_right] = order[first[left_places][has_match_right] + nth[has_match_right]]
    return JoinedRows(left_places, right_places)


# Combinations of values that are counted in an array with a place for each, used or not: eight megabytes. Of more the
# used ones are sorted out.
MAX_DENSE_CELLS = 1_000_000
# What 64 bits hold, with room for a sign: beyond, the columns so far are numbered before the next is added.
MAX_COMBINED_CODE = 2**62


@dataclass(frozen=True)
class Cells:
    """`values`: for each column its value in each cell; `row_counts`: how many rows each cell has; `_compute_cell_numbers`: the cell of
    each row, found once it is asked for."""

    values: list[Array]
    row_counts: Array
    _compute_cell_numbers: Callable[[], Array]

    @cached_property
    def cell_numbers(self) -> Array:
        """The number of the cell of each row, its place among `values`."""
        return self._compute_cell_numbers()

    def __len__(self) -> int:
        return len(self.row_counts)

    def sizes(self) -> Array:
        """How many rows each cell has."""
        return self.row_counts


def count_cells(columns: Sequence[Array]) -> Cells:
    """The cells of rows: one for each combination of values, of one column or several, that a row has."""
    earlier_values, pending, combined_codes = list[Array](), _PendingColumns([], [], 1), None
    for column in columns:
        codes, low, size = _encode_column(column)
        if pending.total * size > MAX_COMBINED_CODE and combined_codes is not None:
            partial_cells = _build_cells(combined_codes, earlier_values, pending)
            combined_codes, earlier_values, pending = (
                partial_cells.cell_numbers,
                partial_cells.values,
                _PendingColumns([], [], max(1, len(partial_cells))),
            )
        if combined_codes is None:
            combined_codes = codes.astype(np.intp)
        else:
            combined_codes *= size  # in place: an array of so many rows costs as much as what is done with it
            combined_codes += codes
        pending = _PendingColumns([*pending.lows, low], [*pending.sizes, size], pending.total * size)
    assert combined_codes is not None
    return _build_cells(combined_codes, earlier_values, pending)


class _PendingColumns(NamedTuple):
    """Columns that are combined into one number. `total`: one more than the highest such number."""

    lows: list[int]
    sizes: list[int]
    total: int


def _build_cells(combined_codes: Array, earlier_values: list[Array], pending: _PendingColumns) -> Cells:
    """The cells of combined numbers. `earlier_values`: the values of the columns that had been numbered already."""
    if pending.total <= MAX_DENSE_CELLS:
        counts = np.bincount(combined_codes, minlength=pending.total)
        used_codes = np.flatnonzero(counts)
        sizes, position_by_code = counts[used_codes], np.empty(pending.total, np.intp)
        position_by_code[used_codes] = np.arange(len(used_codes))
        compute_cell_numbers = partial(np.take, position_by_code, combined_codes)
    else:
        used_codes, cell_numbers, sizes = np.unique(combined_codes, return_inverse=True, return_counts=True)
        compute_cell_numbers = partial(np.asarray, cell_numbers)
    values: list[Array] = []
    for low, size in zip(reversed(pending.lows), reversed(pending.sizes), strict=True):
        used_codes, codes = np.divmod(used_codes, size)
        values.append(np.where(codes, codes + low, NULL))
    return Cells([*(earlier[used_codes] for earlier in earlier_values), *values[::-1]], sizes, compute_cell_numbers)


def _encode_column(column: Array) -> tuple[Array, int, int]:
    """`(codes, what to add to one, how many there are)`: 0 for null, and from 1 on in the order of the values."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    if high == NULL:
        return np.zeros(len(column), np.int64), 0, 1
    known_mask = None if low != NULL else column != NULL
    if known_mask is not None:
        low = int(column.min(initial=high, where=known_mask))
    size = high - low + 2
    numbers = column.astype(np.int64) if size > OPEN_UNTIL else column
    codes = numbers - numbers.dtype.type(low - 1) if numbers.dtype == np.int64 else numbers - np.int32(low - 1)
    return codes if known_mask is None else np.where(known_mask, codes, 0), low - 1, size
