"""Cited counts: what was known then, what is known today, and what changed between."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.api import counted
from app.api.answers import UNCACHED, weighed
from app.api.gate import StrictRoute
from app.api.requests import Read, preferred_language
from app.api.routes import THING, Responses, refusals
from app.counts.citation import CITED
from app.counts.shapes import CitedOut
from app.queries.parameters import MEDIA, AsOf

HTML = "text/html"
FORMS = frozenset({HTML, *MEDIA.values(), "application/*", "*/*"})
TO_THE_PAGE: Responses = {303: {"description": "The page of the citation, for whoever asks for `text/html`"}}


class CitedRoute(StrictRoute):
    """Printed addresses are followed by readers too: whoever prefers a page is led to it, in the language preferred.
    Everybody else gets the answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def for_readers_too(request: Request) -> Response:
            if "format" not in request.query_params and _prefers_a_page(request):
                return _to_the_page(request)
            return await handler(request)

        return for_readers_too


def _prefers_a_page(request: Request) -> bool:
    """Whether of all that is answered here, or that a range stands for, a page weighs most; of equals the first."""
    accepted = [weighed(part) for part in ",".join(request.headers.getlist("accept")).split(",")]
    ours = [(weight, media) for media, weight in accepted if media in FORMS and weight > 0]
    return bool(ours) and max(ours, key=lambda each: each[0])[1] == HTML


def _to_the_page(request: Request) -> Response:
    address = f"/{preferred_language(request)}{quote(request.url.path)}"
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": UNCACHED}
    return RedirectResponse(address + query, 303, headers=headers)


citations = APIRouter(tags=["counts"], route_class=CitedRoute)


@citations.get(CITED + "{code}", response_model=CitedOut, responses=refusals(*THING) | TO_THE_PAGE)
def read_citation(read: Read, code: str, query: Annotated[AsOf, Query()]) -> Response:
    """A cited count then and now, and what changed between, case by case. Browsers are led to its page."""
    return counted.then_and_now(read, code, query)
