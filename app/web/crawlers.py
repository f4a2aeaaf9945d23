"""What search engines may know: the pages of numbers, never those of people."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.api.responses import LIVE
from app.errors import NotFound
from app.web.catalogue import LANGUAGES
from app.web.page import OF_PEOPLE, Opened, Page, sent, terms_of
from app.web.rendering import rendered

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
