"""Pages of an organisation's own reports: find one, correct it, withdraw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.operations import AmendReport, RetractReport, build_report_tag
from app.api.routes.reports import list_reports, read_report
from app.errors import Problem
from app.imports.formats.template import get_field_title
from app.schemas.reports import RetractIn
from app.web.api_client import encode_body, normalize_body, parse_body, parse_cursor
from app.web.desk import fields
from app.web.desk.page import (
    IDEMPOTENCY_FIELD,
    Desk,
    DeskForm,
    DeskRoute,
    FormValues,
    SignedInDesk,
    SubmittedForm,
    WriteTarget,
    first_value,
    parse_form_id,
)
from app.web.desk.reports import (
    DETENTION_REPORT,
    FIELD_REFUSALS,
    NO_FAULTS,
    RELEASE_REPORT,
    FormFaults,
    check_form,
    create_idempotency_key,
    fetch_offered_facilities,
    list_faulty_fields,
    show_receipt,
)

corrections = APIRouter(route_class=DeskRoute)
REPORTS_PATH, CORRECTION_PATH, RETRACTION_PATH = "/desk/reports", "/desk/correction", "/desk/retraction"
CASE_NUMBER_FIELD, REPORT_FIELD, TAG_FIELD, REASON_FIELD = "source_record_id", "report", "tag", "reason"
REPORTS_PAGE_SIZE = 50
PRECONDITION_FAILED = 412
# A case number identifies its report, so it cannot be corrected. A correction may add a release to a detention.
CORRECTABLE_FIELDS = tuple(
    name for name in fields.list_report_fields(is_release=True) if name not in (CASE_NUMBER_FIELD, "publish_not_before")
)


@corrections.get("/desk/reports")
async def read_own_reports(desk: SignedInDesk, cursor: str | None = None) -> Response:
    """Show the organisation's reports."""
    answer = await desk.api.read(list_reports, limit=REPORTS_PAGE_SIZE, cursor=cursor)
    return await _show_reports(desk, answer)


@corrections.post("/desk/reports")
async def find_own_report(form: SubmittedForm) -> Response:
    """Find the report with a case number, which is sent as a form to keep it out of addresses."""
    number = form.get_first(CASE_NUMBER_FIELD).strip()
    terms = {CASE_NUMBER_FIELD: number} if number else {"limit": REPORTS_PAGE_SIZE}
    return await _show_reports(form.desk, await form.desk.api.read(list_reports, terms), number)


async def _show_reports(desk: Desk, answer: Mapping[str, Any], number: str = "") -> Response:
    next_cursor = parse_cursor(answer["next"])
    lines = [build_report_line(report) for report in answer["data"]]
    return await desk.show("desk/reports.html", reports=lines, further=next_cursor, number=number)


@dataclass(frozen=True)
class ReportLine:
    """A report in a list."""

    id: str
    version: int
    number: str | None
    name: str | None
    verdict: str
    is_withdrawn: bool
    is_release: bool
    review: str | None
    released_on: str | None
    taken_over: list[str]
    changed: list[str]


def build_report_line(report: Mapping[str, Any]) -> ReportLine:
    release = report.get("release")
    return ReportLine(
        report["id"],
        report["version"],
        report.get(CASE_NUMBER_FIELD),
        (report.get("detainee") or {}).get("full_name"),
        report["verification"].get("verdict", "reported"),
        report.get("retraction") is not None,
        release is not None,
        report["review"],
        (release or {}).get("released_on"),
        *(report.get("taken_over", {}).get(name, []) for name in ("fields", "changed")),
    )


@corrections.get("/desk/reports/{report_id}")
async def read_own_report(desk: SignedInDesk, report_id: UUID) -> Response:
    """Show one report in a form, to be corrected or withdrawn."""
    return await show_report(desk, str(report_id), None)


@corrections.post("/desk/correction")
async def correct_report(form: SubmittedForm) -> Response:
    """Correct the fields of a report that were changed in the form."""
    report_id, desk = _parse_report_id(form.form_values), form.desk
    unread = check_form(form.form_values, CORRECTABLE_FIELDS, desk.current_time, desk.catalogue, is_correction=True)
    if unread.by_field:
        return await show_report(desk, report_id, form.form_values, unread)
    report = await desk.api.read(read_report, report_id=report_id)
    patch = build_report_patch(report, form.form_values)
    if not patch:
        return await show_report(desk, report_id, None, is_unchanged=True)
    try:
        answer = await desk.officer_client.write(
            AmendReport(UUID(report_id), [form.get_first(TAG_FIELD)], normalize_body(patch)),
            WriteTarget("PATCH", "/v1/reports/{report_id}", report_id),
            encode_body(patch),
        )
    except Problem as refusal:
        return await _show_refused_report(form, report_id, refusal)
    kind = RELEASE_REPORT if answer.get("release") else DETENTION_REPORT
    return await show_receipt(desk, answer, kind, report.get("source_record_id"), patch)


@corrections.post("/desk/retraction")
async def retract_report(form: SubmittedForm) -> Response:
    """Withdraw a report."""
    report_id = _parse_report_id(form.form_values)
    body = {REASON_FIELD: form.get_first(REASON_FIELD)} if form.get_first(REASON_FIELD).strip() else {}
    try:
        reason = parse_body(RetractIn, body).reason
        answer = await form.desk.officer_client.write(
            RetractReport(UUID(report_id), [form.get_first(TAG_FIELD)], reason),
            WriteTarget("POST", "/v1/reports/{report_id}/retract", report_id),
            encode_body(body),
            idempotency_key=form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(),
        )
    except Problem as refusal:
        return await _show_refused_report(form, report_id, refusal)
    return await form.desk.show("desk/retracted.html", answer=answer)


def _parse_report_id(form_values: FormValues) -> str:
    return parse_form_id(form_values, REPORT_FIELD, "The form names no report: open it again.")


async def _show_refused_report(form: DeskForm, report_id: str, refusal: Problem) -> Response:
    """Show the submitted form with its errors. Raises Problem if no change of the form would help."""
    if refusal.status not in (*FIELD_REFUSALS, PRECONDITION_FAILED):
        raise refusal
    faults = check_form(
        form.form_values,
        CORRECTABLE_FIELDS,
        form.desk.current_time,
        form.desk.catalogue,
        refusal.body(),
        is_correction=True,
    )
    return await show_report(form.desk, report_id, form.form_values, faults)


def build_report_patch(report: Mapping[str, Any], form_values: FormValues) -> dict[str, Any]:
    """Build the JSON Merge Patch (RFC 7396) from a report to the submitted form."""
    old_body = fields.build_report_body(fields.fill_form_values(report, CORRECTABLE_FIELDS), CORRECTABLE_FIELDS)
    new_body = fields.build_report_body(form_values, CORRECTABLE_FIELDS)
    return _diff_bodies(old_body, new_body)


def _diff_bodies(old_body: Mapping[str, Any], new_body: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for name in {**old_body, **new_body}:
        old, new = old_body.get(name), new_body.get(name)
        if isinstance(old, dict) or isinstance(new, dict):
            if nested_patch := _diff_bodies(old or {}, new or {}):
                patch[name] = nested_patch
        elif old != new:
            patch[name] = new
    return patch


async def resume_correction(desk: Desk, form_values: FormValues) -> Response:
    """Show the form of a correction again after its session ended."""
    return await show_report(desk, _parse_report_id(form_values), form_values)


async def show_report(
    desk: Desk,
    report_id: str,
    form_values: FormValues | None,
    faults: FormFaults = NO_FAULTS,
    *,
    is_unchanged: bool = False,
) -> Response:
    """Show a report in a form. `form_values`: the submitted values, if any; the form then keeps its old tag."""
    report = await desk.api.read(read_report, report_id=report_id)
    tag = build_report_tag(UUID(report_id), report["version"])
    shown_values = fields.fill_form_values(report, CORRECTABLE_FIELDS) if form_values is None else form_values
    line, language = build_report_line(report), fields.get_code_language(desk.catalogue)
    parts = fields.build_form_parts(desk.catalogue, shown_values, faults.by_field, CORRECTABLE_FIELDS)
    return await desk.show(
        "desk/own_report.html",
        status=faults.status,
        report=report,
        line=line,
        taken_over=[get_field_title(name, language) for name in line.taken_over],
        changed=[get_field_title(name, language) for name in line.changed],
        tag=tag if form_values is None else first_value(form_values, TAG_FIELD),
        reason="" if form_values is None else first_value(form_values, REASON_FIELD),
        sections=parts,
        faulty=list_faulty_fields(parts),
        others=faults.others,
        unchanged=is_unchanged,
        places=await fetch_offered_facilities(desk),
        once=create_idempotency_key()
        if form_values is None
        else first_value(form_values, IDEMPOTENCY_FIELD) or create_idempotency_key(),
    )
