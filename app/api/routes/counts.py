"""The answers of counts: a question's terms in, numbers with how to cite them out.

Counts: the reason the registry exists.

Cited counts: what was known then, what is known today, and what changed between."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from app.api import responses
from app.api.requests import Read, ReadContext, preferred_language, require_rules
from app.api.responses import LINK_FORMAT, UNCACHED, VARY, Answer, weighed
from app.api.routing import READING, THING, Responses, StrictRoute, refusals, router
from app.claims import series
from app.counts import overlap
from app.counts.citation import CITED, BadCode, Setting, citation, short_address, sources_in, unpack
from app.counts.difference import compare
from app.counts.shapes import CitedOut, DetentionCount, EstimateOut, OverlapOut, ReleaseCount, SeriesOut, TalliedCount
from app.counts.tally import count
from app.dates import format_instant
from app.errors import BadDatetime, Invalid, NotFound
from app.estimates.estimator import estimate_releases as estimate_answer
from app.exports import count_tables as tables
from app.log.entries import pin, recorded_at
from app.log.head import is_demo
from app.projection import RULES
from app.queries.countables import countable_addressed, countable_of
from app.queries.parameters import (
    MEDIA,
    AsOf,
    CountedQuery,
    CountQuery,
    EstimateQuery,
    HeldQuery,
    OverlapQuery,
    SeriesQuery,
)
from app.queries.selection import facility_name, source_keys, source_names
from app.queries.terms import CountTerms, EventTerms, SourcedTerms, echo, is_personal, link

RULES_UNSAID = 1  # addresses in print under the first rules do not name them
NO_PAST = "What this counts by follows today's consent, so that its past may change: it has no list of past states."
UNKNOWN = "This is no address of a citation: check that it was copied whole."


def count_of(read: ReadContext, query: CountedQuery) -> Response:
    """A count. Terms of the held without a day mean the day on which the revision was recorded."""
    terms = _terms(query)
    countable = countable_of(terms)

    def build(revision: int) -> Answer:
        dated = countable.dated(read.session, terms, revision, read.zone(query), read.request.app.state.clock())
        return _cited_count(read, dated, revision)

    if is_personal(terms):
        return _answer(read, query, terms, build, moved_by_zone=terms.leaves_day_open)
    original = _original(read)
    if responses.is_gate(read.request.url.path, read.request.scope["query_string"]):
        moment, newest = responses.asked_at(read.request), read.revision(query)
        if moment is not None and newest:
            return _led_to(original.at_moment(read.session, moment, newest), original)

    def beside(revision: int) -> Mapping[str, str]:
        headers = {"Vary": f"{VARY}, {responses.ASKED}", **original.links()}
        moment = None if query.rules is None else read.moment(query, revision)
        return headers if moment is None else {**headers, responses.STATED: responses.stated(moment)}

    return _answer(read, query, terms, build, moved_by_zone=terms.leaves_day_open, beside=beside)


def timemap_of(read: ReadContext, query: CountedQuery) -> Response:
    """The past of a count: the addresses of its states. Raises NotFound for one whose past follows today's consent."""
    terms = _terms(query)
    if is_personal(terms):
        raise NotFound(NO_PAST)

    def build(revision: int) -> Answer:
        original = responses.Original(countable_of(terms).counted, read.request.query_params.multi_items())
        text = original.mementos(read.session, revision, read.zone(query)) if revision else ""
        return Answer({}, list, document=(responses.LINK_FORMAT, text))

    return _answer(read, query, terms, build, moved_by_zone=True)


def _original(read: ReadContext) -> responses.Original:
    return responses.Original(read.request.url.path, read.request.query_params.multi_items())


def _led_to(address: str, original: responses.Original) -> Response:
    headers = {"Vary": f"{VARY}, {responses.ASKED}", **original.links(), "Cache-Control": UNCACHED}
    return RedirectResponse(address, 302, headers=headers)


def series_of(read: ReadContext, query: SeriesQuery) -> Response:
    """A count as it grew."""
    terms = _release_terms(query)
    steps = series.Steps(query.interval, query.by, read.zone(query), query.told_from)

    def build(revision: int) -> Answer:
        grown = series.series(read.session, terms, steps, read.reader, revision)
        body = {"revision": revision, **grown}
        return Answer(
            body, lambda: tables.of_series(grown, claims=query.claims), links=_permanent(read, grown["permalink"])
        )

    return _answer(read, query, terms, build, moved_by_zone=True)


def overlap_of(read: ReadContext, query: OverlapQuery) -> Response:
    """Which sources verified the same."""
    terms = _release_terms(query)

    def build(revision: int) -> Answer:
        shared = overlap.overlap(read.session, terms, read.reader, revision)
        body = {"revision": revision, **shared}
        return Answer(body, lambda: tables.of_overlap(shared), links=_permanent(read, shared["permalink"]))

    return _answer(read, query, terms, build)


def estimate_of(read: ReadContext, query: EstimateQuery) -> Response:
    """How many there were, seen or not."""
    terms = _release_terms(query)
    dependent = [frozenset(pair.split(":")) for pair in query.dependent]

    def build(revision: int) -> Answer:
        source_keys(read.session, query)
        estimated = estimate_answer(read.session, terms, query.lists, dependent, read.reader, revision)
        body = {"revision": revision, **estimated}
        return Answer(body, lambda: tables.of_estimate(estimated), links=_permanent(read, estimated["permalink"]))

    return _answer(read, query, terms, build)


def then_and_now(read: ReadContext, code: str, query: AsOf) -> Response:
    """The count that an address stands for as cited, today, and what changed between."""
    cited = _cited(code)
    terms = _terms(cited)
    countable = countable_of(terms)
    then = read.revision(cited, today=link(countable.counted, echo(terms), None))
    require_rules(cited.rules or RULES_UNSAID, short_address(echo(terms), pin(read.session, then), countable))

    def build(revision: int) -> Answer:
        if revision < then:
            detail = f"This count is cited as of revision {then}: ask for that or a later one, or leave `as_of` out."
            raise Invalid.at("/as_of", "before_the_citation", detail)
        pinned, today = _cited_count(read, terms, then), _cited_count(read, terms, revision)
        between = compare(read.session, terms, read.reader, then, revision)
        body = {"cited": pinned.body, "today": today.body, **between, "revision": revision}
        return Answer(body, lambda: [{**case} for case in between["cases"]], links=pinned.links)

    return read.answer(query, build)


def _permanent(read: ReadContext, permalink: str) -> list[str]:
    """An answer without a short address is cited by its permalink."""
    return _cite_as(f"{read.request.app.state.public_url}{permalink}")


def _answer(
    read: ReadContext,
    query: AsOf,
    terms: SourcedTerms,
    build: Callable[[int], Answer],
    *,
    moved_by_zone: bool = False,
    beside: Callable[[int], Mapping[str, str]] | None = None,
) -> Response:
    public = not is_personal(terms)
    return read.answer(query, build, public_count=public, moved_by_zone=moved_by_zone, beside=beside)


def _release_terms(query: EventTerms) -> CountTerms:
    """The terms of a count of releases in a query."""
    return CountTerms(**query.model_dump(include=set(CountTerms.model_fields), exclude_unset=True))


def _terms(query: SourcedTerms) -> SourcedTerms:
    """The terms of a count in a query."""
    terms = countable_of(query).terms
    return terms(**query.model_dump(include=set(terms.model_fields), exclude_unset=True))


def _cited_count(read: ReadContext, terms: SourcedTerms, revision: int) -> Answer:
    """A count at a revision with how to cite it."""
    tally = count(read.session, terms, read.reader, revision)
    recorded = format_instant(recorded_at(read.session, revision)) if revision else None
    base = read.request.app.state.public_url
    cited = citation(tally, pin(read.session, revision), recorded, base, _setting(read, tally, revision))
    body = {"revision": revision, "rules": RULES, "recorded_at": recorded, **tally, "citation": cited}
    return Answer(body, lambda: tables.of_count(tally), links=_cite_as(cited["address"]))


def _setting(read: ReadContext, tally: TalliedCount, revision: int) -> Setting:
    facility = tally["terms"].get("facility")
    return Setting(
        sources=source_names(read.session, sources_in(tally), revision),
        facility=None if facility is None else facility_name(read.session, str(facility), revision),
        zone=read.request.app.state.zone,
        demo=is_demo(read.session),
    )


def _cite_as(address: str) -> list[str]:
    """The link that tells by which address to cite an answer (RFC 8574)."""
    return [f'<{address}>; rel="cite-as"'] if len(address) <= responses.LONGEST_LINKED else []


def _cited(code: str) -> CountedQuery:
    """The count that an address stands for. Raises NotFound."""
    try:
        given: dict[str, list[str]] = {}
        noun, pairs = unpack(code)
        for name, value in pairs:
            given.setdefault(name, []).append(value)
        countable = countable_addressed(noun, given)
        if countable is None:
            raise BadCode
        query = countable.query
        several = {name for name, field in query.model_fields.items() if field.default == []}
        return query.model_validate({name: values if name in several else values[-1] for name, values in given.items()})
    except (BadCode, ValidationError):
        raise NotFound(UNKNOWN) from None


counts = router("counts")
TO_THE_PAST: Responses = {302: {"description": "What stood at the moment of `Accept-Datetime` (RFC 7089)"}}
TIMEMAP: Responses = {
    200: {"description": "Links (RFC 6690)", "content": {LINK_FORMAT: {"schema": {"type": "string"}}}}
}


@counts.get("/counts/releases", response_model=ReleaseCount, responses=refusals(*READING, BadDatetime) | TO_THE_PAST)
def count_releases(read: Read, query: Annotated[CountQuery, Query()]) -> Response:
    """How many releases, by whom verified. The permalink returns the same numbers for ever."""
    return count_of(read, query)


@counts.get(
    "/counts/detentions", response_model=DetentionCount, responses=refusals(*READING, BadDatetime) | TO_THE_PAST
)
def count_detentions(read: Read, query: Annotated[HeldQuery, Query()]) -> Response:
    """Who is held on a day, by whose word: `held_on`, or the day on which the revision was recorded.

    Whom a release left under house arrest is counted with `house_arrest=true` only; whoever was detained at home is
    counted either way."""
    return count_of(read, query)


@counts.get("/timemaps/releases", response_class=Response, responses=TIMEMAP | refusals(*THING))
def map_past_of_releases(read: Read, query: Annotated[CountQuery, Query()]) -> Response:
    """The past states of a count of releases: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return timemap_of(read, query)


@counts.get("/timemaps/detentions", response_class=Response, responses=TIMEMAP | refusals(*THING))
def map_past_of_detentions(read: Read, query: Annotated[HeldQuery, Query()]) -> Response:
    """The past states of a count of the held: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return timemap_of(read, query)


@counts.get("/counts/series", response_model=SeriesOut, responses=refusals(*READING))
def count_series(read: Read, query: Annotated[SeriesQuery, Query()]) -> Response:
    """How a count grew, a line for each source, with the published figures beside it. `by=known`: as the registry
    learned of it; `by=event`: by the days of release."""
    return series_of(read, query)


@counts.get("/counts/overlap", response_model=OverlapOut, responses=refusals(*READING))
def count_overlap(read: Read, query: Annotated[OverlapQuery, Query()]) -> Response:
    """Which sources verified the same releases: in pairs, and exactly which together."""
    return overlap_of(read, query)


@counts.get("/estimates/releases", response_model=EstimateOut, responses=refusals(*READING))
def estimate_releases(read: Read, query: Annotated[EstimateQuery, Query()]) -> Response:
    """How many releases there were, those that no source has seen included: capture–recapture from the overlap of
    independent sources, with its assumptions; refused where the overlap cannot carry it."""
    return estimate_of(read, query)


HTML = "text/html"
FORMS = frozenset({HTML, *MEDIA.values(), "application/*", "*/*"})
TO_THE_PAGE: Responses = {303: {"description": "The page of the citation, for whoever asks for `text/html`"}}


class CitedRoute(StrictRoute):
    """Printed addresses are followed by readers too: whoever prefers a page is led to it, in the language preferred.
    Everybody else gets the answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def for_readers_too(request: Request) -> Response:
            if "format" not in request.query_params and _prefers_a_page(request):
                return _to_the_page(request)
            return await handler(request)

        return for_readers_too


def _prefers_a_page(request: Request) -> bool:
    """Whether of all that is answered here, or that a range stands for, a page weighs most; of equals the first."""
    accepted = [weighed(part) for part in ",".join(request.headers.getlist("accept")).split(",")]
    ours = [(weight, media) for media, weight in accepted if media in FORMS and weight > 0]
    return bool(ours) and max(ours, key=lambda each: each[0])[1] == HTML


def _to_the_page(request: Request) -> Response:
    address = f"/{preferred_language(request)}{quote(request.url.path)}"
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": UNCACHED}
    return RedirectResponse(address + query, 303, headers=headers)


citations = APIRouter(tags=["counts"], route_class=CitedRoute)


@citations.get(CITED + "{code}", response_model=CitedOut, responses=refusals(*THING) | TO_THE_PAGE)
def read_citation(read: Read, code: str, query: Annotated[AsOf, Query()]) -> Response:
    """A cited count then and now, and what changed between, case by case. Browsers are led to its page."""
    return then_and_now(read, code, query)
