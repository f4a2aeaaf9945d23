"""Count the cells and rows of a list that became neither a value nor a fault (pure)."""

from collections import Counter
from collections.abc import Sequence

from typing_extensions import TypedDict

from app.schemas.imports import ImportLeftOut, ImportNoted, ImportUnread, ImportUnsaid

MAX_EXAMPLE_ROWS = 3  # rows that are named: enough to look them up
MAX_WORDS = 200  # words for "unknown": each column has a few


class RowsCounted:
    """The number of rows with some property, and the first of them."""

    def __init__(self, count: int = 0, rows: Sequence[int] = ()) -> None:
        self.count = count
        self.rows = list(rows)

    def add(self, *numbers: int, count: int = 1) -> None:
        """Add `count` rows, of which `numbers` are the first."""
        self.count += count
        self.rows += numbers[: max(0, MAX_EXAMPLE_ROWS - len(self.rows))]

    def shape(self) -> ImportLeftOut:
        return {"count": self.count, "rows": self.rows}


class TallyShape(TypedDict):
    """The tally in a receipt."""

    unsaid: list[ImportUnsaid]
    unread: list[ImportUnread]
    noted: list[ImportNoted]
    left_out: ImportLeftOut
    sums: ImportLeftOut


class Tally:
    """The cells of a list that gave neither a value nor a fault, counted: nothing must be lost in silence."""

    def __init__(self) -> None:
        self.unknown_cells: Counter[tuple[str, str]] = Counter()  # (column, word) → cells read as "unknown"
        self.unread_cells: Counter[str] = Counter()  # column → cells that were not read
        self.noted_cells: Counter[str] = Counter()  # column → cells that say more than their value, and are in the note
        self.excluded_rows = RowsCounted()
        self.sum_rows = RowsCounted()  # of the excluded rows those that are sums of others

    def shape(self) -> TallyShape:
        return {
            "unsaid": [
                {"column": column, "word": word, "count": count}
                for (column, word), count in self.unknown_cells.most_common(MAX_WORDS)
            ],
            "unread": [{"column": column, "count": count} for column, count in sorted(self.unread_cells.items())],
            "noted": [{"column": column, "count": count} for column, count in sorted(self.noted_cells.items())],
            "left_out": self.excluded_rows.shape(),
            "sums": self.sum_rows.shape(),
        }
