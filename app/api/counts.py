"""Counts: the reason the registry exists."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Response

from app.api.answers import Answer
from app.api.requests import Asked, Read, offset
from app.api.routes import READING, router
from app.api.wire import DetentionCount, EstimateOut, OverlapOut, ReleaseCount, SeriesOut
from app.counts import overlap, series
from app.counts.citation import citation
from app.counts.held import count_detentions as tally_held
from app.counts.held import dated
from app.counts.selection import source_keys
from app.counts.tally import count_releases as tally
from app.counts.terms import (
    CountQuery,
    CountTerms,
    EstimateQuery,
    HeldCountTerms,
    HeldQuery,
    OverlapQuery,
    ReleaseTerms,
    SeriesQuery,
    is_personal,
)
from app.counts.unseen import estimate_releases as unseen
from app.dates import format_instant
from app.log.entries import entry_at

counts = router("counts")


@counts.get("/counts/releases", response_model=ReleaseCount, responses=READING)
def count_releases(read: Read, asked: Annotated[CountQuery, Query()]) -> Response:
    """How many releases, by whom verified. The permalink returns the same numbers for ever."""
    terms = count_terms(asked)
    return read.answer(asked, lambda revision: counted(read, terms, revision), public_count=not is_personal(terms))


@counts.get("/counts/detentions", response_model=DetentionCount, responses=READING)
def count_detentions(read: Read, asked: Annotated[HeldQuery, Query()]) -> Response:
    """Who is held on a day, by whose word: `held_on`, or the day on which the revision was recorded.

    Whom a release left under house arrest is counted with `house_arrest=true` only; whoever was detained at home is
    counted either way."""
    terms = held_terms(asked)

    def build(revision: int) -> Answer:
        zone = offset(asked.zone or "Z")
        return counted(read, dated(read.session, terms, revision, zone, read.request.app.state.clock()), revision)

    return read.answer(asked, build, public_count=not is_personal(terms))


@counts.get("/counts/series", response_model=SeriesOut, responses=READING)
def count_series(read: Read, asked: Annotated[SeriesQuery, Query()]) -> Response:
    """How a count grew, a line for each source, with the published figures beside it. `by=known`: as the registry
    learned of it; `by=event`: by the days of release."""
    terms = count_terms(asked)
    how = series.Asked(asked.interval, asked.by, offset(asked.zone or "Z"))

    def build(revision: int) -> Answer:
        found = series.series(read.session, terms, how, read.reader, revision)
        return Answer(found, _wide(found))

    return read.answer(asked, build, public_count=not is_personal(terms))


@counts.get("/counts/overlap", response_model=OverlapOut, responses=READING)
def count_overlap(read: Read, asked: Annotated[OverlapQuery, Query()]) -> Response:
    """Which sources verified the same releases: in pairs, and exactly which together."""
    terms = count_terms(asked)

    def build(revision: int) -> Answer:
        found = overlap.overlap(read.session, terms, read.reader, revision)
        return Answer(found, found["patterns"])

    return read.answer(asked, build, public_count=not is_personal(terms))


@counts.get("/estimates/releases", response_model=EstimateOut, responses=READING)
def estimate_releases(read: Read, asked: Annotated[EstimateQuery, Query()]) -> Response:
    """How many releases there were, those that no source has seen included: capture–recapture from the overlap of
    independent sources, with its assumptions; refused where the overlap cannot carry it."""
    terms = count_terms(asked)
    dependent = [frozenset(pair.split(":")) for pair in asked.dependent]

    def build(revision: int) -> Answer:
        source_keys(read.session, asked)
        found = unseen(read.session, terms, asked.lists, dependent, read.reader, revision)
        return Answer(found, found["models"])

    return read.answer(asked, build, public_count=not is_personal(terms))


def count_terms(asked: ReleaseTerms) -> CountTerms:
    """The terms of a count among all that was asked."""
    return CountTerms(**asked.model_dump(include=set(CountTerms.model_fields), exclude_unset=True))


def held_terms(asked: HeldQuery) -> HeldCountTerms:
    """The terms of a count of the held among all that was asked."""
    return HeldCountTerms(**asked.model_dump(include=set(HeldCountTerms.model_fields), exclude_unset=True))


def counted(read: Asked, terms: CountTerms | HeldCountTerms, revision: int) -> Answer:
    """A count at a revision with how to cite it."""
    of_held = isinstance(terms, HeldCountTerms)
    count: Callable[..., dict[str, Any]] = tally_held if of_held else tally
    found = count(read.session, terms, read.reader, revision)
    recorded_at = format_instant(entry_at(read.session, revision).recorded_at) if revision else None
    cited = citation(found, recorded_at, read.request.app.state.public_url)
    beside = {name: found[name] for name in ("uncertain_date", "not_heard_since") if name in found}
    rows = found.get("groups") or [{**found["total"], **beside}]
    return Answer(
        {"revision": revision, "recorded_at": recorded_at, **found, "citation": cited}, list(map(_flat, rows))
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a table has it: `by_min_sources` in columns of its own."""
    at_least = {f"by_min_sources_{least}": number for least, number in row.get("by_min_sources", {}).items()}
    return {**{name: value for name, value in row.items() if name != "by_min_sources"}, **at_least}


def _wide(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A series as a table: a row for each point, a column for each source."""
    lines = {line["source"]: [point["verified"] for point in line["points"]] for line in found["series"]}
    return [
        {**point, **{source: numbers[position] for source, numbers in lines.items()}}
        for position, point in enumerate(found["points"])
    ]
