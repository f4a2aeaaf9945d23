"""Lists in: send one, follow it, read what became of each row."""

import json
import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from app.api import answers
from app.api.requests import Read, ReadContext, preferred_language, refuse_repeated
from app.api.routes import POSTING, THING, refusals, router
from app.api.things import page
from app.api.uploads import SENT, mapping_of, parts
from app.api.writes import Writing, written_with
from app.errors import Conflict, Forbidden, ListsWaiting
from app.imports import mapping, receipts, stored
from app.models import ListImport
from app.queries.parameters import AsOf, Page, Paged, read_cursor, write_cursor
from app.schemas.imports import ImportOut, ImportRowPage
from app.vocabulary import ImportOutcome, Language, Role

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
    return read.answer(query, lambda _revision: answers.Answer(row, lambda: [row]), _tag(read, query, job, lang))


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
