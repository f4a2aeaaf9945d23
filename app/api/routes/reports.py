"""A source's own reports: list, read whole, correct, withdraw.

Reports that wait for the end of an embargo: list, delete."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, Header, Query, Response

from app.api import responses
from app.api.requests import ReadDep, Reply
from app.api.routes.records import answer_page
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
from app.errors import Forbidden, NotFound, Superseded
from app.queries import lists
from app.queries.parameters import JSON_MEDIA_TYPE, PageQuery, ReportQuery, RevisionQuery
from app.queries.queues import query_waiting
from app.registry import filing
from app.schemas.directory import Embargoed, EmbargoedPage
from app.schemas.filed import Filed, ReportOut, ReportPage
from app.schemas.reports import RetractIn
from app.vocabulary import Role

reports_router = build_router("reports")
IfMatch = Annotated[list[str] | None, Header(include_in_schema=False)]


def _build_report_tag(report_id: uuid.UUID, version: int, media: str = JSON_MEDIA_TYPE) -> str:
    """The tag of a report covers its version, not the head: a change is refused only if this report changed."""
    suffix = "" if media == JSON_MEDIA_TYPE else f"-{media}"
    return f'"{report_id}-v{version}{suffix}"'


def _build_version_check(report_id: uuid.UUID, if_match: list[str] | None) -> Callable[[int], bool]:
    """Whether If-Match (RFC 9110 section 13.1.1) admits a version; without one, any."""
    tags = ["*"] if if_match is None else [part.strip() for part in ",".join(if_match).split(",")]
    return lambda version: "*" in tags or _build_report_tag(report_id, version) in tags


@reports_router.get("/reports", response_model=ReportPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_reports(context: ReadDep, query: Annotated[ReportQuery, Query()]) -> Reply[ReportPage]:
    """Your own reports, whole: all of them, or that under a case number of yours."""
    context.allow(Role.REPORTER)
    secret = context.request.app.state.secret
    return answer_page(
        context,
        query,
        lambda context, query, revision: lists.query_own_reports(
            context.session, query, context.reader, revision, secret
        ),
    )


@reports_router.get(
    "/reports/{report_id}", response_model=ReportOut, responses=document_refusals(*READ_REFUSALS, Forbidden, NotFound)
)
def read_report(context: ReadDep, report_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]) -> Reply[ReportOut]:
    """One of your own reports as you sent it. Its ETag goes into If-Match when you correct it."""
    context.allow(Role.REPORTER)
    row = lists.load_own_report(context.session, report_id, context.reader, context.revision(query))
    tag = _build_report_tag(report_id, row["version"], responses.negotiate_media_type(query.format, context.request))
    return context.answer(query, lambda _revision: responses.Answer(row, lambda: [row]), tag)


@reports_router.patch(
    "/reports/{report_id}", response_model=Filed, responses=EMBARGOED_RESPONSE | document_refusals(*AMENDING_REFUSALS)
)
def amend_report(
    write: WriteDep,
    report_id: uuid.UUID,
    patch: Annotated[dict[str, Any], Body(description="JSON Merge Patch (RFC 7396)")],
    if_match: IfMatch = None,
) -> Response:
    """Correct a report: what the patch names changes, null removes, all else stays. 202 where the correction waits
    until `publish_not_before`."""
    write.allow(Role.REPORTER)
    return write.run(
        lambda context: filing.amend_or_embargo(context, report_id, patch, _build_version_check(report_id, if_match))
    )


@reports_router.post(
    "/reports/{report_id}/retract",
    response_model=Filed,
    responses=document_refusals(*POST_REFUSALS, NotFound, Superseded),
)
def retract_report(
    write: WriteDep, report_id: uuid.UUID, body: RetractIn | None = None, if_match: IfMatch = None
) -> Response:
    """Withdraw a report. It stays visible as withdrawn: corrections are part of the record. A version of
    it that waits is deleted."""
    write.allow(Role.REPORTER)
    is_expected_version, reason = _build_version_check(report_id, if_match), body.reason if body else None
    return write.run(lambda context: filing.retract_with_waiting(context, report_id, reason, is_expected_version))


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
    return answer_page(
        context, query, lambda _context, _query, _revision: waiting_page, context.build_tag(query, *tag_parts)
    )


@waiting_router.delete("/waiting/{waiting_id}", response_model=Embargoed, responses=document_refusals(*DELETE_REFUSALS))
def delete_waiting(write: WriteDep, waiting_id: uuid.UUID) -> Response:
    """Delete a report of your own that waits: it was never public, and never will be. An administrator may delete one
    whose source has no key any more."""
    write.allow(Role.REPORTER, Role.ADMIN)
    return write.run(lambda context: filing.delete_waiting_report(context, waiting_id))
