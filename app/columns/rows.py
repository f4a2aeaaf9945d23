"""Selections of rows in columns, joins between them, and counts of equal rows.

Keys of people and spells are revisions, so an array indexed by key is hardly longer than the table itself."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # of integers or booleans
Mask: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]

# Represents null in a column of numbers; no day or revision is that low.
NULL = -(2**31)
# `until` of a row that is still valid: beyond any 32-bit revision.
OPEN_UNTIL = 2**31 - 1
# Limit of the cached rows with their columns: what a query at a million people uses. More would only serve rare
# queries.
MAX_CACHED_BYTES = 64 << 20
# Cached rows may still load columns; the last entries are measured again, more than concurrent queries use.
REMEASURED_ENTRIES = 32


class Rows:
    """Some rows of a table. A column is loaded on first use and cached with the rows."""

    def __init__(self, arrays: dict[str, Array], places: Array, own_columns: Mapping[str, Array] | None = None) -> None:
        """`places`: positions of the rows in the arrays. `own_columns`: columns that replace those of the table."""
        self._arrays = arrays
        self._places = places
        self._own_columns = own_columns or {}
        self._cached_columns: dict[str, Array] = {**self._own_columns}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> Array:
        column = self._cached_columns.get(name)
        if column is None:
            column = self._cached_columns[name] = self._arrays[name][self._places]
        return column

    @property
    def size(self) -> int:
        """The size of the rows and cached columns in bytes."""
        return self._places.nbytes + sum(column.nbytes for column in [*self._cached_columns.values()])

    def where(self, mask: Mask) -> "Rows":
        """Return the rows that match a mask."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, places: Places) -> "Rows":
        """Return the rows at these positions, which may repeat."""
        own_columns = {name: column[places] for name, column in self._own_columns.items()}
        return Rows(self._arrays, self._places[places], own_columns)

    def with_columns(self, columns: Mapping[str, Array]) -> "Rows":
        """Return the same rows with other values in some columns."""
        return Rows(self._arrays, self._places, {**self._own_columns, **columns})

    def carry_over(self, arrays: dict[str, Array], ended_places: Places, opened_places: Places) -> "Rows":
        """Return the same rows in a grown table, without those that ended and with the new ones appended.

        All are in the order of the arrays."""
        positions = np.searchsorted(self._places, ended_places)
        removed = (
            positions[np.take(self._places, positions, mode="clip") == ended_places] if len(self) else positions[:0]
        )
        rows = Rows(arrays, _remove_and_append(self._places, removed, opened_places))
        for name, column in [*self._cached_columns.items()]:
            rows._cached_columns[name] = _remove_and_append(column, removed, arrays[name][opened_places])
        return rows


def _remove_and_append(column: Array, removed: Places, new_values: Array) -> Array:
    """Return a column without the values at some places and with new ones appended."""
    return np.concatenate([np.delete(column, removed) if len(removed) else column, new_values])


class HasSize(Protocol):
    """An object with a size in bytes."""

    @property
    def size(self) -> int: ...


HasSizeT = TypeVar("HasSizeT", bound=HasSize)


class RecentRows:
    """A cache of recently used rows, limited to MAX_CACHED_BYTES."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._size = 0  # of all entries
        self._lock = Lock()

    def list_items(self) -> list[tuple[Any, Any]]:
        """Return the cached entries, least recently used first."""
        with self._lock:
            return [*self._rows.items()]

    def get(self, key: Hashable, compute: Callable[[], HasSizeT]) -> HasSizeT:
        """Return the rows of a key, or compute them. A key always has rows of the same type."""
        with self._lock:
            cached_rows: HasSizeT | None = self._rows.get(key)
        rows = compute() if cached_rows is None else cached_rows
        self.put(key, rows)
        return rows

    def put(self, key: Hashable, rows: HasSize) -> None:
        """Cache the rows of a key as the most recently used."""
        with self._lock:
            self._rows[key] = rows
            self._rows.move_to_end(key)
            # Account for columns loaded since; among thousands of entries only the most recent load any.
            for recent_key in islice(reversed(self._rows), REMEASURED_ENTRIES):
                size = self._rows[recent_key].size
                self._size += size - self._sizes.get(recent_key, 0)
                self._sizes[recent_key] = size
            while self._size > MAX_CACHED_BYTES and len(self._rows) > 1:
                oldest, _rows = self._rows.popitem(last=False)
                self._size -= self._sizes.pop(oldest)


def is_any_of(column: Array, values: list[int]) -> Mask:
    """Return whether each value of a column is one of a few values."""
    mask = np.zeros(len(column), bool)
    for value in values:
        mask |= column == value
    return mask


NO_PLACE = -1
BITS_PER_NUMBER, UINT64_ONE = 64, np.uint64(1)  # bits of an integer
# An array indexed by key is used up to this many keys per row; beyond that, rows are sorted.
MAX_KEYS_PER_ROW = 8


def flag_keys(key_count: int, members: Array) -> Mask:
    """Return by key whether it is among the members."""
    is_member = np.zeros(key_count, bool)
    is_member[members] = True
    return is_member


def index_places(key_count: int, members: Array) -> Places:
    """Return by key its index among the members, which are distinct; NO_PLACE if it is none."""
    places = np.full(key_count, NO_PLACE, np.intp)
    places[members] = np.arange(len(members))
    return places


def has_match(key_count: int, left: Array, right: Array, mask: Mask) -> Mask:
    """Return for each key on the left whether a matching row on the right is selected by `mask`.

    Every row on the right is read, selected or not, so that timing does not depend on the mask."""
    is_matched: Mask = (np.bincount(right, weights=mask, minlength=key_count) > 0)[left]
    return is_matched


# Pairs of a key and a value; there are few distinct values.
Pairs = tuple[Array, Array]


class _PairBits(NamedTuple):
    """Pairs whose values are in the current batch: their places, their keys, and the bit of each value."""

    places: Places | slice
    key: Array
    bit: Array


def _iterate_pair_bits(left: Pairs, right: Pairs) -> Iterator[tuple[_PairBits, _PairBits]]:
    """Yield the pairs on both sides in batches of as many values (of the right side) as a number has bits.

    This avoids sorting."""
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
    """Return for each pair on the left whether an equal pair on the right is selected by `mask`.

    Every pair on the right is read, selected or not, so that timing does not depend on the mask."""
    is_matched = np.zeros(len(left[0]), bool)
    for left_bits, right_bits in _iterate_pair_bits(left, right):
        bits = np.zeros(key_count, np.uint64)
        np.bitwise_or.at(bits, right_bits.key, mask[right_bits.places].astype(np.uint64) << right_bits.bit)
        is_matched[left_bits.places] = bits[left_bits.key] >> left_bits.bit & UINT64_ONE
    return is_matched


def number_pairs(key_count: int, left: Pairs, right: Pairs) -> tuple[Array, Array]:
    """Number the pairs on both sides so that equal pairs have equal numbers; NO_PLACE for pairs missing on the
    right."""
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
    """Pairs of rows with equal keys: the place on the left, and that on the right or NO_PLACE."""

    left: Places
    right: Places


def outer_join(left: Array, right: Array) -> JoinedRows:
    """Join every row on the left with each row of the same key on the right, or with NO_PLACE if there is none.

    Keys are integers of any size; NO_PLACE is not a key of the right."""
    max_key = int(right.max(initial=0))
    if max_key < MAX_KEYS_PER_ROW * (len(left) + len(right)):
        place_by_key = index_places(max_key + 2, right)  # the last entry is for keys missing on the right
        if np.array_equal(place_by_key[right], np.arange(len(right))):
            return JoinedRows(
                np.arange(len(left)), place_by_key[np.where((left < 0) | (left > max_key), max_key + 1, left)]
            )
    order = np.argsort(right, kind="stable")
    sorted_right = right[order]
    first = np.searchsorted(sorted_right, left, "left")
    if not (sorted_right[1:] == sorted_right[:-1]).any():
        # The appended sentinel is read for keys greater than the last.
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


# Limit of an array with one entry per combination of values, used or not (8 MB). Beyond it, used combinations are
# sorted.
MAX_DENSE_CELLS = 1_000_000
# Fits into 64 bits with a sign; beyond it, the combinations so far are renumbered before the next column is added.
MAX_COMBINED_CODE = 2**62


@dataclass(frozen=True)
class Cells:
    """The distinct combinations of values of rows, with their numbers of rows.

    `values`: for each column, its value in each cell. `row_counts`: the rows of each cell. `_compute_cell_numbers`:
    computes the cell of each row on first use."""

    values: list[Array]
    row_counts: Array
    _compute_cell_numbers: Callable[[], Array]

    @cached_property
    def cell_numbers(self) -> Array:
        """The number of the cell of each row, an index into `values`."""
        return self._compute_cell_numbers()

    def __len__(self) -> int:
        return len(self.row_counts)

    def sizes(self) -> Array:
        """Return the number of rows of each cell."""
        return self.row_counts


def count_cells(columns: Sequence[Array]) -> Cells:
    """Count rows by each combination of values of the columns."""
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
            combined_codes *= size  # in place, because copying a large array costs as much as the arithmetic
            combined_codes += codes
        pending = _PendingColumns([*pending.lows, low], [*pending.sizes, size], pending.total * size)
    assert combined_codes is not None
    return _build_cells(combined_codes, earlier_values, pending)


class _PendingColumns(NamedTuple):
    """Columns combined into one number. `total`: one more than the highest such number."""

    lows: list[int]
    sizes: list[int]
    total: int


def _build_cells(combined_codes: Array, earlier_values: list[Array], pending: _PendingColumns) -> Cells:
    """Build the cells of combined numbers. `earlier_values`: the values of the columns already numbered."""
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
    """Return `(codes, offset, number of codes)`: code 0 is null, others follow the order of the values."""
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
