"""Lists in: send one, follow it, read what became of each row."""

import json
import uuid
import zlib
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from app.api import answers
from app.api.requests import Asked, Read, refuse_repeated
from app.api.routes import READING, WRITING, refusals, router
from app.api.things import page
from app.api.wire import ImportOut, ImportRowPage
from app.api.writes import Writing, written_with
from app.counts.lists import Page, read_cursor, write_cursor
from app.counts.questions import AsOf, Paged
from app.errors import Conflict, Invalid, UnsupportedMediaType
from app.exchange.imports import stored
from app.exchange.imports.faults import BadFile
from app.exchange.imports.lists import digest_of
from app.exchange.imports.mapping import Mapping
from app.import_codes import ImportOutcome
from app.models import ListImport
from app.registry.write import Desk, Outcome
from app.vocabulary import Role

imports = router("imports")
ACCEPTED = 202
MOST_WAITING = 5  # lists of one source whose files are kept at once
MOST_ROWS = 10_000_000  # fifty times the largest list imagined
WAIT = "5"  # seconds: a list of hundreds of rows is through by then
GZIP = 16 + zlib.MAX_WBITS  # that header and checksum alone, as zlib names it
UNPACKABLE = "The packed list is damaged or breaks off: pack it again with gzip, and send it whole."
FORM = "Send a form with a part `file`, once, a part `mapping` if need be, and no others."
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


class ImportQuery(BaseModel):
    """How a list is to be filed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    strict: bool = False
    confirm: bool = False
    # A list in parts is asked about as a whole: the rows of all its parts together.
    whole: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None


class ImportRowQuery(Paged):
    """The rows of an import as asked."""

    outcome: ImportOutcome | None = None


class _InMemory(MultiPartParser):
    """A list holds names: no part of it is put on disk, and the bound of bodies bounds it here too."""

    spool_max_size = 2**40


async def parts(request: Request) -> tuple[bytes, str | None]:
    """The file and the mapping that were sent: two parts of a form, or the file alone as the body, packed or not."""
    body = await request.body()
    packed = request.headers.get("content-encoding")
    if packed is not None:
        return _unpacked(body, packed.strip().lower(), request.app.state.max_import_bytes), None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return body, None
    try:
        parser = _InMemory(request.headers, request.stream(), max_files=2, max_fields=2, max_part_size=len(body) + 1)
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise Invalid.at("", "malformed_form", FORM) from None
    found: dict[str, bytes] = {}
    try:
        for name, part in form.multi_items():
            if name not in ("file", "mapping") or name in found:
                raise Invalid.at("", "unknown_field", FORM)
            found[name] = await part.read() if isinstance(part, UploadFile) else part.encode()
    finally:
        await form.close()
    if "file" not in found:
        raise Invalid.at("/file", "required", FORM)
    mapping = found.get("mapping")
    return found["file"], None if mapping is None else mapping.decode("utf-8", "replace")


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


def send_list(
    request: Request,
    writing: Annotated[Writing, Depends(written_with)],
    sent_parts: Annotated[tuple[bytes, str | None], Depends(parts)],
    asked: Annotated[ImportQuery, Query()],
) -> Response:
    """Send a list: CSV, XLSX, ODS or JSON Lines. It is filed as you read on; with `dry_run` only tried."""
    writing.allow(Role.REPORTER)
    refuse_repeated(request, asked)
    data, mapping = sent_parts
    sent = stored.Sent(asked.dry_run, asked.strict, asked.confirm, mapping_of(mapping), asked.whole)
    # The same list in another envelope is the same request.
    once = Writing(writing.actor, writing.key, request, data + b"\n" + (mapping or "").encode())
    response = once.run(lambda desk: _begin(desk, writing.key.id, data, sent))
    response.headers["Location"] = f"/v1/imports/{json.loads(bytes(response.body))['id']}"
    request.app.state.imports.wake()
    return response


def mapping_of(text: str | None) -> Mapping | None:
    try:
        return None if text is None else Mapping.read(text)
    except BadFile as fault:
        raise Invalid.at("/mapping", fault.code, fault.detail) from None


def _begin(desk: Desk, key_id: str, data: bytes, sent: stored.Sent) -> Outcome:
    assert desk.actor.source is not None  # a reporter's key always has one (policy of keys)
    if stored.waiting(desk.session, desk.actor.source) >= MOST_WAITING:
        detail = f"{MOST_WAITING} lists of yours are not through yet: wait until one is, then send this one."
        raise Conflict(detail, headers={"Retry-After": WAIT})
    job = stored.begin(desk.session, desk.actor.source, key_id, digest_of(data), sent, desk.now)
    stored.keep_file(desk.session, job.id, data)
    return Outcome("import", ACCEPTED, desk.log.revision, {"import": str(job.id)})


imports.add_api_route(
    "/imports",
    send_list,
    methods=["POST"],
    status_code=ACCEPTED,
    response_model=ImportOut,
    responses=WRITING,
    openapi_extra=SENT,
    route_class_override=APIRoute,  # the body is a file, not JSON
)


@imports.get("/imports/{import_id}", response_model=ImportOut, responses=READING | refusals(403))
def read_import(read: Read, import_id: uuid.UUID, asked: Annotated[AsOf, Query()]) -> Response:
    """How far one of your lists has got, and its receipt once it is through."""
    job = _own(read, import_id)
    row = stored.shape(job)
    return read.answer(asked, lambda _revision: answers.Answer(row, [row]), _tag(read, asked, job))


@imports.get("/imports/{import_id}/rows", response_model=ImportRowPage, responses=READING | refusals(403))
def list_import_rows(read: Read, import_id: uuid.UUID, asked: Annotated[ImportRowQuery, Query()]) -> Response:
    """What became of each row: new, updated, unchanged, linked, needs review, or in error and why."""
    job = _own(read, import_id)
    return page(read, asked, lambda _revision: _rows(read, asked, job), _tag(read, asked, job))


def _rows(read: Asked, asked: ImportRowQuery, job: ListImport) -> Page:
    position = read_cursor(asked.cursor)
    rows = stored.rows_of(read.session, job.id, position[0] if position else 0, asked.limit + 1, asked.outcome)
    shown = rows[: asked.limit]
    return Page(shown, write_cursor([shown[-1]["row"]]) if len(rows) > asked.limit else None)


def _own(read: Asked, import_id: uuid.UUID) -> ListImport:
    read.allow(Role.REPORTER)
    return stored.own(read.session, import_id, read.reader.source)


def _tag(read: Asked, asked: AsOf, job: ListImport) -> str:
    """An import moves while the registry stands still."""
    return read.tag(asked, job.state, str(job.done))
