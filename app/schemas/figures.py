"""Schemas of published figures: their bounds, and what their parts add up to."""

from typing import Annotated, TypeAlias

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

# A claim's id as the log has it, in text.
ClaimId: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


class Bounds(TypedDict):
    """Lowest and highest number, both included; null is open."""

    low: int | None
    high: int | None


class FigureOut(Bounds):
    """A published figure, in short."""

    id: ClaimId
    claimant: str | None
    measure: str
    qualifier: str
    window_from: str | None
    window_to: str | None
    stated_at: str | None


class Arithmetic(TypedDict):
    """What the parts of a claim add up to."""

    partition: str
    parts: Annotated[list[FigureOut], Field(description="The figures that are its parts.")]
    sum: Annotated[Bounds, Field(description="What the parts add up to.")]
    difference: Annotated[Bounds, Field(description="The figure less that sum.")]
    parts_complete: bool
    agrees: bool
