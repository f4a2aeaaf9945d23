"""Build routers whose routes parse strict JSON, send replies and document their error responses."""

from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from app.api.deprecation import find_deprecation
from app.api.requests import Reply
from app.api.table_routes import TableRouter
from app.errors import (
    PROBLEM_JSON,
    AgeNeedsDay,
    AheadOfHead,
    AnotherPerson,
    Busy,
    ClaimRequired,
    ClockJumped,
    Conflict,
    Forbidden,
    Frozen,
    IdempotencyMismatch,
    Invalid,
    MalformedJson,
    Moved,
    NewSpellNeedsNewRecord,
    NotFound,
    OutcomeUnknown,
    OutOfScope,
    PayloadTooLarge,
    PreconditionFailed,
    Problem,
    Redacted,
    RevisionLost,
    RulesChanged,
    TakesTooLong,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from app.log.head import RowsMismatch
from app.log.mark import LogWentBackwards
from app.schemas.directory import Embargoed
from app.schemas.filed import Proposed
from app.strict_json import parse_json


class _ParsedRequest(Request):
    """A request whose JSON was parsed strictly."""

    parsed_json: Any = None

    async def json(self) -> Any:
        return self.parsed_json


def _convert_reply(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint so that its Reply is sent, while its session is open and in its thread."""
    if iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    def respond(*args: Any, **kwargs: Any) -> Any:
        result = endpoint(*args, **kwargs)
        return result.to_response() if isinstance(result, Reply) else result

    return respond


class StrictJsonRoute(APIRoute):
    """A route that reads strict JSON, sends replies, and announces its deprecation (`deprecation.py`)."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._deprecation = find_deprecation(endpoint)
        if self._deprecation is not None and self._deprecation.parameter is None:
            options["deprecated"] = True
        super().__init__(path, _convert_reply(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_parsed(request: Request) -> Response:
            parsed_request = _ParsedRequest(request.scope, request.receive)
            # The body of a GET has no meaning (RFC 9110 section 9.3.1).
            body = b"" if parsed_request.method == "GET" else await parsed_request.body()
            if body:
                media_type = parsed_request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if media_type != "application/json" and not media_type.endswith("+json"):
                    raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
                parsed_request.parsed_json = parse_json(body)
            response = await handler(parsed_request)
            if self._deprecation is not None:
                self._deprecation.announce(response.headers, request.query_params)
            return response

        return handle_parsed


Responses = dict[int | str, dict[str, Any]]


class PointedError(BaseModel):
    """One place in the request that was not accepted (pointer: RFC 6901)."""

    pointer: str
    code: str
    detail: str


class ProblemOut(BaseModel):
    """A refusal (RFC 9457) with a stable code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[PointedError] | None = None


# The errors of every route that uses the database: rate limit, full queue, busy database, rows of other rules, a
# database restored from an earlier copy, and internal errors.
ALWAYS_REFUSALS = (TooManyRequests, Busy, Unavailable, RowsMismatch, LogWentBackwards, Problem)
READ_REFUSALS = (
    Unauthenticated,
    OutOfScope,
    RulesChanged,
    RevisionLost,
    Invalid,
    AheadOfHead,
    TakesTooLong,
    *ALWAYS_REFUSALS,
)
RESOURCE_REFUSALS = (*READ_REFUSALS, NotFound)
RECORD_REFUSALS = (*RESOURCE_REFUSALS, Moved)
BODY_REFUSALS = (MalformedJson, PayloadTooLarge, UnsupportedMediaType)
CHANGE_REFUSALS = (
    Unauthenticated, Forbidden, OutOfScope, Invalid, OutcomeUnknown, ClockJumped, Frozen, *ALWAYS_REFUSALS,
)  # fmt: skip
POST_REFUSALS = (*BODY_REFUSALS, *CHANGE_REFUSALS, IdempotencyMismatch)
PATCH_REFUSALS = (*BODY_REFUSALS, *CHANGE_REFUSALS, NotFound)
_REPORT_REFUSALS = (NotFound, Conflict, AnotherPerson, NewSpellNeedsNewRecord, ClaimRequired, AgeNeedsDay)
FILING_REFUSALS = (*POST_REFUSALS, *_REPORT_REFUSALS, Redacted)
AMENDING_REFUSALS = (*PATCH_REFUSALS, *_REPORT_REFUSALS, PreconditionFailed)
DELETE_REFUSALS = (*CHANGE_REFUSALS, NotFound)


def document_refusals(*problems: type[Problem]) -> Responses:
    """Return the OpenAPI responses of errors by status, with an example of each code.

    RulesChanged is among those of read routes, which also answer 304."""
    by_status: dict[int, list[type[Problem]]] = {}
    for refusal in dict.fromkeys(problems):
        by_status.setdefault(refusal.status, []).append(refusal)
    responses: Responses = {status: _document_status(same_status) for status, same_status in sorted(by_status.items())}
    not_modified: Responses = {304: {"description": "You have it already", "model": None}}
    return not_modified | responses if RulesChanged in problems else responses


def _document_status(problems: list[type[Problem]]) -> dict[str, Any]:
    examples = {problem.code: {"$ref": f"#/components/examples/{problem.code}"} for problem in problems}
    content = {"schema": {"$ref": "#/components/schemas/ProblemOut"}, "examples": examples}
    titles = " · ".join(f"`{problem.code}`: {problem.title}" for problem in problems)
    return {"description": titles, "content": {PROBLEM_JSON: content}, "model": None}


def document_upsert(model: type) -> Responses:
    """Return the OpenAPI response 200 of a route where the same record may be sent again."""
    return {200: {"description": "As before, or its next version", "model": model}}


# The response to a report under embargo.
EMBARGOED_RESPONSE: Responses = {202: {"description": "Waits for the end of its embargo", "model": Embargoed}}
# The response to a decision that waits for a second person, or a day.
WAITING_RESPONSE: Responses = {202: {"description": "Waits for a second person, or a day", "model": Proposed}}


def build_router(tag: str) -> TableRouter:
    """Return a router for routes under `/v1` with one tag in the documentation."""
    return TableRouter(prefix="/v1", tags=[tag], route_class=StrictJsonRoute)
