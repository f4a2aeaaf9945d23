"""Read a list of JSON Lines: one body of a report in each line, also as the registry lists reports."""

import io
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Any

from app.errors import Problem
from app.imports.faults import BadFile, Fault
from app.imports.formats.csv import check_row_number
from app.imports.mapping import Answer, ListMapping
from app.imports.reader.rows import Row
from app.registry.records import format_id_case
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
