"""Read the rows of a workbook (XLSX, ODS), in a process with limits, after a check of the zip directory."""

import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from app.imports.faults import BadFile
from app.imports.formats.csv import Cells

CHILD_PATH = Path(__file__).with_name("workbook_reader_child.py")

# A workbook of 100,000 rows and twelve columns has a dozen parts and unpacks to about 70 MB, 10 to 20 times its size.
# A file of 419 KB that unpacks to 159 MB (380 times) is a bomb.
MAX_ZIP_PARTS = 1_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_UNPACKED_RATIO = 150
SMALL_WORKBOOK_BYTES = 16 * 1024 * 1024  # unpacked bytes: below this a high ratio is a sheet of repeats, and harmless
# Limits of the process: three times the needs of that largest workbook.
CHILD_MEMORY_BYTES = 768 * 1024 * 1024  # bytes of address space; resident memory stays far below
CHILD_SECONDS = 20  # processor seconds, with every cell searched for struck-out text
# Bytes of a row from the process. No report is longer, and a process that a hostile file took over could go on writing.
MAX_ROW_BYTES = 1024 * 1024

WORKBOOK_ERRORS = {
    "unreadable_workbook": "This workbook cannot be read: save it again as XLSX or as CSV UTF-8, and send that.",
    "password": "This workbook is locked with a password: save a copy without one and send that.",
    "unknown_sheet": "The workbook has no visible sheet of that name: correct `sheet` in the mapping, or leave it out.",
    "repeated_rows": "More than 1,000 rows of the sheet repeat another: delete those, and all rows below the list.",
    "too_many_columns": "The sheet has cells beyond column 500: delete the columns after the last one in use.",
    "cell_too_long": "A cell has more than 32,767 characters, or a row more than 1 MiB: leave the longest texts out.",
    "workbook_too_large": "This workbook is too large to open: save its one sheet as CSV UTF-8 and send that.",
    "suspicious_workbook": "This workbook unpacks to far more than a list: save its sheet as CSV UTF-8 and send that.",
}


def build_workbook_error(code: str) -> BadFile:
    return BadFile(code, WORKBOOK_ERRORS[code])


class SheetName(NamedTuple):
    """A sheet of a workbook."""

    name: str
    is_hidden: bool


@dataclass(frozen=True)
class Sheet:
    """The sheet that is read, with its last row and the indexes of its hidden columns; and all `sheets` in order."""

    name: str
    sheets: tuple[SheetName, ...]
    height: int
    hidden_columns: frozenset[int]

    @property
    def other_sheets(self) -> list[str]:
        """The names of the other sheets that are not hidden."""
        return [sheet.name for sheet in self.sheets if not sheet.is_hidden and sheet.name != self.name]


def check_zip_directory(data: bytes) -> None:
    """Check a workbook by its zip directory alone, before anything is unpacked. Raises BadFile."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    # No zip file; offsets before its beginning or beyond any file; a file spread over several discs.
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        raise build_workbook_error("unreadable_workbook") from None
    unpacked_bytes = sum(part.file_size for part in parts)
    ratio = unpacked_bytes / max(1, len(data))
    if (
        len(parts) > MAX_ZIP_PARTS
        or unpacked_bytes > MAX_UNPACKED_BYTES
        or (unpacked_bytes > SMALL_WORKBOOK_BYTES and ratio > MAX_UNPACKED_RATIO)
    ):
        raise build_workbook_error("suspicious_workbook")


class Workbook:
    """A workbook that a process of its own reads; use as a context manager, at whose end the process is killed.

    `sheet`: by default the first that is not hidden. `with_hidden`: hidden sheets may be read too.
    """

    def __init__(self, data: bytes, sheet: str | None = None, *, with_hidden: bool = False) -> None:
        check_zip_directory(data)
        limits = (str(CHILD_MEMORY_BYTES), str(CHILD_SECONDS))
        kinds = "hidden" if with_hidden else "visible"
        command = [sys.executable, "-I", str(CHILD_PATH), *limits, sheet or "", kinds]
        # The error output of the process may quote the file: it goes nowhere.
        self._child = subprocess.Popen(  # noqa: S603 - our own file, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )
        self._feeder = threading.Thread(target=self._feed, args=(data,), daemon=True)
        self._feeder.start()
        self._has_ended = False
        first = self._read_line()
        sheets = tuple(SheetName(*sheet) for sheet in first["sheets"])
        self.sheet = Sheet(first["sheet"], sheets, first["rows"], frozenset(first["hidden"]))

    def __enter__(self) -> "Workbook":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whether or not all rows were read."""
        self._child.kill()
        self._feeder.join()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._child.wait()

    def _feed(self, data: bytes) -> None:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError, OSError):
            self._child.stdin.write(data)
        with suppress(BrokenPipeError, OSError):
            self._child.stdin.close()

    def _read_line(self) -> Any:
        assert self._child.stdout is not None
        line = self._child.stdout.readline(MAX_ROW_BYTES)
        if len(line) == MAX_ROW_BYTES:
            self.close()
            raise build_workbook_error("cell_too_long")
        if not line:
            if self._child.wait() != 0:  # out of memory or of time
                self.close()
                raise build_workbook_error("workbook_too_large")
            return None
        value = json.loads(line)
        if isinstance(value, dict) and "error" in value:
            self.close()
            raise build_workbook_error(value["error"])
        return value

    def read_rows(self) -> Iterator[Cells]:
        """Each row that is not empty. Raises BadFile."""
        while (line := self._read_line()) is not None:
            number, texts, valueless_cells, marks, colours, merged = line
            colour_of = {place: colour for colour, places in colours.items() for place in places}
            yield Cells(number, texts, valueless_cells, marks, colour_of, dict(merged))
