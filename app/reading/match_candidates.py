"""The people of whom a report may speak, as far as the key that filed the report may know of them (rule 12)."""

from sqlalchemy import select
from sqlmodel import Session, col

from app.log.entries import entry_at
from app.models import Decision, Record
from app.registry import records
from app.registry.read_permissions import Reader
from app.vocabulary import Judgement
from app.wire.filed import Candidate


def match_candidates(session: Session, record: Record, revision: int, reader: Reader) -> list[Candidate]:
    """The people whom the matcher found, best first, as far as this key may know of them."""
    decisions = session.scalars(
        select(Decision)
        .where(
            col(Decision.b) == record.id,
            col(Decision.decided_by) == "matcher",
            col(Decision.key) < revision,
            col(Decision.judgement).in_([Judgement.UNSURE, Judgement.SAME]),
        )
        .order_by(col(Decision.score).desc(), col(Decision.key))
    )
    recognised: list[Candidate] = []
    for decision in decisions:
        other = session.scalars(select(Record).where(col(Record.id) == decision.a)).one()
        if not reader.recognises(other.publish_now):
            continue
        place = records.placement(session, other.key, revision)
        if place is None:
            continue  # recalled
        holder = session.scalars(select(Record).where(col(Record.key) == place.detainee)).one()
        reasons = entry_at(session, decision.key).personal.get("reasons", [])
        recognised.append({"detainee_id": holder.detainee_id, "score": decision.score / 1000, "reasons": reasons})
    return recognised
