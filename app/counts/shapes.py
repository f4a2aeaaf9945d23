"""The shapes of answers that count: totals, groups, caveats, series, overlaps and citations.

At run time terms and the values of a group are models, for the OpenAPI document; for the type checker terms are the
dictionary that `queries.terms.echo_terms` returns."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from app.queries.addresses import EchoedTerms
from app.queries.dimensions import DIMENSIONS, FILTER_ONLY, SOURCE_COUNT, DimensionValue
from app.queries.terms import CountTerms, DetentionCountTerms, HeldCountTerms, Interval, ReleaseTerms
from app.schemas.base import Links, RevisionOut, UnknownValues
from app.schemas.directory import FigureOut
from app.vocabulary import Language

if TYPE_CHECKING:
    CountedTerms: TypeAlias = EchoedTerms
    DetentionCountedTerms: TypeAlias = EchoedTerms
    HeldCountedTerms: TypeAlias = EchoedTerms
    SeriesTerms: TypeAlias = EchoedTerms
    GroupValues: TypeAlias = dict[str, DimensionValue]
else:

    class CountedTerms(CountTerms):
        """The terms of a count of releases as they were understood: those asked for, and the defaults that say what the
        number means."""

    class DetentionCountedTerms(DetentionCountTerms):
        """The terms of a count of detentions as they were understood: those asked for."""

    class HeldCountedTerms(HeldCountTerms):
        """The terms of a count of the held as they were understood: those asked for, and the defaults that say what the
        number means."""

    class SeriesTerms(ReleaseTerms):
        """The terms of a series as they were understood, with the zone in which its days end."""

        interval: Interval
        by: Literal["known", "event"]
        zone: str
        told_from: str | None = None

    # An integer for numeric dimensions; otherwise a code, slug, day or place, null if there is none, or `withheld` if
    # it may not be shown.
    _VALUES: Any = {SOURCE_COUNT: int}
    GroupValues = TypedDict(
        "GroupValues",
        {
            name: NotRequired[_VALUES.get(name, str | None)]
            for name, dimension in DIMENSIONS.items()
            if dimension.groupable_nouns != FILTER_ONLY
        },
    )
    GroupValues.__doc__ = "The values that identify a group, one for each dimension of `group_by`."


class CountTotal(TypedDict):
    """What counts, by status: of all sources together."""

    cases: Annotated[
        int,
        Field(
            description="How many releases, detentions or people held: verified + contested + reported, or those with "
            "the `status` asked for."
        ),
    ]
    people: Annotated[int, Field(description="The distinct people behind them.")]
    verified: Annotated[int, Field(description="More organisations verify it first-hand than deny it.")]
    contested: Annotated[
        int, Field(description="An organisation denies it first-hand, and no more verify it than deny it.")
    ]
    reported: Annotated[int, Field(description="An organisation asserts it, and no first-hand verdict decides.")]
    refuted: Annotated[
        int,
        Field(description="An organisation refutes it first-hand, and none asserts it first-hand. Cases if asked for."),
    ]
    official_only: Annotated[
        int,
        Field(description="Only governments assert it, and no organisation denies it. Cases only if asked for."),
    ]
    by_min_sources: Annotated[
        dict[str, int],
        Field(description="k → how many cases at least k sources confirm first-hand, on dates in the window."),
    ]


class SourceCount(TypedDict):
    """What one source says, by its own verdicts, dates and kinds."""

    verified: Annotated[int, Field(description="What the source verified.")]
    verified_combined: Annotated[
        int,
        Field(description="Of `verified`: how many count in the total too. The others await review or were rejected."),
    ]
    reported: Annotated[int, Field(description="What it reports and did not verify.")]
    disputed: Annotated[int, Field(description="What it contests a fact of.")]
    refuted: Annotated[int, Field(description="What it says has not happened.")]
    retracted: Annotated[int, Field(description="What it took back.")]
    only_this_source: Annotated[
        int, Field(description="Verified by this source, and by no other one of its own knowledge.")
    ]
    people: Annotated[int, Field(description="The distinct people behind what it verified.")]
    official_only: Annotated[int, Field(description="In the row of a government: what it asserts.")]
    uncertain_date: Annotated[int, Field(description="What may or may not lie in the window by its own dates.")]
    awaiting_review: Annotated[int, Field(description="Of its reports here: how many await review by a curator.")]
    rejected: Annotated[int, Field(description="Of its reports here: how many a curator rejected.")]


class CountGroup(TypedDict):
    """A group of a count."""

    by: Annotated[GroupValues, Field(description="The values of the group, one for each dimension of `group_by`.")]
    counts: Annotated[
        CountTotal | SourceCount,
        Field(description="As in `total`; grouped by `source`, what that source says."),
    ]
    list: Annotated[
        str | None,
        Field(description="The address of the list behind the group; null where no list can say which they are."),
    ]


class Coverage(TypedDict):
    """How much the registry knows of what is counted, beside what others publish of it."""

    published: Annotated[
        list[FigureOut],
        Field(
            description="The newest published figure of each claimant of the same measure, country and population, "
            "newest first, at most five."
        ),
    ]


class HiddenCaveat(TypedDict):
    """What a personal term hides from the reader."""

    not_visible: Annotated[
        int,
        Field(
            description="With a personal term: how many match every other term, and every personal one that may be "
            "shown of them, while another value asked about may not be shown. 0 without one."
        ),
    ]
    unknown_values: UnknownValues


class ReaderCaveats(HiddenCaveat):
    """What the reader cannot see, and who may be counted twice."""

    unlinkable: Annotated[
        int,
        Field(
            description="Of those counted: of people who may only be counted, and who count once for each of their "
            "sources."
        ),
    ]


class CountCaveats(ReaderCaveats):
    """What to know before the number is printed. Everything that does not apply is 0, `false` or null."""

    uncertain_date: Annotated[
        int,
        Field(
            description="May or may not lie in the window, or a first-hand source dates it otherwise. The total has "
            "only those whose date is inside."
        ),
    ]
    possible_duplicates: Annotated[
        int, Field(description="Pairs in this count who may be one person, while no curator has decided.")
    ]
    withheld: Annotated[int, Field(description="People who are counted and whom no list shows.")]
    denied_by_some: Annotated[
        int, Field(description="Of the verified: how many an organisation also denies first-hand.")
    ]
    awaiting_review: Annotated[
        int, Field(description="Reports of these terms that await review: they count for their source alone.")
    ]
    rejected: Annotated[
        int, Field(description="Reports of these terms that a curator rejected: they count for their source alone.")
    ]
    outside_held_within: Annotated[
        int,
        Field(
            description="Of people held: detentions that would count, had an arrest or a sighting been reported "
            "within the last `held_within` years."
        ),
    ]
    groups_overlap: Annotated[
        bool, Field(description="Whether a case may be in several groups, so that they do not add up.")
    ]
    redactions_since: Annotated[
        int, Field(description="With a personal term: people erased after the revision, who are missing here.")
    ]
    coverage: Annotated[
        Coverage | None,
        Field(
            description="How much the registry knows of what is counted: what others published of the same measure "
            "and country by then. Null without a country, or without such figures."
        ),
    ]


class Count(TypedDict):
    """A count."""

    terms: EchoedTerms
    at: RevisionOut
    total: CountTotal
    groups: Sequence[CountGroup]
    caveats: CountCaveats
    links: Links


class ReleaseCount(Count):
    """A count of releases."""

    terms: CountedTerms


class DetentionCount(Count):
    """A count of arrests and stays in custody of any time."""

    terms: DetentionCountedTerms


class HeldCount(Count):
    """A count of who is held on the day `held_on` of its terms."""

    terms: HeldCountedTerms


class Point(TypedDict):
    """All sources together at the end of an interval."""

    on: str
    revision: int
    cases: Annotated[int, Field(description="How many count by then: verified + contested + reported.")]
    verified: int
    contested: int
    reported: int
    unlinkable: Annotated[int, Field(description="Of those counted: of people who may only be counted.")]


class LinePoint(TypedDict):
    """One source's count at the end of an interval."""

    on: str
    verified: int


class Line(TypedDict):
    """One source in a series."""

    source: str
    points: list[LinePoint]


class PlacedFigure(FigureOut):
    """A published figure where it stands in a series."""

    at: Annotated[str, Field(description="The instant at which the figure stands in the series.")]
    series: str | None


class CountSeries(TypedDict):
    """Cumulative counts, a line for each source, with published figures as points or bars."""

    terms: SeriesTerms
    at: RevisionOut
    points: list[Point]
    series: list[Line]
    claims: list[PlacedFigure]
    caveats: HiddenCaveat
    links: Links


DateAgreement = Literal["same", "compatible", "different", "unsaid"]
KindAgreement = Literal["same", "different", "unsaid"]


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
    dates: dict[DateAgreement, int]
    kinds: dict[KindAgreement, int]
    list: str | None


class OverlapPattern(TypedDict):
    """What exactly these sources verified."""

    sources: list[str]
    cases: Annotated[int, Field(description="How many releases.")]
    list: str | None


class Overlap(TypedDict):
    """Who verified the same releases as whom."""

    terms: CountedTerms
    at: RevisionOut
    cases: Annotated[int, Field(description="How many releases count: verified + contested + reported.")]
    sources: list[OverlapSource]
    pairs: list[OverlapPair]
    patterns: list[OverlapPattern]
    caveats: ReaderCaveats
    links: Links


class CaseOut(TypedDict):
    """What became of one case."""

    change: str
    id: Annotated[
        uuid.UUID | None,
        Field(description="The id of the release, or of the detention."),
    ]


class CountDifference(TypedDict):
    """What changed between two revisions of a count, case by case."""

    added: int
    removed: int
    changes: dict[str, int]
    summary: dict[Language, str]
    cases: list[CaseOut]
    cases_left_out: int
    withheld_cases: int


class CitationOut(TypedDict):
    """How to cite a count."""

    address: str
    en: str
    es: str
    bibtex: str


class CitedCount(TypedDict):
    """A cited count then and now, how to cite it, and what changed between, case by case."""

    at: RevisionOut
    citation: CitationOut
    cited: ReleaseCount | DetentionCount | HeldCount
    today: ReleaseCount | DetentionCount | HeldCount
    difference: CountDifference
