"""People and releases: the lists, and the page of one person."""

import uuid

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.api.responses import UNCACHED
from app.web.asking import Refused
from app.web.page import Opened, Page, PageRoute
from app.web.people.lists import PEOPLE, RELEASES, read_list
from app.web.people.objection import objections
from app.web.people.record import HISTORY, read_life, record_of

people = APIRouter(include_in_schema=False, route_class=PageRoute)
people.include_router(objections)

SECTION = "/people"
MOVED, SEE_OTHER = 308, 303


@people.get("/people")
async def list_people(page: Opened) -> Response:
    """People, by the terms of `/v1/detainees`."""
    return await _list(PEOPLE, page)


@people.get("/releases")
async def list_releases(page: Opened) -> Response:
    """Releases, by the terms of `/v1/releases`."""
    return await _list(RELEASES, page)


async def _list(path: str, page: Page) -> Response:
    page.section = SECTION
    if any(not value for _name, value in page.request.query_params.multi_items()):
        # A form sends the fields that nobody filled in too: the address that can be passed on has none of them.
        return RedirectResponse(page.address(path, page.terms), SEE_OTHER, headers={"Cache-Control": UNCACHED})
    return await page.show("people/list.html", caching=UNCACHED, view=await read_list(path, page))


@people.get("/people/{person_id}")
async def read_person(page: Opened, person_id: uuid.UUID) -> Response:
    """One person, each fact with who says so. An id that became part of another leads there."""
    page.section = SECTION
    try:
        person, spells, versions, telling = await read_life(page, person_id)
    except Refused as refusal:
        return _elsewhere(page, refusal)
    record = record_of(person, spells, versions, telling)
    return await page.show("people/person.html", caching=UNCACHED, person=person, record=record)


def _elsewhere(page: Page, refusal: Refused) -> Response:
    """Where an id stands now; else what the API says alike of whoever is unknown, hidden or erased."""
    if refusal.status == MOVED:
        standing = page.behind(refusal.headers["location"]).partition("?")[0].removesuffix(HISTORY)
        address = page.address(standing.removeprefix(f"/{page.language}"), page.terms)
        return RedirectResponse(address, MOVED, headers={"Cache-Control": UNCACHED})
    raise refusal
