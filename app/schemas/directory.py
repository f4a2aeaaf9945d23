"""Schemas of sources, facilities, claims, published figures, keys, code lists, and reports under an embargo."""

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from app.schemas.base import Page, ReadAnswer, Receipt, Recorded, RevisionOut, Tombstone
from app.schemas.records import ChangeOut
from app.vocabulary import CODE_LISTS, FacilityKind, Role, SourceKind

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


class SourceShape(TypedDict):
    """Who reports or claims."""

    slug: str
    name: str
    kind: SourceKind
    country: str | None
    independent: bool
    quarantined: bool
    definition: str | None


class SourceRow(SourceShape, Recorded):
    """A source in a list."""


class SourceOut(SourceRow, ReadAnswer):
    """A source at a revision."""

    real_name: str | None


class FacilityShape(TypedDict):
    """A place of detention."""

    slug: str
    name: str
    names: list[str]
    kind: FacilityKind
    area: str | None
    country: str
    point: dict[str, float] | None


class FacilityRow(FacilityShape, Recorded):
    """A facility in a list."""


class FacilityOut(FacilityRow, ReadAnswer):
    """A facility at a revision."""


class ClaimShape(TypedDict):
    """A published figure as it was filed, at revision `since`."""

    id: uuid.UUID
    claimant: str | None
    joint_with: list[str]
    measure: str
    qualifier: str
    said: int | None
    low: int | None
    high: int | None
    window_from: str | None
    window_to: str | None
    window_said: str | None
    stated_at: str | None
    zone: str | None
    country: str | None
    definition: dict[str, Any] | None
    series: str | None
    part_of: list[dict[str, Any]]
    derived_from: uuid.UUID | None
    supersedes: list[uuid.UUID]
    same_as: uuid.UUID | None
    misprint: bool
    named: bool
    source_record_id: str | None
    reported_by: str | None
    citation: dict[str, Any] | None
    filed_by: str | None
    since: int
    confirmed: bool
    waiting_since: int | None
    note: str | None


class ClaimRow(ClaimShape, Recorded):
    """A published figure in a list."""


class ClaimOut(ClaimRow, ReadAnswer):
    """A published figure at a revision, and what corrected it."""

    superseded_by: list[uuid.UUID]
    waiting_changes: list[ChangeOut]
    arithmetic: list[Arithmetic]


class FiledSource(SourceShape):
    """The source as it was written, with the receipt."""

    receipt: Receipt


class FiledFacility(FacilityShape):
    """The place of detention as it was written, with the receipt."""

    receipt: Receipt


class FiledClaim(ClaimShape):
    """The figure as it was filed, with the receipt."""

    receipt: Receipt


class RetractedClaim(TypedDict):
    """A withdrawn figure: its id, and the receipt of the withdrawal."""

    id: uuid.UUID
    receipt: Receipt


class FreezeShape(TypedDict):
    """A freeze in force."""

    since: str
    until: str | None


class FreezeOut(TypedDict):
    """The freeze in force, if there is one."""

    freeze: FreezeShape | None


class Me(ReadAnswer):
    """Who a key is."""

    key_id: str
    role: Role
    source: str | None
    holder: str | None
    scopes: list[str] | None
    expires_at: str
    freeze: FreezeShape | None


class Health(TypedDict):
    """The server answers.

    `warnings`: what whoever runs it should look at, where there is anything. `freeze`: only while it is frozen."""

    status: Literal["ok"]
    warnings: NotRequired[list[str]]
    freeze: NotRequired[FreezeShape]


class CodeOut(TypedDict):
    """A code, or a word of the glossary, with what it is called and what it means in one language."""

    code: str
    label: str
    definition: str


def _build_codes_field(description: str | None) -> Any:
    return Annotated[list[CodeOut], Field(description=description)]


if TYPE_CHECKING:

    class Vocabulary(TypedDict):
        """Every code list, and the words of the field."""

else:
    Vocabulary = TypedDict(
        "Vocabulary",
        {
            **{name: _build_codes_field(codes.__doc__) for name, codes in CODE_LISTS.items()},
            "glossary": _build_codes_field("The words of the field, as this registry uses them."),
        },
    )


class VocabularyOut(ReadAnswer, Vocabulary):
    """Every code list by its name, and the words of the field (`glossary`)."""


class SourcePage(Page):
    """Sources."""

    data: list[SourceRow]


class FacilityPage(Page):
    """Places of detention."""

    data: list[FacilityRow]


class ClaimPage(Page):
    """Published figures; with `changed_since` what left the list comes last."""

    data: list[ClaimRow | Tombstone]


class Embargoed(TypedDict):
    """A report that waits outside the log (202), or no longer does (200). No revision was spent."""

    status: Literal["waiting", "deleted"]
    id: uuid.UUID
    waiting_until: str


class EmbargoProblem(TypedDict):
    """Why a report could not be filed once its embargo was over."""

    code: str
    detail: str
    errors: list[dict[str, str]]


class EmbargoedReport(TypedDict, total=False):
    """A report under an embargo, as it was sent."""

    source_record_id: str
    detainee_id: str | None
    detention_id: str | None
    release_id: str | None
    detainee: dict[str, Any] | None
    detention: dict[str, Any] | None
    release: dict[str, Any]
    verification: dict[str, Any]
    note: str | None


class EmbargoedShape(TypedDict):
    """A report under an embargo. `problem`: why it could not be filed, and so stays. `report`: as it was sent, for its
    source alone."""

    id: uuid.UUID
    source: str
    waiting_until: str
    received_at: str
    refused_at: str | None
    problem: EmbargoProblem | None
    report: EmbargoedReport | None


class EmbargoedPage(Page):
    """Reports under an embargo."""

    data: list[EmbargoedShape]


class IndexOut(TypedDict):
    """Where lists and counts are, by their names, and what explains them."""

    at: RevisionOut
    lists: dict[str, str]
    counts: dict[str, str]
    estimates: dict[str, str]
    timemaps: dict[str, str]
    links: dict[str, str]
