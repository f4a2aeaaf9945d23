"""The page of counts: every term that the API counts by, as a form whose address is the permalink, and the number that
comes of it."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.responses import LIVE, UNCACHED
from app.queries.countables import COUNTABLES, Countable
from app.queries.parameters import CountQuery
from app.queries.terms import DETENTIONS, PINNING, RELEASES
from app.web.asking import Refused, together
from app.web.count_text import Told, places_of, told_of
from app.web.counting import form as past
from app.web.counting import further
from app.web.counting.form import STANDS_AT, Form, as_given
from app.web.counting.further import Further
from app.web.counting.view import asides_of, groups_drawn, has_files, table_of
from app.web.figure import Figure
from app.web.form_errors import faults_of
from app.web.page import Opened, Page, PageRoute, language_of, no_such_page, open_page, opened
from app.web.rendering import is_least

IN_PLACE = 422  # a refusal that the reader can mend in the form
MOMENT = ("as_of", "zone")

counting = APIRouter(include_in_schema=False, route_class=PageRoute)


@counting.get("/counts")
@counting.get("/counts/releases")
async def read_count_of_releases(request: Request) -> Response:
    """How many releases."""
    return await _counted(request, COUNTABLES[RELEASES])


@counting.get("/counts/detentions")
async def read_count_of_held(request: Request) -> Response:
    """How many people held on a day."""
    return await _counted(request, COUNTABLES[DETENTIONS])


@counting.get(further.SERIES)
async def read_series(page: Opened) -> Response:
    """How a count of releases grew."""
    return await _further(page, further.SERIES, further.series, interval=page.terms.get("interval", further.WEEKLY))


@counting.get(further.OVERLAP)
async def read_overlap(page: Opened) -> Response:
    """Which sources verified the same releases."""
    return await _further(page, further.OVERLAP, further.overlap)


@counting.get(further.ESTIMATE)
async def read_estimate(page: Opened) -> Response:
    """How many releases there may have been that no source saw."""
    return await _further(page, further.ESTIMATE, further.estimate)


async def _further(page: Page, path: str, view: Callable[[Page, Any, Told], Further], **more: Any) -> Response:
    terms = {name: value for name, value in page.terms.items() if name != "as_of"}
    places, answer = await together(places_of(page), page.api.get(f"/v1{path}", terms, **more))
    told = told_of(page, places)
    return await page.show(
        "counts_further.html",
        caching=UNCACHED if "not_visible" in answer else LIVE,
        view=view(page, answer, told),
        answer=answer,
        question=told.counted(RELEASES, answer["terms"]),
        back=page.address(
            "/counts", {name: page.terms[name] for name in page.terms if name in CountQuery.model_fields}
        ),
    )


async def _counted(request: Request, countable: Countable) -> Response:
    page, problem = await _opened(request)
    if any(not value for value in request.query_params.values()):
        # A form sends what nobody filled in: the address that stays is without it.
        return RedirectResponse(page.address(_path(page), page.terms), 303, headers={"Cache-Control": UNCACHED})
    terms = page.terms
    moment = past.asked_at(request, countable, terms)
    if moment is not None and page.revision:
        return await past.led_to(page, _path(page), moment)
    asked = _count(page, countable, terms, problem)
    places, countries, (count, problem) = await together(places_of(page), _countries(page, countable), asked)
    told = told_of(page, places)
    form = Form(
        noun=countable.noun,
        told=told,
        given=as_given(terms | _understood(count)),
        faults={} if problem is None else faults_of(problem, page.catalogue, STANDS_AT),
        countries=sorted({*countries, *(place["country"] for place in places)}),
        areas=sorted({place["area"] for place in places if place["area"]}),
    )
    page.shared = None if count is None else groups_drawn(page, count, told)
    return await page.show(
        "counts.html",
        status=200 if problem is None else IN_PLACE,
        headers={} if count is None else past.headers_of(page, _path(page), count),
        caching=UNCACHED if count is None or "not_visible" in count else LIVE,
        form=form,
        told=told,
        count=count,
        least=count is not None and is_least(count),
        figure=page.shared,
        table=None if count is None else table_of(count, told),
        asides=[] if count is None else asides_of(count, told),
        shared=_shared(terms),
        further=further.links(page) if countable.noun == RELEASES else [],
    )


async def groups_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """The groups of a count of releases. Raises Refused, and NotFound where there is nothing to draw."""
    count = await page.api.get(COUNTABLES[RELEASES].counted, terms)
    figure = groups_drawn(page, count, told_of(page, await places_of(page))) if has_files(count) else None
    if figure is None:
        raise no_such_page()
    return figure


async def _opened(request: Request) -> tuple[Page, Mapping[str, Any] | None]:
    """The page as of the moment asked for; where that is refused, of the newest revision, with what the API said."""
    try:
        return await open_page(request), None
    except Refused as refusal:
        if refusal.status != IN_PLACE:
            raise
        return await opened(request, language_of(request), request.url.path, {}), refusal.body


async def _count(
    page: Page, countable: Countable, terms: Mapping[str, Any], problem: Mapping[str, Any] | None
) -> tuple[Any, Mapping[str, Any] | None]:
    """A count, or what the API has to say against it."""
    try:
        if problem is not None:
            # What else is wrong is told at once.
            unpinned = {name: terms[name] for name in terms if name not in (*MOMENT, *PINNING)}
            await page.api.get(countable.counted, unpinned)
            return None, problem
        # The moment was read when the page was opened.
        return await page.api.get(countable.counted, {**terms, "as_of": page.api.as_of}), None
    except Refused as refusal:
        if refusal.status != IN_PLACE:
            raise
        return None, _both(problem, refusal.body)


def _both(first: Mapping[str, Any] | None, second: Mapping[str, Any]) -> Mapping[str, Any]:
    if first is None:
        return second
    return {**second, "errors": [*first.get("errors", []), *second.get("errors", [])]}


async def _countries(page: Page, countable: Countable) -> list[str]:
    """The countries in which something is counted."""
    count = await page.api.get(countable.counted, group_by="country")
    return [group["country"] for group in count["groups"] if group["country"]]


def _understood(count: Any) -> dict[str, Any]:
    """Terms as the API understood them, where it names something otherwise than the reader."""
    return {} if count is None else {name: count["terms"][name] for name in ("facility",) if name in count["terms"]}


def _shared(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms that counts of anything take, but for groups: each has dimensions of its own."""
    shapes = [set(countable.terms.model_fields) | set(MOMENT) for countable in COUNTABLES.values()]
    return {
        name: value for name, value in terms.items() if name != "group_by" and all(name in shape for shape in shapes)
    }


def _path(page: Page) -> str:
    return page.request.url.path.removeprefix(f"/{page.language}")
