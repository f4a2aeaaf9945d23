"""The shapes of answers. `openapi.json` describes each field.

A registry may add fields. Only fields that every answer has are listed here.
"""

from typing import Any, TypedDict

# A row of a list has the fields that `fields` and `include` select.
Row = dict[str, Any]


class At(TypedDict):
    """The revision that an answer was computed from, and the number of the counting rules."""

    revision: int
    recorded_at: str | None
    rules: int


class Links(TypedDict):
    """Addresses of the same answer: its permalink, its citation and the list behind it."""

    permalink: str
    cite: str
    list: str | None


class CountTotal(TypedDict):
    """The numbers of a count. `cases` is `verified` + `contested` + `reported`."""

    cases: int
    people: int
    verified: int
    contested: int
    reported: int
    refuted: int
    official_only: int
    by_min_sources: dict[str, int]


class SourceCount(TypedDict):
    """The numbers of one source, in groups by `source`."""

    verified: int
    verified_combined: int
    reported: int
    disputed: int
    refuted: int
    retracted: int
    only_this_source: int
    people: int
    official_only: int
    uncertain_date: int
    awaiting_review: int
    rejected: int


class Group(TypedDict):
    """One group of a count. With `source` among its dimensions `counts` is a `SourceCount`."""

    by: dict[str, Any]
    counts: Any
    list: str | None


class Coverage(TypedDict):
    """What others published about what is counted."""

    published: list[dict[str, Any]]


class UnknownValue(TypedDict):
    """A value of a term that is on no list: a 0 may be a misspelling."""

    code: str
    parameter: str
    detail: str


class Caveats(TypedDict):
    """What to know before you print a count."""

    not_visible: int
    unknown_values: list[UnknownValue]
    unlinkable: int
    uncertain_date: int
    possible_duplicates: int
    withheld: int
    denied_by_some: int
    awaiting_review: int
    rejected: int
    outside_held_within: int
    groups_overlap: bool
    redactions_since: int
    coverage: Coverage | None


class Count(TypedDict):
    """A count of releases, detentions or people held."""

    terms: dict[str, Any]
    at: At
    total: CountTotal
    groups: list[Group]
    caveats: Caveats
    links: Links


class Point(TypedDict):
    """A count at the end of one interval of a series."""

    on: str
    revision: int
    cases: int
    verified: int
    contested: int
    reported: int
    unlinkable: int


class LinePoint(TypedDict):
    """What one source had verified at the end of one interval."""

    on: str
    verified: int


class Line(TypedDict):
    """The points of one source."""

    source: str
    points: list[LinePoint]


class Series(TypedDict):
    """A count over time, with a line for each source and the published figures."""

    terms: dict[str, Any]
    at: At
    points: list[Point]
    series: list[Line]
    claims: list[dict[str, Any]]
    caveats: dict[str, Any]
    links: Links


class Overlap(TypedDict):
    """Which sources verified the same cases."""

    terms: dict[str, Any]
    at: At
    cases: int
    sources: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    patterns: list[dict[str, Any]]
    caveats: dict[str, Any]
    links: Links


class Citation(TypedDict):
    """The texts of a citation."""

    address: str
    en: str
    es: str
    bibtex: str


class CitedCount(TypedDict):
    """A citation, the count as cited, the same count today and what changed between."""

    at: At
    citation: Citation
    cited: Count
    today: Count
    difference: dict[str, Any]


class ListCaveats(TypedDict):
    """How many rows no list may show, and how many cannot be asked about. Null where nobody counts them."""

    withheld: int | None
    not_visible: int | None
    unknown_values: list[UnknownValue]


class Page(TypedDict):
    """One page of a list."""

    at: At
    next: str | None
    total: int | None
    caveats: ListCaveats
    data: list[Row]
