"""Finish erasures: what was deleted leaves the tables at once, the columns that this machine has saved next, and the
files of the database once nobody reads it.

The head row says up to which revision erasures are finished, so that a restart forgets none. The server tries again,
and so does every command that opens the database, but for those that must work whatever happens.
"""

from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app.columns.saved import directory_of
from app.db.engine import reading, writing
from app.db.scrub import scrub
from app.models import Head, ImportFile, ImportMapping, ImportRow, ListImport, SourceRealName, WaitingReport
from app.registry.erasure import ERASED

UNFINISHED = "erasure_unfinished"
# Deleted as lists are filed, as embargoes end, and where a source gives its pseudonym up.
_SEALED: tuple[type[Any], ...] = (ImportFile, ImportMapping, ImportRow, ListImport, SourceRealName, WaitingReport)
TABLES = sorted(table.__table__.name for table in {*ERASED, *_SEALED})


def is_finished(session: Session, revision: int) -> bool:
    """Whether the erasure of that revision has left the files too."""
    return session.scalars(select(col(Head.scrubbed))).one() >= revision


def warnings(session: Session) -> list[str]:
    """The warnings for the operator."""
    erased, scrubbed = _revisions(session)
    return [UNFINISHED] if erased > scrubbed else []


def _revisions(session: Session) -> tuple[int, int]:
    """The revision of the last erasure, and up to which they are finished."""
    erased, scrubbed = session.execute(select(col(Head.erased), col(Head.scrubbed))).one()
    return int(erased), int(scrubbed)


def finish(engine: Engine) -> bool:
    """Finish whatever erasure is not; False where it has to be tried again. An erasure holds whatever fails here, so
    that nothing is raised."""
    directory = directory_of(engine)
    try:
        with reading(engine) as session:
            erased, scrubbed = _revisions(session)
        # Another machine may have finished it, with a directory of its own.
        if directory is not None and not directory.forget(erased):
            return False
        if erased <= scrubbed:
            return True
        if not scrub(engine, TABLES, erased):
            return False
        with writing(engine) as session:
            done = update(Head).where(col(Head.scrubbed) < erased).values(scrubbed=erased)
            session.connection().execute(done)
    except SQLAlchemyError:
        return False
    return True
