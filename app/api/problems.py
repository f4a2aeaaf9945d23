"""Render every error as problem+json (RFC 9457). No error repeats the input or the text of an exception."""

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.api.parameter_names import ALTERNATIVES, Address, find_other_address, suggest_parameters
from app.api.responses import select_language
from app.api.table_routes import build_table_address, list_extensions, split_table_path
from app.db.engine import CommitUnanswered, describe_database_error, was_stopped
from app.errors import (
    PROBLEM_JSON,
    RETRY_AFTER,
    Invalid,
    Moved,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    Problem,
    TakesTooLong,
    Unavailable,
    build_pointed_error,
    build_pointed_errors,
    build_problem,
)
from app.queries.term_values import MAX_NEAREST, add_suggestion, suggest_values
from app.server_log import get_request_stats
from app.translations import Message, translate
from app.vocabulary import Language

log = logging.getLogger("recuento")

_HTTP_PROBLEMS = {
    400: ("bad_request", "Bad request", "The request could not be read."),
    404: ("not_found", "Not found", "There is nothing at this address: see /openapi.json."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take that method: see Allow."),
    413: (
        PayloadTooLarge.code,
        PayloadTooLarge.title,
        "The body is too large: leave something out, or import lists in several files.",
    ),
}
_OTHER_HTTP_PROBLEM = ("refused", "Refused", "The request was refused.")
CORS_REFUSED, CORS_REFUSED_TITLE = "cors_refused", "Not open to other sites"
BODY_TOO_LARGE = build_problem(413, *_HTTP_PROBLEMS[413])
ROUTE_METHODS = ("GET", "POST", "PATCH", "DELETE")  # the methods of all routes; HEAD is allowed wherever GET is
TAKES_TOO_LONG_DETAIL = (
    "This question takes too long to answer: ask for fewer days, or group by less, and it will be answered."
)
INTERNAL_ERROR = build_problem(
    500, "internal_error", "Internal error", "Something failed here. Nothing was stored: try again."
)


def list_titles() -> dict[str, str]:
    """Return the title of every code of a refusal."""
    classes: list[type[Problem]] = [Problem]
    for problem_class in classes:
        classes += problem_class.__subclasses__()
    http_titles = {code: title for code, title, _detail in (*_HTTP_PROBLEMS.values(), _OTHER_HTTP_PROBLEM)}
    return http_titles | {CORS_REFUSED: CORS_REFUSED_TITLE} | {each.code: each.title for each in classes}


class ProblemResponse(JSONResponse):
    """A problem+json response in the language that the client prefers, with the address of its page."""

    media_type = PROBLEM_JSON

    def __init__(self, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(dict(problem), problem["status"], headers)
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accept_language = ",".join(Headers(scope=scope).getlist("accept-language"))
        language = select_language(accept_language, get_args(Language))
        address = scope["app"].state.public_url + self._problem["type"]
        self.body = self.render({**translate_problem(self._problem, language), "type": address})
        vary = [self.headers["vary"]] if "vary" in self.headers else []
        self.headers["vary"] = ", ".join([*vary, "Accept-Language"])
        self.headers["content-language"] = language
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def build_problem_response(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return a problem+json response. It is never cached: a corrected request must not get an old refusal."""
    get_request_stats().refusal = body["code"]
    return ProblemResponse(body, {"Cache-Control": "no-store", **(headers or {})})


def translate_problem(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a problem with its title, its detail and the details of its pointed errors in a language."""
    translated = {**problem, **{name: translate(problem[name], language) for name in ("title", "detail")}}
    if "errors" in problem:
        translated["errors"] = [
            {**error, "detail": translate(error["detail"], language)} for error in problem["errors"]
        ]
    return translated


def replace_moved_id(path: str, moved: Moved) -> str:
    """Return the path with the absorbed id replaced by the current one, so that sub-resources redirect too."""
    return "/".join(moved.current_id if _is_id(part, moved.absorbed_id) else part for part in path.split("/"))


def _is_id(text: str, record_id: str) -> bool:
    """Return whether a path segment is this id. Routes also accept capitals and ids without hyphens."""
    try:
        return uuid.UUID(text) == uuid.UUID(record_id)
    except ValueError:
        return False


async def _handle_problem(request: Request, refusal: Exception) -> ProblemResponse:
    assert isinstance(refusal, Problem)
    if isinstance(refusal, Moved):
        path = replace_moved_id(request.url.path, refusal)
        refusal.headers["Location"] = f"{path}?{request.url.query}" if request.url.query else path
    return build_problem_response(refusal.body(), refusal.headers)


async def _handle_invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, (RequestValidationError, ValidationError))
    errors = list(error.errors())
    if any(fault["loc"][:1] == ("path",) for fault in errors):
        return build_problem_response(NotFound("There is nothing with this id.").body())
    if isinstance(error, RequestValidationError):
        # FastAPI puts the part of the request ("query", "body") first.
        errors = [{**fault, "loc": fault["loc"][1:]} for fault in errors]
        if "format" in request.query_params and list_extensions(request.scope["route"]):
            return build_problem_response(_refuse_format(request).body())
    if isinstance(error, RequestValidationError) and request.method == "GET":
        address = Address(request.url.path, request.query_params.multi_items())
        return build_problem_response(build_invalid_query(errors, request.scope["route"], address).body())
    return build_problem_response(build_invalid(build_pointed_errors(errors)).body())


def build_invalid_query(errors: Sequence[Any], route: APIRoute, address: Address | None = None) -> Invalid:
    """Build the refusal of a query from pydantic's errors, with suggestions for unknown parameters and values.

    `address`: of the request, if a client sent one."""
    places = [
        {**place, "detail": add_suggestion(place["detail"], _suggest_values(error))}
        for place, error in zip(build_pointed_errors(errors), errors, strict=False)
    ]
    return build_invalid([_suggest_parameters(place, route, address) for place in places])


def _suggest_values(error: Mapping[str, Any]) -> list[str]:
    """Return what a client may have meant by a refused value: several values, a listed one, or a parameter's name."""
    value, place = error.get("input"), error["loc"]
    if isinstance(value, str) and "," in value and isinstance(place[-1], int):
        name, parts = place[-2], [part.strip() for part in value.split(",") if part.strip()]
        return ["&".join(f"{name}={part}" for part in parts[:MAX_NEAREST])]
    return suggest_values(error) or [
        known for known in ALTERNATIVES.get(str(value).lower(), ()) if f"'{known}'" in str(error.get("ctx"))
    ]


def _refuse_format(request: Request) -> Invalid:
    """Build the refusal of `format`, which names the address of the table."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "format"]
    path = split_table_path(request.url.path)[0]
    address = f"{path}?{urlencode(pairs)}" if pairs else path
    extensions, value = list_extensions(request.scope["route"]), request.query_params["format"]
    addresses = [build_table_address(address, extension) for extension in extensions]
    if value in extensions:
        addresses = [build_table_address(address, value)]
    detail = Message(
        "There is no `format`. Ask for the table at {tables}; {address} answers JSON.",
        tables=" or ".join(addresses),
        address=address,
    )
    return build_invalid([build_pointed_error("/format", "unknown_field", detail)])


def build_invalid(places: Sequence[dict[str, str]]) -> Invalid:
    """Build the refusal of a request with invalid values."""
    return Invalid("Correct the values pointed at and try again.", *places)


def _suggest_parameters(place: dict[str, str], route: APIRoute, address: Address | None) -> dict[str, str]:
    """Add the address that knows it, or likely names, to the error of an unknown query parameter: without it the client
    would get another number."""
    if place["code"] != "unknown_field":
        return place
    unknown_name = place["pointer"].removeprefix("/")
    if address is not None and (other_address := find_other_address(address, unknown_name)) is not None:
        return {**place, "detail": Message("This address has no such parameter. Ask {address}", address=other_address)}
    shapes = [parameter.field_info.annotation for parameter in route.dependant.query_params]
    names = {name for shape in shapes for name in getattr(shape, "model_fields", ())}
    hint = suggest_parameters(unknown_name, names)
    return {**place, "detail": Message("This address has no such parameter. {hint}", hint=hint)}


async def _handle_database_error(_request: Request, error: Exception) -> ProblemResponse:
    problem = build_database_problem(error)
    return build_problem_response(problem.body(), problem.headers)


def build_database_problem(error: Exception) -> Problem:
    """Build the refusal of a request that the database did not answer in time. Nothing was stored.

    The client may send the request again, unless the query was stopped at its time limit: it would be stopped again.
    """
    if isinstance(error, OperationalError) and was_stopped(error):
        return TakesTooLong(TAKES_TOO_LONG_DETAIL)
    log.error("the database failed: %s", describe_database_error(error))
    return Unavailable("The registry is busy. Nothing was stored: try again.", headers={"Retry-After": RETRY_AFTER})


@contextmanager
def raise_problems() -> Iterator[None]:
    """Convert the errors that the API answers as problems to Problem, for pages that show them."""
    try:
        yield
    except ValidationError as error:
        raise build_invalid(build_pointed_errors(error.errors())) from None
    except (OperationalError, PoolTimeout) as error:
        raise build_database_problem(error) from error
    except CommitUnanswered as error:
        log.error("the database did not answer COMMIT: %s", describe_database_error(error))
        raise OutcomeUnknown from error


async def _handle_unanswered_commit(request: Request, error: Exception) -> ProblemResponse:
    """Answer that the write may be stored: after "nothing was stored" a client would report the person twice."""
    log.error("the database did not answer COMMIT: %s", describe_database_error(error))
    return await _handle_problem(request, OutcomeUnknown())


async def _handle_http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    code, title, detail = _HTTP_PROBLEMS.get(error.status_code, _OTHER_HTTP_PROBLEM)
    headers = {"Allow": ", ".join(_list_methods(request))} if error.status_code == 405 else dict(error.headers or {})
    return build_problem_response(build_problem(error.status_code, code, title, detail), headers)


def _list_methods(request: Request) -> list[str]:
    """Return the methods of an address (RFC 9110 section 10.2.1); each route knows only its own."""
    routes = request.app.router.routes
    scopes = [{**request.scope, "method": method} for method in ROUTE_METHODS]
    allowed_methods = [
        scope["method"] for scope in scopes if any(route.matches(scope)[0] == Match.FULL for route in routes)
    ]
    return [*allowed_methods, "HEAD"] if "GET" in allowed_methods else allowed_methods


def install_error_handlers(app: FastAPI) -> None:
    """Install the handlers of all errors."""
    app.add_exception_handler(Problem, _handle_problem)
    app.add_exception_handler(RequestValidationError, _handle_invalid)
    app.add_exception_handler(ValidationError, _handle_invalid)
    app.add_exception_handler(OperationalError, _handle_database_error)
    app.add_exception_handler(PoolTimeout, _handle_database_error)
    app.add_exception_handler(CommitUnanswered, _handle_unanswered_commit)
    app.add_exception_handler(HTTPException, _handle_http_error)
