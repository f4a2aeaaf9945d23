"""Turn a report as listed by `/v1/reports` into the body that files it again (pure)."""

from collections.abc import Mapping
from typing import Any

from app.registry.records import case_by_id

# Fields that the registry adds to a report.
BESIDE = frozenset({"id", "version", "revision", "recorded_at", "source", "has_national_id", "retraction"})


def is_report(row: dict[str, Any]) -> bool:
    """Whether a line is a listed report: no body has these fields."""
    return {"id", "version", "revision"} <= row.keys()


def body_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The body that files a listed report again. The id of a report without a case number serves as one."""
    body = {name: value for name, value in report.items() if name not in BESIDE}
    return {"source_record_id": case_by_id(report["id"]), **body}
