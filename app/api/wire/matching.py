"""A list laid beside what the registry holds."""

import uuid
from typing import Any

from pydantic import BaseModel

from app.api.wire.imports import RowError
from app.vocabulary import Gender, ReleaseKind, ReleaseStatus, Stage


class AccountShape(BaseModel):
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


class TheirsShape(AccountShape):
    """A detention of the registry; or, where the rest of it is not yours to read, your own report (`report_id`)."""

    detainee_id: uuid.UUID | None = None
    detention_id: uuid.UUID | None = None
    release_id: uuid.UUID | None = None
    report_id: uuid.UUID | None = None
    status: ReleaseStatus | None = None
    verified_by: list[str] | None = None
    reported_by: list[str] | None = None


class ReasonShape(BaseModel):
    """What both sides state of one thing, from 0 (contradicts) to 1 (agrees)."""

    feature: str
    score: float
    note: str


class ConflictShape(BaseModel):
    """What cannot both be true. A date inside another is coarser, and no conflict."""

    field: str
    mine: Any
    theirs: Any


class PairedShape(BaseModel):
    """A row of yours and a detention of theirs; `also_…`: which others fit as surely, or nearly as well."""

    score: float
    reasons: list[ReasonShape]
    conflicts: list[ConflictShape]
    mine: MineShape
    theirs: TheirsShape
    also_mine: list[int]
    also_theirs: list[uuid.UUID]


class CandidateOut(BaseModel):
    """Somebody whom a report may speak of, by the detention that fits best. `sure`: nobody else fits as surely."""

    detainee_id: uuid.UUID
    score: float
    sure: bool
    reasons: list[ReasonShape]
    conflicts: list[ConflictShape]
    theirs: TheirsShape


class CandidatesOut(BaseModel):
    """Whom a report may speak of, the likeliest first; nobody whom your key may not recognise."""

    revision: int
    candidates: list[CandidateOut]


class UnreadRow(BaseModel):
    """A row that could not be read or cannot be true, and why."""

    row: int
    errors: list[RowError]


class AskedList(BaseModel):
    """A list of the registry that yours was laid beside, how many it shows you, and how many it withholds."""

    list: str
    listed: int
    withheld: int


class ComparisonSummary(BaseModel):
    """How many of each; `conflicts`: of `both` those with a contradiction."""

    mine: int
    theirs: int
    both: int
    conflicts: int
    likely: int
    mine_only: int
    theirs_only: int
    unread: int


class ComparisonOut(BaseModel):
    """Your list and theirs: each row of yours is paired with at most one detention."""

    revision: int
    lists: list[AskedList]
    summary: ComparisonSummary
    both: list[PairedShape]
    likely: list[PairedShape]
    mine_only: list[MineShape]
    theirs_only: list[TheirsShape]
    unread: list[UnreadRow]
