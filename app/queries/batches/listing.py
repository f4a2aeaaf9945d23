"""Batches of reports that no curator has reviewed, and the reports of one batch."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.errors import NotFound
from app.log.entries import read_head
from app.models import OPEN, Source
from app.queries import shapes
from app.queries.batches.comparison import MAX_COMPARED_REPORTS, ComparedReport, compare_reports
from app.queries.list_pages import build_report_shape
from app.queries.parameters import BatchReportQuery, Page, PageExtras, read_cursor, write_cursor
from app.registry.publication.permissions import Reader
from app.registry.review.batches import UnreviewedReport, group_in_batches, iterate_unreviewed
from app.schemas.filed import BatchOut, BatchReportOut
from app.vocabulary import Review

BATCH_CURSOR = "batch"  # of cursors


def query_batches(session: Session, reader: Reader, *, compare: bool = True) -> Page[BatchOut]:
    """Return the batches of other sources than the reader's own: those with reports that await review first, then
    the newest.

    The first MAX_COMPARED_REPORTS reports are compared with what is shown; of the others, `compared` is 0."""
    batches = [batch for batch in group_in_batches(session) if batch[0].source != reader.source]
    revision, left = read_head(session)[0], MAX_COMPARED_REPORTS if compare else 0
    shaped: list[BatchOut] = []
    for batch in batches:
        compared = compare_reports(session, batch[:left], reader, revision)
        left -= len(compared)
        shaped.append(_build_batch_shape(batch, compared))
    return Page(shaped, None)


def _build_batch_shape(batch: Sequence[UnreviewedReport], compared: Sequence[ComparedReport]) -> BatchOut:
    known = sum(report.person is not None or report.version.number > 1 for report in compared)
    return {
        "source": batch[0].body["source"],
        "kind": batch[0].kind,
        "list": batch[0].request,
        "reports": len(batch),
        "waiting": sum(report.review is Review.AWAITING_REVIEW for report in batch),
        "first_at": format_instant(batch[0].recorded_at),
        "last_at": format_instant(batch[-1].recorded_at),
        "until": batch[-1].revision,
        "compared": len(compared),
        "new_people": len(compared) - known,
        "known_people": known,
        "contradicting": sum(bool(report.contradicts) for report in compared),
    }


def query_batch_reports(
    session: Session, query: BatchReportQuery, reader: Reader, revision: int
) -> Page[BatchReportOut]:
    """Return the reports of one batch, those first that contradict what is shown. Raises NotFound.

    MAX_COMPARED_REPORTS reports are compared and put in order at a time; the cursor leads on to the next ones."""
    source = session.scalars(select(Source).where(col(Source.slug) == query.source, col(Source.until) == OPEN)).first()
    if source is None or source.key == reader.source:
        raise NotFound("There is no batch of this source for you to review.")
    after, offset = read_cursor(query.cursor, BATCH_CURSOR, 2) or (0, 0)
    batch = [
        report
        for report in iterate_unreviewed(session, source.key)
        if report.revision > after and (report.kind, report.request) == (query.batch_kind, query.list)
    ]
    part = batch[:MAX_COMPARED_REPORTS]
    compared = compare_reports(session, part, reader, revision)
    compared.sort(key=lambda report: not report.contradicts)
    end, cursor = max(offset, 0) + query.limit, None
    if end < len(part):
        cursor = write_cursor(BATCH_CURSOR, [after, end])
    elif len(part) < len(batch):
        cursor = write_cursor(BATCH_CURSOR, [part[-1].revision, 0])
    rows = [_build_report_shape(session, report, reader, revision) for report in compared[max(offset, 0) : end]]

    def build_extras() -> PageExtras:
        contradicting = sum(bool(report.contradicts) for report in compared)
        return {"compared": len(compared), "contradicting": contradicting}

    return Page(rows, cursor, build_extras)


def _build_report_shape(session: Session, compared: ComparedReport, reader: Reader, revision: int) -> BatchReportOut:
    return {
        "report": build_report_shape(session, compared.record, compared.version, revision),
        "detainee": None if compared.person is None else shapes.build_detainee_shape(compared.person, reader),
        "contradicts": [*compared.contradicts],
    }
