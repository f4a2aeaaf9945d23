"""Routes of people and releases: the lists, and the page of one person."""

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.api.responses import CACHE_REVALIDATE
from app.api.routes.records import read_detention, read_release
from app.errors import Moved
from app.web.page import CurrentPage, Page, PageRoute
from app.web.people.listing import PEOPLE_PATH, RELEASES_PATH, read_list
from app.web.people.objection import objections
from app.web.people.record import build_person_record, fetch_person_history

people = APIRouter(include_in_schema=False, route_class=PageRoute)
people.include_router(objections)

PEOPLE_SECTION = "/people"


@people.get("/people")
async def list_people(page: CurrentPage) -> Response:
    """List people, with the terms of `/v1/detainees`."""
    return await _show_list(PEOPLE_PATH, page)


@people.get("/releases")
async def list_releases(page: CurrentPage) -> Response:
    """List releases, with the terms of `/v1/releases`."""
    return await _show_list(RELEASES_PATH, page)


async def _show_list(path: str, page: Page) -> Response:
    page.section = PEOPLE_SECTION
    if any(not value for _name, value in page.request.query_params.multi_items()):
        # Browsers submit empty fields too; the permalink has none.
        return RedirectResponse(page.address(path, page.terms), 303, headers={"Cache-Control": CACHE_REVALIDATE})
    return await page.show("people/list.html", caching=CACHE_REVALIDATE, view=await read_list(path, page))


@people.get("/people/{person_id}")
async def read_person(page: CurrentPage, person_id: uuid.UUID) -> Response:
    """Show one person, each fact with its sources. The id of a merged person redirects."""
    page.section = PEOPLE_SECTION
    try:
        person, spells, versions, formatter = await fetch_person_history(page, person_id)
    except Moved as moved:
        address = page.address(f"/people/{moved.current_id}", page.terms)
        return RedirectResponse(address, 308, headers={"Cache-Control": CACHE_REVALIDATE})
    record = build_person_record(person, spells, versions, formatter)
    return await page.show("people/person.html", caching=CACHE_REVALIDATE, person=person, record=record)


@people.get("/releases/{release_id}")
async def lead_to_released(page: CurrentPage, release_id: str) -> Response:
    """Redirect to the page of the released person."""
    return _redirect_to_person(page, await page.api.read(read_release, release_id=release_id))


@people.get("/detentions/{detention_id}")
async def lead_to_detained(page: CurrentPage, detention_id: str) -> Response:
    """Redirect to the page of the detained person."""
    return _redirect_to_person(page, await page.api.read(read_detention, detention_id=detention_id))


def _redirect_to_person(page: Page, record: Mapping[str, Any]) -> Response:
    address = page.address(f"/people/{record['detainee_id']}", page.terms)
    return RedirectResponse(address, 307, headers={"Cache-Control": CACHE_REVALIDATE})
