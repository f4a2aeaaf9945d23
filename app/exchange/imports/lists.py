"""Open a file as a list: find its form, its headings and its sheet, and read its rows as bodies of reports."""

import io
from collections.abc import Iterator

from app.errors import Problem
from app.exchange.imports import csv_text, workbook_reader
from app.exchange.imports.cells import Cells, check_number
from app.exchange.imports.faults import BadFile, Fault
from app.exchange.imports.heading_row import HeadingRow, Saved, trimmed
from app.exchange.imports.listed_reports import body_of, is_report
from app.exchange.imports.mapping import Answer, Mapping
from app.exchange.imports.opened_list import Opened, digest_of
from app.exchange.imports.rows import Row
from app.exchange.imports.sheet_choice import choose_sheet, other_sheet
from app.exchange.strict_json import parse_json

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
    encoding = csv_text.encoding_of(data)

    def read(delimiter: str, width: int | None = None) -> Iterator[Cells]:
        return (Cells(*row) for row in csv_text.rows(data, encoding, delimiter, width))

    heads = [(HeadingRow.find(read(delimiter), mapping, saved), delimiter) for delimiter in csv_text.DELIMITERS]
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
