"""Routes of a source's own reports, including reports under embargo: list, read, correct, retract, delete."""

import uuid
from typing import Annotated, Any

from fastapi import Body, Header, Query, Response

from app.api.operations import AmendReport, DeleteWaitingReport, RetractReport, build_report_tag
from app.api.requests import ReadDep, Reply
from app.api.routes.records import answer_page, answer_row
from app.api.routing import (
    AMENDING_REFUSALS,
    DELETE_REFUSALS,
    EMBARGOED_RESPONSE,
    POST_REFUSALS,
    READ_REFUSALS,
    build_router,
    document_refusals,
)
from app.api.writes import WriteDep
from app.errors import Forbidden, NotFound, PreconditionFailed
from app.queries import list_pages
from app.queries.parameters import PageQuery, ReportQuery, RevisionQuery
from app.queries.review.queues import query_waiting
from app.schemas.directory import Embargoed, EmbargoedPage
from app.schemas.filed import Filed, ReportOut, ReportPage
from app.schemas.reports import RetractIn
from app.vocabulary import Role

reports_router = build_router("reports")
IfMatch = Annotated[list[str] | None, Header(include_in_schema=False)]


@reports_router.get("/reports", response_model=ReportPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_reports(context: ReadDep, query: Annotated[ReportQuery, Query()]) -> Reply[ReportPage]:
    """Your own reports, whole: all of them, or that under a case number of yours."""
    context.allow(Role.REPORTER)
    secret = context.request.app.state.secret
    return answer_page(
        context,
        query,
        lambda context, query, revision: list_pages.query_own_reports(
            context.session, query, context.reader, revision, secret
        ),
    )


@reports_router.get(
    "/reports/{report_id}", response_model=ReportOut, responses=document_refusals(*READ_REFUSALS, Forbidden, NotFound)
)
def read_report(context: ReadDep, report_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]) -> Reply[ReportOut]:
    """One of your own reports as you sent it. Its ETag goes into If-Match when you correct it."""
    context.allow(Role.REPORTER)
    row = list_pages.load_own_report(context.session, report_id, context.reader, context.revision(query))
    return answer_row(context, query, lambda _revision: row, build_report_tag(report_id, row["version"]))


@reports_router.patch(
    "/reports/{report_id}", response_model=Filed, responses=EMBARGOED_RESPONSE | document_refusals(*AMENDING_REFUSALS)
)
async def amend_report(
    write: WriteDep,
    report_id: uuid.UUID,
    patch: Annotated[dict[str, Any], Body(description="JSON Merge Patch (RFC 7396)")],
    if_match: IfMatch = None,
) -> Response:
    """Correct a report: what the patch names changes, null removes, all else stays. 202 where the correction waits
    until `publish_not_before`."""
    return await write.submit(AmendReport(report_id, if_match, patch))


@reports_router.post(
    "/reports/{report_id}/retract",
    response_model=Filed,
    responses=document_refusals(*POST_REFUSALS, NotFound, PreconditionFailed),
)
async def retract_report(
    write: WriteDep, report_id: uuid.UUID, body: RetractIn | None = None, if_match: IfMatch = None
) -> Response:
    """Withdraw a report. It stays visible as withdrawn: corrections are part of the record. A version of
    it that waits is deleted."""
    return await write.submit(RetractReport(report_id, if_match, body.reason if body else None))


waiting_router = build_router("reports")


@waiting_router.get("/waiting", response_model=EmbargoedPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_waiting(context: ReadDep, query: Annotated[PageQuery, Query()]) -> Reply[EmbargoedPage]:
    """Your own reports that wait for the end of their embargo, whole. Curators and administrators see whose wait until
    when, and why one could not be filed, and nothing of what they say."""
    context.allow(Role.REPORTER, Role.CURATOR, Role.ADMIN)
    waiting_page = query_waiting(context.session, query, context.reader, context.request.app.state.secret)
    tag_parts = (
        f"{row['id']} {row['waiting_until']} {row['received_at']} {row['refused_at']}" for row in waiting_page.rows
    )
    return answer_page(context, query, lambda _context, _query, _revision: waiting_page, context.build_tag(*tag_parts))


@waiting_router.delete("/waiting/{waiting_id}", response_model=Embargoed, responses=document_refusals(*DELETE_REFUSALS))
async def delete_waiting(write: WriteDep, waiting_id: uuid.UUID) -> Response:
    """Delete a report of your own that waits: it was never public, and never will be. An administrator may delete one
    whose source has no key any more."""
    return await write.submit(DeleteWaitingReport(waiting_id))
