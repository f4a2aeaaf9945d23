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
    coded, lows, sizes = [], [], []
    for column in columns:
        numbers = column.astype(np.int64)
        known = numbers != NONE
        low = int(numbers[known].min()) - 1 if known.any() else NONE  # null stands before all others
        numbers = np.where(known, numbers - low, 0)
        coded.append(numbers)
        lows.append(low)
        sizes.append(int(numbers.max(initial=0)) + 1)
    combined, total = np.zeros_like(coded[0]), 1
    for numbers, size in zip(coded, sizes, strict=True):
        combined, total = combined * size + numbers, total * size
    if total <= DENSE:
        used = np.flatnonzero(np.bincount(combined, minlength=total))
        place = np.empty(total, np.intp)
        place[used] = np.arange(len(used))
        number = place[combined]
    else:
        used, number = np.unique(combined, return_inverse=True)
    values: list[Array] = []
    for low, size in zip(reversed(lows), reversed(sizes), strict=True):
        used, coded_value = np.divmod(used, size)
        values.append(np.where(coded_value, coded_value + low, NONE))
    return Cells(number, values[::-1])
