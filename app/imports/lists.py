"""Turn a report as listed by `/v1/reports` into the body that files it again (pure).

A list whose form and columns are known, ready to be read row by row.

Which row of a file has the headings, and the mapping by which they are read.

Which sheet of a workbook is the list.

Open a file as a list: find its form, its headings and its sheet, and read its rows as bodies of reports."""

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
from app.imports.cell_values import WORDS, Order, is_date, possible_days
from app.imports.doubts import DoubtfulRows, meaning_of_m
from app.imports.faults import BadFile, Fault, StoredQuestion, Value, about_list
from app.imports.formats import csv, template, workbook_reader
from app.imports.formats.csv import MOST_COLUMNS, Cells, check_number
from app.imports.formats.json_reader import parse_json
from app.imports.formats.workbook_reader import Sheet, Workbook
from app.imports.headings import SENTENCE_TERM, Column, withholding_cells
from app.imports.mapping import MOST_NAMED, Answer, Mapping
from app.imports.rows import Reader, Row, Tally
from app.matching.scripts import fold
from app.registry.records import case_by_id
from app.schemas.imports import ImportColumn, ListForm
from app.schemas.text import LAST_ZONE

# Fields that the registry adds to a report.
BESIDE = frozenset({"id", "version", "revision", "recorded_at", "source", "has_national_id", "retraction"})


def is_report(row: dict[str, Any]) -> bool:
    """Whether a line is a listed report: no body has these fields."""
    return {"id", "version", "revision"} <= row.keys()


def body_of(report: AnyMapping[str, Any]) -> dict[str, Any]:
    """The body that files a listed report again. The id of a report without a case number serves as one."""
    body = {name: value for name, value in report.items() if name not in BESIDE}
    return {"source_record_id": case_by_id(report["id"]), **body}


# Cells that hold nobody back under "No publicar".
NO = frozenset(WORDS["asked"]["no"])
# What a cell says of a person where the day of an article would stand, and what makes a year that runs one to come.
YES_OR_NO = frozenset(WORDS["asked"]["yes_or_no"])
UNTIL = re.compile(r"\b(?:hasta|partir|despues|antes|until|after|before)\b")
YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


class OpenedShape(TypedDict):
    """The form, sheets and columns of a list, as its sender reads them."""

    form: ListForm
    digest: str
    columns: list[ImportColumn]
    sheet: str | None
    other_sheets: list[str]
    saved_mapping: bool


@dataclass
class Opened:
    """A list ready to be read. `saved`: its mapping was saved with an earlier list; `rows`, `cells`: read it anew."""

    form: ListForm
    digest: str
    mapping: Mapping
    saved: bool = False
    columns: list[Column] = field(default_factory=list)
    headings: str | None = None  # their digest
    sheet: str | None = None
    other_sheets: list[str] = field(default_factory=list)
    rows: Callable[[], Iterator[Row]] = lambda: iter(())
    cells: Callable[[], Iterator[Cells]] | None = None
    tally: Tally = field(default_factory=Tally)  # of the rows last read

    def count(self) -> tuple[int, bool]:
        """`(number of rows, whether the column of case numbers only counts them)`. Reads to the end: a file that breaks
        off is refused before anything of it is filed. Raises BadFile."""
        if self.cells is None:
            return sum(1 for _row in self.rows()), False
        named = self.mapping.targets
        place = next(
            (c.place for c in self.columns if "source_record_id" in c.fields and fold(c.heading) not in named), None
        )
        number, counting = 0, place is not None
        doubtful = DoubtfulRows(self.columns, self.mapping)
        for row in self.cells():
            if self.mapping.rows and doubtful.open_questions(row) is None:
                continue
            number += 1
            counting = counting and place is not None and row.text(place) == str(number)
        return number, counting and number > 1

    def questions(self, now: datetime) -> list[StoredQuestion]:
        """The questions about whole columns, which only a mapping answers. Raises BadFile."""
        unnamed = [column for column in self.columns if column.fields and not column.named]
        terms = [column for column in unnamed if column.fields == (SENTENCE_TERM,)]
        return [
            *(about_column("hidden_column", column) for column in unnamed if column.hidden),
            *(about_column("sentence_date", column) for column in terms if self._has_dates(column.place)),
            *(about_column("publication_column", column) for column in self.columns if self._may_withhold(column, now)),
        ]

    def _has_dates(self, place: int) -> bool:
        rows = () if self.cells is None else self.cells()
        return any(place < len(row.texts) and is_date(row.texts[place], self.mapping.dates) for row in rows)

    def _may_withhold(self, column: Column, now: datetime) -> bool:
        """Whether some cell of a column that is not read may say that a person must not be published."""
        cells, place = withholding_cells(column), column.place
        if cells is None or self.cells is None:
            return False
        if any(place in row.without for row in self.cells()):
            return True  # a formula without its value may give any
        texts = (row.text(place) for row in self.cells())
        if cells == "day_to_come":
            today = now.astimezone(LAST_ZONE).date()  # an embargo ends where its day has begun everywhere
            return any(_may_hold_back(text, today, self.mapping.dates) for text in texts)
        return any(text and not (cells == "any_but_no" and text.casefold() in NO) for text in texts)

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
            "saved_mapping": self.saved,
        }


def _may_hold_back(text: str, today: date, order: Order | None) -> bool:
    """Whether a cell under a heading of publication says yes or no, or may mean a day to come: one that is no day and
    no link may, by a year to come, or by this year with "hasta" or "a partir de"."""
    words, days = fold(text), possible_days(text, order)
    years = () if days or "//" in text else map(int, YEAR.findall(text))
    soonest = today.year if UNTIL.search(words) else today.year + 1
    return words in YES_OR_NO or any(day > today for day in days) or any(year >= soonest for year in years)


def about_column(code: str, column: Column, **values: Value) -> StoredQuestion:
    """A question about a column."""
    return about_list(code, "mapping", column=column.letter, heading=column.heading[:MOST_NAMED], **values)


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Digest of a row of headings → the mapping saved for them.
Saved = Callable[[str], Mapping | None]

# Rows that may stand above the headings: a title, a date, a paragraph.
HEADINGS_WITHIN = 20
GROUPED = 2  # cells of a row of headings above another


@dataclass
class HeadingRow:
    """A row of headings, with the mapping by which it is read."""

    known: int
    width: int
    number: int
    cells: list[str]
    mapping: Mapping
    saved: bool
    hidden: frozenset[int] = frozenset()

    @classmethod
    def find(
        cls, rows: Iterator[Cells], mapping: Mapping | None, saved: Saved, hidden: frozenset[int] = frozenset()
    ) -> "HeadingRow":
        """The row that the mapping names; else the row with most known headings among the first rows, alone or joined
        with the row above it."""
        best = cls(0, 0, 0, [], mapping or Mapping(), saved=False)
        above = Cells(0, [])
        for row in rows:
            number, cells = row.number, row.texts
            if number > HEADINGS_WITHIN and (mapping is None or mapping.header is None or number > mapping.header):
                break
            if len(cells) > 4 * MOST_COLUMNS:
                raise BadFile("too_many_columns", f"A list has at most {MOST_COLUMNS} columns: is this one?", number)
            if mapping is not None and mapping.header is not None and number != mapping.header:
                above = row
                continue
            for heads in [cells, *_with_groups(above, row)]:
                of_earlier = None if mapping is not None else saved(headings.digest(trimmed(heads)))
                used = of_earlier or mapping or Mapping()
                known = headings.known_in(heads, used)
                width = sum(1 for cell in heads if cell.strip())
                if known > best.known:
                    best = cls(known, width, number, heads, used, of_earlier is not None, hidden)
            above = row
        return best

    @property
    def saved_sheet(self) -> str | None:
        """The sheet that the mapping saved for these headings names."""
        return self.mapping.sheet if self.saved else None

    def opened(self, form: ListForm, data: bytes, rows: Callable[[], Iterator[Cells]]) -> Opened:
        if self.known < min(headings.LEAST_KNOWN, max(1, self.width)):
            raise BadFile(
                "no_headings",
                f"No row of headings was found in the first {HEADINGS_WITHIN} rows, or in the one that a mapping names "
                "as `header`: put headings above the columns, or send a mapping that says which column holds what.",
            )
        columns = headings.columns(self.cells, self.mapping, self.hidden)

        def below() -> Iterator[Cells]:
            return (row for row in rows() if row.number > self.number)

        def read() -> Iterator[Row]:
            opened.tally = Tally()
            reader = Reader(columns, self.mapping, meaning_of_m(columns, below()), opened.tally)
            return (row for cells in below() if (row := reader.read(cells)) is not None)

        opened = Opened(
            form, digest_of(data), self.mapping, self.saved, columns, headings.digest(trimmed(self.cells)),
            rows=read, cells=below,
        )  # fmt: skip
        return opened


def _with_groups(above: Cells, row: Cells) -> list[list[str]]:
    """The headings of a row joined with the groups above, if there are any: a single cell above is a title."""
    if above.number != row.number - 1 or sum(1 for cell in above.texts if cell.strip()) < GROUPED:
        return []
    return [headings.in_two_rows(above.texts, row.texts)]


def trimmed(cells: list[str]) -> list[str]:
    last = max((place for place, cell in enumerate(cells) if cell.strip()), default=-1)
    return cells[: last + 1]


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


_CONTAINER = b"\xd0\xcf\x11\xe0"
# A workbook under a password has the container of the old form, with a stream of this name (MS-OFFCRYPTO 2.3.1).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# First bytes of files that are no lists, a code, and what to do.
_OTHERS: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    ((b"<!doctype", b"<html", b"<head", b"<table", b"<?xml", b"<body", b"<meta"), "html_page",
     "This is a web page, not a list: download the list itself, or copy the table into a spreadsheet and save that."),
    ((b"%pdf",), "pdf", "This is a PDF: send the spreadsheet it was made from."),
    ((_CONTAINER,), "old_workbook", "This is a workbook of the old form: save it as XLSX or CSV UTF-8."),
    ((b"{\\rtf",), "rich_text", "This is a document, not a list: copy its table into a spreadsheet and save that."),
    ((b"\x1f\x8b", b"rar!", b"7z\xbc\xaf"), "packed", "This file is packed: unpack it and send the list inside."),
)  # fmt: skip


def open_list(data: bytes, mapping: Mapping | None, saved: Saved = lambda _digest: None) -> Opened:
    """Find the form and the columns of a file by its first rows. Raises BadFile."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if not start:
        raise BadFile("empty_file", "There is nothing in this file.")
    if start.startswith(_CONTAINER) and _ENCRYPTED in data:
        raise workbook_reader.bad("password")
    for beginnings, code, detail in _OTHERS:
        if start.startswith(beginnings):
            raise BadFile(code, detail)
    if start.startswith(b"pk\x03\x04"):
        return choose_sheet(data, mapping, saved)
    if start.startswith(b"{"):
        given = mapping or Mapping()
        return Opened("jsonl", digest_of(data), given, rows=lambda: _json_rows(data, given))
    return _text(data, mapping, saved)


def _text(data: bytes, mapping: Mapping | None, saved: Saved) -> Opened:
    encoding = csv.encoding_of(data)

    def read(delimiter: str, width: int | None = None) -> Iterator[Cells]:
        return (Cells(*row) for row in csv.rows(data, encoding, delimiter, width))

    heads = [(HeadingRow.find(read(delimiter), mapping, saved), delimiter) for delimiter in csv.DELIMITERS]
    head, delimiter = max(heads, key=lambda pair: (pair[0].known, pair[0].width))
    if head.saved_sheet is not None:
        raise other_sheet(head.saved_sheet)
    return head.opened("csv", data, lambda: read(delimiter, len(trimmed(head.cells))))


MOST_LINE = 1024 * 1024  # bytes of a row of JSON Lines, as of the body of a request


# What a line may say beside a report's body: the answer to `withdrawn_report`.
IF_WITHDRAWN = "if_withdrawn"


def _json_rows(data: bytes, mapping: Mapping) -> Iterator[Row]:
    for number, line in enumerate(io.BytesIO(data), 1):
        check_number(number)
        if not line.strip():
            continue
        try:
            if len(line) > MOST_LINE:
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
            yield Row(number, body_of(body) if is_report(body) else body, [], if_withdrawn=answer)
        else:
            yield Row(number, None, [Fault(None, "", "object_required", "Each line is one JSON object.")])
