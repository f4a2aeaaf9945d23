"""Which sheet of a workbook is the list."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from app.exchange import template
from app.exchange.imports.cells import Cells
from app.exchange.imports.faults import BadFile
from app.exchange.imports.heading_row import HeadingRow, Saved
from app.exchange.imports.mapping import Mapping
from app.exchange.imports.opened_list import Opened
from app.exchange.imports.workbook_reader import Sheet, Workbook
from app.schemas.imports import ListForm

# Sheets that are tried: a cover page, a summary and some notes may come first. A process reads the whole file for each.
MOST_SHEETS = 5
MOST_SHEET_NAME = 31  # characters that a spreadsheet takes (ECMA-376)
# Sheets of our own template with headings and invented people: never the list.
EXAMPLES = frozenset(template.WORDS["sheets"]["help"])


def choose_sheet(data: bytes, mapping: Mapping | None, saved: Saved) -> Opened:
    """The sheet that the mapping names, given or saved; else the first visible sheet with headings: a cover page has
    none."""
    form: ListForm = "ods" if b"opendocument.spreadsheet" in _part(data, "mimetype") else "xlsx"

    def look(name: str | None) -> tuple[Sheet, HeadingRow]:
        with Workbook(data, name) as book:
            return book.sheet, HeadingRow.find(book.rows(), mapping, saved, book.sheet.hidden)

    def read(name: str) -> Iterator[Cells]:
        with closing(Workbook(data, name)) as book:
            yield from book.rows()

    named = mapping.sheet if mapping else None
    sheet, head = look(named)
    names = [sheet.name, *(other for other in sheet.others if other not in EXAMPLES)][: 1 if named else MOST_SHEETS]
    for name in names:
        if name != sheet.name:
            sheet, head = look(name)
        wanted = head.saved_sheet
        if wanted is not None and wanted != sheet.name:
            # Another sheet has the same headings: answers about that sheet must not apply to this one.
            if wanted not in sheet.others:
                raise other_sheet(wanted)
            sheet, head = look(wanted)
            if head.saved_sheet != wanted:
                raise other_sheet(wanted)
        try:
            opened = head.opened(form, data, partial(read, sheet.name))
        except BadFile as fault:
            if fault.code != "no_headings" or len(names) == 1:
                raise
        else:
            opened.sheet, opened.other_sheets = sheet.name, sheet.others
            return opened
    looked_at = ", ".join(f'"{name[:MOST_SHEET_NAME]}"' for name in names)
    raise BadFile(
        "no_headings",
        f"No row of headings was found on the sheets {looked_at}: put headings above the columns, or say in a mapping "
        f'which sheet is the list (sheet = "…") and which column holds what.',
    )


def other_sheet(wanted: str) -> BadFile:
    return BadFile(
        "unknown_sheet",
        f'The mapping remembered for these headings is for the sheet "{wanted[:MOST_SHEET_NAME]}", and this file has '
        "no visible sheet of that name with these headings: send that sheet, or send a mapping with this list that "
        "says what is true of it.",
    )


def _part(data: bytes, name: str) -> bytes:
    """The beginning of a part of a zip file; empty without such a part."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as part:
            return part.read(100)
    # No such part; no zip file after all; an unknown way of packing; encrypted.
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return b""
