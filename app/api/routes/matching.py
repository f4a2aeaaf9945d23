"""Routes that compare a person or a list with the registry, without storing anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Annotated

from fastapi import Depends, Query, Response
from fastapi.routing import APIRoute
from starlette.datastructures import State

from app import tables
from app.api import responses
from app.api.requests import ReadContext, ReadDep, read_whole_body, refuse_repeated_parameters
from app.api.routes.imports import UPLOAD_BODY, parse_mapping, read_upload
from app.api.routing import BODY_REFUSALS, CHANGE_REFUSALS, build_router, document_refusals
from app.api.table_routes import WORKBOOK_EXTENSION, split_table_path
from app.compare.comparison import (
    ListComparison,
    build_sheets,
    compare_with_registry,
    flatten_comparison,
    match_person_in_registry,
)
from app.compare.registry import ComparisonScope
from app.errors import Invalid, PayloadTooLarge, TakesTooLong, Unavailable, UnsupportedMediaType
from app.imports.faults import BadFile
from app.schemas.comparison import CandidatesOut, ComparisonOut
from app.schemas.reports import PersonSoughtIn
from app.vocabulary import Language, Role

matching_router = build_router("matching")
COMPARISON_BUSY_DETAIL = (
    "Another list of yours is being compared. Nothing is wrong with yours: send it again in a minute."
)
# Processor time: twice that of 5,000 rows, which is more than any field office has.
MAX_COMPARISON_SECONDS = 30.0

# Guards `state.comparing`, so that concurrent requests of one owner cannot pass its check together.
_COMPARING_LOCK = Lock()


class ComparisonQuery(ComparisonScope):
    """A query for a comparison: beside which detentions, and in which language as a workbook."""

    lang: Language = "en"


@matching_router.post(
    "/match", response_model=CandidatesOut, responses=document_refusals(*BODY_REFUSALS, *CHANGE_REFUSALS, TakesTooLong)
)
def match_person(context: ReadDep, body: PersonSoughtIn) -> Response:
    """Whom a report of this person may speak of, with the reasons. Nothing is stored. Only people listed by name to
    this key and the reports of its own source are compared. Identification numbers are compared with nobody's."""
    context.allow(*Role)
    matches = match_person_in_registry(context.session, context.request.app.state.clock(), context.reader, body)
    return responses.build_json_response(matches, 200, _build_comparison_headers(matches["revision"]))


def _authorize_list(_body: Annotated[bytes, Depends(read_whole_body)], context: ReadDep) -> ReadContext:
    """Authorize the sender of a list, after the whole body has arrived and before it is decompressed."""
    context.allow(*Role)
    return context


def match_list(
    context: Annotated[ReadContext, Depends(_authorize_list)],
    upload: Annotated[tuple[bytes, bytes | None], Depends(read_upload)],
    query: Annotated[ComparisonQuery, Query()],
) -> Response:
    """Lay a list beside the registry: on both, likely the same person, on yours only, on theirs only. Nothing is
    stored. Only people listed by name to this key and the reports of its own source are compared."""
    refuse_repeated_parameters(context.request, query)
    return _render_comparison(context, query, _compare_list(context, upload, query))


def _compare_list(context: ReadContext, upload: tuple[bytes, bytes | None], query: ComparisonScope) -> ListComparison:
    state = context.request.app.state
    with _reserve_comparison(state, context):
        try:
            own_list = upload[0], parse_mapping(upload[1])
            return compare_with_registry(
                context.session,
                state.secret,
                state.clock(),
                context.reader,
                own_list,
                query,
                max_seconds=MAX_COMPARISON_SECONDS,
            )
        except BadFile as fault:
            raise Invalid.at_pointer("/file", fault.code, fault.detail) from None


@contextmanager
def _reserve_comparison(state: State, context: ReadContext) -> Iterator[None]:
    """Allow one comparison at a time for each source or key, so that others get slots too. Raises Unavailable."""
    owner = context.reader.slug or (context.key and context.key.id)
    with _COMPARING_LOCK:
        if owner in state.comparing:
            raise Unavailable(COMPARISON_BUSY_DETAIL, headers={"Retry-After": "60"})
        state.comparing.add(owner)
    try:
        yield
    finally:
        state.comparing.remove(owner)


def _render_comparison(context: ReadContext, query: ComparisonQuery, comparison: ListComparison) -> Response:
    _path, extension = split_table_path(context.request.url.path)
    headers = _build_comparison_headers(comparison["revision"])
    if extension == WORKBOOK_EXTENSION:
        workbook = tables.write_workbook(build_sheets(comparison, query.lang))
        return Response(workbook, headers=headers, media_type=tables.XLSX_MEDIA_TYPE)
    answer = responses.Answer({**comparison}, lambda: flatten_comparison(comparison))
    return responses.render_answer(answer, extension, headers)


def _build_comparison_headers(revision: int) -> dict[str, str]:
    return {"Cache-Control": responses.CACHE_PRIVATE, "Vary": responses.VARY, "Recuento-Revision": str(revision)}


matching_router.add_api_route(
    "/match/list",
    match_list,
    methods=["POST"],
    response_model=ComparisonOut,
    responses=document_refusals(PayloadTooLarge, UnsupportedMediaType, *CHANGE_REFUSALS, TakesTooLong),
    openapi_extra=UPLOAD_BODY,
    route_class_override=APIRoute,  # the body is a file, not JSON
)
