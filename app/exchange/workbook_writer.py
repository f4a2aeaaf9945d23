"""Write workbooks (XLSX): sheets of rows under headings, the same bytes for the same rows."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import xlsxwriter

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The creation day of every workbook: the true one would differ each time, and no reader needs it.
MADE = datetime(2026, 1, 1)  # noqa: DTZ001 - a workbook's properties have no zone
# No cell becomes a formula or a link, whatever it begins with; and nothing is put on disk while the workbook is made.
INERT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
NARROWEST, WIDEST = 8, 40  # characters of a column; longer cells are read by clicking on them

Cell = str | int | float | None


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@contextmanager
def workbook() -> Iterator[tuple[xlsxwriter.Workbook, io.BytesIO]]:
    """A workbook to write into, and the buffer that has its bytes afterwards."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, INERT) as book:
        book.set_properties({"created": MADE})
        yield book, out


def write(sheets: Iterable[Sheet]) -> bytes:
    """A workbook of tables: headings in bold that stay in sight, a filter, and columns as wide as their cells."""
    with workbook() as (book, out):
        bold = book.add_format({"bold": True, "bottom": 1})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 0)
            for place, heading in enumerate(sheet.headings):
                page.write_string(0, place, heading, bold)
                widest = max([len(heading), *(len(str(row[place] or "")) for row in sheet.rows)])
                page.set_column(place, place, min(max(widest + 2, NARROWEST), WIDEST))
            for number, row in enumerate(sheet.rows, 1):
                for place, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(number, place, cell)
                    elif cell is not None:
                        page.write_number(number, place, cell)
            if sheet.rows:
                page.autofilter(0, 0, len(sheet.rows), len(sheet.headings) - 1)
    return out.getvalue()
