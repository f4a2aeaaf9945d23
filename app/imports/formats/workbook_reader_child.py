"""A process of its own, with limits: reads a workbook from standard input, writes its rows as JSON to standard output.

The first line is `{"sheet": name, "others": [names], "rows": number, "hidden": [places of hidden columns]}`. A line for
each row that is not empty follows: `[number, [cells], [places of cells without a value], {question: [places]}]`.
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
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

MAX_COLUMNS = 500  # as of any list (`csv`): a sheet with more is a mistake or an attack
# The most that a spreadsheet's cell has. Many cells may share one string, which is written out for each.
MAX_CELL_CHARACTERS = 32_767


def main() -> None:
    memory, seconds, sheet_name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _read_workbook(sys.stdin.buffer.read(), sheet_name)
    except MemoryError:
        _write_line({"error": "workbook_too_large"})


def _read_workbook(data: bytes, sheet_name: str) -> None:
    import python_calamine  # under the limits from its first byte

    # This process can import no package of the registry.
    parse_xml = runpy.run_path(str(Path(__file__).with_name("workbook_reader_xml.py")))
    try:
        if parse_xml["has_too_many_repeats"](data):
            _write_line({"error": "repeated_rows"})
            return
    except (ExpatError, ValueError, zipfile.BadZipFile):
        _write_line({"error": "unreadable_workbook"})
        return
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        if not visible or (sheet_name and sheet_name not in visible):
            _write_line({"error": "unknown_sheet"})
            return
        name = sheet_name or visible[0]
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
    height = sheet.end[0] + 1 if sheet.end else 0
    try:
        facts = parse_xml["look"](data, name, height)
    except (ExpatError, ParseError, ValueError, zipfile.BadZipFile):
        _write_line({"error": "unreadable_workbook"})
        return
    others = [other for other in visible if other != name]
    _write_line({"sheet": name, "others": others, "rows": height, "hidden": sorted(facts.hidden_columns)})
    empty = [""] * (sheet.start[1] if sheet.start else 0)
    merged_cells: dict[int, tuple[int, str]] = {}  # place → last row of the merged cells there, and their text
    for number, cells in enumerate(sheet.iter_rows(), 1):
        missing = facts.without_value.get(number, [])
        if any(isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            _write_line({"error": "cell_too_long"})
            return
        if missing or any(cell != "" for cell in cells):
            texts = empty + [_format_cell(cell) for cell in cells]
            _fill_merged_cells(texts, number, merged_cells)
            _write_line([number, texts, missing, facts.marks(number)])
            for last, place in facts.merged.get(number, ()):
                merged_cells[place] = (last, texts[place] if place < len(texts) else "")


def _fill_merged_cells(texts: list[str], number: int, merged_cells: dict[int, tuple[int, str]]) -> None:
    """Write a cell that is merged over several rows into each of them. Sideways it stays one cell, as titles are."""
    for place, (last, text) in list(merged_cells.items()):
        if number > last:
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
