"""The answers of counts: a question's terms in, numbers with how to cite them out."""

from collections.abc import Callable, Mapping

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from app.api import memento
from app.api.answers import UNCACHED, VARY, Answer
from app.api.requests import ReadContext, require_rules
from app.claims import series
from app.counts import overlap
from app.counts.citation import BadCode, Setting, citation, short_address, sources_in, unpack
from app.counts.difference import compare
from app.counts.shapes import TalliedCount
from app.counts.tally import count
from app.dates import format_instant
from app.errors import Invalid, NotFound
from app.estimates.estimator import estimate_releases
from app.exports import count_tables as tables
from app.log.entries import pin, recorded_at
from app.log.head import is_demo
from app.projection import RULES
from app.queries.countables import countable_addressed, countable_of
from app.queries.parameters import AsOf, CountedQuery, EstimateQuery, OverlapQuery, SeriesQuery
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
    if memento.is_gate(read.request.url.path, read.request.scope["query_string"]):
        moment, newest = memento.asked_at(read.request), read.revision(query)
        if moment is not None and newest:
            return _led_to(original.at_moment(read.session, moment, newest), original)

    def beside(revision: int) -> Mapping[str, str]:
        headers = {"Vary": f"{VARY}, {memento.ASKED}", **original.links()}
        moment = None if query.rules is None else read.moment(query, revision)
        return headers if moment is None else {**headers, memento.STATED: memento.stated(moment)}

    return _answer(read, query, terms, build, moved_by_zone=terms.leaves_day_open, beside=beside)


def timemap_of(read: ReadContext, query: CountedQuery) -> Response:
    """The past of a count: the addresses of its states. Raises NotFound for one whose past follows today's consent."""
    terms = _terms(query)
    if is_personal(terms):
        raise NotFound(NO_PAST)

    def build(revision: int) -> Answer:
        original = memento.Original(countable_of(terms).counted, read.request.query_params.multi_items())
        text = original.mementos(read.session, revision, read.zone(query)) if revision else ""
        return Answer({}, list, document=(memento.LINK_FORMAT, text))

    return _answer(read, query, terms, build, moved_by_zone=True)


def _original(read: ReadContext) -> memento.Original:
    return memento.Original(read.request.url.path, read.request.query_params.multi_items())


def _led_to(address: str, original: memento.Original) -> Response:
    headers = {"Vary": f"{VARY}, {memento.ASKED}", **original.links(), "Cache-Control": UNCACHED}
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
        estimated = estimate_releases(read.session, terms, query.lists, dependent, read.reader, revision)
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
    return [f'<{address}>; rel="cite-as"'] if len(address) <= memento.LONGEST_LINKED else []


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
