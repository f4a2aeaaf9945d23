"""Carry out waiting decisions once a second holder agrees or a day went by, and stop them (`proposals.py`)."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app import server_log
from app.config import Names
from app.errors import Conflict, Forbidden, NotFound, Problem
from app.log.freeze import read_freeze
from app.models import OPEN, ApiKey, Claim, ClassHold, Proposal, Record
from app.models.log import ProposalKind
from app.registry import api_keys
from app.registry.claim_confirmation import confirm_claim
from app.registry.curation import proposals
from app.registry.identity.judgements import judge_identity, undo_decision
from app.registry.publication.decisions import ObjectionDecisionIn, resolve_objections
from app.registry.publication.permissions import Reader
from app.registry.review import batches
from app.registry.review.batches import ReviewIn
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import IdentityIn, StrictModel
from app.vocabulary import Publish, Role

STOP_CONSENT_AUTHOR = "the registry: a curator stopped an opening"
# Due decisions in one transaction. An opening may be of thousands of people, so the next turn takes the rest.
MAX_DUE_PROPOSALS = 20


class AgreementIn(StrictModel):
    """The waiting decisions to which a second holder agrees."""

    proposals: Annotated[list[uuid.UUID], Field(min_length=1, max_length=200)]


def agree(context: WriteContext, body: AgreementIn) -> Outcome:
    """Agree to waiting decisions, and carry each out that waits for nobody else.

    A decision that no longer applies is deleted. Raises NotFound, and Forbidden for the first holder's key."""
    context.require_unfrozen()
    results: dict[str, list[str]] = {"carried_out": [], "waiting": [], "void": []}
    for proposal_id in dict.fromkeys(body.proposals):
        proposal = _load_proposal(context, proposal_id)
        if proposals.has_same_holder(context.session, proposal.proposed_by, context.key_id):
            raise Forbidden("You proposed this, or your key names no holder: another person has to agree.")
        if _needs_another_holder(context, proposal):
            proposal.agreed_by = context.key_id
            context.session.flush()
            results["waiting"].append(str(proposal_id))
        else:
            results["carried_out" if _carry_out(context, proposal) else "void"].append(str(proposal_id))
    return Outcome("agreement", 200, context.log.revision, results)


def _load_proposal(context: WriteContext, proposal_id: uuid.UUID) -> Proposal:
    """Return a proposal to which the writing key's role may agree: a source's own opening, or a curator's any."""
    proposal = context.session.get(Proposal, proposal_id)
    is_curator = context.actor.role is Role.CURATOR
    if proposal is None or not (is_curator or _find_source(context.session, proposal) == context.actor.source):
        raise NotFound("There is no decision with this id that waits for you.")
    return proposal


def _find_source(session: Session, proposal: Proposal) -> int | None:
    """Return the source whose key would open somebody; None for every other proposal."""
    key = session.get(ApiKey, proposal.proposed_by) if proposal.kind == "opening" else None
    return None if key is None or key.role != Role.REPORTER else key.source


def _needs_another_holder(context: WriteContext, proposal: Proposal) -> bool:
    """Return whether one agreement is not enough: the first word may be a thief's, or is no curator's beyond the limit
    of the curator who agrees."""
    session = context.session
    first_key = session.get(ApiKey, proposal.proposed_by)
    is_alone = proposals.is_key_revoked(session, proposal)
    if context.actor.role is Role.CURATOR and (first_key is None or first_key.role != Role.CURATOR):
        is_alone = is_alone or proposals.exceeds_limit(context, count_people(session, proposal))
    second = proposal.agreed_by
    has_second = (
        second is not None
        and not proposals.has_same_holder(session, second, context.key_id)
        and not api_keys.is_key_revoked(session, second)
    )
    return is_alone and not has_second


def count_people(session: Session, proposal: Proposal) -> int:
    """Return how many people a proposal is about."""
    if proposal.kind == "review":
        body = ReviewIn.model_validate_json(proposal.body)
        return len(batches.select_reports(session, proposal.a, body))
    if proposal.kind != "opening":
        return 1
    is_held = (col(ClassHold.opening) == proposal.a, col(ClassHold.until) == OPEN)
    return int(session.execute(select(func.count()).select_from(ClassHold).where(*is_held)).scalar_one())


def _carry_out(context: WriteContext, proposal: Proposal) -> bool:
    """Write the entries of an agreed decision, and return whether it still applied.

    What one transaction does not finish is due at once, and the job goes on with it."""
    session, context.is_agreed, applied, remaining = context.session, True, True, 0
    try:
        with session.begin_nested():
            remaining = _ACTIONS[proposal.kind](context, proposal) or 0
    except Problem:
        applied = False
    finally:
        context.is_agreed = False
    if remaining:
        proposal.proposed_at = proposals.AGREED
        session.flush()
    else:
        proposals.delete_proposals(session, [proposal])
        session.expunge(proposal)
    return applied


def _open(context: WriteContext, proposal: Proposal) -> None:
    people = count_people(context.session, proposal)
    if not people:
        raise Conflict("Nobody's class waits for this.")
    context.write_entry("consent", {"opens": proposal.a, "people": people})


def _judge(context: WriteContext, proposal: Proposal) -> None:
    judge_identity(context, IdentityIn.model_validate_json(proposal.body))


def _undo(context: WriteContext, proposal: Proposal) -> None:
    undo_decision(context, uuid.UUID(proposal.decision))


def _confirm(context: WriteContext, proposal: Proposal) -> None:
    is_same_version = (col(Claim.stated) == proposal.a, col(Claim.until) == OPEN)
    claim = context.session.scalars(select(Claim).where(*is_same_version)).one_or_none()
    if claim is None:
        raise Conflict("The claim was changed since.")
    confirm_claim(context, claim)


def _resolve(context: WriteContext, proposal: Proposal) -> None:
    body = ObjectionDecisionIn.model_validate_json(proposal.body)
    resolve_objections(context, body.objections[0], body)


def _review(context: WriteContext, proposal: Proposal) -> int:
    outcome = batches.review_batch(context, ReviewIn.model_validate_json(proposal.body))
    remaining: int = outcome.ids["remaining"]
    return remaining


# Each returns how much is left for another transaction, or None.
_ACTIONS: dict[ProposalKind, Callable[[WriteContext, Proposal], int | None]] = {
    "opening": _open, "identity": _judge, "undo": _undo, "claim": _confirm, "objection": _resolve, "review": _review,
}  # fmt: skip


def stop_proposal(context: WriteContext, proposal_id: uuid.UUID) -> Outcome:
    """Stop a waiting decision. The people whom it would open stay closed, as by a consent. Raises NotFound."""
    proposal = context.session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound("There is no decision with this id that waits.")
    if proposal.kind == "opening":
        for record, publish in _list_held_people(context.session, proposal):
            # A name that only reports opened cannot be closed again by a consent to the name.
            closed = Publish.COUNTED if publish == Publish.COUNTED else Publish.ANONYMOUS
            values = {"given_by": STOP_CONSENT_AUTHOR, "given_on": context.now.date().isoformat(), "reason": ""}
            context.write_entry("consent", {"record": str(record), "publish": closed}, values)
    proposals.delete_proposals(context.session, [proposal])
    return Outcome("proposal", 200, context.log.revision, {"id": str(proposal_id)})


def _list_held_people(session: Session, proposal: Proposal) -> Sequence[tuple[uuid.UUID, str]]:
    """Return a record and the class of each person whom an opening would open."""
    query = (
        select(col(Record.id), col(ClassHold.publish))
        .join(ClassHold, col(ClassHold.detainee) == col(Record.key))
        .where(col(ClassHold.opening) == proposal.a, col(ClassHold.until) == OPEN)
    )
    return [(record, publish) for record, publish in session.execute(query)]


def has_due_proposals(session: Session, now: datetime, *, trusts_clock: bool = True) -> bool:
    """Return whether any decision has waited long enough, and the registry is not frozen. Takes no lock."""
    is_frozen = read_freeze(session, now) is not None
    return not is_frozen and bool(proposals.list_due_proposals(session, now, 1, trusts_clock=trusts_clock))


def carry_out_due(session: Session, now: datetime, secret: bytes, names: Names, *, trusts_clock: bool = True) -> bool:
    """Carry out the decisions that have waited long enough, and return whether there may be more.

    `trusts_clock`: also those that nobody agreed to; a wrong clock must not end a day of waiting."""
    has_progress = False
    for proposal in proposals.list_due_proposals(session, now, MAX_DUE_PROPOSALS, trusts_clock=trusts_clock):
        key_id = "" if proposal.kind == "opening" else proposal.proposed_by  # nobody's decision opened them
        try:
            _carry_out(WriteContext(session, Reader(Role.CURATOR, names=names), now, secret, key_id), proposal)
            has_progress = True
        except SQLAlchemyError:
            raise  # the database is busy or unreachable: all go on waiting
        except Exception as error:
            server_log.log_unforeseen_error(error, "a decision that waited")  # the others are carried out
    return has_progress and has_due_proposals(session, now, trusts_clock=trusts_clock)
