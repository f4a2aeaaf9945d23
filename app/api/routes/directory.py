"""Routes of sources, facilities, the vocabulary, the current key, and claims."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body, Query, Response

from app.api.operations import (
    AddFacility,
    AddSource,
    AmendClaim,
    ChangeFacility,
    ChangeSource,
    ConfirmClaim,
    FileClaim,
    RetractClaim,
)
from app.api.requests import ReadContext, ReadDep, Reply, build_citable_answer
from app.api.responses import Answer
from app.api.routes.records import answer_list, answer_page, answer_row
from app.api.routing import (
    DELETE_REFUSALS,
    PATCH_REFUSALS,
    POST_REFUSALS,
    READ_REFUSALS,
    RESOURCE_REFUSALS,
    WAITING_RESPONSE,
    build_router,
    document_refusals,
    document_upsert,
)
from app.api.writes import WriteDep
from app.claims.balance import build_balance
from app.claims.figures import check_arithmetic, load_figures
from app.claims.reconciliation import build_reconciliation
from app.claims.shapes import Balance, Reconciliation
from app.dates import format_instant
from app.errors import AlreadyExists, IdempotencyMismatch, NotFound, Unauthenticated
from app.exports.count_tables import build_balance_rows, build_reconciliation_rows
from app.log.entries import load_entry
from app.log.freeze import read_freeze
from app.models import Facility, Source
from app.queries import claim_pages, list_pages
from app.queries.correction_candidates import compare_claims
from app.queries.parameters import BalanceQuery, ClaimQuery, FacilityQuery, ListQuery, RevisionQuery, VocabularyQuery
from app.queries.shapes import build_revision_out
from app.registry import api_keys, directory
from app.registry.claims import ClaimIn, load_claim_at
from app.schemas.directory import (
    ClaimOut,
    ClaimPage,
    FacilityOut,
    FacilityPage,
    FiledClaim,
    FiledFacility,
    FiledSource,
    Me,
    RetractedClaim,
    SourceOut,
    SourcePage,
    VocabularyOut,
)
from app.schemas.reports import FacilityIn, FacilityPatch, Slug, SourceIn, SourcePatch
from app.vocabulary import build_glossary, build_vocabulary

directory_router = build_router("directory")


@directory_router.get("/me", response_model=Me, responses=document_refusals(*READ_REFUSALS))
def read_me(context: ReadDep, query: Annotated[RevisionQuery, Query()]) -> Reply[Me]:
    """Who your key is: its holder, role and source, what it is limited to, and when it expires. And whether the
    registry is frozen."""
    row = _describe_key(context)
    tag = context.build_tag(str(row))  # a key can change without a new revision
    return context.answer(
        query, lambda revision: Answer({**row, "at": build_revision_out(context.session, revision)}), tag
    )


@directory_router.post(
    "/sources", status_code=201, response_model=FiledSource, responses=document_refusals(*POST_REFUSALS, AlreadyExists)
)
async def add_source(write: WriteDep, body: SourceIn) -> Response:
    """Add a source (admin). Governments are not independent unless said otherwise."""
    return await write.submit(AddSource(body))


@directory_router.patch("/sources/{slug}", response_model=FiledSource, responses=document_refusals(*PATCH_REFUSALS))
async def change_source(write: WriteDep, slug: Slug, body: SourcePatch) -> Response:
    """Change a source (admin), or set it in quarantine: shown, but not counted as independent."""
    return await write.submit(ChangeSource(slug, body))


@directory_router.get("/sources", response_model=SourcePage, responses=document_refusals(*READ_REFUSALS))
def list_sources(context: ReadDep, query: Annotated[ListQuery, Query()]) -> Reply[SourcePage]:
    """Who reports and claims."""
    return answer_page(
        context, query, lambda context, query, revision: list_pages.query_sources(context.session, query, revision)
    )


@directory_router.get("/sources/{slug}", response_model=SourceOut, responses=document_refusals(*RESOURCE_REFUSALS))
def read_source(context: ReadDep, slug: Slug, query: Annotated[RevisionQuery, Query()]) -> Reply[SourceOut]:
    """One source; for administrators and curators with the real name behind a pseudonym."""
    source = _find_version(context, Source, slug, context.revision(query))
    real_name = _find_real_name(context, source)
    tag = context.build_tag(*([real_name] if real_name else []))  # it can change without a new revision
    (row,) = list_pages.build_directory_rows(context.session, [source], list_pages.build_source_shape)
    return answer_row(context, query, lambda _revision: {**row, "real_name": real_name}, tag)


@directory_router.post(
    "/facilities",
    status_code=201,
    response_model=FiledFacility,
    responses=document_refusals(*POST_REFUSALS, AlreadyExists),
)
async def add_facility(write: WriteDep, body: FacilityIn) -> Response:
    """Register a facility (curator). Reports that name it are placed there from now on."""
    return await write.submit(AddFacility(body))


@directory_router.patch(
    "/facilities/{slug}", response_model=FiledFacility, responses=document_refusals(*PATCH_REFUSALS, AlreadyExists)
)
async def change_facility(write: WriteDep, slug: Slug, body: FacilityPatch) -> Response:
    """Change a facility (curator)."""
    return await write.submit(ChangeFacility(slug, body))


@directory_router.get("/facilities", response_model=FacilityPage, responses=document_refusals(*READ_REFUSALS))
def list_facilities(context: ReadDep, query: Annotated[FacilityQuery, Query()]) -> Reply[FacilityPage]:
    """Where people are held."""
    return answer_page(
        context, query, lambda context, query, revision: list_pages.query_facilities(context.session, query, revision)
    )


@directory_router.get("/facilities/{slug}", response_model=FacilityOut, responses=document_refusals(*RESOURCE_REFUSALS))
def read_facility(context: ReadDep, slug: Slug, query: Annotated[RevisionQuery, Query()]) -> Reply[FacilityOut]:
    """One facility."""

    def build(revision: int) -> Mapping[str, Any]:
        facility = _find_version(context, Facility, slug, revision)
        (row,) = list_pages.build_directory_rows(context.session, [facility], list_pages.build_facility_shape)
        return dict(row)

    return answer_row(context, query, build)


@directory_router.get("/vocabulary", response_model=VocabularyOut, responses=document_refusals(*READ_REFUSALS))
def read_vocabulary(context: ReadDep, query: Annotated[VocabularyQuery, Query()]) -> Reply[VocabularyOut]:
    """Every code list and the words of the field, with labels and definitions in English or Spanish."""
    codes = {**build_vocabulary(query.lang), "glossary": build_glossary(query.lang)}
    rows = [{"list": name, **code} for name, entries in codes.items() for code in entries]
    return context.answer(
        query, lambda revision: Answer({**codes, "at": build_revision_out(context.session, revision)}, lambda: rows)
    )


def _describe_key(context: ReadContext) -> dict[str, Any]:
    if context.key is None:
        raise Unauthenticated("Send a key to learn who it is: Authorization: Bearer rcn_…")
    freeze = read_freeze(context.session, context.now)
    return {
        "key_id": context.key.id,
        "role": context.reader.role,
        "source": context.reader.slug,
        "holder": context.key.holder,
        "scopes": api_keys.parse_key_scopes(context.key),
        "expires_at": format_instant(context.key.expires_at),
        "freeze": None if freeze is None else freeze.to_dict(),
    }


def _find_real_name(context: ReadContext, source: Source) -> str | None:
    if not context.reader.can_see_real_names:
        return None
    return directory.load_real_name(context.session, context.request.app.state.secret, source.key)


def _find_version(context: ReadDep, table: Any, slug: str, revision: int) -> Any:
    version = list_pages.find_by_slug(context.session, table, slug, revision)
    if version is None:
        raise NotFound("There is nothing with this slug.")
    return version


claims_router = build_router("claims")


@claims_router.post(
    "/claims",
    status_code=201,
    response_model=FiledClaim,
    responses=document_upsert(FiledClaim) | document_refusals(*POST_REFUSALS),
)
async def add_claim(write: WriteDep, body: ClaimIn) -> Response:
    """File a published figure, as it was said (reporter or curator)."""
    return await write.submit(FileClaim(body))


@claims_router.patch("/claims/{claim_id}", response_model=FiledClaim, responses=document_refusals(*PATCH_REFUSALS))
async def amend_claim(
    write: WriteDep,
    claim_id: uuid.UUID,
    patch: Annotated[dict[str, Any], Body(description="JSON Merge Patch (RFC 7396)")],
) -> Response:
    """Correct a figure that you filed: what the patch names changes, null removes, all else stays."""
    return await write.submit(AmendClaim(claim_id, patch=patch))


@claims_router.post(
    "/claims/{claim_id}/retract", response_model=RetractedClaim, responses=document_refusals(*POST_REFUSALS, NotFound)
)
async def retract_claim(write: WriteDep, claim_id: uuid.UUID) -> Response:
    """Withdraw a figure that you filed. Earlier revisions still show it."""
    return await write.submit(RetractClaim(claim_id))


@claims_router.post(
    "/claims/{claim_id}/confirmation",
    status_code=201,
    response_model=FiledClaim,
    responses=document_upsert(FiledClaim) | WAITING_RESPONSE | document_refusals(*DELETE_REFUSALS, IdempotencyMismatch),
)
async def confirm_claim(write: WriteDep, claim_id: uuid.UUID) -> Response:
    """Confirm that the claimant published a figure that somebody else filed (curator, but not its filer)."""
    return await write.submit(ConfirmClaim(claim_id))


@claims_router.get("/claims", response_model=ClaimPage, responses=document_refusals(*READ_REFUSALS))
def list_claims(context: ReadDep, query: Annotated[ClaimQuery, Query()]) -> Reply[ClaimPage]:
    """Published figures, contradictions and all."""
    return answer_list(context, query, claim_pages.query_claims)


@claims_router.get("/claims/{claim_id}", response_model=ClaimOut, responses=document_refusals(*RESOURCE_REFUSALS))
def read_claim(context: ReadDep, claim_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]) -> Reply[ClaimOut]:
    """One claim, what corrected it, and what its parts add up to."""

    def build(revision: int) -> Mapping[str, Any]:
        row = load_claim_at(context.session, claim_id, revision)
        (claim,) = claim_pages.build_claim_rows(context.session, [row], context.reader, revision)
        versions = [load_entry(context.session, stated).body["said"] for stated in (claim["since"], row.stated)]
        figures = load_figures(context.session, revision)
        successor_ids = [figure.id for figure in figures.find_referring("supersedes", str(claim_id))]
        return {
            **claim,
            "superseded_by": successor_ids,
            "waiting_changes": compare_claims(*versions),
            "arithmetic": check_arithmetic(figures, figures[str(claim_id)]),
        }

    return answer_row(context, query, build)


@claims_router.get(
    "/claims/{claim_id}/reconciliation",
    response_model=Reconciliation,
    responses=document_refusals(*RESOURCE_REFUSALS),
)
def reconcile_claim(
    context: ReadDep, claim_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[Reconciliation]:
    """A claim beside the registry's count on the claim's own window, terms and hour, with every named reason for
    which the two differ. Nobody is told to be right."""

    def build(revision: int) -> Answer:
        reconciliation = build_reconciliation(context.session, claim_id, context.reader, revision)
        return build_citable_answer(context, reconciliation, lambda: build_reconciliation_rows(reconciliation))

    return context.answer(query, build)


@claims_router.get("/sources/{slug}/balance", response_model=Balance, responses=document_refusals(*RESOURCE_REFUSALS))
def read_balance(context: ReadDep, slug: Slug, query: Annotated[BalanceQuery, Query()]) -> Reply[Balance]:
    """Whether a source's own published figures of held, in and out fit together, step by step."""

    def build(revision: int) -> Answer:
        if list_pages.find_by_slug(context.session, Source, slug, revision) is None:
            raise NotFound("There is no source with this slug.")
        balance = build_balance(context.session, slug, query.country, revision)
        return build_citable_answer(context, balance, lambda: build_balance_rows(balance["data"]))

    return context.answer(query, build)
