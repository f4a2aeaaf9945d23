"""Every refusal that any test provokes must be one that its operation declares."""

from collections.abc import Iterator

from fastapi.routing import APIRoute
from httpx2 import Response

from app.errors import PROBLEM_JSON
from app.main import ROUTERS

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
# What any address or none can answer: what is wrong with the address, the method or another site.
ANYWHERE = {"not_found", "method_not_allowed", "cors_refused", "bad_request"}


class Undeclared(AssertionError):
    """A refusal that the document does not tell of."""


def codes(route: APIRoute, status: int) -> Iterator[str]:
    """The codes that a route declares with a status."""
    yield from route.responses.get(status, {}).get("content", {}).get(PROBLEM_JSON, {}).get("examples", {})


def check(response: Response) -> None:
    """Raises Undeclared for a refusal that its operation does not declare."""
    if response.status_code < 300 or response.headers.get("content-type") != PROBLEM_JSON:
        return
    response.read()
    method, path = response.request.method.replace("HEAD", "GET"), response.request.url.path
    code = response.json()["code"] if response.content else None
    for route in ROUTES:
        if method in (route.methods or ()) and route.path_regex.match(path):
            declared = set(codes(route, response.status_code))
            if code not in declared | ANYWHERE and not (code is None and declared):
                raise Undeclared(f"{route.name} answers {response.status_code} {code}: declare it (app/api/routes.py).")
            return
