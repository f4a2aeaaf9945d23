"""What is asked: one question again and again, and questions that nobody asked before (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, cycle
from typing import Literal
from urllib.parse import urlencode

from app.moments import format_revision
from bench.reading.people import Crew
from bench.reading.telling import FACILITIES, SOURCES

WARM = "/v1/counts/releases?group_by=source"

COUNT, SERIES, OVERLAP, HELD = (f"/v1/counts/{name}" for name in ("releases", "series", "overlap", "held"))
# Before the first release, so that the window holds all of them, and every day is another question.
OPENS = date(2010, 1, 1)
A_YEAR = timedelta(days=365)
LARGE = [slug for slug, _kind, often in SOURCES if often > 10]


@dataclass(frozen=True)
class Row:
    """A row of the table: questions of one kind, none of which is asked twice. `most`: so many are asked at most."""

    name: str
    paths: Iterator[str]
    most: int


def cold(revision: int) -> list[Row]:
    """The rows of questions about everybody. `revision`: the head."""
    return [
        Row("releases by source", windows(COUNT, group_by="source"), 20),
        Row("by source and month", windows(COUNT, group_by=["source", "month"]), 20),
        Row("by status, kind and month", windows(COUNT, group_by=["status", "release_kind", "month"]), 20),
        Row("by source, at half of the revisions", _revisions(revision // 2, group_by="source"), 20),
        Row("by gender and source", windows(COUNT, group_by=["gender", "source"]), 20),
        Row("of one place, by source", _places(group_by="source"), 20),
        Row("net, by source", windows(COUNT, group_by="source", net="true"), 20),
        Row("by one source only", _only_by(), 20),
        Row("overlap of sources", windows(OVERLAP), 20),
        Row("a year, day by day (by=event)", years(by="event"), 20),
        Row("growth, week by week (by=known)", windows(SERIES, by="known", interval="week"), 20),
        Row("held on a day, by source", _held(), 20),
        Row("list of releases, 50 a page", windows("/v1/releases", limit="50"), 100),
    ]


def of_people(people: int, ids: list[str]) -> list[Row]:
    """The rows about single people. `ids`: of releases."""
    return [
        Row("search by name", _names(min(people, 1_000)), 200),
        Row("search by first name", _first_names(min(people, 1_000)), 200),
        Row("release by id", (f"/v1/releases/{one}" for one in ids), 200),
    ]


def ids_of(pages: int) -> list[str]:
    """Lists to take the ids from, all over the registry."""
    return [_with("/v1/releases", limit="200", facility=place) for place, *_ in FACILITIES[:pages]]


def _with(path: str, **terms: str | list[str]) -> str:
    return f"{path}?{urlencode(terms, doseq=True)}"


def windows(path: str, **terms: str | list[str]) -> Iterator[str]:
    for days in count():
        yield _with(path, **terms, released_from=(OPENS + timedelta(days=days)).isoformat())


def _revisions(revision: int, **terms: str) -> Iterator[str]:
    for before in range(revision):
        yield _with(COUNT, **terms, as_of=format_revision(revision - before))


def _places(**terms: str) -> Iterator[str]:
    for opens, (place, *_) in zip(count(), cycle(FACILITIES), strict=False):
        yield _with(COUNT, **terms, facility=place, released_from=(OPENS + timedelta(days=opens)).isoformat())


def _only_by() -> Iterator[str]:
    for days, source in zip(count(), cycle(LARGE), strict=False):
        yield _with(
            COUNT,
            verified_by=source,
            verified_by_match="only",
            released_from=(OPENS + timedelta(days=days)).isoformat(),
        )


def years(by: Literal["event", "known"]) -> Iterator[str]:
    for days in count():
        opens = date(2024, 1, 1) + timedelta(days=days)
        yield _with(SERIES, by=by, released_from=opens.isoformat(), released_to=(opens + A_YEAR).isoformat())


def _held() -> Iterator[str]:
    for days in count():
        yield _with(HELD, group_by="source", held_on=(date(2025, 3, 1) - timedelta(days=days)).isoformat())


def _names(people: int) -> Iterator[str]:
    """The names of people, as one source or another spells them."""
    return (_with("/v1/releases", q=name) for name in _spelt(people))


def _first_names(people: int) -> Iterator[str]:
    """The first words of names: many people have the same."""
    return (_with("/v1/detainees", q=word) for word in dict.fromkeys(name.split()[0] for name in _spelt(people)))


def _spelt(people: int) -> Iterator[str]:
    return (step.body["detainee"]["full_name"] for step in Crew(1, 0, people).steps if step.kind == "first")
