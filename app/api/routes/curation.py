"""The curator's and the administrator's desk: who is one person, consent, erasure.

The desk of the person concerned: an objection without a key, the queue for curators, and their decision."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from app.api import responses
from app.api.middleware.concurrency import in_lane
from app.api.requests import Read
from app.api.routes.records import page
from app.api.routing import ALWAYS, BODY, DELETING, POSTING, READING, refusals, router, upserting
from app.api.writes import Write, refuse_parameters
from app.db.engine import writing
from app.errors import (
    RETRY_AFTER,
    Conflict,
    ConflictingBirths,
    ContradictsDecisions,
    Forbidden,
    Invalid,
    NotFound,
    Redacted,
    Unavailable,
)
from app.queries.parameters import AsOf, Paged
from app.queries.queues import objections as waiting_objections
from app.queries.queues import proposals
from app.queries.review import review
from app.registry import recalls, two_person_rule
from app.registry.identity import decisions as identity_decisions
from app.registry.publication import decisions
from app.registry.publication import decisions as consent_entries
from app.registry.publication.decisions import ConsentIn, ObjectionDecisionIn
from app.registry.publication.decisions import decide_objection as decide
from app.registry.publication.objection_queue import ObjectionIn, receive
from app.registry.recalls import RecallIn
from app.schemas.filed import (
    Decided,
    DecidedObjection,
    FiledConsent,
    FiledRedaction,
    ObjectionPage,
    ObjectionReceived,
    ProposalPage,
    Proposed,
    RecallOut,
    ReviewPage,
)
from app.schemas.reports import IdentityIn, RedactionIn
from app.vocabulary import Role

curation = router("curation")


SECOND: dict[int | str, dict[str, Any]] = {202: {"description": "Waits for a second person", "model": Proposed}}


@curation.post(
    "/identity",
    status_code=201,
    response_model=Decided,
    responses=upserting(Decided) | SECOND | refusals(*POSTING, ContradictsDecisions, ConflictingBirths, Redacted),
)
def decide_identity(write: Write, body: IdentityIn) -> Response:
    """Judge whether two detainees are one person (curator). Nothing is merged: it can be undone. 202 where the registry
    asks two people for it: it holds once the holder of another key decides the same."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: identity_decisions.decide(context, body))


@curation.delete("/identity/{decision_id}", response_model=Decided, responses=refusals(*DELETING))
def undo_identity(write: Write, decision_id: uuid.UUID) -> Response:
    """Undo a decision (curator): everything is as it was without it."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: identity_decisions.undo(context, decision_id))


@curation.get("/review", response_model=ReviewPage, responses=refusals(*READING, Forbidden))
def list_review(read: Read, query: Annotated[Paged, Query()]) -> Response:
    """What waits for a curator, best first, with reasons."""
    read.allow(Role.CURATOR)
    known = read.request.app.state.filed_by_day
    return page(read, query, lambda read, query, revision: review(read.session, query, read.reader, revision, known))


@curation.get("/proposals", response_model=ProposalPage, responses=refusals(*READING, Forbidden))
def list_proposals(read: Read, query: Annotated[AsOf, Query()]) -> Response:
    """Decisions of one person that wait for a second one: a curator's for curators, an administrator's for
    administrators."""
    read.allow(Role.CURATOR, Role.ADMIN)
    waiting = proposals(read.session, read.reader, read.key)
    tag = read.tag(query, *(str(row["id"]) for row in waiting.rows))
    return page(read, query, lambda _read, _query, _revision: waiting, tag)


@curation.delete("/proposals/{proposal_id}", response_model=Proposed, responses=refusals(*DELETING))
def withdraw_proposal(write: Write, proposal_id: uuid.UUID) -> Response:
    """Take a decision off the list that waits for a second person: one's own, or one not to be shared. A curator takes
    off what curators decide, an administrator what administrators decide."""
    write.allow(Role.CURATOR, Role.ADMIN)
    return write.run(lambda context: two_person_rule.withdraw_proposal(context, proposal_id))


@curation.post(
    "/detainees/{detainee_id}/consent",
    status_code=201,
    response_model=FiledConsent,
    responses=SECOND | refusals(*POSTING, NotFound, Redacted),
)
def give_consent(write: Write, detainee_id: uuid.UUID, body: ConsentIn) -> Response:
    """Record what the person, or who speaks for them, allows (curator). It holds at once, in pinned answers too; 202
    where the registry asks two people before more is shown."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: consent_entries.give_consent(context, detainee_id, body))


@curation.post(
    "/detainees/{detainee_id}/redaction",
    status_code=201,
    response_model=FiledRedaction,
    responses={200: {"description": "Nothing was left to erase", "model": FiledRedaction}}
    | SECOND
    | refusals(*POSTING, NotFound, Redacted),
)
def redact_detainee(write: Write, detainee_id: uuid.UUID, body: RedactionIn | None = None) -> Response:
    """Erase a person's personal data for good (admin). Counts by source, date and stage stay as they were. 202
    where the registry asks two administrators for it: the second one's request erases."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: decisions.redact(context, detainee_id, body or RedactionIn()))


@curation.post(
    "/recalls",
    status_code=201,
    response_model=RecallOut,
    responses={
        200: {"description": "What it would do; or the key has ended, and no entry was moved", "model": RecallOut}
    }
    | SECOND
    | refusals(*POSTING, NotFound, Conflict),
)
def recall_entries(write: Write, body: RecallIn) -> Response:
    """Withdraw all that one key of a source wrote since a moment, and end the key, by one entry; or let what a recall
    withdrew stand again (admin). With `dry_run` it only tells what would change. 202 where the registry asks two
    administrators for it."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: recalls.recall(context, body))


objections = router("objections")

# Objections that wait for their turn, a few milliseconds each: the last waits a second or two, and their bodies do not
# fill the memory. Whoever comes then is told so, whatever it is about.
MOST_INSIDE = 200
# Of an objection with every character escaped.
MOST_BYTES = 32 * 1024
RETRY = {"Retry-After": RETRY_AFTER}
# Every objection is answered with these bytes, whatever it is about.
RECEIVED: ObjectionReceived = {
    "status": "received",
    "next": {
        "en": "If you named somebody whom the public lists show, the person is hidden from them within five minutes, "
        "until two curators have decided. If very many write at once it can take a day for every fifty networks that "
        "they write from. If the person is still shown then, write again, from another place if you can. Nobody will "
        "ever ask you for a password, for money, or for a document through this address.",
        "es": "Si usted nombró a alguien que las listas públicas muestran, la persona queda oculta en cinco minutos, "
        "hasta que decidan dos personas curadoras. Si escriben muchísimos a la vez, puede tardar un día por cada "
        "cincuenta redes desde las que escriben. Si después aún se muestra, escriba otra vez, si puede desde otro "
        "lugar. Nadie le pedirá nunca una contraseña, dinero ni un documento por esta dirección.",
    },
}


async def _turn(request: Request) -> AsyncIterator[None]:
    """One objection at a time is inside, so that however many come take one place among writes from all others."""
    state = request.app.state
    if state.objections_waiting >= MOST_INSIDE:
        raise Unavailable("Very many objections come just now. Nothing was stored: try again.", headers=RETRY)
    state.objections_waiting += 1
    try:
        async with state.objection_turn, in_lane("writes", state.lanes.writes):
            yield
    finally:
        state.objections_waiting -= 1


@objections.post(
    "/objections",
    status_code=202,
    response_model=ObjectionReceived,
    responses=refusals(*BODY, Invalid, *ALWAYS),
)
def receive_objection(
    request: Request, body: ObjectionIn, _place: Annotated[None, Depends(_turn, scope="function")]
) -> Response:
    """Object to what is shown of you, or of somebody you speak for; no key is needed. Every objection is answered in
    the same words. Somebody whom the public lists show is hidden within minutes, until two curators have decided."""
    refuse_parameters(request)
    state = request.app.state
    now = state.clock()
    network, slot = state.networks.place(request.client.host if request.client else "", now)
    with writing(state.engine) as session:
        receive(session, state.secret, body, network, slot, now)
    return responses.json_response(RECEIVED, 202, {"Cache-Control": "no-store"})


@objections.get("/objections", response_model=ObjectionPage, responses=refusals(*READING, Forbidden))
def list_objections(read: Read, query: Annotated[AsOf, Query()]) -> Response:
    """The objections that wait for two curators, with their senders' words (curator): hidden people first."""
    read.allow(Role.CURATOR)
    secret = read.request.app.state.secret
    waiting = waiting_objections(read.session, read.reader, read.revision(AsOf()), secret)
    tag = read.tag(query, *(f"{row['state']} {one['id']}" for row in waiting.rows for one in row["objections"]))
    return page(read, query, lambda _read, _query, _revision: waiting, tag)


@objections.post(
    "/objections/{objection_id}/decision",
    status_code=201,
    response_model=DecidedObjection,
    responses=SECOND | refusals(*POSTING, NotFound),
)
def decide_objection(write: Write, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Response:
    """Decide the objections about one person (curator): it always takes two. 202 until a second one decides the
    same."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: decide(context, objection_id, body))
