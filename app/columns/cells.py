"""Rows that agree in every column, counted (pure)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.columns.rows import NONE, STANDS, Array

# Combinations of values that are counted in an array with a place for each, used or not: eight megabytes. Of more the
# used ones are sorted out.
DENSE = 1_000_000
# What 64 bits hold, with room for a sign: beyond, the columns so far are numbered before the next is added.
MOST = 2**62


class Cells(NamedTuple):
    """`number`: of the cell of each row; `values`: for each column its value in each cell, by that number."""

    number: Array
    values: list[Array]

    def __len__(self) -> int:
        return len(self.values[0]) if self.values else 0

    def sizes(self) -> Array:
        """How many rows each cell has."""
        return np.bincount(self.number, minlength=len(self))


def cells(columns: Sequence[Array]) -> Cells:
    """The cells of rows: one for each combination of values, of one column or several, that a row has."""
    numbered, pending = Cells(np.zeros(len(columns[0]), np.int64), []), _Pending([], [], 1)
    combined = numbered.number
    for column in columns:
        coded, low, size = _coded(column)
        if pending.total * size > MOST:
            numbered = _numbered(combined, numbered, pending)
            combined, pending = numbered.number, _Pending([], [], max(1, len(numbered)))
        combined = combined * size + coded
        pending = _Pending([*pending.lows, low], [*pending.sizes, size], pending.total * size)
    return _numbered(combined, numbered, pending)


class _Pending(NamedTuple):
    """Columns that are combined into one number. `total`: one more than the highest such number."""

    lows: list[int]
    sizes: list[int]
    total: int


def _numbered(combined: Array, before: Cells, pending: _Pending) -> Cells:
    """The cells of combined numbers. `before`: the cells of the columns that had been numbered already."""
    if pending.total <= DENSE:
        used = np.flatnonzero(np.bincount(combined, minlength=pending.total))
        place = np.empty(pending.total, np.intp)
        place[used] = np.arange(len(used))
        number = place[combined]
    else:
        used, number = np.unique(combined, return_inverse=True)
    values: list[Array] = []
    for low, size in zip(reversed(pending.lows), reversed(pending.sizes), strict=True):
        used, coded = np.divmod(used, size)
        values.append(np.where(coded, coded + low, NONE))
    return Cells(number, [*(earlier[used] for earlier in before.values), *values[::-1]])


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
