"""The pages of sources: what each verified alone and with others, and whether its published figures match its
records.

The first part draws the line of one source, the second builds rows and overlaps from the API's answers, and the
routes are at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from app.api.responses import CACHE_REVALIDATE
from app.api.routes.counts import count_overlap, count_releases
from app.api.routes.directory import read_balance, read_source
from app.api.routes.records import list_corrections
from app.dates import parse_window_start
from app.queries.dimensions import get_window_start_name
from app.vocabulary import CorrectionKind, Series
from app.web.api_client import Terms, gather
from app.web.charts.funnel import count_statements
from app.web.charts.overlap import load_overlap_figure
from app.web.charts.source_line import Point, PublishedRange, find_line_end, lay_out_source_line
from app.web.charts.text import compute_day_number
from app.web.corrections import format_corrections
from app.web.count_text import describe_narrower_count
from app.web.figure import PHONE_WIDTH, SEVEN_COLUMNS_WIDTH, Figure, draw_sentence, render_drawings
from app.web.home.data import load_question
from app.web.page import CurrentPage, Page, PageRoute, fetch_finest_series
from app.web.rendering import Catalogue, format_claim_figure

HEIGHT, NARROW_HEIGHT = 330, 270
TICKS, NARROW_TICKS = 8, 4  # of the time axis
Claims = Sequence[Mapping[str, Any]]


async def build_source_line_figure(page: Page, terms: Terms) -> Figure:
    """Build the figure of the source named by the term `source`."""
    words, slug = page.catalogue, terms["source"]
    series = await fetch_finest_series(page, terms)
    line = next((line for line in series["series"] if line["source"] == slug), None)
    points = [] if line is None else build_points(line["points"])
    claims = [claim for claim in series["claims"] if claim["claimant"] == slug]
    comparable_claims = [claim for claim in claims if is_comparable(claim, terms)]
    published_figures = build_published_figures(
        comparable_claims, points, words, page.zone, lambda claim: page.address(f"/claims/{claim}")
    )
    heading = build_line_heading(published_figures, has_line=bool(points), words=words)
    name = page.get_source_name(slug)
    wide, narrow = draw_line(points, published_figures, heading, words)
    return Figure(
        name="source-line",
        heading=heading,
        finding=f"{name}: {heading}",
        wide=wide,
        narrow=narrow,
        caption=_build_line_caption(words, points, published_figures, len(claims) - len(comparable_claims)),
        columns=(
            words.gettext("Said"),
            words.gettext("Figure"),
            words.gettext("Counts from"),
            words.gettext("What it had verified of this on that day"),
        ),
        rows=[_build_table_row(claim, points, page) for claim in claims],
        terms=dict(terms),
        count_scope=describe_narrower_count(page, series["terms"]),
    )


def build_points(line: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Convert a series to points, each at the end of its day."""
    return [Point(date.fromisoformat(point["on"]).toordinal() + 1, point["verified"]) for point in line]


def is_comparable(claim: Mapping[str, Any], terms: Terms) -> bool:
    """Return whether a published figure counts the same window as the line, from its beginning."""
    begins = terms.get(get_window_start_name(terms))
    return begins is not None and (claim["series"], claim["window_from"]) == (Series.CUMULATIVE, begins)


def build_published_figures(
    claims: Claims, points: Sequence[Point], words: Catalogue, zone: tzinfo, address: Callable[[str], str]
) -> list[PublishedRange]:
    """Place published figures in a line's chart. A figure is off the line if it equals no number from the end of the
    previous day to the end of its own."""
    published_figures = []
    for claim in claims:
        moment = datetime.fromisoformat(claim["at"]).astimezone(zone)
        day = moment.toordinal()
        has_hour = "T" in claim["stated_at"]
        first_day = day if has_hour else parse_window_start(claim["stated_at"])  # of the day, month or year
        start, end = (compute_day_number(moment),) * 2 if has_hour else (float(first_day), day + 1.0)
        low, high = claim["low"], claim["high"]
        minimum, maximum = get_verified_range(points, day)
        is_off = (high is not None and high < minimum) or (low is not None and low > maximum)
        published_figures.append(
            PublishedRange(start, end, low, high, format_claim_figure(claim, words), address(claim["id"]), is_off)
        )
    return published_figures


def get_verified_range(points: Sequence[Point], day: int) -> tuple[int, int]:
    """Return the minimum and maximum verified on a day, from the end of the previous day to its own. In weekly or
    monthly series, return those of its interval."""
    previous = max(
        (point for point in points if point.moment <= day), key=lambda point: point.moment, default=Point(0, 0)
    )
    following = min((point for point in points if point.moment > day), key=lambda point: point.moment, default=previous)
    return min(previous.value, following.value), max(previous.value, following.value)


def build_line_heading(published_figures: Sequence[PublishedRange], *, has_line: bool, words: Catalogue) -> str:
    """State whether the source's figures match its records."""
    _, ngettext, figure_count, mismatch_count = (
        words.gettext,
        words.ngettext,
        len(published_figures),
        sum(figure.is_off for figure in published_figures),
    )
    if not has_line:
        return _("It verified none of these releases")
    if not published_figures:
        return _("It has published no figure that counts the same")
    if not mismatch_count:
        fit = ngettext(
            "Its published figure fits its own records",
            "Its %(num)s published figures fit its own records",
            figure_count,
        )
        return fit % {"num": words.number(figure_count)}
    if figure_count == 1:
        return _("Its published figure is another than its own records of that day")
    differ = ngettext(
        "One of its %(all)s published figures is another than its own records of that day",
        "%(num)s of its %(all)s published figures are others than its own records of those days",
        mismatch_count,
    )
    return differ % {"num": words.number(mismatch_count), "all": words.number(figure_count)}


def draw_line(
    points: Sequence[Point], published_figures: Sequence[PublishedRange], heading: str, words: Catalogue
) -> tuple[Markup, Markup]:
    """Return the wide and the narrow drawing; a sentence if there is no line."""
    if not points:
        return draw_sentence(words.gettext("There is no line to draw: nothing of this is verified by it."), words)
    wide = lay_out_source_line(points, published_figures, SEVEN_COLUMNS_WIDTH, HEIGHT, TICKS)
    narrow = lay_out_source_line(points, published_figures, PHONE_WIDTH, NARROW_HEIGHT, NARROW_TICKS)
    return render_drawings("source-line", words, [wide, narrow], finding=heading)


def _build_line_caption(
    words: Catalogue, points: Sequence[Point], published_figures: Sequence[PublishedRange], table_only_count: int
) -> str:
    caption = words.gettext(
        "Line: what it had verified by the end of each day, as its records came in. Marks: the figures that it "
        "published of the same window, at their hour, or as wide as the day where none was said; hollow where they are "
        "another. A record can come in later than the figure that it is part of."
    )
    if not points:
        caption = ""
    elif find_line_end(points, published_figures) < points[-1].moment:
        end = date.fromordinal(int(find_line_end(points, published_figures))).isoformat()
        unchanged_text = words.gettext("After %(day)s nothing of it has changed.")
        caption = f"{caption} {unchanged_text % {'day': words.short_day(end)}}"
    others_text = words.ngettext(
        "One more figure counts from another day, or only one batch: it stands in the table alone.",
        "%(num)s more figures count from another day, or only one batch: they stand in the table alone.",
        table_only_count,
    )
    return f"{caption} {others_text % {'num': words.number(table_only_count)}}".strip() if table_only_count else caption


def _build_table_row(claim: Mapping[str, Any], points: Sequence[Point], page: Page) -> tuple[str | Markup, ...]:
    words = page.catalogue
    day = datetime.fromisoformat(claim["at"]).astimezone(page.zone).toordinal()
    figure = Markup('<a href="{}">{}</a>').format(
        page.address(f"/claims/{claim['id']}"), format_claim_figure(claim, words)
    )
    window_start = claim["window_from"]
    minimum, maximum = get_verified_range(points, day)
    range_text = words.gettext("between %(low)s and %(high)s")
    return (
        words.statement_date(claim["stated_at"], page.zone),
        figure,
        words.gettext("It does not say") if window_start is None else words.statement_date(window_start, page.zone),
        words.number(maximum)
        if minimum == maximum
        else range_text % {"low": words.number(minimum), "high": words.number(maximum)},
    )


Sources = Mapping[str, Mapping[str, Any]]
Address = Callable[[str], str]
EMPTY_GROUP: Mapping[str, Any] = {
    "counts": {"verified": 0, "reported": 0, "official_only": 0, "disputed": 0, "refuted": 0, "retracted": 0,
               "uncertain_date": 0, "awaiting_review": 0, "rejected": 0},
    "list": None,
}  # fmt: skip


@dataclass(frozen=True)
class SourceRow:
    """A source with its own count. `only_this_source`: how many no other source verified; None if it verified
    none."""

    source: Mapping[str, Any]
    counts: Mapping[str, Any]
    only_this_source: int | None
    page: str | None
    only_list_page: str | None

    @property
    def statements(self) -> int:
        return count_statements(self.counts)


@dataclass(frozen=True)
class SourceOverlap:
    """What two sources both verified. `days`: for how many of these they report the same day, in words."""

    other_slug: str
    shared_count: int
    only_this_count: int
    only_other_count: int
    days: str
    page: str | None


def build_source_rows(
    count: Mapping[str, Any], overlap: Mapping[str, Any], sources: Sources, to_page_address: Address
) -> list[SourceRow]:
    """Return all sources, sorted by verified count, number of statements, and name. `count`: grouped by source."""
    groups = {group["by"]["source"]: group for group in count["groups"]}
    overlaps = {source["source"]: source for source in overlap["sources"]}
    unknown = {slug: build_unknown_source(slug) for slug in groups if slug not in sources}
    rows = [
        build_source_row(source, groups.get(slug, EMPTY_GROUP), overlaps.get(slug), to_page_address)
        for slug, source in {**sources, **unknown}.items()
    ]
    return sorted(rows, key=lambda row: (-row.counts["verified"], -row.statements, row.source["name"].casefold()))


def build_unknown_source(slug: str) -> Mapping[str, Any]:
    """Return a placeholder for a source beyond the first page of their list."""
    return {
        "slug": slug, "name": slug, "kind": "other", "country": None, "independent": True, "quarantined": False,
        "definition": None,
    }  # fmt: skip


def build_source_row(
    source: Mapping[str, Any], group: Mapping[str, Any], overlap: Mapping[str, Any] | None, to_page_address: Address
) -> SourceRow:
    return SourceRow(
        source=source,
        counts=group["counts"],
        only_this_source=None if overlap is None else overlap["only_this_source"],
        page=_to_optional_page(group["list"], to_page_address),
        only_list_page=_to_optional_page(None if overlap is None else overlap["only_list"], to_page_address),
    )


def build_source_overlaps(
    overlap: Mapping[str, Any],
    slug: str,
    get_source_name: Callable[[str], str],
    words: Catalogue,
    to_page_address: Address,
) -> list[SourceOverlap]:
    """Return the pairs that include a source, largest overlap first."""
    overlaps = []
    for pair in overlap["pairs"]:
        if slug in (pair["a"], pair["b"]):
            is_first = pair["a"] == slug
            overlaps.append(
                SourceOverlap(
                    other_slug=pair["b"] if is_first else pair["a"],
                    shared_count=pair["both"],
                    only_this_count=pair["only_a"] if is_first else pair["only_b"],
                    only_other_count=pair["only_b"] if is_first else pair["only_a"],
                    days=format_date_agreement(pair["dates"], words),
                    page=_to_optional_page(pair["list"], to_page_address),
                )
            )
    return sorted(overlaps, key=lambda pair: (-pair.shared_count, get_source_name(pair.other_slug).casefold()))


def format_date_agreement(dates: Mapping[str, int], words: Catalogue) -> str:
    """Describe on how many releases two sources report the same day, and on how many they differ."""
    _ = words.gettext
    sentences = {
        "same": _("%(num)s the same"),
        "compatible": _("%(num)s one finer than the other"),
        "different": _("%(num)s another"),
        "unsaid": _("%(num)s not said by both"),
    }
    parts = [sentence % {"num": words.number(dates[name])} for name, sentence in sentences.items() if dates[name]]
    return ", ".join(parts) or _("none")


def _to_optional_page(address: str | None, to_page_address: Address) -> str | None:
    return None if address is None else to_page_address(address)


Corrections = Sequence[Mapping[str, Any]]
sources = APIRouter(include_in_schema=False, route_class=PageRoute)

PIN_TERMS = (
    "as_of",
    "rules",
    "leaf",
    "zone",
)  # of a permalink: they pin the revision, not what is counted
MAX_CORRECTIONS = 8
# Corrections of figures list their filer, not the claimant: a source's are searched among the newest.
FIGURE_CORRECTION_KINDS, MAX_FIGURE_CORRECTIONS = (
    [CorrectionKind.CLAIM_RESTATED.value, CorrectionKind.CLAIM_SUPERSEDED.value],
    100,
)


@sources.get("/sources")
async def read_sources(page: CurrentPage) -> Response:
    """Show all sources."""
    page.section = "/sources"
    terms, countries = await resolve_terms(page)
    count, overlap, figure = await gather(
        page.api.read(count_releases, {**select_pins(page), **terms, "group_by": "source"}),
        page.api.read(count_overlap, terms),
        load_overlap_figure(page, terms),
    )
    page.shared_figure = figure
    rows = build_source_rows(count, overlap, page.sources, page.to_page_address)
    return await page.show("sources/list.html", rows=rows, count=count, terms=terms, countries=countries, figure=figure)


@sources.get("/sources/{slug}")
async def show_source(page: CurrentPage, slug: str) -> Response:
    """Show one source."""
    page.section = "/sources"
    terms, countries = await resolve_terms(page)
    source, count, overlap, balance, *correction_answers = await gather(
        page.api.read(read_source, slug=slug),
        page.api.read(count_releases, {**select_pins(page), **terms, "group_by": "source"}),
        page.api.read(count_overlap, terms),
        page.api.read(read_balance, slug=slug, country=terms.get("country")),
        page.api.read(list_corrections, source=slug, limit=MAX_CORRECTIONS),
        page.api.read(list_corrections, correction_kind=FIGURE_CORRECTION_KINDS, limit=MAX_FIGURE_CORRECTIONS),
    )
    figure = await build_source_line_figure(page, {**terms, "source": slug})
    page.shared_figure = figure
    own_group = next((group for group in count["groups"] if group["by"]["source"] == slug), EMPTY_GROUP)
    own_overlap = next((source for source in overlap["sources"] if source["source"] == slug), None)
    return await page.show(
        "sources/source.html",
        caching=CACHE_REVALIDATE,  # its corrections concern people
        source=source,
        count=count,
        terms=terms,
        countries=countries,
        row=build_source_row(source, own_group, own_overlap, page.to_page_address),
        overlaps=build_source_overlaps(overlap, slug, page.get_source_name, page.catalogue, page.to_page_address),
        figure=figure,
        balance=balance["data"],
        corrections=await format_corrections(
            page, select_newest_corrections(slug, *(answer["data"] for answer in correction_answers))
        ),
    )


def select_newest_corrections(
    slug: str, own_corrections: Corrections, figure_corrections: Corrections
) -> list[Mapping[str, Any]]:
    """Return the newest corrections by a source or of its figures."""
    by_id = {
        correction["id"]: correction
        for correction in [
            *own_corrections,
            *(correction for correction in figure_corrections if correction["claimant"] == slug),
        ]
    }
    return sorted(by_id.values(), key=lambda correction: -int(correction["revision"]))[:MAX_CORRECTIONS]


async def resolve_terms(page: Page) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the terms of the count, and the known countries. Without terms, country and beginning default to those
    of the first page; a permalink has all its terms."""
    page_terms = {name: term for name, term in page.terms.items() if name not in (*PIN_TERMS, "group_by")}
    question, _claims = await load_question(page, page_terms)
    return (page_terms if "rules" in page.terms else {**question.terms, **page_terms}), question.countries


def select_pins(page: Page) -> dict[str, Any]:
    """Return the terms of a permalink that pin its revision."""
    return {name: page.terms[name] for name in PIN_TERMS if name in page.terms}
