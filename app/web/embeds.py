"""One number or one figure, made to stand within a page elsewhere, and how it is found there (oEmbed)."""

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from app.api.responses import LIVE, json_response
from app.errors import NotFound
from app.vocabulary import Stage
from app.web.asking import Refused
from app.web.catalogue import LANGUAGES, Catalogue
from app.web.cited import sentence_of
from app.web.figure import Figure
from app.web.figures import ELSEWHERE, drawn, is_personal, kind_of
from app.web.frame_height import of_number
from app.web.page import POLICY, Opened, Page, PageRoute, opened, terms_of
from app.web.rendering import rendered
from app.web.told import stage_of

# On any site, with nothing of that site's reader: an embed sets no cookie and asks nothing of anybody else.
ANYWHERE = {"Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors *"), **ELSEWHERE}
COUNTED = ("releases", "detentions")
WIDTH = 640  # pixels of a frame, unless less is asked for: a column of text elsewhere
MOST = 10_000  # more than any screen has
Pixels = Annotated[int, Query(ge=1, le=MOST)]
NUMBER = "number"
EMBEDDED = re.compile(rf"/({'|'.join(LANGUAGES)})/(?:embed|figures)/([a-z-]+)(?:\.(?:svg|png|csv))?")
HOUR = 3_600  # seconds that the code of an embed may be kept


class EmbedRoute(PageRoute):
    """A route whose answers, its refusals too, may stand within any page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def anywhere(request: Request) -> Response:
            response = await handler(request)
            response.headers.update(ANYWHERE)
            return response

        return anywhere


embeds = APIRouter(include_in_schema=False, route_class=EmbedRoute)
oembed = APIRouter(include_in_schema=False)


@embeds.get("/embed/number")
async def read_number(page: Opened) -> Response:
    """One number: how many releases (`count=detentions`: how many held) of the terms given are verified."""
    counted, answer = await _counted(page, page.terms)
    cited = answer["citation"]
    back = page.address("/c/" + cited["address"].rpartition("/")[2])
    told = sentence_of(cited, page.catalogue)
    number = answer["total"]["verified"]
    label = label_of(page.catalogue, counted, answer)
    return await page.show("embed-number.html", number=number, label=label, told=told, back=back)


async def _counted(page: Page, terms: Mapping[str, Any]) -> tuple[str, Any]:
    counted = terms.get("count", COUNTED[0])
    if counted not in COUNTED:
        raise NotFound("There is no such count. There is one of releases and one of detentions.")
    if is_personal(terms):
        raise NotFound("A number by what is personal follows today's consent, and stands on no other site.")
    further = {name: value for name, value in terms.items() if name not in ("as_of", "count")}
    return counted, await page.api.get(f"/v1/counts/{counted}", further)


@embeds.get("/embed/{name}")
async def read_embed(page: Opened, name: str) -> Response:
    """One figure."""
    figure = await _embeddable(page, name, page.terms)
    figure = replace(figure, wide=_leaving(figure.wide), narrow=_leaving(figure.narrow))
    return await page.show("embed.html", figure=figure, back=kind_of(name).page(page, figure.terms or {}))


def _leaving(drawn: Markup) -> Markup:
    """A drawing whose links leave the frame: those of SVG do not ask the page for its `base`."""
    return Markup(str(drawn).replace("<a ", '<a target="_blank" '))  # noqa: S704 - what is escaped stays so


async def _embeddable(page: Page, name: str, terms: Mapping[str, Any]) -> Figure:
    figure = await drawn(page, name, terms)
    if figure.of_person:
        raise NotFound("Somebody's life is shown on its own page alone.")
    return figure


@oembed.get("/oembed")
async def read_oembed(
    request: Request, url: str, format: Literal["json", "xml"] = "json", maxwidth: Pixels = WIDTH,
    maxheight: Pixels = MOST,
) -> Response:  # fmt: skip
    """The code that embeds what is at an address of ours (oembed.com)."""
    if format == "xml":
        return json_response({"title": "There is JSON alone."}, 501, {})
    language, name, terms = _address(url, request.app.state.public_url)
    width = min(WIDTH, maxwidth)
    try:
        page = await opened(request, language, f"/{language}/embed/{name}", terms)
        title, height = await _framed(page, name, terms, width)
    except Refused as refusal:
        return json_response(refusal.body, refusal.status, {})
    code = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Recuento",
        "provider_url": page.public("/"),
        "title": title,
        "cache_age": HOUR,
        "width": width,
        "height": min(height, maxheight),
    }
    address = page.public(page.address(f"/embed/{name}", terms))
    frame = rendered("frame.html", page.catalogue, address=address, **code).strip()
    return json_response({**code, "html": frame}, 200, {"Cache-Control": LIVE})


async def _framed(page: Page, name: str, terms: Mapping[str, Any], width: int) -> tuple[str, int]:
    """What an embed is called, and how high it is in a frame of a width."""
    if name == NUMBER:
        counted, answer = await _counted(page, terms)
        sentence = sentence_of(answer["citation"], page.catalogue)
        return sentence, of_number(width, sentence, label_of(page.catalogue, counted, answer))
    figure = await _embeddable(page, name, terms)
    return figure.title, figure.framed(width)


def label_of(words: Catalogue, counted: str, answer: Any) -> str:
    """What the number of an answer is a number of."""
    number = answer["total"]["verified"]
    if counted != COUNTED[0]:
        return words.ngettext("verified detention", "verified detentions", number)
    return {
        Stage.ANNOUNCED: words.ngettext("announced release, verified", "announced releases, verified", number),
        Stage.ORDERED: words.ngettext("ordered release, verified", "ordered releases, verified", number),
        Stage.CARRIED_OUT: words.ngettext("verified release", "verified releases", number),
    }[stage_of(answer["terms"])]


def _address(url: str, public_url: str) -> tuple[str, str, dict[str, Any]]:
    """The language, the name and the terms of an embed, or of a figure's file. Raises NotFound for all else: nothing is
    ever fetched from an address that somebody sends."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    here = f"{parts.scheme}://{parts.netloc}" == public_url
    found = EMBEDDED.fullmatch(parts.path)
    if not here or found is None:
        raise NotFound("Nothing at this address can be embedded: it is that of no figure and no number here.")
    return found[1], found[2], terms_of(parse_qsl(parts.query))
