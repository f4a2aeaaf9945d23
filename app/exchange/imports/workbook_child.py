"""Runs alone, as a process with limits: reads a workbook on standard input, writes its rows as JSON on standard output.

First a line `{"sheet": name, "others": [names], "rows": how many}`, then for each row that is not empty
`[number, [cells], [places of cells without a value]]`. What goes wrong is one line `{"error": code}`.
Nothing of the registry is imported here: the process that meets a hostile file holds nothing else.
"""

import datetime
import io
import json
import re
import resource
import sys
import zipfile
from typing import Any
from xml.parsers import expat

MOST_COLUMNS = 500  # as of any list (`texts`): a sheet with more is a mistake or an attack
# What a cell of a spreadsheet holds at most. One string may be shared by a hundred cells, and be sent for each.
MOST_CHARACTERS = 32_767
# A formula, or the type of an error, under whatever prefix: without any, a sheet need not be read a second time.
_WITHOUT = re.compile(rb"""<(?:\w+:)?f[\s/>]|t=["']e["']|:formula=""")
_ODS = "content.xml"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def main() -> None:
    memory, seconds, wanted = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _read(sys.stdin.buffer.read(), wanted)
    except MemoryError:
        _write({"error": "workbook_too_large"})


def _read(data: bytes, wanted: str) -> None:
    import python_calamine  # under the limits from its first byte

    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        if not visible or (wanted and wanted not in visible):
            _write({"error": "unknown_sheet"})
            return
        name = wanted or visible[0]
        sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError:
        _write({"error": "password"})
        return
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError):
        _write({"error": "unreadable_workbook"})
        return
    if sheet.total_width > MOST_COLUMNS:
        _write({"error": "too_many_columns"})
        return
    height = sheet.end[0] + 1 if sheet.end else 0
    _write({"sheet": name, "others": [other for other in visible if other != name], "rows": height})
    empty = [""] * (sheet.start[1] if sheet.start else 0)
    try:
        without = _without_value(data, name, height)
    except (expat.ExpatError, ValueError):
        _write({"error": "unreadable_workbook"})
        return
    for number, cells in enumerate(sheet.iter_rows(), 1):
        missing = without.get(number, [])
        if any(isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in cells):
            _write({"error": "cell_too_long"})
            return
        if missing or any(cell != "" for cell in cells):
            _write([number, empty + [_text(cell) for cell in cells], missing])


def _write(line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _text(cell: Any) -> str:
    """A cell as its sheet means it: whole numbers without a point, days in ISO 8601."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    return str(cell)


def _without_value(data: bytes, name: str, height: int) -> dict[int, list[int]]:
    """Row → places of cells that hold a formula nobody has computed, or an error such as #N/A.

    The reader gives both as empty, and an empty cell says nothing: a fact would be lost in silence.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _path_of(archive, name)
        if path is not None:
            return _CellsOfXlsx().read(archive.read(path))
        if _ODS in archive.namelist():
            return _CellsOfOds(name, height).read(archive.read(_ODS))
    return {}


class _Cells:
    """Reads a sheet once, in one go, for the cells of it that hold no value."""

    def __init__(self) -> None:
        self._found: dict[int, list[int]] = {}

    def read(self, xml: bytes) -> dict[int, list[int]]:
        """Raises ExpatError. What a program for spreadsheets writes declares no entities: nothing is expanded."""
        if _WITHOUT.search(xml) is not None:
            parser = expat.ParserCreate(namespace_separator="}")
            parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
            parser.CharacterDataHandler = self._text
            parser.EntityDeclHandler = self._refuse
            parser.Parse(xml, True)
        return self._found

    @staticmethod
    def _refuse(*_declared: object) -> None:
        raise expat.ExpatError("an entity")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def _end(self, tag: str) -> None:
        raise NotImplementedError

    def _text(self, _text: str) -> None:
        """Most cells are known by their elements alone."""


class _CellsOfXlsx(_Cells):
    """ECMA-376 part 1, section 18.3.1.4. Some programs write a formula with an empty value, which is none; a text that
    is empty was computed, and says so by its type."""

    def __init__(self) -> None:
        super().__init__()
        self._cell: dict[str, str] | None = None
        self._inside: set[str] = set()
        self._in = ""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._in = tag.rpartition("}")[2]
        if self._in == "c":
            self._cell, self._inside = attributes, set()
        elif self._in == "f" or (self._in == "v" and self._cell is not None and self._cell.get("t") == "str"):
            self._inside.add(self._in)

    def _text(self, text: str) -> None:
        if self._in == "v" and not text.isspace():
            self._inside.add("v")

    def _end(self, tag: str) -> None:
        self._in = ""
        if self._cell is None or tag.rpartition("}")[2] != "c":
            return
        cell, self._cell = self._cell, None
        if cell.get("t") == "e" or ("f" in self._inside and "v" not in self._inside):
            place = _PLACE.fullmatch(cell.get("r", ""))
            if place is not None:
                self._found.setdefault(int(place[2]), []).append(_place_of(place[1]))


class _CellsOfOds(_Cells):
    """OpenDocument 1.3 part 3, section 9: cells have no names, and a cell or a row may stand for many alike."""

    def __init__(self, name: str, height: int) -> None:
        super().__init__()
        self._name, self._height = name, height
        self._here = False
        self._row = self._place = 0
        self._rows = 1  # that the row stands for
        self._missing: list[int] = []

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "table":
            self._here, self._row = attributes.get(f"{_TABLE}name") == self._name, 0
        elif self._here and name == "table-row":
            self._rows, self._place, self._missing = int(attributes.get(f"{_TABLE}number-rows-repeated", "1")), 0, []
        elif self._here and name in ("table-cell", "covered-table-cell"):
            alike = int(attributes.get(f"{_TABLE}number-columns-repeated", "1"))
            if not _computed(attributes):
                self._missing += range(self._place, min(self._place + alike, MOST_COLUMNS))
            self._place += alike

    def _end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name == "table":
            self._here = False
        elif self._here and name == "table-row":
            if self._missing:
                last = min(self._row + self._rows, self._height)
                self._found |= dict.fromkeys(range(self._row + 1, last + 1), self._missing)
            self._row += self._rows


def _computed(cell: dict[str, str]) -> bool:
    """Whether a cell of an OpenDocument sheet has no formula, or its value beside it."""
    if f"{_TABLE}formula" not in cell:
        return True
    kinds = {said for name, said in cell.items() if name.endswith("}value-type")}
    values = ("value", "date-value", "time-value", "boolean-value")
    return "error" not in kinds and ("string" in kinds or any(cell.get(_OFFICE + name) for name in values))


def _place_of(letters: str) -> int:
    place = 0
    for one in letters:
        place = place * 26 + ord(one) - 64
    return place - 1


def _path_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """Where an XLSX keeps the sheet of that name (ECMA-376 part 1, sections 12.3.23 and 12.3.24)."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    from xml.etree import ElementTree

    of = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()  # noqa: S314 - this process has limits
    wanted = next((s.get(of) for s in sheets if s.tag.endswith("}sheet") and s.get("name") == name), None)
    parts = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels")).iter()  # noqa: S314
    target = next((p.get("Target", "") for p in parts if p.get("Id") == wanted), "")
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return path if path in names else None


if __name__ == "__main__":
    main()
