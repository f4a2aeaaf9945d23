"""Every answer that any test provokes must be one that its operation declares."""

from collections.abc import Iterator
from functools import lru_cache

from fastapi.routing import APIRoute
from httpx2 import Response

from app.errors import PROBLEM_JSON
from app.main import ROUTERS

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
# What any address or none can answer: what is wrong with the address, the method or another site.
ANYWHERE = {"not_found", "method_not_allowed", "cors_refused", "bad_request"}


class Undeclared(AssertionError):
    """An answer that the document does not tell of."""


def codes(route: APIRoute, status: int) -> Iterator[str]:
    """The codes that a route declares with a status."""
    yield from route.responses.get(status, {}).get("content", {}).get(PROBLEM_JSON, {}).get("examples", {})


def check(response: Response) -> None:
    """Raises Undeclared for an answer that its operation does not declare, a refusal by its code."""
    refused = response.headers.get("content-type") == PROBLEM_JSON
    if not refused and response.status_code >= 300:
        return
    route = _route(response.request.method.replace("HEAD", "GET"), response.request.url.path)
    if route is None:
        return
    if not (_declares_refusal(route, response) if refused else _declares(route, response.status_code)):
        told = f"{response.status_code} {response.text if refused else ''}"
        raise Undeclared(f"{route.name} answers {told}: declare it (app/api/routing.py).")


@lru_cache  # a test asks the same again and again
def _route(method: str, path: str) -> APIRoute | None:
    found = (route for route in ROUTES if method in (route.methods or ()) and route.path_regex.match(path))
    return next(found, None)


def _declares(route: APIRoute, status: int) -> bool:
    return status in (route.status_code or 200, *route.responses)


def _declares_refusal(route: APIRoute, response: Response) -> bool:
    response.read()
    declared = set(codes(route, response.status_code))
    return bool(declared) if not response.content else response.json()["code"] in declared | ANYWHERE
