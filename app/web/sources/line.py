"""The figure of one source: what it verified as its records came in, and what it published at its hours."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from markupsafe import Markup

from app.vocabulary import Series
from app.web.asking import Terms
from app.web.catalogue import Catalogue
from app.web.charts.sentence import in_place_of_a_chart
from app.web.charts.source_line import Point, Published, drawn_until, laid_out
from app.web.charts.time_axis import day_number
from app.web.claimed import figure_of
from app.web.figure import PHONE, SEVEN, Figure, drawings
from app.web.page import Page
from app.web.series import finest
from app.web.told import narrower

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
