"""Who reports, verifies and claims: whom each counts, what it verified alone and with others, and whether its figures
fit its own records."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import UNCACHED
from app.vocabulary import CorrectionKind
from app.web.asking import together
from app.web.charts.overlap import overlap_figure
from app.web.corrections import told
from app.web.home.gathered import ask_question
from app.web.page import Opened, Page, PageRoute
from app.web.sources.line import source_line_figure
from app.web.sources.view import SILENT, row_of, rows_of, together_of

Corrections = Sequence[Mapping[str, Any]]
sources = APIRouter(include_in_schema=False, route_class=PageRoute)

PINS = ("as_of", "rules", "leaf", "zone")  # of a permalink: what it says of the revision, and not of what is counted
MOST_CORRECTIONS = 8
# A figure is corrected by whoever filed it: those of a source are looked for among the newest.
OF_FIGURES, NEWEST_OF_FIGURES = [CorrectionKind.CLAIM_RESTATED.value, CorrectionKind.CLAIM_SUPERSEDED.value], 100


@sources.get("/sources")
async def read_sources(page: Opened) -> Response:
    """Every source."""
    page.section = "/sources"
    terms, countries = await asked(page)
    count, overlap, figure = await together(
        page.api.get("/v1/counts/releases", {**pins(page), **terms, "group_by": "source"}),
        page.api.get("/v1/counts/overlap", terms),
        overlap_figure(page, terms),
    )
    page.shared = figure
    rows = rows_of(count, overlap, page.sources, page.behind)
    return await page.show("sources/list.html", rows=rows, count=count, asked=terms, countries=countries, figure=figure)


@sources.get("/sources/{slug}")
async def read_source(page: Opened, slug: str) -> Response:
    """One source."""
    page.section = "/sources"
    terms, countries = await asked(page)
    source, count, overlap, balance, *corrected = await together(
        page.api.get(f"/v1/sources/{slug}"),
        page.api.get("/v1/counts/releases", {**pins(page), **terms, "group_by": "source"}),
        page.api.get("/v1/counts/overlap", terms),
        page.api.get(f"/v1/sources/{slug}/balance", country=terms.get("country")),
        page.api.get("/v1/corrections", source=slug, limit=MOST_CORRECTIONS),
        page.api.get("/v1/corrections", kind=OF_FIGURES, limit=NEWEST_OF_FIGURES),
    )
    figure = await source_line_figure(page, {**terms, "source": slug})
    page.shared = figure
    own = next((group for group in count["groups"] if group["source"] == slug), SILENT)
    verified = next((source for source in overlap["sources"] if source["source"] == slug), None)
    return await page.show(
        "sources/source.html",
        caching=UNCACHED,  # its corrections are of people
        source=source,
        count=count,
        asked=terms,
        countries=countries,
        row=row_of(source, own, verified, page.behind),
        together=together_of(overlap, slug, page.name_of, page.catalogue, page.behind),
        figure=figure,
        balance=balance["data"],
        corrections=await told(page, newest(slug, *(answer["data"] for answer in corrected))),
    )


def newest(slug: str, own: Corrections, of_figures: Corrections) -> list[Mapping[str, Any]]:
    """The newest corrections by a source or of its figures."""
    found = {
        correction["id"]: correction
        for correction in [*own, *(correction for correction in of_figures if correction["claimant"] == slug)]
    }
    return sorted(found.values(), key=lambda correction: -int(correction["revision"]))[:MOST_CORRECTIONS]


async def asked(page: Page) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is counted, and the countries that there are. Where the address says none, the country and the beginning are
    the usual ones, as on the first page; a permalink says all that it means."""
    given = {name: term for name, term in page.terms.items() if name not in (*PINS, "group_by")}
    question, _claims = await ask_question(page, given)
    return (given if "rules" in page.terms else {**question.terms, **given}), question.countries


def pins(page: Page) -> dict[str, Any]:
    """What a permalink says of its revision."""
    return {name: page.terms[name] for name in PINS if name in page.terms}
