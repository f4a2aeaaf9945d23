"""The curator's and the administrator's desk: who is one person, consent, erasure."""

import uuid
from typing import Annotated, Any

from fastapi import Query, Response

from app.api.requests import Read
from app.api.routes import DELETING, POSTING, READING, refusals, router, upserting
from app.api.things import page
from app.api.writes import Write
from app.errors import Conflict, ConflictingBirths, ContradictsDecisions, Forbidden, NotFound, Redacted
from app.queries.parameters import AsOf, Paged
from app.queries.queues import proposals
from app.queries.review import review
from app.registry import recalls, two_person_rule
from app.registry.identity import decisions as identity_decisions
from app.registry.publication import decisions
from app.registry.publication import decisions as consent_entries
from app.registry.publication.decisions import ConsentIn
from app.registry.recalls import RecallIn
from app.schemas.filed import Decided, FiledConsent, FiledRedaction, ProposalPage, Proposed, RecallOut, ReviewPage
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
