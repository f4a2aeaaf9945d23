"""The people of whom a report may speak, as far as the key that filed the report may know of them (rule 12)."""

import uuid
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log import entries
from app.models import Decision, Placement, Record, Sealed
from app.registry.publication.permissions import Reader
from app.schemas.filed import Candidate
from app.vocabulary import Judgement

_HOLDER: Any = aliased(Record)
_DECIDED = (
    select(col(Decision.score), col(Record.publish_now), _HOLDER.detainee_id, col(Sealed.disclosures))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, col(Placement.record) == col(Record.key))  # none of a recalled record
    .join(_HOLDER, _HOLDER.key == col(Placement.detainee))
    .outerjoin(Sealed, col(Sealed.revision) == col(Decision.key))
    .where(
        col(Decision.b) == bindparam("of"),
        col(Decision.decided_by) == "matcher",
        col(Decision.key) < bindparam("at"),
        or_(col(Decision.judgement) == Judgement.UNSURE, col(Decision.judgement) == Judgement.SAME),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
    .order_by(col(Decision.score).desc(), col(Decision.key))
)


def match_candidates(session: Session, record: uuid.UUID, revision: int, reader: Reader) -> list[Candidate]:
    """The people whom the matcher found, best first, as far as this key may know of them."""
    rows = session.connection().execute(_DECIDED, {"of": record, "at": revision})
    return [
        {"detainee_id": detainee, "score": score / 1000, "reasons": entries.values(disclosures).get("reasons", [])}
        for score, publish, detainee, disclosures in rows
        if reader.recognises(publish)
    ]
