"""Claims as the log has them: the fields that are read to compare a figure."""

from typing import Required

from typing_extensions import TypedDict

from app.reading.terms import EchoedTerms


class FiledDefinition(TypedDict, total=False):
    """What a claim says of what its figure counts: `terms` of a count, the figure of whose people it counts a part, in
    prose who is meant, and whether people who were taken again are left out."""

    terms: EchoedTerms
    subset_of: str
    population: str
    net: bool


class FiledPart(TypedDict):
    """Of which claim a figure is a part, and of which partition."""

    claim: str
    partition: str


class FiledClaim(TypedDict, total=False):
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
    definition: FiledDefinition
    series: str
    part_of: list[FiledPart]
    derived_from: str
    supersedes: list[str]
    same_as: str
    misprint: bool
    named: bool
    reported_by: str
