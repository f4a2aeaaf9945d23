"""Counts, series, overlap, citations and what claims come to beside them."""

import uuid
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from app.vocabulary import Reason
from app.wire.base import Answered, NotVisible


class Bounds(TypedDict):
    """Lowest and highest number, both included; null is open."""

    low: int | None
    high: int | None


class CitationOut(TypedDict):
    """How to cite a count."""

    address: str
    revision: int
    en: str
    es: str
    bibtex: str


class Numbers(TypedDict):
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


class SourceNumbers(TypedDict):
    """What a source says of what is counted: its own verdicts, on its own dates and kinds."""

    verified: int
    reported: int
    disputed: int
    refuted: int
    retracted: int
    uncertain_date: int
    only_this_source: int
    people: int


class Count(Answered):
    """A count with its terms, and the address that returns the same numbers for ever."""

    recorded_at: str | None
    adds_up: NotRequired[bool]
    redactions_since: NotRequired[int | None]
    uncertain_date: int
    unresolved_duplicates: int
    withheld: int
    not_visible: NotRequired[NotVisible]
    list: str | None
    permalink: str
    citation: CitationOut


class Point(TypedDict):
    """All sources together at the end of an interval."""

    on: str
    revision: int
    releases: int
    verified: int
    contested: int
    reported: int
    counted_apart: int


class LinePoint(TypedDict):
    """One source's count at the end of an interval."""

    on: str
    verified: int


class Line(TypedDict):
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


class OverlapSource(TypedDict):
    """What one source verified."""

    source: str
    verified: int
    only_this_source: int
    list: str | None
    only_list: str | None


class OverlapPair(TypedDict):
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


class OverlapPattern(TypedDict):
    """What exactly these sources verified."""

    sources: list[str]
    releases: int
    list: str | None


class CaseOut(TypedDict):
    """What became of one release, or of one detention in a count of the held."""

    change: str
    release_id: NotRequired[uuid.UUID | None]
    detention_id: NotRequired[uuid.UUID | None]


class ReasonOut(TypedDict):
    """Why two numbers differ."""

    code: Reason
    detail: str


class Counted(TypedDict):
    """The registry's count on a claim's own terms."""

    revision: int
    basis: Literal["log", "said"]
    releases: NotRequired[int | None]
    detentions: NotRequired[int | None]
    people: NotRequired[int | None]
    verified: NotRequired[int | None]
    contested: NotRequired[int | None]
    reported: int
    refuted: int
    by_min_sources: dict[str, int]
    counted_apart: int
    by_source: dict[str, int]
    not_heard_since: NotRequired[int | None]
    not_visible: NotRequired[NotVisible]
    uncertain_date: NotRequired[int | None]
    withheld: NotRequired[int | None]
    undated: NotRequired[int | None]
    learned_since: NotRequired[int | None]
    permalink: NotRequired[str | None]
    gap: Bounds | None


class PublishedFigure(FigureOut):
    """Another published figure, and how far it lies apart."""

    distance: Bounds
    reasons: list[Reason]


class Arithmetic(TypedDict):
    """What the parts of a claim add up to."""

    partition: str
    parts: list[FigureOut]
    sum: Bounds
    difference: Bounds
    agrees: bool


class RemarkOut(TypedDict):
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


BalanceStep = TypedDict(
    "BalanceStep",
    {
        "country": str | None,
        "from": FigureOut,
        "to": FigureOut,
        "in": Bounds | None,
        "out": Bounds | None,
        "late": Bounds | None,
        "corrections": Bounds | None,
        "expected": Bounds,
        "residual": Bounds,
        "missing": list[str],
    },
)
BalanceStep.__doc__ = "From one figure of the held to the next, in one country; null: the figures name none."
