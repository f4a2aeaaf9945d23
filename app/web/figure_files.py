"""Figures of pages as SVG, CSV and PNG files at any revision, and as embeds for other sites with oEmbed."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from app.api.middleware.concurrency import acquire_lane
from app.api.responses import CACHE_REVALIDATE, CACHE_SHORT, build_json_response
from app.errors import NotFound, Problem
from app.queries.countables import COUNTABLES
from app.queries.dimensions import DETENTIONS, HELD
from app.queries.parameters import CountQuery
from app.tables import BYTE_ORDER_MARK, to_cell, to_csv
from app.vocabulary import Stage
from app.web.charts.funnel import load_funnel_figure
from app.web.charts.overlap import load_overlap_figure
from app.web.charts.people import load_people_figure
from app.web.citation import build_then_and_now_figure
from app.web.claims.figures import build_claim_then_and_now_figure, build_reconciliation_figure
from app.web.claims.source_rows import build_source_rows_figure
from app.web.count_text import HOME_TERMS, fetch_citation, get_citation_code, has_personal_terms, parse_stage
from app.web.counting.routes import build_groups_figure
from app.web.figure import Figure, measure_number_frame, strip_links
from app.web.home.routes import load_contested_figure, load_hours_figure
from app.web.page import (
    POLICY,
    CurrentPage,
    Page,
    PageRoute,
    build_response,
    open_page_at,
    parse_terms,
    require_allowed_terms,
)
from app.web.people.record import build_life_figure
from app.web.pictures import StandaloneDrawing, build_standalone_drawing
from app.web.rendering import LANGUAGES, Catalogue, format_citation, render_template
from app.web.sources import build_source_line_figure

Terms = Mapping[str, Any]
# Returns None if there is nothing to draw: two numbers that cannot be compared, or no date.
FigureBuilder = Callable[[Page, Terms], Awaitable[Figure | None]]
# A file may be embedded by any site: it runs no code.
CROSS_ORIGIN_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin"}
NOINDEX_HEADERS = {"X-Robots-Tag": "noindex"}  # timelines of people stay out of search engines

HOME_PATH, COUNTS_PATH = "/", "/counts"

figures = APIRouter(include_in_schema=False, route_class=PageRoute)


class PictureRoute(PageRoute):
    """A route of a picture, which waits for its turn among pictures without a place among pages."""

    is_in_lane = False


pictures = APIRouter(include_in_schema=False, route_class=PictureRoute)


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure. `page_path`: the path of its page, with terms in braces; `own_terms`: terms of the figure
    that its page does not take; `narrowing_terms`: the other terms that narrow it, None for those of a count."""

    build: FigureBuilder
    page_path: str = HOME_PATH
    own_terms: tuple[str, ...] = ()
    narrowing_terms: tuple[str, ...] | None = None

    @property
    def required_terms(self) -> list[str]:
        """The terms that identify its subject, if it has one."""
        return re.findall(r"\{(\w+)\}", self.page_path)

    def has_required_terms(self, terms: Terms) -> bool:
        """Return whether all identifying terms are present."""
        values = [terms.get(name) for name in self.required_terms]
        return all(isinstance(value, str) and "/" not in value for value in values)

    def build_page_address(self, page: Page, terms: Terms) -> str:
        """Return the address of a figure's page at its revision. If the first page does not take all terms, return
        the page of their count."""
        page_terms = {
            name: value
            for name, value in terms.items()
            if name not in self.own_terms and f"{{{name}}}" not in self.page_path
        }
        path = (
            COUNTS_PATH
            if self.page_path == HOME_PATH and not page_terms.keys() <= set(HOME_TERMS)
            else self.page_path.format_map(terms)
        )
        return page.address(path, {**page_terms, "as_of": page.as_of})


# By name in addresses.
FIGURE_KINDS: dict[str, FigureKind] = {
    "claim-then-and-now": FigureKind(build_claim_then_and_now_figure, page_path="/claims/{claim}", narrowing_terms=()),
    "contested": FigureKind(load_contested_figure, narrowing_terms=HOME_TERMS),
    "funnel": FigureKind(load_funnel_figure),
    "groups": FigureKind(build_groups_figure, page_path=COUNTS_PATH),
    "hours": FigureKind(load_hours_figure, narrowing_terms=HOME_TERMS),
    "life": FigureKind(build_life_figure, page_path="/people/{person}", narrowing_terms=()),
    "overlap": FigureKind(load_overlap_figure),
    "people": FigureKind(load_people_figure),
    "reconciliation": FigureKind(build_reconciliation_figure, page_path="/claims/{claim}", narrowing_terms=()),
    "source-line": FigureKind(build_source_line_figure, page_path="/sources/{source}"),
    "source-rows": FigureKind(build_source_rows_figure, own_terms=("then", "claim")),
    "then-and-now": FigureKind(build_then_and_now_figure, page_path="/c/{code}", narrowing_terms=()),
}


def find_figure_kind(name: str) -> FigureKind:
    if name not in FIGURE_KINDS:
        raise NotFound("There is no figure of this name.")
    return FIGURE_KINDS[name]


async def draw_figure(page: Page, name: str, terms: Terms) -> Figure:
    """Build the requested figure at the page's revision."""
    kind = find_figure_kind(name)
    if not kind.has_required_terms(terms):
        raise NotFound(f"The address of this figure says of what it is: {kind.page_path}")
    # An unknown term would be shown with numbers that it does not narrow, or silently change the drawing.
    narrowing_terms = CountQuery.model_fields if kind.narrowing_terms is None else kind.narrowing_terms
    require_allowed_terms(terms, (*kind.required_terms, *kind.own_terms, *narrowing_terms))
    if has_personal_terms(terms):
        raise NotFound(
            "Numbers by what is personal follow today's consent, and files are kept elsewhere: there is none."
        )
    figure = await kind.build(page, {name: value for name, value in terms.items() if name != "as_of"})
    if figure is None:
        raise NotFound("There is nothing to draw: nothing of this is known, or it cannot be compared.")
    return figure


@figures.get("/figures/{name}.svg")
async def read_svg(page: CurrentPage, name: str) -> Response:
    """Return a figure as a standalone SVG."""
    figure = await draw_figure(page, name, page.terms)
    standalone = build_standalone_figure(page, figure)
    return _build_file_response(
        page, figure, "svg", standalone.text.encode(), "image/svg+xml", build_style_policy(standalone)
    )


@figures.get("/figures/{name}.csv")
async def read_csv(page: CurrentPage, name: str) -> Response:
    """Return the table of a figure."""
    figure = await draw_figure(page, name, page.terms)
    return _build_file_response(
        page, figure, "csv", build_csv(figure).encode(), "text/csv; charset=utf-8", NO_CONTENT_POLICY
    )


@pictures.get("/figures/{name}.png")
async def read_png(page: CurrentPage, name: str) -> Response:
    """Return a figure as a PNG."""
    state = page.request.app.state
    async with acquire_lane("pages", state.limits.pages):
        figure = await draw_figure(page, name, page.terms)
    if figure.is_personal:
        raise NotFound("There are no pictures of somebody's life, which would be kept elsewhere: there is its SVG.")
    picture = await state.pictures.render(build_standalone_figure(page, figure))
    return _build_file_response(page, figure, "png", picture, "image/png", NO_CONTENT_POLICY)


NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"


def build_style_policy(standalone: StandaloneDrawing) -> str:
    """Return a content security policy that allows the drawing's own styles only."""
    digest = base64.b64encode(hashlib.sha256(standalone.style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def build_standalone_figure(page: Page, figure: Figure) -> StandaloneDrawing:
    """Build the standalone drawing with the address of its page at the revision."""
    words, address = (
        page.catalogue,
        page.public_address(find_figure_kind(figure.name).build_page_address(page, figure.terms or {})),
    )
    revision_note = words.gettext("Recuento, revision %(revision)s") % {"revision": page.revision}
    demo_notes = [words.gettext("Demonstration, invented people.")] if page.is_demo else []
    return build_standalone_drawing(figure, words, origin=[*demo_notes, revision_note], address=address)


def build_csv(figure: Figure) -> str:
    """Build CSV for Excel like the API's: no cell, headings included, is run as a formula."""
    columns = [to_cell(column) for column in figure.columns]
    rows = [dict(zip(columns, map(strip_links, row), strict=True)) for row in figure.rows]
    return BYTE_ORDER_MARK + to_csv(rows, columns)


def _build_file_response(page: Page, figure: Figure, extension: str, body: bytes, media: str, policy: str) -> Response:
    headers = {
        **CROSS_ORIGIN_HEADERS,
        **(NOINDEX_HEADERS if figure.is_personal else {}),
        "Recuento-Revision": str(page.revision),
        "Content-Disposition": f'inline; filename="recuento-{figure.name}-{page.revision}-{page.language}.{extension}"',
    }
    return build_response(
        page.request,
        body,
        media,
        CACHE_REVALIDATE if figure.is_personal else CACHE_SHORT,
        headers=headers,
        policy=policy,
    )


# An embed may be on any site: it sets no cookie and makes no request to third parties.
EMBED_HEADERS = {
    "Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors *"),
    **CROSS_ORIGIN_HEADERS,
}
COUNT_KINDS = (*COUNTABLES,)
DEFAULT_WIDTH = 640  # pixels: a text column of most sites
MAX_FRAME_PIXELS = 10_000  # larger than any screen
Pixels = Annotated[int, Query(ge=1, le=MAX_FRAME_PIXELS)]
NUMBER_EMBED = "number"
EMBED_ADDRESS = re.compile(rf"/({'|'.join(LANGUAGES)})/(?:embed|figures)/([a-z-]+)(?:\.(?:svg|png|csv))?")
EMBED_CACHE_SECONDS = 3_600  # caching of oEmbed responses


class EmbedRoute(PageRoute):
    """A route whose responses, errors included, may be framed by any site."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_embed(request: Request) -> Response:
            response = await handler(request)
            response.headers.update(EMBED_HEADERS)
            return response

        return handle_embed


embeds = APIRouter(include_in_schema=False, route_class=EmbedRoute)
oembed = APIRouter(include_in_schema=False)


@embeds.get("/embed/number")
async def read_number(page: CurrentPage) -> Response:
    """Show one number: how many releases (`count`: or detentions, or people held) of the given terms are verified."""
    count_kind, answer = await _fetch_count(page, page.terms)
    citation = await fetch_citation(page, answer)
    back = page.address(f"/c/{get_citation_code(answer)}")
    sentence = format_citation(citation, page.catalogue)
    number = answer["total"]["verified"]
    label = format_number_label(page.catalogue, count_kind, answer)
    return await page.show("embed-number.html", number=number, label=label, sentence=sentence, back=back)


async def _fetch_count(page: Page, terms: Mapping[str, Any]) -> tuple[str, Any]:
    count_kind = terms.get("count", COUNT_KINDS[0])
    if count_kind not in COUNT_KINDS:
        raise NotFound(f"There is no such count. Write one of: {', '.join(COUNT_KINDS)}.")
    if has_personal_terms(terms):
        raise NotFound("A number by what is personal follows today's consent, and stands on no other site.")
    count_terms = {name: value for name, value in terms.items() if name not in ("as_of", "count")}
    return count_kind, await page.api.read_address(f"/v1/counts/{count_kind}", count_terms)


@embeds.get("/embed/{name}")
async def read_embed(page: CurrentPage, name: str) -> Response:
    """Show one figure."""
    figure = await _draw_embeddable(page, name, page.terms)
    figure = replace(figure, wide=_open_links_outside(figure.wide), narrow=_open_links_outside(figure.narrow))
    return await page.show(
        "embed.html", figure=figure, back=find_figure_kind(name).build_page_address(page, figure.terms or {})
    )


def _open_links_outside(svg: Markup) -> Markup:
    """Make a drawing's links leave the frame: links in SVG ignore the page's `base`."""
    return Markup(str(svg).replace("<a ", '<a target="_blank" '))  # noqa: S704 - what is escaped stays so


async def _draw_embeddable(page: Page, name: str, terms: Mapping[str, Any]) -> Figure:
    figure = await draw_figure(page, name, terms)
    if figure.is_personal:
        raise NotFound("Somebody's life is shown on its own page alone.")
    return figure


@oembed.get("/oembed")
async def read_oembed(
    request: Request, url: str, format: Literal["json", "xml"] = "json", maxwidth: Pixels = DEFAULT_WIDTH,
    maxheight: Pixels = MAX_FRAME_PIXELS,
) -> Response:  # fmt: skip
    """Return the code that embeds an address of this server (oembed.com)."""
    if format == "xml":
        return build_json_response({"title": "There is JSON alone."}, 501, {})
    language, name, terms = _parse_embed_address(url, request.app.state.public_url)
    width = min(DEFAULT_WIDTH, maxwidth)
    try:
        page = await open_page_at(request, language, f"/{language}/embed/{name}", terms)
        title, height = await _measure_embed(page, name, terms, width)
    except Problem as refusal:
        return build_json_response(refusal.body(), refusal.status, {})
    code = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Recuento",
        "provider_url": page.public_address("/"),
        "title": title,
        "cache_age": EMBED_CACHE_SECONDS,
        "width": width,
        "height": min(height, maxheight),
    }
    address = page.public_address(page.address(f"/embed/{name}", terms))
    frame = render_template("frame.html", page.catalogue, address=address, **code).strip()
    return build_json_response({**code, "html": frame}, 200, {"Cache-Control": CACHE_SHORT})


async def _measure_embed(page: Page, name: str, terms: Mapping[str, Any], width: int) -> tuple[str, int]:
    """Return the title of an embed, and its height in a frame of a width."""
    if name == NUMBER_EMBED:
        count_kind, answer = await _fetch_count(page, terms)
        sentence = format_citation(await fetch_citation(page, answer), page.catalogue)
        return sentence, measure_number_frame(width, sentence, format_number_label(page.catalogue, count_kind, answer))
    figure = await _draw_embeddable(page, name, terms)
    return figure.title, figure.measure_frame(width)


def format_number_label(words: Catalogue, count_kind: str, answer: Any) -> str:
    """Return the label of an answer's number."""
    number = answer["total"]["verified"]
    if count_kind == DETENTIONS:
        return words.ngettext("verified detention", "verified detentions", number)
    if count_kind == HELD:
        return words.ngettext("person held, verified", "people held, verified", number)
    return {
        Stage.ANNOUNCED: words.ngettext("announced release, verified", "announced releases, verified", number),
        Stage.ORDERED: words.ngettext("ordered release, verified", "ordered releases, verified", number),
        Stage.CARRIED_OUT: words.ngettext("verified release", "verified releases", number),
    }[parse_stage(answer["terms"])]


def _parse_embed_address(url: str, public_url: str) -> tuple[str, str, dict[str, Any]]:
    """Parse language, name and terms of an embed's or figure file's address. Raises NotFound for any other address: a
    submitted address is never fetched."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    is_own = f"{parts.scheme}://{parts.netloc}" == public_url
    match = EMBED_ADDRESS.fullmatch(parts.path)
    if not is_own or match is None:
        raise NotFound("Nothing at this address can be embedded: it is that of no figure and no number here.")
    return match[1], match[2], parse_terms(parse_qsl(parts.query))
