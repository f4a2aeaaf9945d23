"""Rows of columns: all of a table, those that hold at a revision, those of them that a question means."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # of whole numbers, or of truths
Mask: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]

# What stands for null in a column of numbers: no day and no revision is as low.
NONE = -(2**31)
# `until` of a row that still holds: beyond any revision of 32 bits.
STANDS = 2**31 - 1


class Rows:
    """Some rows of a table. A column is gathered when it is first asked for, and kept as long as the rows are."""

    def __init__(self, columns: "Rows | dict[str, Array]", places: Array) -> None:
        """`places`: where the rows stand in `columns`, in ascending order."""
        self._columns = columns
        self._places = places
        self._gathered: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, name: str) -> Array:
        column = self._gathered.get(name)
        if column is None:
            column = self._gathered[name] = self._columns[name][self._places]
        return column

    def where(self, mask: Mask) -> "Rows":
        """The rows for which a condition holds."""
        return Rows(self, np.flatnonzero(mask))

    def at(self, places: Places) -> "Rows":
        """The rows at these places, some perhaps more than once."""
        return Rows(self, places)


def among(column: Array, values: list[int]) -> Mask:
    """Whether each value of a column is one of a few."""
    mask = np.zeros(len(column), bool)
    for value in values:
        mask |= column == value
    return mask
