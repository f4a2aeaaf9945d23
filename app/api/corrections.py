"""Corrections: what was taken back or changed, as a list and as a feed."""

import uuid
from typing import Annotated, Any

from fastapi import Query, Response

from app.api.answers import Answer
from app.api.requests import Read, ReadContext
from app.api.routes import READING, refusals, router
from app.api.things import following, page
from app.dates import format_instant
from app.exports import exports
from app.log.entries import entry_at
from app.queries.corrections import NAMESPACE
from app.queries.corrections import corrections as corrected
from app.queries.parameters import CorrectionQuery, FeedQuery, Page
from app.schemas.records import CorrectionPage, CorrectionShape

corrections = router("corrections")
FEED: dict[int | str, dict[str, Any]] = {
    200: {"description": "A feed (RFC 4287)", "content": {exports.MEDIA: {"schema": {"type": "string"}}}}
}
PAGING = ("cursor", "limit", "as_of", "leaf", "rules", "zone", "since")  # a page of a feed is no other feed


@corrections.get("/corrections", response_model=CorrectionPage, responses=refusals(*READING))
def list_corrections(read: Read, query: Annotated[CorrectionQuery, Query()]) -> Response:
    """What was retracted, refuted, disputed, restated, merged, parted or superseded, newest first."""
    return page(read, query, _found)


@corrections.get("/corrections.atom", response_class=Response, responses=FEED | refusals(*READING))
def follow_corrections(read: Read, query: Annotated[FeedQuery, Query()]) -> Response:
    """The same as an Atom feed (RFC 4287); older pages stand under `next`."""
    return read.answer(query, lambda revision: _feed(read, query, revision))


def _found(read: ReadContext, query: CorrectionQuery, revision: int) -> Page[CorrectionShape]:
    return corrected(read.session, query, read.reader, revision, read.since(query, "since"))


def _feed(read: ReadContext, query: FeedQuery, revision: int) -> Answer:
    corrections = _found(read, query, revision)
    older = None if corrections.cursor is None else following(read, corrections.cursor, revision)
    url = read.request.url
    feed = exports.Feed(
        id=_id(read, revision),
        base=read.request.app.state.public_url,
        address=f"{url.path}?{url.query}" if url.query else url.path,
        following=older,
        updated=corrections.rows[0]["recorded_at"] if corrections.rows else _recorded_at(read, revision),
        lang=query.lang,
    )
    return Answer({}, list, older, document=(exports.MEDIA, feed.write(corrections.rows)))


def _recorded_at(read: ReadContext, revision: int) -> str | None:
    return format_instant(entry_at(read.session, revision).recorded_at) if revision else None


def _id(read: ReadContext, revision: int) -> uuid.UUID:
    """The same for every page of one question to one registry, which is known by the first leaf of its log."""
    query = sorted(pair for pair in read.request.query_params.multi_items() if pair[0] not in PAGING)
    first = entry_at(read.session, 1).leaf_hash.hex() if revision else ""
    return uuid.uuid5(NAMESPACE, f"{first} {query}")
