"""The answers of counts: a question's terms in, numbers with how to cite them out."""

from collections.abc import Callable

from fastapi import Response
from pydantic import ValidationError

from app.api.answers import Answer
from app.api.requests import ReadContext, require_rules
from app.counts import overlap, series
from app.counts.citation import BadCode, citation, short_address, unpack
from app.counts.comparison import compare
from app.counts.estimates.from_registry import estimate_releases
from app.counts.tally import count
from app.dates import format_instant
from app.errors import Invalid, NotFound
from app.exchange import counts as tables
from app.log.entries import pin, recorded_at
from app.log.head import is_demo
from app.reading.countables import countable_addressed, countable_of
from app.reading.named import source_keys
from app.reading.questions import AsOf, CountedQuery, EstimateQuery, OverlapQuery, SeriesQuery
from app.reading.terms import CountTerms, EventTerms, SourcedTerms, echo, is_personal, link
from app.registry.projection import RULES

RULES_UNSAID = 1  # addresses in print under the first rules do not name them
UNKNOWN = "This is no address of a citation: check that it was copied whole."


def count_of(read: ReadContext, query: CountedQuery) -> Response:
    """A count. Terms of the held without a day mean the day on which the revision was recorded."""
    terms = _terms(query)
    countable = countable_of(terms)

    def build(revision: int) -> Answer:
        dated = countable.dated(read.session, terms, revision, read.zone(query), read.request.app.state.clock())
        return _cited_count(read, dated, revision)

    return _answer(read, query, terms, build, moved_by_zone=terms.leaves_day_open)


def series_of(read: ReadContext, query: SeriesQuery) -> Response:
    """A count as it grew."""
    terms = _release_terms(query)
    steps = series.Steps(query.interval, query.by, read.zone(query))

    def build(revision: int) -> Answer:
        grown = series.series(read.session, terms, steps, read.reader, revision)
        return Answer({"revision": revision, **grown}, lambda: tables.of_series(grown, claims=query.claims))

    return _answer(read, query, terms, build, moved_by_zone=True)


def overlap_of(read: ReadContext, query: OverlapQuery) -> Response:
    """Which sources verified the same."""
    terms = _release_terms(query)

    def build(revision: int) -> Answer:
        shared = overlap.overlap(read.session, terms, read.reader, revision)
        return Answer({"revision": revision, **shared}, lambda: tables.of_overlap(shared))

    return _answer(read, query, terms, build)


def estimate_of(read: ReadContext, query: EstimateQuery) -> Response:
    """How many there were, seen or not."""
    terms = _release_terms(query)
    dependent = [frozenset(pair.split(":")) for pair in query.dependent]

    def build(revision: int) -> Answer:
        source_keys(read.session, query)
        estimated = estimate_releases(read.session, terms, query.lists, dependent, read.reader, revision)
        return Answer({"revision": revision, **estimated}, lambda: tables.of_estimate(estimated))

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
        return Answer(body, lambda: [{**case} for case in between["cases"]])

    return read.answer(query, build)


def _answer(
    read: ReadContext,
    query: AsOf,
    terms: SourcedTerms,
    build: Callable[[int], Answer],
    *,
    moved_by_zone: bool = False,
) -> Response:
    return read.answer(query, build, public_count=not is_personal(terms), moved_by_zone=moved_by_zone)


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
    as_of = pin(read.session, revision)
    cited = citation(tally, as_of, recorded, read.request.app.state.public_url, demo=is_demo(read.session))
    body = {"revision": revision, "rules": RULES, "recorded_at": recorded, **tally, "citation": cited}
    return Answer(body, lambda: tables.of_count(tally))


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
