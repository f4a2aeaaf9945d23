"""Schemas of people, detentions, releases, verifications, histories and corrections."""

import uuid
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from app.schemas.base import Facts, Page, ReadAnswer, Recorded, Tombstone
from app.vocabulary import (
    Category,
    CorrectionKind,
    Designation,
    EndedHow,
    Gender,
    LegalStatus,
    Method,
    Publish,
    ReleaseKind,
    ReleaseStatus,
    Stage,
    State,
    Verdict,
)


class PlaceAsSaid(TypedDict):
    """A place that nobody registered, as it was said."""

    slug: None
    said: str


class StageOut(TypedDict):
    """What the sources say of a release at one stage."""

    status: ReleaseStatus | None
    verified_by: list[str]
    denied_by: list[str]
    independent: int
    reported_by: list[str]


class ReleaseShape(TypedDict):
    """A release; values the reader may not see are null. `status`, `independent` and the sources are those of its
    stage."""

    id: uuid.UUID
    detainee_id: uuid.UUID
    detention_id: uuid.UUID
    country: str | None
    facility: str | PlaceAsSaid | None
    stage: Stage
    released_on: str | None
    ordered_on: str | None
    announced_on: str | None
    kind: ReleaseKind
    conditions: list[str] | None
    destination: str | None
    measures_lifted_on: str | None
    status: ReleaseStatus | None
    verified_by: list[str]
    denied_by: list[str]
    independent: int
    reported_by: list[str]
    stages: dict[Stage, StageOut]
    moved_at: list[int]
    facts: Facts


class EndedOut(TypedDict):
    """How a detention ended other than by a release."""

    on: str | None
    how: EndedHow | None


class DetentionShape(TypedDict):
    """One spell in custody."""

    id: uuid.UUID
    detainee_id: uuid.UUID
    release_id: uuid.UUID | None
    country: str | None
    facility: str | PlaceAsSaid | None
    area: str | None
    detained_on: str | None
    held_on: str | None
    legal_status: LegalStatus | None
    designation: Designation
    ended: EndedOut | None
    status: ReleaseStatus | None
    transfers: list[dict[str, Any]]
    verified_by: list[str]
    reported_by: list[str]
    disputed_dates: bool
    moved_at: list[int]
    facts: Facts


class DetaineeShape(TypedDict):
    """A person; values the reader may not see are null."""

    id: uuid.UUID
    publish: Publish
    name: str | None
    aliases: list[str] | None
    age: int | None
    birth_year: int | None
    gender: Gender | None
    nationalities: list[str] | None
    category: Category | None
    groups: list[str] | None
    state: State
    rearrested: bool
    rearrest_claimed: bool
    died_on: str | None
    designation: Designation
    detentions: list[DetentionShape]
    facts: Facts


class DetaineeRow(DetaineeShape, Recorded):
    """A person in a list."""


class ContactOut(TypedDict):
    """Whether researchers may contact a person, and who said so."""

    allowed: bool
    given_by: str
    given_on: str


class DetaineeOut(DetaineeRow, ReadAnswer):
    """A detainee at a revision."""

    contact: ContactOut | None


class DetentionRow(DetentionShape, Recorded):
    """A detention, with `include=detainee` and the person."""

    detainee: NotRequired[DetaineeRow]


class DetentionOut(DetentionShape, Recorded, ReadAnswer):
    """A detention at a revision."""


class ReleaseRow(ReleaseShape, Recorded):
    """A release, with `include=detainee` and the person."""

    detainee: NotRequired[DetaineeRow]


class ReleaseOut(ReleaseShape, Recorded, ReadAnswer):
    """A release at a revision."""


class SourceVerdict(TypedDict):
    """A verdict and its source."""

    id: uuid.UUID
    source: str
    verdict: Verdict


class StatedRelease(TypedDict):
    """What a source states with its verdict: the release, and how the source checked it."""

    stage: Stage | None
    released_on: str | None
    ordered_on: str | None
    announced_on: str | None
    kind: ReleaseKind | None
    method: Method | None
    verified_on: str | None
    citing: list[str]


class VerificationShape(SourceVerdict, StatedRelease):
    """One source's standing verdict on a release or a detention."""

    independent: bool
    evidence: list[dict[str, Any]] | None


class DetaineePage(Page):
    """People; with `changed_since` what left the list comes last."""

    data: list[DetaineeRow | Tombstone]


class DetentionPage(Page):
    """Detentions; with `changed_since` what left the list comes last."""

    data: list[DetentionRow | Tombstone]


class ReleasePage(Page):
    """Releases; with `changed_since` what left the list comes last."""

    data: list[ReleaseRow | Tombstone]


class VerificationRow(VerificationShape, Recorded):
    """A verdict in a list."""


class VerificationPage(Page):
    """Each source's standing verdict."""

    data: list[VerificationRow]


class Version(Recorded):
    """A person as shown from a revision on."""

    entry: str
    detainee: DetaineeShape
    releases: list[ReleaseShape]


class HistoryPage(Page):
    """A person as shown from each revision on."""

    data: list[Version]


class ChangeOut(TypedDict):
    """A public value before and after; `status` is the release's, as all sources together say."""

    field: str
    before: Any
    after: Any


class CorrectionShape(TypedDict):
    """One correction, recorded at `revision`. `source`: who corrected, null for curators. The ids are those that stand
    at the revision read; of two people merged or parted, theirs while they were two; of a claim that replaces others,
    its own first, and `claimant` is whose figure it is."""

    id: uuid.UUID
    kind: CorrectionKind
    revision: Annotated[int, Field(description="The revision at which the correction was recorded.")]
    recorded_at: str
    source: str | None
    release_id: uuid.UUID | None
    detention_id: uuid.UUID | None
    detainee_ids: list[uuid.UUID]
    claim_ids: list[uuid.UUID]
    claimant: str | None
    changes: list[ChangeOut]


class CorrectionPage(Page):
    """Corrections, newest first; `caveats.withheld`: how many more this page would hold of people whom no list may
    show. A page may hold fewer than `limit`, or none, before the last: follow `next`."""

    data: list[CorrectionShape]
