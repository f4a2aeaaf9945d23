"""An organisation's own reports: find one, correct it, withdraw it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.web.asking import Refused, cursor_of
from app.web.desk import fields
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Given, Sent, SentForm, first, id_in
from app.web.desk.reports import (
    AT_FIELDS,
    DETENTION,
    NO_FAULTS,
    RELEASE,
    Faults,
    faults_in,
    faulty_in,
    new_once,
    places_offered,
    show_filed,
)

corrections = APIRouter(route_class=DeskRoute)
PATH, CORRECTION, RETRACTION = "/desk/reports", "/desk/correction", "/desk/retraction"
NUMBER, REPORT, TAG, REASON = "source_record_id", "report", "tag", "reason"
SHOWN = 50
CHANGED_MEANWHILE = 412
# A case number is not corrected: it says which report it is. A report of somebody held may come to tell of a release.
NAMES = tuple(name for name in fields.names_of(release=True) if name not in (NUMBER, "publish_not_before"))


@corrections.get("/desk/reports")
async def read_own_reports(desk: AtDesk, cursor: str | None = None) -> Response:
    """The organisation's reports."""
    found = await desk.api.get("/v1/reports", limit=SHOWN, cursor=cursor)
    return await _show_found(desk, found)


@corrections.post("/desk/reports")
async def find_own_report(form: SentForm) -> Response:
    """The report under a case number, which stands in no address."""
    number = form.one(NUMBER).strip()
    terms = {NUMBER: number} if number else {"limit": SHOWN}
    return await _show_found(form.desk, await form.desk.api.get("/v1/reports", terms), number)


async def _show_found(desk: Desk, found: Mapping[str, Any], number: str = "") -> Response:
    further = cursor_of(found["next"])
    lines = [line_of(report) for report in found["data"]]
    return await desk.show("desk/reports.html", reports=lines, further=further, number=number)


@dataclass(frozen=True)
class Line:
    """A report in a list."""

    id: str
    version: int
    number: str | None
    name: str | None
    verdict: str
    is_withdrawn: bool
    is_release: bool
    released_on: str | None


def line_of(report: Mapping[str, Any]) -> Line:
    release = report.get("release")
    return Line(
        report["id"],
        report["version"],
        report.get(NUMBER),
        (report.get("detainee") or {}).get("full_name"),
        report["verification"].get("verdict", "reported"),
        report.get("retraction") is not None,
        release is not None,
        (release or {}).get("released_on"),
    )


@corrections.get("/desk/reports/{report_id}")
async def read_own_report(desk: AtDesk, report_id: UUID) -> Response:
    """One report as it was sent, to be corrected or withdrawn."""
    return await show_report(desk, str(report_id), None)


@corrections.post("/desk/correction")
async def correct_report(form: SentForm) -> Response:
    """Correct a report: what was changed in the form, and nothing else."""
    report_id, desk = _report_in(form.given), form.desk
    unread = faults_in(form.given, NAMES, desk.now, desk.catalogue, corrects=True)
    if unread.by_field:
        return await show_report(desk, report_id, form.given, unread)
    report = await desk.api.get(f"/v1/reports/{report_id}")
    patch = patch_of(report, form.given)
    if not patch:
        return await show_report(desk, report_id, None, unchanged=True)
    headers = {"If-Match": form.one(TAG)}
    try:
        answer = await desk.api.send("PATCH", f"/v1/reports/{report_id}", json.dumps(patch).encode(), headers=headers)
    except Refused as refusal:
        return await _again(form, report_id, refusal)
    kind = RELEASE if answer.get("release") else DETENTION
    return await show_filed(desk, answer, kind, report.get(NUMBER), patch)


@corrections.post("/desk/retraction")
async def retract_report(form: SentForm) -> Response:
    """Withdraw a report."""
    report_id = _report_in(form.given)
    body = json.dumps({REASON: form.one(REASON)} if form.one(REASON).strip() else {}).encode()
    headers = {"If-Match": form.one(TAG), "Idempotency-Key": form.one(ONCE) or new_once()}
    try:
        answer = await form.desk.api.send("POST", f"/v1/reports/{report_id}/retract", body, headers=headers)
    except Refused as refusal:
        return await _again(form, report_id, refusal)
    return await form.desk.show("desk/retracted.html", answer=answer)


def _report_in(given: Given) -> str:
    return id_in(given, REPORT, "The form names no report: open it again.")


async def _again(form: Sent, report_id: str, refusal: Refused) -> Response:
    """The form as it was sent, with what is wrong. Raises Refused where nothing in the form could mend it."""
    if refusal.status not in (*AT_FIELDS, CHANGED_MEANWHILE):
        raise refusal
    faults = faults_in(form.given, NAMES, form.desk.now, form.desk.catalogue, refusal.body, corrects=True)
    return await show_report(form.desk, report_id, form.given, faults)


def patch_of(report: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """What a form changes of a report, as JSON Merge Patch (RFC 7396)."""
    before = fields.body_of(fields.filled_from(report, NAMES), NAMES)
    after = fields.body_of(given, NAMES)
    return _difference(before, after)


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) or isinstance(new, dict):
            if below := _difference(old or {}, new or {}):
                patch[name] = below
        elif old != new:
            patch[name] = new
    return patch


async def show_again(desk: Desk, given: Given) -> Response:
    """A correction that somebody was at when a session ended."""
    return await show_report(desk, _report_in(given), given)


async def show_report(
    desk: Desk, report_id: str, given: Given | None, faults: Faults = NO_FAULTS, *, unchanged: bool = False
) -> Response:
    """A report in a form. `given`: what somebody wrote into it already; its tag then stays that of what they read."""
    report, tag = await desk.api.tagged(f"/v1/reports/{report_id}")
    shown = fields.filled_from(report, NAMES) if given is None else given
    parts = fields.parts_of(desk.catalogue, shown, faults.by_field, NAMES)
    return await desk.show(
        "desk/own_report.html",
        status=faults.status,
        report=report,
        line=line_of(report),
        tag=tag if given is None else first(given, TAG),
        reason="" if given is None else first(given, REASON),
        sections=parts,
        faulty=faulty_in(parts),
        others=faults.others,
        unchanged=unchanged,
        places=await places_offered(desk),
        once=new_once() if given is None else first(given, ONCE) or new_once(),
    )
