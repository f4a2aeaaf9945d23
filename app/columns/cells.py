"""Rows that agree in every column, counted (pure)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.columns.rows import NONE, Array

# Combinations of values that are counted in an array with a place for each, used or not: eight megabytes. Of more the
# used ones are sorted out.
DENSE = 1_000_000


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
    lows, sizes = [], []
    combined, total = np.zeros(len(columns[0]), np.int64), 1
    for number, column in enumerate(columns):
        coded, low, size = _coded(column)
        lows.append(low)
        sizes.append(size)
        combined = coded.astype(np.int64) if number == 0 else combined * size + coded
        total *= size
    if total <= DENSE:
        used = np.flatnonzero(np.bincount(combined, minlength=total))
        place = np.empty(total, np.intp)
        place[used] = np.arange(len(used))
        numbers = place[combined]
    else:
        used, numbers = np.unique(combined, return_inverse=True)
    values: list[Array] = []
    for low, size in zip(reversed(lows), reversed(sizes), strict=True):
        used, coded = np.divmod(used, size)
        values.append(np.where(coded, coded + low, NONE))
    return Cells(numbers, values[::-1])


def _coded(column: Array) -> tuple[Array, int, int]:
    """`(codes, what to add to one, how many there are)`: 0 for null, and from 1 on in the order of the values."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    if low != NONE:
        return column - np.int32(low - 1), low - 1, high - low + 2
    if high == NONE:
        return np.zeros(len(column), np.int32), 0, 1
    known = column != NONE
    low = int(column.min(initial=high, where=known))
    return np.where(known, column - np.int32(low - 1), 0), low - 1, high - low + 2
