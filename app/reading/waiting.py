"""The reports that wait for the end of an embargo: whole for their source, without a word of them for curators and
administrators."""

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.log import head
from app.models import OPEN, Source, WaitingReport
from app.reading.paging import Page, read_cursor, write_cursor
from app.reading.questions import Paged
from app.registry import waiting_reports
from app.registry.publication.permissions import Reader
from app.registry.waiting_reports import Waiting
from app.schemas.directory import EmbargoedReport, EmbargoedShape, EmbargoProblem
from app.vocabulary import Role

OF = "waiting"  # of cursors
DAMAGED: EmbargoProblem = {
    "code": "damaged",
    "detail": "This report was changed in the database, and nobody can read it: send it again, or delete it.",
    "errors": [],
}


def waiting_for(session: Session, query: Paged, reader: Reader, secret: bytes) -> Page[EmbargoedShape]:
    """A page of what waits of the reader's own, or of every source for who looks after the registry; whatever ends
    first comes first. A cursor is a place in that order, so that what ends meanwhile moves the rows behind it up."""
    own = reader.role is Role.REPORTER
    among = [col(WaitingReport.source) == reader.source] if own else []
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN)).all())
    (place,) = read_cursor(query.cursor, OF) or [0]
    rows = waiting_reports.read(session, *among, limit=query.limit + 1, after=max(place, 0))
    cursor = write_cursor(OF, [place + query.limit]) if len(rows) > query.limit else None
    return Page([_shown(row, slugs[row.source], secret, own=own) for row in rows[: query.limit]], cursor)


def _shown(row: Waiting, slug: str, secret: bytes, *, own: bool) -> EmbargoedShape:
    try:
        problem, report = row.reason(secret), _without_number(row.sent(secret))
    except head.Damaged:  # the others must still be read
        problem, report = DAMAGED, None
    return {
        "id": row.id,
        "source": slug,
        "waiting_until": format_instant(row.until),
        "received_at": format_instant(row.received_at),
        "refused_at": None if row.refused_at is None else format_instant(row.refused_at),
        "problem": problem,
        "report": report if own else None,
    }


def _without_number(report: EmbargoedReport) -> EmbargoedReport:
    """The report without its identification number, which is never returned."""
    sent = report.get("detainee")
    if not sent:
        return report
    return {**report, "detainee": {name: value for name, value in sent.items() if name != "national_id"}}
