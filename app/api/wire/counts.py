"""Counts, series, overlap, citations and what claims come to beside them."""

import uuid
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from app.api.wire.base import Answered, NotVisible
from app.api.wire.terms import CountedTerms, Dimensions, HeldCountedTerms, SeriesTerms
from app.vocabulary import Reason


class Bounds(BaseModel):
    """Lowest and highest number, both included; null is open."""

    low: int | None
    high: int | None


class CitationOut(BaseModel):
    """How to cite a count."""

    address: str
    revision: int
    en: str
    es: str
    bibtex: str


class Numbers(BaseModel):
    """What a total says beside the number itself."""

    people: int
    verified: int
    contested: int
    reported: int
    refuted: int
    by_min_sources: dict[str, int]
    counted_apart: int


class Total(Numbers):
    """A total: `releases` = verified + contested + reported; `people` are the distinct people behind them."""

    releases: int


class HeldTotal(Numbers):
    """A total of the held: `detentions` = verified + contested + reported."""

    detentions: int


class SourceGroup(Dimensions):
    """A group of a count by source: that source's own verdicts, on its own dates and kinds."""

    verified: int
    reported: int
    disputed: int
    refuted: int
    retracted: int
    uncertain_date: int
    only_this_source: int
    people: int
    list: str | None


class ReleaseGroup(Dimensions, Total):
    """A group of a count of releases, as all sources together say."""

    list: str | None


class HeldGroup(Dimensions, HeldTotal):
    """A group of a count of the held, as all sources together say."""

    list: str | None


class Count(Answered):
    """A count with its terms, and the address that returns the same numbers for ever."""

    recorded_at: str | None
    adds_up: bool = True
    redactions_since: int | None = None
    uncertain_date: int
    unresolved_duplicates: int
    withheld: int
    not_visible: NotVisible = None
    list: str | None
    permalink: str
    citation: CitationOut


class ReleaseCount(Count):
    """A count of releases."""

    terms: CountedTerms
    total: Total
    groups: Sequence[SourceGroup | ReleaseGroup] | None = None


class DetentionCount(Count):
    """A count of who is held on the day `held_on` of its terms."""

    terms: HeldCountedTerms
    total: HeldTotal
    groups: Sequence[SourceGroup | HeldGroup] | None = None
    not_heard_since: int


class Point(BaseModel):
    """All sources together at the end of an interval."""

    on: str
    revision: int
    releases: int
    verified: int
    contested: int
    reported: int
    counted_apart: int


class LinePoint(BaseModel):
    """One source's count at the end of an interval."""

    on: str
    verified: int


class Line(BaseModel):
    """One source in a series."""

    source: str
    points: list[LinePoint]


class FigureOut(Bounds):
    """A published figure, in short."""

    id: uuid.UUID
    claimant: str | None
    measure: str
    qualifier: str
    window_from: str | None
    window_to: str | None
    stated_at: str | None


class PlacedFigure(FigureOut):
    """A published figure where it stands in a series."""

    at: str
    series: str | None


class SeriesOut(Answered):
    """Cumulative counts, a line for each source, with published figures as points or bars."""

    terms: SeriesTerms
    points: list[Point]
    series: list[Line]
    claims: list[PlacedFigure]
    not_visible: NotVisible = None
    permalink: str


class OverlapSource(BaseModel):
    """What one source verified."""

    source: str
    verified: int
    only_this_source: int
    list: str | None
    only_list: str | None


class OverlapPair(BaseModel):
    """What two sources verified."""

    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    either: int
    dates: dict[Literal["same", "compatible", "different", "unsaid"], int]
    kinds: dict[Literal["same", "different", "unsaid"], int]
    list: str | None


class OverlapPattern(BaseModel):
    """What exactly these sources verified."""

    sources: list[str]
    releases: int
    list: str | None


class OverlapOut(Answered):
    """Who verified the same releases as whom."""

    terms: CountedTerms
    releases: int
    counted_apart: int
    sources: list[OverlapSource]
    pairs: list[OverlapPair]
    patterns: list[OverlapPattern]
    not_visible: NotVisible = None
    permalink: str


class CaseOut(BaseModel):
    """What became of one release, or of one detention in a count of the held."""

    change: str
    release_id: uuid.UUID | None = None
    detention_id: uuid.UUID | None = None


class CitedOut(Answered):
    """A cited count then and now, and what changed between, case by case."""

    cited: ReleaseCount | DetentionCount
    today: ReleaseCount | DetentionCount
    added: int
    removed: int
    changes: dict[str, int]
    summary: dict[Literal["en", "es"], str]
    cases: list[CaseOut]
    cases_left_out: int
    withheld_cases: int


class ReasonOut(BaseModel):
    """Why two numbers differ."""

    code: Reason
    detail: str


class Counted(BaseModel):
    """The registry's count on a claim's own terms."""

    revision: int
    basis: Literal["log", "said"]
    releases: int | None = None
    detentions: int | None = None
    people: int | None = None
    verified: int | None = None
    contested: int | None = None
    reported: int
    refuted: int
    by_min_sources: dict[str, int]
    counted_apart: int
    by_source: dict[str, int]
    not_heard_since: int | None = None
    not_visible: NotVisible = None
    uncertain_date: int | None = None
    withheld: int | None = None
    undated: int | None = None
    learned_since: int | None = None
    permalink: str | None = None
    gap: Bounds | None


class PublishedFigure(FigureOut):
    """Another published figure, and how far it lies apart."""

    distance: Bounds
    reasons: list[Reason]


class Arithmetic(BaseModel):
    """What the parts of a claim add up to."""

    partition: str
    parts: list[FigureOut]
    sum: Bounds
    difference: Bounds
    agrees: bool


class RemarkOut(BaseModel):
    """What is odd about a running total beside the one its claimant gave before."""

    code: Literal["fall", "jump"]
    detail: str
    before: FigureOut


class ReconciliationOut(Answered):
    """A claim beside the registry's own count; no verdict on who is right."""

    claim: FigureOut
    comparable: bool
    reasons: list[ReasonOut]
    remarks: list[RemarkOut]
    then: Counted | None
    then_unknown: str | None
    now: Counted | None
    published: list[PublishedFigure]
    arithmetic: list[Arithmetic]


class BalanceStep(BaseModel):
    """From one figure of the held to the next, in one country; null: the figures name none."""

    country: str | None
    start: FigureOut = Field(alias="from")
    to: FigureOut
    come: Bounds | None = Field(alias="in")
    out: Bounds | None
    late: Bounds | None
    corrections: Bounds | None
    expected: Bounds
    residual: Bounds
    missing: list[str]
