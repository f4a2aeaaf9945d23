"""What search engines may know: the pages of numbers, never those of people.

Every page, in every language."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.responses import Response as PlainResponse

from app.api.responses import LIVE, UNCACHED, preferred
from app.errors import NotFound
from app.web.citation import citation
from app.web.claims.routes import claims
from app.web.corrections import corrections
from app.web.counting import counting
from app.web.dataset import data
from app.web.desk import desk
from app.web.desk.page import AtTheDesk
from app.web.figures import embeds, figures, oembed
from app.web.home.routes import home
from app.web.page import OF_PEOPLE, Opened, Page, PageRoute, no_such_page, sent, terms_of
from app.web.people import people
from app.web.rendering import LANGUAGES, assets, rendered
from app.web.sources import sources

# Pages without an id: those of the navigation, but not of people.
LASTING = ("/", "/claims", "/counts", "/sources", "/corrections", "/data")
# The API holds people too, and no reader of a search engine's. Nor does a robot try every term of a count.
CLOSED = ("/v1/", *(f"/{language}{path}" for language in LANGUAGES for path in (*OF_PEOPLE, "/counts?")))
PAGE_OF_CLAIMS = 200
MOST_CLAIMS = 2_000  # the newest; a sitemap may have 50,000 addresses, each in all languages

crawlers = APIRouter(include_in_schema=False)


@crawlers.get("/robots.txt")
async def read_robots(request: Request) -> Response:
    """What no robot may read."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED)]
    if request.app.state.public_url:
        lines.append(f"Sitemap: {request.app.state.public_url}/sitemap.xml")
    return PlainTextResponse("".join(f"{line}\n" for line in lines), headers={"Cache-Control": LIVE})


@crawlers.get("/sitemap.xml")
async def read_sitemap(page: Opened) -> Response:
    """The pages of numbers, claims and sources, in each language."""
    if not page.public_url:
        raise NotFound("Whoever runs this registry has not said where readers find it (RECUENTO_PUBLIC_URL).")
    paths = [*LASTING, *(f"/sources/{slug}" for slug in page.sources), *[path async for path in _claims(page)]]
    text = rendered("sitemap.xml", page.catalogue, page=page, paths=paths)
    return sent(page.request, text.encode(), "application/xml", LIVE)


async def _claims(page: Page) -> AsyncIterator[str]:
    terms: dict[str, Any] = {"sort": "-recorded", "limit": PAGE_OF_CLAIMS}
    for _page in range(MOST_CLAIMS // PAGE_OF_CLAIMS):
        claims = await page.api.get("/v1/claims", terms)
        for claim in claims["data"]:
            yield f"/claims/{claim['id']}"
        if claims["next"] is None:
            return
        terms = terms_of(parse_qsl(urlsplit(claims["next"]).query))


front = APIRouter(include_in_schema=False)
elsewhere = APIRouter(include_in_schema=False, route_class=PageRoute)

# In the order of the navigation. Each has its addresses without a language.
PAGES = (home, claims, people, counting, citation, sources, corrections, data, figures, embeds, desk)


@front.get("/")
async def choose_language(request: Request) -> PlainResponse:
    """The first page in the language that the reader's browser asks for."""
    language = preferred(request.headers.get("accept-language", ""), LANGUAGES)
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept-Language", "Cache-Control": UNCACHED}
    return RedirectResponse(f"/{language}/{query}", 307, headers=headers)


@elsewhere.get("/{address:path}")
async def read_nothing() -> PlainResponse:
    """What is at no address of a page."""
    raise no_such_page()


def serve_pages(app: FastAPI) -> None:
    """Serve the pages beside the API."""
    app.add_middleware(AtTheDesk)
    app.include_router(front)
    app.include_router(assets)
    app.include_router(oembed)
    app.include_router(crawlers)
    for language in LANGUAGES:
        for pages in (*PAGES, elsewhere):
            app.include_router(pages, prefix=f"/{language}")
