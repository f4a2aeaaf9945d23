"""Enforce the two-person rule (`RECUENTO_TWO_PERSON`): some decisions wait until a second person makes them too.

A decision that merges people or shows more of them is stored as a proposal outside the log until then. One curator can
separate people, undo and hide, because that must take effect at once. An erasure cannot be undone, and a recall moves
every report of a key: both need two administrators if the operator requires it.

Two people are the holders of two keys: a holder with two keys, or with the successor of a key, is one person. A
person's newer decision replaces what the same person proposed about the same subject.
"""

import uuid
from collections.abc import Callable, Sequence

from pydantic import BaseModel
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Forbidden, NotFound
from app.matching.scripts import fold
from app.models import OPEN, ApiKey, Placement, Proposal, Record
from app.models.log import ProposalKind
from app.registry import api_keys, records
from app.registry.publication import classes
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import EndedHow, Role

# The kinds of proposals that a role decides. Only that role sees them and can withdraw them.
KINDS_BY_ROLE: dict[Role, tuple[ProposalKind, ...]] = {
    Role.CURATOR: ("identity", "consent", "objection"),
    Role.ADMIN: ("redaction", "recall"),
}


def requires_two_people(context: WriteContext, *subjects: Record, is_merge: bool = False) -> bool:
    """Return whether a decision about the people of these records needs two people."""
    if is_merge and "merges" in context.two_person:
        return True
    if "deaths" in context.two_person and any(_has_died(context.session, record) for record in subjects):
        return True
    return "minors" in context.two_person and any(
        classes.person_may_be_minor(context.session, context.views.sources, record) for record in subjects
    )


def _has_died(session: Session, record: Record) -> bool:
    """Return whether any report of the person states a death, disputed or not."""
    reports = [records.load_version(session, other).content for other in records.load_person_records(session, record)]
    ends = [report["detention.ended"]["how"] for report in reports if "detention.ended" in report]
    return EndedHow.DIED in ends or any("detainee.died_on" in report for report in reports)


def propose_decision(
    context: WriteContext, kind: ProposalKind, subjects: Sequence[Record], decision: str, body: BaseModel
) -> Outcome | None:
    """Store a decision about the people of the records `subjects` as a proposal, and return the outcome.

    Returns None if another holder's last proposal is the same decision: the proposals are deleted, and the caller
    carries the decision out. Other proposals of this holder about these people are deleted. Proposals of revoked keys
    do not count: a thief may have made them. Raises Forbidden for a key without a holder."""
    return propose_about(context, kind, subjects[0].key, subjects[-1].key, decision, body)


def propose_about(
    context: WriteContext, kind: ProposalKind, a: int, b: int, decision: str, body: BaseModel, topic: str | None = None
) -> Outcome | None:
    """Do the same as `propose_decision`, for the keys of two records, or twice the key of a source.

    `topic`: the first words of all decisions on the same subject, if a source has several subjects."""
    session = context.session
    if find_key_holder(session, context.key_id) is None:
        raise Forbidden(
            "This takes two people, and your key does not name the one who has it. Ask whoever runs the registry for "
            "its successor: recuento key rotate ID --holder NAME"
        )
    waiting = [
        proposal
        for proposal in _find_proposals(session, kind, a, b)
        if topic is None or f"{proposal.decision} ".startswith(f"{topic} ")
    ]
    own_proposals = [proposal for proposal in waiting if _is_own_proposal(session, proposal, context.key_id)]
    same_proposal = next((proposal for proposal in own_proposals if proposal.decision == decision), None)
    _delete_proposals(session, [proposal for proposal in own_proposals if proposal is not same_proposal])
    other_proposals = [
        proposal
        for proposal in waiting
        if not has_same_holder(session, proposal.proposed_by, context.key_id)
        and not api_keys.is_key_revoked(session, proposal.proposed_by)
    ]
    # A holder may have two proposals about the same people, if these were merged since. The last one counts.
    last_proposals = {fold(str(find_key_holder(session, other.proposed_by))): other for other in other_proposals}
    seconding_proposals = [proposal for proposal in last_proposals.values() if proposal.decision == decision]
    if seconding_proposals:
        _delete_proposals(session, [*seconding_proposals, *([] if same_proposal is None else [same_proposal])])
        return None
    if same_proposal is None:
        same_proposal = Proposal(
            id=new_id(),
            kind=kind,
            a=a,
            b=b,
            decision=decision,
            body="",
            proposed_by=context.key_id,
            proposed_at=context.now,
        )
        session.add(same_proposal)
    # The same decision may be made again with another key and another reason.
    same_proposal.body, same_proposal.proposed_by, same_proposal.proposed_at = (
        body.model_dump_json(),
        context.key_id,
        context.now,
    )
    session.flush()
    return Outcome("proposal", 202, context.log.revision, {"id": str(same_proposal.id)})


def withdraw_own_proposals(context: WriteContext, kind: ProposalKind, subjects: Sequence[Record]) -> None:
    """Delete this holder's proposals about the people of the records `subjects`.

    The holder's new decision takes effect at once and replaces them."""
    waiting = _find_proposals(context.session, kind, subjects[0].key, subjects[-1].key)
    _delete_proposals(
        context.session,
        [proposal for proposal in waiting if _is_own_proposal(context.session, proposal, context.key_id)],
    )


def delete_proposals_unless(
    session: Session, kind: ProposalKind, subject: Record, is_kept: Callable[[Proposal], bool]
) -> None:
    """Delete the proposals of a kind about the person of a record that `is_kept` is false for."""
    waiting = _find_proposals(session, kind, subject.key, subject.key)
    _delete_proposals(session, [proposal for proposal in waiting if not is_kept(proposal)])


def find_key_holder(session: Session, key_id: str) -> str | None:
    """Return the holder of a key; None for a key created before holders were required."""
    return session.scalars(select(col(ApiKey.holder)).where(col(ApiKey.id) == key_id)).one_or_none()


def has_same_holder(session: Session, proposed_by: str, key_id: str) -> bool:
    """Return whether one person may have both keys. A key without a holder may be anybody's."""
    first, second = find_key_holder(session, proposed_by), find_key_holder(session, key_id)
    return first is None or second is None or api_keys.is_same_holder(first, second)


def _is_own_proposal(session: Session, proposal: Proposal, key_id: str) -> bool:
    """Return whether a key's holder made a proposal, with this key or with another of the same holder."""
    first, second = find_key_holder(session, proposal.proposed_by), find_key_holder(session, key_id)
    is_same_holder = first is not None and second is not None and api_keys.is_same_holder(first, second)
    return is_same_holder or proposal.proposed_by == key_id


def _find_proposals(session: Session, kind: ProposalKind, a: int, b: int) -> Sequence[Proposal]:
    """Return the proposals of a kind about the same people, oldest first, under any of their ids.

    A merged person's former ids still refer to the person."""
    placement_a, placement_b = aliased(Placement), aliased(Placement)
    people = [place.detainee for key in (a, b) if (place := records.find_placement(session, key)) is not None]
    query = select(Proposal).where(col(Proposal.kind) == kind).order_by(col(Proposal.proposed_at), col(Proposal.id))
    if len(people) < len((a, b)):  # a source, or a recalled person
        return session.scalars(query.where(col(Proposal.a) == a, col(Proposal.b) == b)).all()
    proposed_people = tuple_(col(placement_a.detainee), col(placement_b.detainee))
    return session.scalars(
        query.join(placement_a, (col(placement_a.record) == col(Proposal.a)) & (col(placement_a.until) == OPEN))
        .join(placement_b, (col(placement_b.record) == col(Proposal.b)) & (col(placement_b.until) == OPEN))
        .where(proposed_people.in_([tuple(people), tuple(reversed(people))]))
    ).all()


def withdraw_proposal(context: WriteContext, proposal_id: uuid.UUID) -> Outcome:
    """Withdraw a proposal: its author takes it back, or another person of the role refuses it. Raises NotFound."""
    proposal = context.session.get(Proposal, proposal_id)
    if proposal is None or proposal.kind not in list_decidable_kinds(context.actor.role):
        raise NotFound("There is no decision with this id that waits for a second person of your role.")
    _delete_proposals(context.session, [proposal])
    return Outcome("proposal", 200, context.log.revision, {"id": str(proposal_id)})


def list_decidable_kinds(role: Role | None) -> tuple[ProposalKind, ...]:
    """Return the kinds of decisions that a role makes."""
    return () if role is None else KINDS_BY_ROLE.get(role, ())


def _delete_proposals(session: Session, proposals: Sequence[Proposal]) -> None:
    ids = [proposal.id for proposal in proposals]
    session.connection().execute(delete(Proposal).where(col(Proposal.id).in_(ids)))
