"""Rows of columns: all of a table, those that hold at a revision, those of them that a question means."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import islice
from threading import Lock
from typing import Any, Protocol, TypeAlias, TypeVar

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
