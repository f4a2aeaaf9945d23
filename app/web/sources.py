"""The figure of one source: what it verified as its records came in, and what it published at its hours.

What pages of sources show of the API's answers (pure).

Who reports, verifies and claims: whom each counts, what it verified alone and with others, and whether its figures
fit its own records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from app.api.responses import UNCACHED
from app.vocabulary import CorrectionKind, Series
from app.web.asking import Terms, together
from app.web.charts.funnel import declared
from app.web.charts.overlap import overlap_figure
from app.web.charts.source_line import Point, Published, drawn_until, laid_out
from app.web.charts.text import day_number
from app.web.corrections import told
from app.web.count_text import narrower
from app.web.figure import PHONE, SEVEN, Figure, drawings, in_place_of_a_chart
from app.web.home.data import ask_question
from app.web.page import Opened, Page, PageRoute, finest
from app.web.rendering import Catalogue, figure_of

HEIGHT, NARROW_HEIGHT = 330, 270
TICKS, NARROW_TICKS = 8, 4  # on the axis of days
Claims = Sequence[Mapping[str, Any]]


async def source_line_figure(page: Page, terms: Terms) -> Figure:
    """The figure of the source that the terms name as `source`."""
    words, slug = page.catalogue, terms["source"]
    series = await finest(page, terms)
    line = next((line for line in series["series"] if line["source"] == slug), None)
    points = [] if line is None else points_of(line["points"])
    claims = [claim for claim in series["claims"] if claim["claimant"] == slug]
    beside = [claim for claim in claims if is_beside(claim, terms)]
    published = published_of(beside, points, words, page.zone, lambda claim: page.address(f"/claims/{claim}"))
    heading = heading_of(published, has_line=bool(points), words=words)
    name = page.name_of(slug)
    wide, narrow = drawn(points, published, heading, words)
    return Figure(
        name="source-line",
        heading=heading,
        finding=f"{name}: {heading}",
        wide=wide,
        narrow=narrow,
        caption=_caption(words, points, published, len(claims) - len(beside)),
        columns=(
            words.gettext("Said"),
            words.gettext("Figure"),
            words.gettext("Counts from"),
            words.gettext("What it had verified of this on that day"),
        ),
        rows=[_row(claim, points, page) for claim in claims],
        terms=dict(terms),
        counted=narrower(page, series["terms"]),
    )


def points_of(line: Sequence[Mapping[str, Any]]) -> list[Point]:
    """The points of a line, each at the end of the day that it is of."""
    return [Point(date.fromisoformat(point["on"]).toordinal() + 1, point["verified"]) for point in line]


def is_beside(claim: Mapping[str, Any], terms: Terms) -> bool:
    """Whether a figure counts what the line counts: the same window, from its beginning on."""
    begins = terms.get("released_from")
    return begins is not None and (claim["series"], claim["window_from"]) == (Series.CUMULATIVE, begins)


def published_of(
    claims: Claims, points: Sequence[Point], words: Catalogue, zone: tzinfo, address: Callable[[str], str]
) -> list[Published]:
    """Figures beside a line. One is off it that is none of the numbers from the end of the day before to the end of
    its own."""
    found = []
    for claim in claims:
        moment = datetime.fromisoformat(claim["at"]).astimezone(zone)
        day = moment.toordinal()
        has_hour = "T" in claim["stated_at"]
        at, end = (day_number(moment),) * 2 if has_hour else (float(day), day + 1.0)
        low, high = claim["low"], claim["high"]
        least, most = known_on(points, day)
        is_off = (high is not None and high < least) or (low is not None and low > most)
        found.append(Published(at, end, low, high, figure_of(claim, words), address(claim["id"]), is_off))
    return found


def known_on(points: Sequence[Point], day: int) -> tuple[int, int]:
    """The least and the most that was verified on a day: from the end of the day before to its own; of a line of weeks
    or months, from end to end of that in which it lies."""
    before = max((point for point in points if point.at <= day), key=lambda point: point.at, default=Point(0, 0))
    after = min((point for point in points if point.at > day), key=lambda point: point.at, default=before)
    return min(before.value, after.value), max(before.value, after.value)


def heading_of(published: Sequence[Published], *, has_line: bool, words: Catalogue) -> str:
    """Whether its figures are those of its records."""
    _, ngettext, all_of_them, off = (
        words.gettext,
        words.ngettext,
        len(published),
        sum(figure.is_off for figure in published),
    )
    if not has_line:
        return _("It verified none of these releases")
    if not published:
        return _("It has published no figure that counts the same")
    if not off:
        fit = ngettext(
            "Its published figure fits its own records",
            "Its %(num)s published figures fit its own records",
            all_of_them,
        )
        return fit % {"num": words.number(all_of_them)}
    if all_of_them == 1:
        return _("Its published figure is another than its own records of that day")
    differ = ngettext(
        "One of its %(all)s published figures is another than its own records of that day",
        "%(num)s of its %(all)s published figures are others than its own records of those days",
        off,
    )
    return differ % {"num": words.number(off), "all": words.number(all_of_them)}


def drawn(
    points: Sequence[Point], published: Sequence[Published], heading: str, words: Catalogue
) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing; without a line, a sentence."""
    if not points:
        return in_place_of_a_chart(words.gettext("There is no line to draw: nothing of this is verified by it."), words)
    wide = laid_out(points, published, SEVEN, HEIGHT, TICKS)
    narrow = laid_out(points, published, PHONE, NARROW_HEIGHT, NARROW_TICKS)
    return drawings("source-line", words, [wide, narrow], finding=heading)


def _caption(words: Catalogue, points: Sequence[Point], published: Sequence[Published], elsewhere: int) -> str:
    caption = words.gettext(
        "Line: what it had verified by the end of each day, as its records came in. Marks: the figures that it "
        "published of the same window, at their hour, or as wide as the day where none was said; hollow where they are "
        "another. A record can come in later than the figure that it is part of."
    )
    if not points:
        caption = ""
    elif drawn_until(points, published) < points[-1].at:
        end = date.fromordinal(int(drawn_until(points, published))).isoformat()
        unchanged = words.gettext("After %(day)s nothing of it has changed.")
        caption = f"{caption} {unchanged % {'day': words.short_day(end)}}"
    others = words.ngettext(
        "One more figure counts from another day, or only one batch: it stands in the table alone.",
        "%(num)s more figures count from another day, or only one batch: they stand in the table alone.",
        elsewhere,
    )
    return f"{caption} {others % {'num': words.number(elsewhere)}}".strip() if elsewhere else caption


def _row(claim: Mapping[str, Any], points: Sequence[Point], page: Page) -> tuple[str | Markup, ...]:
    words = page.catalogue
    day = datetime.fromisoformat(claim["at"]).astimezone(page.zone).toordinal()
    figure = Markup('<a href="{}">{}</a>').format(page.address(f"/claims/{claim['id']}"), figure_of(claim, words))
    counts_from = claim["window_from"]
    least, most = known_on(points, day)
    between = words.gettext("between %(low)s and %(high)s")
    return (
        words.said_at(claim["stated_at"], page.zone),
        figure,
        words.gettext("It does not say") if counts_from is None else words.said_at(counts_from, page.zone),
        words.number(most) if least == most else between % {"low": words.number(least), "high": words.number(most)},
    )


Sources = Mapping[str, Mapping[str, Any]]
Address = Callable[[str], str]
SILENT: Mapping[str, Any] = {
    "verified": 0, "reported": 0, "disputed": 0, "refuted": 0, "retracted": 0, "uncertain_date": 0, "list": None,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A source with its own word on what is counted. `alone`: how many no other independent source verified, None of a
    source whose verifications are not independent."""

    source: Mapping[str, Any]
    said: Mapping[str, Any]
    alone: int | None
    page: str | None
    page_alone: str | None

    @property
    def statements(self) -> int:
        return declared(self.said)


@dataclass(frozen=True)
class Together:
    """What a source and another both verified. `days`: of how many of these they say the same day, in words."""

    other: str
    both: int
    only_this: int
    only_other: int
    days: str
    page: str | None


def rows_of(count: Mapping[str, Any], overlap: Mapping[str, Any], sources: Sources, behind: Address) -> list[Row]:
    """Every source, by how many it verified, how many it speaks of, and its name. `count`: by source."""
    said = {group["source"]: group for group in count["groups"]}
    overlaps = {source["source"]: source for source in overlap["sources"]}
    unknown = {slug: nameless(slug) for slug in said if slug not in sources}
    rows = [
        row_of(source, said.get(slug, SILENT), overlaps.get(slug), behind)
        for slug, source in {**sources, **unknown}.items()
    ]
    return sorted(rows, key=lambda row: (-row.said["verified"], -row.statements, row.source["name"].casefold()))


def nameless(slug: str) -> Mapping[str, Any]:
    """What is shown of a source beyond the longest page of their list."""
    return {
        "slug": slug, "name": slug, "kind": "other", "country": None, "independent": True, "quarantined": False,
        "definition": None,
    }  # fmt: skip


def row_of(
    source: Mapping[str, Any], said: Mapping[str, Any], overlap: Mapping[str, Any] | None, behind: Address
) -> Row:
    return Row(
        source=source,
        said=said,
        alone=None if overlap is None else overlap["only_this_source"],
        page=_page(said["list"], behind),
        page_alone=_page(None if overlap is None else overlap["only_list"], behind),
    )


def together_of(
    overlap: Mapping[str, Any], slug: str, name_of: Callable[[str], str], words: Catalogue, behind: Address
) -> list[Together]:
    """The pairs that a source is in, those that share most first."""
    found = []
    for pair in overlap["pairs"]:
        if slug in (pair["a"], pair["b"]):
            is_first = pair["a"] == slug
            found.append(
                Together(
                    other=pair["b"] if is_first else pair["a"],
                    both=pair["both"],
                    only_this=pair["only_a"] if is_first else pair["only_b"],
                    only_other=pair["only_b"] if is_first else pair["only_a"],
                    days=agreed(pair["dates"], words),
                    page=_page(pair["list"], behind),
                )
            )
    return sorted(found, key=lambda pair: (-pair.both, name_of(pair.other).casefold()))


def agreed(dates: Mapping[str, int], words: Catalogue) -> str:
    """Of how many releases two sources say the same day, and of how many they do not."""
    _ = words.gettext
    told = {
        "same": _("%(num)s the same"),
        "compatible": _("%(num)s one finer than the other"),
        "different": _("%(num)s another"),
        "unsaid": _("%(num)s not said by both"),
    }
    parts = [sentence % {"num": words.number(dates[name])} for name, sentence in told.items() if dates[name]]
    return ", ".join(parts) or _("none")


def _page(address: str | None, behind: Address) -> str | None:
    return None if address is None else behind(address)


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
