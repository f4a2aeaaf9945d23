"""Erase what is personal about records, everywhere it is kept. Public rows and the log's bytes stay.

Finish erasures: what was deleted leaves the tables at once, the columns that this machine has saved next, and the
files of the database once nobody reads it.

The head row says up to which revision erasures are finished, so that a restart forgets none. The server tries again,
and so does every command that opens the database, but for those that must work whatever happens."""

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
    is_named = col(RequestedClass.publish) == Publish.NAMED  # kept for its day alone
    return and_(col(RequestedClass.record).in_(keys), is_named)


# What is personal about a person in a span of revisions, and which rows of which other tables are about records. All
# that an erasure deletes is declared here: these tables leave the files of the database too (`scrubbing`).
PERSONAL_TABLES: tuple[type[Any], ...] = (DetaineePersonal, SpellPersonal, Trait, SourceTrait, ProvisionalHiding)
_RECORD_FILTERS: dict[type[Any], Callable[[RecordKeys, RecordIds], ColumnElement[bool]]] = {
    Sealed: _match_sealed_values,
    RequestedClass: _match_requested_classes,
    BlockingKey: lambda keys, _ids: col(BlockingKey.record).in_(keys),
    HiddenCandidatePair: _match_candidate_pairs,
    Objection: lambda keys, _ids: col(Objection.record).in_(keys),
    UncomparedRecord: lambda keys, _ids: col(UncomparedRecord.record).in_(keys),
    Proposal: lambda keys, _ids: or_(col(Proposal.a).in_(keys), col(Proposal.b).in_(keys)),
}
ERASED_TABLES = (*PERSONAL_TABLES, *_RECORD_FILTERS)


def erase_records(session: Session, records: RecordIds, revision: int) -> None:
    """Delete values, salts and personal rows of the records, in every version, of every person they ever belonged
    to. `revision`: of the erasure, which `scrubbing` then finishes."""
    run = session.connection().execute
    run(update(Head).values(erased=revision))
    keys = session.scalars(select(col(Record.key)).where(col(Record.id).in_(records))).all()
    run(update(Record).where(col(Record.key).in_(keys)).values(redacted=True))
    for table, build_filter in _RECORD_FILTERS.items():
        run(delete(table).where(build_filter(keys, records)))
    run(update(RequestedClass).where(col(RequestedClass.record).in_(keys)).values(given_hi=None))
    mark_changed_people(session.connection(), _erase_personal_rows(session, keys), revision)


def _erase_personal_rows(session: Session, keys: RecordKeys) -> set[int]:
    """Delete the personal rows of every person one of the records belonged to, at the revisions at which it did; these
    people."""
    placements = session.execute(select(Placement).where(col(Placement.record).in_(keys))).scalars().all()
    for placement in placements:
        for table in PERSONAL_TABLES:
            _delete_span(session, table.__table__, placement)
    return {placement.detainee for placement in placements}


def _delete_span(session: Session, table: Table, placement: Placement) -> None:
    """Remove the rows of a span of revisions; what a row says of the time before and after stays."""
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
# Deleted as lists are filed, as embargoes end, and where a source gives its pseudonym up.
_SEALED_TABLES: tuple[type[Any], ...] = (
    ImportFile,
    ImportMapping,
    ImportRow,
    ListImport,
    SourceRealName,
    WaitingReport,
)
SCRUBBED_TABLES = sorted(table.__table__.name for table in {*ERASED_TABLES, *_SEALED_TABLES})


def is_erasure_finished(session: Session, revision: int) -> bool:
    """Whether the erasure of that revision has left the files too."""
    return session.scalars(select(col(Head.scrubbed))).one() >= revision


def list_erasure_warnings(session: Session) -> list[str]:
    """The warnings for the operator."""
    erased_revision, scrubbed_revision = _load_erasure_revisions(session)
    return [UNFINISHED_ERASURE_WARNING] if erased_revision > scrubbed_revision else []


def _load_erasure_revisions(session: Session) -> tuple[int, int]:
    """The revision of the last erasure, and up to which they are finished."""
    erased_revision, scrubbed_revision = session.execute(select(col(Head.erased), col(Head.scrubbed))).one()
    return int(erased_revision), int(scrubbed_revision)


def finish_erasures(engine: Engine) -> bool:
    """Finish whatever erasure is not; False where it has to be tried again. An erasure holds whatever fails here, so
    that nothing is raised."""
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
