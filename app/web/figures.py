"""Figures as files: what pages draw, as SVG, CSV and PNG, at any revision.

One number or one figure, made to stand within a page elsewhere, and how it is found there (oEmbed)."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from app.api.responses import LIVE, UNCACHED, json_response
from app.errors import NotFound
from app.imports.formats.tables import to_cell, to_csv
from app.queries.parameters import CountQuery
from app.queries.terms import PERSONAL, PERSONAL_FILTERS
from app.vocabulary import Stage
from app.web.asking import Refused
from app.web.charts.funnel import funnel_figure
from app.web.charts.overlap import overlap_figure
from app.web.charts.people import people_figure
from app.web.citation import then_and_now_figure
from app.web.claims.figures import claim_then_and_now_figure, reconciliation_figure
from app.web.claims.source_rows import source_rows_figure
from app.web.count_text import HOME_TERMS, stage_of
from app.web.counting import groups_figure
from app.web.figure import Figure, of_number, plain
from app.web.home.routes import contested_figure, hours_figure
from app.web.page import POLICY, Opened, Page, PageRoute, opened, require_only, sent, terms_of
from app.web.people.record import life_figure
from app.web.pictures import StandAlone, stand_alone
from app.web.rendering import LANGUAGES, Catalogue, rendered, sentence_of
from app.web.sources import source_line_figure

Terms = Mapping[str, Any]
# None where what is asked for cannot be drawn: two numbers cannot be compared, or nobody gives a date.
Builder = Callable[[Page, Terms], Awaitable[Figure | None]]
# A file may stand on any site, and does nothing there.
ELSEWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}
UNLISTED = {"X-Robots-Tag": "noindex"}  # no search engine keeps somebody's life

HOME, COUNTS = "/", "/counts"

figures = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True)
class Kind:
    """A kind of figure. `on`: the page that it stands on; a term in braces belongs to the page's path. `own`: terms of
    the figure that its page does not take. `takes`: the only terms beside these that it narrows by; None: those of a
    count."""

    draw: Builder
    on: str = HOME
    own: tuple[str, ...] = ()
    takes: tuple[str, ...] | None = None

    @property
    def named(self) -> list[str]:
        """The terms that say of what a figure is, where it is of one thing."""
        return re.findall(r"\{(\w+)\}", self.on)

    def is_told(self, terms: Terms) -> bool:
        """Whether terms say of what a figure is, where it is of one thing."""
        named = [terms.get(name) for name in self.named]
        return all(isinstance(value, str) and "/" not in value for value in named)

    def page(self, page: Page, terms: Terms) -> str:
        """The address of the page that a figure stands on, at its revision; of a figure of more terms than the first
        page takes, that of their count."""
        further = {
            name: value for name, value in terms.items() if name not in self.own and f"{{{name}}}" not in self.on
        }
        on = COUNTS if self.on == HOME and not further.keys() <= set(HOME_TERMS) else self.on.format_map(terms)
        return page.address(on, {**further, "as_of": page.revision})


# By the names that addresses have.
KINDS: dict[str, Kind] = {
    "claim-then-and-now": Kind(claim_then_and_now_figure, on="/claims/{claim}", takes=()),
    "contested": Kind(contested_figure, takes=HOME_TERMS),
    "funnel": Kind(funnel_figure),
    "groups": Kind(groups_figure, on=COUNTS),
    "hours": Kind(hours_figure, takes=HOME_TERMS),
    "life": Kind(life_figure, on="/people/{person}", takes=()),
    "overlap": Kind(overlap_figure),
    "people": Kind(people_figure),
    "reconciliation": Kind(reconciliation_figure, on="/claims/{claim}", takes=()),
    "source-line": Kind(source_line_figure, on="/sources/{source}"),
    "source-rows": Kind(source_rows_figure, own=("then", "claim")),
    "then-and-now": Kind(then_and_now_figure, on="/c/{code}", takes=()),
}


def is_personal(terms: Terms) -> bool:
    """Whether terms tell people apart by what is personal: of them numbers follow today's consent."""
    groups = terms.get("group_by", ())
    by = {groups} if isinstance(groups, str) else set(groups)
    return not terms.keys().isdisjoint(PERSONAL_FILTERS) or not by.isdisjoint(PERSONAL)


def kind_of(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("There is no figure of this name.")
    return KINDS[name]


async def drawn(page: Page, name: str, terms: Terms) -> Figure:
    """The figure that an address asks for, of the revision that the page is of."""
    kind = kind_of(name)
    if not kind.is_told(terms):
        raise NotFound(f"The address of this figure says of what it is: {kind.on}")
    # Another would stand over numbers that it does not narrow, or change what is drawn without a word.
    takes = CountQuery.model_fields if kind.takes is None else kind.takes
    require_only(terms, (*kind.named, *kind.own, *takes))
    if is_personal(terms):
        raise NotFound(
            "Numbers by what is personal follow today's consent, and files are kept elsewhere: there is none."
        )
    figure = await kind.draw(page, {name: value for name, value in terms.items() if name != "as_of"})
    if figure is None:
        raise NotFound("There is nothing to draw: nothing of this is known, or it cannot be compared.")
    return figure


@figures.get("/figures/{name}.svg")
async def read_svg(page: Opened, name: str) -> Response:
    """A figure as a drawing that stands alone."""
    figure = await drawn(page, name, page.terms)
    alone = alone_of(page, figure)
    return _file(page, figure, "svg", alone.text.encode(), "image/svg+xml", policy_of(alone))


@figures.get("/figures/{name}.csv")
async def read_csv(page: Opened, name: str) -> Response:
    """The table of a figure."""
    figure = await drawn(page, name, page.terms)
    return _file(page, figure, "csv", table_of(figure).encode(), "text/csv; charset=utf-8", NOTHING)


@figures.get("/figures/{name}.png")
async def read_png(page: Opened, name: str) -> Response:
    """A figure as a picture."""
    figure = await drawn(page, name, page.terms)
    if figure.of_person:
        raise NotFound("There are no pictures of somebody's life, which would be kept elsewhere: there is its SVG.")
    picture = await page.request.app.state.pictures.of(alone_of(page, figure))
    return _file(page, figure, "png", picture, "image/png", NOTHING)


NOTHING = "default-src 'none'; frame-ancestors 'none'"


def policy_of(alone: StandAlone) -> str:
    """Its own rules of style and nothing else, wherever it is opened."""
    digest = base64.b64encode(hashlib.sha256(alone.style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def alone_of(page: Page, figure: Figure) -> StandAlone:
    """The figure with the address of its page at the revision."""
    words, address = page.catalogue, page.public(kind_of(figure.name).page(page, figure.terms or {}))
    told = words.gettext("Recuento, revision %(revision)s") % {"revision": page.revision}
    invented = [words.gettext("Demonstration, invented people.")] if page.is_demo else []
    return stand_alone(figure, words, origin=[*invented, told], address=address)


def table_of(figure: Figure) -> str:
    """CSV as the API writes it, with no cell that a spreadsheet would run: not in the heading either."""
    columns = [to_cell(column) for column in figure.columns]
    rows = [dict(zip(columns, map(plain, row), strict=True)) for row in figure.rows]
    return to_csv(rows, columns)


def _file(page: Page, figure: Figure, form: str, body: bytes, media: str, policy: str) -> Response:
    headers = {
        **ELSEWHERE,
        **(UNLISTED if figure.of_person else {}),
        "Recuento-Revision": str(page.revision),
        "Content-Disposition": f'inline; filename="recuento-{figure.name}-{page.revision}-{page.language}.{form}"',
    }
    return sent(page.request, body, media, UNCACHED if figure.of_person else LIVE, headers=headers, policy=policy)


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
