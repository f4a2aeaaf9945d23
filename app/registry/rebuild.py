"""Replay the log: every base and projected table is made anew from the entries and the sealed values beside them."""

import json
import uuid
from typing import Any

from sqlalchemy import delete, exists, select
from sqlmodel import Session, col

from app.log.entries import lock_head, replay
from app.models import (
    BlockingKey,
    Claim,
    Consent,
    Decision,
    Detention,
    Entry,
    Facility,
    Held,
    PendingPair,
    Record,
    Report,
    Source,
)
from app.registry.apply import Projector
from app.registry.components import PROJECTED

BASE: tuple[type[Any], ...] = (Source, Facility, Record, Report, Decision, Consent, Claim, BlockingKey, PendingPair)


def rebuild(session: Session) -> int:
    """Make all rows anew; returns the number of entries replayed. The rows are the same as before."""
    lock_head(session)  # nothing may be written between the rows that go and those that come
    return _replayed(session)


def catch_up(session: Session) -> int:
    """Make all rows anew where a migration brought tables that they are to fill; returns the number of entries
    replayed, 0 where nothing was missing. Several processes that start together do it once."""
    if not _lacks_rows(session):
        return 0
    lock_head(session)
    return _replayed(session) if _lacks_rows(session) else 0


def _lacks_rows(session: Session) -> bool:
    """Every detention has a row of `held`, from one transaction: where there is none, none has been made yet. Keys of
    names of the first form began with `n:`."""
    unfilled = exists().select_from(Detention) & ~exists().select_from(Held)
    first_form = exists().where(col(BlockingKey.key).startswith("n:"))
    return bool(session.execute(select(unfilled | first_form)).scalar_one())


def _replayed(session: Session) -> int:
    for table in (*BASE, *PROJECTED):
        session.connection().execute(delete(table))
    projector = Projector(session, _erased(session))
    number = 0
    for entry in replay(session):
        projector.apply(entry)
        number += 1
    return number


def _erased(session: Session) -> set[uuid.UUID]:
    """Records erased at any time: nothing personal of them may come back, not even for the time before."""
    bodies = session.scalars(select(col(Entry.body)).where(col(Entry.kind) == "redaction"))
    return {uuid.UUID(record) for body in bodies for record in json.loads(body)["records"]}
