"""Routes of counts: a form with every term of the API, whose address is a permalink, and the resulting count."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.responses import CACHE_REVALIDATE, CACHE_SHORT
from app.counts.citation import is_lower_bound
from app.errors import Problem
from app.queries.addresses import PIN_PARAMETERS
from app.queries.countables import COUNTABLES, Countable
from app.queries.dimensions import DETENTIONS, HELD, RELEASES
from app.queries.parameters import CountQuery
from app.web.api_client import gather
from app.web.count_text import (
    TermFormatter,
    build_term_formatter,
    fetch_citation,
    fetch_facility_list,
    has_personal_terms,
)
from app.web.counting import tables
from app.web.counting.form import (
    CountForm,
    build_link_headers,
    list_values_by_term,
    parse_requested_moment,
    redirect_to_past,
)
from app.web.counting.tables import TablesPage
from app.web.counting.view import build_group_table, draw_groups, has_files, list_asides
from app.web.figure import Figure
from app.web.form_errors import collect_term_faults
from app.web.page import CurrentPage, Page, PageRoute, no_such_page, open_page, open_page_at, parse_page_language

UNPROCESSABLE = 422  # an error that the reader can correct in the form
MOMENT_TERMS = ("as_of", "zone")

counting = APIRouter(include_in_schema=False, route_class=PageRoute)


@counting.get("/counts")
@counting.get("/counts/releases")
async def read_count_of_releases(request: Request) -> Response:
    """Show a count of releases."""
    return await _show_count(request, COUNTABLES[RELEASES])


@counting.get("/counts/detentions")
async def read_count_of_detentions(request: Request) -> Response:
    """Show a count of detentions."""
    return await _show_count(request, COUNTABLES[DETENTIONS])


@counting.get("/counts/held")
async def read_count_of_held(request: Request) -> Response:
    """Show a count of people held on a day."""
    return await _show_count(request, COUNTABLES[HELD])


@counting.get(tables.SERIES)
async def read_series(page: CurrentPage) -> Response:
    """Show a count of releases over time."""
    return await _show_tables_page(
        page, tables.SERIES, tables.build_series_page, interval=page.terms.get("interval", tables.DEFAULT_INTERVAL)
    )


@counting.get(tables.OVERLAP)
async def read_overlap(page: CurrentPage) -> Response:
    """Show which sources verified the same releases."""
    return await _show_tables_page(page, tables.OVERLAP, tables.build_overlap_page)


@counting.get(tables.ESTIMATE)
async def read_estimate(page: CurrentPage) -> Response:
    """Show an estimate of releases that no source observed."""
    return await _show_tables_page(page, tables.ESTIMATE, tables.build_estimate_page)


async def _show_tables_page(
    page: Page, path: str, build_page: Callable[[Page, Any, TermFormatter], TablesPage], **defaults: Any
) -> Response:
    terms = {name: value for name, value in page.terms.items() if name != "as_of"}
    places, answer = await gather(fetch_facility_list(page), page.api.read_address(f"/v1{path}", terms, **defaults))
    formatter = build_term_formatter(page, places)
    return await page.show(
        "counts_further.html",
        caching=CACHE_REVALIDATE if has_personal_terms(answer["terms"]) else CACHE_SHORT,
        view=build_page(page, answer, formatter),
        answer=answer,
        question=formatter.describe_count(RELEASES, answer["terms"]),
        back=page.address(
            "/counts", {name: page.terms[name] for name in page.terms if name in CountQuery.model_fields}
        ),
    )


async def _show_count(request: Request, countable: Countable) -> Response:
    page, problem = await _open_page_or_newest(request)
    if any(not value for value in request.query_params.values()):
        # Browsers submit empty fields too; the permalink has none.
        return RedirectResponse(
            page.address(_get_page_path(page), page.terms), 303, headers={"Cache-Control": CACHE_REVALIDATE}
        )
    terms = page.terms
    moment = parse_requested_moment(request, countable, terms)
    if moment is not None and page.revision:
        return await redirect_to_past(page, _get_page_path(page), moment)
    count_request = _fetch_count(page, countable, terms, problem)
    places, countries, (count, problem) = await gather(
        fetch_facility_list(page), _list_countries(page, countable), count_request
    )
    formatter = build_term_formatter(page, places)
    form = CountForm(
        noun=countable.noun,
        formatter=formatter,
        values=list_values_by_term(terms | _resolve_terms(count)),
        faults={} if problem is None else collect_term_faults(problem, page.catalogue),
        countries=sorted({*countries, *(place["country"] for place in places)}),
        areas=sorted({place["area"] for place in places if place["area"]}),
    )
    page.shared_figure = None if count is None else draw_groups(page, count, formatter)
    return await page.show(
        "counts.html",
        status=200 if problem is None else UNPROCESSABLE,
        headers={} if count is None else build_link_headers(page, _get_page_path(page), count),
        caching=CACHE_REVALIDATE if count is None or has_personal_terms(count["terms"]) else CACHE_SHORT,
        form=form,
        formatter=formatter,
        count=count,
        citation=None if count is None else await fetch_citation(page, count),
        is_at_least=count is not None and is_lower_bound(count),
        figure=page.shared_figure,
        table=None if count is None else build_group_table(count, formatter),
        asides=[] if count is None else list_asides(count, formatter),
        common_terms=_select_common_terms(terms),
        links=tables.build_links(page) if countable.noun == RELEASES else [],
    )


async def build_groups_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Build the figure of a count's groups. Raises Problem, and NotFound if there is nothing to draw."""
    count = await page.api.read_address(COUNTABLES[RELEASES].counts_path, terms)
    figure = (
        draw_groups(page, count, build_term_formatter(page, await fetch_facility_list(page)))
        if has_files(count)
        else None
    )
    if figure is None:
        raise no_such_page()
    return figure


async def _open_page_or_newest(request: Request) -> tuple[Page, Mapping[str, Any] | None]:
    """Open the page at the requested moment. If that is refused, open it at the newest revision, and return the
    problem too."""
    try:
        return await open_page(request), None
    except Problem as refusal:
        if refusal.status != UNPROCESSABLE:
            raise
        return await open_page_at(request, parse_page_language(request), request.url.path, {}), refusal.body()


async def _fetch_count(
    page: Page, countable: Countable, terms: Mapping[str, Any], problem: Mapping[str, Any] | None
) -> tuple[Any, Mapping[str, Any] | None]:
    """Return a count, or the API's problem with its terms."""
    try:
        if problem is not None:
            # Report the other invalid terms at the same time.
            current_terms = {name: terms[name] for name in terms if name not in (*MOMENT_TERMS, *PIN_PARAMETERS)}
            await page.api.read_address(countable.counts_path, current_terms)
            return None, problem
        # The moment was resolved when the page was opened.
        return await page.api.read_address(countable.counts_path, {**terms, "as_of": page.api.as_of}), None
    except Problem as refusal:
        if refusal.status != UNPROCESSABLE:
            raise
        return None, _merge_problems(problem, refusal.body())


def _merge_problems(first: Mapping[str, Any] | None, second: Mapping[str, Any]) -> Mapping[str, Any]:
    if first is None:
        return second
    return {**second, "errors": [*first.get("errors", []), *second.get("errors", [])]}


async def _list_countries(page: Page, countable: Countable) -> list[str]:
    """Return the countries that have anything to count."""
    count = await page.api.read_address(countable.counts_path, group_by="country")
    return [group["by"]["country"] for group in count["groups"] if group["by"]["country"]]


def _resolve_terms(count: Any) -> dict[str, Any]:
    """Return the terms that the API resolved to other values, such as facility names to slugs."""
    return {} if count is None else {name: count["terms"][name] for name in ("facility",) if name in count["terms"]}


def _select_common_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms that all counts accept, except groups: their dimensions differ."""
    term_names = [set(countable.terms.model_fields) | set(MOMENT_TERMS) for countable in COUNTABLES.values()]
    return {
        name: value
        for name, value in terms.items()
        if name != "group_by" and all(name in shape for shape in term_names)
    }


def _get_page_path(page: Page) -> str:
    return page.request.url.path.removeprefix(f"/{page.language}")
