"""Which row of a file has the headings, and the mapping by which they are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.exchange.imports import headings
from app.exchange.imports.cells import MOST_COLUMNS, Cells
from app.exchange.imports.faults import BadFile
from app.exchange.imports.genders import meaning_of_m
from app.exchange.imports.mapping import Mapping
from app.exchange.imports.opened_list import Opened, digest_of
from app.exchange.imports.rows import Reader, Row
from app.exchange.imports.tally import Tally
from app.schemas.imports import ListForm

# Digest of a row of headings → the mapping saved for them.
Saved = Callable[[str], Mapping | None]

# Rows that may stand above the headings: a title, a date, a paragraph.
HEADINGS_WITHIN = 20
GROUPED = 2  # cells of a row of headings above another


@dataclass
class HeadingRow:
    """A row of headings, with the mapping by which it is read."""

    known: int
    width: int
    number: int
    cells: list[str]
    mapping: Mapping
    saved: bool
    hidden: frozenset[int] = frozenset()

    @classmethod
    def find(
        cls, rows: Iterator[Cells], mapping: Mapping | None, saved: Saved, hidden: frozenset[int] = frozenset()
    ) -> "HeadingRow":
        """The row that the mapping names; else the row with most known headings among the first rows, alone or joined
        with the row above it."""
        best = cls(0, 0, 0, [], mapping or Mapping(), saved=False)
        above = Cells(0, [])
        for row in rows:
            number, cells = row.number, row.texts
            if number > HEADINGS_WITHIN and (mapping is None or mapping.header is None or number > mapping.header):
                break
            if len(cells) > 4 * MOST_COLUMNS:
                raise BadFile("too_many_columns", f"A list has at most {MOST_COLUMNS} columns: is this one?", number)
            if mapping is not None and mapping.header is not None and number != mapping.header:
                above = row
                continue
            for heads in [cells, *_with_groups(above, row)]:
                of_earlier = None if mapping is not None else saved(headings.digest(trimmed(heads)))
                used = of_earlier or mapping or Mapping()
                known = headings.known_in(heads, used)
                width = sum(1 for cell in heads if cell.strip())
                if known > best.known:
                    best = cls(known, width, number, heads, used, of_earlier is not None, hidden)
            above = row
        return best

    @property
    def saved_sheet(self) -> str | None:
        """The sheet that the mapping saved for these headings names."""
        return self.mapping.sheet if self.saved else None

    def opened(self, form: ListForm, data: bytes, rows: Callable[[], Iterator[Cells]]) -> Opened:
        if self.known < min(headings.LEAST_KNOWN, max(1, self.width)):
            raise BadFile(
                "no_headings",
                f"No row of headings was found in the first {HEADINGS_WITHIN} rows, or in the one that a mapping names "
                "as `header`: put headings above the columns, or send a mapping that says which column holds what.",
            )
        columns = headings.columns(self.cells, self.mapping, self.hidden)

        def below() -> Iterator[Cells]:
            return (row for row in rows() if row.number > self.number)

        def read() -> Iterator[Row]:
            opened.tally = Tally()
            reader = Reader(columns, self.mapping, meaning_of_m(columns, below()), opened.tally)
            return (row for cells in below() if (row := reader.read(cells)) is not None)

        opened = Opened(
            form, digest_of(data), self.mapping, self.saved, columns, headings.digest(trimmed(self.cells)),
            rows=read, cells=below,
        )  # fmt: skip
        return opened


def _with_groups(above: Cells, row: Cells) -> list[list[str]]:
    """The headings of a row joined with the groups above, if there are any: a single cell above is a title."""
    if above.number != row.number - 1 or sum(1 for cell in above.texts if cell.strip()) < GROUPED:
        return []
    return [headings.in_two_rows(above.texts, row.texts)]


def trimmed(cells: list[str]) -> list[str]:
    last = max((place for place, cell in enumerate(cells) if cell.strip()), default=-1)
    return cells[: last + 1]
