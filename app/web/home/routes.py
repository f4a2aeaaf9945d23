"""The first page: published figures against what each source verified, in a country and a window, with the sources,
people and corrections behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import CACHE_REVALIDATE
from app.api.routes.counts import count_releases
from app.api.routes.directory import read_claim
from app.api.routes.records import list_corrections
from app.errors import NotFound
from app.vocabulary import ReleaseKind
from app.web.api_client import Terms, gather
from app.web.charts.funnel import load_funnel_figure
from app.web.charts.overlap import load_overlap_figure
from app.web.charts.people import load_people_figure
from app.web.claims.source_rows import MAX_PRINTINGS, build_source_rows_figure
from app.web.claims.text import format_since
from app.web.corrections import CorrectionFormatter
from app.web.count_text import HOME_TERMS, fetch_citation
from app.web.figure import Figure
from app.web.home.data import HomeData, load_home_data, load_question
from app.web.home.figures import build_contested_figure
from app.web.home.hours import build_zoom
from app.web.home.statements import Claims, HomeQuestion
from app.web.home.texts import build_home_texts
from app.web.page import CurrentPage, Page, PageRoute

MAX_CORRECTIONS = 5
MAX_CHANGES = 2  # of one correction shown in its line


@dataclass(frozen=True)
class HomeQuery:
    """The line that states what is counted, and the defaults of its form."""

    country: str | None
    since: str | None
    as_of: str | None  # None before the first entry
    place: str
    question: HomeQuestion


async def show_home(page: Page) -> Response:
    """Show the first page. It is not cached: a person named in a correction may withdraw consent at any time."""
    page.section = "/"
    page.allow_only_terms(*HOME_TERMS)
    question, claims = await load_question(page, page.terms)
    terms = question.terms
    (data, rows), by_kind, corrections, *more_figures = await gather(
        _load_contested(page, question, claims),
        page.api.read(count_releases, terms, group_by="release_kind"),
        page.api.read(list_corrections, country=question.country, limit=MAX_CORRECTIONS),
        load_funnel_figure(page, terms),
        load_overlap_figure(page, terms),
        load_people_figure(page, terms),
    )
    words = page.catalogue
    by_id = {str(claim["id"]): claim for claim in claims}
    teller = CorrectionFormatter(words, page.zone, page.get_source_name, page.address, by_id)
    funnel, overlap, people = more_figures
    figure = build_contested_figure(page, data) if data.drawn_groups or data.statements else None
    page.shared_figure = figure
    return await page.show(
        "home.html",
        caching=CACHE_REVALIDATE,
        query=HomeQuery(
            words.country(question.country) if question.country else None,
            format_since(words, question.released_from) if question.released_from else None,
            data.count_now["at"]["recorded_at"],
            words.place_of(str(page.zone)),
            question,
        ),
        texts=build_home_texts(page, data),
        figure=figure,
        zoom=build_zoom(page, data),
        rows=rows,
        funnel=funnel,
        overlap=overlap,
        people=people,
        total=data.count_now["total"],
        withheld=data.count_now["caveats"]["withheld"],
        count=data.count_now,
        measures=sum(
            group["counts"]["cases"]
            for group in by_kind["groups"]
            if group["by"]["release_kind"] == ReleaseKind.RELEASE_WITH_MEASURES
        ),
        corrections=[teller.format_correction(correction) for correction in corrections["data"]],
        max_changes=MAX_CHANGES,
        citation=await fetch_citation(page, data.count_now),
    )


async def _load_contested(page: Page, question: HomeQuestion, claims: Claims) -> tuple[HomeData, Figure]:
    """Load the contested series, and the source rows of the contested day and of now."""
    data = await load_home_data(page, question, claims)
    contested_claims = data.contested_statement.claims[:MAX_PRINTINGS] if data.contested_statement else ()
    # Use complete claims, as files have: a series omits the definitions of its claims.
    printings = await gather(*(page.api.read(read_claim, claim_id=claim["id"]) for claim in contested_claims))
    return data, await build_source_rows_figure(page, question.terms, data.count_then_as_of, printings)


async def load_contested_figure(page: Page, terms: Terms) -> Figure:
    """Build the contested series only."""
    data = await _load_data_for_terms(page, terms)
    if not data.series["points"]:
        raise NotFound("Nothing was known yet of this count.")
    return build_contested_figure(page, data)


async def load_hours_figure(page: Page, terms: Terms) -> Figure:
    """Build the two days around the contested figure only."""
    zoom = build_zoom(page, await _load_data_for_terms(page, terms))
    if zoom is None:
        raise NotFound("No two days of this count have enough published figures to be told by the hour.")
    return zoom.figure


async def _load_data_for_terms(page: Page, terms: Mapping[str, Any]) -> HomeData:
    return await load_home_data(page, *await load_question(page, terms))


home = APIRouter(include_in_schema=False, route_class=PageRoute)


@home.get("/")
async def read_home(page: CurrentPage) -> Response:
    """Show the first page."""
    return await show_home(page)
