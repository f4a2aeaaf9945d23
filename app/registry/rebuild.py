"""Replay the log: make every base and projected table anew from the entries and the sealed values."""

import json
import uuid
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.columns.rows import STANDS
from app.columns.saved import directory_of
from app.log.entries import lock_head, replay
from app.log.head import set_rules
from app.models import (
    PROJECTED,
    BlockingKey,
    ChangedPerson,
    Claim,
    Consent,
    Decision,
    Entry,
    Facility,
    ObjectionHiding,
    PendingPair,
    RecalledEntry,
    Record,
    Report,
    RequestedClass,
    Source,
)
from app.registry.apply import Projector
from app.registry.projection import RULES

BASE: tuple[type[Any], ...] = (
    Source, Facility, Record, Report, RequestedClass, Decision, Consent, ObjectionHiding, Claim, RecalledEntry,
    BlockingKey, PendingPair, ChangedPerson,
)  # fmt: skip


def rebuild(session: Session) -> int:
    """Make all rows anew under today's rules; returns the number of entries replayed. Under unchanged rules the rows
    are the same as before."""
    lock_head(session)  # no write may come between deleting and replaying
    directory = directory_of(session.connection().engine)
    if directory is not None:
        directory.forget(STANDS)  # whatever was saved is of the rows that stood before
    set_rules(session, RULES)
    for table in (*BASE, *PROJECTED):
        session.connection().execute(delete(table))
    projector = Projector(session, _erased(session))
    number = 0
    for entry in replay(session):
        projector.apply(entry)
        number += 1
    return number


def _erased(session: Session) -> set[uuid.UUID]:
    """The records erased at any time: nothing personal of them may come back, not even for the time before."""
    bodies = session.scalars(select(col(Entry.body)).where(col(Entry.kind) == "redaction"))
    return {uuid.UUID(record) for body in bodies for record in json.loads(body)["records"]}
