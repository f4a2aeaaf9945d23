"""Routes of detainees, detentions, releases and corrections, and the shared code for pages, records and verdicts."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar, get_args, get_type_hints
from urllib.parse import urlencode

from fastapi import Query, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from app.api.head_watcher import LogHead, find_replica_head
from app.api.middleware.concurrency import acquire_lane
from app.api.operations import FileReport, VerifyRelease
from app.api.requests import ReadContext, ReadDep, Reply, open_request_session
from app.api.responses import Answer
from app.api.routing import (
    EMBARGOED_RESPONSE,
    FILING_REFUSALS,
    POST_REFUSALS,
    READ_REFUSALS,
    RECORD_REFUSALS,
    build_router,
    document_refusals,
    document_upsert,
)
from app.api.row_fields import build_field_tree, find_field_types, parse_fields, select_fields
from app.api.table_routes import split_table_path
from app.api.writes import WriteDep
from app.dates import format_instant
from app.errors import AgeNeedsDay, AheadOfHead, Conflict, Invalid, NotFound, Redacted
from app.exports import lists
from app.log.entries import load_entry, pin_revision
from app.moments import format_revision
from app.queries import list_pages, person_records
from app.queries.addresses import PIN_PARAMETERS, build_pin_terms
from app.queries.corrections import CORRECTION_NAMESPACE, query_corrections
from app.queries.countables import resolve_held_day
from app.queries.parameters import (
    MAX_LIMIT,
    CorrectionQuery,
    DetaineeQuery,
    DetentionQuery,
    FeedQuery,
    HeldQuery,
    Page,
    PageQuery,
    ReleaseQuery,
    RevisionQuery,
)
from app.queries.rows import build_rows, build_verification_rows
from app.queries.selection.visibility import load_contact_permission
from app.queries.shapes import build_revision_out
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.base import Tombstone
from app.schemas.filed import Filed
from app.schemas.records import (
    CorrectionPage,
    CorrectionShape,
    DetaineeOut,
    DetaineePage,
    DetaineeRow,
    DetentionOut,
    DetentionPage,
    HistoryPage,
    ReleaseOut,
    ReleasePage,
    VerificationPage,
)
from app.schemas.reports import DetentionReportIn, ReleaseReportIn, VerificationOfReleaseIn
from app.tables import is_nested, list_shape_columns

Terms = TypeVar("Terms", bound=RevisionQuery)
# Arguments: the context, the query, the revision.
PageBuilder = Callable[[ReadContext, Terms, int], Page[Mapping[str, Any]]]
UNPAGED_DETAIL = "A table comes whole, without pages: leave limit and cursor out."


def answer_page(context: ReadContext, query: Terms, build: PageBuilder[Terms], tag: str | None = None) -> Reply[Any]:
    """Answer with a page of a list, or with the whole list as a table.

    The next page is read at the same revision, so that writes between two pages change nothing.
    """
    build = _select_row_fields(context, query, build)

    def build_answer(revision: int) -> Answer:
        if split_table_path(context.request.url.path)[1] is not None:
            return _build_whole_list(context, query, build, revision)
        rows_page = build(context, query, revision)
        next_address = None if rows_page.cursor is None else build_next_address(context, rows_page.cursor, revision)
        body = {
            "data": rows_page.data,
            "next": next_address,
            "at": build_revision_out(context.session, revision),
            "total": rows_page.total,
            "caveats": rows_page.build_caveats(),
            **rows_page.build_extras(),
        }
        return Answer(body, next=next_address)

    return context.answer(query, build_answer, tag)


def answer_list(
    context: ReadContext,
    query: Terms,
    select: Callable[[Session, Terms, Reader, int, int | None], Page[Mapping[str, Any]]],
) -> Reply[Any]:
    """Answer with a list whose query takes the session, terms, reader, revision and the revision of `changed_since`."""

    def build(context: ReadContext, query: Terms, revision: int) -> Page[Mapping[str, Any]]:
        return select(context.session, query, context.reader, revision, context.resolve_since(query))

    return answer_page(context, query, build)


def _select_row_fields(context: ReadContext, query: Terms, build: PageBuilder[Terms]) -> PageBuilder[Terms]:
    """Return `build` with only the requested fields of rows. Raises Invalid for unknown fields."""
    names = _parse_fields(context, query)
    if names is None:
        return build
    tree = build_field_tree(names)

    def build_selected(context: ReadContext, query: Terms, revision: int) -> Page[Mapping[str, Any]]:
        page = build(context, query, revision)
        return replace(page, rows=[select_fields(row, tree) for row in page.rows])

    return build_selected


def _parse_fields(context: ReadContext, query: RevisionQuery) -> list[str] | None:
    """Return the requested fields of rows; None for all. Raises Invalid for unknown ones."""
    text = getattr(query, "fields", None)
    return None if text is None else parse_fields(text, _list_row_shapes(context))


def _list_row_shapes(context: ReadContext) -> list[type]:
    """Return the documented shapes of the rows of a list, without tombstones."""
    (rows,) = get_args(get_type_hints(context.request.scope["route"].response_model)["data"])
    return [shape for shape in get_args(rows) or (rows,) if shape is not Tombstone]


def _build_whole_list(context: ReadContext, query: Terms, build: PageBuilder[Terms], revision: int) -> Answer:
    """Build a list as a table: the first rows, and a stream of the others.

    The stream reads one page after another while the response is sent. Each page uses a new session and a new slot in
    the lane of lists, so that a slow client occupies neither. All pages have the same revision; each applies the
    permissions of the moment at which it is read.
    """
    if not isinstance(query, PageQuery):
        full_page = build(context, query, revision)
        return Answer({}, lambda: full_page.data)
    paging_terms = sorted(query.model_fields_set & {"limit", "cursor"})
    if paging_terms:
        raise Invalid.at_pointer(f"/{paging_terms[0]}", "unpaged", UNPAGED_DETAIL)
    fixed_terms: dict[str, Any] = {"limit": MAX_LIMIT, "as_of": format_revision(revision)}
    since_revision = context.resolve_since(query) if hasattr(query, "changed_since") else None
    if since_revision is not None:
        fixed_terms["changed_since"] = format_revision(since_revision)
    first_page = build(context, query.model_copy(update=fixed_terms), revision)

    def read_next_page(cursor: str, head: LogHead | None) -> Page[Mapping[str, Any]]:
        with open_request_session(context.request, head) as session:
            return build(
                context.with_session(session), query.model_copy(update={**fixed_terms, "cursor": cursor}), revision
            )

    async def stream_more_rows() -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        cursor, limits = first_page.cursor, context.request.app.state.limits
        while cursor is not None:
            async with acquire_lane("lists", limits.lists):
                head = await find_replica_head(context.request)
                next_page = await run_in_threadpool(read_next_page, cursor, head)
            yield next_page.data
            cursor = next_page.cursor

    return Answer(
        {},
        lambda: first_page.data,
        columns=_list_columns(context, query),
        more_rows=stream_more_rows if first_page.cursor is not None else None,
    )


def _list_columns(context: ReadContext, query: PageQuery) -> list[str]:
    """Return the columns of a list: the requested fields, or those of its documented rows and what they embed."""
    shapes, names = _list_row_shapes(context), _parse_fields(context, query)
    if names is not None:
        columns = [name for name in names if not any(map(is_nested, find_field_types(name, shapes)))]
    else:
        columns = [name for shape in shapes for name in list_shape_columns(shape)]
        if getattr(query, "include", None) is not None:
            columns += [f"detainee.{name}" for name in list_shape_columns(DetaineeRow)]
    if getattr(query, "changed_since", None) is not None:
        columns += list_shape_columns(Tombstone)
    return list(dict.fromkeys(columns))


def build_next_address(context: ReadContext, cursor: str, revision: int) -> str:
    """Build the address of the page at a cursor, for the same request at the same revision."""
    parameters = context.request.query_params.multi_items()
    retained_pairs = [(name, value) for name, value in parameters if name not in ("cursor", *PIN_PARAMETERS)]
    pairs = [*retained_pairs, *build_pin_terms(pin_revision(context.session, revision)), ("cursor", cursor)]
    return f"{context.request.url.path}?{urlencode(pairs)}"


def answer_row(
    context: ReadContext, query: RevisionQuery, build: Callable[[int], Mapping[str, Any]], tag: str | None = None
) -> Reply[Any]:
    """Answer with one record and the revision at which it was read."""

    def build_answer(revision: int) -> Answer:
        return Answer({**build(revision), "at": build_revision_out(context.session, revision)})

    return context.answer(query, build_answer, tag)


def answer_record(context: ReadContext, query: RevisionQuery, kind: TargetKind, record_id: uuid.UUID) -> Reply[Any]:
    """Answer with a detainee, detention or release."""

    def build(revision: int) -> Mapping[str, Any]:
        person, key = person_records.find_person_by_id(context.session, kind, record_id, context.reader, revision)
        detainee = person.detainee["detainee"]
        (row,) = build_rows(context.session, {detainee: person}, [(key, detainee)], kind, context.reader, revision)
        return (
            {**row, "contact": load_contact_permission(context.session, person.ids, context.reader)}
            if kind == "detainee"
            else row
        )

    return answer_row(context, query, build)


def answer_verifications(
    context: ReadContext, query: RevisionQuery, kind: TargetKind, record_id: uuid.UUID
) -> Reply[Any]:
    """Answer with the sources' verdicts on a detention or release."""

    def build(context: ReadContext, _query: RevisionQuery, revision: int) -> Page[Mapping[str, Any]]:
        person, key = person_records.find_person_by_id(context.session, kind, record_id, context.reader, revision)
        return Page(build_verification_rows(context.session, person, key, kind, context.reader, revision), None)

    return answer_page(context, query, build)


people_router = build_router("people")


@people_router.post(
    "/detentions",
    status_code=201,
    response_model=Filed,
    responses=document_upsert(Filed) | EMBARGOED_RESPONSE | document_refusals(*FILING_REFUSALS),
)
async def file_detention(write: WriteDep, body: DetentionReportIn) -> Response:
    """Report that someone is held: the body of a release report without the release. 202 where it waits until
    `publish_not_before`."""
    return await write.submit(FileReport(body))


@people_router.get("/detainees", response_model=DetaineePage, responses=document_refusals(*READ_REFUSALS))
def list_detainees(context: ReadDep, query: Annotated[DetaineeQuery, Query()]) -> Reply[DetaineePage]:
    """People. Terms that speak of a detention or a release mean whoever has one of which they hold."""
    return answer_list(context, query, list_pages.query_detainees)


@people_router.get(
    "/detainees/{detainee_id}", response_model=DetaineeOut, responses=document_refusals(*RECORD_REFUSALS)
)
def read_detainee(
    context: ReadDep, detainee_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[DetaineeOut]:
    """One person, each fact with who says so. What may not be shown is null."""
    return answer_record(context, query, "detainee", detainee_id)


@people_router.get(
    "/detainees/{detainee_id}/history", response_model=HistoryPage, responses=document_refusals(*RECORD_REFUSALS)
)
def read_history(
    context: ReadDep, detainee_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[HistoryPage]:
    """Every revision at which something shown of a person changed."""
    return answer_page(
        context,
        query,
        lambda context, _query, revision: Page(
            person_records.load_history(context.session, detainee_id, context.reader, revision), None
        ),
    )


@people_router.get("/detentions", response_model=DetentionPage, responses=document_refusals(*READ_REFUSALS))
def list_detentions(context: ReadDep, query: Annotated[DetentionQuery, Query()]) -> Reply[DetentionPage]:
    """Detentions of any time, ended or not: exactly those that a count of detentions with the same terms counts."""
    return answer_list(context, query, list_pages.query_detentions)


@people_router.get("/held", response_model=DetentionPage, responses=document_refusals(*READ_REFUSALS))
def list_held(context: ReadDep, query: Annotated[HeldQuery, Query()]) -> Reply[DetentionPage]:
    """The detentions of people in custody on a day: exactly those that a count of the held with the same terms
    counts."""

    def build(context: ReadContext, query: HeldQuery, revision: int) -> Page[Mapping[str, Any]]:
        now = context.request.app.state.clock()
        dated_query = resolve_held_day(context.session, query, revision, context.zone(query), now)
        since = context.resolve_since(query)
        return list_pages.query_detentions(context.session, dated_query, context.reader, revision, since)

    return answer_page(context, query, build)


@people_router.get(
    "/detentions/{detention_id}", response_model=DetentionOut, responses=document_refusals(*RECORD_REFUSALS)
)
def read_detention(
    context: ReadDep, detention_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[DetentionOut]:
    """One spell in custody."""
    return answer_record(context, query, "detention", detention_id)


@people_router.get(
    "/detentions/{detention_id}/verifications",
    response_model=VerificationPage,
    responses=document_refusals(*RECORD_REFUSALS),
)
def list_detention_verifications(
    context: ReadDep, detention_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[VerificationPage]:
    """Each source's standing verdict on a detention itself."""
    return answer_verifications(context, query, "detention", detention_id)


releases_router = build_router("releases")


@releases_router.post(
    "/releases",
    status_code=201,
    response_model=Filed,
    responses=document_upsert(Filed) | EMBARGOED_RESPONSE | document_refusals(*FILING_REFUSALS),
)
async def file_release(write: WriteDep, body: ReleaseReportIn) -> Response:
    """Report a release. 201 when it is new, 200 when your record already said exactly this or is superseded by it; 202
    where it waits until `publish_not_before`."""
    return await write.submit(FileReport(body))


@releases_router.post(
    "/releases/{release_id}/verifications",
    status_code=201,
    response_model=Filed,
    responses=document_upsert(Filed)
    | document_refusals(*POST_REFUSALS, NotFound, Conflict, Redacted, AheadOfHead, AgeNeedsDay),
)
async def verify_release(write: WriteDep, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Response:
    """Give your verdict on a known release: the next version of your report there, or a new one."""
    return await write.submit(VerifyRelease(release_id, body))


@releases_router.get("/releases", response_model=ReleasePage, responses=document_refusals(*READ_REFUSALS))
def list_releases(context: ReadDep, query: Annotated[ReleaseQuery, Query()]) -> Reply[ReleasePage]:
    """Releases that the terms mean. Without `stage`, each at the stage it stands at."""
    return answer_list(context, query, list_pages.query_releases)


@releases_router.get("/releases/{release_id}", response_model=ReleaseOut, responses=document_refusals(*RECORD_REFUSALS))
def read_release(
    context: ReadDep, release_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[ReleaseOut]:
    """One release, each fact with who says so. 308 to the standing id when this one was absorbed."""
    return answer_record(context, query, "release", release_id)


@releases_router.get(
    "/releases/{release_id}/verifications",
    response_model=VerificationPage,
    responses=document_refusals(*RECORD_REFUSALS),
)
def list_verifications(
    context: ReadDep, release_id: uuid.UUID, query: Annotated[RevisionQuery, Query()]
) -> Reply[VerificationPage]:
    """Each source's standing verdict on a release."""
    return answer_verifications(context, query, "release", release_id)


corrections_router = build_router("corrections")
FEED_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A feed (RFC 4287)", "content": {lists.ATOM_MEDIA_TYPE: {"schema": {"type": "string"}}}}
}
PARAMETERS_OUTSIDE_FEED_ID = ("cursor", "limit", "as_of", "leaf", "rules", "zone", "since")  # not part of a feed's id


@corrections_router.get("/corrections", response_model=CorrectionPage, responses=document_refusals(*READ_REFUSALS))
def list_corrections(context: ReadDep, query: Annotated[CorrectionQuery, Query()]) -> Reply[CorrectionPage]:
    """What was retracted, refuted, disputed, restated, merged, parted or superseded, newest first."""
    return answer_page(context, query, _find_corrections)


@corrections_router.get(
    "/corrections.atom",
    response_model=None,
    response_class=Response,
    responses=FEED_RESPONSE | document_refusals(*READ_REFUSALS),
)
def follow_corrections(context: ReadDep, query: Annotated[FeedQuery, Query()]) -> Reply[Any]:
    """The same as an Atom feed (RFC 4287); older pages stand under `next`."""
    return context.answer(query, lambda revision: _build_feed(context, query, revision))


def _find_corrections(context: ReadContext, query: CorrectionQuery, revision: int) -> Page[CorrectionShape]:
    return query_corrections(context.session, query, context.reader, revision, context.resolve_since(query, "since"))


def _build_feed(context: ReadContext, query: FeedQuery, revision: int) -> Answer:
    corrections_page = _find_corrections(context, query, revision)
    next_address = (
        None if corrections_page.cursor is None else build_next_address(context, corrections_page.cursor, revision)
    )
    url = context.request.url
    feed = lists.AtomFeed(
        id=_build_feed_id(context, revision),
        base_url=context.request.app.state.public_url,
        path=f"{url.path}?{url.query}" if url.query else url.path,
        next_path=next_address,
        updated_at=corrections_page.rows[0]["recorded_at"]
        if corrections_page.rows
        else _format_recorded_at(context, revision),
        lang=query.lang,
    )
    return Answer({}, next=next_address, document=(lists.ATOM_MEDIA_TYPE, feed.render(corrections_page.rows)))


def _format_recorded_at(context: ReadContext, revision: int) -> str | None:
    return format_instant(load_entry(context.session, revision).recorded_at) if revision else None


def _build_feed_id(context: ReadContext, revision: int) -> uuid.UUID:
    """Return the id of a feed: equal for all pages of one request to one registry, named by its log's first leaf."""
    query = sorted(
        pair for pair in context.request.query_params.multi_items() if pair[0] not in PARAMETERS_OUTSIDE_FEED_ID
    )
    first_leaf = load_entry(context.session, 1).leaf_hash.hex() if revision else ""
    return uuid.uuid5(CORRECTION_NAMESPACE, f"{first_leaf} {query}")
