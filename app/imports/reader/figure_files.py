"""Recognise a file of figures, which has no people: the figures become claims, not reports."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from app.imports.faults import BadFile, Value, format_line
from app.imports.formats import csv, template
from app.imports.formats.csv import Cells
from app.imports.formats.workbook_reader import Workbook
from app.imports.reader.cell_values import NAME_FIELDS
from app.imports.reader.figures import MAX_FIGURE_ROWS, Figure, find_figures
from app.imports.reader.layout import Column

LIST_OF_FIGURES = "list_of_figures"
# Sheets that are read: a cover page, a summary and some notes may come first. A process reads the whole file for each.
MAX_SHEETS = 12
# Sheets of our own template with headings and invented people: never the list.
EXAMPLE_SHEETS = frozenset(template.TEMPLATE_TEXTS["sheets"]["help"])
MAX_LISTED_FIGURES, MAX_LABEL_LENGTH = 12, 80  # in the refusal
MIN_TABLE_ROWS, MIN_TABLE_CELLS = 2, 2  # fewer rows of so many cells are a cover page


def read_figures(data: bytes) -> list[Figure]:
    """Return the figures of a CSV file or workbook; none if one of its sheets may have people."""
    try:
        if data.startswith(b"PK\x03\x04"):
            return _read_workbook_figures(data)
        return _read_csv_figures(data)
    except BadFile:
        return []


def refuse_figures(data: bytes, columns: Sequence[Column] | None = None) -> None:
    """Raise BadFile if a file is a list of figures. `columns`: as a list of people would be read; None if it has none.

    A file with names in a column of names has people, whatever else it has."""
    if any(column.profile.filled and NAME_FIELDS.intersection(column.fields) for column in columns or ()):
        return
    figures = read_figures(data)
    if figures:
        raise BadFile.from_sentence(LIST_OF_FIGURES, figures=_list_figures(figures))


def _list_figures(figures: Sequence[Figure]) -> Value:
    """The first figures in words, for each language."""
    listed = "; ".join(f"{figure.label[:MAX_LABEL_LENGTH]} {figure.number}" for figure in figures[:MAX_LISTED_FIGURES])
    more_count = len(figures) - MAX_LISTED_FIGURES
    return partial(format_line, "gone_more", listed=listed, count=more_count) if more_count > 0 else listed


def _read_csv_figures(data: bytes) -> list[Figure]:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return []
    encoding = csv.detect_encoding(data)
    found = [find_figures(_pad_rows(csv.read_csv_rows(data, encoding, delimiter))) for delimiter in csv.DELIMITERS]
    return max(found, key=len)


def _read_workbook_figures(data: bytes) -> list[Figure]:
    """The figures of the visible sheets. One sheet with a table that is not of figures may have people."""
    with Workbook(data) as book:
        names = [book.sheet.name, *(name for name in book.sheet.other_sheets if name not in EXAMPLE_SHEETS)]
    if len(names) > MAX_SHEETS:
        return []
    figures: list[Figure] = []
    for name in names:
        with Workbook(data, name) as book:
            rows = _pad_rows((cells.number, cells.texts) for cells in _check_marks(book.read_rows()))
        sheet_figures = find_figures(rows)
        wide_rows = [row for row in rows if sum(1 for cell in row if cell.strip()) >= MIN_TABLE_CELLS]
        if not sheet_figures and len(wide_rows) >= MIN_TABLE_ROWS:
            return []
        figures += sheet_figures
    return figures


def _check_marks(rows: Iterator[Cells]) -> Iterator[Cells]:
    """The rows of a sheet. A formula without its value is shown as a question mark, which is no number."""
    for row in rows:
        valueless_cells = set(row.valueless_cells)
        yield row._replace(texts=["?" if place in valueless_cells else text for place, text in enumerate(row.texts)])


def _pad_rows(rows: Iterator[tuple[int, list[str]]]) -> list[list[str]]:
    """The first rows, with the empty ones between them, so that a row has its number in the sheet."""
    padded: list[list[str]] = []
    for number, cells in islice(rows, MAX_FIGURE_ROWS + 1):
        padded += [[]] * min(number - len(padded) - 1, MAX_FIGURE_ROWS)
        padded.append(cells)
    return padded
