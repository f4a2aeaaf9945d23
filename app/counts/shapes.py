"""Types of count responses that repeat the query: the terms, and the dimensions named by each group.

At run time the terms are models, for the OpenAPI document; for the type checker they are the dictionary that
`queries.terms.echo_terms` returns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from app.queries.terms import (
    DIMENSIONS,
    FILTER_ONLY,
    CountTerms,
    EchoedTerms,
    EventTerms,
    HeldCountTerms,
    Interval,
    ReleaseTerms,
)
from app.schemas.base import RevisionedAnswer
from app.schemas.counts import (
    Comparison,
    Count,
    CountMetadata,
    EstimateNumbers,
    HeldTotal,
    Line,
    NotVisibleCount,
    OutsideHeldWithinCount,
    OverlapPair,
    OverlapPattern,
    OverlapSource,
    PlacedFigure,
    Point,
    SourceNumbers,
    Total,
)

if TYPE_CHECKING:
    CountedTerms: TypeAlias = EchoedTerms
    HeldCountedTerms: TypeAlias = EchoedTerms
    EstimatedTerms: TypeAlias = EchoedTerms
    SeriesTerms: TypeAlias = EchoedTerms

    class Dimensions(TypedDict):
        """The values that identify a group; `source` in groups by source."""

        source: NotRequired[str]

else:

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
        told_from: str | None = None

    # An integer for numeric dimensions; otherwise a code, slug, day or place, null if there is none, or `withheld` if
    # it may not be shown.
    _VALUES: Any = {"sources": int}
    Dimensions = TypedDict(
        "Dimensions",
        {
            name: NotRequired[_VALUES.get(name, str | None)]
            for name, dimension in DIMENSIONS.items()
            if dimension.groupable_nouns != FILTER_ONLY
        },
    )


class SourceGroup(Dimensions, SourceNumbers):
    """A group of a count by source: by that source's own status, dates and kinds."""

    list: str | None


class ReleaseGroup(Dimensions, Total):
    """A group of a count of releases, as all sources together say."""

    list: str | None


class HeldGroup(Dimensions, HeldTotal):
    """A group of a count of the held, as all sources together say."""

    list: str | None


Group = SourceGroup | ReleaseGroup | HeldGroup


class Groups(TypedDict):
    """The groups of a count with `group_by`."""

    groups: NotRequired[Sequence[Group]]


class TalliedCount(CountMetadata, Groups, OutsideHeldWithinCount):
    """A count of releases or of people held, without its citation."""

    terms: EchoedTerms
    total: Total | HeldTotal


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
    outside_held_within: int


class Series(NotVisibleCount):
    """Cumulative counts, a line for each source, with published figures as points or bars."""

    terms: SeriesTerms
    points: list[Point]
    series: list[Line]
    claims: list[PlacedFigure]
    permalink: str


class SeriesOut(RevisionedAnswer, Series):
    """Cumulative counts, a line for each source, with published figures as points or bars."""


class Overlap(NotVisibleCount):
    """Who verified the same releases as whom."""

    terms: CountedTerms
    releases: int
    counted_apart: int
    sources: list[OverlapSource]
    pairs: list[OverlapPair]
    patterns: list[OverlapPattern]
    permalink: str


class OverlapOut(RevisionedAnswer, Overlap):
    """Who verified the same releases as whom."""


class CitedOut(RevisionedAnswer, Comparison):
    """A cited count then and now, and what changed between, case by case."""

    cited: ReleaseCount | DetentionCount
    today: ReleaseCount | DetentionCount


class ReleaseEstimate(EstimateNumbers, NotVisibleCount):
    """How many there were, seen or not, by each model."""

    terms: EstimatedTerms
    counted_apart: int
    permalink: str


class EstimateOut(RevisionedAnswer, ReleaseEstimate):
    """How many there were, seen or not, by each model; `chosen` is null where it is `refused`."""
