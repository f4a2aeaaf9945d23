"""Pages for reporting one release or one detention, and the check of their forms.

The API reports invalid values first, and contradictions and missing fields only after these are corrected. On a bad
connection an officer would have to send the form three times, so the form collects all errors at once.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from app.api.operations import FileReport
from app.api.routes.directory import list_facilities
from app.errors import AgeNeedsDay, ClaimRequired, Invalid, Problem, build_pointed_errors
from app.log.content import add_age_span, flatten_body, move_filing_day_age
from app.registry import checks
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.web.api_client import ApiClient, encode_body, parse_body
from app.web.desk import fields
from app.web.desk.fields import FieldValues, build_report_body, find_unread_dates, format_refusal, format_unread_date
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
)
from app.web.rendering import Catalogue

UNREAD_STATUS = 422  # the status of a form with dates that cannot be parsed, which is not sent to the API
Error = Mapping[str, Any]


@dataclass(frozen=True)
class FormFaults:
    """The errors of a form, by field and for the whole form. `status`: the status of its page."""

    by_field: Mapping[str, Sequence[str]] = field(default_factory=dict)
    others: Sequence[str] = ()
    status: int = 200


NO_FAULTS = FormFaults()


@dataclass(frozen=True)
class FaultyField:
    """A field with errors. `id`: its id in the page."""

    id: str
    title: str
    faults: Sequence[str]


def collect_field_faults(
    problem: Error, titles: Mapping[str, str], words: Catalogue
) -> tuple[list[FaultyField], list[str]]:
    """Return the errors of a problem by field, and those for the whole form. `titles`: field titles by name."""
    by_field: dict[str, list[str]] = {}
    others: list[str] = []
    for error in problem.get("errors") or ([problem] if problem else []):
        name = find_error_field(error, titles)
        (others if name is None else by_field.setdefault(name, [])).append(format_refusal(error, words))
    return [FaultyField(name, titles[name], faults) for name, faults in by_field.items()], others


def check_form(
    form_values: FieldValues, names: Sequence[str], now: datetime, words: Catalogue, problem: Error | None = None,
    *, is_correction: bool = False,
) -> FormFaults:  # fmt: skip
    """Return the errors of a form that has unparsable dates, or that the API refused with a `problem`.

    `is_correction`: the form has only a part of an existing report, so that only the API can tell which fields are
    missing.
    """
    unread = find_unread_dates(form_values, names)
    refused_errors: Sequence[Error] = [] if problem is None else problem.get("errors") or [problem]
    if not unread and problem is None:
        return NO_FAULTS
    faulty_names = unread.keys() | {find_error_field(error, names) for error in refused_errors}
    further_errors = _find_further_errors(form_values, names, now, faulty_names, is_correction=is_correction)
    by_field = {name: [format_unread_date(unclear, words)] for name, unclear in unread.items()}
    others = []
    for error in (*refused_errors, *further_errors):
        name = find_error_field(error, names)
        if name is None:
            others.append(format_refusal(error, words))
        elif name not in unread:
            by_field.setdefault(name, []).append(format_refusal(error, words))
    return FormFaults(by_field, others, UNREAD_STATUS if problem is None else problem["status"])


def find_error_field(error: Error, names: Iterable[str]) -> str | None:
    """Return the field that an error points at; None if it is about the whole form."""
    parts = [part for part in str(error.get("pointer", "")).split("/") if part and not part.isdecimal()]
    known_names = set(names)
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in known_names), None)


def _find_further_errors(
    form_values: FieldValues,
    names: Sequence[str],
    now: datetime,
    wrong_names: Iterable[str | None],
    *,
    is_correction: bool,
) -> list[Error]:
    """Return further errors of a form, without the fields in `wrong_names`, which have errors already."""
    faulty_names = set(wrong_names)
    remaining_values = {name: values for name, values in form_values.items() if name not in faulty_names}
    try:
        report = ReleaseReportIn.model_validate(build_report_body(remaining_values, names))
    except ValidationError as invalid:
        shape_errors = [
            error
            for error in build_pointed_errors(invalid.errors())
            if find_error_field(error, names) not in faulty_names
        ]
        faulty_names |= {find_error_field(error, names) for error in shape_errors}
        return [
            *shape_errors,
            *(
                _find_further_errors(remaining_values, names, now, faulty_names, is_correction=is_correction)
                if shape_errors
                else ()
            ),
        ]
    errors = _find_contradictions(report, now, is_correction=is_correction)
    return [error for error in errors if find_error_field(error, names) not in faulty_names]


def _find_contradictions(report: ReleaseReportIn, now: datetime, *, is_correction: bool) -> list[Error]:
    """Return the contradictions and missing fields of a report."""
    content, filed_on = move_filing_day_age(flatten_body(report.model_dump(mode="json"))), now.date().isoformat()
    errors: list[Error] = []
    try:
        checks.check_report(content, now, has_pointer=is_correction)
    except ClaimRequired:
        pass  # a field that cannot be parsed may identify the person
    except Invalid as invalid:
        errors += invalid.extra["errors"]
    try:
        if not is_correction:
            checks.require_day_of_age(add_age_span(content, filed_on), None, filed_on)
    except AgeNeedsDay as invalid:
        errors += invalid.extra["errors"]
    return errors


reports = APIRouter(route_class=DeskRoute)
MAX_OFFERED_FACILITIES = 200  # suggestions while typing; the API's longest page
# After these the form is shown again: it can be corrected, or sent later to a registry that is frozen or busy.
FIELD_REFUSALS = (400, 409, 413, 422, 503)
NO_PROBLEM: Mapping[str, Any] = {}


@dataclass(frozen=True)
class ReportKind:
    """A kind of report. `path`: the address of its form; `address`: the address in the API."""

    path: str
    address: str
    is_release: bool
    body_model: type[DetentionReportIn]


RELEASE_REPORT = ReportKind("/desk/release", "/v1/releases", is_release=True, body_model=ReleaseReportIn)
DETENTION_REPORT = ReportKind("/desk/detention", "/v1/detentions", is_release=False, body_model=DetentionReportIn)
REPORT_KINDS = {kind.path: kind for kind in (RELEASE_REPORT, DETENTION_REPORT)}


@reports.get("/desk/release")
async def read_release_form(desk: SignedInDesk) -> Response:
    """Show an empty form for a release."""
    return await show_form(desk, RELEASE_REPORT, {})


@reports.get("/desk/detention")
async def read_detention_form(desk: SignedInDesk) -> Response:
    """Show an empty form for a detention."""
    return await show_form(desk, DETENTION_REPORT, {})


@reports.post("/desk/release")
async def file_release(form: SubmittedForm) -> Response:
    """Report a release."""
    return await _file_report(form, RELEASE_REPORT)


@reports.post("/desk/detention")
async def file_detention(form: SubmittedForm) -> Response:
    """Report a detention."""
    return await _file_report(form, DETENTION_REPORT)


async def _file_report(form: DeskForm, kind: ReportKind) -> Response:
    """File a report, once for repeated submissions; if it is refused, show the form again with its values."""
    desk, names = form.desk, fields.list_report_fields(is_release=kind.is_release)
    unread = check_form(form.form_values, names, desk.current_time, desk.catalogue)
    if unread.by_field:
        return await show_form(desk, kind, form.form_values, unread)
    body = fields.build_report_body(form.form_values, names)
    try:
        answer = await desk.officer_client.write(
            FileReport(parse_body(kind.body_model, body)),
            WriteTarget("POST", kind.address),
            encode_body(body),
            idempotency_key=form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(),
        )
    except Problem as refusal:
        if refusal.status not in FIELD_REFUSALS:
            raise
        faults = check_form(form.form_values, names, desk.current_time, desk.catalogue, refusal.body())
        return await show_form(desk, kind, form.form_values, faults)
    return await show_receipt(desk, answer, kind, body.get("source_record_id"), body)


async def show_receipt(
    desk: Desk, answer: Mapping[str, Any], kind: ReportKind, number: str | None, body: Mapping[str, Any]
) -> Response:
    """Show the receipt of a report. `body`: the submitted body, or the patch of a correction."""
    words = desk.catalogue
    return await desk.show(
        "desk/filed.html",
        answer=answer,
        kind=kind,
        number=number,
        dates=fields.list_understood_dates(body, fields.list_report_fields(is_release=True), words),
        outcome=format_match_outcome(answer, words),
        warnings=[format_refusal(warning, words) for warning in answer.get("warnings", ())],
    )


def format_match_outcome(answer: Mapping[str, Any], words: Catalogue) -> str:
    """Return the text on whether the person was known before."""
    _ = words.gettext
    outcome = answer.get("match", {}).get("outcome")
    return {
        "new": _("Nobody known resembles this person: they stand in the registry as new."),
        "linked": _("Others reported this person too: your report stands beside theirs."),
        "needs_review": _("Somebody known may be the same person. A curator will look; you need do nothing."),
    }.get(str(outcome), "")


async def show_form(desk: Desk, kind: ReportKind, form_values: FormValues, faults: FormFaults = NO_FAULTS) -> Response:
    """Show a form with its values, and the errors of each field."""
    names = fields.list_report_fields(is_release=kind.is_release)
    parts = fields.build_form_parts(desk.catalogue, form_values, faults.by_field, names)
    return await desk.show(
        "desk/report.html",
        status=faults.status,
        kind=kind,
        sections=parts,
        faulty=list_faulty_fields(parts),
        others=faults.others,
        places=await fetch_offered_facilities(desk),
        once=first_value(form_values, IDEMPOTENCY_FIELD) or create_idempotency_key(),
    )


def list_faulty_fields(parts: Sequence[fields.FormPart]) -> list[fields.FormField]:
    """Return the fields with errors."""
    return [form_field for part in parts for form_field in (*part.usual, *part.rare) if form_field.faults]


async def fetch_offered_facilities(desk: Desk) -> Any:
    """Return the registered facilities, as suggestions."""
    answer = await ApiClient(desk.request, desk.language).read(list_facilities, limit=MAX_OFFERED_FACILITIES)
    return answer["data"]


def create_idempotency_key() -> str:
    """Return a random Idempotency-Key for a form, by which the API recognises repeats."""
    return secrets.token_urlsafe(16)
