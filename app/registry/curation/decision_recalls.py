"""Apply a recall of decisions: consents, judgements, undoings, agreements, confirmations and answers to objections.

Whatever such an entry changed is as it would be without it. Past revisions keep their rows."""

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from app.log.entries import LogEntry, load_entries
from app.models import OPEN, Claim, ClassHold, Consent, Decision, ObjectionHiding, PendingPair, Placement, Record
from app.registry.publication.classes import find_strictest_class


def apply_decision_recall(session: Session, entry: LogEntry) -> Collection[uuid.UUID]:
    """Take back the decisions that a recall names, and return the records whose people they were about."""
    touched = set[uuid.UUID]()
    for decision in load_entries(session, entry.body["decisions"]):
        if decision.kind == "identity":
            touched.update(_take_back_judgement(session, decision, entry.revision))
        elif decision.kind == "claim":
            is_confirmation = col(Claim.confirmed) == decision.revision
            session.connection().execute(update(Claim).where(is_confirmation).values(confirmed=None))
        elif "opens" in decision.body:
            touched.update(_close_again(session, decision.revision))
        else:
            session.connection().execute(delete(Consent).where(col(Consent.key) == decision.revision))
            is_first_step = col(ObjectionHiding.key) == decision.revision
            session.connection().execute(delete(ObjectionHiding).where(is_first_step))
            has_ended = col(ObjectionHiding.until) == decision.revision
            session.connection().execute(update(ObjectionHiding).where(has_ended).values(until=OPEN))
            touched.add(uuid.UUID(decision.body["record"]))
    return touched


def _take_back_judgement(session: Session, judgement: LogEntry, revision: int) -> Iterable[uuid.UUID]:
    """End a decision, or let the decision hold again that it undid."""
    is_decision: tuple[Any, ...] = (col(Decision.key) == judgement.revision, col(Decision.until) == OPEN)
    until = revision
    if "undoes" in judgement.body:
        is_undone = col(Decision.id) == uuid.UUID(judgement.body["undoes"])
        is_decision, until = (is_undone, col(Decision.until) == judgement.revision), OPEN
    statement = update(Decision).where(*is_decision).values(until=until)
    rows = session.connection().execute(statement.returning(col(Decision.key), col(Decision.a), col(Decision.b))).all()
    is_pending = (col(PendingPair.decision).in_([row.key for row in rows]), col(PendingPair.until) == OPEN)
    session.connection().execute(update(PendingPair).where(*is_pending).values(until=revision))
    return [record for row in rows for record in (row.a, row.b)]


def _close_again(session: Session, revision: int) -> Iterable[uuid.UUID]:
    """Give the people whom an agreement opened their former class, so that their opening waits again."""
    is_record = (col(Placement.since) < revision) & (col(Placement.until) >= revision)
    rows = session.execute(
        select(col(Record.key), col(Record.id), col(Record.publish_decided), col(ClassHold.publish))
        .join(Placement, (col(Placement.record) == col(Record.key)) & is_record)
        .join(ClassHold, col(ClassHold.detainee) == col(Placement.detainee))
        .where(col(ClassHold.until) == revision)
    ).all()
    for key, _id, decided, held in rows:
        former = update(Record).where(col(Record.key) == key)
        session.connection().execute(former.values(publish_decided=find_strictest_class([decided, held])))
    return [row.id for row in rows]
