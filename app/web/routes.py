"""Mount all pages in every language, with `robots.txt` and the sitemap, and make the first pages when a server starts.

Search engines may index pages of numbers, never pages of people. The first reader does not wait for templates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.responses import Response as PlainResponse
from starlette.types import Message, Scope

from app import server_log
from app.api.responses import CACHE_REVALIDATE, CACHE_SHORT, select_language
from app.api.routes.directory import list_claims
from app.errors import NotFound
from app.web.about import about
from app.web.citation import citation
from app.web.claims.routes import claims
from app.web.corrections import corrections
from app.web.counting.routes import counting
from app.web.dataset import data
from app.web.desk import desk
from app.web.desk.sessions import DeskSessionMiddleware
from app.web.figure_files import embeds, figures, oembed, pictures
from app.web.home.routes import home
from app.web.page import (
    PERSONAL_PATHS,
    CurrentPage,
    Page,
    PageRoute,
    build_response,
    no_such_page,
    parse_terms,
)
from app.web.people.routes import people
from app.web.rendering import LANGUAGES, assets, compile_templates, render_template
from app.web.sources import sources

# Indexed pages without an id: the navigation, except people.
INDEXED_PATHS = ("/", "/claims", "/counts", "/sources", "/corrections", "/data", "/about")
# The API has personal data and nothing for search engines; robots must not crawl all terms of counts.
DISALLOWED_PATHS = ("/v1/", *(f"/{language}{path}" for language in LANGUAGES for path in (*PERSONAL_PATHS, "/counts?")))
CLAIMS_PAGE_SIZE = 200
MAX_SITEMAP_CLAIMS = 2_000  # the newest; a sitemap is limited to 50,000 addresses, all languages included

crawlers = APIRouter(include_in_schema=False)


@crawlers.get("/robots.txt")
async def read_robots(request: Request) -> Response:
    """Return the rules for robots."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in DISALLOWED_PATHS)]
    if request.app.state.public_url:
        lines.append(f"Sitemap: {request.app.state.public_url}/sitemap.xml")
    return PlainTextResponse("".join(f"{line}\n" for line in lines), headers={"Cache-Control": CACHE_SHORT})


@crawlers.get("/sitemap.xml")
async def read_sitemap(page: CurrentPage) -> Response:
    """List the pages of numbers, claims and sources in each language."""
    if not page.public_url:
        raise NotFound("Whoever runs this registry has not said where readers find it (RECUENTO_PUBLIC_URL).")
    paths = [
        *INDEXED_PATHS,
        *(f"/sources/{slug}" for slug in page.sources),
        *[path async for path in _list_claim_paths(page)],
    ]
    text = render_template("sitemap.xml", page.catalogue, page=page, paths=paths)
    return build_response(page.request, text.encode(), "application/xml", CACHE_SHORT)


async def _list_claim_paths(page: Page) -> AsyncIterator[str]:
    terms: dict[str, Any] = {"sort": "-added", "limit": CLAIMS_PAGE_SIZE}
    for _page in range(MAX_SITEMAP_CLAIMS // CLAIMS_PAGE_SIZE):
        claims_page = await page.api.read(list_claims, terms)
        for claim in claims_page["data"]:
            yield f"/claims/{claim['id']}"
        if claims_page["next"] is None:
            return
        terms = parse_terms(parse_qsl(urlsplit(claims_page["next"]).query))


language_router = APIRouter(include_in_schema=False)
fallback_router = APIRouter(include_in_schema=False, route_class=PageRoute)

# In the order of the navigation. Their paths have no language prefix.
PAGE_ROUTERS = (
    home,
    claims,
    people,
    counting,
    citation,
    sources,
    corrections,
    data,
    about,
    figures,
    pictures,
    embeds,
    desk,
)


@language_router.get("/")
async def choose_language(request: Request) -> PlainResponse:
    """Redirect to the first page in the browser's preferred language."""
    language = select_language(request.headers.get("accept-language", ""), LANGUAGES)
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept-Language", "Cache-Control": CACHE_REVALIDATE}
    return RedirectResponse(f"/{language}/{query}", 307, headers=headers)


@fallback_router.get("/{address:path}")
async def read_unknown_page() -> PlainResponse:
    """Raise NotFound for unknown addresses of pages."""
    raise no_such_page()


def serve_pages(app: FastAPI) -> None:
    """Add the pages' routes to the application."""
    app.add_middleware(DeskSessionMiddleware)
    app.include_router(language_router)
    app.include_router(assets)
    app.include_router(oembed)
    app.include_router(crawlers)
    for language in LANGUAGES:
        for pages in (*PAGE_ROUTERS, fallback_router):
            app.include_router(pages, prefix=f"/{language}")


@asynccontextmanager
async def warm_up_pages(app: FastAPI) -> AsyncIterator[None]:
    """Compile the templates, and request the first page in each language, in the background.

    The requests pass the middlewares, so that the response cache holds these pages before the first reader comes.
    """
    task = asyncio.create_task(_warm_up(app))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _warm_up(app: FastAPI) -> None:
    try:
        await run_in_threadpool(compile_templates)
        for language in LANGUAGES:
            await app(_build_scope(app, f"/{language}/"), _wait_for_disconnect, _discard)
    except Exception as error:  # the first reader's request renders it then
        server_log.log_unforeseen_error(error, "preparing the first page")


def _build_scope(app: FastAPI, path: str) -> Scope:
    return {
        "type": "http", "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": None,
        "root_path": "", "app": app, "state": {}, "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [],
    }  # fmt: skip


async def _wait_for_disconnect() -> Message:
    """Wait for ever: this client never disconnects."""
    return await asyncio.Future()


async def _discard(message: Message) -> None:
    """Receive a part of a response that nobody reads."""
