"""The facts of an OpenDocument sheet that `python_calamine` does not report: formulas without a value, merged cells,
hidden rows and columns, struck-out cells, comments, colours.

It runs in the process of `workbook_reader_child` and under its limits, and imports nothing of the registry.
"""

import io
import re
import zipfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from app.imports.formats.workbook_reader_child import WorkbookFacts

MAX_COLUMNS = 500  # as of any list (`csv`)
MAX_REPEATED_ROWS = 1_000  # rows of a list differ; a program only writes repeats where neighbours are equal
# A sheet is read a second time only if it has any of these: a formula; something merged, hidden, struck out, commented
# or coloured.
_WORTH_READING = re.compile(
    rb"""formula=|visibility=["'](?:collapse|filter)|(?:rows|columns)-spanned=|annotation|line-through|<!ENTITY"""
    rb"""|background-color=["']#"""
)
_ODS = "content.xml"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FORMAT = "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_UNSEEN = ("collapse", "filter")
_NO_COLOURS = ("", "transparent", "#ffffff")


def look(data: bytes, name: str, height: int, width: int, facts: "WorkbookFacts") -> None:
    """Write the facts of the sheet of that name, of its first rows and columns, into `facts`.

    Raises ExpatError, ValueError, BadZipFile.
    """
    xml = _read_content(data)
    if _WORTH_READING.search(xml) is not None:
        _SheetReader(name, height, min(width, MAX_COLUMNS), facts).read(xml)


def is_open_document(data: bytes) -> bool:
    return bool(_read_content(data))


def _read_content(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(_ODS) if _ODS in archive.namelist() else b""


def has_too_many_repeats(data: bytes) -> bool:
    """Return whether an OpenDocument sheet says of more than MAX_REPEATED_ROWS rows only that they repeat another.

    A file of 700 bytes may have a million such rows. Raises as `look`.
    """
    xml = _read_content(data)
    counter = _RepeatedRows()
    if b"rows-repeated" in xml:
        counter.read(xml)
    return counter.row_count > MAX_REPEATED_ROWS


class _Reader(ABC):
    """A reader of the one part with all sheets, used once."""

    def read(self, xml: bytes) -> None:
        """Raises ExpatError, also for an entity: spreadsheet programs declare none, and expanding one is an attack."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.EntityDeclHandler = self._refuse
        parser.Parse(xml, True)

    @staticmethod
    def _refuse(*_declared: object) -> None:
        raise expat.ExpatError("an entity")

    @abstractmethod
    def _start(self, tag: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def _end(self, tag: str) -> None: ...


class _SheetReader(_Reader):
    """OpenDocument 1.3 part 3, section 9. Cells have no names, and a cell or a row may stand for several equal ones."""

    def __init__(self, name: str, height: int, width: int, facts: "WorkbookFacts") -> None:
        self._name, self._height, self._width, self._facts = name, height, width, facts
        self._in_table = False
        self._style = ""
        self._struck: set[str] = set()
        self._colours: dict[str, str] = {}  # style → RGB
        self._column_styles: list[str] = []  # of the cells of a column that have none of their own
        self._row_style = ""
        self._row = self._place = self._column = 0
        # Rows for which the row stands, and cells for which the cell stands.
        self._repeated_rows = self._repeated_cells = 1
        self._is_hidden = False
        self._row_marks: tuple[list[int], list[int], list[int]] = ([], [], [])  # without a value, struck out, commented
        self._row_colours: dict[str, list[int]] = {}

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == "text-properties" and attributes.get(f"{_STYLE}text-line-through-style", "none") != "none":
            self._struck.add(self._style)
        elif name == "table-cell-properties":
            colour = attributes.get(f"{_FORMAT}background-color", "").lower()
            if colour not in _NO_COLOURS:
                self._colours[self._style] = colour.removeprefix("#").upper()
        elif name == "table":
            self._in_table, self._row = attributes.get(f"{_TABLE}name") == self._name, 0
        elif self._in_table:
            self._start_in_table(name, attributes)

    def _start_in_table(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table-column":
            repeated = int(attributes.get(f"{_TABLE}number-columns-repeated", "1"))
            if attributes.get(f"{_TABLE}visibility") in _UNSEEN:
                self._facts.hidden_columns |= set(range(self._column, min(self._column + repeated, MAX_COLUMNS)))
            self._column += repeated
            missing = max(0, min(repeated, self._width - len(self._column_styles)))
            self._column_styles += [attributes.get(f"{_TABLE}default-cell-style-name", "")] * missing
        elif name == "table-row":
            self._repeated_rows, self._place = int(attributes.get(f"{_TABLE}number-rows-repeated", "1")), 0
            self._is_hidden = attributes.get(f"{_TABLE}visibility") in _UNSEEN
            self._row_marks, self._repeated_cells, self._row_colours = ([], [], []), 0, {}
            self._row_style = attributes.get(f"{_TABLE}default-cell-style-name", "")
        elif name in ("table-cell", "covered-table-cell"):
            self._place += self._repeated_cells
            self._repeated_cells = int(attributes.get(f"{_TABLE}number-columns-repeated", "1"))
            if not _has_value(attributes):
                self._mark(0)
            style = attributes.get(f"{_TABLE}style-name") or self._find_default_style()
            if style in self._struck and f"{_OFFICE}value-type" in attributes:
                self._mark(1)
            if style in self._colours:
                self._row_colours.setdefault(self._colours[style], []).extend(self._list_places())
            rows, columns = (int(attributes.get(f"{_TABLE}number-{way}-spanned", "1")) for way in ("rows", "columns"))
            if self._place < self._width:
                last = min(self._place + columns, self._width) - 1
                self._facts.add_merged_cell(self._row + 1, self._row + rows, self._place, last)
        elif name == "span" and attributes.get(f"{_TEXT}style-name") in self._struck:
            self._mark(1)
        elif name == "annotation":
            self._mark(2)

    def _find_default_style(self) -> str:
        columns = self._column_styles
        return self._row_style or (columns[self._place] if self._place < len(columns) else "")

    def _mark(self, kind: int) -> None:
        self._row_marks[kind].extend(self._list_places())

    def _list_places(self) -> range:
        return range(self._place, min(self._place + self._repeated_cells, self._width))

    def _end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name == "table":
            self._in_table = False
        elif self._in_table and name == "table-row":
            rows = range(self._row + 1, min(self._row + self._repeated_rows, self._height) + 1)
            facts = self._facts
            for target, places in zip(
                (facts.without_value, facts.struck_out, facts.comments), self._row_marks, strict=True
            ):
                if places:
                    target |= dict.fromkeys(rows, places)
            if self._row_colours:
                facts.colours |= dict.fromkeys(rows, self._row_colours)
            if self._is_hidden:
                facts.hidden_rows |= set(rows)
            self._row += self._repeated_rows


class _RepeatedRows(_Reader):
    """Counts the rows with a value that are repeats. Sheets end with a row without values that stands for a million."""

    def __init__(self) -> None:
        self.row_count = self._repeats = 0

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{_TABLE}table-row":
            self._repeats = int(attributes.get(f"{_TABLE}number-rows-repeated", "1")) - 1
        elif self._repeats and any(name.startswith(_OFFICE) for name in attributes):
            self.row_count, self._repeats = self.row_count + self._repeats, 0

    def _end(self, _tag: str) -> None:
        """Only starts matter."""


def _has_value(cell: dict[str, str]) -> bool:
    """Whether a cell of an OpenDocument sheet has no formula, or the value of its formula."""
    if f"{_TABLE}formula" not in cell:
        return True
    kinds = {kind for name, kind in cell.items() if name.endswith("}value-type")}
    values = ("value", "date-value", "time-value", "boolean-value")
    return "error" not in kinds and ("string" in kinds or any(cell.get(_OFFICE + name) for name in values))
