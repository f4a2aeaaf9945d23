"""Shapes of counted answers that say the question back: the terms, and the dimensions that a group names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.counts.estimates.answer import Rule
from app.reading.dimensions import DIMENSIONS, FILTER_ALONE
from app.reading.terms import CountTerms, EventTerms, HeldCountTerms, Interval, ReleaseTerms
from app.wire import Answered, NotVisible
from app.wire.counts import (
    CaseOut,
    Count,
    HeldTotal,
    Line,
    OverlapPair,
    OverlapPattern,
    OverlapSource,
    PlacedFigure,
    Point,
    SourceNumbers,
    Total,
)
from app.wire.estimates import EstimateModel, EstimateRange, LeftOutModel, LowerBoundOut, RefusalOut


class CountedTerms(CountTerms):
    """The terms of a count of releases as they were understood: those asked for, and the defaults that say what the
    number means."""


class HeldCountedTerms(HeldCountTerms):
    """The terms of a count of the held as they were understood: those asked for, and the defaults that say what the
    number means."""


class EstimatedTerms(EventTerms):
    """The terms of an estimate as they were understood."""


class SeriesTerms(ReleaseTerms):
    """The terms of a series as they were understood, with the zone in which its days end."""

    interval: Interval
    by: Literal["known", "event"]
    zone: str


if TYPE_CHECKING:

    class Dimensions(TypedDict):
        """The values that make a group."""

else:
    # A number where the dimension is one; else a code, a slug, a day or a place, null where there is none, or
    # `withheld` where it may not be shown.
    _VALUES: Any = {"sources": int}
    Dimensions = TypedDict(
        "Dimensions",
        {
            name: NotRequired[_VALUES.get(name, str | None)]
            for name, dimension in DIMENSIONS.items()
            if dimension.counts != FILTER_ALONE
        },
    )


class SourceGroup(Dimensions, SourceNumbers):
    """A group of a count by source: that source's own verdicts, on its own dates and kinds."""

    list: str | None


class ReleaseGroup(Dimensions, Total):
    """A group of a count of releases, as all sources together say."""

    list: str | None


class HeldGroup(Dimensions, HeldTotal):
    """A group of a count of the held, as all sources together say."""

    list: str | None


class ReleaseCount(Count):
    """A count of releases."""

    terms: CountedTerms
    total: Total
    groups: NotRequired[Sequence[SourceGroup | ReleaseGroup] | None]


class DetentionCount(Count):
    """A count of who is held on the day `held_on` of its terms."""

    terms: HeldCountedTerms
    total: HeldTotal
    groups: NotRequired[Sequence[SourceGroup | HeldGroup] | None]
    not_heard_since: int


class SeriesOut(Answered):
    """Cumulative counts, a line for each source, with published figures as points or bars."""

    terms: SeriesTerms
    points: list[Point]
    series: list[Line]
    claims: list[PlacedFigure]
    not_visible: NotRequired[NotVisible]
    permalink: str


class OverlapOut(Answered):
    """Who verified the same releases as whom."""

    terms: CountedTerms
    releases: int
    counted_apart: int
    sources: list[OverlapSource]
    pairs: list[OverlapPair]
    patterns: list[OverlapPattern]
    not_visible: NotRequired[NotVisible]
    permalink: str


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


class EstimateOut(Answered):
    """How many there were, seen or not, by each model; `chosen` is null where it is `refused`."""

    terms: EstimatedTerms
    observed: int
    on_two_or_more: int
    lists: list[str]
    models: list[EstimateModel]
    left_out: list[LeftOutModel]
    range: EstimateRange | None
    chosen: EstimateModel | None
    chosen_by: Rule | None
    lower_bound: LowerBoundOut | None
    assumptions: list[str]
    refused: RefusalOut | None
    counted_apart: int
    not_visible: NotRequired[NotVisible]
    permalink: str
