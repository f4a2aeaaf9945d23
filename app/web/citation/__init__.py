"""The page of a citation: what was cited, what is known today, and what changed between, case by case."""

from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.api.responses import LONGEST_LINKED, UNCACHED
from app.web.asking import together
from app.web.citation.figures import day_now, day_then, grown, then_and_now
from app.web.citation.view import cited, groups, voices
from app.web.figure import Figure
from app.web.page import Opened, Page, PageRoute, no_such_page
from app.web.told import places_of, question_of, told_of

# Of today's list as many are read as a page shows of them, and of the rest the address alone.
MOST_RECORDS = 100

citation = APIRouter(include_in_schema=False, route_class=PageRoute)


@citation.get("/c/{code}")
async def read_citation(page: Opened, code: str) -> Response:
    """A citation then and now."""
    answer = await page.api.get(f"/c/{code}")
    places, records, then, now = await together(places_of(page), _records(page, answer), *_by_source(page, answer))
    told, view = told_of(page, places), cited(answer, page.catalogue, records)
    sources = voices(then, now, told.sources)
    page.shared = then_and_now(page, view, sources, code)
    return await page.show(
        "citation.html",
        caching=UNCACHED,
        headers=cited_as(view.then),
        view=view,
        code=code,
        told=told,
        question=told.counted(view.noun, view.then["terms"]),
        groups=groups(view.then, view.now, view.noun, told),
        days=(day_then(page, view), day_now(page, view)),
        bar=grown(page, view) if view.added or view.removed else None,
        verified=page.shared,
    )


async def then_and_now_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Who had verified what a citation (`code`) counts, then and today."""
    code = str(terms.get("code"))
    answer = await page.api.get(f"/c/{code}")
    view = cited(answer, page.catalogue, {})
    if not view.stands_as_file:
        raise no_such_page()
    then, now = await together(*_by_source(page, answer))
    names = {slug: str(source["name"]) for slug, source in page.sources.items()}
    return then_and_now(page, view, voices(then, now, names), code)


def _by_source(page: Page, answer: Mapping[str, Any]) -> list[Coroutine[Any, Any, Any]]:
    """What was cited and what is known of it, each in groups by source."""
    return [
        page.api.get(
            urlsplit(count["permalink"]).path,
            question_of(count["permalink"]) | {"group_by": "source", "as_of": str(count["revision"])},
        )
        for count in (answer["cited"], answer["today"])
    ]


def cited_as(count: Mapping[str, Any]) -> dict[str, str]:
    """By which address to cite what a page shows (RFC 8574)."""
    link = f'<{count["citation"]["address"]}>; rel="cite-as"'
    return {"Link": link} if len(link) <= LONGEST_LINKED else {}


async def _records(page: Page, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the question counts today the records that changed since it was cited, by id."""
    address = answer["today"]["list"]
    if address is None or not answer["cases"]:
        return {}
    terms = question_of(address) | {"changed_since": str(answer["cited"]["revision"]), "limit": MOST_RECORDS}
    listed = await page.api.get(urlsplit(address).path, terms)
    return {record["id"]: record for record in listed["data"] if "facts" in record}


@citation.get("/releases/{release_id}")
async def lead_to_released(page: Opened, release_id: str) -> Response:
    """The page of the person whose release it is."""
    return _to_person(page, await page.api.get(f"/v1/releases/{release_id}"))


@citation.get("/detentions/{detention_id}")
async def lead_to_detained(page: Opened, detention_id: str) -> Response:
    """The page of the person whose detention it is."""
    return _to_person(page, await page.api.get(f"/v1/detentions/{detention_id}"))


def _to_person(page: Page, record: Mapping[str, Any]) -> Response:
    address = page.address(f"/people/{record['detainee_id']}", page.terms)
    return RedirectResponse(address, 307, headers={"Cache-Control": UNCACHED})
