"""Open a file as a list: find its form, its headings and its sheet, and read its rows as bodies of reports.

A line of JSON Lines is a body already, also as the registry lists reports."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from typing_extensions import TypedDict

from app.errors import Problem
from app.imports.answers import dump_mapping
from app.imports.faults import BadFile, Fault, format_line
from app.imports.formats import csv, workbook_reader
from app.imports.formats.csv import Cells, check_row_number
from app.imports.formats.template import format_field_name
from app.imports.mapping import MAX_QUOTED_LENGTH, Answer, ListMapping, fold_heading
from app.imports.reader import kept_answers
from app.imports.reader.doubts import DoubtfulRows, KnownPeople, infer_meaning_of_m
from app.imports.reader.figure_files import refuse_figures
from app.imports.reader.layout import MAX_HEADING_ROW, Column, HeadingRow, find_heading_row, find_repeated_fields
from app.imports.reader.rows import Row, RowReader, build_sheet_dates
from app.imports.reader.sheet_dates import DateOrder, list_possible_days
from app.imports.reader.sheets import FindSavedMapping, OpenedSheet, SheetOpener, find_nothing_saved, open_workbook
from app.imports.reader.tally import Tally
from app.registry.records import format_id_case
from app.schemas.imports import ImportColumn, ListForm
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
    taken_over = report.get("taken_over")
    paths = taken_over.get("fields") if isinstance(taken_over, dict) else None
    for path in paths if isinstance(paths, list) else ():
        section, _, taken = str(path).partition(".")
        if isinstance(body.get(section), dict):
            body[section] = {name: value for name, value in body[section].items() if name != taken}
    return {"source_record_id": format_id_case(report["id"]), **body}


MAX_LINE_BYTES = 1024 * 1024  # bytes of a row of JSON Lines, as of the body of a request


# An additional key of a line: the answer to the question `withdrawn_report`.
IF_WITHDRAWN = "if_withdrawn"


def read_json_rows(data: bytes, mapping: ListMapping) -> Iterator[Row]:
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
            answer = mapping.if_withdrawn(str(number))
            if body.get(IF_WITHDRAWN) in (Answer.STANDS_AGAIN, Answer.LEAVE_OUT):
                answer = Answer(body.pop(IF_WITHDRAWN))
            yield Row(number, build_report_body(body) if is_listed_report(body) else body, [], if_withdrawn=answer)
        else:
            yield Row(number, None, [Fault(None, "", "object_required", "Each line is one JSON object.")])


# Headings in a message.
MAX_MISSING_SHOWN = 3
# The row numbers of a list of several sheets: those of its third sheet follow 30,000,000.
SHEET_ROWS = 10_000_000
# The numbers of rows for people whom a list lacks follow those of any sheet.
FIRST_MISSING_ROW = 900_000_001


def format_row_label(number: int, sheet_names: Mapping[str, str]) -> str | None:
    """Return a row as an officer names it: 14, or Detenidos!14 in a list of several sheets; None for somebody whom the
    list lacks. `sheet_names`: number of a sheet → its name, as a receipt has them."""
    if number >= FIRST_MISSING_ROW:
        return None
    sheet_number, row = divmod(number, SHEET_ROWS)
    return f"{sheet_names.get(str(sheet_number), sheet_number)}!{row}" if sheet_number else str(row)


class OpenedShape(TypedDict):
    """The form, sheets and columns of a list, as its sender reads them."""

    form: ListForm
    digest: str
    columns: list[ImportColumn]
    sheet: str | None
    sheet_names: dict[str, str]
    other_sheets: list[str]
    saved_mapping: bool
    remembered: str | None
    kept_answers: dict[str, str]


@dataclass
class OpenedList:
    """A list ready to be read.

    `is_mapping_saved`: its mapping was saved with an earlier list; `sheets`: none for JSON Lines; `rows`: read the file
    again.
    """

    form: ListForm
    digest: str
    mapping: ListMapping
    is_mapping_saved: bool = False
    sheets: list[OpenedSheet] = field(default_factory=list)
    headings: str | None = None  # the digest of those of the first sheet read
    country: str | None = None  # of the source, for rows that name none
    day: date | None = None  # for which the list is true, answered or guessed
    rows: Callable[[], Iterator[Row]] = lambda: iter(())
    tally: Tally = field(default_factory=Tally)  # of the rows last read
    kept_answers: dict[str, Answer] = field(default_factory=dict)  # of equal rows of the last list
    read_rows: Callable[[ListMapping], Iterator[Row]] = lambda _mapping: iter(())  # with these answers

    @property
    def used_sheets(self) -> list[OpenedSheet]:
        return [sheet for sheet in self.sheets if sheet.is_used]

    @property
    def columns(self) -> list[Column]:
        return [column for sheet in self.used_sheets for column in sheet.columns]

    @property
    def cells(self) -> Callable[[], Iterator[Cells]] | None:
        """Read the cells of all rows; None for JSON Lines."""
        return self._read_cells if self.sheets else None

    def _read_cells(self) -> Iterator[Cells]:
        for _sheet, rows in self._read_sheets():
            yield from rows

    def number_row(self, sheet: OpenedSheet, row: int) -> int:
        """Return the number of a row of a sheet among the rows of the list."""
        return row + (sheet.number * SHEET_ROWS if len(self.used_sheets) > 1 else 0)

    def label_row(self, number: int) -> str:
        """Return a row as an officer names it: 14, or Detenidos!14 in a list of several sheets."""
        return format_row_label(number, self._sheet_names) or str(number)

    @property
    def _sheet_names(self) -> dict[str, str]:
        return {str(sheet.number): sheet.name for sheet in self.sheets if sheet.name is not None}

    @property
    def _own_mapping(self) -> ListMapping:
        """The mapping without the answers that equal rows of the last list got."""
        rows = {key: answer for key, answer in self.mapping.rows.items() if key not in self.kept_answers}
        return self.mapping.with_rows(rows)

    def collect_answers(self) -> dict[str, Answer]:
        """Return the answers about rows, to be kept for the next list."""
        if not self.mapping.rows or not self.sheets:
            return {}
        rows = self.read_rows(self.mapping.with_rows({}))
        asked = {row.number: {fault.code for fault in row.faults} for row in rows if row.faults}
        kept: dict[str, Answer] = {}
        for sheet, cells in self._read_sheets():
            kept |= kept_answers.collect_answers(cells, sheet.columns, self.mapping, self.label_row, asked)
        return kept

    def _read_sheets(self) -> Iterator[tuple[OpenedSheet, Iterator[Cells]]]:
        for sheet in self.used_sheets:
            numbers = partial(self.number_row, sheet)
            yield sheet, (row._replace(number=numbers(row.number)) for row in sheet.read_cells())

    def count_rows(self) -> int:
        """Return the number of rows. Reads to the end: a file that breaks off is refused before anything of it is
        filed. Raises BadFile."""
        if self.cells is None:
            return sum(1 for _row in self.rows())
        doubtful = DoubtfulRows(self.columns, self.mapping, self.label_row)
        return sum(1 for row in self.cells() if doubtful.find_open_questions(row) is not None)

    def shape(self, *, with_samples: bool = True) -> OpenedShape:
        """Return what is stored of the list. `with_samples`: with some cells of each column."""
        used = [sheet.name for sheet in self.used_sheets if sheet.name is not None]
        return {
            "form": self.form,
            "digest": self.digest,
            "columns": [_shape_column(column, with_samples=with_samples) for column in self.columns],
            "sheet": ", ".join(used) or None,
            "sheet_names": self._sheet_names if len(used) > 1 else {},
            "other_sheets": [sheet.name for sheet in self.sheets if sheet.name is not None and not sheet.is_used],
            "saved_mapping": self.is_mapping_saved,
            "remembered": dump_mapping(self._own_mapping) if self.is_mapping_saved else None,
            "kept_answers": {key: str(answer) for key, answer in self.kept_answers.items()},
        }


def _shape_column(column: Column, *, with_samples: bool) -> ImportColumn:
    shape: ImportColumn = {
        "column": column.letter,
        "heading": column.title,
        "fields": list(column.fields),
        "filled": column.profile.filled,
        "sure": column.is_sure or column.is_answered,
        "counts_rows": column.is_counter,
        "phones": column.is_phones,
    }
    return {**shape, "samples": list(column.profile.samples)} if with_samples else shape


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class ListContext:
    """What is known of a list beside the file: the country of its source, and the day on which it is read."""

    country: str | None = None
    today: date | None = None


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
    data: bytes,
    mapping: ListMapping | None,
    find_saved: FindSavedMapping = find_nothing_saved,
    context: ListContext = ListContext(),
) -> OpenedList:
    """Find the form, the sheets and the columns of a file by its first rows. Raises BadFile."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if not start:
        raise BadFile("empty_file", "There is nothing in this file.")
    if start.startswith(_OLE_MAGIC) and _ENCRYPTED_STREAM in data:
        raise workbook_reader.build_workbook_error("password")
    for beginnings, code, detail in _OTHER_FORMATS:
        if start.startswith(beginnings):
            raise BadFile(code, detail)
    if start.startswith(b"{"):
        json_mapping = mapping or ListMapping()
        return OpenedList("jsonl", digest_bytes(data), json_mapping, rows=lambda: read_json_rows(data, json_mapping))
    opener = SheetOpener(mapping, find_saved)
    form: ListForm = "csv"
    if start.startswith(b"pk\x03\x04"):
        form = "ods" if b"opendocument.spreadsheet" in _read_zip_part(data, "mimetype") else "xlsx"
        sheets = open_workbook(opener, data)
    else:
        sheets = [_open_csv(opener, data)]
    if mapping is None and not opener.is_mapping_saved:
        columns = [column for sheet in sheets if sheet.is_used for column in sheet.columns]
        refuse_figures(data, [column for column in columns if column.profile.filled])
    return _build_opened_list(form, data, opener, sheets, context)


def _open_csv(opener: SheetOpener, data: bytes) -> OpenedSheet:
    encoding = csv.detect_encoding(data)

    def read_cells(delimiter: str, width: int | None = None) -> Iterator[Cells]:
        return (Cells(*row) for row in csv.read_csv_rows(data, encoding, delimiter, width))

    candidates = [
        (find_heading_row(read_cells(delimiter), opener.mapping, opener.mapping.header), delimiter)
        for delimiter in csv.DELIMITERS
    ]
    targets = opener.mapping.targets

    def rank(candidate: tuple[HeadingRow, str]) -> tuple[int, int, tuple[int, int], int]:
        row, delimiter = candidate
        named_count = sum(1 for heading in row.headings if fold_heading(heading) in targets)
        return named_count, row.known_count, _count_split_rows(read_cells(delimiter)), row.width

    heading_row, delimiter = max(candidates, key=rank)
    return opener.open_sheet(partial(read_cells, delimiter, len(heading_row.headings) or None))


def _count_split_rows(rows: Iterator[Cells]) -> tuple[int, int]:
    """Return how many of the first rows a delimiter splits, and into how many cells."""
    counts = [sum(1 for text in row.texts if text.strip()) for row in islice(rows, MAX_HEADING_ROW)]
    split = [count for count in counts if count > 1]
    return len(split), sum(split)


def _build_opened_list(
    form: ListForm, data: bytes, opener: SheetOpener, sheets: list[OpenedSheet], context: ListContext
) -> OpenedList:
    mapping = opener.mapping
    used = [sheet for sheet in sheets if sheet.is_used]
    columns = [column for sheet in used for column in sheet.columns]
    for name, column in find_repeated_fields([column for column in columns if column.sheet is None]):
        first = next(other.letter for other in columns if other.fields[:1] == (name,))
        field_name = partial(format_field_name, name)
        raise BadFile.from_sentence("two_columns_for_one", first=first, second=column.letter, field=field_name)
    headings = {fold_heading(text) for column in columns for text in (column.heading, column.title)}
    missing = mapping.targets.keys() - headings
    if missing:
        raise _build_mismatch(mapping, missing)
    day = mapping.day or _guess_day([text for sheet in used for text in sheet.rows_above]) or context.today
    opened_list = OpenedList(
        form,
        digest_bytes(data),
        mapping,
        opener.is_mapping_saved,
        sheets,
        used[0].heading_row.digest if used else None,
        context.country,
        day,
    )

    if mapping.kept_rows:
        for sheet, rows in opened_list._read_sheets():
            opened_list.kept_answers |= kept_answers.find_kept_answers(
                rows, sheet.columns, mapping, opened_list.label_row
            )
        mapping = opened_list.mapping = mapping.with_rows(opened_list.kept_answers | mapping.rows)

    def read_rows(mapping: ListMapping) -> Iterator[Row]:
        opened_list.tally, known_people = Tally(), KnownPeople()
        for sheet in opened_list.used_sheets:
            reader = RowReader(
                sheet.columns,
                mapping,
                opened_list.tally,
                genders=infer_meaning_of_m(sheet.columns, sheet.read_cells()),
                dates=build_sheet_dates(sheet.columns, sheet.read_cells(), mapping, day),
                country=context.country,
                today=context.today,
                state=sheet.state if len(used) > 1 else None,
                label_row=opened_list.label_row,
                known_people=known_people,
            )
            for cells in sheet.read_cells():
                row = reader.read_row(cells._replace(number=opened_list.number_row(sheet, cells.number)))
                if row is not None:
                    yield row

    opened_list.read_rows, opened_list.rows = read_rows, partial(read_rows, mapping)
    return opened_list


def _build_mismatch(mapping: ListMapping, missing: Collection[str]) -> BadFile:
    quoted = [f'"{heading[:MAX_QUOTED_LENGTH]}"' for heading in mapping.columns if fold_heading(heading) in missing]
    listed, more_count = ", ".join(quoted[:MAX_MISSING_SHOWN]), len(quoted) - MAX_MISSING_SHOWN
    named = partial(format_line, "gone_more", listed=listed, count=more_count) if more_count > 0 else listed
    return BadFile.from_sentence("mapping_mismatch", named=named)


_DAY_IN_TITLE = re.compile(
    r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}-\d{2}-\d{2}|\d{1,2} (?:de )?[^\W\d]+ (?:de |del )?\d{4}",
    re.IGNORECASE,
)


def _guess_day(texts: Sequence[str]) -> date | None:
    """Return the last full day that stands above the headings: "actualizado al 20/01/2026"."""
    days = [
        day
        for text in texts
        for match in _DAY_IN_TITLE.finditer(text)
        for day in list_possible_days(match[0], DateOrder.DAY_FIRST)
    ]
    return max(days, default=None)
