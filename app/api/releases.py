"""Releases: report one, verify one, list and read them."""

import uuid
from typing import Annotated

from fastapi import Query, Response

from app.api.requests import Read
from app.api.routes import FILING, POSTING, READING, RECORD, WAITING, refusals, router, upserting
from app.api.things import page, record, verdicts
from app.api.writes import Write, WriteTogether
from app.errors import AgeNeedsDay, AheadOfHead, Conflict, NotFound, Redacted
from app.queries import lists
from app.queries.parameters import AsOf, ReleaseQuery
from app.registry import filing
from app.schemas.filed import Filed
from app.schemas.records import ReleaseOut, ReleasePage, VerificationPage
from app.schemas.reports import ReleaseReportIn, VerificationOfReleaseIn
from app.vocabulary import Role

releases = router("releases")


@releases.post(
    "/releases", status_code=201, response_model=Filed, responses=upserting(Filed) | WAITING | refusals(*FILING)
)
async def file_release(write: WriteTogether, body: ReleaseReportIn) -> Response:
    """Report a release. 201 when it is new, 200 when your record already said exactly this or is superseded by it; 202
    where it waits until `publish_not_before`."""
    write.allow(Role.REPORTER)
    return await write.file(body.source_record_id, lambda context: filing.file_report(context, body))


@releases.post(
    "/releases/{release_id}/verifications",
    status_code=201,
    response_model=Filed,
    responses=upserting(Filed) | refusals(*POSTING, NotFound, Conflict, Redacted, AheadOfHead, AgeNeedsDay),
)
def verify_release(write: Write, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Response:
    """Give your verdict on a known release: the next version of your report there, or a new one."""
    write.allow(Role.REPORTER)
    return write.run(lambda context: filing.verify_release(context, release_id, body))


@releases.get("/releases", response_model=ReleasePage, responses=refusals(*READING))
def list_releases(read: Read, query: Annotated[ReleaseQuery, Query()]) -> Response:
    """Releases that the terms mean. Without `stage`, each at the stage it stands at."""
    return page(
        read,
        query,
        lambda read, query, revision: lists.releases(read.session, query, read.reader, revision, read.since(query)),
    )


@releases.get("/releases/{release_id}", response_model=ReleaseOut, responses=refusals(*RECORD))
def read_release(read: Read, release_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """One release, each fact with who says so. 308 to the standing id when this one was absorbed."""
    return record(read, query, "release", release_id)


@releases.get("/releases/{release_id}/verifications", response_model=VerificationPage, responses=refusals(*RECORD))
def list_verifications(read: Read, release_id: uuid.UUID, query: Annotated[AsOf, Query()]) -> Response:
    """Each source's standing verdict on a release."""
    return verdicts(read, query, "release", release_id)
