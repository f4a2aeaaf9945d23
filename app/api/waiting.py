"""Reports that wait for the end of an embargo: list, delete."""

import uuid
from typing import Annotated

from fastapi import Query, Response

from app.api.requests import Read
from app.api.routes import DELETING, READING, refusals, router
from app.api.things import page
from app.api.writes import Write
from app.errors import Forbidden
from app.queries.parameters import Paged
from app.queries.queues import waiting_for
from app.registry import filing
from app.schemas.directory import Embargoed, EmbargoedPage
from app.vocabulary import Role

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
