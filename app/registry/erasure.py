"""Erase what is personal about records, everywhere it is kept. Public rows and the log's bytes stay."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, and_, delete, insert, or_, select, update
from sqlmodel import Session, col

from app.models import (
    BlockingKey,
    Consent,
    Decision,
    DetaineePersonal,
    Head,
    HiddenCandidatePair,
    Objection,
    Placement,
    Proposal,
    ProvisionalHiding,
    Record,
    Report,
    RequestedClass,
    Sealed,
    SourceTrait,
    SpellPersonal,
    Trait,
    UncomparedRecord,
)
from app.vocabulary import Publish

PERSONAL: tuple[type[Any], ...] = (DetaineePersonal, SpellPersonal, Trait, SourceTrait, ProvisionalHiding)


def erase(session: Session, records: Collection[uuid.UUID], revision: int) -> None:
    """Delete values, salts and personal rows of the records, in every version, of every person they ever belonged
    to. `revision`: of the erasure, which `scrubbing` then finishes."""
    run = session.connection().execute
    run(update(Head).values(erased=revision))
    keys = session.scalars(select(col(Record.key)).where(col(Record.id).in_(records))).all()
    run(update(Record).where(col(Record.key).in_(keys)).values(redacted=True))
    for revisions in (
        select(col(Report.since)).where(col(Report.record).in_(keys)),
        select(col(Consent.key)).where(col(Consent.record).in_(keys)),
        select(col(Decision.key)).where(or_(col(Decision.a).in_(records), col(Decision.b).in_(records))),
    ):
        run(delete(Sealed).where(col(Sealed.revision).in_(revisions)))
    of_records = col(RequestedClass.record).in_(keys)
    run(
        delete(RequestedClass).where(of_records, col(RequestedClass.publish) == Publish.NAMED)
    )  # kept for its day alone
    run(update(RequestedClass).where(of_records).values(given_hi=None))
    run(delete(BlockingKey).where(col(BlockingKey.record).in_(keys)))
    run(
        delete(HiddenCandidatePair).where(
            or_(col(HiddenCandidatePair.record).in_(keys), col(HiddenCandidatePair.other).in_(keys))
        )
    )
    run(delete(Objection).where(col(Objection.record).in_(keys)))
    run(delete(UncomparedRecord).where(col(UncomparedRecord.record).in_(keys)))
    run(delete(Proposal).where(or_(col(Proposal.a).in_(keys), col(Proposal.b).in_(keys))))
    _erase_rows(session, keys)


def _erase_rows(session: Session, keys: Collection[int]) -> None:
    """Delete the personal rows of every person one of the records belonged to, at the revisions at which it did."""
    placements = session.execute(select(Placement).where(col(Placement.record).in_(keys))).scalars().all()
    for placement in placements:
        for table in PERSONAL:
            _cut_out(session, table.__table__, placement)


def _cut_out(session: Session, table: Table, placement: Placement) -> None:
    """Remove the rows of a span of revisions; what a row says of the time before and after stays."""
    run = session.connection().execute
    overlap = and_(
        table.c.detainee == placement.detainee, table.c.since < placement.until, table.c.until > placement.since
    )
    rows = [dict(row) for row in run(select(table).where(overlap)).mappings()]
    run(delete(table).where(overlap))
    kept = [{**row, "until": placement.since} for row in rows if row["since"] < placement.since]
    kept += [{**row, "since": placement.until} for row in rows if row["until"] > placement.until]
    if kept:
        run(insert(table), kept)
