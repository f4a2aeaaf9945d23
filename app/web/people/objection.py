"""The form of the person concerned, or of whoever speaks for her: it writes to the curators, and needs no key."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response

from app.api.responses import UNCACHED
from app.api.routes.curation import MOST_BYTES
from app.errors import Forbidden, Invalid, TooManyRequests
from app.models.log import ObjectionWish
from app.registry.publication.objection_queue import MOST_WORDS
from app.schemas.reports import NAME_LENGTH
from app.web.asking import Refused
from app.web.desk.reports import wrong_in
from app.web.page import SAME_ORIGIN, Opened, Page, PageRoute, from_here, open_page, unopened
from app.web.rendering import LANGUAGES

objections = APIRouter(route_class=PageRoute)

PATH = "/objection"
# Addresses that take a form from anybody; as long as the body that the API takes.
FORMS = {f"/{language}{PATH}": MOST_BYTES for language in LANGUAGES}
WISHES = get_args(ObjectionWish)
FIELDS = ("about", "wish", "words", "contact")
ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
NAMED = re.compile(rf"(?:([a-z-]+)/)?({ID.pattern})", re.IGNORECASE)
# By the kinds in addresses of pages and of the API; an id alone is that of a person.
KINDS = {None: "detainees", "people": "detainees", "detainees": "detainees", "releases": "releases",
         "detentions": "detentions"}  # fmt: skip
NOBODY_NAMED = {"errors": [{"pointer": "/about", "code": "nobody_named", "detail": ""}], "status": Invalid.status}
BUSY = (429, 503)  # the same form can be sent again in a while


@objections.get(PATH)
async def read_objection(page: Opened, about: str = "") -> Response:
    """The form; `about`: the id of the person whose page somebody comes from."""
    page.take_only("about")
    return await _show_form(page, {"about": about if ID.fullmatch(about) else ""}, {})


async def _show_form(
    page: Page, given: Mapping[str, str], problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """The form with what somebody wrote there, and what stands against it. `headers`: of a refusal, which may say when
    to send it again."""
    _ = page.catalogue.gettext
    titles = {
        "about": _("Address of the page of the person"), "words": _("What should the curators know?"),
        "contact": _("How can they reach you?"), "wish": _("What do you ask for?"),
    }  # fmt: skip
    is_busy = problem.get("status") in BUSY
    faulty, others = ([], []) if is_busy else wrong_in(problem, titles, page.catalogue)
    return await page.show(
        "people/objection.html",
        status=problem.get("status", 200),
        caching=UNCACHED,
        headers=SAME_ORIGIN | {name: value for name, value in (headers or {}).items() if name.lower() == "retry-after"},
        received=None,
        given={name: given.get(name, "") for name in FIELDS},
        wishes=WISHES,
        most_words=MOST_WORDS,
        most_contact=NAME_LENGTH,
        faulty=faulty,
        others=others,
        is_busy=is_busy,
        is_known=ID.fullmatch(given.get("about", "")),
    )


async def _sent(request: Request) -> dict[str, str]:
    """What somebody wrote. Raises Forbidden for a form of another site: it would write in its visitors' names."""
    if not from_here(request):
        raise Forbidden("This form was not sent from a page of this registry. Open the page, and send it from there.")
    try:
        given = parse_qs((await request.body()).decode(), max_num_fields=len(FIELDS), errors="strict")
    except ValueError:
        raise Invalid.at("", "malformed_form", "Send the form as the page made it.") from None
    # A browser sends each end of a line as two characters, and counts it as one where it says how many fit.
    told = {name: given[name][0].replace("\r\n", "\n") for name in FIELDS if name in given}
    return {name: value for name, value in told.items() if value.strip()}


@objections.post(PATH)
async def write_objection(request: Request, sent: Annotated[dict[str, str], Depends(_sent)]) -> Response:
    """Write to the curators. Whatever it is about, the answer is the same; what names nothing at all is asked again."""
    try:
        page = await open_page(request)
    except (TooManyRequests, Refused) as refusal:
        if refusal.status not in BUSY:
            raise
        return await _show_form(unopened(request), sent, {"status": refusal.status}, refusal.headers)
    about = _named(sent.get("about", ""))
    if about is None:
        return await _show_form(page, sent, NOBODY_NAMED)
    try:
        answer = await page.api.send("POST", "/v1/objections", json.dumps({**sent, "about": about}).encode())
    except Refused as refusal:
        if refusal.status not in (Invalid.status, *BUSY):
            raise
        return await _show_form(page, sent, refusal.body, refusal.headers)
    received = answer["next"].get(page.language, answer["next"]["en"])
    headers = {"Cache-Control": "no-store"}
    return await page.show("people/objection.html", headers=headers, caching=UNCACHED, received=received)


def _named(address: str) -> str | None:
    """What an address names, as the API has it: somebody, or one of their releases or detentions. None for the address
    of anything else, such as a claim: nobody could be found by it."""
    found = NAMED.search(address)
    if found is None or found[1] not in KINDS:
        return None
    return f"/v1/{KINDS[found[1]]}/{found[2].lower()}"
