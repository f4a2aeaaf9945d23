"""Figures as files: what pages draw, as SVG, CSV and PNG, at any revision."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import LIVE, UNCACHED
from app.errors import NotFound
from app.imports.formats.tables import to_cell, to_csv
from app.queries.parameters import CountQuery
from app.queries.terms import PERSONAL, PERSONAL_FILTERS
from app.web.charts.funnel import funnel_figure
from app.web.charts.overlap import overlap_figure
from app.web.charts.people import people_figure
from app.web.citation import then_and_now_figure
from app.web.claims.reconciliation import reconciliation_figure
from app.web.claims.source_rows import source_rows_figure
from app.web.claims.then_and_now import claim_then_and_now_figure
from app.web.counting import groups_figure
from app.web.figure import Figure, plain
from app.web.home.view import contested_figure, hours_figure
from app.web.page import Opened, Page, PageRoute, require_only, sent
from app.web.people.life import life_figure
from app.web.sources.line import source_line_figure
from app.web.standalone import StandAlone, stand_alone
from app.web.told import HOME_TERMS

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
