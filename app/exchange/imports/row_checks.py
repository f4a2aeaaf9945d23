"""Check a row against the schema of a report, before any look-up in a registry (pure)."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from app.errors import pointed_errors
from app.exchange.imports.case_numbers import Keys, Repeated
from app.exchange.imports.faults import Fault
from app.exchange.imports.rows import Row
from app.schemas.reports import DetentionReportIn, ReleaseReportIn

# Parts of a pointer that are read: a section, a field, an index, a field there, and a part to spare.
MOST_PARTS = 5

_SCHEMAS: dict[bool, type[DetentionReportIn]] = {True: ReleaseReportIn, False: DetentionReportIn}


def numbered(row: Row, keys: Keys) -> Row:
    """The row with a case number in its body; with a fault if an earlier row has the same number."""
    if row.body is None:
        return row
    try:
        keys.give(row.number, row.body)
    except Repeated as earlier:
        column = row.columns.get("source_record_id")
        detail = f"Row {earlier.row} of this file has the same case number: each row needs its own."
        return replace(row, body=None, faults=[Fault(column, "/source_record_id", "repeated_case_number", detail)])
    return row


def body_of(row: Row) -> DetentionReportIn | list[Fault]:
    """The report of a row, or its faults."""
    if row.body is None:
        return row.faults
    try:
        return _SCHEMAS[row.body.get("release") is not None].model_validate(row.body)
    except ValidationError as error:
        return [placed(row.columns, fault) for fault in pointed_errors(error.errors())]


def placed(columns: Mapping[str, str], error: Mapping[str, str]) -> Fault:
    """The fault of an error in the body, at the column of the faulty value. `columns`: field → column."""
    parts = error["pointer"].removeprefix("/").split("/", MOST_PARTS)[:MOST_PARTS]
    name = next((path for end in range(len(parts), 0, -1) if (path := ".".join(parts[:end])) in columns), "")
    return Fault(columns.get(name), error["pointer"], error["code"], error["detail"])
