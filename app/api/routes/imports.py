"""Routes of imports: upload a list with its mapping, and read its status and the outcome of each row."""

import uuid
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from app.api import responses
from app.api.middleware.concurrency import acquire_write_slot
from app.api.operations import ReceiveList, UndoList
from app.api.requests import (
    ReadContext,
    ReadDep,
    Reply,
    find_preferred_language,
    refuse_repeated_parameters,
    require_role,
)
from app.api.routes.records import answer_page
from app.api.routing import POST_REFUSALS, READ_REFUSALS, RESOURCE_REFUSALS, build_router, document_refusals
from app.api.writes import CommittedAnswer, WriteRequest, build_write
from app.errors import Conflict, Forbidden, Invalid, ListsWaiting, NotFound, UnsupportedMediaType
from app.imports.fault_groups import load_import_groups
from app.imports.faults import BadFile
from app.imports.filing import import_store, receipts
from app.imports.mapping import ListMapping, decode_mapping
from app.models import OPEN, ListImport
from app.queries.parameters import DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery, RevisionQuery, read_cursor, write_cursor
from app.schemas.imports import ImportOut, ImportPage, ImportRowPage, UndoOut
from app.vocabulary import ImportOutcome, Language, Role

GZIP_ONLY_WBITS = 16 + zlib.MAX_WBITS  # zlib accepts only the gzip header and checksum
DAMAGED_GZIP_DETAIL = "The packed list is damaged or breaks off: pack it again with gzip, and send it whole."
FORM_DETAIL = "Send a form with a part `file`, once, a part `mapping` if need be, and no others."
# Only UTF-8: some of Python's encodings raise errors of their own, and Punycode takes hours for a list.
UTF_8 = b"utf-8"
FORM_DATA = b"multipart/form-data"
FORM_CHARSET_DETAIL = "Send the form in UTF-8: leave `charset` out of its Content-Type, or say utf-8."
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "mapping": {"type": "string", "description": "TOML: which column is what"},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class _InMemoryParser(MultiPartParser):
    """A multipart parser that never writes to disk, because a list contains names. The body limit bounds its memory."""

    spool_max_size = 2**40

    def close(self) -> None:
        """Close every part, including an unfinished one, which is in no form."""
        for part in self._files_to_close_on_error:
            part.close()


async def read_upload(request: Request) -> tuple[bytes, bytes | None]:
    """Return the file and the mapping: two parts of a form, or a body that is the file, which may be compressed."""
    body = await request.body()
    content_encoding = request.headers.get("content-encoding")
    if content_encoding is not None:
        return _decompress_upload(body, content_encoding.strip().lower(), request.app.state.max_import_bytes), None
    kind, _options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        return body, None
    parts_by_name: dict[str, bytes] = {}
    for name, part in await read_form_parts(request, max_parts=2, max_part_bytes=len(body) + 1):
        if name not in ("file", "mapping") or name in parts_by_name:
            raise Invalid.at_pointer("", "unknown_field", FORM_DETAIL)
        parts_by_name[name] = part
    if "file" not in parts_by_name:
        raise Invalid.at_pointer("/file", "required", FORM_DETAIL)
    return parts_by_name["file"], parts_by_name.get("mapping")


async def read_form_parts(request: Request, *, max_parts: int, max_part_bytes: int) -> list[tuple[str, bytes]]:
    """Return the names and contents of the parts of a form. Raises Invalid.

    `max_parts`: the limit for files, and for other parts. `max_part_bytes`: the limit of a part that is not a file.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        raise Invalid.at_pointer("", "malformed_form", FORM_DETAIL)
    if options.get(b"charset", UTF_8).lower() != UTF_8:
        raise Invalid.at_pointer("", "malformed_form", FORM_CHARSET_DETAIL)
    try:
        parser = _InMemoryParser(
            request.headers, request.stream(), max_files=max_parts, max_fields=max_parts, max_part_size=max_part_bytes
        )
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise Invalid.at_pointer("", "malformed_form", FORM_DETAIL) from None
    try:
        items = form.multi_items()
        return [(name, await part.read() if isinstance(part, UploadFile) else part.encode()) for name, part in items]
    finally:
        parser.close()


def _decompress_upload(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """Decompress a list sent with `Content-Encoding: gzip` (RFC 9110 section 8.4), which is about a sixth as long.

    At most `max_bytes` are decompressed. Raises Invalid, UnsupportedMediaType, and 413 for a longer list.
    """
    if content_encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("Send the list as it is, or packed with gzip (Content-Encoding: gzip), in no form.")
    decompressor = zlib.decompressobj(GZIP_ONLY_WBITS)
    try:
        data = decompressor.decompress(body, max_bytes + 1)
    except zlib.error:
        raise Invalid.at_pointer("", "malformed_gzip", DAMAGED_GZIP_DETAIL) from None
    if len(data) > max_bytes:
        raise HTTPException(413)
    if not decompressor.eof or decompressor.unused_data:
        raise Invalid.at_pointer("", "malformed_gzip", DAMAGED_GZIP_DETAIL)
    return data


def parse_mapping(part: bytes | None) -> ListMapping | None:
    """Parse the mapping that was sent with a list, if any. Raises Invalid."""
    try:
        return None if part is None else ListMapping.parse_toml(decode_mapping(part))
    except BadFile as fault:
        raise Invalid.at_pointer(f"/mapping{fault.place}", fault.code, fault.detail) from None


imports_router = build_router("imports")
MAX_LIST_ROWS = 10_000_000  # fifty times the largest plausible list


class ImportQuery(BaseModel):
    """How a list is to be filed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    strict: bool = False
    confirm: bool = False
    # For a list in several parts: the number of rows of all parts, so that questions are asked about the whole list.
    whole: Annotated[int, Field(ge=1, le=MAX_LIST_ROWS)] | None = None


class UndoQuery(BaseModel):
    """How a list is to be undone. `after`: the `next_after` of the answer before."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    after: Annotated[int, Field(ge=0, lt=OPEN)] = 0


class ImportListQuery(RevisionQuery):
    """A query for the last imports of a source."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class ImportStatusQuery(RevisionQuery):
    """A query for an import, in a language: by default the language of ours that the client prefers."""

    lang: Language | None = None


class ImportRowQuery(PageQuery):
    """A query for the rows of an import."""

    lang: Language | None = None
    outcome: ImportOutcome | None = None


def send_list(
    request: Request,
    write: Annotated[WriteRequest, Depends(build_write)],
    _slot: Annotated[None, Depends(acquire_write_slot, scope="function")],  # before a list is decompressed in memory
    upload: Annotated[tuple[bytes, bytes | None], Depends(read_upload)],
    query: Annotated[ImportQuery, Query()],
) -> Response:
    """Send a list: CSV, XLSX, ODS or JSON Lines. It is filed as you read on; with `dry_run` only tried."""
    require_role(write.sender, *ReceiveList.roles)  # before other errors of the request
    refuse_repeated_parameters(request, query)
    answer = store_list(write, *upload, query)
    answer.headers["Location"] = f"/v1/imports/{answer.content['id']}"
    return answer


def store_list(write: WriteRequest, data: bytes, mapping: bytes | None, query: ImportQuery) -> CommittedAnswer:
    """Store a list, which the import job files later. The caller has a slot in the lane of writes."""
    options = import_store.ImportOptions(
        query.dry_run, query.strict, query.confirm, parse_mapping(mapping), query.whole
    )
    # The same list is the same request, whether it is sent as a form or as a body.
    list_write = replace(write, body=data + b"\n" + (mapping or b""))
    answer = list_write.build_job(ReceiveList(data, options)).commit()
    write.state.imports.wake()
    return answer


imports_router.add_api_route(
    "/imports",
    send_list,
    methods=["POST"],
    status_code=import_store.ACCEPTED_STATUS,
    response_model=ImportOut,
    responses=document_refusals(*POST_REFUSALS, Conflict, ListsWaiting),
    openapi_extra=UPLOAD_BODY,
    route_class_override=APIRoute,  # the body is a file, not JSON
)


@imports_router.get("/imports", response_model=ImportPage, responses=document_refusals(*READ_REFUSALS, Forbidden))
def list_imports(context: ReadDep, query: Annotated[ImportListQuery, Query()]) -> Reply[ImportPage]:
    """Your last lists, the newest first, without trials. The receipt of each is at its own address."""
    context.allow(Role.REPORTER)
    secret = context.request.app.state.secret
    jobs = import_store.list_filed_imports(context.session, context.reader.source, query.limit)
    rows = [receipts.build_import_summary(job, secret) for job in jobs]
    states = [f"{row['id']} {row['state']} {row['undone_at']}" for row in rows]
    return answer_page(
        context,
        query,
        lambda _context, _query, _revision: Page([{**row} for row in rows], None),
        context.build_tag(*states),
    )


@imports_router.get(
    "/imports/{import_id}", response_model=ImportOut, responses=document_refusals(*RESOURCE_REFUSALS, Forbidden)
)
def read_import(
    context: ReadDep, import_id: uuid.UUID, query: Annotated[ImportStatusQuery, Query()]
) -> Reply[ImportOut]:
    """How far one of your lists has got, and its receipt once it is through."""
    job = _find_own_import(context, import_id)
    lang = query.lang or find_preferred_language(context.request)
    secret = context.request.app.state.secret
    groups, places = (
        load_import_groups(context.session, secret, job, lang),
        receipts.find_unregistered_places(context.session, secret, job),
    )
    row = {**receipts.build_receipt(job, secret, lang, groups, places)}
    return context.answer(query, lambda _revision: responses.Answer(row), _build_import_tag(context, job, lang))


@imports_router.post(
    "/imports/{import_id}/undo",
    response_model=UndoOut,
    responses=document_refusals(*POST_REFUSALS, NotFound, Conflict),
)
async def undo_import(
    request: Request,
    write: Annotated[WriteRequest, Depends(build_write)],
    import_id: uuid.UUID,
    query: Annotated[UndoQuery, Query()],
) -> Response:
    """Undo one of your lists: its reports have earlier values again, and those that it opened are withdrawn.

    What you changed since stays, and is shown. A list that is undone already does not change."""
    require_role(write.sender, *UndoList.roles)  # before other errors of the request
    refuse_repeated_parameters(request, query)
    return await write.submit(UndoList(import_id, query.dry_run, query.after))


@imports_router.get(
    "/imports/{import_id}/rows",
    response_model=ImportRowPage,
    responses=document_refusals(*RESOURCE_REFUSALS, Forbidden),
)
def list_import_rows(
    context: ReadDep, import_id: uuid.UUID, query: Annotated[ImportRowQuery, Query()]
) -> Reply[ImportRowPage]:
    """What became of each row: new, updated, unchanged, linked, needs review, or in error and why."""
    job = _find_own_import(context, import_id)
    lang = query.lang or find_preferred_language(context.request)
    return answer_page(
        context,
        query,
        lambda context, query, _revision: _list_rows(context, query, job, lang),
        _build_import_tag(context, job, lang),
    )


def _list_rows(
    context: ReadContext, query: ImportRowQuery, job: ListImport, lang: Language
) -> Page[Mapping[str, object]]:
    cursor_scope = f"rows of {job.id}"
    position = read_cursor(query.cursor, cursor_scope)
    secret, after_row = context.request.app.state.secret, position[0] if position else 0
    rows = receipts.list_row_outcomes(context.session, secret, job, after_row, query.limit + 1, query.outcome, lang)
    page_rows = rows[: query.limit]
    return Page(
        [{**row} for row in page_rows],
        write_cursor(cursor_scope, [page_rows[-1]["row"]]) if len(rows) > query.limit else None,
    )


def _find_own_import(context: ReadContext, import_id: uuid.UUID) -> ListImport:
    context.allow(Role.REPORTER)
    return import_store.load_own_import(context.session, import_id, context.reader.source)


def _build_import_tag(context: ReadContext, job: ListImport, lang: Language) -> str:
    """Return the tag of an import, which progresses without new revisions."""
    return context.build_tag(job.state, str(job.done), lang)
