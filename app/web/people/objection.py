"""The objection form for a person concerned, or a representative. It writes to the curators and needs no key."""

import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, get_args
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.problems import raise_problems
from app.api.responses import CACHE_REVALIDATE
from app.api.routes.curation import MAX_OBJECTION_BYTES, RECEIVED_BODY, acquire_objection_slot, save_objection
from app.errors import Forbidden, Invalid, Problem, TooManyRequests
from app.models.log import ObjectionWish
from app.registry.publication.objection_queue import MAX_OBJECTION_LENGTH, ObjectionIn
from app.schemas.reports import MAX_NAME_LENGTH
from app.web.api_client import parse_body
from app.web.desk.reports import collect_field_faults
from app.web.page import SAME_ORIGIN, CurrentPage, Page, PageRoute, build_error_page, is_same_origin, open_page
from app.web.rendering import LANGUAGES

objections = APIRouter(route_class=PageRoute)

OBJECTION_PATH = "/objection"
# Body limits of forms open to anybody: the same as the API's.
OBJECTION_BODY_LIMITS = {f"/{language}{OBJECTION_PATH}": MAX_OBJECTION_BYTES for language in LANGUAGES}
WISHES = get_args(ObjectionWish)
OBJECTION_FIELDS = ("about", "wish", "words", "contact")
ID_PATTERN = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
RECORD_ADDRESS = re.compile(rf"(?:([a-z-]+)/)?({ID_PATTERN.pattern})", re.IGNORECASE)
# By kind in addresses of pages and of the API; a plain id is a person's.
RECORD_KINDS = {None: "detainees", "people": "detainees", "detainees": "detainees", "releases": "releases",
         "detentions": "detentions"}  # fmt: skip
NO_PERSON_NAMED = {"errors": [{"pointer": "/about", "code": "nobody_named", "detail": ""}], "status": Invalid.status}
BUSY_STATUSES = (429, 503)  # the reader can retry later


@objections.get(OBJECTION_PATH)
async def read_objection(page: CurrentPage, about: str = "") -> Response:
    """Show the form. `about`: the id of the person whose page linked here."""
    page.allow_only_terms("about")
    return await _show_form(page, {"about": about if ID_PATTERN.fullmatch(about) else ""}, {})


async def _show_form(
    page: Page, form_values: Mapping[str, str], problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Show the form with the submitted values and their errors. `headers`: of an error response, such as
    `Retry-After`."""
    _ = page.catalogue.gettext
    titles = {
        "about": _("Address of the page of the person"), "words": _("What should the curators know?"),
        "contact": _("How can they reach you?"), "wish": _("What do you ask for?"),
    }  # fmt: skip
    is_busy = problem.get("status") in BUSY_STATUSES
    faulty, others = ([], []) if is_busy else collect_field_faults(problem, titles, page.catalogue)
    return await page.show(
        "people/objection.html",
        status=problem.get("status", 200),
        caching=CACHE_REVALIDATE,
        headers=SAME_ORIGIN | {name: value for name, value in (headers or {}).items() if name.lower() == "retry-after"},
        received=None,
        form_values={name: form_values.get(name, "") for name in OBJECTION_FIELDS},
        wishes=WISHES,
        max_words=MAX_OBJECTION_LENGTH,
        max_contact=MAX_NAME_LENGTH,
        faulty=faulty,
        others=others,
        is_busy=is_busy,
        is_known=ID_PATTERN.fullmatch(form_values.get("about", "")),
    )


async def _parse_form(request: Request) -> dict[str, str]:
    """Parse the form. Raises Forbidden for a form of another site, which could write in its visitors' names."""
    if not is_same_origin(request):
        raise Forbidden("This form was not sent from a page of this registry. Open the page, and send it from there.")
    try:
        raw_values = parse_qs((await request.body()).decode(), max_num_fields=len(OBJECTION_FIELDS), errors="strict")
    except ValueError:
        raise Invalid.at_pointer("", "malformed_form", "Send the form as the page made it.") from None
    # Browsers send line ends as two characters, but count them as one for `maxlength`.
    texts = {name: raw_values[name][0].replace("\r\n", "\n") for name in OBJECTION_FIELDS if name in raw_values}
    return {name: value for name, value in texts.items() if value.strip()}


@objections.post(OBJECTION_PATH)
async def write_objection(request: Request, form_values: Annotated[dict[str, str], Depends(_parse_form)]) -> Response:
    """File an objection. The response does not depend on its subject; a form without any subject is shown again."""
    try:
        page = await open_page(request)
    except (TooManyRequests, Problem) as refusal:
        if refusal.status not in BUSY_STATUSES:
            raise
        return await _show_form(build_error_page(request), form_values, {"status": refusal.status}, refusal.headers)
    record_address = _parse_record_address(form_values.get("about", ""))
    if record_address is None:
        return await _show_form(page, form_values, NO_PERSON_NAMED)
    try:
        body = parse_body(ObjectionIn, {**form_values, "about": record_address})
        async with asynccontextmanager(acquire_objection_slot)(request):
            with raise_problems():
                await run_in_threadpool(save_objection, request, body)
    except Problem as refusal:
        if refusal.status not in (Invalid.status, *BUSY_STATUSES):
            raise
        return await _show_form(page, form_values, refusal.body(), refusal.headers)
    received_text = RECEIVED_BODY["next"].get(page.language, RECEIVED_BODY["next"]["en"])
    headers = {"Cache-Control": "no-store"}
    return await page.show("people/objection.html", headers=headers, caching=CACHE_REVALIDATE, received=received_text)


def _parse_record_address(address: str) -> str | None:
    """Return the API path of the person, release or detention that an address names; None for anything else, such as
    a claim, which identifies nobody."""
    match = RECORD_ADDRESS.search(address)
    if match is None or match[1] not in RECORD_KINDS:
        return None
    return f"/v1/{RECORD_KINDS[match[1]]}/{match[2].lower()}"
