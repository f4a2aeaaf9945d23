"""What is wrong with the form of a report, all of it in one round (pure).

The API tells of values that cannot be read first, and only once these are mended of what contradicts itself or is left
out: somebody on a bad line would send the same form three times.

Report one release, or that one person is held."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from app.errors import AgeNeedsDay, FileAClaim, Invalid, pointed_errors
from app.log.content import flatten, with_age_of_now, with_age_span
from app.registry import checks
from app.schemas.reports import ReleaseReportIn
from app.web.asking import Api, Refused
from app.web.desk import fields
from app.web.desk.fields import Given, body_of, of_date, said, unread_dates
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Sent, SentForm, first
from app.web.desk.page import Given as GivenForm
from app.web.rendering import Catalogue

UNREAD = 422  # status of a form that is not sent, for something in it cannot be read
Error = Mapping[str, Any]


@dataclass(frozen=True)
class Faults:
    """What is wrong with a form: by the field that it is wrong with, and with the whole. `status`: of its page."""

    by_field: Mapping[str, Sequence[str]] = field(default_factory=dict)
    others: Sequence[str] = ()
    status: int = 200


NO_FAULTS = Faults()


@dataclass(frozen=True)
class Wrong:
    """A field with which something is wrong, in a form of few. `id`: of its place in the page."""

    id: str
    title: str
    faults: Sequence[str]


def wrong_in(problem: Error, titles: Mapping[str, str], words: Catalogue) -> tuple[list[Wrong], list[str]]:
    """What a refusal says of a form of few fields, and of the whole. `titles`: what the fields are called."""
    by_field: dict[str, list[str]] = {}
    others: list[str] = []
    for error in problem.get("errors") or ([problem] if problem else []):
        name = field_of(error, titles)
        (others if name is None else by_field.setdefault(name, [])).append(said(error, words))
    return [Wrong(name, titles[name], faults) for name, faults in by_field.items()], others


def faults_in(
    given: Given, names: Sequence[str], now: datetime, words: Catalogue, problem: Error | None = None,
    *, corrects: bool = False,
) -> Faults:  # fmt: skip
    """What is wrong with a form that says something unread, or that the API refused with a `problem`. `corrects`: a
    report that stands, of which the form tells only a part: what is missing from it the API alone knows."""
    unread = unread_dates(given, names)
    refused: Sequence[Error] = [] if problem is None else problem.get("errors") or [problem]
    if not unread and problem is None:
        return NO_FAULTS
    wrong = unread.keys() | {field_of(error, names) for error in refused}
    further = _further(given, names, now, wrong, corrects=corrects)
    by_field = {name: [of_date(unclear, words)] for name, unclear in unread.items()}
    others = []
    for error in (*refused, *further):
        name = field_of(error, names)
        if name is None:
            others.append(said(error, words))
        elif name not in unread:
            by_field.setdefault(name, []).append(said(error, words))
    return Faults(by_field, others, UNREAD if problem is None else problem["status"])


def field_of(error: Error, names: Iterable[str]) -> str | None:
    """The field that an error points at; None where it is about the whole."""
    parts = [part for part in str(error.get("pointer", "")).split("/") if part and not part.isdecimal()]
    known = set(names)
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in known), None)


def _further(
    given: Given, names: Sequence[str], now: datetime, wrong: Iterable[str | None], *, corrects: bool
) -> list[Error]:
    """The errors of a form without those fields with which something is `wrong` already."""
    known = set(wrong)
    rest = {name: values for name, values in given.items() if name not in known}
    try:
        report = ReleaseReportIn.model_validate(body_of(rest, names))
    except ValidationError as refused:
        shapes = [error for error in pointed_errors(refused.errors()) if field_of(error, names) not in known]
        known |= {field_of(error, names) for error in shapes}
        return [*shapes, *(_further(rest, names, now, known, corrects=corrects) if shapes else ())]
    errors = _contradictions(report, now, corrects=corrects)
    return [error for error in errors if field_of(error, names) not in known]


def _contradictions(report: ReleaseReportIn, now: datetime, *, corrects: bool) -> list[Error]:
    """What no report can say, or none can leave out."""
    content, filed = with_age_of_now(flatten(report.model_dump(mode="json"))), now.date().isoformat()
    errors: list[Error] = []
    try:
        checks.check(content, now, points=corrects)
    except FileAClaim:
        pass  # what is unread may tell the person apart
    except Invalid as invalid:
        errors += invalid.extra["errors"]
    try:
        if not corrects:
            checks.require_day_of_age(with_age_span(content, filed), None, filed)
    except AgeNeedsDay as invalid:
        errors += invalid.extra["errors"]
    return errors


reports = APIRouter(route_class=DeskRoute)
MOST_PLACES = 200  # offered while one writes; the API's longest page
AT_FIELDS = (400, 409, 413, 422)  # refusals that correcting the form answers
NO_PROBLEM: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Kind:
    """What a form reports. `address`: of the API."""

    path: str
    address: str
    release: bool


RELEASE = Kind("/desk/release", "/v1/releases", release=True)
DETENTION = Kind("/desk/detention", "/v1/detentions", release=False)
KINDS = {kind.path: kind for kind in (RELEASE, DETENTION)}


@reports.get("/desk/release")
async def read_release_form(desk: AtDesk) -> Response:
    """An empty form for a release."""
    return await show_form(desk, RELEASE, {})


@reports.get("/desk/detention")
async def read_detention_form(desk: AtDesk) -> Response:
    """An empty form for somebody who is held."""
    return await show_form(desk, DETENTION, {})


@reports.post("/desk/release")
async def file_release(form: SentForm) -> Response:
    """Report a release."""
    return await _file(form, RELEASE)


@reports.post("/desk/detention")
async def file_detention(form: SentForm) -> Response:
    """Report that somebody is held."""
    return await _file(form, DETENTION)


async def _file(form: Sent, kind: Kind) -> Response:
    """File a report once, however often the button was pressed; what is refused comes back as it was filled in."""
    desk, names = form.desk, fields.names_of(release=kind.release)
    unread = faults_in(form.given, names, desk.now, desk.catalogue)
    if unread.by_field:
        return await show_form(desk, kind, form.given, unread)
    body = fields.body_of(form.given, names)
    try:
        answer = await desk.api.send(
            "POST", kind.address, json.dumps(body).encode(), headers={"Idempotency-Key": form.one(ONCE) or new_once()}
        )
    except Refused as refusal:
        if refusal.status not in AT_FIELDS:
            raise
        faults = faults_in(form.given, names, desk.now, desk.catalogue, refusal.body)
        return await show_form(desk, kind, form.given, faults)
    return await show_filed(desk, answer, kind, body.get("source_record_id"), body)


async def show_filed(
    desk: Desk, answer: Mapping[str, Any], kind: Kind, number: str | None, sent: Mapping[str, Any]
) -> Response:
    """The receipt of a report. `sent`: the body, or what a correction changes."""
    words = desk.catalogue
    return await desk.show(
        "desk/filed.html",
        answer=answer,
        kind=kind,
        number=number,
        dates=fields.dates_in(sent, fields.names_of(release=True), words),
        outcome=outcome_of(answer, words),
        warnings=[said(warning, words) for warning in answer.get("warnings", ())],
    )


def outcome_of(answer: Mapping[str, Any], words: Catalogue) -> str:
    """What a report met."""
    _ = words.gettext
    met = answer.get("match", {}).get("outcome")
    return {
        "new": _("Nobody known resembles this person: they stand in the registry as new."),
        "linked": _("Others reported this person too: your report stands beside theirs."),
        "needs_review": _("Somebody known may be the same person. A curator will look; you need do nothing."),
    }.get(str(met), "")


async def show_form(desk: Desk, kind: Kind, given: GivenForm, faults: Faults = NO_FAULTS) -> Response:
    """A form as far as it is filled in, with what is wrong at each field."""
    names = fields.names_of(release=kind.release)
    parts = fields.parts_of(desk.catalogue, given, faults.by_field, names)
    return await desk.show(
        "desk/report.html",
        status=faults.status,
        kind=kind,
        sections=parts,
        faulty=faulty_in(parts),
        others=faults.others,
        places=await places_offered(desk),
        once=first(given, ONCE) or new_once(),
    )


def faulty_in(parts: Sequence[fields.Part]) -> list[fields.Asked]:
    """The fields with which something is wrong."""
    return [asked for part in parts for asked in (*part.usual, *part.rare) if asked.faults]


async def places_offered(desk: Desk) -> Any:
    """The places that are registered."""
    listed = await Api(desk.request, desk.language).get("/v1/facilities", limit=MOST_PLACES)
    return listed["data"]


def new_once() -> str:
    """By which the API knows a form that is sent twice."""
    return secrets.token_urlsafe(16)
