"""Estimates: how many there were, seen or not."""

from typing import Literal

from typing_extensions import TypedDict

# The rule by which a model was chosen. Stepwise, whose figures can be checked against published ones, where the data do
# not speak strongly against it; else the model with the lowest BIC. Two lists have Chapman's estimate alone.
Rule = Literal["stepwise", "lowest_bic", "two_lists"]


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
    chosen_by: Rule | None
    lower_bound: LowerBoundOut | None
    assumptions: list[str]
    refused: RefusalOut | None
