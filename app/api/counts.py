"""Counts: the reason the registry exists."""

from typing import Annotated

from fastapi import Query, Response

from app.api import counted
from app.api.memento import LINK_FORMAT
from app.api.requests import Read
from app.api.routes import READING, THING, Responses, refusals, router
from app.counts.shapes import DetentionCount, EstimateOut, OverlapOut, ReleaseCount, SeriesOut
from app.errors import BadDatetime
from app.queries.parameters import CountQuery, EstimateQuery, HeldQuery, OverlapQuery, SeriesQuery

counts = router("counts")
TO_THE_PAST: Responses = {302: {"description": "What stood at the moment of `Accept-Datetime` (RFC 7089)"}}
TIMEMAP: Responses = {
    200: {"description": "Links (RFC 6690)", "content": {LINK_FORMAT: {"schema": {"type": "string"}}}}
}


@counts.get("/counts/releases", response_model=ReleaseCount, responses=refusals(*READING, BadDatetime) | TO_THE_PAST)
def count_releases(read: Read, query: Annotated[CountQuery, Query()]) -> Response:
    """How many releases, by whom verified. The permalink returns the same numbers for ever."""
    return counted.count_of(read, query)


@counts.get(
    "/counts/detentions", response_model=DetentionCount, responses=refusals(*READING, BadDatetime) | TO_THE_PAST
)
def count_detentions(read: Read, query: Annotated[HeldQuery, Query()]) -> Response:
    """Who is held on a day, by whose word: `held_on`, or the day on which the revision was recorded.

    Whom a release left under house arrest is counted with `house_arrest=true` only; whoever was detained at home is
    counted either way."""
    return counted.count_of(read, query)


@counts.get("/timemaps/releases", response_class=Response, responses=TIMEMAP | refusals(*THING))
def map_past_of_releases(read: Read, query: Annotated[CountQuery, Query()]) -> Response:
    """The past states of a count of releases: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return counted.timemap_of(read, query)


@counts.get("/timemaps/detentions", response_class=Response, responses=TIMEMAP | refusals(*THING))
def map_past_of_detentions(read: Read, query: Annotated[HeldQuery, Query()]) -> Response:
    """The past states of a count of the held: the first, the last, and that at the end of each day between (RFC
    7089)."""
    return counted.timemap_of(read, query)


@counts.get("/counts/series", response_model=SeriesOut, responses=refusals(*READING))
def count_series(read: Read, query: Annotated[SeriesQuery, Query()]) -> Response:
    """How a count grew, a line for each source, with the published figures beside it. `by=known`: as the registry
    learned of it; `by=event`: by the days of release."""
    return counted.series_of(read, query)


@counts.get("/counts/overlap", response_model=OverlapOut, responses=refusals(*READING))
def count_overlap(read: Read, query: Annotated[OverlapQuery, Query()]) -> Response:
    """Which sources verified the same releases: in pairs, and exactly which together."""
    return counted.overlap_of(read, query)


@counts.get("/estimates/releases", response_model=EstimateOut, responses=refusals(*READING))
def estimate_releases(read: Read, query: Annotated[EstimateQuery, Query()]) -> Response:
    """How many releases there were, those that no source has seen included: capture–recapture from the overlap of
    independent sources, with its assumptions; refused where the overlap cannot carry it."""
    return counted.estimate_of(read, query)
