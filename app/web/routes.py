"""Every page, in every language."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from app.api.responses import UNCACHED, preferred
from app.web.assets import assets
from app.web.catalogue import LANGUAGES
from app.web.citation import citation
from app.web.claims.routes import claims
from app.web.corrections import corrections
from app.web.counting import counting
from app.web.crawlers import crawlers
from app.web.data import data
from app.web.desk import desk
from app.web.desk.session import AtTheDesk
from app.web.embeds import embeds, oembed
from app.web.figures import figures
from app.web.home import home
from app.web.page import PageRoute, no_such_page
from app.web.people import people
from app.web.sources import sources

front = APIRouter(include_in_schema=False)
elsewhere = APIRouter(include_in_schema=False, route_class=PageRoute)

# In the order of the navigation. Each has its addresses without a language.
PAGES = (home, claims, people, counting, citation, sources, corrections, data, figures, embeds, desk)


@front.get("/")
async def choose_language(request: Request) -> Response:
    """The first page in the language that the reader's browser asks for."""
    language = preferred(request.headers.get("accept-language", ""), LANGUAGES)
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {"Vary": "Accept-Language", "Cache-Control": UNCACHED}
    return RedirectResponse(f"/{language}/{query}", 307, headers=headers)


@elsewhere.get("/{address:path}")
async def read_nothing() -> Response:
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
