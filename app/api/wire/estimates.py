"""Estimates: how many there were, seen or not."""

from pydantic import BaseModel

from app.api.wire.base import Answered, NotVisible
from app.api.wire.terms import EstimatedTerms
from app.counts.estimates.answer import Rule


class EstimateRange(BaseModel):
    """From the lowest number of people to the highest."""

    low: float | None
    high: float | None


class EstimateModel(BaseModel):
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


class LeftOutModel(BaseModel):
    """A model without a figure, and why."""

    name: str
    reason: str


class LowerBoundOut(BaseModel):
    """Chao's lower bound of all people."""

    name: str
    estimate: float
    once: int
    twice: int
    if_lists_alike: float | None
    source: str


class RefusalOut(BaseModel):
    """Why no estimate is chosen."""

    code: str
    reason: str


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
    not_visible: NotVisible = None
    permalink: str
