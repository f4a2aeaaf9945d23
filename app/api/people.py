"""Detainees and detentions: list, read, and report that someone is held."""

import uuid
from typing import Annotated

from fastapi import Query, Response

from app.api.requests import Read
from app.api.routes import FILING, READING, RECORD, WAITING, refusals, router, upserting
from app.api.things import page, record, verdicts
from app.api.writes import WriteTogether
from app.errors import ReleaseDropped
from app.queries import lists, person_records
from app.queries.countables import refuse_future, require_day
from app.queries.parameters import AsOf, DetaineeQuery, DetentionQuery, Page
from app.registry import filing
from app.schemas.filed import Filed
from app.schemas.records import DetaineeOut, DetaineePage, DetentionOut, DetentionPage, HistoryPage, VerificationPage
from app.schemas.reports import DetentionReportIn
from app.vocabulary import Role

people = router("people")


@people.post(
    "/detentions",
    status_code=201,
    response_model=Filed,
    responses=upserting(Filed) | WAITING | refusals(*FILING, ReleaseDropped),
)
async def file_detention(write: WriteTogether, body: DetentionReportIn) -> Response:
    """Report that someone is held: the body of a release report without the release. 202 where it waits until
    `publish_not_before`."""
    write.allow(Role.REPORTER)
    return await write.file(body.source_record_id, lambda context: filing.file_report(context, body))


@people.get("/detainees", response_model=DetaineePage, responses=refusals(*READING))
def list_detainees(read: Read, query: Annotated[DetaineeQuery, Query()]) -> Response:
    """People. Terms that speak of a detention or a release mean whoever has one of which they hold."""
    return page(
        read,
        query,
        lambda read, query, revision: lists.detainees(read.session, query, read.reader, revision, read.since(query)),
    )


@people.get("/detainees/{detainee_id}", response_model=DetaineeOut, responses=refusals(*RECORD))
def read_detainee(read: Read, detainee_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """One person, each fact with who says so. What may not be shown is null."""
    return record(read, query, "detainee", detainee_id)


@people.get("/detainees/{detainee_id}/history", response_model=HistoryPage, responses=refusals(*RECORD))
def read_history(read: Read, detainee_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """Every revision at which something shown of a person changed."""
    return page(
        read,
        query,
        lambda read, _query, revision: Page(
            person_records.history(read.session, detainee_id, read.reader, revision), None
        ),
    )


@people.get("/detentions", response_model=DetentionPage, responses=refusals(*READING))
def list_detentions(read: Read, query: Annotated[DetentionQuery, Query()]) -> Response:
    """Spells in custody, ended or not; with `held_on` those that a count of the held counts on that day."""
    require_day(query)
    refuse_future(query, read.request.app.state.clock())
    return page(
        read,
        query,
        lambda read, query, revision: lists.detentions(read.session, query, read.reader, revision, read.since(query)),
    )


@people.get("/detentions/{detention_id}", response_model=DetentionOut, responses=refusals(*RECORD))
def read_detention(read: Read, detention_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """One spell in custody."""
    return record(read, query, "detention", detention_id)


@people.get("/detentions/{detention_id}/verifications", response_model=VerificationPage, responses=refusals(*RECORD))
def list_detention_verifications(read: Read, detention_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """Each source's standing verdict on a detention itself."""
    return verdicts(read, query, "detention", detention_id)
