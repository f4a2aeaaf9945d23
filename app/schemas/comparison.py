"""Schemas of comparisons of a person or a list with the registry."""

import uuid
from typing import Any, NotRequired

from typing_extensions import TypedDict

from app.schemas.imports import RowError
from app.vocabulary import Gender, ReleaseKind, ReleaseStatus, Stage


class AccountShape(TypedDict):
    """What one side says of one detention; null where it says nothing, or where you may not see it."""

    name: str | None
    birth: str | None
    age: int | None
    gender: Gender | None
    nationalities: list[str] | None
    country: str | None
    facility: str | None
    detained_on: str | None
    held_on: str | None
    stage: Stage | None
    announced_on: str | None
    ordered_on: str | None
    released_on: str | None
    kind: ReleaseKind | None


class MineShape(AccountShape):
    """A row of your list, by its number in the file."""

    row: int
    source_record_id: str | None


class SpellIds(TypedDict):
    """A detention of the registry by its ids, with its status and its sources."""

    detainee_id: uuid.UUID
    detention_id: uuid.UUID
    release_id: uuid.UUID | None
    status: ReleaseStatus | None
    verified_by: list[str]
    reported_by: list[str]


class TheirsShape(AccountShape):
    """A detention of the registry; or, where the rest of it is not yours to read, your own report (`report_id`)."""

    detainee_id: NotRequired[uuid.UUID | None]
    detention_id: NotRequired[uuid.UUID | None]
    release_id: NotRequired[uuid.UUID | None]
    report_id: NotRequired[uuid.UUID | None]
    status: NotRequired[ReleaseStatus | None]
    verified_by: NotRequired[list[str] | None]
    reported_by: NotRequired[list[str] | None]


class ReasonShape(TypedDict):
    """What both sides state of one thing, from 0 (contradicts) to 1 (agrees)."""

    feature: str
    score: float
    note: str


class ConflictShape(TypedDict):
    """What cannot both be true. A date inside another is coarser, and no conflict."""

    field: str
    mine: Any
    theirs: Any


class PairedShape(TypedDict):
    """A row of yours and a detention of theirs; `also_…`: which others fit as surely, or nearly as well."""

    score: float
    reasons: list[ReasonShape]
    conflicts: list[ConflictShape]
    mine: MineShape
    theirs: TheirsShape
    also_mine: list[int]
    also_theirs: list[uuid.UUID]


class CandidateOut(TypedDict):
    """Somebody whom a report may speak of, by the detention that fits best. `sure`: nobody else fits as surely."""

    detainee_id: uuid.UUID
    score: float
    sure: bool
    reasons: list[ReasonShape]
    conflicts: list[ConflictShape]
    theirs: TheirsShape


class CandidatesOut(TypedDict):
    """Whom a report may speak of, the likeliest first: people listed by name, and those of your own reports."""

    revision: int
    candidates: list[CandidateOut]


class UnreadRow(TypedDict):
    """A row that could not be read or cannot be true, and why."""

    row: int
    errors: list[RowError]


class RegistryList(TypedDict):
    """A list of the registry that yours was laid beside, how many it shows you, and how many it withholds."""

    list: str
    listed: int
    withheld: int


class ComparisonSummary(TypedDict):
    """How many of each; `conflicts`: of `both` those with a contradiction."""

    mine: int
    theirs: int
    both: int
    conflicts: int
    likely: int
    mine_only: int
    theirs_only: int
    unread: int


class ComparedLists(TypedDict):
    """Two lists: each row of yours is paired with at most one row of theirs."""

    summary: ComparisonSummary
    both: list[PairedShape]
    likely: list[PairedShape]
    mine_only: list[MineShape]
    theirs_only: list[TheirsShape]
    unread: list[UnreadRow]


class ComparisonOut(ComparedLists):
    """Your list and theirs: each row of yours is paired with at most one detention."""

    revision: int
    lists: list[RegistryList]
