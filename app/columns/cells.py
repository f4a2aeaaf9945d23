"""Rows that agree in every column, counted (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from app.columns.rows import NONE, STANDS, Array

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
