"""What comes with a list that is sent: the file, packed or not, and the mapping.

Lists in: send one, follow it, read what became of each row."""

import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from app.api import responses
from app.api.requests import Read, ReadContext, preferred_language, refuse_repeated
from app.api.routes.records import page
from app.api.routing import POSTING, THING, refusals, router
from app.api.writes import Writing, written_with
from app.errors import Conflict, Forbidden, Invalid, ListsWaiting, UnsupportedMediaType
from app.imports import mapping, receipts, stored
from app.imports.faults import BadFile
from app.imports.mapping import Mapping as ListMapping
from app.imports.mapping import decoded
from app.models import ListImport
from app.queries.parameters import AsOf, Page, Paged, read_cursor, write_cursor
from app.schemas.imports import ImportOut, ImportRowPage
from app.vocabulary import ImportOutcome, Language, Role

GZIP = 16 + zlib.MAX_WBITS  # that header and checksum alone, as zlib names it
UNPACKABLE = "The packed list is damaged or breaks off: pack it again with gzip, and send it whole."
FORM = "Send a form with a part `file`, once, a part `mapping` if need be, and no others."
# Of the encodings that a form may name, some fail in ways of their own, and one (Punycode) takes hours for a list.
UTF_8 = b"utf-8"
FORM_DATA = b"multipart/form-data"
IN_UTF_8 = "Send the form in UTF-8: leave `charset` out of its Content-Type, or say utf-8."
SENT = {
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


class _InMemory(MultiPartParser):
    """A list holds names: no part of it is put on disk, and the bound of bodies bounds it here too."""

    spool_max_size = 2**40

    def close(self) -> None:
        """Let go of every part that was begun: one that never ended is in no form."""
        for part in self._files_to_close_on_error:
            part.close()


async def parts(request: Request) -> tuple[bytes, bytes | None]:
    """The file and the mapping that were sent: two parts of a form, or the file alone as the body, packed or not."""
    body = await request.body()
    packed = request.headers.get("content-encoding")
    if packed is not None:
        return _unpacked(body, packed.strip().lower(), request.app.state.max_import_bytes), None
    kind, _options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        return body, None
    sent_parts: dict[str, bytes] = {}
    for name, part in await form_parts(request, most=2, longest=len(body) + 1):
        if name not in ("file", "mapping") or name in sent_parts:
            raise Invalid.at("", "unknown_field", FORM)
        sent_parts[name] = part
    if "file" not in sent_parts:
        raise Invalid.at("/file", "required", FORM)
    return sent_parts["file"], sent_parts.get("mapping")


async def form_parts(request: Request, *, most: int, longest: int) -> list[tuple[str, bytes]]:
    """The parts of a form by their names. `most`: of files and of other parts; `longest`: bytes of such a part; a file
    is bounded by the body. Raises Invalid."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        raise Invalid.at("", "malformed_form", FORM)
    if options.get(b"charset", UTF_8).lower() != UTF_8:
        raise Invalid.at("", "malformed_form", IN_UTF_8)
    try:
        parser = _InMemory(request.headers, request.stream(), max_files=most, max_fields=most, max_part_size=longest)
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise Invalid.at("", "malformed_form", FORM) from None
    try:
        items = form.multi_items()
        return [(name, await part.read() if isinstance(part, UploadFile) else part.encode()) for name, part in items]
    finally:
        parser.close()


def _unpacked(body: bytes, packed: str, most: int) -> bytes:
    """A list sent with `Content-Encoding: gzip` (RFC 9110 section 8.4), which is a sixth as long on a bad line. No more
    than the bound of a list is ever unpacked, whatever the body claims to hold."""
    if packed not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("Send the list as it is, or packed with gzip (Content-Encoding: gzip), in no form.")
    unpacking = zlib.decompressobj(GZIP)
    try:
        data = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise Invalid.at("", "malformed_gzip", UNPACKABLE) from None
    if len(data) > most:
        raise HTTPException(413)
    if not unpacking.eof or unpacking.unused_data:
        raise Invalid.at("", "malformed_gzip", UNPACKABLE)
    return data


def mapping_of(part: bytes | None) -> ListMapping | None:
    """The mapping that was sent with a list, if one was."""
    try:
        return None if part is None else ListMapping.read(decoded(part))
    except BadFile as fault:
        raise Invalid.at(f"/mapping{fault.place}", fault.code, fault.detail) from None


imports = router("imports")
MOST_ROWS = 10_000_000  # fifty times the largest list imagined


class ImportQuery(BaseModel):
    """How a list is to be filed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    strict: bool = False
    confirm: bool = False
    # A list in parts is asked about as a whole: the rows of all its parts together.
    whole: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None


class ImportStatusQuery(AsOf):
    """A query for an import, in a language: by default the language of ours that the client prefers."""

    lang: Language | None = None


class ImportRowQuery(Paged):
    """A query for the rows of an import."""

    lang: Language | None = None
    outcome: ImportOutcome | None = None


def send_list(
    request: Request,
    writing: Annotated[Writing, Depends(written_with)],
    sent_parts: Annotated[tuple[bytes, bytes | None], Depends(parts)],
    query: Annotated[ImportQuery, Query()],
) -> Response:
    """Send a list: CSV, XLSX, ODS or JSON Lines. It is filed as you read on; with `dry_run` only tried."""
    writing.allow(Role.REPORTER)
    refuse_repeated(request, query)
    data, mapping = sent_parts
    sent = stored.Sent(query.dry_run, query.strict, query.confirm, mapping_of(mapping), query.whole)
    # The same list in another envelope is the same request.
    once = Writing(writing.sender, writing.key, request, data + b"\n" + (mapping or b""))
    response = once.run(lambda context: stored.receive(context, writing.key.id, data, sent))
    response.headers["Location"] = f"/v1/imports/{json.loads(bytes(response.body))['id']}"
    request.app.state.imports.wake()
    return response


imports.add_api_route(
    "/imports",
    send_list,
    methods=["POST"],
    status_code=stored.RECEIVED,
    response_model=ImportOut,
    responses=refusals(*POSTING, Conflict, ListsWaiting),
    openapi_extra=SENT,
    route_class_override=APIRoute,  # the body is a file, not JSON
)


@imports.get("/imports/{import_id}", response_model=ImportOut, responses=refusals(*THING, Forbidden))
def read_import(read: Read, import_id: uuid.UUID, query: Annotated[ImportStatusQuery, Query()]) -> Response:
    """How far one of your lists has got, and its receipt once it is through."""
    job = _own(read, import_id)
    lang = query.lang or preferred_language(read.request)
    secret = read.request.app.state.secret
    groups, places = (
        mapping.of_import(read.session, secret, job, lang),
        receipts.places_of(read.session, secret, job),
    )
    row = {**receipts.shape(job, secret, lang, groups, places)}
    return read.answer(query, lambda _revision: responses.Answer(row, lambda: [row]), _tag(read, query, job, lang))


@imports.get("/imports/{import_id}/rows", response_model=ImportRowPage, responses=refusals(*THING, Forbidden))
def list_import_rows(read: Read, import_id: uuid.UUID, query: Annotated[ImportRowQuery, Query()]) -> Response:
    """What became of each row: new, updated, unchanged, linked, needs review, or in error and why."""
    job = _own(read, import_id)
    lang = query.lang or preferred_language(read.request)
    return page(read, query, lambda read, query, _revision: _rows(read, query, job, lang), _tag(read, query, job, lang))


def _rows(read: ReadContext, query: ImportRowQuery, job: ListImport, lang: Language) -> Page[Mapping[str, object]]:
    of = f"rows of {job.id}"
    position = read_cursor(query.cursor, of)
    secret, after = read.request.app.state.secret, position[0] if position else 0
    rows = receipts.rows_of(read.session, secret, job.id, after, query.limit + 1, query.outcome, lang)
    shown = rows[: query.limit]
    return Page([{**row} for row in shown], write_cursor(of, [shown[-1]["row"]]) if len(rows) > query.limit else None)


def _own(read: ReadContext, import_id: uuid.UUID) -> ListImport:
    read.allow(Role.REPORTER)
    return stored.own(read.session, import_id, read.reader.source)


def _tag(read: ReadContext, query: AsOf, job: ListImport, lang: Language) -> str:
    """An import moves while the registry stands still."""
    return read.tag(query, job.state, str(job.done), lang)
