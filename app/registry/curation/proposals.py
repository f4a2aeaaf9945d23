"""Keep decisions that wait for a second person: what opens people, and what a curator decides beyond a day's limit.

A waiting decision is a row of `proposal`, outside the log. It takes effect as a normal entry when a second holder
agrees, or after WAITING_TIME (`agreements.py`), and any curator can stop it. What hides people never waits.

Two people are the holders of two keys: a holder with two keys, or with the successor of a key, is one person. A key
without a holder may be anybody's, so nobody agrees with it. A holder's newer decision about the same subject replaces
the older one.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, distinct, func, select
from sqlmodel import Session, col

from app.matching.scripts import fold
from app.models import OPEN, ApiKey, BlockingKey, Entry, EntryAuthor, Placement, Proposal
from app.models.log import ProposalKind
from app.registry import api_keys
from app.registry.identity.blocking_keys import format_facility_key
from app.registry.write import Outcome, WriteContext, build_proposal

WAITING_TIME = timedelta(hours=24)
# `proposed_at` of a decision that was agreed and is not finished: due whatever the clock says.
AGREED = datetime(1970, 1, 1, tzinfo=UTC)
# Joins, partings, confirmations, agreements and people placed by one holder in WAITING_TIME. A curator compares that
# many people with care in a morning; a thief changes no more of them in a day.
MAX_PEOPLE_A_DAY = 20


def require_agreement(
    context: WriteContext,
    kind: ProposalKind,
    subject: tuple[int, int],
    decision: str,
    body: BaseModel | None = None,
    covers: Callable[[Proposal], bool] = lambda _proposal: True,
) -> Outcome | None:
    """Store a decision about a subject that waits, and return the outcome.

    Returns None if it is agreed, or another holder proposed the same: the caller then carries the decision out.
    `subject`: two keys of records or claims, the same twice for one. `covers`: whether a proposal of the same decision
    still answers all that the decision must answer."""
    if context.is_agreed:
        return None
    is_subject = (col(Proposal.kind) == kind, col(Proposal.a) == subject[0], col(Proposal.b) == subject[1])
    waiting = context.session.scalars(select(Proposal).where(*is_subject)).all()
    own = [row for row in waiting if _is_own(context, row)]
    delete_proposals(context.session, own)
    for other in waiting:
        if other not in own and other.decision == decision and covers(other) and can_agree(context, other):
            delete_proposals(context.session, [other])
            return None
    proposal = build_proposal(context, kind, subject, decision, "{}" if body is None else body.model_dump_json())
    context.session.add(proposal)
    context.session.flush()
    return Outcome("proposal", 202, context.log.revision, {"id": str(proposal.id)})


def require_agreement_beyond_limit(
    context: WriteContext, kind: ProposalKind, subject: tuple[int, int], decision: str, body: BaseModel | None = None
) -> Outcome | None:
    """Do the same for a decision that waits only if its holder decided about MAX_PEOPLE_A_DAY people today."""
    if not exceeds_limit(context, 1):
        is_same = (col(Proposal.a) == subject[0], col(Proposal.b) == subject[1], col(Proposal.decision) == decision)
        context.session.connection().execute(delete(Proposal).where(col(Proposal.kind) == kind, *is_same))
        return None
    return require_agreement(context, kind, subject, decision, body)


def exceeds_limit(context: WriteContext, people: int) -> bool:
    """Return whether the holder of the writing key would decide about more than MAX_PEOPLE_A_DAY people within a day.

    The machine's own commands have no key and no limit."""
    if not context.key_id or context.is_agreed:
        return False
    key = context.session.get_one(ApiKey, context.key_id)
    keys = [key.id]
    if key.holder is not None:
        rows = context.session.execute(
            select(col(ApiKey.id), col(ApiKey.holder)).where(col(ApiKey.holder).is_not(None))
        )
        keys = [key_id for key_id, holder in rows if api_keys.is_same_holder(key.holder, str(holder))]
    bodies = context.session.scalars(
        select(col(Entry.body))
        .join(EntryAuthor, col(EntryAuthor.revision) == col(Entry.revision))
        .where(col(EntryAuthor.key_id).in_(keys), col(Entry.recorded_at) > context.now - WAITING_TIME)
        .where(col(Entry.kind).in_(("identity", "consent", "claim", "review", "facility")))
    )
    return people + sum(_count_decided_people(context.session, json.loads(body)) for body in bodies) > MAX_PEOPLE_A_DAY


def _count_decided_people(session: Session, body: dict[str, Any]) -> int:
    """Return how many people an entry joins, parts, confirms, opens or places."""
    if "names" in body:  # a facility; how many people reports place there is not in the log, since it is personal
        return count_people_at(session, [body["slug"], *body["names"]])
    people: int = body.get("people", body.get("by") == "curator" or "undoes" in body or "confirms" in body)
    return people


def count_people_at(session: Session, names: Sequence[str]) -> int:
    """Return how many people have reports that name a facility, by its slug or one of its names."""
    keys = [format_facility_key(fold(name)) for name in names]
    query = (
        select(func.count(distinct(col(Placement.detainee))))
        .join(BlockingKey, col(BlockingKey.record) == col(Placement.record))
        .where(col(BlockingKey.key).in_(keys), col(Placement.until) == OPEN)
    )
    return int(session.execute(query).scalar_one())


def _is_own(context: WriteContext, proposal: Proposal) -> bool:
    """Return whether the holder of the writing key made a proposal, with this key or another."""
    if proposal.proposed_by == context.key_id:
        return True
    first, second = (find_key_holder(context.session, key) for key in (proposal.proposed_by, context.key_id))
    return first is not None and second is not None and api_keys.is_same_holder(first, second)


def can_agree(context: WriteContext, proposal: Proposal) -> bool:
    """Return whether the writing key is a second person's, and the proposal's key was not revoked as a thief's."""
    return not has_same_holder(context.session, proposal.proposed_by, context.key_id) and not is_key_revoked(
        context.session, proposal
    )


def is_key_revoked(session: Session, proposal: Proposal) -> bool:
    """Return whether the key of a proposal was revoked. Commands propose without a key."""
    return bool(proposal.proposed_by) and api_keys.is_key_revoked(session, proposal.proposed_by)


def find_key_holder(session: Session, key_id: str) -> str | None:
    """Return the holder of a key; None for a key created before holders were required."""
    return session.scalars(select(col(ApiKey.holder)).where(col(ApiKey.id) == key_id)).one_or_none()


def has_same_holder(session: Session, proposed_by: str, key_id: str) -> bool:
    """Return whether one person may have both keys. A key without a holder may be anybody's, a command is nobody's."""
    if not proposed_by:
        return False
    first, second = find_key_holder(session, proposed_by), find_key_holder(session, key_id)
    return first is None or second is None or api_keys.is_same_holder(first, second)


def list_due_proposals(session: Session, now: datetime, limit: int, *, trusts_clock: bool = True) -> Sequence[Proposal]:
    """Return the proposals that have waited long enough, oldest first. `trusts_clock`: not only the agreed ones."""
    is_due = col(Proposal.proposed_at) <= (now - WAITING_TIME if trusts_clock else AGREED)
    query = select(Proposal).where(is_due).order_by(col(Proposal.proposed_at), col(Proposal.id))
    return [row for row in session.scalars(query) if not is_key_revoked(session, row)][:limit]


def delete_proposals(session: Session, proposals: Sequence[Proposal]) -> None:
    """Delete proposals that were carried out, replaced or stopped."""
    ids = [proposal.id for proposal in proposals]
    session.connection().execute(delete(Proposal).where(col(Proposal.id).in_(ids)))
