"""Sources, facilities, the vocabulary, and who a key is.

Claims: published figures, what they add up to, and how they compare with the registry's own counts."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response

from app.api.requests import Read, ReadContext
from app.api.responses import Answer
from app.api.routes.records import page, whole
from app.api.routing import PATCHING, POSTING, READING, THING, refusals, router, upserting
from app.api.writes import Write, WriteTogether
from app.claims.balance import balance
from app.claims.figures import arithmetic, figures_at
from app.claims.reconciliation import reconcile
from app.dates import format_instant
from app.descriptions import glossary
from app.errors import AlreadyExists, NotFound, Unauthenticated
from app.exports.count_tables import of_balance, of_reconciliation
from app.models import Facility, Source
from app.queries import lists
from app.queries.parameters import AsOf, BalanceQuery, ClaimQuery, FacilityQuery, Paged, VocabularyQuery
from app.registry import api_keys
from app.registry import directory as real_names
from app.registry import directory as registry_directory
from app.registry.claims import ClaimIn, claim_at, file_claim
from app.schemas.counts import BalancePage, ReconciliationOut
from app.schemas.directory import (
    ClaimOut,
    ClaimPage,
    FacilityOut,
    FacilityPage,
    FiledClaim,
    FiledFacility,
    FiledSource,
    Me,
    SourceOut,
    SourcePage,
    VocabularyOut,
)
from app.schemas.reports import FacilityIn, FacilityPatch, Slug, SourceIn, SourcePatch
from app.vocabulary import Role, vocabulary

directory = router("directory")


@directory.get("/me", response_model=Me, responses=refusals(*READING))
def read_me(read: Read, query: Annotated[AsOf, Query()]) -> Response:
    """Who your key is: its holder, role and source, what it is limited to, and when it expires."""
    row = _whose_key(read)
    tag = read.tag(query, str(row))  # a key changes while the registry stands still
    return read.answer(query, lambda revision: Answer({**row, "revision": revision}, lambda: [row]), tag)


@directory.post("/sources", status_code=201, response_model=FiledSource, responses=refusals(*POSTING, AlreadyExists))
def add_source(write: Write, body: SourceIn) -> Response:
    """Add a source (admin). Governments are not independent unless said otherwise."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: registry_directory.add_source(context, body))


@directory.patch("/sources/{slug}", response_model=FiledSource, responses=refusals(*PATCHING))
def change_source(write: Write, slug: Slug, body: SourcePatch) -> Response:
    """Change a source (admin), or set it in quarantine: shown, but not counted as independent."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: registry_directory.change_source(context, slug, body))


@directory.get("/sources", response_model=SourcePage, responses=refusals(*READING))
def list_sources(read: Read, query: Annotated[Paged, Query()]) -> Response:
    """Who reports and claims."""
    return page(read, query, lambda read, query, revision: lists.sources(read.session, query, revision))


@directory.get("/sources/{slug}", response_model=SourceOut, responses=refusals(*THING))
def read_source(read: Read, slug: Slug, query: Annotated[AsOf, Query()]) -> Response:
    """One source; for administrators and curators with the real name behind a pseudonym."""
    source = _standing(read, Source, slug, read.revision(query))
    real_name = _real_name(read, source)
    tag = read.tag(query, real_name or "")  # it changes while the registry stands still
    return whole(read, query, lambda _revision: {**lists.source_shape(source), "real_name": real_name}, tag)


@directory.post(
    "/facilities", status_code=201, response_model=FiledFacility, responses=refusals(*POSTING, AlreadyExists)
)
def add_facility(write: Write, body: FacilityIn) -> Response:
    """Register a facility (curator). Reports that name it are placed there from now on."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: registry_directory.add_facility(context, body))


@directory.patch("/facilities/{slug}", response_model=FiledFacility, responses=refusals(*PATCHING, AlreadyExists))
def change_facility(write: Write, slug: Slug, body: FacilityPatch) -> Response:
    """Change a facility (curator)."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: registry_directory.change_facility(context, slug, body))


@directory.get("/facilities", response_model=FacilityPage, responses=refusals(*READING))
def list_facilities(read: Read, query: Annotated[FacilityQuery, Query()]) -> Response:
    """Where people are held."""
    return page(read, query, lambda read, query, revision: lists.facilities(read.session, query, revision))


@directory.get("/facilities/{slug}", response_model=FacilityOut, responses=refusals(*THING))
def read_facility(read: Read, slug: Slug, query: Annotated[AsOf, Query()]) -> Response:
    """One facility."""
    return whole(read, query, lambda revision: lists.facility_shape(_standing(read, Facility, slug, revision)))


@directory.get("/vocabulary", response_model=VocabularyOut, responses=refusals(*READING))
def read_vocabulary(read: Read, query: Annotated[VocabularyQuery, Query()]) -> Response:
    """Every code list and the words of the field, with labels and definitions in English or Spanish."""
    codes = {**vocabulary(query.lang), "glossary": glossary(query.lang)}
    rows = [{"list": name, **code} for name, listed in codes.items() for code in listed]
    return read.answer(query, lambda revision: Answer({**codes, "revision": revision}, lambda: rows))


def _whose_key(read: ReadContext) -> dict[str, Any]:
    if read.key is None:
        raise Unauthenticated("Send a key to learn who it is: Authorization: Bearer rcn_…")
    return {
        "key_id": read.key.id,
        "role": read.reader.role,
        "source": read.reader.slug,
        "holder": read.key.holder,
        "scopes": api_keys.scopes_of(read.key),
        "expires_at": format_instant(read.key.expires_at),
    }


def _real_name(read: ReadContext, source: Source) -> str | None:
    if not read.reader.reads_real_names:
        return None
    return real_names.kept(read.session, read.request.app.state.secret, source.key)


def _standing(read: Read, table: Any, slug: str, revision: int) -> Any:
    version = lists.by_slug(read.session, table, slug, revision)
    if version is None:
        raise NotFound("There is nothing with this slug.")
    return version


claims = router("claims")


@claims.post(
    "/claims",
    status_code=201,
    response_model=FiledClaim,
    responses=upserting(FiledClaim) | refusals(*POSTING),
)
async def add_claim(write: WriteTogether, body: ClaimIn) -> Response:
    """File a published figure, as it was said (reporter or curator)."""
    write.allow(Role.REPORTER, Role.CURATOR)
    return await write.file(body.source_record_id, lambda context: file_claim(context, body))


@claims.get("/claims", response_model=ClaimPage, responses=refusals(*READING))
def list_claims(read: Read, query: Annotated[ClaimQuery, Query()]) -> Response:
    """Published figures, contradictions and all."""
    return page(
        read,
        query,
        lambda read, query, revision: lists.claims(read.session, query, read.reader, revision, read.since(query)),
    )


@claims.get("/claims/{claim_id}", response_model=ClaimOut, responses=refusals(*THING))
def read_claim(read: Read, claim_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """One claim, what corrected it, and what its parts add up to."""

    def build(revision: int) -> Mapping[str, Any]:
        shown = lists.claim_shape(read.session, claim_at(read.session, claim_id, revision), read.reader)
        figures = figures_at(read.session, revision)
        later = [figure.id for figure in figures.that("supersedes", str(claim_id))]
        return {**shown, "superseded_by": later, "arithmetic": arithmetic(figures, figures[str(claim_id)])}

    return whole(read, query, build)


@claims.get("/claims/{claim_id}/reconciliation", response_model=ReconciliationOut, responses=refusals(*THING))
def reconcile_claim(read: Read, claim_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """A claim beside the registry's count on the claim's own window, terms and hour, with every named reason for
    which the two differ. Nobody is told to be right."""

    def build(revision: int) -> Answer:
        reconciled = reconcile(read.session, claim_id, read.reader, revision)
        return Answer({**reconciled, "revision": revision}, lambda: of_reconciliation(reconciled))

    return read.answer(query, build)


@claims.get("/sources/{slug}/balance", response_model=BalancePage, responses=refusals(*THING))
def read_balance(read: Read, slug: Slug, query: Annotated[BalanceQuery, Query()]) -> Response:
    """Whether a source's own published figures of held, in and out fit together, step by step."""

    def build(revision: int) -> Answer:
        if lists.by_slug(read.session, Source, slug, revision) is None:
            raise NotFound("There is no source with this slug.")
        steps = balance(figures_at(read.session, revision), slug, query.country)
        return Answer({"data": steps, "next": None, "revision": revision}, lambda: of_balance(steps))

    return read.answer(query, build)
