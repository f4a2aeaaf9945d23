"""Counts, series, overlap, citations and what claims come to beside them.

Estimates: how many there were, seen or not."""

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


class NotVisibleCount(TypedDict):
    """An answer that has a personal term says of how many the term cannot be asked; any other says nothing."""

    not_visible: NotRequired[NotVisible]


class StaleDetentionsCount(TypedDict):
    """Of the held, a count says how many nobody has been heard of for long."""

    not_heard_since: NotRequired[int]


class CountCaveats(NotVisibleCount):
    """What a count says of its groups and of later erasures, where there is anything to say."""

    adds_up: NotRequired[bool]
    redactions_since: NotRequired[int | None]


class CountMetadata(CountCaveats):
    """What stands beside the total of a count, and the address that returns the same numbers for ever."""

    uncertain_date: int
    unresolved_duplicates: int
    withheld: int
    list: str | None
    permalink: str


class Count(RevisionedAnswer, CountMetadata):
    """A count with its terms, and how to cite it. `load_recorded_at`: of its revision; null before the first."""

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


# What stands in a sentence: a number, a day, a slug, a code, the number of a figure, or several of a kind.
MessageArgument: TypeAlias = int | str | Bounds | list[str] | list[Bounds] | None


class Message(TypedDict):
    """A sentence, with what it takes to say it in another language."""

    detail: str
    message_id: str
    arguments: dict[str, MessageArgument]


class ReasonOut(Message):
    """Why two numbers differ."""

    code: Reason


class KnownCount(TypedDict):
    """A count on a claim's own terms: from the log as it stood at a revision, or by what sources say of when they
    knew."""

    revision: int
    basis: Literal["log", "said"]
    reported: int
    refuted: int
    by_min_sources: dict[str, int]
    counted_apart: int
    by_source: dict[str, int]


@final
class LogCount(KnownCount, NotVisibleCount, StaleDetentionsCount):
    """A count on a claim's own terms from the log."""

    releases: NotRequired[int]
    detentions: NotRequired[int]
    people: int
    verified: int
    contested: int
    uncertain_date: int
    withheld: int
    permalink: str


@final
class StatedCount(KnownCount):
    """A count on a claim's own terms by what sources say of when they knew."""

    releases: int
    undated: int
    learned_since: int


class Counted(KnownCount):
    """The registry's count on a claim's own terms."""

    releases: NotRequired[int | None]
    detentions: NotRequired[int | None]
    people: NotRequired[int | None]
    verified: NotRequired[int | None]
    contested: NotRequired[int | None]
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


# The rule by which a model was chosen. Stepwise, whose figures can be checked against published ones, where the data do
# not speak strongly against it; else the model with the lowest BIC. Two lists have Chapman's estimate alone.
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
    """What the lists together say of how many there were; `chosen` is null where it is `refused`."""

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
