"""People and lists laid beside what the registry holds: nothing is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Annotated

from fastapi import Depends, Query, Response
from fastapi.routing import APIRoute
from starlette.datastructures import State

from app.api import responses
from app.api.requests import Read, ReadContext, refuse_repeated, whole_body
from app.api.routes.imports import SENT, mapping_of, parts
from app.api.routing import BODY, CHANGING, refusals, router
from app.compare import comparison
from app.compare import comparison as report
from app.compare import comparison as sheets
from app.compare.comparison import ListComparison
from app.compare.registry import Scope
from app.errors import Invalid, PayloadTooLarge, TakesTooLong, Unavailable, UnsupportedMediaType
from app.imports.faults import BadFile
from app.imports.formats import tables
from app.queries import parameters
from app.queries.parameters import FormatOrWorkbook
from app.schemas.imports import CandidatesOut, ComparisonOut
from app.schemas.reports import PersonSoughtIn
from app.vocabulary import Language, Role

matching = router("matching")
MEDIA = parameters.MEDIA | {"xlsx": tables.MEDIA_TYPE}
BUSY = "Another list of yours is being compared. Nothing is wrong with yours: send it again in a minute."
# Of the processor: twice what 5,000 rows take, which is more than any field office keeps.
MOST_SECONDS = 30.0

# Who compares is looked at and noted by one request after the other: many that come at once are no more than may.
_ONE_ASKS = Lock()


class ComparisonQuery(Scope):
    """A query for a comparison: beside which detentions, in which form, and in which language as a workbook."""

    format: FormatOrWorkbook | None = None
    lang: Language = "en"


@matching.post("/match", response_model=CandidatesOut, responses=refusals(*BODY, *CHANGING, TakesTooLong))
def match_person(read: Read, body: PersonSoughtIn) -> Response:
    """Whom a report of this person may speak of, with the reasons. Nothing is stored, and nothing is said of people
    whom this key may not recognise. Identification numbers are compared with nobody's."""
    read.allow(*Role)
    matches = comparison.with_person(read.session, read.request.app.state.clock(), read.reader, body)
    return responses.json_response(matches, 200, _headers(matches["revision"]))


def _known(_body: Annotated[bytes, Depends(whole_body)], read: Read) -> ReadContext:
    """Who sends a list: asked once all of it is here, and before anything of it is unpacked."""
    read.allow(*Role)
    return read


def match_list(
    read: Annotated[ReadContext, Depends(_known)],
    sent: Annotated[tuple[bytes, bytes | None], Depends(parts)],
    query: Annotated[ComparisonQuery, Query()],
) -> Response:
    """Lay a list beside the registry: on both, likely the same person, on yours only, on theirs only. Nothing is
    stored, and nothing is said of people whom this key may not recognise."""
    refuse_repeated(read.request, query)
    return _in_form(read, query, _compared(read, sent, query))


def _compared(read: ReadContext, sent: tuple[bytes, bytes | None], query: Scope) -> ListComparison:
    state = read.request.app.state
    with _turn(state, read):
        try:
            mine = sent[0], mapping_of(sent[1])
            return comparison.with_registry(
                read.session, state.secret, state.clock(), read.reader, mine, query, seconds=MOST_SECONDS
            )
        except BadFile as fault:
            raise Invalid.at("/file", fault.code, fault.detail) from None


@contextmanager
def _turn(state: State, read: ReadContext) -> Iterator[None]:
    """One list at a time of whoever asks, so that others find a place among the lists. Raises Unavailable."""
    who = read.reader.slug or (read.key and read.key.id)
    with _ONE_ASKS:
        if who in state.comparing:
            raise Unavailable(BUSY, headers={"Retry-After": "60"})
        state.comparing.add(who)
    try:
        yield
    finally:
        state.comparing.remove(who)


def _in_form(read: ReadContext, query: ComparisonQuery, comparison: ListComparison) -> Response:
    media = responses.media_type(query.format, read.request, MEDIA)
    headers = _headers(comparison["revision"])
    if media == tables.MEDIA_TYPE:
        return Response(tables.write(sheets.sheets(comparison, query.lang)), headers=headers, media_type=media)
    return responses.in_form(responses.Answer({**comparison}, lambda: report.lines(comparison)), media, headers)


def _headers(revision: int) -> dict[str, str]:
    return {"Cache-Control": responses.KEYED, "Vary": responses.VARY, "Recuento-Revision": str(revision)}


matching.add_api_route(
    "/match/list",
    match_list,
    methods=["POST"],
    response_model=ComparisonOut,
    responses=refusals(PayloadTooLarge, UnsupportedMediaType, *CHANGING, TakesTooLong),
    openapi_extra=SENT,
    route_class_override=APIRoute,  # the body is a file, not JSON
)
