"""Build the zoom: two days around the contested figure by the hour, with their chart and paragraphs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from app.moments import format_revision
from app.web.charts import hours
from app.web.charts.hours import NARROW, WIDE, HourlyClaim, HourlyPublishedValue, HoursChart, Line
from app.web.charts.text import compute_day_number
from app.web.claims.text import spell_number
from app.web.figure import Figure, render_drawing
from app.web.home.data import (
    HomeData,
    assign_styles,
    explain_short_names,
    fill_sentence,
    format_source_name,
    join_markup,
    link_number,
    quote_figure,
    shorten_source_name,
)
from app.web.home.statements import compute_time_span, list_own_figures, parse_stated_moment
from app.web.home.texts import get_pinned_terms
from app.web.page import Page

NAME = "hours"


@dataclass(frozen=True)
class Zoom:
    figure: Figure
    paragraphs: tuple[Markup, ...]


@dataclass(frozen=True)
class _OwnFigure:
    """A figure that a drawn source published in these days."""

    slug: str
    value: int
    local: datetime
    has_hour: bool
    span: tuple[float, float]


def build_zoom(page: Page, data: HomeData) -> Zoom | None:
    """Build the zoom; None if the days around the contested figure have too few figures."""
    if data.hourly_series is None or data.zoom_start is None:
        return None
    days = [data.zoom_start, date.fromordinal(data.zoom_start.toordinal() + 1)]
    figures = _find_own_figures(page, data, days)
    words = page.catalogue
    _ = words.gettext
    heading, chart = _format_zoom_heading(page, figures), _build_hours_chart(page, data, days, figures)
    drawings = {
        frame: render_drawing(
            "contested", words, finding=heading, prefix=f"{NAME}-{frame.id_prefix}",
            canvas=hours.draw_hours_chart(chart, frame, f"{NAME}-{frame.id_prefix}"),
        )
        for frame in (WIDE, NARROW)
    }  # fmt: skip
    terms = {**data.question.terms, "interval": "hour", "told_from": data.zoom_start.isoformat(),
             "as_of": format_revision(data.hourly_series["at"]["revision"])}  # fmt: skip
    csv = page.address("/counts/series.csv", {**terms, "claims": "true"})
    figure = Figure(
        name=NAME,
        heading=heading,
        finding=heading,
        wide=drawings[WIDE],
        narrow=drawings[NARROW],
        caption=_("Lines: what each organisation had verified, at each hour. Dots: the figure that it published; as "
                  "wide as the day where it gave no hour. Hatched: what an authority said, as wide as the day too "
                  "where it gave none."),
        short_names=explain_short_names(page, data),
        columns=[_("Who"), _("When"), _("The figure")],
        rows=_build_zoom_rows(page, data, figures, days),
        terms=data.question.terms,
        files=[(_("Every point (CSV)"), f"/v1{csv.removeprefix('/' + page.language)}")],
    )  # fmt: skip
    return Zoom(figure, tuple(_build_zoom_paragraphs(page, data, figures, days)))


def _find_own_figures(page: Page, data: HomeData, days: Sequence[date]) -> list[_OwnFigure]:
    found_figures = []
    for group in data.drawn_groups:
        for claim in list_own_figures(data.series["claims"], group["by"]["source"], data.question.released_from):
            local = parse_stated_moment(claim, page.zone)
            if local.date() in days:
                has_hour = "T" in str(claim["stated_at"])
                value = int(str(claim["low"]))
                found_figures.append(
                    _OwnFigure(group["by"]["source"], value, local, has_hour, compute_time_span(claim, local))
                )
    return sorted(found_figures, key=lambda own_figure: own_figure.local)


def _format_zoom_heading(page: Page, figures: Sequence[_OwnFigure]) -> str:
    words = page.catalogue
    sources = {own_figure.slug for own_figure in figures}
    values = {"figures": spell_number(len(figures), words), "sources": spell_number(len(sources), words)}
    if len(sources) == 1:
        values["sources"] = page.get_source_name(figures[0].slug)
        return words.gettext("In two days, %(figures)s figures of %(sources)s. Each holds at its hour") % values
    return (
        words.gettext("In two days, %(figures)s figures of %(sources)s organisations. Each holds at its hour") % values
    )


def _build_hours_chart(page: Page, data: HomeData, days: Sequence[date], figures: Sequence[_OwnFigure]) -> HoursChart:
    words, looks = page.catalogue, assign_styles(data)
    _ = words.gettext
    claims = []
    for statement in data.statements:
        if date.fromisoformat(statement.day) in days:
            start = statement.moment if statement.has_hour else float(date.fromisoformat(statement.day).toordinal())
            claimant = page.get_source_name(statement.claim["claimant"])
            figure = quote_figure(statement.claim, words)
            claims.append(
                HourlyClaim(
                    value=statement.size, number=figure,
                    claimant=claimant,
                    off_scale_note=_("off the scale"), start=start, end=start if statement.has_hour else start + 1,
                    address=page.address(f"/claims/{statement.id}", get_pinned_terms(page)),
                    link_name=_("%(figure)s, %(who)s, %(day)s: see the claim")
                    % {"figure": figure, "who": claimant, "day": words.short_day(statement.day)},
                )
            )  # fmt: skip
    return HoursChart(
        first=float(days[0].toordinal()),
        days=tuple(words.short_day(day.isoformat()) for day in days),
        format_hour=lambda hour: f"{hour} h",
        format_number=words.number,
        lines=tuple(
            Line(looks[group["by"]["source"]], page.get_source_name(group["by"]["source"]),
                  shorten_source_name(group["by"]["source"], page.get_source_name(group["by"]["source"])),
                  _build_hourly_steps(data.hourly_series or {}, group["by"]["source"], page))
            for group in data.drawn_groups
        ),
        published_values=tuple(
            HourlyPublishedValue(looks[own_figure.slug], own_figure.value, words.number(own_figure.value),
                 words.hour(own_figure.local.isoformat(), page.zone) if own_figure.has_hour
                 else _("that day, without an hour"),
                 *own_figure.span)
            for own_figure in figures
        ),
        claims=tuple(claims),
    )  # fmt: skip


def _build_hourly_steps(series: Mapping[str, Any], slug: str, page: Page) -> tuple[tuple[float, int], ...]:
    """Return every change, at the end of its hour."""
    points: Sequence[Mapping[str, Any]] = next(
        (line["points"] for line in series["series"] if line["source"] == slug), []
    )
    if not points:  # the source had verified nothing yet
        points = [{**point, "verified": 0} for point in series["points"]]
    steps: list[tuple[float, int]] = []
    for point in points:
        if not steps or point["verified"] != steps[-1][1]:
            moment = compute_day_number(datetime.fromisoformat(point["on"]).astimezone(page.zone))
            steps.append((moment, point["verified"]))
    return tuple(steps)


def _build_zoom_rows(
    page: Page, data: HomeData, figures: Sequence[_OwnFigure], days: Sequence[date]
) -> list[list[Markup | str]]:
    words = page.catalogue
    rows: list[tuple[float, list[Markup | str]]] = [
        (
            own_figure.span[1],
            [
                format_source_name(page, own_figure.slug),
                _format_own_moment(page, own_figure),
                words.number(own_figure.value),
            ],
        )
        for own_figure in figures
    ]
    for statement in data.statements:
        if date.fromisoformat(statement.day) in days:
            figure = quote_figure(statement.claim, words)
            name = words.gettext("%(figure)s: see the claim") % {"figure": figure}
            link = link_number(figure, page.address(f"/claims/{statement.id}", get_pinned_terms(page)), name)
            stated_text = words.statement_date(statement.claim["stated_at"], page.zone)
            rows.append(
                (
                    statement.moment + 0.5 * (not statement.has_hour),
                    [format_source_name(page, statement.claim["claimant"]), stated_text, link],
                )
            )
    return [row for _moment, row in sorted(rows, key=lambda row: row[0])]


def _format_own_moment(page: Page, own_figure: _OwnFigure) -> str:
    words = page.catalogue
    if own_figure.has_hour:
        return words.moment(own_figure.local.isoformat(), page.zone)
    return words.day(own_figure.local.date().isoformat())


def _build_zoom_paragraphs(
    page: Page, data: HomeData, figures: Sequence[_OwnFigure], days: Sequence[date]
) -> list[Markup]:
    words = page.catalogue
    _ = words.gettext
    parts: list[Markup] = [Markup.escape(_("A figure holds at the hour at which it was said."))]
    by_slug = {
        slug: [own_figure for own_figure in figures if own_figure.slug == slug]
        for slug in dict.fromkeys(own_figure.slug for own_figure in figures)
    }
    slug = max(by_slug, key=lambda slug: len(by_slug[slug]))
    if len({own_figure.value for own_figure in by_slug[slug]}) > 1:
        number = spell_number(len(by_slug[slug]), words)
        values = {
            "who": format_source_name(page, slug),
            "figures": _format_figures_in_order(page, by_slug[slug]),
            "number": number,
        }
        sentence = _(
            "%(who)s published %(figures)s: not %(number)s versions, but %(number)s hours. Beside a figure without an "
            "hour, any of the %(number)s can look like an error."
        )
        parts.append(fill_sentence(sentence, values))
    figures_without_hour: dict[str, list[str]] = {}
    for statement in data.statements:
        if date.fromisoformat(statement.day) in days and not statement.has_hour:
            figures_without_hour.setdefault(statement.claim["claimant"], []).append(
                quote_figure(statement.claim, words)
            )
    paragraphs = [Markup(" ").join(parts)]
    if figures_without_hour:
        names = [
            Markup("{} ({})").format(format_source_name(page, slug), words.listed(figure_texts))
            for slug, figure_texts in figures_without_hour.items()
        ]
        sentence = words.ngettext(
            "%(names)s gave no hour: that is why each figure is a bar here as wide as a day.",
            "%(names)s gave no hour: that is why each figure is a bar here as wide as a day.",
            len(figures_without_hour),
        )
        paragraphs.append(fill_sentence(sentence, {"names": join_markup(names, words)}))
    return paragraphs


def _format_figures_in_order(page: Page, figures: Sequence[_OwnFigure]) -> str:
    """List a source's figures in order, each day named once."""
    words = page.catalogue
    _ = words.gettext
    parts, day = [], None
    for own_figure in figures:
        values = {"number": words.number(own_figure.value), "hour": words.hour(own_figure.local.isoformat(), page.zone),
                  "day": words.short_day(own_figure.local.date().isoformat())}  # fmt: skip
        if not own_figure.has_hour:
            parts.append(_("%(number)s on %(day)s, without an hour") % values)
        elif own_figure.local.date() != day:
            parts.append(_("%(number)s on %(day)s at %(hour)s") % values)
        else:
            parts.append(_("%(number)s at %(hour)s") % values)
        day = own_figure.local.date()
    return words.listed(parts)
