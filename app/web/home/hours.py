"""The days around a contested figure by the hour: which they are, what they show, and what is said beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from app.web.charts import hours
from app.web.charts.hours import NARROW, WIDE, Claim, Hours, Line, Published
from app.web.charts.time_axis import day_number
from app.web.figure import Figure, drawing
from app.web.home.contest import kept
from app.web.home.gathered import Gathered
from app.web.home.own_figures import own_figures, placed, when_of
from app.web.home.published import styles
from app.web.home.telling import filled, in_words, linked, listed, named, quoted, short_name, short_names
from app.web.page import Page

NAME = "hours"


@dataclass(frozen=True)
class Zoom:
    figure: Figure
    paragraphs: tuple[Markup, ...]


@dataclass(frozen=True)
class _Figure:
    """A figure that a drawn source published in these days."""

    slug: str
    value: int
    local: datetime
    has_hour: bool
    span: tuple[float, float]


def zoom_of(page: Page, found: Gathered) -> Zoom | None:
    """The zoom, where the days around the contested figure have enough figures for one."""
    if found.by_hour is None or found.zoomed is None:
        return None
    days = [found.zoomed, date.fromordinal(found.zoomed.toordinal() + 1)]
    figures = _figures(page, found, days)
    words = page.catalogue
    _ = words.gettext
    heading, shown = _heading(page, figures), _hours(page, found, days, figures)
    drawings = {
        frame: drawing(
            "contested", words, finding=heading, prefix=f"{NAME}-{frame.prefix}",
            canvas=hours.draw(shown, frame, f"{NAME}-{frame.prefix}"),
        )
        for frame in (WIDE, NARROW)
    }  # fmt: skip
    terms = {**found.question.terms, "interval": "hour", "told_from": found.zoomed.isoformat(),
             "as_of": found.by_hour["revision"]}  # fmt: skip
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
        short_names=short_names(page, found),
        columns=[_("Who"), _("When"), _("The figure")],
        rows=_rows(page, found, figures, days),
        terms=found.question.terms,
        files=[(_("Every point (CSV)"), f"/v1{csv.removeprefix('/' + page.language)}")],
    )  # fmt: skip
    return Zoom(figure, tuple(_paragraphs(page, found, figures, days)))


def _figures(page: Page, found: Gathered, days: Sequence[date]) -> list[_Figure]:
    told = []
    for group in found.lines:
        for claim in own_figures(found.series["claims"], group["source"], found.question.released_from):
            local = when_of(claim, page.zone)
            if local.date() in days:
                has_hour = "T" in str(claim["stated_at"])
                value = int(str(claim["low"]))
                told.append(_Figure(group["source"], value, local, has_hour, placed(claim, local)))
    return sorted(told, key=lambda one: one.local)


def _heading(page: Page, figures: Sequence[_Figure]) -> str:
    words = page.catalogue
    sources = {one.slug for one in figures}
    values = {"figures": in_words(len(figures), words), "sources": in_words(len(sources), words)}
    if len(sources) == 1:
        values["sources"] = page.name_of(figures[0].slug)
        return words.gettext("In two days, %(figures)s figures of %(sources)s. Each holds at its hour") % values
    return (
        words.gettext("In two days, %(figures)s figures of %(sources)s organisations. Each holds at its hour") % values
    )


def _hours(page: Page, found: Gathered, days: Sequence[date], figures: Sequence[_Figure]) -> Hours:
    words, looks = page.catalogue, styles(found)
    _ = words.gettext
    claims = []
    for one in found.told:
        if date.fromisoformat(one.day) in days:
            begins = one.moment if one.has_hour else float(date.fromisoformat(one.day).toordinal())
            who = page.name_of(one.claim["claimant"])
            figure = quoted(one.claim, words)
            claims.append(
                Claim(
                    value=one.size, number=figure,
                    who=who,
                    beyond=_("off the scale"), begins=begins, ends=begins if one.has_hour else begins + 1,
                    address=page.address(f"/claims/{one.id}", kept(page)),
                    link=_("%(figure)s, %(who)s, %(day)s: see the claim")
                    % {"figure": figure, "who": who, "day": words.short_day(one.day)},
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
                  _steps(found.by_hour or {}, group["source"], page))
            for group in found.lines
        ),
        published=tuple(
            Published(looks[one.slug], one.value, words.number(one.value),
                 words.hour(one.local.isoformat(), page.zone) if one.has_hour else _("that day, without an hour"),
                 *one.span)
            for one in figures
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


def _rows(page: Page, found: Gathered, figures: Sequence[_Figure], days: Sequence[date]) -> list[list[Markup | str]]:
    words = page.catalogue
    rows: list[tuple[float, list[Markup | str]]] = [
        (one.span[1], [named(page, one.slug), _when(page, one), words.number(one.value)]) for one in figures
    ]
    for one in found.told:
        if date.fromisoformat(one.day) in days:
            figure = quoted(one.claim, words)
            name = words.gettext("%(figure)s: see the claim") % {"figure": figure}
            link = linked(figure, page.address(f"/claims/{one.id}", kept(page)), name)
            said = words.said_at(one.claim["stated_at"], page.zone)
            rows.append((one.moment + 0.5 * (not one.has_hour), [named(page, one.claim["claimant"]), said, link]))
    return [row for _moment, row in sorted(rows, key=lambda row: row[0])]


def _when(page: Page, one: _Figure) -> str:
    words = page.catalogue
    if one.has_hour:
        return words.moment(one.local.isoformat(), page.zone)
    return words.day(one.local.date().isoformat())


def _paragraphs(page: Page, found: Gathered, figures: Sequence[_Figure], days: Sequence[date]) -> list[Markup]:
    words = page.catalogue
    _ = words.gettext
    parts: list[Markup] = [Markup.escape(_("A figure holds at the hour at which it was said."))]
    by_slug = {
        slug: [one for one in figures if one.slug == slug] for slug in dict.fromkeys(one.slug for one in figures)
    }
    slug = max(by_slug, key=lambda slug: len(by_slug[slug]))
    if len({one.value for one in by_slug[slug]}) > 1:
        number = in_words(len(by_slug[slug]), words)
        values = {"who": named(page, slug), "figures": _in_turn(page, by_slug[slug]), "number": number}
        sentence = _(
            "%(who)s published %(figures)s: not %(number)s versions, but %(number)s hours. Beside a figure without an "
            "hour, any of the %(number)s can look like an error."
        )
        parts.append(filled(sentence, values))
    silent: dict[str, list[str]] = {}
    for one in found.told:
        if date.fromisoformat(one.day) in days and not one.has_hour:
            silent.setdefault(one.claim["claimant"], []).append(quoted(one.claim, words))
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


def _in_turn(page: Page, figures: Sequence[_Figure]) -> str:
    """A source's figures one after the other, each day named once."""
    words = page.catalogue
    _ = words.gettext
    told, day = [], None
    for one in figures:
        values = {"number": words.number(one.value), "hour": words.hour(one.local.isoformat(), page.zone),
                  "day": words.short_day(one.local.date().isoformat())}  # fmt: skip
        if not one.has_hour:
            told.append(_("%(number)s on %(day)s, without an hour") % values)
        elif one.local.date() != day:
            told.append(_("%(number)s on %(day)s at %(hour)s") % values)
        else:
            told.append(_("%(number)s at %(hour)s") % values)
        day = one.local.date()
    return words.listed(told)
