"""The two-person rule (`RECUENTO_TWO_PERSON`): a decision that joins people or shows more of them waits, outside the
log, until a second person makes it too. One curator parts people, undoes and hides: that must hold at once. An erasure
cannot be taken back, and a recall moves every report of a key: either takes two administrators where the operator says
so.

Two people are the holders of two keys, not two keys: whoever has two keys, or the successor of one, is one person.
"""

import uuid
from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Forbidden, NotFound
from app.models import OPEN, ApiKey, Placement, Proposal, Record
from app.models.log import ProposedKind
from app.registry import api_keys, minority, records
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import EndedHow, Role

# What waits is decided by those of one role, who alone see it and may take it off.
DECIDED_BY: dict[Role, tuple[ProposedKind, ...]] = {
    Role.CURATOR: ("identity", "consent", "objection"),
    Role.ADMIN: ("redaction", "recall"),
}


def applies(context: WriteContext, *about: Record, merges: bool = False) -> bool:
    """Whether a decision about the people of these records takes two people."""
    if merges and "merges" in context.two_person:
        return True
    if "deaths" in context.two_person and any(_died(context.session, record) for record in about):
        return True
    return "minors" in context.two_person and any(
        minority.person_may_be_minor(context.session, context.views.sources, record) for record in about
    )


def _died(session: Session, record: Record) -> bool:
    """Whether any report of the person states a death, disputed or not."""
    reports = [records.newest(session, other).content for other in records.of_person(session, record)]
    ends = [report["detention.ended"]["how"] for report in reports if "detention.ended" in report]
    return EndedHow.DIED in ends or any("detainee.died_on" in report for report in reports)


def wait_for_second(
    context: WriteContext, kind: ProposedKind, about: Sequence[Record], decision: str, body: BaseModel
) -> Outcome | None:
    """Let a decision about the people of the records `about` wait for a second person, and return the outcome; None
    where the holder of another key had proposed the same decision: it waits no longer and is to be carried out now.
    Raises Forbidden for a key that names no holder."""
    return wait_about(context, kind, about[0].key, about[-1].key, decision, body)


def wait_about(
    context: WriteContext, kind: ProposedKind, a: int, b: int, decision: str, body: BaseModel
) -> Outcome | None:
    """`wait_for_second`, about the people of two records, or about a source (twice the same)."""
    if holder_of(context.session, context.key_id) is None:
        raise Forbidden(
            "This takes two people, and your key does not name the one who has it. Ask whoever runs the registry for "
            "its successor: recuento key rotate ID --holder NAME"
        )
    proposal = _proposal(context.session, kind, a, b, decision)
    if proposal is None:
        proposal = Proposal(
            id=new_id(),
            kind=kind,
            a=a,
            b=b,
            decision=decision,
            body=body.model_dump_json(),
            proposed_by=context.key_id,
            proposed_at=context.now,
        )
        context.session.add(proposal)
        context.session.flush()
    elif not is_one_holder(context.session, proposal.proposed_by, context.key_id):
        _remove(context.session, proposal.id)
        return None
    return Outcome("proposal", 202, context.log.revision, {"id": str(proposal.id)})


def holder_of(session: Session, key_id: str) -> str | None:
    """The holder of a key; None of a key made before holders were named."""
    return session.scalars(select(col(ApiKey.holder)).where(col(ApiKey.id) == key_id)).one_or_none()


def is_one_holder(session: Session, proposed_by: str, key_id: str) -> bool:
    """Whether one person has both keys, as far as is known: a key without a holder may be anybody's."""
    first, second = holder_of(session, proposed_by), holder_of(session, key_id)
    return first is None or second is None or api_keys.same_holder(first, second)


def _proposal(session: Session, kind: ProposedKind, a: int, b: int, decision: str) -> Proposal | None:
    """The waiting proposal of the same decision about the same people, whichever of their ids it names: an absorbed
    person's ids still name them."""
    of_a, of_b = aliased(Placement), aliased(Placement)
    people = [place.detainee for key in (a, b) if (place := records.placement(session, key)) is not None]
    if len(people) < len((a, b)):  # of a source, or of somebody recalled
        about = (col(Proposal.a) == a, col(Proposal.b) == b)
        of_kind = (col(Proposal.kind) == kind, col(Proposal.decision) == decision)
        return session.scalars(select(Proposal).where(*of_kind, *about)).first()
    proposed = tuple_(col(of_a.detainee), col(of_b.detainee))
    return session.scalars(
        select(Proposal)
        .join(of_a, (col(of_a.record) == col(Proposal.a)) & (col(of_a.until) == OPEN))
        .join(of_b, (col(of_b.record) == col(Proposal.b)) & (col(of_b.until) == OPEN))
        .where(
            col(Proposal.kind) == kind,
            col(Proposal.decision) == decision,
            proposed.in_([tuple(people), tuple(reversed(people))]),
        )
    ).first()


def withdraw_proposal(context: WriteContext, proposal_id: uuid.UUID) -> Outcome:
    """Withdraw a decision that waits for a second person: the proposing one takes it back, or another of that role
    refuses it."""
    proposal = context.session.get(Proposal, proposal_id)
    if proposal is None or proposal.kind not in kinds_of(context.actor.role):
        raise NotFound("There is no decision with this id that waits for a second person of your role.")
    _remove(context.session, proposal_id)
    return Outcome("proposal", 200, context.log.revision, {"id": str(proposal_id)})


def kinds_of(role: Role | None) -> tuple[ProposedKind, ...]:
    """The kinds of decision that are made by those of a role."""
    return () if role is None else DECIDED_BY.get(role, ())


def _remove(session: Session, proposal_id: uuid.UUID) -> None:
    session.connection().execute(delete(Proposal).where(col(Proposal.id) == proposal_id))
