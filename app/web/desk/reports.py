"""Report one release, or that one person is held."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.web.asking import Api, Refused
from app.web.catalogue import Catalogue
from app.web.desk import fields
from app.web.desk.form_check import NO_FAULTS, Faults, faults_in
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Given, Sent, SentForm, first
from app.web.desk.sentences import said

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


async def show_form(desk: Desk, kind: Kind, given: Given, faults: Faults = NO_FAULTS) -> Response:
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
