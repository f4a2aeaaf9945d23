"""Claims as the log has them: the fields that counts read to compare a figure (`claims.py` writes them)."""

from typing import Any, Required

from typing_extensions import TypedDict


class LoggedDefinition(TypedDict, total=False):
    """What a claim says of what its figure counts: `terms` of a count, the figure of whose people it counts a part, in
    prose who is meant, and whether people who were taken again are left out."""

    terms: dict[str, Any]
    subset_of: str
    population: str
    net: bool


class LoggedPart(TypedDict):
    """Of which claim a figure is a part, and of which partition."""

    claim: str
    partition: str


class LoggedClaim(TypedDict, total=False):
    """The fields of a claim that are read here, as the log has them."""

    claimant: str
    measure: Required[str]
    qualifier: Required[str]
    low: int
    high: int
    window_from: str
    window_to: str
    stated_at: str
    stated_at_instant: str
    country: str
    definition: LoggedDefinition
    series: str
    part_of: list[LoggedPart]
    derived_from: str
    supersedes: list[str]
    same_as: str
    misprint: bool
    named: bool
    reported_by: str
