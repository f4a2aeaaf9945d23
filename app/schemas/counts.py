"""Schemas of counts, series, overlaps, citations, reconciliations of claims, and estimates."""

import uuid
from typing import Annotated, Literal, NotRequired, TypeAlias, final

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from app.schemas.base import NotVisible, Page, RevisionedAnswer
from app.vocabulary import Reason

# A claim's id as the log has it, in text.
ClaimId: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


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
    """The parts of a total, and the people behind it."""

    people: int
    verified: int
    verified_with_denials: int
    contested: int
    reported: int
    refuted: int
    official_only: int
    by_min_sources: dict[str, int]
    counted_apart: int


class Total(Numbers):
    """A total: `releases` = verified + contested + reported; `people` are the distinct people behind them."""

    releases: int


class HeldTotal(Numbers):
    """A total of the held: `detentions` = verified + contested + reported."""

    detentions: int


class SourceNumbers(TypedDict):
    """The count by one source: its own status, dates and kinds."""

    verified: int
    verified_combined: int
    reported: int
    official_only: int
    disputed: int
    refuted: int
    retracted: int
    uncertain_date: int
    only_this_source: int
    people: int
    awaiting_review: int
    rejected: int


class NotVisibleCount(TypedDict):
    """How many people a personal term hides from the reader; absent without a personal term."""

    not_visible: NotRequired[NotVisible]


class OutsideHeldWithinCount(TypedDict):
    """How many detentions are left out because no report shows the person inside within the requested years; only in
    counts of held people."""

    outside_held_within: NotRequired[int]


class CountCaveats(NotVisibleCount):
    """Caveats on groups and later erasures, if there are any."""

    adds_up: NotRequired[bool]
    redactions_since: NotRequired[int | None]


class UnderReviewCount(TypedDict):
    """How many reports that match the terms await review or were rejected: they count for their source alone."""

    awaiting_review: int
    rejected: int


class CountMetadata(CountCaveats, UnderReviewCount):
    """Warnings that accompany a count (uncertain dates, possible duplicates, withheld people) and its permalink."""

    uncertain_date: int
    unresolved_duplicates: int
    withheld: int
    list: str | None
    permalink: str


class Count(RevisionedAnswer, CountMetadata):
    """A count with its terms and its citation. `recorded_at`: the date of its revision; null before the first."""

    recorded_at: str | None
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

    id: ClaimId
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


DateAgreement = Literal["same", "compatible", "different", "unsaid"]
KindAgreement = Literal["same", "different", "unsaid"]


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
    releases: int
    list: str | None


class CaseOut(TypedDict):
    """What became of one release, or of one detention in a count of the held."""

    change: str
    release_id: NotRequired[uuid.UUID | None]
    detention_id: NotRequired[uuid.UUID | None]


class Comparison(TypedDict):
    """What changed between two revisions of a count, case by case."""

    added: int
    removed: int
    changes: dict[str, int]
    summary: dict[Literal["en", "es"], str]
    cases: list[CaseOut]
    cases_left_out: int
    withheld_cases: int


# An argument of a message: a number, a day, a slug, a code, the number of a figure, or several of a kind.
MessageArgument: TypeAlias = int | str | Bounds | list[str] | list[Bounds] | None


class Message(TypedDict):
    """A sentence, with the message id and the arguments to format it in another language."""

    detail: str
    message_id: str
    arguments: dict[str, MessageArgument]


class ReasonOut(Message):
    """Why two numbers differ."""

    code: Reason


class PossibleCount(TypedDict):
    """The lowest and highest number that a count with a personal term may be; absent without a personal term."""

    possible: NotRequired[Bounds | None]


class KnownCount(PossibleCount):
    """A count on a claim's own terms: from the log at a revision, or by when sources say that they knew."""

    revision: int
    basis: Literal["log", "said"]
    reported: int
    refuted: int
    by_min_sources: dict[str, int]
    counted_apart: int
    by_source: dict[str, int]


@final
class LogCount(KnownCount, NotVisibleCount, OutsideHeldWithinCount):
    """A count on a claim's own terms from the log."""

    releases: NotRequired[int]
    detentions: NotRequired[int]
    people: int
    verified: int
    verified_with_denials: int
    official_only: int
    contested: int
    uncertain_date: int
    withheld: int
    awaiting_review: int
    rejected: int
    permalink: str


@final
class StatedCount(KnownCount):
    """A count on a claim's own terms by when sources say that they knew."""

    releases: int
    undated: int
    learned_since: int


class Counted(KnownCount):
    """The registry's count on a claim's own terms."""

    releases: NotRequired[int | None]
    detentions: NotRequired[int | None]
    people: NotRequired[int | None]
    verified: NotRequired[int | None]
    verified_with_denials: NotRequired[int | None]
    official_only: NotRequired[int | None]
    contested: NotRequired[int | None]
    outside_held_within: NotRequired[int | None]
    not_visible: NotRequired[NotVisible]
    uncertain_date: NotRequired[int | None]
    withheld: NotRequired[int | None]
    awaiting_review: NotRequired[int | None]
    rejected: NotRequired[int | None]
    undated: NotRequired[int | None]
    learned_since: NotRequired[int | None]
    permalink: NotRequired[str | None]
    gap: Bounds | None


class PublishedFigure(FigureOut):
    """Another published figure of the same event. `distance`: the claim less this figure, if the two are compared."""

    distance: Bounds | None
    except_for: str | None
    reasons: list[Reason]


class Arithmetic(TypedDict):
    """What the parts of a claim add up to."""

    partition: str
    parts: list[FigureOut]
    sum: Bounds
    difference: Bounds
    parts_complete: bool
    agrees: bool


class RemarkOut(Message):
    """What is odd about a running total beside the one its claimant gave before."""

    code: Literal["fall", "jump"]
    before: FigureOut


class Reconciliation(TypedDict):
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


class ReconciliationOut(RevisionedAnswer, Reconciliation):
    """A claim beside the registry's own count; no verdict on who is right."""


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


class BalancePage(Page):
    """The steps from one figure of the held to the next."""

    data: list[BalanceStep]


# The rule by which a model was chosen: stepwise, whose figures can be checked against published ones, unless the data
# strongly contradict it; else the model with the lowest BIC. Two lists only have Chapman's estimate.
SelectionRule = Literal["stepwise", "lowest_bic", "two_lists"]


class EstimateRange(TypedDict):
    """From the lowest number of people to the highest."""

    low: float | None
    high: float | None


class EstimateModel(TypedDict):
    """One model's estimate, with its interval of 95 %."""

    name: str
    terms: list[str]
    estimate: float
    low: float
    high: float
    aic: float | None
    bic: float | None
    interval: str
    profile: EstimateRange | None
    source: str


class LeftOutModel(TypedDict):
    """A model without a figure, and why."""

    name: str
    reason: str


class LowerBoundOut(TypedDict):
    """Chao's lower bound of all people."""

    name: str
    estimate: float
    once: int
    twice: int
    if_lists_alike: float | None
    source: str


class RefusalOut(TypedDict):
    """Why no estimate is chosen."""

    code: str
    reason: str


class EstimateNumbers(TypedDict):
    """The estimate of how many people there were, listed or not. `chosen` is null if the estimate is `refused`."""

    observed: int
    on_two_or_more: int
    lists: list[str]
    models: list[EstimateModel]
    left_out: list[LeftOutModel]
    range: EstimateRange | None
    chosen: EstimateModel | None
    chosen_by: SelectionRule | None
    lower_bound: LowerBoundOut | None
    assumptions: list[str]
    refused: RefusalOut | None
