"""The two-person rule: what one curator may not decide alone waits, outside the log, until a second one decides it too.

Only what joins people or shows more of them can be asked of two. To part people, to undo, to hide and to erase takes
one: it must hold at once.
"""

import uuid
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import NotFound
from app.models import OPEN, Placement, Proposal, Record
from app.registry import records
from app.registry.write import Outcome, WriteContext, new_id

Kind = Literal["identity", "consent"]


def wait_for_second(
    context: WriteContext, kind: Kind, about: Sequence[Record], decision: str, body: BaseModel
) -> Outcome | None:
    """The outcome of a decision that now waits; None where another curator had made the same one, which is then no
    longer waiting and is to be carried out. Whoever proposed it cannot be the second."""
    a, b = about[0].key, about[-1].key
    found = _waiting(context.session, kind, a, b, decision)
    if found is None:
        found = Proposal(
            id=new_id(),
            kind=kind,
            a=a,
            b=b,
            decision=decision,
            body=body.model_dump_json(),
            proposed_by=context.key_id,
            proposed_at=context.now,
        )
        context.session.add(found)
        context.session.flush()
    elif found.proposed_by != context.key_id:
        _remove(context.session, found.id)
        return None
    return Outcome("proposal", 202, context.log.revision, {"id": str(found.id)})


def _waiting(session: Session, kind: Kind, a: int, b: int, decision: str) -> Proposal | None:
    """The same decision about the same people, by whatever ids: who was absorbed can be named by more than one."""
    one, two = aliased(Placement), aliased(Placement)
    mine = [place.detainee for key in (a, b) if (place := records.placement(session, key)) is not None]
    held = tuple_(col(one.detainee), col(two.detainee))
    return session.scalars(
        select(Proposal)
        .join(one, (col(one.record) == col(Proposal.a)) & (col(one.until) == OPEN))
        .join(two, (col(two.record) == col(Proposal.b)) & (col(two.until) == OPEN))
        .where(
            col(Proposal.kind) == kind,
            col(Proposal.decision) == decision,
            held.in_([tuple(mine), tuple(reversed(mine))]),
        )
    ).first()


def withdraw(context: WriteContext, proposal_id: uuid.UUID) -> Outcome:
    """Take a decision off that waits for a second curator: one's own, or one that this curator will not share."""
    if context.session.get(Proposal, proposal_id) is None:
        raise NotFound("There is no decision with this id that waits for a second curator.")
    _remove(context.session, proposal_id)
    return Outcome("proposal", 200, context.log.revision, {"id": str(proposal_id)})


def _remove(session: Session, proposal_id: uuid.UUID) -> None:
    session.connection().execute(delete(Proposal).where(col(Proposal.id) == proposal_id))
