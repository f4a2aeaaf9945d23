"""Routes of counts, series, overlaps, estimates, TimeMaps and citations."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from app.api import mementos
from app.api.mementos import LINK_FORMAT
from app.api.requests import (
    ReadContext,
    ReadDep,
    Reply,
    add_public_url,
    build_citable_answer,
    build_cite_as_links,
    find_preferred_language,
)
from app.api.responses import CACHE_REVALIDATE, VARY, Answer, parse_quality_value
from app.api.routing import (
    READ_REFUSALS,
    RESOURCE_REFUSALS,
    Responses,
    StrictJsonRoute,
    build_router,
    document_refusals,
)
from app.claims import series
from app.claims.coverage import find_coverage
from app.counts import overlap
from app.counts.citation import CitationSetting, build_citation, find_cited_sources
from app.counts.difference import compare_revisions
from app.counts.shapes import CitedCount, Count, CountSeries, DetentionCount, HeldCount, Overlap, ReleaseCount
from app.counts.short_address import CITATION_PATH, BadCode, build_short_address, parse_short_code
from app.counts.tally import compute_count
from app.errors import BadDatetime, Invalid, NotFound
from app.estimates.estimator import estimate_releases as estimate_answer
from app.estimates.shapes import ReleaseEstimate
from app.exports import count_tables as tables
from app.log.entries import pin_revision
from app.log.head import is_demo
from app.moments import format_revision
from app.projection import RULES
from app.queries.addresses import build_query_url, echo_terms
from app.queries.countables import find_countable_of_address, get_countable
from app.queries.parameters import (
    JSON_MEDIA_TYPE,
    BaseCountQuery,
    CountQuery,
    DetentionCountQuery,
    EstimateQuery,
    HeldCountQuery,
    OverlapQuery,
    RevisionQuery,
    SeriesQuery,
)
from app.queries.term_names import load_facility_name, load_source_keys, load_source_names
from app.queries.terms import CountTerms, EventTerms, SourcedTerms, is_personal
from app.translations import Message

UNSTATED_RULES = 1  # addresses printed under the first rules do not name them
NO_HISTORY_DETAIL = (
    "What this counts by follows today's consent, so that its past may change: it has no list of past states."
)
UNKNOWN_CITATION_DETAIL = "This is no address of a citation: check that it was copied whole."


def answer_count(context: ReadContext, query: BaseCountQuery) -> Reply[Any] | Response:
    """Answer a count. For people in custody the default day is that on which the revision was recorded."""
    terms = _extract_terms(query)
    countable = get_countable(terms)

    def build(revision: int) -> Answer:
        dated_terms = countable.resolve_day(
            context.session, terms, revision, context.zone(query), context.request.app.state.clock()
        )
        return _build_count_answer(context, dated_terms, revision)

    if is_personal(terms):
        return _answer_terms(context, query, terms, build, depends_on_zone=terms.is_day_open)
    original = _build_original(context)
    if mementos.is_timegate(context.request.url.path, context.request.scope["query_string"]):
        moment, newest = mementos.parse_accept_datetime(context.request), context.revision(query)
        if moment is not None and newest:
            return _redirect_to_memento(original.build_moment_address(context.session, moment, newest), original)

    def build_extra_headers(revision: int) -> Mapping[str, str]:
        headers = {"Vary": f"{VARY}, {mementos.ACCEPT_DATETIME}", **original.build_link_header()}
        moment = None if query.rules is None else context.moment(query, revision)
        return headers if moment is None else {**headers, mementos.MEMENTO_DATETIME: mementos.format_http_date(moment)}

    return _answer_terms(
        context, query, terms, build, depends_on_zone=terms.is_day_open, build_extra_headers=build_extra_headers
    )


def answer_timemap(context: ReadContext, query: BaseCountQuery) -> Reply[Any]:
    """Answer with the TimeMap of a count. Raises NotFound for a count with personal terms, which has no mementos."""
    terms = _extract_terms(query)
    if is_personal(terms):
        raise NotFound(NO_HISTORY_DETAIL)

    def build(revision: int) -> Answer:
        original = mementos.OriginalResource(
            get_countable(terms).counts_path, context.request.query_params.multi_items()
        )
        text = original.format_timemap(context.session, revision, context.zone(query)) if revision else ""
        return Answer({}, document=(mementos.LINK_FORMAT, text))

    return _answer_terms(context, query, terms, build, depends_on_zone=True)


def _build_original(context: ReadContext) -> mementos.OriginalResource:
    return mementos.OriginalResource(context.request.url.path, context.request.query_params.multi_items())


def _redirect_to_memento(address: str, original: mementos.OriginalResource) -> Response:
    headers = {
        "Vary": f"{VARY}, {mementos.ACCEPT_DATETIME}",
        **original.build_link_header(),
        "Cache-Control": CACHE_REVALIDATE,
    }
    return RedirectResponse(address, 302, headers=headers)


def answer_series(context: ReadContext, query: SeriesQuery) -> Reply[Any]:
    """Answer with a count over time."""
    terms = _extract_release_terms(query)
    steps = series.SeriesSteps(query.interval, query.by, context.zone(query), query.told_from)

    def build(revision: int) -> Answer:
        growth = series.build_series(context.session, terms, steps, context.reader, revision)
        return build_citable_answer(
            context, growth, lambda: tables.build_series_rows(growth, include_claims=query.claims)
        )

    return _answer_terms(context, query, terms, build, depends_on_zone=True)


def answer_overlap(context: ReadContext, query: OverlapQuery) -> Reply[Any]:
    """Answer which sources verified the same releases."""
    terms = _extract_release_terms(query)

    def build(revision: int) -> Answer:
        source_overlap = overlap.compute_overlap(context.session, terms, context.reader, revision)
        return build_citable_answer(context, source_overlap, lambda: tables.build_overlap_rows(source_overlap))

    return _answer_terms(context, query, terms, build)


def answer_estimate(context: ReadContext, query: EstimateQuery) -> Reply[Any]:
    """Answer with an estimate of all releases, including those that no source reported."""
    terms = _extract_release_terms(query)
    dependent = [frozenset(pair.split(":")) for pair in query.dependent]

    def build(revision: int) -> Answer:
        load_source_keys(context.session, query, revision)
        estimate = estimate_answer(context.session, terms, query.lists, dependent, context.reader, revision)
        return build_citable_answer(context, estimate, lambda: tables.build_estimate_rows(estimate))

    return _answer_terms(context, query, terms, build)


def answer_citation(context: ReadContext, code: str, query: RevisionQuery) -> Reply[Any]:
    """Answer with a cited count as it was, as it is today, and the changes between."""
    cited_query = _parse_citation_code(code)
    terms = _extract_terms(cited_query)
    countable = get_countable(terms)
    cited_revision = context.revision(
        cited_query, today_address=build_query_url(countable.counts_path, echo_terms(terms), None)
    )
    cited_rules = cited_query.rules or UNSTATED_RULES
    if cited_rules != RULES:
        today = build_short_address(echo_terms(terms), pin_revision(context.session, cited_revision), countable)
        context.refuse_rules(cited_rules, today, cited_revision)

    def build(revision: int) -> Answer:
        if revision < cited_revision:
            detail = Message(
                "This count is cited as of {cited_revision}: ask for that or a later one, or leave `as_of` out.",
                cited_revision=format_revision(cited_revision),
            )
            raise Invalid.at_pointer("/as_of", "before_the_citation", detail)
        cited_count = _build_count(context, terms, cited_revision)
        current_count = cited_count if revision == cited_revision else _build_count(context, terms, revision)
        difference = compare_revisions(context.session, terms, context.reader, cited_revision, revision)
        body: CitedCount = {
            "at": current_count["at"],
            "citation": build_citation(cited_count, _build_setting(context, cited_count)),
            "cited": cited_count,
            "today": current_count,
            "difference": difference,
        }
        return Answer(body, links=build_cite_as_links(cited_count["links"]["cite"]))

    return context.answer(query, build, build_extra_headers=lambda _revision: {"Vary": f"Accept, {VARY}"})


def _answer_terms(
    context: ReadContext,
    query: RevisionQuery,
    terms: SourcedTerms,
    build: Callable[[int], Answer],
    *,
    depends_on_zone: bool = False,
    build_extra_headers: Callable[[int], Mapping[str, str]] | None = None,
) -> Reply[Any]:
    is_public = not is_personal(terms)
    return context.answer(
        query,
        build,
        is_public_count=is_public,
        depends_on_zone=depends_on_zone,
        build_extra_headers=build_extra_headers,
    )


def _extract_release_terms(query: EventTerms) -> CountTerms:
    """Return the terms of a count of releases in a query."""
    return CountTerms(**query.model_dump(include=set(CountTerms.model_fields), exclude_unset=True))


def _extract_terms(query: SourcedTerms) -> SourcedTerms:
    """Return the terms of a count in a query."""
    terms_class = get_countable(query).terms
    return terms_class(**query.model_dump(include=set(terms_class.model_fields), exclude_unset=True))


def _build_count_answer(context: ReadContext, terms: SourcedTerms, revision: int) -> Answer:
    count = _build_count(context, terms, revision)
    return Answer(count, lambda: tables.build_count_rows(count), links=build_cite_as_links(count["links"]["cite"]))


def _build_count(context: ReadContext, terms: SourcedTerms, revision: int) -> Count:
    """Return a count at a revision, with what others have published of it."""
    count = compute_count(context.session, terms, context.reader, revision)
    count["caveats"]["coverage"] = find_coverage(context.session, terms, revision)
    add_public_url(context, count["links"])
    return count


def _build_setting(context: ReadContext, count: Count) -> CitationSetting:
    facility, revision = count["terms"].get("facility"), count["at"]["revision"]
    return CitationSetting(
        sources=load_source_names(context.session, find_cited_sources(count), revision),
        facility=None if facility is None else load_facility_name(context.session, str(facility), revision),
        zone=context.request.app.state.zone,
        demo=is_demo(context.session),
    )


def _parse_citation_code(code: str) -> BaseCountQuery:
    """Parse the code of a short address into the query of its count. Raises NotFound."""
    try:
        values_by_name: dict[str, list[str]] = {}
        noun, pairs = parse_short_code(code)
        for name, value in pairs:
            values_by_name.setdefault(name, []).append(value)
        countable = find_countable_of_address(noun, values_by_name)
        if countable is None:
            raise BadCode
        query = countable.query
        repeatable_names = {name for name, field in query.model_fields.items() if field.default == []}
        return query.model_validate(
            {name: values if name in repeatable_names else values[-1] for name, values in values_by_name.items()}
        )
    except (BadCode, ValidationError):
        raise NotFound(UNKNOWN_CITATION_DETAIL) from None


counts_router = build_router("counts")
MEMENTO_REDIRECT_RESPONSE: Responses = {
    302: {"description": "What stood at the moment of `Accept-Datetime` (RFC 7089)"}
}
TIMEMAP_RESPONSE: Responses = {
    200: {"description": "Links (RFC 6690)", "content": {LINK_FORMAT: {"schema": {"type": "string"}}}}
}


@counts_router.get(
    "/counts/releases",
    response_model=ReleaseCount,
    responses=document_refusals(*READ_REFUSALS, BadDatetime) | MEMENTO_REDIRECT_RESPONSE,
)
def count_releases(context: ReadDep, query: Annotated[CountQuery, Query()]) -> Reply[ReleaseCount] | Response:
    """How many releases, by whom verified. The permalink returns the same numbers until the counting rules change; then
    it answers 410 with today's address and the file that keeps the old number checkable."""
    return answer_count(context, query)


@counts_router.get(
    "/counts/detentions",
    response_model=DetentionCount,
    responses=document_refusals(*READ_REFUSALS, BadDatetime) | MEMENTO_REDIRECT_RESPONSE,
)
def count_detentions(
    context: ReadDep, query: Annotated[DetentionCountQuery, Query()]
) -> Reply[DetentionCount] | Response:
    """How many detentions of any time: by the arrest, and by how and when they ended."""
    return answer_count(context, query)


@counts_router.get(
    "/counts/held",
    response_model=HeldCount,
    responses=document_refusals(*READ_REFUSALS, BadDatetime) | MEMENTO_REDIRECT_RESPONSE,
)
def count_held(context: ReadDep, query: Annotated[HeldCountQuery, Query()]) -> Reply[HeldCount] | Response:
    """Who is held on a day, by whose word: `held_on`, or the day on which the revision was recorded.

    Whom a release left under house arrest is counted with `house_arrest=true` only; whoever was detained at home is
    counted either way."""
    return answer_count(context, query)


@counts_router.get(
    "/timemaps/releases",
    response_model=None,
    response_class=Response,
    responses=TIMEMAP_RESPONSE | document_refusals(*RESOURCE_REFUSALS),
)
def map_past_of_releases(context: ReadDep, query: Annotated[CountQuery, Query()]) -> Reply[Any]:
    """The past states of a count of releases: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return answer_timemap(context, query)


@counts_router.get(
    "/timemaps/detentions",
    response_model=None,
    response_class=Response,
    responses=TIMEMAP_RESPONSE | document_refusals(*RESOURCE_REFUSALS),
)
def map_past_of_detentions(context: ReadDep, query: Annotated[DetentionCountQuery, Query()]) -> Reply[Any]:
    """The past states of a count of detentions: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return answer_timemap(context, query)


@counts_router.get(
    "/timemaps/held",
    response_model=None,
    response_class=Response,
    responses=TIMEMAP_RESPONSE | document_refusals(*RESOURCE_REFUSALS),
)
def map_past_of_held(context: ReadDep, query: Annotated[HeldCountQuery, Query()]) -> Reply[Any]:
    """The past states of a count of the held: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return answer_timemap(context, query)


@counts_router.get("/counts/series", response_model=CountSeries, responses=document_refusals(*READ_REFUSALS))
def count_series(context: ReadDep, query: Annotated[SeriesQuery, Query()]) -> Reply[CountSeries]:
    """How a count grew, a line for each source, with the published figures beside it. `by=known`: as the registry
    learned of it; `by=event`: by the days of release."""
    return answer_series(context, query)


@counts_router.get("/counts/overlap", response_model=Overlap, responses=document_refusals(*READ_REFUSALS))
def count_overlap(context: ReadDep, query: Annotated[OverlapQuery, Query()]) -> Reply[Overlap]:
    """Which sources verified the same releases: in pairs, and exactly which together."""
    return answer_overlap(context, query)


@counts_router.get("/estimates/releases", response_model=ReleaseEstimate, responses=document_refusals(*READ_REFUSALS))
def estimate_releases(context: ReadDep, query: Annotated[EstimateQuery, Query()]) -> Reply[ReleaseEstimate]:
    """How many releases there were, those that no source has seen included: capture–recapture from the overlap of
    independent sources, with its assumptions; refused where the overlap cannot carry it."""
    return answer_estimate(context, query)


HTML_TYPE = "text/html"
SUPPORTED_TYPES = frozenset({HTML_TYPE, JSON_MEDIA_TYPE, "application/*", "*/*"})
PAGE_REDIRECT_RESPONSE: Responses = {303: {"description": "The page of the citation, for whoever asks for `text/html`"}}


class CitationRoute(StrictJsonRoute):
    """A route that redirects browsers to the page of the citation, because readers type printed addresses too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_or_redirect(request: Request) -> Response:
            if _prefers_html(request):
                return _redirect_to_page(request)
            return await handler(request)

        return handle_or_redirect


def _prefers_html(request: Request) -> bool:
    """Return whether HTML has the highest weight among the supported types; the first of equal weights counts."""
    accepted_types = [parse_quality_value(part) for part in ",".join(request.headers.getlist("accept")).split(",")]
    candidates = [(weight, media) for media, weight in accepted_types if media in SUPPORTED_TYPES and weight > 0]
    return bool(candidates) and max(candidates, key=lambda candidate: candidate[0])[1] == HTML_TYPE


def _redirect_to_page(request: Request) -> Response:
    address = f"/{find_preferred_language(request)}{quote(request.url.path)}"
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": CACHE_REVALIDATE}
    return RedirectResponse(address + query, 303, headers=headers)


citations_router = APIRouter(tags=["counts"], route_class=CitationRoute)


@citations_router.get(
    CITATION_PATH + "{code}",
    response_model=CitedCount,
    responses=document_refusals(*RESOURCE_REFUSALS) | PAGE_REDIRECT_RESPONSE,
)
def read_citation(context: ReadDep, code: str, query: Annotated[RevisionQuery, Query()]) -> Reply[CitedCount]:
    """A cited count then and now, and what changed between, case by case. Browsers are led to its page."""
    return answer_citation(context, code, query)
