"""A page: what it asks, in which language it tells it, and the response that carries it."""

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.api.answers import LIVE, tags_known
from app.api.codings import CODINGS, coding_for
from app.errors import Invalid, NotFound, Problem
from app.web.asking import Api, Refused
from app.web.catalogue import ENGLISH, LANGUAGES, Catalogue, catalogue
from app.web.rendering import rendered

# Only files of this registry, no style within the text, and no other site around it.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HTML = "text/html; charset=utf-8"
SHORTEST_PACKED = 1_000  # bytes: less is one packet on the line, packed or not
NO_PROBLEM_HERE: dict[str, Any] = {"detail": None, "errors": []}


@dataclass
class Page:
    """What the routes of pages work with. `api` asks as of the revision that the page is of."""

    request: Request
    catalogue: Catalogue
    api: Api
    revision: int
    sources: Mapping[str, Any] = field(default_factory=dict)  # by slug
    section: str = ""  # which address of the navigation it belongs to

    @property
    def language(self) -> str:
        return self.catalogue.language

    @property
    def zone(self) -> tzinfo:
        zone: tzinfo = self.request.app.state.zone
        return zone

    @property
    def is_demo(self) -> bool:
        demo: bool = self.request.app.state.demo
        return demo

    @cached_property
    def terms(self) -> dict[str, Any]:
        """The terms in the page's address, as the API takes them; a repeated one as a list."""
        given: dict[str, list[str]] = {}
        for name, value in self.request.query_params.multi_items():
            if value:  # a form sends fields that nobody filled in
                given.setdefault(name, []).append(value)
        return {name: values[0] if len(values) == 1 else values for name, values in given.items()}

    def address(self, path: str, terms: Mapping[str, Any] | None = None, language: str | None = None) -> str:
        """The address of a page in this language. `path` begins with a slash."""
        given = {name: value for name, value in (terms or {}).items() if value is not None}
        query = urlencode(given, doseq=True)
        return f"/{language or self.language}{path}" + (f"?{query}" if query else "")

    def in_language(self, language: str) -> str:
        """This page in another language."""
        path = self.request.url.path.removeprefix(f"/{self.language}")
        return self.address(path, self.terms, language)

    def name_of(self, slug: str) -> str:
        """What a source is called."""
        return str(self.sources[slug]["name"]) if slug in self.sources else slug

    async def show(
        self, template: str, *, status: int = 200, caching: str = LIVE, headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:  # fmt: skip
        """The page drawn by a template."""
        text = await run_in_threadpool(rendered, template, self.catalogue, page=self, **values)
        return sent(self.request, text.encode(), HTML, caching, status=status, headers=headers)


def sent(
    request: Request, body: bytes, media: str, caching: str, *, status: int = 200,
    headers: Mapping[str, str] | None = None, policy: str = POLICY,
) -> Response:  # fmt: skip
    """A body with its tag, packed as the client takes it; 304 where the client has it."""
    coding = coding_for(request.headers.get("accept-encoding", "")) if len(body) >= SHORTEST_PACKED else None
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}{"-" + coding if coding else ""}"'
    given = {
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Cache-Control": caching if status == 200 else "no-store",
        "Content-Security-Policy": policy,
        **(headers or {}),
    }
    if status == 200 and tag in tags_known(request):
        return Response(status_code=304, headers=given)
    if coding is not None:
        given["Content-Encoding"] = coding
        body = CODINGS[coding](body)
    return Response(body, status, given, media_type=media)


def language_of(request: Request) -> str:
    """The language in a page's address."""
    first = request.url.path.split("/")[1]
    return first if first in LANGUAGES else ENGLISH


async def open_page(request: Request) -> Page:
    """A page of the revision that its address names, else of the newest. Every answer on it is of that revision."""
    language = language_of(request)
    api = Api(request, language)
    known = await api.get("/v1/sources", as_of=request.query_params.get("as_of"), limit=MOST_SOURCES)
    api.as_of = str(known["revision"])
    return Page(request, catalogue(language), api, known["revision"], {one["slug"]: one for one in known["data"]})


MOST_SOURCES = 200  # the longest page of a list; a registry with more sources shows the others by their slugs
Opened = Annotated[Page, Depends(open_page)]


class PageRoute(APIRoute):
    """A route whose refusals are pages, in the language of its address."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def with_refusals(request: Request) -> Response:
            try:
                return await handler(request)
            except Refused as refusal:
                kept = {name: refusal.headers[name] for name in ("retry-after",) if name in refusal.headers}
                return await refused(request, refusal.status, refusal.body, kept)
            except Problem as problem:
                return await refused(request, problem.status, problem.body(), problem.headers)
            except RequestValidationError:
                return await refused(request, Invalid.status, Invalid("").body(), {})

        return with_refusals


async def refused(request: Request, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """The page that says what was refused, why, and what to do."""
    language = language_of(request)
    page = Page(request, catalogue(language), Api(request, language), revision=0)
    return await page.show("refused.html", status=status, headers=headers, problem=NO_PROBLEM_HERE | dict(problem))


def no_such_page() -> NotFound:
    return NotFound("There is no page at this address.")
