"""The first page as it is put together: what is contested, and behind it who verifies, whom, and what was corrected.

The first page: what was claimed, by whom, against what each source verified, in a country and a window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import UNCACHED
from app.errors import NotFound
from app.vocabulary import ReleaseKind
from app.web.asking import Terms, together
from app.web.charts.funnel import funnel_figure
from app.web.charts.overlap import overlap_figure
from app.web.charts.people import people_figure
from app.web.claims.source_rows import MOST_PRINTINGS, source_rows_figure
from app.web.claims.words import since_when
from app.web.corrections import Teller
from app.web.count_text import HOME_TERMS
from app.web.figure import Figure
from app.web.home.contest import told
from app.web.home.data import Gathered, ask_question, gather
from app.web.home.figures import contested_figure_of
from app.web.home.hours import zoom_of
from app.web.home.statements import Claims, Question
from app.web.page import Opened, Page, PageRoute

MEASURES = ReleaseKind.RELEASE_WITH_MEASURES
MOST_CORRECTIONS = 5
MOST_CHANGES = 2  # of a correction that a line tells


@dataclass(frozen=True)
class Asked:
    """The line that says what is counted, and what its form begins with."""

    country: str | None
    since: str | None
    as_of: str | None  # None before the first entry
    place: str
    question: Question


async def show_home(page: Page) -> Response:
    """The first page; no cache keeps it, for whom a correction is about may ask tomorrow not to be shown."""
    page.section = "/"
    page.take_only(*HOME_TERMS)
    question, claims = await ask_question(page, page.terms)
    terms = question.terms
    (gathered, rows), by_kind, corrections, *further = await together(
        _contested(page, question, claims),
        page.api.get("/v1/counts/releases", terms, group_by="kind"),
        page.api.get("/v1/corrections", country=question.country, limit=MOST_CORRECTIONS),
        funnel_figure(page, terms),
        overlap_figure(page, terms),
        people_figure(page, terms),
    )
    words = page.catalogue
    by_id = {claim["id"]: claim for claim in claims}
    teller = Teller(words, page.zone, page.name_of, page.address, by_id)
    funnel, overlap, people = further
    figure = contested_figure_of(page, gathered) if gathered.lines or gathered.told else None
    page.shared = figure
    return await page.show(
        "home.html",
        caching=UNCACHED,
        asked=Asked(
            words.country(question.country) if question.country else None,
            since_when(words, question.released_from) if question.released_from else None,
            gathered.now["recorded_at"],
            words.place_of(str(page.zone)),
            question,
        ),
        told=told(page, gathered),
        figure=figure,
        zoom=zoom_of(page, gathered),
        rows=rows,
        funnel=funnel,
        overlap=overlap,
        people=people,
        total=gathered.now["total"],
        withheld=gathered.now["withheld"],
        measures=sum(group["releases"] for group in by_kind["groups"] if group["kind"] == MEASURES),
        corrections=[teller.told(correction) for correction in corrections["data"]],
        most=MOST_CHANGES,
        citation=gathered.now["citation"],
    )


async def _contested(page: Page, question: Question, claims: Claims) -> tuple[Gathered, Figure]:
    """What is contested, and the rows of those who verified, as they stood on the contested day and as they stand."""
    gathered = await gather(page, question, claims)
    contested = gathered.contested.claims[:MOST_PRINTINGS] if gathered.contested else ()
    # Whole, as a file has them: what a series tells of a claim leaves out how it is defined.
    printings = await together(*(page.api.get(f"/v1/claims/{claim['id']}") for claim in contested))
    return gathered, await source_rows_figure(page, question.terms, gathered.then_as_of, printings)


async def contested_figure(page: Page, terms: Terms) -> Figure:
    """The contested series alone."""
    gathered = await _found(page, terms)
    if not gathered.series["points"]:
        raise NotFound("Nothing was known yet of this count.")
    return contested_figure_of(page, gathered)


async def hours_figure(page: Page, terms: Terms) -> Figure:
    """The two days around the contested figure alone."""
    zoom = zoom_of(page, await _found(page, terms))
    if zoom is None:
        raise NotFound("No two days of this count have enough published figures to be told by the hour.")
    return zoom.figure


async def _found(page: Page, terms: Mapping[str, Any]) -> Gathered:
    return await gather(page, *await ask_question(page, terms))


home = APIRouter(include_in_schema=False, route_class=PageRoute)


@home.get("/")
async def read_home(page: Opened) -> Response:
    """The first page."""
    return await show_home(page)
