"""Call the read routes of the API in process, as one reader at one revision.

Pages get all data this way. Permissions, limits and parameters are checked as for an API client, so that no page can
show a number or a person that the API would not.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.api.head_watcher import LogHead, find_replica_head, settle_requested_moments
from app.api.middleware.concurrency import SCOPE_POLLED, acquire_read_slot
from app.api.middleware.count_worker import request_count
from app.api.middleware.response_cache import (
    Address,
    CachedResponse,
    ResponseCache,
    find_cache_head,
    is_cacheable,
    store_response,
)
from app.api.problems import build_invalid, build_invalid_query, raise_problems
from app.api.requests import ReadContext, Reply, identify_reader, open_request_session
from app.api.responses import SCOPE_SOURCE_HEAD
from app.api.routes.counts import citations_router, counts_router
from app.api.routes.curation import curation_router, objections_router
from app.api.routes.directory import claims_router, directory_router
from app.api.routes.imports import imports_router
from app.api.routes.records import corrections_router, people_router, releases_router
from app.api.routes.reports import reports_router, waiting_router
from app.api.table_routes import build_table_address
from app.errors import NotFound, build_pointed_errors
from app.queries.parameters import TableFormat
from app.server_log import start_request_stats
from app.strict_json import parse_json

Body = TypeVar("Body")
Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
Terms = Mapping[str, Any]
ROUTERS: tuple[APIRouter, ...] = (
    counts_router,
    citations_router,
    releases_router,
    people_router,
    reports_router,
    waiting_router,
    claims_router,
    imports_router,
    corrections_router,
    directory_router,
    curation_router,
    objections_router,
)


class ApiClient:
    """An in-process client of the API. `key`: the key of an officer at the desk; None for an anonymous reader."""

    def __init__(self, request: Request, language: str, key: str | None = None) -> None:
        self._request, self._key = request, key
        self._headers = [(b"accept-language", language.encode())]
        if key is not None:
            self._headers.append((b"authorization", f"Bearer {key}".encode()))
        self.as_of: str | None = None  # the default revision of requests

    async def read(
        self, route: Callable[..., Reply[Body] | Response], terms: Terms | None = None, /, **values: Any
    ) -> Body:
        """Return the body of a route's reply. Raises Problem.

        `values`: the ids in its path, and further query parameters. A parameter that is None is left out.
        """
        return await asyncio.create_task(self._call_route(route, {**(terms or {}), **values}, _read_body))

    async def read_address(self, path: str, terms: Terms | None = None, /, **values: Any) -> Any:
        """Return the body of the reply of the route at a path without ids. Raises Problem."""
        return await self.read(inspect.unwrap(_find_routes()[path].endpoint), terms, **values)

    async def download(
        self,
        route: Callable[..., Reply[Any] | Response],
        table: TableFormat,
        headers: Mapping[str, str],
        /,
        **path_values: Any,
    ) -> Response:
        """Return the table of a list with further headers."""
        response = await self._call_route(route, path_values, _respond, table)
        response.headers.update(headers)
        return response

    async def _call_route(
        self,
        route: Callable[..., Reply[Body] | Response],
        values: Mapping[str, Any],
        run: Callable[["_Call[Body]"], Awaitable[Result]],
        table: TableFormat | None = None,
    ) -> Result:
        """Return the result of `run` on the call of a route, or of its table, with these values. Raises Problem."""
        start_request_stats()  # separates the measurements from those of the page
        api_route = _find_route(route)
        path_values = _parse_path_values(route, values)
        terms = {"as_of": self.as_of, **values}
        terms = {name: value for name, value in terms.items() if value not in (None, []) and name not in path_values}
        query = parse_query(_find_query_model(route), api_route, terms)
        path = api_route.path.format(**path_values)
        request = self._build_request(api_route, path if table is None else build_table_address(path, table), terms)
        return await run(_Call(route, path_values, query, request, self._key))

    def _build_request(self, route: APIRoute, path: str, terms: Terms) -> Request:
        """Build the request that a client would send, from which replies derive addresses."""
        scope = {
            **self._request.scope,
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(terms, doseq=True).encode(),
            "headers": self._headers,
            "route": route,
        }
        return Request(scope, self._request.receive)


@dataclass(frozen=True)
class _Call(Generic[Body]):
    """A call of a route with its parsed parameters. `request`: the request that a client would send."""

    route: Callable[..., Reply[Body] | Response]
    path_values: Mapping[str, Any]
    query: BaseModel
    request: Request
    key: str | None


async def _read_body(call: _Call[Body]) -> Body:
    """Return the body of the reply, from the response cache if it may be cached."""
    request, state = call.request, call.request.app.state
    address = (request.scope["path"], request.scope["query_string"])
    head = await find_cache_head(state) if call.key is None and is_cacheable(*address) else None
    if head is None:
        return await _run_call(call, Reply.read)
    cache: ResponseCache = state.response_cache
    answer = await cache.find_or_wait(head, address)
    if answer is None:
        with cache.compute(head, address) as pending:
            answer = pending.answer = await _compute_response(call, head, address)
    body: Body = answer.parse_json()
    return body


async def _compute_response(call: _Call[Any], head: LogHead, address: Address) -> CachedResponse:
    """Compute and cache the response, in a count worker if it is a count. Raises Problem."""
    state, source_head = call.request.app.state, dict[str, LogHead]()
    call.request.scope.update({SCOPE_SOURCE_HEAD: source_head, SCOPE_POLLED: state.response_cache.is_polled(address)})
    worker_answer = await request_count(call.request.scope, call.request.receive)
    if worker_answer is not None and worker_answer[0] == 200:
        _status, headers, body = worker_answer
        answer = CachedResponse(headers, body)
    else:  # also if the worker refused, to raise its error
        response = await _run_call(call, Reply.to_response)
        answer = CachedResponse(response.raw_headers, bytes(response.body))
    if "head" in source_head:
        store_response(state, head, source_head["head"], address, answer)
    return answer


async def _respond(call: _Call[Any]) -> Response:
    return await _run_call(call, Reply.to_response)


async def _run_call(call: _Call[Body], take: Callable[[Reply[Body]], Result]) -> Result:
    """Run a call, and return the result of `take` on its reply, while its session is open."""
    with raise_problems():
        now = await settle_requested_moments(call.request)
        async with asynccontextmanager(acquire_read_slot)(call.request):
            head = await find_replica_head(call.request)
            return await run_in_threadpool(_run_in_session, call, now, head, take)


def _run_in_session(
    call: _Call[Body], now: datetime, head: LogHead | None, take: Callable[[Reply[Body]], Result]
) -> Result:
    request = call.request
    request.app.state.mark.require_erasures()
    with open_request_session(request, head) as session:
        reader, key = identify_reader(session, call.key, request)
        context = ReadContext(session, reader, key, request, now)
        reply = call.route(context, **call.path_values, query=call.query)
        assert isinstance(reply, Reply)  # only a client that sends `Accept-Datetime` is redirected
        return take(reply)


def parse_query(model: type[BaseModel], route: APIRoute, terms: Terms) -> BaseModel:
    """Parse terms as the query of a route, after converting them to text as in an address. Raises Invalid."""
    try:
        return model.model_validate({name: _unpack_term(model, name, value) for name, value in terms.items()})
    except ValidationError as error:
        raise build_invalid_query(error.errors(), route) from None


def _unpack_term(model: type[BaseModel], name: str, value: Any) -> Any:
    """Return a repeatable term as a list of texts, any other as its last text. The reply refuses repeated values."""
    texts = [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]
    field = model.model_fields.get(name)
    return texts if field is not None and field.default == [] else texts[-1]


def parse_body(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Parse values as the body of a route. Raises Invalid."""
    try:
        return model.model_validate(normalize_body(values))
    except ValidationError as error:
        raise build_invalid(build_pointed_errors(error.errors())) from None


def normalize_body(values: Mapping[str, Any]) -> Any:
    """Return values as if they were parsed from JSON: texts are normalized and checked. Raises Invalid."""
    return parse_json(encode_body(values))


def encode_body(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode()


def _parse_path_values(route: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Parse the ids in a route's path. Raises NotFound for a malformed id."""
    try:
        return {name: adapter.validate_python(values[name]) for name, adapter in _find_path_adapters(route)}
    except ValidationError:
        raise NotFound("There is nothing with this id.") from None


@cache
def _find_path_adapters(route: Callable[..., Any]) -> list[tuple[str, TypeAdapter[Any]]]:
    hints = get_type_hints(route, include_extras=True)
    return [(name, TypeAdapter(hints[name])) for name in _find_route(route).param_convertors]


@cache
def _find_query_model(route: Callable[..., Any]) -> type[BaseModel]:
    model: type[BaseModel] = get_type_hints(route)["query"]
    return model


@cache
def _find_routes() -> dict[str, APIRoute]:
    """Return the read routes by path."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return {route.path: route for route in routes if "GET" in (route.methods or ())}


@cache
def _find_route(function: Callable[..., Any]) -> APIRoute:
    endpoint = inspect.unwrap(function)
    return next(route for route in _find_routes().values() if inspect.unwrap(route.endpoint) is endpoint)


def drop_grouping(terms: Terms) -> dict[str, Any]:
    """Return the terms of a count without its grouping."""
    return {name: value for name, value in terms.items() if name != "group_by"}


def parse_cursor(next_address: str | None) -> str | None:
    """Return the cursor in the address of the next page; None if there is no next page."""
    return None if next_address is None else parse_qs(urlsplit(next_address).query)["cursor"][0]


async def gather(*questions: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run several requests concurrently, and return the answers. Raises the first error after all have finished."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers
