"""Write tables of rows: CSV for spreadsheets, JSON Lines without loss, and workbooks (XLSX) with reproducible bytes."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import xlsxwriter

# A spreadsheet runs a cell that begins with one of these as a formula; the last four are as wide as Chinese characters.
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTED_FORMULA = re.compile(rf"'+[{re.escape(''.join(FORMULA_PREFIXES))}]")
# Numbers and offsets of time zones begin with such a sign and are no formulas: `-3`, `-04:00`.
_SIGNED_VALUE = re.compile(r"-[0-9]+(\.[0-9]+)?|[+-][0-9]{2}:[0-9]{2}")
LIST_SEPARATOR = "; "
BYTE_ORDER_MARK = "\ufeff"  # Excel reads CSV without it in the code page of the machine: "Márquez" becomes "MÃ¡rquez"
# The keys of an unregistered place; its cell is its name as the source wrote it.
PLACE_KEYS = {"slug", "said"}


def list_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table, in order of first appearance. Nested records have none: JSON carries them."""
    columns: dict[str, bool] = {}
    for row in rows:
        columns |= {name: _is_cell(value) and columns.get(name, True) for name, value in row.items()}
    return [name for name, is_cell in columns.items() if is_cell]


def list_shape_columns(shape: type) -> list[str]:
    """Return the columns of a shape of `schemas`: a long table is written before all its rows are read."""
    return [name for name, annotation in get_type_hints(shape).items() if not is_nested(annotation)]


def is_nested(annotation: Any) -> bool:
    """Whether values of a type are objects, or have objects in them."""
    if get_origin(annotation) is dict or (isinstance(annotation, type) and issubclass(annotation, dict)):
        return True
    parts = [part for part in get_args(annotation) if part is not NoneType]
    # A place is a slug, or an object where it is not registered: a cell shows either.
    return all(map(is_nested, parts)) if get_origin(annotation) is UnionType and parts else any(map(is_nested, parts))


def to_csv(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, *, include_heading: bool = True
) -> str:
    """Return CSV (RFC 4180) with a header line; empty for no rows. `columns`: of the whole table, if `rows` are a part
    of it."""
    if not rows:
        return ""
    columns = list_columns(rows) if columns is None else columns
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if include_heading:
        writer.writerow(columns)
    writer.writerows([to_cell(_read_column(row, name)) for name in columns] for row in rows)
    return buffer.getvalue()


def _read_column(row: Any, name: str) -> Any:
    """Return the value of a column; a name with points leads into objects, or into each object of a list."""
    if isinstance(row, list):
        return [_read_column(item, name) for item in row]
    if not isinstance(row, Mapping) or name in row:
        return row.get(name) if isinstance(row, Mapping) else None
    first, _point, rest = name.partition(".")
    return _read_column(row.get(first), rest) if rest else None


def to_jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def _is_cell(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() == PLACE_KEYS
    return not (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def to_cell(value: Any) -> str:
    """Return the text of a cell.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, also behind other apostrophes; in a
    list each text does, since a spreadsheet may part cells at semicolons. Numbers, dates and zones never get one.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return to_cell(value["said"])
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return LIST_SEPARATOR.join(map(to_cell, value))
    text = str(value)
    return f"'{text}" if _is_formula(text) and not isinstance(value, (int, float)) else text


def _is_formula(text: str) -> bool:
    return text.lstrip("'").startswith(FORMULA_PREFIXES) and _SIGNED_VALUE.fullmatch(text) is None


def unquote_cell(text: str) -> str:
    """Remove the apostrophe that `to_cell` added."""
    return text[1:] if _QUOTED_FORMULA.match(text) else text


XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The creation day of every workbook: the true one would differ each time, and no reader needs it.
CREATED_AT = datetime(2026, 1, 1)  # noqa: DTZ001 - a workbook's properties have no zone
# No cell becomes a formula or a link, whatever it begins with; and nothing is put on disk while the workbook is made.
WORKBOOK_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
MIN_COLUMN_WIDTH, MAX_COLUMN_WIDTH = 8, 40  # characters of a column; longer cells are read by clicking on them

CellValue = str | int | float | None


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[CellValue]]


@contextmanager
def open_workbook() -> Iterator[tuple[xlsxwriter.Workbook, io.BytesIO]]:
    """A workbook to write into, and the buffer that has its bytes afterwards."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, WORKBOOK_OPTIONS) as book:
        book.set_properties({"created": CREATED_AT})
        yield book, buffer


def write_workbook(sheets: Iterable[Sheet]) -> bytes:
    """A workbook of tables: headings in bold that stay in sight, a filter, and columns as wide as their cells."""
    with open_workbook() as (book, buffer):
        bold = book.add_format({"bold": True, "bottom": 1})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 0)
            for column, heading in enumerate(sheet.headings):
                page.write_string(0, column, heading, bold)
                width = max([len(heading), *(len(str(row[column] or "")) for row in sheet.rows)])
                page.set_column(column, column, min(max(width + 2, MIN_COLUMN_WIDTH), MAX_COLUMN_WIDTH))
            for number, row in enumerate(sheet.rows, 1):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(number, column, cell)
                    elif cell is not None:
                        page.write_number(number, column, cell)
            if sheet.rows:
                page.autofilter(0, 0, len(sheet.rows), len(sheet.headings) - 1)
    return buffer.getvalue()
