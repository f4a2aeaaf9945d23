"""The answers that several resources share: a page, a record, the verdicts on it.

Detainees and detentions: list, read, and report that someone is held.

Releases: report one, verify one, list and read them.

Corrections: what was taken back or changed, as a list and as a feed."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_type_hints
from urllib.parse import urlencode

from fastapi import Query, Response
from fastapi.concurrency import run_in_threadpool

from app.api.head_watcher import Head, head_to_read
from app.api.middleware.concurrency import in_lane
from app.api.requests import Read, ReadContext, reading_for
from app.api.responses import Answer, is_table
from app.api.routing import FILING, POSTING, READING, RECORD, WAITING, refusals, router, upserting
from app.api.writes import Write, WriteTogether
from app.dates import format_instant
from app.errors import AgeNeedsDay, AheadOfHead, Conflict, Invalid, NotFound, Redacted, ReleaseDropped
from app.exports import exports
from app.imports.formats.tables import columns_of_shape
from app.log.entries import entry_at, pin
from app.queries import lists, person_records
from app.queries.corrections import NAMESPACE
from app.queries.corrections import corrections as corrected
from app.queries.countables import refuse_future, require_day
from app.queries.parameters import (
    MOST_LIMIT,
    AsOf,
    CorrectionQuery,
    DetaineeQuery,
    DetentionQuery,
    FeedQuery,
    Page,
    Paged,
    ReleaseQuery,
)
from app.queries.shapes import SHAPES
from app.queries.terms import PINNING, pinned
from app.queries.visibility import contact
from app.registry import filing
from app.registry.records import Kind
from app.schemas.base import Tombstone
from app.schemas.filed import Filed
from app.schemas.records import (
    CorrectionPage,
    CorrectionShape,
    DetaineeOut,
    DetaineePage,
    DetentionOut,
    DetentionPage,
    HistoryPage,
    ReleaseOut,
    ReleasePage,
    VerificationOut,
    VerificationPage,
)
from app.schemas.reports import DetentionReportIn, ReleaseReportIn, VerificationOfReleaseIn
from app.vocabulary import Role

Terms = TypeVar("Terms", bound=AsOf)
# Who asks, on which session; the page asked for; the revision.
Build = Callable[[ReadContext, Terms, int], Page[Mapping[str, Any]]]
UNPAGED = "CSV and JSON Lines come whole, without pages: leave limit and cursor out, or ask for JSON."


def page(read: ReadContext, query: Terms, build: Build[Terms], tag: str | None = None) -> Response:
    """A page of a list, or as a table the whole of it. The next one is read at the same revision, so that writes in
    between move nothing."""

    def make(revision: int) -> Answer:
        if is_table(query.format, read.request):
            return _whole_list(read, query, build, revision)
        built = build(read, query, revision)
        further = None if built.cursor is None else following(read, built.cursor, revision)
        body = {"data": built.data, "next": further, "revision": revision, **built.beside()}
        return Answer(body, lambda: built.data, further)

    return read.answer(query, make, tag)


def _whole_list(read: ReadContext, query: Terms, build: Build[Terms], revision: int) -> Answer:
    """A list as a table: its first rows, and how to come by the others.

    Those are read while the answer is sent, some at a time, each on a session of its own that waits for a place among
    the lists anew: who reads slowly keeps none. They are of the same revision, by who may be
    shown to whom at that moment.
    """
    if not isinstance(query, Paged):
        whole = build(read, query, revision)
        return Answer({}, lambda: whole.data)
    given = sorted(query.model_fields_set & {"limit", "cursor"})
    if given:
        raise Invalid.at(f"/{given[0]}", "unpaged", UNPAGED)
    pinned: dict[str, Any] = {"limit": MOST_LIMIT, "as_of": str(revision)}
    if getattr(query, "changed_since", None) is not None:
        pinned["changed_since"] = str(read.since(query))
    first = build(read, query.model_copy(update=pinned), revision)

    def following_rows(cursor: str, head: Head | None) -> Page[Mapping[str, Any]]:
        with reading_for(read.request, head) as session:
            return build(read.again(session), query.model_copy(update={**pinned, "cursor": cursor}), revision)

    async def more() -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        cursor, lanes = first.cursor, read.request.app.state.lanes
        while cursor is not None:
            async with in_lane("lists", lanes.lists):
                head = await head_to_read(read.request)
                built = await run_in_threadpool(following_rows, cursor, head)
            yield built.data
            cursor = built.cursor

    return Answer(
        {}, lambda: first.data, columns=_columns(read, query), more=more if first.cursor is not None else None
    )


def _columns(read: ReadContext, query: Paged) -> list[str]:
    """The columns of a list, by the documented shape of its rows."""
    (rows,) = get_args(get_type_hints(read.request.scope["route"].response_model)["data"])
    shapes = get_args(rows) or (rows,)
    columns = [name for shape in shapes if shape is not Tombstone for name in columns_of_shape(shape)]
    if getattr(query, "changed_since", None) is not None:
        columns += columns_of_shape(Tombstone)
    return list(dict.fromkeys(columns))


def following(read: ReadContext, cursor: str, revision: int) -> str:
    """The address of the page that a cursor begins, of the same question at the same revision."""
    given = read.request.query_params.multi_items()
    kept = [(name, value) for name, value in given if name not in ("cursor", *PINNING)]
    pairs = [*kept, *pinned(pin(read.session, revision)), ("cursor", cursor)]
    return f"{read.request.url.path}?{urlencode(pairs)}"


def whole(
    read: ReadContext, query: AsOf, build: Callable[[int], Mapping[str, Any]], tag: str | None = None
) -> Response:
    """One record with the revision it was read at."""

    def make(revision: int) -> Answer:
        row = {**build(revision), "revision": revision}
        return Answer(row, lambda: [row])

    return read.answer(query, make, tag)


def record(read: ReadContext, query: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """A detainee, detention or release."""

    def build(revision: int) -> Mapping[str, Any]:
        person, key = person_records.find(read.session, kind, thing_id, read.reader, revision)
        shown = SHAPES[kind](person, key, read.reader)
        return {**shown, "contact": contact(read.session, person.ids, read.reader)} if kind == "detainee" else shown

    return whole(read, query, build)


def verdicts(read: ReadContext, query: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """The sources' verdicts on a detention or release."""

    def build(read: ReadContext, _query: AsOf, revision: int) -> Page[VerificationOut]:
        person, key = person_records.find(read.session, kind, thing_id, read.reader, revision)
        return Page(person_records.verifications(person, key, kind, read.reader), None)

    return page(read, query, build)


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
