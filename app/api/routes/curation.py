"""Routes for identity decisions, consent, erasure, recalls and objections."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api import responses
from app.api.middleware.concurrency import acquire_lane
from app.api.operations import (
    AgreeToProposals,
    BeginFreeze,
    DecideObjection,
    EndFreeze,
    ErasePerson,
    GiveConsent,
    JudgeIdentity,
    RecallEntries,
    ReviewBatch,
    StopProposal,
    UndoIdentity,
)
from app.api.requests import ReadDep, Reply
from app.api.routes.records import answer_page
from app.api.routing import (
    ALWAYS_REFUSALS,
    BODY_REFUSALS,
    CHANGE_REFUSALS,
    DELETE_REFUSALS,
    POST_REFUSALS,
    READ_REFUSALS,
    WAITING_RESPONSE,
    build_router,
    document_refusals,
    document_upsert,
)
from app.api.writes import WriteDep, refuse_parameters
from app.db.engine import open_write_session
from app.errors import (
    Conflict,
    ConflictingBirths,
    ContradictsDecisions,
    Forbidden,
    Invalid,
    NotFound,
    ObjectionArrived,
    Redacted,
)
from app.queries.parameters import BatchQuery, BatchReportQuery, PageQuery, RevisionQuery
from app.queries.review.batches import query_batch_reports, query_batches
from app.queries.review.items import query_review
from app.queries.review.queues import query_objections, query_proposals
from app.registry.curation.agreements import AgreementIn
from app.registry.publication.decisions import ConsentIn, ObjectionDecisionIn
from app.registry.publication.objection_queue import ObjectionIn, store_objection
from app.registry.recalls import RecallIn
from app.registry.review.batches import ReviewIn
from app.schemas.directory import FreezeOut
from app.schemas.filed import (
    Agreed,
    BatchPage,
    BatchReportPage,
    Decided,
    DecidedObjection,
    FiledConsent,
    FiledRedaction,
    ObjectionPage,
    ObjectionReceived,
    ProposalPage,
    Proposed,
    RecallOut,
    ReviewedBatch,
    ReviewPage,
)
from app.schemas.reports import IdentityIn, RedactionIn
from app.vocabulary import Role

curation_router = build_router("curation")


@curation_router.post(
    "/identity",
    status_code=201,
    response_model=Decided,
    responses=document_upsert(Decided)
    | WAITING_RESPONSE
    | document_refusals(*POST_REFUSALS, ContradictsDecisions, ConflictingBirths, Redacted),
)
async def decide_identity(write: WriteDep, body: IdentityIn) -> Response:
    """Judge whether two detainees are one person (curator). Nothing is merged: it can be undone. Beyond 20 people a day
    it waits (202) until another curator agrees, or 24 hours."""
    return await write.submit(JudgeIdentity(body))


@curation_router.delete(
    "/identity/{decision_id}",
    response_model=Decided,
    responses=WAITING_RESPONSE | document_refusals(*DELETE_REFUSALS),
)
async def undo_identity(write: WriteDep, decision_id: uuid.UUID) -> Response:
    """Undo a decision (curator): everything is as it was without it. Beyond 20 people a day it waits (202)."""
    return await write.submit(UndoIdentity(decision_id))


@curation_router.get("/review", response_model=ReviewPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_review(context: ReadDep, query: Annotated[PageQuery, Query()]) -> Reply[ReviewPage]:
    """What waits for a curator, best first, with reasons."""
    context.allow(Role.CURATOR)
    by_day = context.request.app.state.withdrawals_by_day
    return answer_page(
        context,
        query,
        lambda context, query, revision: query_review(context.session, query, context.reader, revision, by_day),
    )


@curation_router.get(
    "/review/batches", response_model=BatchPage, responses=document_refusals(*READ_REFUSALS, Forbidden)
)
def list_batches(context: ReadDep, query: Annotated[BatchQuery, Query()]) -> Reply[BatchPage]:
    """Reports that no curator has reviewed, in batches: by source, kind and list, those that await review first
    (curator). The first 400 reports are compared with what is shown."""
    context.allow(Role.CURATOR)
    return answer_page(
        context,
        query,
        lambda context, query, _revision: query_batches(context.session, context.reader, compare=query.compare),
    )


@curation_router.get(
    "/review/batches/reports",
    response_model=BatchReportPage,
    responses=document_refusals(*READ_REFUSALS, Forbidden, NotFound),
)
def list_batch_reports(context: ReadDep, query: Annotated[BatchReportQuery, Query()]) -> Reply[BatchReportPage]:
    """The reports of one batch, those first that contradict what is shown of their person (curator). 400 reports are
    compared at a time."""
    context.allow(Role.CURATOR)
    return answer_page(
        context,
        query,
        lambda context, query, revision: query_batch_reports(context.session, query, context.reader, revision),
    )


@curation_router.post(
    "/review/batches",
    response_model=ReviewedBatch,
    responses=WAITING_RESPONSE | document_refusals(*POST_REFUSALS, NotFound, Conflict),
)
async def review_batch(write: WriteDep, body: ReviewIn) -> Response:
    """Approve or reject the reports of a batch, or some of them (curator of another source, or of none). Approved
    reports count in combined records; rejected ones stay in their source's row."""
    return await write.submit(ReviewBatch(body))


@curation_router.get("/proposals", response_model=ProposalPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_proposals(context: ReadDep, query: Annotated[RevisionQuery, Query()]) -> Reply[ProposalPage]:
    """Decisions that wait for a second person or 24 hours, with all that would open people (curator, administrator; a
    reporter: what would open people whom the source reports)."""
    context.allow(Role.REPORTER, Role.CURATOR, Role.ADMIN)
    open_proposals = query_proposals(context.session, context.reader, context.key)
    tag = context.build_tag(*(f"{row['id']} {row['people']} {row['agreed']}" for row in open_proposals.rows))
    return answer_page(context, query, lambda _context, _query, _revision: open_proposals, tag)


@curation_router.post(
    "/proposals/agreement", response_model=Agreed, responses=document_refusals(*POST_REFUSALS, NotFound)
)
async def agree_to_proposals(write: WriteDep, body: AgreementIn) -> Response:
    """Agree to decisions that wait, as a second person (curator; a reporter: to what the own source would open). Each
    takes effect at once, unless it takes one person more."""
    return await write.submit(AgreeToProposals(body))


@curation_router.delete(
    "/proposals/{proposal_id}", response_model=Proposed, responses=document_refusals(*DELETE_REFUSALS)
)
async def withdraw_proposal(write: WriteDep, proposal_id: uuid.UUID) -> Response:
    """Stop a decision that waits, your own or another's (curator). The people whom it would open stay as they are, by a
    consent."""
    return await write.submit(StopProposal(proposal_id))


@curation_router.post(
    "/detainees/{detainee_id}/consent",
    response_model=FiledConsent,
    responses=document_refusals(*POST_REFUSALS, NotFound, Redacted),
)
async def give_consent(write: WriteDep, detainee_id: uuid.UUID, body: ConsentIn) -> Response:
    """Record what the person, or who speaks for them, allows (curator). What it closes is closed at once, in pinned
    answers too. What it opens waits until a second person agrees, or 24 hours (`opening_waits`)."""
    return await write.submit(GiveConsent(detainee_id, body))


@curation_router.post(
    "/detainees/{detainee_id}/redaction",
    response_model=FiledRedaction,
    responses=document_refusals(*POST_REFUSALS, NotFound, Redacted),
)
async def redact_detainee(write: WriteDep, detainee_id: uuid.UUID, body: RedactionIn | None = None) -> Response:
    """Erase a person's personal data for good (admin). Counts by source, date and stage stay as they were."""
    return await write.submit(ErasePerson(detainee_id, body or RedactionIn()))


@curation_router.post(
    "/recalls",
    response_model=RecallOut,
    responses=document_refusals(*POST_REFUSALS, NotFound, Conflict),
)
async def recall_entries(write: WriteDep, body: RecallIn) -> Response:
    """Withdraw all that one key of a source wrote since a moment, and end the key, by one entry; or let what a recall
    withdrew stand again (admin). With `dry_run` it only tells what would change. Whom it would show again is shown once
    a second person agrees, or after 24 hours."""
    return await write.submit(RecallEntries(body))


@curation_router.post("/freeze", response_model=FreezeOut, responses=document_refusals(*POST_REFUSALS))
async def freeze_registry(write: WriteDep) -> Response:
    """Freeze the registry: until it is ended (admin), or for 24 hours (curator). What does not hide, erase or revoke is
    refused (503 `frozen`), except objections. Reads go on. No embargo ends, and lists wait."""
    return await write.submit(BeginFreeze())


@curation_router.delete("/freeze", response_model=FreezeOut, responses=document_refusals(*CHANGE_REFUSALS))
async def end_freeze(write: WriteDep) -> Response:
    """End a freeze (admin)."""
    return await write.submit(EndFreeze())


objections_router = build_router("objections")

MAX_OBJECTION_BYTES = 32 * 1024  # enough for the longest objection with every character escaped
# Every objection gets the same bytes, so that the answer does not reveal whether the person is in the registry.
RECEIVED_BODY: ObjectionReceived = {
    "status": "received",
    "next": {
        "en": "If you named somebody whom the public lists show, the person is hidden from them within five minutes, "
        "until curators have decided. If you name more than five people, some wait until curators have looked: the "
        "first five that you name are hidden. If a person whom you named first is still shown then, write again, from "
        "another place if you can. Nobody will ever ask you for a password, for money, or for a document through this "
        "address.",
        "es": "Si usted nombró a alguien que las listas públicas muestran, la persona queda oculta en cinco minutos, "
        "hasta que decidan las personas curadoras. Si usted nombra a más de cinco personas, se ocultan las cinco "
        "primeras y las demás esperan a las personas curadoras. Si una de las primeras aún se muestra después, escriba "
        "otra vez, si puede desde otro lugar. Nadie le pedirá nunca una contraseña, dinero ni un documento por esta "
        "dirección.",
    },
}


async def acquire_objection_slot(request: Request) -> AsyncIterator[None]:
    """Admit one objection at a time, by turns of networks, so that a flood takes only one slot of the writes."""
    limits = request.app.state.limits
    async with limits.arrivals.hold(), acquire_lane("writes", limits.writes):
        yield


@objections_router.post(
    "/objections",
    status_code=202,
    response_model=ObjectionReceived,
    responses=document_refusals(*BODY_REFUSALS, Invalid, *ALWAYS_REFUSALS),
)
def receive_objection(
    request: Request, body: ObjectionIn, _slot: Annotated[None, Depends(acquire_objection_slot, scope="function")]
) -> Response:
    """Object to what is shown of you, or of somebody you speak for; no key is needed. Every objection is answered in
    the same words. Somebody whom the public lists show is hidden within minutes, until curators have decided."""
    refuse_parameters(request)
    save_objection(request, body)
    return responses.build_json_response(RECEIVED_BODY, 202, {"Cache-Control": "no-store"})


def save_objection(request: Request, body: ObjectionIn) -> None:
    """Store an objection with the network of its sender. The caller has called `acquire_objection_slot`."""
    state = request.app.state
    now = state.clock()
    network = state.networks.name_network(request.client.host if request.client else "", now)
    with open_write_session(state.engine) as session:
        store_objection(session, state.secret, body, network, now)


@curation_router.get(
    "/objections", response_model=ObjectionPage, responses=document_refusals(*READ_REFUSALS, Forbidden)
)
def list_objections(context: ReadDep, query: Annotated[RevisionQuery, Query()]) -> Reply[ObjectionPage]:
    """The objections that wait for curators, with their senders' words (curator): hidden people first."""
    context.allow(Role.CURATOR)
    secret = context.request.app.state.secret
    objection_page = query_objections(context.session, context.reader, context.revision(RevisionQuery()), secret)
    tag = context.build_tag(
        *(f"{row['state']} {objection['id']}" for row in objection_page.rows for objection in row["objections"])
    )
    return answer_page(context, query, lambda _context, _query, _revision: objection_page, tag)


@curation_router.post(
    "/objections/{objection_id}/decision",
    response_model=DecidedObjection,
    responses=WAITING_RESPONSE | document_refusals(*POST_REFUSALS, NotFound, ObjectionArrived),
)
async def decide_objection(write: WriteDep, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Response:
    """Decide the objections about one person (curator). What hides the person holds at once. What would show them
    again, and a dismissal, waits (202) until a second curator decides the same, or 24 hours."""
    return await write.submit(DecideObjection(objection_id, body))
