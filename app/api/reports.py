"""A source's own reports: list, read whole, correct, withdraw."""

import uuid
from typing import Annotated, Any

from fastapi import Body, Header, Query, Response

from app.api.requests import Asked, Read, Write
from app.api.routes import READING, WRITING, refusals, router
from app.api.things import page, whole
from app.api.wire import Filed, ReportOut, ReportPage
from app.counts import lists
from app.counts.terms import AsOf, Paged
from app.errors import Forbidden, NotFound, Unauthenticated
from app.registry import records
from app.registry import reports as filing
from app.registry.schemas import RetractIn
from app.vocabulary import Role

reports = router("reports")


def _reporter(read: Asked) -> None:
    if read.reader.role is None:
        raise Unauthenticated("Reports are read with the key of the source that filed them.")
    if read.reader.role is not Role.REPORTER:
        raise Forbidden("This needs a key with the role reporter.")


@reports.get("/reports", response_model=ReportPage, responses=READING | refusals(403))
def list_reports(read: Read, asked: Annotated[Paged, Query()]) -> Response:
    """Your own reports, whole."""
    _reporter(read)
    return page(read, asked, lambda revision: lists.own_reports(read.session, asked, read.reader, revision))


@reports.get("/reports/{report_id}", response_model=ReportOut, responses=READING | refusals(403))
def read_report(read: Read, report_id: uuid.UUID, asked: Annotated[AsOf, Query()]) -> Response:
    """One of your own reports as you sent it, with its version (also as the tag for If-Match)."""
    _reporter(read)

    def build(revision: int) -> dict[str, Any]:
        record = records.own(read.session, report_id, read.reader.source)
        version = records.current(read.session, record, revision)
        if version is None or record.redacted:
            raise NotFound("There is no report with this id among your own.")
        return lists.report_shape(record, version)

    return whole(read, asked, build)


@reports.patch("/reports/{report_id}", response_model=Filed, responses=WRITING | refusals(412))
def amend_report(
    write: Write,
    report_id: uuid.UUID,
    patch: Annotated[dict[str, Any], Body(description="JSON Merge Patch (RFC 7396)")],
    if_version: Annotated[int | None, Header(ge=1, description="The version your change is based on")] = None,
) -> Response:
    """Correct a report: what the patch names changes, null removes, all else stays."""
    write.allow(Role.REPORTER)
    return write.run(lambda desk: filing.amend(desk, report_id, patch, if_version))


@reports.post("/reports/{report_id}/retract", response_model=Filed, responses=WRITING)
def retract_report(write: Write, report_id: uuid.UUID, body: RetractIn | None = None) -> Response:
    """Withdraw a report. It stays visible as withdrawn: corrections are part of the record."""
    write.allow(Role.REPORTER)
    return write.run(lambda desk: filing.retract(desk, report_id, body.reason if body else None))
