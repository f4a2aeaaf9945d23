"""What one person has decided and a second must decide too, for those who decide such things."""

import json

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.log.entries import head
from app.models import ApiKey, Placement, Proposal
from app.reading import person_records, shapes
from app.reading.paging import Page
from app.reading.visibility import at
from app.registry import two_person_rule
from app.registry.publication.permissions import Reader
from app.schemas.filed import ProposalShape
from app.schemas.records import DetaineeShape

# More wait nowhere for long: each is seen by whoever opens the list.
MOST_PROPOSALS = 200


def proposals(session: Session, reader: Reader, key: ApiKey | None) -> Page[ProposalShape]:
    """All proposals that wait now for somebody of the reader's role, oldest first. `mine`: proposed by the holder of
    this key, who cannot second it."""
    rows = session.scalars(
        select(Proposal)
        .where(col(Proposal.kind).in_(two_person_rule.kinds_of(reader.role)))
        .order_by(col(Proposal.proposed_at), col(Proposal.id))
        .limit(MOST_PROPOSALS)
    )
    return Page([_shown(session, row, reader, key) for row in rows], None)


def _shown(session: Session, row: Proposal, reader: Reader, key: ApiKey | None) -> ProposalShape:
    return {
        "id": row.id,
        "kind": row.kind,
        "decision": row.decision,
        "mine": key is None or two_person_rule.is_one_holder(session, row.proposed_by, key.id),
        "proposed_at": format_instant(row.proposed_at),
        "body": json.loads(row.body),
        "a": _person(session, row.a, reader),
        "b": None if row.b == row.a else _person(session, row.b, reader),
    }


def _person(session: Session, record: int, reader: Reader) -> DetaineeShape | None:
    """The person who holds a record today; None where it is no record, or one that was recalled."""
    newest = head(session)[0]
    holder = select(col(Placement.detainee)).where(col(Placement.record) == record, at(Placement, newest))
    key = session.scalars(holder).one_or_none()
    return None if key is None else shapes.detainee(person_records.people(session, [key], newest)[key], reader)
