"""File claims: published aggregate figures, as printed.

The qualifier gives a figure its bounds: "more than 400" is 401 or more. `LoggedClaim` describes what counts read."""

import uuid
from typing import Annotated, Any, NotRequired, Required

from pydantic import BeforeValidator, Field
from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app import dates
from app.errors import Invalid, NotFound, build_pointed_error
from app.log.entries import load_entry
from app.models import OPEN, Claim, Source
from app.registry.checks import FUTURE_DATE_DETAIL
from app.registry.claim_bounds import find_bound_faults, resolve_bounds
from app.registry.claim_confirmation import confirm_first_filings, mark_hearsay
from app.registry.directory_snapshot import find_current_row
from app.registry.publication.permissions import Reader
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import (
    MAX_COUNTED_SOURCES,
    Code,
    Country,
    Date,
    Flag,
    Line,
    Link,
    LongLine,
    Note,
    Sha256,
    Slug,
    Sources,
    StrictModel,
    UniqueList,
    wrap_single_value,
)
from app.translations import Message
from app.vocabulary import (
    AgeGroup,
    Category,
    Condition,
    Designation,
    Gender,
    Group,
    LegalStatus,
    Measure,
    Qualifier,
    ReleaseKind,
    ReleaseStatus,
    Role,
    Series,
    Stage,
)

# Above the number of political prisoners in any country at any time, and far below the limit of exact JSON numbers.
MAX_CLAIM_NUMBER = 10_000_000

FUTURE_HELD_DETAIL = (
    "Nobody knows who will be held on a day to come: give the day on which they were held, or leave it out for that of "
    "`stated_at`. A month or a year means its last day."
)
HELD_ONLY_DETAIL = "Only figures of people held have this term: leave it out, or give the `kind` of the releases."
TWO_SOURCE_LISTS_DETAIL = "A count names its sources once: give `any_of` or `all_of`, and leave out the other."
# References that do not affect the other claim. Every other reference changes how the other claim is read.
CLAIM_ONLY_POINTERS = ("/derived_from", "/definition/subset_of")
FOREIGN_CLAIM_DETAIL = (
    "Neither filed by your source nor its figure: ask a curator to file this, or name it under `derived_from`."
)

Count = Annotated[int, Field(ge=0, le=MAX_CLAIM_NUMBER, strict=True)]


class ClaimTermsIn(StrictModel):
    """Terms of a count by which the registry counts the same thing."""

    kind: Annotated[UniqueList[ReleaseKind], BeforeValidator(wrap_single_value)] = []
    status: Annotated[UniqueList[ReleaseStatus], BeforeValidator(wrap_single_value)] = []
    any_of: Sources = []
    all_of: Sources = []
    min_sources: Annotated[int, Field(ge=1, le=MAX_COUNTED_SOURCES, strict=True)] | None = None
    condition: Condition | None = None
    age_group: AgeGroup | None = None
    stage: Stage | None = None
    facility: Line | None = None
    area: Line | None = None
    group: Group | None = None
    designation: Designation | None = None
    destination: Line | None = None
    legal_status: LegalStatus | None = None
    gender: Gender | None = None
    category: Category | None = None
    nationality: Country | None = None
    house_arrest: Flag | None = None


class ClaimDefinitionIn(StrictModel):
    terms: ClaimTermsIn | None = None
    subset_of: uuid.UUID | None = None
    population: Note | None = None
    net: Flag | None = None


class PartIn(StrictModel):
    claim: uuid.UUID
    partition: Line
    parts_complete: Flag = True


class CitationIn(StrictModel):
    url: Link | None = None
    published_on: Date | None = None
    sha256: Sha256 | None = None
    quote: Note | None = None


class ClaimIn(StrictModel):
    """A published figure. `said`: the number as printed; the bounds follow from the qualifier (`more_than` 400 is low
    401, high null)."""

    claimant: Slug | None = None
    joint_with: UniqueList[Slug] = []
    measure: Measure
    qualifier: Qualifier
    said: Count | None = None
    low: Count | None = None
    high: Count | None = None
    window_from: Date | None = None
    window_to: Date | None = None
    window_said: LongLine | None = None
    stated_at: Annotated[str, Field(max_length=dates.MAX_TEXT)] | None = None
    zone: Annotated[str, Field(max_length=dates.MAX_TEXT)] | None = None
    country: Country | None = None
    definition: ClaimDefinitionIn | None = None
    series: Series | None = None
    part_of: Annotated[list[PartIn], Field(max_length=20)] = []
    derived_from: uuid.UUID | None = None
    supersedes: UniqueList[uuid.UUID] = []
    same_as: uuid.UUID | None = None
    misprint: Flag = False
    named: Flag = False
    source_record_id: Code | None = None
    reported_by: Line | None = None
    citation: CitationIn | None = None
    note: Note | None = None


def file_claim(
    context: WriteContext, body: ClaimIn, *, is_confirmed: bool = False, amended: Claim | None = None
) -> Outcome:
    """File a claim, or its next version if its case number is known; `is_confirmed`: it is no hearsay.

    `amended`: the claim of which the body is the next version, whatever its case number. Raises Invalid, NotFound."""
    claim = body.model_dump(mode="json", exclude_none=True)
    terms = claim.get("definition", {}).get("terms", {})
    for name in [name for name, value in terms.items() if value == []]:
        del terms[name]
    for part in claim["part_of"]:
        if part["parts_complete"]:  # the default, which older entries do not have
            del part["parts_complete"]
    numbers = (body.qualifier, body.said, body.low, body.high)
    errors = [
        *find_bound_faults(*numbers),
        *_check_window(context, body),
        *_check_terms(body),
        *_check_claimants(context, body),
        *_check_references(context, body),
        *_check_print_date(context, body),
    ]
    previous = _find_previous_claim(context, body.source_record_id)
    if amended is not None:
        errors += _check_case_number(amended, previous)
        previous = amended
    stated_instant, problems = _parse_stated_at(context, body)
    errors += problems
    if errors:
        raise Invalid("Correct the values pointed at and send the claim again.", *errors)
    low, high = resolve_bounds(*numbers)
    claim |= {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    if stated_instant is not None:
        claim["stated_at_instant"] = stated_instant
        claim = _add_zone(claim, dates.format_zone(context.zone))
    filer_slug = context.actor.slug if context.actor.role is Role.REPORTER else None
    # Note and case number may name people, so they enter the log only as digests.
    personal: dict[str, Any] = {name: claim.pop(name) for name in ("note", "source_record_id") if name in claim}
    if previous is not None:
        entry = load_entry(context.session, previous.stated)
        if (_add_zone(entry.body["said"], "UTC"), entry.personal) == (claim, personal):
            return Outcome("claim", 200, previous.stated, {"id": str(previous.id)})
    mark, first_filings = ({}, []) if is_confirmed else mark_hearsay(context, filer_slug, claim)
    content = {"id": str(previous.id if previous else new_id()), "filed_by": filer_slug, "said": claim, **mark}
    new_entry = context.write_entry("claim", content, personal)
    confirm_first_filings(context, first_filings, new_entry.revision)
    return Outcome("claim", 200 if previous else 201, new_entry.revision, {"id": content["id"]})


def _check_case_number(amended: Claim, known: Claim | None) -> list[dict[str, str]]:
    if known is None or known.id == amended.id:
        return []
    detail = "Another figure of yours has this case number: give another number, or correct that figure."
    return [build_pointed_error("/source_record_id", "case_number_taken", detail)]


def _find_previous_claim(context: WriteContext, case: str | None) -> Claim | None:
    if case is None:
        return None
    is_own_claim = col(Claim.filed_by) == (context.actor.source if context.actor.role is Role.REPORTER else None)
    query = select(Claim).where(is_own_claim, col(Claim.source_record_id) == case, col(Claim.until) == OPEN)
    return context.session.scalars(query).one_or_none()


def _check_window(context: WriteContext, body: ClaimIn) -> list[dict[str, str]]:
    if body.window_to is None:
        return []
    end = dates.parse_window_end(body.window_to)
    if body.window_from and dates.parse_window_start(body.window_from) > end:
        return [build_pointed_error("/window_to", "reversed_window", "The window ends before it begins.")]
    if body.measure is Measure.HELD and end > dates.latest_today(context.now):
        return [build_pointed_error("/window_to", "future_date", FUTURE_HELD_DETAIL)]
    return []


def _check_terms(body: ClaimIn) -> list[dict[str, str]]:
    terms = body.definition.terms if body.definition else None
    errors = []
    if terms is not None and terms.house_arrest is not None and body.measure is not Measure.HELD:
        errors.append(build_pointed_error("/definition/terms/house_arrest", "held_only", HELD_ONLY_DETAIL))
    if terms is not None and terms.any_of and terms.all_of:
        errors.append(build_pointed_error("/definition/terms/any_of", "two_source_lists", TWO_SOURCE_LISTS_DETAIL))
    return errors


def _check_print_date(context: WriteContext, body: ClaimIn) -> list[dict[str, str]]:
    day = body.citation.published_on if body.citation else None
    if day is None or not dates.is_future(dates.parse_date(day), context.now):
        return []
    return [build_pointed_error("/citation/published_on", "future_date", FUTURE_DATE_DETAIL)]


def _parse_stated_at(context: WriteContext, body: ClaimIn) -> tuple[str | None, list[dict[str, str]]]:
    """Return `(instant, errors)` of `stated_at`.

    A day, month or year means its end, also if it is running, in the claim's zone or else the registry's."""
    if body.stated_at is None:
        return None, []
    try:
        zone = dates.parse_zone(body.zone) if body.zone else context.zone
    except dates.DateError as error:
        return None, [build_pointed_error("/zone", "invalid_zone", error.detail)]
    try:
        instant = dates.parse_moment(body.stated_at, zone)
    except dates.DateError as error:
        return None, [build_pointed_error("/stated_at", "invalid_instant", error.detail)]
    if not dates.has_begun(body.stated_at, instant, zone, context.now):
        return None, [build_pointed_error("/stated_at", "future_date", FUTURE_DATE_DETAIL)]
    return dates.format_instant(instant), []


def _add_zone(claim: dict[str, Any], zone: str) -> dict[str, Any]:
    """Return the claim with the zone in which its day ends. Claims filed while every day ended in UTC have none."""
    needs_zone = "stated_at" in claim and dates.has_no_hour(claim["stated_at"])
    return {"zone": zone, **claim} if needs_zone else claim


def _check_claimants(context: WriteContext, body: ClaimIn) -> list[dict[str, str]]:
    slugs = [("/claimant", body.claimant), *((f"/joint_with/{i}", slug) for i, slug in enumerate(body.joint_with))]
    if not context.actor.independent:
        own = context.actor.slug
        foreign = Message("Your source is not independent, so it files its own figures only: give `{own}`.", own=own)
        return [build_pointed_error(pointer, "foreign_claimant", foreign) for pointer, slug in slugs if slug != own]
    errors = []
    if body.claimant is None and body.reported_by is None:
        detail = "A claim without a claimant needs `reported_by`: who printed it."
        errors.append(build_pointed_error("/reported_by", "reported_by_required", detail))
    for pointer, slug in slugs:
        if slug is not None and find_current_row(context.session, Source, slug) is None:
            detail = "There is no source with this slug: an administrator adds it first (POST /v1/sources)."
            errors.append(build_pointed_error(pointer, "unknown_source", detail))
    return errors


def _check_references(context: WriteContext, body: ClaimIn) -> list[dict[str, str]]:
    references: list[tuple[str, uuid.UUID | None]] = [
        ("/derived_from", body.derived_from),
        ("/same_as", body.same_as),
        ("/definition/subset_of", body.definition.subset_of if body.definition else None),
        *((f"/supersedes/{i}", claim) for i, claim in enumerate(body.supersedes)),
        *((f"/part_of/{i}/claim", part.claim) for i, part in enumerate(body.part_of)),
    ]
    errors = []
    for pointer, claim_id in references:
        if claim_id is None:
            continue
        claim = context.session.scalars(
            select(Claim).where(col(Claim.id) == claim_id, col(Claim.until) == OPEN)
        ).first()
        if claim is None:
            errors.append(
                build_pointed_error(pointer, "unknown_claim", "There is no claim with this id: file it first.")
            )
        elif pointer not in CLAIM_ONLY_POINTERS and not _can_change(context.actor, claim):
            errors.append(build_pointed_error(pointer, "foreign_claim", FOREIGN_CLAIM_DETAIL))
    return errors


def _can_change(actor: Reader, claim: Claim) -> bool:
    """Return whether a key may change how a claim is read.

    A curator may for every claim, a source for its own figures and for the claims that it filed."""
    return actor.role is Role.CURATOR or actor.slug == claim.claimant or actor.source == claim.filed_by


def load_claim_at(session: Session, claim_id: uuid.UUID, revision: int) -> Claim:
    """Return the version of a claim at a revision. Raises NotFound."""
    claim = session.scalars(
        select(Claim).where(col(Claim.id) == claim_id, col(Claim.since) <= revision, col(Claim.until) > revision)
    ).one_or_none()
    if claim is None:
        raise NotFound("There is no claim with this id.")
    return claim


class LoggedDefinition(TypedDict, total=False):
    """The definition of a claim's figure.

    `terms`: of a count. `subset_of`: the claim whose people it counts a part of. `population`: who is counted, in
    prose. `net`: whether people who were detained again are excluded."""

    terms: dict[str, Any]
    subset_of: str
    population: str
    net: bool


class LoggedPart(TypedDict):
    """The claim that a figure is a part of, and the partition. `parts_complete` is logged only if it is false."""

    claim: str
    partition: str
    parts_complete: NotRequired[bool]


class LoggedClaim(TypedDict, total=False):
    """The fields of a logged claim that counts and comparisons read."""

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
