"""A source's own reports: list, read whole, correct, withdraw.

Reports that wait for the end of an embargo: list, delete."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, Header, Query, Response

from app.api import responses
from app.api.requests import Read
from app.api.routes.records import page
from app.api.routing import AMENDING, DELETING, POSTING, READING, WAITING, refusals, router
from app.api.writes import Write
from app.errors import Forbidden, NotFound, Superseded
from app.queries import lists
from app.queries.parameters import JSON, AsOf, Paged, ReportQuery
from app.queries.queues import waiting_for
from app.registry import filing
from app.schemas.directory import Embargoed, EmbargoedPage
from app.schemas.filed import Filed, ReportOut, ReportPage
from app.schemas.reports import RetractIn
from app.vocabulary import Role

reports = router("reports")
IfMatch = Annotated[list[str] | None, Header(include_in_schema=False)]


def _tag(report_id: uuid.UUID, version: int, media: str = JSON) -> str:
    """The tag of a report covers its version, not the head: a change is refused only if this report changed."""
    suffix = "" if media == JSON else f"-{media}"
    return f'"{report_id}-v{version}{suffix}"'


def _matches(report_id: uuid.UUID, if_match: list[str] | None) -> Callable[[int], bool]:
    """Whether If-Match (RFC 9110 section 13.1.1) admits a version; without one, any."""
    given = ["*"] if if_match is None else [part.strip() for part in ",".join(if_match).split(",")]
    return lambda version: "*" in given or _tag(report_id, version) in given


@reports.get("/reports", response_model=ReportPage, responses=refusals(*READING, Forbidden))
def list_reports(read: Read, query: Annotated[ReportQuery, Query()]) -> Response:
    """Your own reports, whole: all of them, or that under a case number of yours."""
    read.allow(Role.REPORTER)
    secret = read.request.app.state.secret
    return page(
        read,
        query,
        lambda read, query, revision: lists.own_reports(read.session, query, read.reader, revision, secret),
    )


@reports.get("/reports/{report_id}", response_model=ReportOut, responses=refusals(*READING, Forbidden, NotFound))
def read_report(read: Read, report_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """One of your own reports as you sent it. Its ETag goes into If-Match when you correct it."""
    read.allow(Role.REPORTER)
    row = lists.own_report(read.session, report_id, read.reader, read.revision(query))
    tag = _tag(report_id, row["version"], responses.media_type(query.format, read.request))
    return read.answer(query, lambda _revision: responses.Answer(row, lambda: [row]), tag)


@reports.patch("/reports/{report_id}", response_model=Filed, responses=WAITING | refusals(*AMENDING))
def amend_report(
    write: Write,
    report_id: uuid.UUID,
    patch: Annotated[dict[str, Any], Body(description="JSON Merge Patch (RFC 7396)")],
    if_match: IfMatch = None,
) -> Response:
    """Correct a report: what the patch names changes, null removes, all else stays. 202 where the correction waits
    until `publish_not_before`."""
    write.allow(Role.REPORTER)
    return write.run(lambda context: filing.amend(context, report_id, patch, _matches(report_id, if_match)))


@reports.post("/reports/{report_id}/retract", response_model=Filed, responses=refusals(*POSTING, NotFound, Superseded))
def retract_report(
    write: Write, report_id: uuid.UUID, body: RetractIn | None = None, if_match: IfMatch = None
) -> Response:
    """Withdraw a report. It stays visible as withdrawn: corrections are part of the record. A version of
    it that waits is deleted."""
    write.allow(Role.REPORTER)
    matches, reason = _matches(report_id, if_match), body.reason if body else None
    return write.run(lambda context: filing.retract(context, report_id, reason, matches))


waiting = router("reports")


@waiting.get("/waiting", response_model=EmbargoedPage, responses=refusals(*READING, Forbidden))
def list_waiting(read: Read, query: Annotated[Paged, Query()]) -> Response:
    """Your own reports that wait for the end of their embargo, whole. Curators and administrators see whose wait until
    when, and why one could not be filed, and nothing of what they say."""
    read.allow(Role.REPORTER, Role.CURATOR, Role.ADMIN)
    listed = waiting_for(read.session, query, read.reader, read.request.app.state.secret)
    told = (f"{row['id']} {row['waiting_until']} {row['received_at']} {row['refused_at']}" for row in listed.rows)
    return page(read, query, lambda _read, _query, _revision: listed, read.tag(query, *told))


@waiting.delete("/waiting/{waiting_id}", response_model=Embargoed, responses=refusals(*DELETING))
def delete_waiting(write: Write, waiting_id: uuid.UUID) -> Response:
    """Delete a report of your own that waits: it was never public, and never will be. An administrator may delete one
    whose source has no key any more."""
    write.allow(Role.REPORTER, Role.ADMIN)
    return write.run(lambda context: filing.take_back(context, waiting_id))
