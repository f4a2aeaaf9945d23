"""A row of cells as it stands in a file, and the bounds of a list."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.exchange.imports.faults import BadFile

# A spreadsheet's cell has 32,767 characters at most: a longer cell is rows joined by a missing quotation mark.
MOST_CHARACTERS = 32_767
# The widest list seen has 60 columns.
MOST_COLUMNS = 500
# The rows of a spreadsheet: five times the largest list imagined. A file of 10 MiB can have ten million empty rows,
# which take longer to read than any list.
MOST_ROWS = 1_048_576


class Cells(NamedTuple):
    """A row of a list; its number counts from 1 as in a spreadsheet. `without`: indexes of cells with only a formula or
    an error. `marks`: code of a question (hidden, struck out, commented) → indexes of its cells, none for the row."""

    number: int
    texts: list[str]
    without: Sequence[int] = ()
    marks: Mapping[str, Sequence[int]] = {}

    def text(self, place: int) -> str:
        """The stripped text of a cell; empty beyond the last cell."""
        return self.texts[place].strip() if place < len(self.texts) else ""


def check_number(row: int) -> None:
    """Raises BadFile for a row beyond the last of a spreadsheet."""
    if row > MOST_ROWS:
        detail = f"A list has at most {MOST_ROWS:,} rows, empty ones included: delete those below the last one in use."
        raise BadFile("too_many_rows", detail)
