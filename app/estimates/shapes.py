"""The shapes of estimates of how many there were, listed or not."""

from typing import TYPE_CHECKING, Literal, TypeAlias

from typing_extensions import TypedDict

from app.counts.shapes import ReaderCaveats
from app.queries.addresses import EchoedTerms
from app.queries.terms import EventTerms
from app.schemas.base import Links, RevisionOut

if TYPE_CHECKING:
    EstimatedTerms: TypeAlias = EchoedTerms
else:

    class EstimatedTerms(EventTerms):
        """The terms of an estimate as they were understood."""


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


class ReleaseEstimate(EstimateNumbers):
    """How many there were, seen or not, by each model; `chosen` is null where it is `refused`."""

    terms: EstimatedTerms
    at: RevisionOut
    caveats: ReaderCaveats
    links: Links
