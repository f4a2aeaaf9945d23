"""A process of its own, with limits: reads a workbook from standard input, writes its rows as JSON to standard output.

The first line is `{"sheet": name, "sheets": [[name, whether hidden]], "rows": number, "hidden": [places of hidden
columns]}`. A line for each row that is not empty follows: `[number, [cells], [places of cells without a value],
{question: [places]}, {colour: [places]}, [[first and last place of a merged cell]]]`.
A failure is one line `{"error": code}`. Nothing of the registry is imported: a hostile file meets nothing else here.
"""

import datetime
import io
import json
import resource
import runpy
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

MAX_COLUMNS = 500  # as of any list (`csv`): a sheet with more is a mistake or an attack
# The most that a spreadsheet's cell has. Many cells may share one string, which is written out for each.
MAX_CELL_CHARACTERS = 32_767


class WorkbookFacts:
    """What a sheet shows beside its values: rows count from 1, columns from 0."""

    def __init__(self) -> None:
        self.without_value: dict[int, list[int]] = {}
        self.struck_out: dict[int, list[int]] = {}
        self.comments: dict[int, list[int]] = {}
        self.colours: dict[int, dict[str, list[int]]] = {}  # row → colour → places
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.merged: dict[int, list[tuple[int, int, int]]] = {}  # first row → last rows, first and last places

    def add_merged_cell(self, first_row: int, last_row: int, first: int, last: int) -> None:
        if last_row > first_row or last > first:
            self.merged.setdefault(first_row, []).append((last_row, first, last))

    def marks(self, number: int) -> dict[str, list[int]]:
        """The questions about a row: code → indexes of its cells, none for the whole row."""
        facts: dict[str, list[int]] = {"hidden_row": []} if number in self.hidden_rows else {}
        for code, cells in (("struck_out", self.struck_out), ("cell_comment", self.comments)):
            if number in cells:
                facts[code] = cells[number]
        return facts


def main() -> None:
    memory, seconds, sheet_name, with_hidden = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "hidden"
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _read_workbook(sys.stdin.buffer.read(), sheet_name, with_hidden=with_hidden)
    except MemoryError:
        _write_line({"error": "workbook_too_large"})


def _read_workbook(data: bytes, sheet_name: str, *, with_hidden: bool) -> None:
    import python_calamine  # under the limits from its first byte

    ods = _load_reader("ods")
    try:
        if ods["has_too_many_repeats"](data):
            _write_line({"error": "repeated_rows"})
            return
    except (ExpatError, ValueError, zipfile.BadZipFile):
        _write_line({"error": "unreadable_workbook"})
        return
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheets = [
            (sheet.name, sheet.visible != python_calamine.SheetVisibleEnum.Visible)
            for sheet in book.sheets_metadata
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        readable = [name for name, is_hidden in sheets if with_hidden or not is_hidden]
        if not readable or (sheet_name and sheet_name not in readable):
            _write_line({"error": "unknown_sheet"})
            return
        name = sheet_name or readable[0]
        sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError:
        _write_line({"error": "password"})
        return
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError):
        _write_line({"error": "unreadable_workbook"})
        return
    if sheet.total_width > MAX_COLUMNS:
        _write_line({"error": "too_many_columns"})
        return
    height, width = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end else (0, 0)
    facts = WorkbookFacts()
    try:
        if ods["is_open_document"](data):
            ods["look"](data, name, height, width, facts)
        else:
            # openpyxl imports numpy where there is any: four times the memory, and nothing here needs it.
            sys.modules["numpy"] = None  # type: ignore[assignment]
            _load_reader("xlsx")["look"](data, name, width, facts)
    except MemoryError:
        raise
    # openpyxl and the parsers raise whatever a hostile or a strange file makes them. A sheet whose marks cannot be read
    # is refused: what is struck out or hidden would be filed without a question.
    except Exception:
        _write_line({"error": "unreadable_workbook"})
        return
    _write_line({"sheet": name, "sheets": sheets, "rows": height, "hidden": sorted(facts.hidden_columns)})
    _write_rows(sheet, facts)


def _load_reader(form: str) -> dict[str, Any]:
    """A reader of marks, by its path: this process can import no package of the registry."""
    return runpy.run_path(str(Path(__file__).with_name(f"workbook_reader_{form}.py")))


def _write_rows(sheet: Any, facts: WorkbookFacts) -> None:
    empty = [""] * (sheet.start[1] if sheet.start else 0)
    merged_cells: dict[int, tuple[int, int, str]] = {}  # place → last row and place of the merged cell there, its text
    for number, cells in enumerate(sheet.iter_rows(), 1):
        missing = facts.without_value.get(number, [])
        if any(isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            _write_line({"error": "cell_too_long"})
            return
        if missing or any(cell != "" for cell in cells):
            texts = empty + [_format_cell(cell) for cell in cells]
            _fill_merged_cells(texts, number, merged_cells)
            for last_row, place, last in facts.merged.get(number, ()):
                merged_cells[place] = (last_row, last, texts[place] if place < len(texts) else "")
            merged = [(place, last) for place, (_row, last, _text) in merged_cells.items() if last > place]
            _write_line([number, texts, missing, facts.marks(number), facts.colours.get(number, {}), merged])


def _fill_merged_cells(texts: list[str], number: int, merged_cells: dict[int, tuple[int, int, str]]) -> None:
    """Write a cell that is merged over several rows into each of them. Sideways it stays one cell, as titles are."""
    for place, (last_row, _last, text) in list(merged_cells.items()):
        if number > last_row:
            del merged_cells[place]
        elif place < len(texts) and texts[place] == "":
            texts[place] = text


def _write_line(line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _format_cell(cell: Any) -> str:
    """The text of a cell: whole numbers without a point, days in ISO 8601."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    return str(cell)


if __name__ == "__main__":
    main()
