"""Erase the personal values of records wherever they are stored, and finish erasures in files.

Public rows and log entries stay. Erased values leave the tables at once, then the columns saved on this machine, and
the database files once no other reader uses them. The head row stores the revision up to which erasures are finished,
so that a restart forgets none. The server tries again, and so does every command that opens the database, except those
that must always work.
"""

import uuid
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Engine, Table, and_, delete, insert, or_, select, union_all, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app.columns.cache import get_columns_directory
from app.db.engine import open_read_session, open_write_session
from app.db.scrub import scrub_database
from app.models import (
    BlockingKey,
    Consent,
    Decision,
    DetaineePersonal,
    Head,
    HiddenCandidatePair,
    ImportFile,
    ImportMapping,
    ImportRow,
    ListImport,
    NoticeHolder,
    Objection,
    Placement,
    Proposal,
    ProvisionalHiding,
    Record,
    Report,
    RequestedClass,
    Sealed,
    SourceRealName,
    SourceTrait,
    SpellPersonal,
    Trait,
    UncomparedRecord,
    WaitingReport,
)
from app.registry.reprojection import mark_changed_people
from app.vocabulary import Publish

RecordKeys: TypeAlias = Collection[int]
RecordIds: TypeAlias = Collection[uuid.UUID]


def _match_sealed_values(keys: RecordKeys, ids: RecordIds) -> ColumnElement[bool]:
    entries = union_all(
        select(col(Report.stated)).where(col(Report.record).in_(keys)),
        select(col(Consent.key)).where(col(Consent.record).in_(keys)),
        select(col(Decision.key)).where(or_(col(Decision.a).in_(ids), col(Decision.b).in_(ids))),
    )
    return col(Sealed.revision).in_(entries)


def _match_candidate_pairs(keys: RecordKeys, _ids: RecordIds) -> ColumnElement[bool]:
    return or_(col(HiddenCandidatePair.record).in_(keys), col(HiddenCandidatePair.other).in_(keys))


def _match_requested_classes(keys: RecordKeys, _ids: RecordIds) -> ColumnElement[bool]:
    is_named = col(RequestedClass.publish) == Publish.NAMED  # these rows store only the day of a wish
    return and_(col(RequestedClass.record).in_(keys), is_named)


def _match_proposals(keys: RecordKeys, _ids: RecordIds) -> ColumnElement[bool]:
    is_opening = col(Proposal.kind) == "opening"  # it says nothing of a person, and other people may wait for it
    return and_(~is_opening, or_(col(Proposal.a).in_(keys), col(Proposal.b).in_(keys)))


# Everything that an erasure deletes: tables with personal values of a person in a span of revisions, and the rows of
# other tables by record. These tables are also scrubbed from the database files.
PERSONAL_TABLES: tuple[type[Any], ...] = (DetaineePersonal, SpellPersonal, Trait, SourceTrait, ProvisionalHiding)
_RECORD_FILTERS: dict[type[Any], Callable[[RecordKeys, RecordIds], ColumnElement[bool]]] = {
    Sealed: _match_sealed_values,
    RequestedClass: _match_requested_classes,
    BlockingKey: lambda keys, _ids: col(BlockingKey.record).in_(keys),
    HiddenCandidatePair: _match_candidate_pairs,
    Objection: lambda keys, _ids: col(Objection.record).in_(keys),
    UncomparedRecord: lambda keys, _ids: col(UncomparedRecord.record).in_(keys),
    Proposal: _match_proposals,
}
ERASED_TABLES = (*PERSONAL_TABLES, *_RECORD_FILTERS)


def erase_records(session: Session, records: RecordIds, revision: int) -> None:
    """Delete the records' values and salts in every version, and the personal rows of every person they belonged to.

    `revision`: of the erasure, which `finish_erasures` finishes later."""
    run = session.connection().execute
    run(update(Head).values(erased=revision))
    keys = session.scalars(select(col(Record.key)).where(col(Record.id).in_(records))).all()
    run(update(Record).where(col(Record.key).in_(keys)).values(redacted=True))
    for table, build_filter in _RECORD_FILTERS.items():
        run(delete(table).where(build_filter(keys, records)))
    run(update(RequestedClass).where(col(RequestedClass.record).in_(keys)).values(given_hi=None))
    run(update(ImportRow).where(col(ImportRow.report).in_(records)).values(changes=None))
    mark_changed_people(session.connection(), _erase_personal_rows(session, keys), revision)


def _erase_personal_rows(session: Session, keys: RecordKeys) -> set[int]:
    """Delete the personal rows of every person of the records, at the revisions of their placement.

    Returns these people."""
    placements = session.execute(select(Placement).where(col(Placement.record).in_(keys))).scalars().all()
    for placement in placements:
        for table in PERSONAL_TABLES:
            _delete_span(session, table.__table__, placement)
    return {placement.detainee for placement in placements}


def _delete_span(session: Session, table: Table, placement: Placement) -> None:
    """Delete a person's rows in the span of a placement. Rows that extend beyond the span are shortened or split."""
    run = session.connection().execute
    overlap = and_(
        table.c.detainee == placement.detainee, table.c.since < placement.until, table.c.until > placement.since
    )
    rows = [dict(row) for row in run(select(table).where(overlap)).mappings()]
    run(delete(table).where(overlap))
    remaining_rows = [{**row, "until": placement.since} for row in rows if row["since"] < placement.since]
    remaining_rows += [{**row, "since": placement.until} for row in rows if row["until"] > placement.until]
    if remaining_rows:
        run(insert(table), remaining_rows)


UNFINISHED_ERASURE_WARNING = "erasure_unfinished"
# Tables with sealed values. Rows are deleted when their list is filed, their embargo ends or a real name is removed.
_SEALED_TABLES: tuple[type[Any], ...] = (
    ImportFile,
    ImportMapping,
    ImportRow,
    ListImport,
    NoticeHolder,
    SourceRealName,
    WaitingReport,
)
SCRUBBED_TABLES = sorted(table.__table__.name for table in {*ERASED_TABLES, *_SEALED_TABLES})


def is_erasure_finished(session: Session, revision: int) -> bool:
    """Return whether the erasure of that revision is finished in the files too."""
    return session.scalars(select(col(Head.scrubbed))).one() >= revision


def list_erasure_warnings(session: Session) -> list[str]:
    """Return the warnings for the operator."""
    erased_revision, scrubbed_revision = _load_erasure_revisions(session)
    return [UNFINISHED_ERASURE_WARNING] if erased_revision > scrubbed_revision else []


def _load_erasure_revisions(session: Session) -> tuple[int, int]:
    """Return the revision of the last erasure, and the revision up to which erasures are finished."""
    erased_revision, scrubbed_revision = session.execute(select(col(Head.erased), col(Head.scrubbed))).one()
    return int(erased_revision), int(scrubbed_revision)


def finish_erasures(engine: Engine) -> bool:
    """Finish unfinished erasures, and return whether none is left.

    Database errors are not raised: the erasure itself is valid, and the caller tries again."""
    directory = get_columns_directory(engine)
    try:
        with open_read_session(engine) as session:
            erased_revision, scrubbed_revision = _load_erasure_revisions(session)
        # Another machine may have finished it, with a directory of its own.
        if directory is not None and not directory.delete_before(erased_revision):
            return False
        if erased_revision <= scrubbed_revision:
            return True
        if not scrub_database(engine, SCRUBBED_TABLES, erased_revision):
            return False
        with open_write_session(engine) as session:
            statement = update(Head).where(col(Head.scrubbed) < erased_revision).values(scrubbed=erased_revision)
            session.connection().execute(statement)
    except SQLAlchemyError:
        return False
    return True
