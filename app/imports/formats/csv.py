"""Read the rows of a text file: CSV with any delimiter, in UTF-8, UTF-16 or Windows-1252; and limit the size of a
list."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from app.imports.faults import BadFile

# A spreadsheet's cell has 32,767 characters at most: a longer cell is rows joined by a missing quotation mark.
MAX_CELL_CHARACTERS = 32_767
# The widest list seen has 60 columns.
MAX_COLUMNS = 500
# The rows of a spreadsheet: five times the largest list imagined. A file of 10 MiB can have ten million empty rows,
# which take longer to read than any list.
MAX_ROWS = 1_048_576


class Cells(NamedTuple):
    """A row of a list; its number counts from 1 as in a spreadsheet.

    `valueless_cells`: indexes of cells with only a formula or an error. `marks`: code of a question (hidden, struck
    out, commented) → indexes of its cells, none for the row. `colours`: index → RGB of its fill, or `theme:<number>` of
    a theme that the workbook does not say. `merged`: index → last index that the cell covers.
    """

    number: int
    texts: list[str]
    valueless_cells: Sequence[int] = ()
    marks: Mapping[str, Sequence[int]] = {}
    colours: Mapping[int, str] = {}
    merged: Mapping[int, int] = {}

    def text(self, place: int) -> str:
        """The stripped text of a cell; empty beyond the last cell."""
        return self.texts[place].strip() if place < len(self.texts) else ""

    def spread_texts(self) -> list[str]:
        """The texts, that of a merged cell in each column that it covers: as the headings of groups of columns."""
        texts = list(self.texts)
        for first, last in self.merged.items():
            for place in range(first + 1, min(last, len(texts) - 1) + 1):
                texts[place] = texts[place] or texts[first]
        return texts


def check_row_number(row: int) -> None:
    """Raises BadFile for a row beyond the last of a spreadsheet."""
    if row > MAX_ROWS:
        detail = f"A list has at most {MAX_ROWS:,} rows, empty ones included: delete those below the last one in use."
        raise BadFile("too_many_rows", detail)


DELIMITERS = ",;\t|"
# Delimiters in a line of a note that make it a row: a single delimiter also stands in a number (3,50).
MIN_DELIMITERS = 2
# A byte that is not UTF-8, in a file that is UTF-8 elsewhere (PEP 383).
UNDECODED_BYTE = re.compile("[\udc80-\udcff]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Bytes that are searched for UTF-16 without a byte order mark: there every second byte of Latin text is NUL.
_SNIFFED_BYTES = 4_096
_WIDE_SHARE = 0.3
# A character of two bytes or more in UTF-8.
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def detect_encoding(data: bytes) -> str:
    """The encoding of a text: `utf-8-sig`, `utf-16`, `utf-16-le`, `utf-16-be` or `cp1252`. Raises BadFile.

    A file that is UTF-8 in some lines and not in others is read as UTF-8; its other lines are faults of their rows.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _require_decodable(data, encoding)
    start = data[:_SNIFFED_BYTES]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        every_second = start[first::2]
        if every_second and every_second.count(0) > _WIDE_SHARE * len(every_second):
            return _require_decodable(data, encoding)
    if _is_utf8(data) or _MULTIBYTE.search(data):
        return "utf-8-sig"
    return _require_decodable(data, "cp1252")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _require_decodable(data: bytes, encoding: str) -> str:
    if encoding == "utf-8-sig":
        return encoding
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        raise BadFile(
            "unknown_encoding", "The letters of this file cannot be read: save it again as CSV UTF-8, then send it."
        ) from None
    return encoding


def read_csv_rows(
    data: bytes, encoding: str, delimiter: str, width: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, numbered from 1 as in a spreadsheet. Raises BadFile.

    `width`: the number of columns, if known: then a row that swallowed other rows is refused.
    """
    # `csv` has one limit for the whole process, so `cell_values` checks the length of cells.
    text = io.TextIOWrapper(io.BytesIO(data), encoding, errors="surrogateescape", newline="")
    lines: list[str] = []  # of the row being read
    reader = csv.reader(_record_lines(text, lines), delimiter=delimiter)
    number = 0
    while True:
        number += 1
        lines.clear()
        check_row_number(number)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadFile.from_sentence("cell_of_row_too_long", number, code="cell_too_long") from None
        if width is not None and len(lines) > 1 and _has_swallowed_rows(lines, cells, delimiter, width):
            first, last = reader.line_num - len(lines) + 1, reader.line_num
            raise BadFile.from_sentence("quotation_mark", number, first=first, last=last)
        if any(cells):
            yield number, cells


def _record_lines(text: Iterable[str], lines: list[str]) -> Iterator[str]:
    for line in text:
        lines.append(line)
        yield line


def _has_swallowed_rows(lines: list[str], cells: list[str], delimiter: str, width: int) -> bool:
    """Whether an unpaired quotation mark swallowed the rows below this row: none of their people would be filed.

    Then the next mark, which begins a cell elsewhere, ends the cell here, and text follows it; or the file ends without
    another mark. If the next mark is unpaired too, a cell has a whole row in it, or the halves of two rows. In prose a
    space follows a delimiter.
    """
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    tight = re.compile(re.escape(delimiter) + r"(?! )")
    for cell in cells:
        delimiter_counts = [len(tight.findall(line)) for line in cell.splitlines()]
        if len(delimiter_counts) > 1 and max(delimiter_counts[0] + delimiter_counts[-1], *delimiter_counts) >= max(
            MIN_DELIMITERS, width - 1
        ):
            return True
    return False
