"""A row's body made a report that can be filed, or what is wrong with it (pure)."""

from pydantic import ValidationError

from app.errors import pointed_errors
from app.exchange.imports.faults import Fault
from app.exchange.imports.keys import Keys, Repeated
from app.exchange.imports.rows import Row
from app.registry.schemas import DetentionReportIn, ReleaseReportIn


def numbered(row: Row, keys: Keys) -> Row:
    """The row with its case number in its body."""
    if row.body is None:
        return row
    try:
        keys.give(row.number, row.body)
    except Repeated as earlier:
        column = row.columns.get("source_record_id")
        detail = f"Row {earlier.row} of this file has the same case number: each row needs its own."
        return Row(row.number, None, [Fault(column, "/source_record_id", "repeated_case_number", detail)], row.columns)
    return row


def shaped(row: Row) -> DetentionReportIn | list[Fault]:
    """The report that a row makes: of a release where it says anything of one. Otherwise its faults."""
    if row.body is None:
        return row.faults
    shape = DetentionReportIn if row.body.get("release") is None else ReleaseReportIn
    try:
        return shape.model_validate(row.body)
    except ValidationError as error:
        return [placed(row, one) for one in pointed_errors(error.errors())]


def placed(row: Row, error: dict[str, str]) -> Fault:
    """An error in the body, at the column that the value came from."""
    name = error["pointer"].removeprefix("/").replace("/", ".")
    while name and name not in row.columns:
        name = name.rpartition(".")[0]
    return Fault(row.columns.get(name), error["pointer"], error["code"], error["detail"])
