"""Estimates: how many there were, seen or not."""

from typing_extensions import TypedDict


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
