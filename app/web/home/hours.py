"""The days around a contested figure by the hour: which they are, what they show, and what is said beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from app.web.charts import hours
from app.web.charts.hours import NARROW, WIDE, Claim, Hours, Line, Published
from app.web.charts.text import day_number
from app.web.claims.words import in_words
from app.web.figure import Figure, drawing
from app.web.home.contest import pinned
from app.web.home.data import Gathered, filled, linked, listed, named, quoted, short_name, short_names, styles
from app.web.home.statements import own_figures, placed, when_of
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


def zoom_of(page: Page, gathered: Gathered) -> Zoom | None:
    """The zoom, where the days around the contested figure have enough figures for one."""
    if gathered.by_hour is None or gathered.zoomed is None:
        return None
    days = [gathered.zoomed, date.fromordinal(gathered.zoomed.toordinal() + 1)]
    figures = _figures(page, gathered, days)
    words = page.catalogue
    _ = words.gettext
    heading, shown = _heading(page, figures), _hours(page, gathered, days, figures)
    drawings = {
        frame: drawing(
            "contested", words, finding=heading, prefix=f"{NAME}-{frame.prefix}",
            canvas=hours.draw(shown, frame, f"{NAME}-{frame.prefix}"),
        )
        for frame in (WIDE, NARROW)
    }  # fmt: skip
    terms = {**gathered.question.terms, "interval": "hour", "told_from": gathered.zoomed.isoformat(),
             "as_of": gathered.by_hour["revision"]}  # fmt: skip
    csv = page.address("/counts/series", {**terms, "claims": "true", "format": "csv"})
    figure = Figure(
        name=NAME,
        heading=heading,
        finding=heading,
        wide=drawings[WIDE],
        narrow=drawings[NARROW],
        caption=_("Lines: what each organisation had verified, at each hour. Dots: the figure that it published; as "
                  "wide as the day where it gave no hour. Hatched: what an authority said, as wide as the day too "
                  "where it gave none."),
        short_names=short_names(page, gathered),
        columns=[_("Who"), _("When"), _("The figure")],
        rows=_rows(page, gathered, figures, days),
        terms=gathered.question.terms,
        files=[(_("Every point (CSV)"), f"/v1{csv.removeprefix('/' + page.language)}")],
    )  # fmt: skip
    return Zoom(figure, tuple(_paragraphs(page, gathered, figures, days)))


def _figures(page: Page, gathered: Gathered, days: Sequence[date]) -> list[_OwnFigure]:
    told = []
    for group in gathered.lines:
        for claim in own_figures(gathered.series["claims"], group["source"], gathered.question.released_from):
            local = when_of(claim, page.zone)
            if local.date() in days:
                has_hour = "T" in str(claim["stated_at"])
                value = int(str(claim["low"]))
                told.append(_OwnFigure(group["source"], value, local, has_hour, placed(claim, local)))
    return sorted(told, key=lambda own: own.local)


def _heading(page: Page, figures: Sequence[_OwnFigure]) -> str:
    words = page.catalogue
    sources = {own.slug for own in figures}
    values = {"figures": in_words(len(figures), words), "sources": in_words(len(sources), words)}
    if len(sources) == 1:
        values["sources"] = page.name_of(figures[0].slug)
        return words.gettext("In two days, %(figures)s figures of %(sources)s. Each holds at its hour") % values
    return (
        words.gettext("In two days, %(figures)s figures of %(sources)s organisations. Each holds at its hour") % values
    )


def _hours(page: Page, gathered: Gathered, days: Sequence[date], figures: Sequence[_OwnFigure]) -> Hours:
    words, looks = page.catalogue, styles(gathered)
    _ = words.gettext
    claims = []
    for statement in gathered.told:
        if date.fromisoformat(statement.day) in days:
            begins = statement.moment if statement.has_hour else float(date.fromisoformat(statement.day).toordinal())
            who = page.name_of(statement.claim["claimant"])
            figure = quoted(statement.claim, words)
            claims.append(
                Claim(
                    value=statement.size, number=figure,
                    who=who,
                    beyond=_("off the scale"), begins=begins, ends=begins if statement.has_hour else begins + 1,
                    address=page.address(f"/claims/{statement.id}", pinned(page)),
                    link=_("%(figure)s, %(who)s, %(day)s: see the claim")
                    % {"figure": figure, "who": who, "day": words.short_day(statement.day)},
                )
            )  # fmt: skip
    return Hours(
        first=float(days[0].toordinal()),
        days=tuple(words.short_day(day.isoformat()) for day in days),
        hour=lambda hour: f"{hour} h",
        told=words.number,
        lines=tuple(
            Line(looks[group["source"]], page.name_of(group["source"]),
                  short_name(group["source"], page.name_of(group["source"])),
                  _steps(gathered.by_hour or {}, group["source"], page))
            for group in gathered.lines
        ),
        published=tuple(
            Published(looks[own.slug], own.value, words.number(own.value),
                 words.hour(own.local.isoformat(), page.zone) if own.has_hour else _("that day, without an hour"),
                 *own.span)
            for own in figures
        ),
        claims=tuple(claims),
    )  # fmt: skip


def _steps(series: Mapping[str, Any], slug: str, page: Page) -> tuple[tuple[float, int], ...]:
    """Every change at the hour by the end of which it was known."""
    points: Sequence[Mapping[str, Any]] = next(
        (line["points"] for line in series["series"] if line["source"] == slug), []
    )
    if not points:  # of a source that had verified nothing yet
        points = [{**point, "verified": 0} for point in series["points"]]
    steps: list[tuple[float, int]] = []
    for point in points:
        if not steps or point["verified"] != steps[-1][1]:
            moment = day_number(datetime.fromisoformat(point["on"]).astimezone(page.zone))
            steps.append((moment, point["verified"]))
    return tuple(steps)


def _rows(
    page: Page, gathered: Gathered, figures: Sequence[_OwnFigure], days: Sequence[date]
) -> list[list[Markup | str]]:
    words = page.catalogue
    rows: list[tuple[float, list[Markup | str]]] = [
        (own.span[1], [named(page, own.slug), _when(page, own), words.number(own.value)]) for own in figures
    ]
    for statement in gathered.told:
        if date.fromisoformat(statement.day) in days:
            figure = quoted(statement.claim, words)
            name = words.gettext("%(figure)s: see the claim") % {"figure": figure}
            link = linked(figure, page.address(f"/claims/{statement.id}", pinned(page)), name)
            said = words.said_at(statement.claim["stated_at"], page.zone)
            rows.append(
                (
                    statement.moment + 0.5 * (not statement.has_hour),
                    [named(page, statement.claim["claimant"]), said, link],
                )
            )
    return [row for _moment, row in sorted(rows, key=lambda row: row[0])]


def _when(page: Page, own: _OwnFigure) -> str:
    words = page.catalogue
    if own.has_hour:
        return words.moment(own.local.isoformat(), page.zone)
    return words.day(own.local.date().isoformat())


def _paragraphs(page: Page, gathered: Gathered, figures: Sequence[_OwnFigure], days: Sequence[date]) -> list[Markup]:
    words = page.catalogue
    _ = words.gettext
    parts: list[Markup] = [Markup.escape(_("A figure holds at the hour at which it was said."))]
    by_slug = {
        slug: [own for own in figures if own.slug == slug] for slug in dict.fromkeys(own.slug for own in figures)
    }
    slug = max(by_slug, key=lambda slug: len(by_slug[slug]))
    if len({own.value for own in by_slug[slug]}) > 1:
        number = in_words(len(by_slug[slug]), words)
        values = {"who": named(page, slug), "figures": _in_turn(page, by_slug[slug]), "number": number}
        sentence = _(
            "%(who)s published %(figures)s: not %(number)s versions, but %(number)s hours. Beside a figure without an "
            "hour, any of the %(number)s can look like an error."
        )
        parts.append(filled(sentence, values))
    silent: dict[str, list[str]] = {}
    for statement in gathered.told:
        if date.fromisoformat(statement.day) in days and not statement.has_hour:
            silent.setdefault(statement.claim["claimant"], []).append(quoted(statement.claim, words))
    paragraphs = [Markup(" ").join(parts)]
    if silent:
        names = [Markup("{} ({})").format(named(page, slug), words.listed(told)) for slug, told in silent.items()]
        sentence = words.ngettext(
            "%(names)s gave no hour: that is why each figure is a bar here as wide as a day.",
            "%(names)s gave no hour: that is why each figure is a bar here as wide as a day.",
            len(silent),
        )
        paragraphs.append(filled(sentence, {"names": listed(names, words)}))
    return paragraphs


def _in_turn(page: Page, figures: Sequence[_OwnFigure]) -> str:
    """A source's figures one after the other, each day named once."""
    words = page.catalogue
    _ = words.gettext
    told, day = [], None
    for own in figures:
        values = {"number": words.number(own.value), "hour": words.hour(own.local.isoformat(), page.zone),
                  "day": words.short_day(own.local.date().isoformat())}  # fmt: skip
        if not own.has_hour:
            told.append(_("%(number)s on %(day)s, without an hour") % values)
        elif own.local.date() != day:
            told.append(_("%(number)s on %(day)s at %(hour)s") % values)
        else:
            told.append(_("%(number)s at %(hour)s") % values)
        day = own.local.date()
    return words.listed(told)
