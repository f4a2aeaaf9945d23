"""The answers of counts: a question's terms in, numbers with how to cite them out."""

from collections.abc import Callable
from typing import Any

from fastapi import Response
from pydantic import ValidationError

from app.api.answers import Answer
from app.api.requests import ReadContext, require_rules
from app.counts import overlap, series
from app.counts.citation import BadCode, citation, short_address, unpack
from app.counts.compare import compare
from app.counts.held import count_detentions, dated
from app.counts.questions import AsOf, CountQuery, EstimateQuery, HeldQuery, OverlapQuery, SeriesQuery
from app.counts.selection import source_keys
from app.counts.tally import count_releases
from app.counts.terms import CountTerms, EventTerms, HeldCountTerms, echo, is_personal
from app.counts.unseen import estimate_releases
from app.dates import format_instant
from app.errors import Invalid, NotFound
from app.exchange import counts as tables
from app.log.entries import entry_at
from app.log.head import is_demo
from app.registry.projection import RULES

Row = dict[str, Any]
RULES_UNSAID = 1  # addresses in print under the first rules do not name them
UNKNOWN = "This is no address of a citation: check that it was copied whole."


def release_count(read: ReadContext, asked: CountQuery) -> Response:
    """A count of releases."""
    terms = _release_terms(asked)
    return _answer(read, asked, terms, lambda revision: _cited_count(read, terms, revision))


def held_count(read: ReadContext, asked: HeldQuery) -> Response:
    """A count of who is held on the day asked for, or on that on which the revision was recorded."""
    terms = _held_terms(asked)

    def build(revision: int) -> Answer:
        on_a_day = dated(read.session, terms, revision, read.zone(asked), read.request.app.state.clock())
        return _cited_count(read, on_a_day, revision)

    return _answer(read, asked, terms, build, moved_by_zone=asked.held_on is None)


def series_of(read: ReadContext, asked: SeriesQuery) -> Response:
    """A count as it grew."""
    terms = _release_terms(asked)
    how = series.Asked(asked.interval, asked.by, read.zone(asked))

    def build(revision: int) -> Answer:
        found = series.series(read.session, terms, how, read.reader, revision)
        return Answer(found, tables.of_series(found, claims=asked.claims))

    return _answer(read, asked, terms, build, moved_by_zone=True)


def overlap_of(read: ReadContext, asked: OverlapQuery) -> Response:
    """Which sources verified the same."""
    terms = _release_terms(asked)

    def build(revision: int) -> Answer:
        found = overlap.overlap(read.session, terms, read.reader, revision)
        return Answer(found, tables.of_overlap(found))

    return _answer(read, asked, terms, build)


def estimate_of(read: ReadContext, asked: EstimateQuery) -> Response:
    """How many there were, seen or not."""
    terms = _release_terms(asked)
    dependent = [frozenset(pair.split(":")) for pair in asked.dependent]

    def build(revision: int) -> Answer:
        source_keys(read.session, asked)
        found = estimate_releases(read.session, terms, asked.lists, dependent, read.reader, revision)
        return Answer(found, tables.of_estimate(found))

    return _answer(read, asked, terms, build)


def then_and_now(read: ReadContext, code: str, asked: AsOf) -> Response:
    """The count that an address stands for as cited, today, and what changed between."""
    cited = _cited(code)
    terms = _held_terms(cited) if isinstance(cited, HeldQuery) else _release_terms(cited)
    then = read.revision(cited)
    require_rules(cited.rules or RULES_UNSAID, short_address(echo(terms), then))

    def build(revision: int) -> Answer:
        if revision < then:
            detail = f"This count is cited as of revision {then}: ask for that or a later one, or leave `as_of` out."
            raise Invalid.at("/as_of", "before_the_citation", detail)
        pinned, today = _cited_count(read, terms, then), _cited_count(read, terms, revision)
        between = compare(read.session, terms, read.reader, then, revision)
        body = {"cited": pinned.body, "today": today.body, **between, "revision": revision}
        return Answer(body, body["cases"])

    return read.answer(asked, build)


def _answer(
    read: ReadContext,
    asked: AsOf,
    terms: CountTerms | HeldCountTerms,
    build: Callable[[int], Answer],
    *,
    moved_by_zone: bool = False,
) -> Response:
    return read.answer(asked, build, public_count=not is_personal(terms), moved_by_zone=moved_by_zone)


def _release_terms(asked: EventTerms) -> CountTerms:
    """The terms of a count among all that was asked."""
    return CountTerms(**asked.model_dump(include=set(CountTerms.model_fields), exclude_unset=True))


def _held_terms(asked: HeldQuery) -> HeldCountTerms:
    """The terms of a count of the held among all that was asked."""
    return HeldCountTerms(**asked.model_dump(include=set(HeldCountTerms.model_fields), exclude_unset=True))


def _cited_count(read: ReadContext, terms: CountTerms | HeldCountTerms, revision: int) -> Answer:
    """A count at a revision with how to cite it."""
    count: Callable[..., Row] = count_detentions if isinstance(terms, HeldCountTerms) else count_releases
    found = count(read.session, terms, read.reader, revision)
    recorded_at = format_instant(entry_at(read.session, revision).recorded_at) if revision else None
    cited = citation(found, recorded_at, read.request.app.state.public_url, demo=is_demo(read.session))
    body = {"revision": revision, "rules": RULES, "recorded_at": recorded_at, **found, "citation": cited}
    return Answer(body, tables.of_count(found))


def _cited(code: str) -> CountQuery | HeldQuery:
    """The count that an address stands for: the terms of the held have `house_arrest`. Raises NotFound."""
    try:
        given: dict[str, Any] = {}
        for name, value in unpack(code):
            given.setdefault(name, []).append(value)
        query = HeldQuery if "house_arrest" in given else CountQuery
        several = {name for name, field in query.model_fields.items() if field.default == []}
        return query(**{name: value if name in several else value[-1] for name, value in given.items()})
    except (BadCode, ValidationError):
        raise NotFound(UNKNOWN) from None
