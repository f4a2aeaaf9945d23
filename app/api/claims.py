"""Claims: published figures, what they add up to, and how they compare with the registry's own counts."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response

from app.api.answers import Answer
from app.api.requests import Read
from app.api.routes import POSTING, READING, THING, refusals, router, upserting
from app.api.things import page, whole
from app.api.writes import WriteTogether
from app.claims.balance import balance
from app.claims.figures import arithmetic, figures_at
from app.claims.reconciliation import reconcile
from app.errors import NotFound
from app.exports.count_tables import of_balance, of_reconciliation
from app.models import Source
from app.queries import lists
from app.queries.parameters import AsOf, BalanceQuery, ClaimQuery
from app.registry.claims import ClaimIn, claim_at, file_claim
from app.schemas.counts import BalancePage, ReconciliationOut
from app.schemas.directory import ClaimOut, ClaimPage, FiledClaim
from app.schemas.reports import Slug
from app.vocabulary import Role

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
