"""What a request body must pass before anything reads it.

The router of one resource: strict bodies, and the refusals that its routes can give."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

from app.errors import (
    PROBLEM_JSON,
    AgeNeedsDay,
    AheadOfHead,
    AnotherPerson,
    Busy,
    ClockJumped,
    Conflict,
    FileAClaim,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    MalformedJson,
    Moved,
    NewSpellNeedsNewRecord,
    NotFound,
    OutOfScope,
    PayloadTooLarge,
    PerhapsStored,
    Problem,
    Redacted,
    ReleaseDropped,
    RevisionLost,
    RulesChanged,
    Superseded,
    TakesTooLong,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from app.imports.formats.json_reader import parse_json
from app.log.head import OtherRules
from app.log.mark import WentBackwards
from app.schemas.directory import Embargoed


class _GatedRequest(Request):
    """A request whose JSON was parsed by the gate."""

    gated: Any = None

    async def json(self) -> Any:
        return self.gated


class StrictRoute(APIRoute):
    """A route whose JSON body passes the gate first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def gated(request: Request) -> Response:
            strict = _GatedRequest(request.scope, request.receive)
            body = b"" if strict.method == "GET" else await strict.body()  # which says nothing there (RFC 9110 9.3.1)
            if body:
                kind = strict.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
                strict.gated = parse_json(body)
            return await handler(strict)

        return gated


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


# Whatever is asked of the database: somebody asks too much or all together do, it is busy, it was rebuilt under other
# rules or put back from an earlier copy, or something failed.
ALWAYS = (TooManyRequests, Busy, Unavailable, OtherRules, WentBackwards, Problem)
READING = (Unauthenticated, OutOfScope, RulesChanged, RevisionLost, Invalid, AheadOfHead, TakesTooLong, *ALWAYS)
THING = (*READING, NotFound)
RECORD = (*THING, Moved)
BODY = (MalformedJson, PayloadTooLarge, UnsupportedMediaType)
CHANGING = (Unauthenticated, Forbidden, OutOfScope, Invalid, PerhapsStored, ClockJumped, *ALWAYS)
POSTING = (*BODY, *CHANGING, IdempotencyMismatch)
PATCHING = (*BODY, *CHANGING, NotFound)
_REPORT = (NotFound, Conflict, AnotherPerson, NewSpellNeedsNewRecord, FileAClaim, AgeNeedsDay)
FILING = (*POSTING, *_REPORT, Redacted)
AMENDING = (*PATCHING, *_REPORT, ReleaseDropped, Superseded)
DELETING = (*CHANGING, NotFound)


def refusals(*problems: type[Problem]) -> Responses:
    """The answers of a route that are refusals, by status, with an example of each code. What reads may also answer
    that the client has it already."""
    by_status: dict[int, list[type[Problem]]] = {}
    for refusal in dict.fromkeys(problems):
        by_status.setdefault(refusal.status, []).append(refusal)
    refused: Responses = {status: _refused(known) for status, known in sorted(by_status.items())}
    unchanged: Responses = {304: {"description": "You have it already", "model": None}}
    return unchanged | refused if RulesChanged in problems else refused


def _refused(problems: list[type[Problem]]) -> dict[str, Any]:
    examples = {problem.code: {"$ref": f"#/components/examples/{problem.code}"} for problem in problems}
    content = {"schema": {"$ref": "#/components/schemas/ProblemOut"}, "examples": examples}
    titles = " · ".join(f"`{problem.code}`: {problem.title}" for problem in problems)
    return {"description": titles, "content": {PROBLEM_JSON: content}, "model": None}


def upserting(model: type) -> Responses:
    """The answer of a route where the same thing may be sent again."""
    return {200: {"description": "As before, or its next version", "model": model}}


# The answer to a report that is not to be public yet.
WAITING: Responses = {202: {"description": "Waits for the end of its embargo", "model": Embargoed}}


def router(tag: str) -> APIRouter:
    """Routes under `/v1`, documented under one tag."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=StrictRoute)
