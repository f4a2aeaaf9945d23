"""Every refusal leaves as problem+json; none echoes the input or an exception's text."""

import logging
import uuid
from difflib import get_close_matches
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.responses import BODILESS
from app.db.engine import CommitUnanswered, kind_and_place, was_stopped
from app.errors import (
    PROBLEM_JSON,
    RETRY_AFTER,
    Invalid,
    Moved,
    NotFound,
    PayloadTooLarge,
    PerhapsStored,
    Problem,
    TakesTooLong,
    Unavailable,
    pointed_errors,
    problem,
)
from app.server_log import this

log = logging.getLogger("recuento")

_STATUS = {
    400: ("bad_request", "Bad request", "The request could not be read."),
    404: ("not_found", "Not found", "There is nothing at this address: see /openapi.json."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take that method: see Allow."),
    413: (
        PayloadTooLarge.code,
        PayloadTooLarge.title,
        "The body is too large: leave something out, or import lists in several files.",
    ),
}
TOO_LARGE = problem(413, *_STATUS[413])
METHODS = ("GET", "POST", "PATCH", "DELETE")  # all that any address takes; HEAD wherever GET is
NARROWER = "This question takes too long to answer: ask for fewer days, or group by less, and it will be answered."
INTERNAL = problem(500, "internal_error", "Internal error", "Something failed here. Nothing was stored: try again.")


def respond(body: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem+json response; never cached, so that a mended request is not answered with an old refusal."""
    this().refusal = body["code"]
    always = {"Cache-Control": "no-store"}
    return JSONResponse(body, body["status"], {**always, **(headers or {})}, media_type=PROBLEM_JSON)


def _is_id(text: str, thing_id: str) -> bool:
    """Whether a part of an address is this id, in capitals or without hyphens too, as routes take it."""
    try:
        return uuid.UUID(text) == uuid.UUID(thing_id)
    except ValueError:
        return False


async def _on_problem(request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Problem)
    if isinstance(refusal, Moved):
        # The same address with the standing id in it: a client that asked for verdicts at a revision still gets them.
        parts = request.url.path.split("/")
        path = "/".join(refusal.standing if _is_id(part, refusal.absorbed) else part for part in parts)
        refusal.headers["Location"] = f"{path}?{request.url.query}" if request.url.query else path
    return respond(refusal.body(), refusal.headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, (RequestValidationError, ValidationError))
    errors = list(error.errors())
    if any(fault["loc"][:1] == ("path",) for fault in errors):
        return respond(NotFound("There is nothing with this id.").body())
    if isinstance(error, RequestValidationError):
        # Where the value was sent comes first; only then its place there.
        errors = [{**fault, "loc": fault["loc"][1:]} for fault in errors]
    places = pointed_errors(errors)
    if isinstance(error, RequestValidationError) and request.method == "GET":
        places = [_with_near_terms(place, request) for place in places]
    return respond(Invalid("Correct the values pointed at and try again.", *places).body())


def _with_near_terms(place: dict[str, str], request: Request) -> dict[str, str]:
    """An unknown query parameter with the names that may be meant: who left it out would get another number."""
    if place["code"] != "unknown_field":
        return place
    sought = place["pointer"].removeprefix("/")
    shapes = [parameter.field_info.annotation for parameter in request.scope["route"].dependant.query_params]
    names = sorted({name for shape in shapes for name in getattr(shape, "model_fields", ())})
    near = [name for name in names if name.endswith(f"_{sought}")] or get_close_matches(sought, names)
    meant = " or ".join(f"`{name}`" for name in near)
    hint = f"Did you mean {meant}?" if near else "/openapi.json lists the parameters of each address."
    return {**place, "detail": f"This address has no such parameter. {hint}"}


async def _on_busy(_request: Request, error: Exception) -> JSONResponse:
    """The database did not answer in time: nothing was stored, and the same request may be sent again. A question that
    was stopped would be stopped again."""
    if isinstance(error, OperationalError) and was_stopped(error):
        return respond(TakesTooLong(NARROWER).body())
    log.error("the database failed: %s", kind_and_place(error))
    return respond(
        Unavailable("The registry is busy. Nothing was stored: try again.").body(), {"Retry-After": RETRY_AFTER}
    )


async def _on_unanswered_commit(request: Request, error: Exception) -> JSONResponse:
    """COMMIT was sent, and no answer came: saying that nothing was stored would make two people of one."""
    log.error("the database did not answer COMMIT: %s", kind_and_place(error))
    return await _on_problem(request, PerhapsStored())


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, title, detail = _STATUS.get(error.status_code, ("refused", "Refused", "The request was refused."))
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else dict(error.headers or {})
    return respond(problem(error.status_code, code, title, detail), headers)


def _methods(request: Request) -> list[str]:
    """What an address takes (RFC 9110 section 10.2.1). One route knows its own method only."""
    routes = request.app.router.routes
    scopes = [{**request.scope, "method": method} for method in METHODS]
    taken = [scope["method"] for scope in scopes if any(route.matches(scope)[0] == Match.FULL for route in routes)]
    return [*taken, "HEAD"] if "GET" in taken else taken


class Head:
    """HEAD as RFC 9110 section 9.3.2 has it: everything of a GET but the body. Who watches a registry asks so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET", BODILESS: True}, receive, bodiless)


class Cors(CORSMiddleware):
    """CORS whose refusals are problem+json like every other, and which lets pass quickly what no browser asks for
    another site's page."""

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        if message["type"] == "http.response.start" and "origin" not in request_headers:
            vary = [value for name, value in message["headers"] if name == b"vary"]
            others = [pair for pair in message["headers"] if pair[0] != b"vary"]
            await send({**message, "headers": [*others, (b"vary", b", ".join([*vary, b"Origin"]))]})
        else:
            await super().send(message, send, request_headers)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        detail = "Browsers of other sites may only read, without a key: GET, Accept, Accept-Datetime and If-None-Match."
        return respond(problem(response.status_code, "cors_refused", "Not open to other sites", detail))


def install(app: FastAPI) -> None:
    """Handle every error a client can meet."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ValidationError, _on_invalid)
    app.add_exception_handler(OperationalError, _on_busy)
    app.add_exception_handler(PoolTimeout, _on_busy)
    app.add_exception_handler(CommitUnanswered, _on_unanswered_commit)
    app.add_exception_handler(HTTPException, _on_http)
