"""Open a file as a list: find its form, its headings and its sheet, and read its rows as bodies of reports."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from typing_extensions import TypedDict

from app.errors import Problem
from app.imports import headings
from app.imports.cell_values import CELL_WORDS, DateOrder, is_date, list_possible_days
from app.imports.doubts import DoubtfulRows, infer_meaning_of_m
from app.imports.faults import BadFile, Fault, StoredQuestion, Value, build_list_question
from app.imports.figure_files import EXAMPLE_SHEETS, HEADING_REFUSALS, MAX_SHEETS, refuse_figures
from app.imports.formats import csv, workbook_reader
from app.imports.formats.csv import MAX_COLUMNS, Cells, check_row_number
from app.imports.formats.workbook_reader import Sheet, Workbook
from app.imports.headings import SENTENCE_TERM, Column, find_withholding_cells
from app.imports.mapping import MAX_QUOTED_LENGTH, Answer, ListMapping
from app.imports.rows import Row, RowReader, Tally
from app.matching.scripts import fold
from app.registry.records import format_id_case
from app.schemas.imports import ImportColumn, ListForm
from app.schemas.text import LAST_ZONE
from app.strict_json import parse_json

# Fields that the registry adds to a report.
REGISTRY_FIELDS = frozenset(
    {"id", "version", "revision", "recorded_at", "source", "review", "has_national_id", "retraction", "taken_over"}
)


def is_listed_report(row: dict[str, Any]) -> bool:
    """Whether a line is a listed report: no body has these fields."""
    return {"id", "version", "revision"} <= row.keys()


def build_report_body(report: AnyMapping[str, Any]) -> dict[str, Any]:
    """Return the body that files a listed report again.

    It is without what the report took over, which elsewhere would be its own word. The id of a report without a case
    number serves as one."""
    body = {name: value for name, value in report.items() if name not in REGISTRY_FIELDS}
    for path in report.get("taken_over", {}).get("fields", ()):
        section, _, taken = path.partition(".")
        body[section] = {name: value for name, value in body[section].items() if name != taken}
    return {"source_record_id": format_id_case(report["id"]), **body}


# Cells that hold nobody back under "No publicar".
NO_WORDS = frozenset(CELL_WORDS["asked"]["no"])
# Cells that say yes or no in a column of days of publication, and words that make a day of this year a future one.
YES_OR_NO = frozenset(CELL_WORDS["asked"]["yes_or_no"])
FUTURE_WORDS = re.compile(r"\b(?:hasta|partir|despues|antes|until|after|before)\b")
YEAR_PATTERN = re.compile(r"(?<!\d)20\d\d(?!\d)")


class OpenedShape(TypedDict):
    """The form, sheets and columns of a list, as its sender reads them."""

    form: ListForm
    digest: str
    columns: list[ImportColumn]
    sheet: str | None
    other_sheets: list[str]
    saved_mapping: bool


@dataclass
class OpenedList:
    """A list ready to be read.

    `is_mapping_saved`: its mapping was saved with an earlier list; `rows`, `cells`: read the file again.
    """

    form: ListForm
    digest: str
    mapping: ListMapping
    is_mapping_saved: bool = False
    columns: list[Column] = field(default_factory=list)
    headings: str | None = None  # their digest
    sheet: str | None = None
    other_sheets: list[str] = field(default_factory=list)
    rows: Callable[[], Iterator[Row]] = lambda: iter(())
    cells: Callable[[], Iterator[Cells]] | None = None
    tally: Tally = field(default_factory=Tally)  # of the rows last read

    def count_rows(self) -> tuple[int, bool]:
        """`(number of rows, whether the column of case numbers only counts them)`. Reads to the end: a file that breaks
        off is refused before anything of it is filed. Raises BadFile."""
        if self.cells is None:
            return sum(1 for _row in self.rows()), False
        mapped_headings = self.mapping.targets
        place = next(
            (
                c.place
                for c in self.columns
                if "source_record_id" in c.fields and fold(c.heading) not in mapped_headings
            ),
            None,
        )
        row_count, counting = 0, place is not None
        doubtful = DoubtfulRows(self.columns, self.mapping)
        for row in self.cells():
            if self.mapping.rows and doubtful.find_open_questions(row) is None:
                continue
            row_count += 1
            counting = counting and place is not None and row.text(place) == str(row_count)
        return row_count, counting and row_count > 1

    def list_questions(self, now: datetime) -> list[StoredQuestion]:
        """The questions about whole columns, which only a mapping answers. Raises BadFile."""
        unmapped_columns = [column for column in self.columns if column.fields and not column.is_mapped]
        sentence_columns = [column for column in unmapped_columns if column.fields == (SENTENCE_TERM,)]
        return [
            *(build_column_question("hidden_column", column) for column in unmapped_columns if column.is_hidden),
            *(
                build_column_question("sentence_date", column)
                for column in sentence_columns
                if self._has_dates(column.place)
            ),
            *(
                build_column_question("publication_column", column)
                for column in self.columns
                if self._may_withhold(column, now)
            ),
        ]

    def _has_dates(self, place: int) -> bool:
        rows = () if self.cells is None else self.cells()
        return any(is_date(row.texts[place], self.mapping.dates) for row in rows if place < len(row.texts))

    def _may_withhold(self, column: Column, now: datetime) -> bool:
        """Whether some cell of a column that is not read may say that a person must not be published."""
        cells, place = find_withholding_cells(column), column.place
        if cells is None or self.cells is None:
            return False
        if any(place in row.valueless_cells for row in self.cells()):
            return True  # a formula without its value may give any
        texts = (row.text(place) for row in self.cells())
        if cells == "day_to_come":
            today = now.astimezone(LAST_ZONE).date()  # an embargo ends where its day has begun everywhere
            return any(_may_hold_back(text, today, self.mapping.dates) for text in texts)
        return any(text and not (cells == "any_but_no" and text.casefold() in NO_WORDS) for text in texts)

    def shape(self) -> OpenedShape:
        return {
            "form": self.form,
            "digest": self.digest,
            "columns": [
                {"column": column.letter, "heading": column.heading, "fields": list(column.fields)}
                for column in self.columns
            ],
            "sheet": self.sheet,
            "other_sheets": self.other_sheets,
            "saved_mapping": self.is_mapping_saved,
        }


def _may_hold_back(text: str, today: date, order: DateOrder | None) -> bool:
    """Whether a cell under a heading of publication says yes or no, or may mean a day to come: one that is no day and
    no link may, by a year to come, or by this year with "hasta" or "a partir de"."""
    words, days = fold(text), list_possible_days(text, order)
    years = () if days or "//" in text else map(int, YEAR_PATTERN.findall(text))
    soonest = today.year if FUTURE_WORDS.search(words) else today.year + 1
    return words in YES_OR_NO or any(day > today for day in days) or any(year >= soonest for year in years)


def build_column_question(code: str, column: Column, **values: Value) -> StoredQuestion:
    """A question about a column."""
    return build_list_question(
        code, "mapping", column=column.letter, heading=column.heading[:MAX_QUOTED_LENGTH], **values
    )


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Digest of a row of headings → the mapping saved for them.
FindSavedMapping = Callable[[str], ListMapping | None]

# Rows that may stand above the headings: a title, a date, a paragraph.
MAX_HEADING_ROW = 20
MIN_GROUP_CELLS = 2  # cells of a row of headings above another


@dataclass
class HeadingRow:
    """A row of headings, with the mapping by which it is read."""

    known_count: int
    width: int
    number: int
    cells: list[str]
    mapping: ListMapping
    is_saved: bool
    hidden_columns: frozenset[int] = frozenset()

    @classmethod
    def find(
        cls,
        rows: Iterator[Cells],
        mapping: ListMapping | None,
        find_saved: FindSavedMapping,
        hidden_columns: frozenset[int] = frozenset(),
    ) -> "HeadingRow":
        """The row that the mapping names; else the row with most known headings among the first rows, alone or joined
        with the row above it."""
        best = cls(0, 0, 0, [], mapping or ListMapping(), is_saved=False)
        row_above = Cells(0, [])
        for row in rows:
            number, cells = row.number, row.texts
            if number > MAX_HEADING_ROW and (mapping is None or mapping.header is None or number > mapping.header):
                break
            if len(cells) > 4 * MAX_COLUMNS:
                raise BadFile("too_many_columns", f"A list has at most {MAX_COLUMNS} columns: is this one?", number)
            if mapping is not None and mapping.header is not None and number != mapping.header:
                row_above = row
                continue
            for heading_cells in [cells, *_join_group_headings(row_above, row)]:
                saved_mapping = (
                    None if mapping is not None else find_saved(headings.digest_headings(trim_cells(heading_cells)))
                )
                used_mapping = saved_mapping or mapping or ListMapping()
                known_count = headings.count_known_headings(heading_cells, used_mapping)
                width = sum(1 for cell in heading_cells if cell.strip())
                if known_count > best.known_count:
                    best = cls(
                        known_count,
                        width,
                        number,
                        heading_cells,
                        used_mapping,
                        saved_mapping is not None,
                        hidden_columns,
                    )
            row_above = row
        return best

    @property
    def saved_sheet(self) -> str | None:
        """The sheet that the mapping saved for these headings names."""
        return self.mapping.sheet if self.is_saved else None

    def open_list(self, form: ListForm, data: bytes, rows: Callable[[], Iterator[Cells]]) -> OpenedList:
        if self.known_count < min(headings.MIN_KNOWN_HEADINGS, max(1, self.width)):
            raise BadFile(
                "no_headings",
                f"No row of headings was found in the first {MAX_HEADING_ROW} rows, or in the one that a mapping names "
                "as `header`: put headings above the columns, or send a mapping that says which column holds what.",
            )
        columns = headings.build_columns(self.cells, self.mapping, self.hidden_columns)

        def rows_below() -> Iterator[Cells]:
            return (row for row in rows() if row.number > self.number)

        def read_rows() -> Iterator[Row]:
            opened_list.tally = Tally()
            reader = RowReader(columns, self.mapping, infer_meaning_of_m(columns, rows_below()), opened_list.tally)
            return (row for cells in rows_below() if (row := reader.read_row(cells)) is not None)

        opened_list = OpenedList(
            form,
            digest_bytes(data),
            self.mapping,
            self.is_saved,
            columns,
            headings.digest_headings(trim_cells(self.cells)),
            rows=read_rows,
            cells=rows_below,
        )
        return opened_list


def _join_group_headings(row_above: Cells, row: Cells) -> list[list[str]]:
    """The headings of a row joined with the groups above, if there are any: a single cell above is a title."""
    if row_above.number != row.number - 1 or sum(1 for cell in row_above.texts if cell.strip()) < MIN_GROUP_CELLS:
        return []
    return [headings.join_heading_rows(row_above.texts, row.texts)]


def trim_cells(cells: list[str]) -> list[str]:
    return cells[: max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)]


MAX_SHEET_NAME = 31  # characters that a spreadsheet takes (ECMA-376)


def choose_sheet(data: bytes, mapping: ListMapping | None, find_saved: FindSavedMapping) -> OpenedList:
    """Choose the sheet that the mapping names, sent or saved; else the first visible sheet with headings, which a cover
    page has not."""
    form: ListForm = "ods" if b"opendocument.spreadsheet" in _read_zip_part(data, "mimetype") else "xlsx"

    def read_heading_row(name: str | None) -> tuple[Sheet, HeadingRow]:
        with Workbook(data, name) as book:
            return book.sheet, HeadingRow.find(book.read_rows(), mapping, find_saved, book.sheet.hidden_columns)

    def read_rows(name: str) -> Iterator[Cells]:
        with closing(Workbook(data, name)) as book:
            yield from book.read_rows()

    mapped_sheet = mapping.sheet if mapping else None
    sheet, heading_row = read_heading_row(mapped_sheet)
    names = [sheet.name, *(other for other in sheet.other_sheets if other not in EXAMPLE_SHEETS)][
        : 1 if mapped_sheet else MAX_SHEETS
    ]
    for name in names:
        if name != sheet.name:
            sheet, heading_row = read_heading_row(name)
        saved_sheet = heading_row.saved_sheet
        if saved_sheet is not None and saved_sheet != sheet.name:
            # Another sheet has the same headings: answers about that sheet must not apply to this one.
            if saved_sheet not in sheet.other_sheets:
                raise build_other_sheet_error(saved_sheet)
            sheet, heading_row = read_heading_row(saved_sheet)
            if heading_row.saved_sheet != saved_sheet:
                raise build_other_sheet_error(saved_sheet)
        try:
            opened_list = heading_row.open_list(form, data, partial(read_rows, sheet.name))
        except BadFile as fault:
            if fault.code != "no_headings" or len(names) == 1:
                raise
        else:
            opened_list.sheet, opened_list.other_sheets = sheet.name, sheet.other_sheets
            return opened_list
    tried_sheets = ", ".join(f'"{name[:MAX_SHEET_NAME]}"' for name in names)
    raise BadFile(
        "no_headings",
        f"No row of headings was found on the sheets {tried_sheets}: put headings above the columns, or say in a "
        'mapping which sheet is the list (sheet = "…") and which column holds what.',
    )


def build_other_sheet_error(saved_sheet: str) -> BadFile:
    return BadFile(
        "unknown_sheet",
        f'The mapping remembered for these headings is for the sheet "{saved_sheet[:MAX_SHEET_NAME]}", and this file '
        "has no visible sheet of that name with these headings: send that sheet, or send a mapping with this list that "
        "says what is true of it.",
    )


def _read_zip_part(data: bytes, name: str) -> bytes:
    """The beginning of a part of a zip file; empty without such a part."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as part:
            return part.read(100)
    # No such part; no zip file after all; an unknown way of packing; encrypted.
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return b""


_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
# A workbook under a password has the container of the old form, with a stream of this name (MS-OFFCRYPTO 2.3.1).
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
# First bytes of files that are no lists, a code, and what to do.
_OTHER_FORMATS: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    ((b"<!doctype", b"<html", b"<head", b"<table", b"<?xml", b"<body", b"<meta"), "html_page",
     "This is a web page, not a list: download the list itself, or copy the table into a spreadsheet and save that."),
    ((b"%pdf",), "pdf", "This is a PDF: send the spreadsheet it was made from."),
    ((_OLE_MAGIC,), "old_workbook", "This is a workbook of the old form: save it as XLSX or CSV UTF-8."),
    ((b"{\\rtf",), "rich_text", "This is a document, not a list: copy its table into a spreadsheet and save that."),
    ((b"\x1f\x8b", b"rar!", b"7z\xbc\xaf"), "packed", "This file is packed: unpack it and send the list inside."),
)  # fmt: skip


def open_list(
    data: bytes, mapping: ListMapping | None, find_saved: FindSavedMapping = lambda _digest: None
) -> OpenedList:
    """Find the form and the columns of a file by its first rows. Raises BadFile, also for a list of figures."""
    try:
        opened_list = _open_list_of_people(data, mapping, find_saved)
    except BadFile as fault:
        if fault.code in HEADING_REFUSALS:
            refuse_figures(data)
        raise
    if mapping is None and not opened_list.is_mapping_saved and opened_list.columns:
        refuse_figures(data, opened_list.columns)
    return opened_list


def _open_list_of_people(data: bytes, mapping: ListMapping | None, find_saved: FindSavedMapping) -> OpenedList:
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if not start:
        raise BadFile("empty_file", "There is nothing in this file.")
    if start.startswith(_OLE_MAGIC) and _ENCRYPTED_STREAM in data:
        raise workbook_reader.build_workbook_error("password")
    for beginnings, code, detail in _OTHER_FORMATS:
        if start.startswith(beginnings):
            raise BadFile(code, detail)
    if start.startswith(b"pk\x03\x04"):
        return choose_sheet(data, mapping, find_saved)
    if start.startswith(b"{"):
        json_mapping = mapping or ListMapping()
        return OpenedList("jsonl", digest_bytes(data), json_mapping, rows=lambda: _read_json_rows(data, json_mapping))
    return _open_csv(data, mapping, find_saved)


def _open_csv(data: bytes, mapping: ListMapping | None, find_saved: FindSavedMapping) -> OpenedList:
    encoding = csv.detect_encoding(data)

    def read_cells(delimiter: str, width: int | None = None) -> Iterator[Cells]:
        return (Cells(*row) for row in csv.read_csv_rows(data, encoding, delimiter, width))

    candidates = [
        (HeadingRow.find(read_cells(delimiter), mapping, find_saved), delimiter) for delimiter in csv.DELIMITERS
    ]
    heading_row, delimiter = max(candidates, key=lambda pair: (pair[0].known_count, pair[0].width))
    if heading_row.saved_sheet is not None:
        raise build_other_sheet_error(heading_row.saved_sheet)
    return heading_row.open_list("csv", data, lambda: read_cells(delimiter, len(trim_cells(heading_row.cells))))


MAX_LINE_BYTES = 1024 * 1024  # bytes of a row of JSON Lines, as of the body of a request
# An additional key of a line: the answer to the question `withdrawn_report`.
IF_WITHDRAWN = "if_withdrawn"


def _read_json_rows(data: bytes, mapping: ListMapping) -> Iterator[Row]:
    for number, line in enumerate(io.BytesIO(data), 1):
        check_row_number(number)
        if not line.strip():
            continue
        try:
            if len(line) > MAX_LINE_BYTES:
                raise BadFile("cell_too_long", "This line has more than 1 MiB: send fewer facts.")
            body = parse_json(line.removeprefix(b"\xef\xbb\xbf"))
        except Problem as refusal:
            errors = refusal.extra.get("errors") or [{"pointer": "", "code": refusal.code, "detail": refusal.detail}]
            yield Row(number, None, [Fault(None, error["pointer"], error["code"], error["detail"]) for error in errors])
            continue
        except BadFile as fault:
            yield Row(number, None, [Fault(None, "", fault.code, fault.detail)])
            continue
        if isinstance(body, dict):
            answer = mapping.if_withdrawn(number)
            if body.get(IF_WITHDRAWN) in (Answer.STANDS_AGAIN, Answer.LEAVE_OUT):
                answer = Answer(body.pop(IF_WITHDRAWN))
            yield Row(number, build_report_body(body) if is_listed_report(body) else body, [], if_withdrawn=answer)
        else:
            yield Row(number, None, [Fault(None, "", "object_required", "Each line is one JSON object.")])
