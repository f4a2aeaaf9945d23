"""The route of the API's index."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.routing import APIRoute

from app.api.deprecation import POLICY_PATH
from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH, can_refuse_with
from app.api.requests import ReadDep, Reply
from app.api.responses import Answer
from app.api.routes.files import REFERENCE_PATH
from app.api.routing import READ_REFUSALS, build_router, document_refusals
from app.errors import Forbidden
from app.queries.parameters import RevisionQuery
from app.queries.shapes import build_revision_out
from app.schemas.directory import IndexOut

# Groups of addresses that are no lists, by the first part of their path behind `/v1/`.
COUNT_GROUPS = ("counts", "estimates", "timemaps")
FIXED_LINKS = {
    "openapi": OPENAPI_PATH,
    "openapi_desk": DESK_OPENAPI_PATH,
    "docs": REFERENCE_PATH,
    "policy": POLICY_PATH,
    "changes": "/v1/corrections",
    "feed": "/v1/corrections.atom",
    "vocabulary": "/v1/vocabulary",
}
IndexLinks = dict[str, dict[str, str]]


index_router = build_router("directory")


def build_index_links(routes: Iterable[Any]) -> IndexLinks:
    """Return the addresses of public lists and counts by group and name, found among the routes of the server."""
    links: IndexLinks = {"lists": {}, **{group: {} for group in COUNT_GROUPS}}
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema or "GET" not in (route.methods or ()):
            continue
        first, _slash, rest = route.path.removeprefix("/v1/").partition("/")
        if "{" in route.path or "." in route.path or can_refuse_with(route.responses, Forbidden.code):
            continue
        if first in COUNT_GROUPS:
            links[first][rest] = route.path
        elif "data" in getattr(route.response_model, "__annotations__", ()):
            links["lists"][first] = route.path
    return links


@index_router.get("", response_model=IndexOut, responses=document_refusals(*READ_REFUSALS))
def read_index(request: Request, context: ReadDep, query: Annotated[RevisionQuery, Query()]) -> Reply[IndexOut]:
    """Where everything is that can be read without a key: lists, counts, this description, the versioning policy and
    what changed. And the revision, with the number of the counting rules."""

    def build(revision: int) -> Answer:
        at = build_revision_out(context.session, revision)
        return Answer({"at": at, **request.app.state.index_links, "links": FIXED_LINKS}, lambda: [])

    return context.answer(query, build)
