"""A report as `/v1/reports` lists it, made the body that files it again (pure)."""

from typing import Any

from app.registry.records import case_by_id

# What the registry says of a report beside what was sent.
BESIDE = frozenset({"id", "version", "revision", "recorded_at", "source", "has_national_id", "retraction"})


def is_report(row: dict[str, Any]) -> bool:
    """Whether a line is a report as listed: no body has these names."""
    return {"id", "version", "revision"} <= row.keys()


def body_of(report: dict[str, Any]) -> dict[str, Any]:
    """The body that files a report again; one without a case number is named by its id."""
    said = {name: value for name, value in report.items() if name not in BESIDE}
    return {"source_record_id": case_by_id(report["id"]), **said}
