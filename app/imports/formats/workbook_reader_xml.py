"""The facts of a sheet that `python_calamine` does not report: formulas without a value, merged cells, hidden rows and
columns, struck-out cells, comments.

It runs in the process of `workbook_reader_child` and under its limits, and imports nothing of the registry.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

MAX_COLUMNS = 500  # as of any list (`csv`)
MAX_REPEATED_ROWS = 1_000  # rows of a list differ; a program only writes repeats where neighbours are equal
# A sheet is read a second time only if it has any of these: a formula or the type of an error, under whatever prefix;
# something merged, hidden, struck out or commented.
_WORTH_READING = re.compile(
    rb"""<(?:\w+:)?f[\s/>]|t=["']e["']|:formula=|hidden=|(?:ht|width)=["']0|mergeCell\s|strike"""
    rb"""|visibility=["'](?:collapse|filter)|rows-spanned=|annotation|line-through"""
)
_ODS = "content.xml"
_STYLES, _STRINGS = "xl/styles.xml", "xl/sharedStrings.xml"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_UNSEEN = ("collapse", "filter")
_NO = ("0", "false")


class WorkbookFacts:
    """The facts of a sheet: rows count from 1, columns from 0."""

    def __init__(self) -> None:
        self.without_value: dict[int, list[int]] = {}
        self.struck_out: dict[int, list[int]] = {}
        self.comments: dict[int, list[int]] = {}
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.merged: dict[int, list[tuple[int, int]]] = {}  # first row → last rows and places

    def marks(self, number: int) -> dict[str, list[int]]:
        """The questions about a row: code → indexes of its cells, none for the whole row."""
        facts: dict[str, list[int]] = {"hidden_row": []} if number in self.hidden_rows else {}
        for code, cells in (("struck_out", self.struck_out), ("cell_comment", self.comments)):
            if number in cells:
                facts[code] = cells[number]
        return facts


def look(data: bytes, name: str, height: int) -> WorkbookFacts:
    """The facts of the sheet of that name. Raises ExpatError, ParseError, ValueError, BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _find_sheet_path(archive, name)
        if path is not None:
            struck, texts = _find_struck_styles(archive), _find_struck_texts(archive)
            facts = _CellsOfXlsx(struck, texts).read_facts(archive.read(path), force=bool(struck or texts))
            facts.comments = _find_comments(archive, path)
            return facts
        if _ODS in archive.namelist():
            return _CellsOfOds(name, height).read_facts(archive.read(_ODS))
    return WorkbookFacts()


def has_too_many_repeats(data: bytes) -> bool:
    """Return whether an OpenDocument sheet says of more than MAX_REPEATED_ROWS rows only that they repeat another.

    A file of 700 bytes may have a million such rows. Raises as `look`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = archive.read(_ODS) if _ODS in archive.namelist() else b""
    counter = _RepeatedRows()
    if b"rows-repeated" in xml:
        counter.read_facts(xml, force=True)
    return counter.row_count > MAX_REPEATED_ROWS


class _Cells:
    """A reader of one sheet, used once."""

    def __init__(self) -> None:
        self._facts = WorkbookFacts()

    def read_facts(self, xml: bytes, *, force: bool = False) -> WorkbookFacts:
        """Raises ExpatError, also for an entity: spreadsheet programs declare none, and expanding one is an attack."""
        if force or _WORTH_READING.search(xml) is not None:
            parser = expat.ParserCreate(namespace_separator="}")
            parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
            parser.CharacterDataHandler = self._text
            parser.EntityDeclHandler = self._refuse
            parser.Parse(xml, True)
        return self._facts

    @staticmethod
    def _refuse(*_declared: object) -> None:
        raise expat.ExpatError("an entity")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def _end(self, tag: str) -> None:
        raise NotImplementedError

    def _text(self, _text: str) -> None:
        """Only XLSX needs the text of elements."""


class _CellsOfXlsx(_Cells):
    """ECMA-376 part 1, section 18.3.1. Some programs write a formula with an empty value, which counts as none. An
    empty text that was computed is known by its type."""

    def __init__(self, struck: set[str], texts: set[str]) -> None:
        """`struck`: styles of struck-out cells; `texts`: numbers of shared texts of which a part is struck out."""
        super().__init__()
        self._struck, self._texts = struck, texts
        self._cell: dict[str, str] | None = None
        self._cell_parts: set[str] = set()
        self._element = ""
        self._value = ""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._element = tag.rpartition("}")[2]
        if self._element == "c":
            self._cell, self._cell_parts, self._value = attributes, set(), ""
        elif self._element == "f" or (self._element == "v" and self._cell is not None and self._cell.get("t") == "str"):
            self._cell_parts.add(self._element)
        elif self._element == "strike" and self._cell is not None and attributes.get("val") not in _NO:
            self._cell_parts.add("strike")
        elif self._element == "row":
            if _is_hidden(attributes, "ht") and attributes.get("r", "").isdecimal():
                self._facts.hidden_rows.add(int(attributes["r"]))
        elif self._element == "col" and _is_hidden(attributes, "width"):
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
            self._facts.hidden_columns |= set(range(max(first, 1) - 1, min(last, MAX_COLUMNS)))
        elif self._element == "mergeCell":
            _merge(self._facts, attributes.get("ref", ""))

    def _text(self, text: str) -> None:
        if self._element == "v" and not text.isspace():
            self._cell_parts.add("v")
            if self._texts and len(self._value) < 10:  # the number of a shared text
                self._value += text

    def _end(self, tag: str) -> None:
        self._element = ""
        if self._cell is None or tag.rpartition("}")[2] != "c":
            return
        cell, self._cell = self._cell, None
        place = _parse_reference(cell.get("r", ""))
        if place is None:
            return
        if cell.get("t") == "e" or ("f" in self._cell_parts and "v" not in self._cell_parts):
            self._facts.without_value.setdefault(place[0], []).append(place[1])
        struck = "strike" in self._cell_parts or (cell.get("s") in self._struck and bool(self._cell_parts))
        struck = struck or (cell.get("s") in self._struck and cell.get("t") == "inlineStr")
        if struck or (cell.get("t") == "s" and self._value in self._texts):
            self._facts.struck_out.setdefault(place[0], []).append(place[1])


class _CellsOfOds(_Cells):
    """OpenDocument 1.3 part 3, section 9. Cells have no names, and a cell or a row may stand for several equal ones."""

    def __init__(self, name: str, height: int) -> None:
        super().__init__()
        self._name, self._height = name, height
        self._in_table = False
        self._style = ""
        self._struck: set[str] = set()
        self._row = self._place = self._column = 0
        self._repeated_rows = self._repeated_cells = (
            1  # rows for which the row stands, and cells for which the cell stands
        )
        self._is_hidden = False
        self._row_marks: tuple[list[int], list[int], list[int]] = ([], [], [])  # without a value, struck out, commented

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == "text-properties" and attributes.get(f"{_STYLE}text-line-through-style", "none") != "none":
            self._struck.add(self._style)
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
        elif name == "table-row":
            self._repeated_rows, self._place = int(attributes.get(f"{_TABLE}number-rows-repeated", "1")), 0
            self._is_hidden = attributes.get(f"{_TABLE}visibility") in _UNSEEN
            self._row_marks, self._repeated_cells = ([], [], []), 0
        elif name in ("table-cell", "covered-table-cell"):
            self._place += self._repeated_cells
            self._repeated_cells = int(attributes.get(f"{_TABLE}number-columns-repeated", "1"))
            if not _has_value(attributes):
                self._mark(0)
            if attributes.get(f"{_TABLE}style-name") in self._struck and f"{_OFFICE}value-type" in attributes:
                self._mark(1)
            row_span = int(attributes.get(f"{_TABLE}number-rows-spanned", "1"))
            if row_span > 1 and self._place < MAX_COLUMNS:
                self._facts.merged.setdefault(self._row + 1, []).append((self._row + row_span, self._place))
        elif name == "span" and attributes.get(f"{_TEXT}style-name") in self._struck:
            self._mark(1)
        elif name == "annotation":
            self._mark(2)

    def _mark(self, kind: int) -> None:
        self._row_marks[kind].extend(range(self._place, min(self._place + self._repeated_cells, MAX_COLUMNS)))

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
            if self._is_hidden:
                facts.hidden_rows |= set(rows)
            self._row += self._repeated_rows


class _RepeatedRows(_Cells):
    """Counts the rows with a value that are repeats. Sheets end with a row without values that stands for a million."""

    def __init__(self) -> None:
        super().__init__()
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


def _is_hidden(attributes: dict[str, str], size: str) -> bool:
    """Whether a row or a column of an XLSX is hidden, or has no height or width."""
    return attributes.get("hidden", "0") not in _NO or attributes.get(size, "1").strip("0.") == ""


def _merge(facts: WorkbookFacts, reference: str) -> None:
    first, _colon, last = reference.partition(":")
    top, bottom = _parse_reference(first), _parse_reference(last)
    if top is not None and bottom is not None and bottom[0] > top[0] and top[1] < MAX_COLUMNS:
        facts.merged.setdefault(top[0], []).append((bottom[0], top[1]))


def _parse_reference(reference: str) -> tuple[int, int] | None:
    """B4 → (4, 1)."""
    match = _PLACE.fullmatch(reference)
    if match is None:
        return None
    place = 0
    for letter in match[1]:
        place = place * 26 + ord(letter) - 64
    return int(match[2]), place - 1


def _parse_part(archive: zipfile.ZipFile, path: str) -> Any:
    return ElementTree.fromstring(archive.read(path))  # noqa: S314 - this process has limits


def _find_struck_styles(archive: zipfile.ZipFile) -> set[str]:
    """The styles of cells whose letters are struck out (ECMA-376 part 1, sections 18.8.10, 18.8.22 and 18.8.37)."""
    if _STYLES not in archive.namelist() or b"strike" not in archive.read(_STYLES):
        return set()
    tree = _parse_part(archive, _STYLES)
    fonts = [font for part in _find_children(tree, "fonts") for font in _find_children(part, "font")]
    struck = {str(number) for number, font in enumerate(fonts) if _has_strike(font)}
    styles = [style for part in _find_children(tree, "cellXfs") for style in _find_children(part, "xf")]
    return {str(number) for number, style in enumerate(styles) if style.get("fontId", "0") in struck}


def _find_struck_texts(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the shared texts of which a part is struck out (ECMA-376 part 1, section 18.4)."""
    if _STRINGS not in archive.namelist() or b"strike" not in archive.read(_STRINGS):
        return set()
    return {
        str(number)
        for number, text in enumerate(_find_children(_parse_part(archive, _STRINGS), "si"))
        if _has_strike(text)
    }


def _has_strike(element: Any) -> bool:
    return any(part.tag.endswith("}strike") and part.get("val") not in _NO for part in element.iter())


def _find_children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def _find_comments(archive: zipfile.ZipFile, sheet: str) -> dict[int, list[int]]:
    """Row → places of its comments (ECMA-376 part 1, section 18.7). Programs with threaded comments write these too."""
    folder, name = posixpath.split(sheet)
    relations, parts = f"{folder}/_rels/{name}.rels", set(archive.namelist())
    comments: dict[int, list[int]] = {}
    if relations not in parts:
        return comments
    for relation in _parse_part(archive, relations):
        if not relation.get("Type", "").endswith("/comments"):
            continue
        target = relation.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
        for comment in _parse_part(archive, path).iter() if path in parts else ():
            place = _parse_reference(comment.get("ref", "")) if comment.tag.endswith("}comment") else None
            if place is not None:
                comments.setdefault(place[0], []).append(place[1])
    return comments


def _find_sheet_path(archive: zipfile.ZipFile, name: str) -> str | None:
    """The path of the sheet of that name in an XLSX (ECMA-376 part 1, sections 12.3.23 and 12.3.24)."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    id_name = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    sheets = _parse_part(archive, "xl/workbook.xml").iter()
    relation_id = next((s.get(id_name) for s in sheets if s.tag.endswith("}sheet") and s.get("name") == name), None)
    relations = _parse_part(archive, "xl/_rels/workbook.xml.rels").iter()
    target = next((part.get("Target", "") for part in relations if part.get("Id") == relation_id), "")
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return path if path in names else None
