"""Since when each figure of the contested series counts, as lanes beneath it.

The contested series as a figure: from what the API answered to lines, bars, lanes, a caption and a table."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from markupsafe import Markup

from app.vocabulary import Qualifier
from app.web.charts import contested
from app.web.charts.marks import NARROW, WIDE, Bar, Contest, Frame, Gap, Lane, Line, Reference
from app.web.charts.text import day_ticks
from app.web.claims.words import since_when
from app.web.figure import Figure, drawing
from app.web.home.contest import pinned, remainder, unverified
from app.web.home.data import (
    NO_BREAK,
    Gathered,
    beginnings,
    filled,
    linked,
    named,
    numbers,
    of_line,
    page_of,
    quoted,
    short_name,
    short_names,
    styles,
    verified_beside,
)
from app.web.home.statements import Statement, ranked
from app.web.page import Page

MOMENT = attrgetter("moment")


def has_earlier(gathered: Gathered) -> bool:
    """Whether a figure began to count before the series does."""
    points = gathered.series["points"]
    return bool(points) and any(
        _begin(each) < _begin(points[0]["on"]) for statement in gathered.told for each in statement.beginnings
    )


def lanes_of(
    page: Page, gathered: Gathered, shown: Sequence[Statement], first: float, *, narrow: bool
) -> tuple[Lane, ...]:  # fmt: skip
    """The window of the sources, then each figure in the order of its hour; on a phone those that count alike share
    a lane."""
    words = page.catalogue
    _ = words.gettext
    if not shown:
        return ()
    ours = gathered.question.released_from
    text = since_when(words, ours) if ours else _("without a beginning")
    sentence = _("the organisations, %(since)s") % {"since": text}
    told = [Lane("", sentence if narrow else _("the organisations"), (_begin(ours) if ours else first,), None, False)]
    groups: dict[Any, list[Statement]] = {}
    for statement in sorted(shown, key=MOMENT):
        groups.setdefault(statement.beginnings if narrow else statement.id, []).append(statement)
    for group in groups.values():
        figures = words.listed([quoted(statement.claim, words) for statement in group])
        begins = tuple(_begin(each) for each in group[0].beginnings)
        told.append(Lane(figures, ": " + beginnings(group[0], words, short=narrow), begins, group[-1].moment))
    return tuple(told)


def _begin(text: str) -> float:
    """The first day of a date as coarse as it was said."""
    year, month, day = (*(int(part) for part in text.split("-")), 1, 1)[:3]
    return float(date(year, month, day).toordinal())


MARGIN = 0.045  # of the axis after the last change and the last claim
LEAST_DAYS = 3.0  # an axis of less would be hours
LONG = 400.0  # days: ticks of a longer axis are months, with their years
TICKS = {WIDE: 9, NARROW: 6}
NAME = "contested"

Steps = tuple[tuple[float, int], ...]


def contested_figure_of(page: Page, gathered: Gathered) -> Figure:
    """The figure of what was gathered."""
    words = page.catalogue
    _ = words.gettext
    shown = ranked(gathered.told, gathered.contested, gathered.last)
    bars = tuple(_bar(page, gathered, statement) for statement in shown)
    finding, mains = _finding(page, gathered), [slug for slug, style in styles(gathered).items() if style == 1]
    drawings = {
        frame: drawing(
            NAME, words, finding=finding, prefix=f"{NAME}-{frame.prefix}",
            canvas=contested.draw(_contest(page, gathered, shown, bars, frame), frame, f"{NAME}-{frame.prefix}"),
        )
        for frame in (WIDE, NARROW)
    }  # fmt: skip
    terms = gathered.question.terms
    pinned = {**terms, "as_of": gathered.now["revision"]}
    csv = page.address("/counts/series", {**pinned, "interval": gathered.series["terms"]["interval"], "claims": "true",
                                          "format": "csv"})  # fmt: skip
    return Figure(
        name=NAME,
        heading=_("Releases of political prisoners: what the government said, and what each organisation verified")
        if gathered.told
        else _("Releases of political prisoners, as each organisation verified them"),
        finding=finding,
        wide=drawings[WIDE],
        narrow=drawings[NARROW],
        caption=_caption(page, gathered),
        short_names=short_names(page, gathered),
        columns=[
            _("Who, and when"),
            _("Counts since"),
            _("What it said"),
            _("Verified by at least one, on its own window"),
            *(page.name_of(slug) for slug in mains),
        ],
        rows=[_row(page, gathered, statement, mains) for statement in sorted(gathered.told, key=MOMENT)],
        terms=terms,
        files=[(_("Every point (CSV)"), f"/v1{csv.removeprefix('/' + page.language)}")],
    )  # fmt: skip


def _contest(
    page: Page, gathered: Gathered, shown: Sequence[Statement], bars: tuple[Bar, ...], frame: Frame
) -> Contest:  # fmt: skip
    words, series, looks = page.catalogue, gathered.series, styles(gathered)
    _, moments = words.gettext, _moments(series["points"])
    lines = tuple(_line(page, gathered, group, looks[group["source"]], moments) for group in gathered.lines)
    first = float(int(moments[0])) if moments else 0.0
    last = _last(lines, shown[: frame.most_bars], first, moments)
    at_least_one = [point["verified"] + point["contested"] for point in series["points"]]
    at_least_three = [point["releases"] for point in gathered.by_three["points"]]
    band = _band(moments, at_least_three, at_least_one, last) if gathered.lines and any(at_least_one) else ()
    return Contest(
        first=first,
        last=last,
        ticks=tuple(
            (float(day.toordinal()), words.short_day(day.isoformat()) if last - first < LONG
             else words.day(day.isoformat()[:7]))
            for day in day_ticks(first, last, TICKS[frame])
        ),
        unit=_("releases"),
        lines=lines,
        band=band,
        band_words=_("grey band: from %(low)s (three sources) to %(high)s (at least one)")
        % {"low": words.number(band[-1][1]), "high": words.number(band[-1][2])}
        if band
        else "",
        published=tuple(
            figure for group in gathered.lines
            for figure in of_line(gathered, group["source"], looks[group["source"]], page.zone, words)
            if first <= figure.begins <= last
        ),
        bars=bars,
        gap=_gap(page, gathered),
        reference=_reference(page, gathered, first, last),
        event=_announcement(page, gathered, first, last),
        lanes_heading=_("Since when each figure counts"),
        lanes=lambda ids: lanes_of(page, gathered, [each for each in shown if each.id in ids], first,
                                 narrow=frame is NARROW),
        told=words.number,
    )  # fmt: skip


def _moments(points: Sequence[Mapping[str, Any]]) -> list[float]:
    """When each point's change is drawn: in the middle of its interval, as a claim without an hour is."""
    ends = [date.fromisoformat(point["on"]).toordinal() + 1.0 for point in points]
    starts = [ends[0] - 1.0, *ends[:-1]] if ends else []
    return [(start + end) / 2 for start, end in zip(starts, ends, strict=True)]


def _steps(moments: Sequence[float], values: Sequence[int]) -> Steps:
    """From nothing at the beginning of the first day, every change once."""
    steps = [(float(int(moments[0])), 0)] if moments else []
    for moment, value in zip(moments, values, strict=True):
        if value != steps[-1][1]:
            steps.append((moment, value))
    return tuple(steps)


def _line(page: Page, gathered: Gathered, group: Mapping[str, Any], style: int, moments: Sequence[float]) -> Line:
    words, slug = page.catalogue, group["source"]
    points = next(line["points"] for line in gathered.series["series"] if line["source"] == slug)
    number, name = words.number(group["verified"]), page.name_of(slug)
    return Line(
        style=style,
        name=name,
        short=short_name(slug, name),
        steps=_steps(moments, [point["verified"] for point in points]),
        number=number,
        address=page_of(page, group["list"]),
        link=words.gettext("%(number)s, %(source)s: see the list") % {"number": number, "source": name},
    )


def _last(lines: Sequence[Line], shown: Sequence[Statement], first: float, moments: Sequence[float]) -> float:
    """Where the axis ends: a little after the last change and the last claim, and not after what is known by much."""
    changes = [line.steps[-1][0] for line in lines] + [statement.moment + 0.5 for statement in shown]
    latest = max(changes, default=moments[-1] if moments else first)
    return max(latest + (latest - first) * MARGIN, first + LEAST_DAYS)


def _band(moments: Sequence[float], low: Sequence[int], high: Sequence[int], last: float) -> tuple[Any, ...]:
    steps = [(float(int(moments[0])), 0, 0)]
    for moment, least, most in zip(moments, low, high, strict=False):
        if (least, most) != steps[-1][1:] and moment <= last:
            steps.append((moment, least, most))
    return tuple(steps)


def _reference(page: Page, gathered: Gathered, first: float, last: float) -> Reference | None:
    if gathered.reference is None or gathered.claims_from is None:
        return None
    words, points = page.catalogue, gathered.reference["points"]
    steps = _steps(_moments(points), [point["releases"] for point in points])
    before = [value for moment, value in steps if moment <= first]
    inside = ((first, before[-1] if before else 0), *(step for step in steps if first < step[0] <= last))
    number = words.number(inside[-1][1])
    _ = words.gettext
    label = _("%(number)s %(since)s") % {"number": number, "since": since_when(words, gathered.claims_from, short=True)}
    told = _("by at least one source, gross")
    verified = verified_beside(gathered.beside.get(gathered.last.id)) if gathered.last else None
    if gathered.last is not None and verified not in (None, inside[-1][1]):  # the other number stands above the chart
        values = {"verified": words.number(verified), "figure": quoted(gathered.last.claim, words)}
        told = _("by at least one source; %(verified)s counted as the %(figure)s") % values
    return Reference(inside, label, told)


def _bar(page: Page, gathered: Gathered, statement: Statement) -> Bar:
    words, claim = page.catalogue, statement.claim
    _ = words.gettext
    who, said = page.name_of(claim["claimant"]), words.short_day(statement.day).replace(" ", NO_BREAK)
    note = "" if statement.beginnings else _("does not say since when")
    replaced = _replaced(gathered, statement)
    if replaced:
        note = _("had said %(figure)s before") % {"figure": quoted(replaced, words)}
    return Bar(
        id=statement.id,
        day=statement.moment,
        low=claim["low"],
        high=claim["high"],
        is_about=claim["qualifier"] == Qualifier.ABOUT,
        verified=verified_beside(gathered.beside.get(statement.id)),
        number=quoted(claim, words),
        who=who,
        said=said,
        note=note,
        address=page.address(f"/claims/{statement.id}", pinned(page)),
        link=_("%(figure)s, %(who)s, %(day)s: see the claim")
        % {"figure": quoted(claim, words), "who": who, "day": said},
    )


def _replaced(gathered: Gathered, statement: Statement) -> Mapping[str, Any] | None:
    """The claim that a statement took the place of, where its figure was another."""
    by_id = {claim["id"]: claim for claim in gathered.claims}
    before = [by_id[each] for each in by_id.get(statement.id, {}).get("supersedes", ()) if each in by_id]
    figure = statement.claim["low"], statement.claim["high"]
    return next((claim for claim in before if (claim["low"], claim["high"]) != figure), None)


def _gap(page: Page, gathered: Gathered) -> Gap | None:
    beside = gathered.beside.get(gathered.last.id) if gathered.last else None
    if gathered.last is None or beside is None:
        return None
    number, is_least = unverified(beside)
    if number is None or number <= 0:
        return None
    words = page.catalogue
    _ = words.gettext
    text = words.number(number)
    return Gap(
        bar=gathered.last.id,
        number=_("at least %(low)s") % {"low": text} if is_least else text,
        words=_("that no independent source had verified"),
        hatch=_("Hatched: what nobody had verified of that same count"),
        address=page.address(f"/claims/{gathered.last.id}", pinned(page)),
        link=remainder(number, page),
    )


def _announcement(page: Page, gathered: Gathered, first: float, last: float) -> tuple[float, str] | None:
    """The first day on which an authority spoke of releases without a number."""
    words = page.catalogue
    for claim in sorted(gathered.claims, key=lambda claim: claim["stated_at"] or ""):
        if claim["qualifier"] == Qualifier.UNQUANTIFIED and claim["country"] == gathered.question.country:
            day = (claim["stated_at"] or "")[:10]
            if len(day) == len("2026-01-08") and first <= date.fromisoformat(day).toordinal() <= last:
                text = words.gettext("%(day)s: announced, no number") % {"day": words.short_day(day)}
                return float(date.fromisoformat(day).toordinal()), text
    return None


def _finding(page: Page, gathered: Gathered) -> str:
    words = page.catalogue
    _ = words.gettext
    if not gathered.lines:
        return _("No independent source has verified a release here.")
    values = {
        "names": words.listed([page.name_of(group["source"]) for group in gathered.lines]),
        "numbers": numbers((group["verified"] for group in gathered.lines), words),
        "since": since_when(words, gathered.question.released_from) if gathered.question.released_from else "",
    }
    verified = (_("%(names)s verified %(numbers)s %(since)s") % values).strip()
    if gathered.last is None:
        return verified + "."
    values = {
        "figure": quoted(gathered.last.claim, words),
        "since": since_when(words, gathered.last.claim["window_from"]),
        "who": page.name_of(gathered.last.claim["claimant"]),
    }
    return f"{verified}; " + _("%(who)s said %(figure)s, counted %(since)s.") % values


def _caption(page: Page, gathered: Gathered) -> Markup:
    """How to read it; what each mark is."""
    _ = page.catalogue.gettext
    lines = _(
        "<b>Lines:</b> what each organisation had verified by the end of each day; a change stands in the middle of "
        "its day, and after the last day that is drawn nothing changed. <b>Dots:</b> the figure that it published; as "
        "wide as the day where it gave no hour."
    )
    parts = [filled(lines, {})]
    if gathered.lines:
        parts.append(filled(_("<b>Grey band:</b> from what three sources verified to what at least one did."), {}))
    if gathered.told:
        bars = _(
            "<b>Bars:</b> what an authority said, on the day it said it; open where it said “more than”, dashed where "
            "it cannot be compared. <b>Hatched:</b> what nobody had verified of that same count."
        )
        parts.append(filled(bars, {}))
    if gathered.reference is not None and gathered.claims_from is not None:
        dotted = _("<b>Dotted line:</b> verified by at least one source %(since)s, gross.")
        parts.append(filled(dotted, {"since": since_when(page.catalogue, gathered.claims_from)}))
        parts += _on_the_last_terms(page, gathered)
    if has_earlier(gathered):
        lanes = _(
            "<b>Since when:</b> what began before the chart stands at its edge, in its order and without a scale."
        )
        parts.append(filled(lanes, {}))
    return Markup(" ").join(parts)


def _on_the_last_terms(page: Page, gathered: Gathered) -> list[Markup]:
    """How many it was on the terms of the last comparable claim, which may be net, or of another hour."""
    verified = verified_beside(gathered.beside.get(gathered.last.id)) if gathered.last else None
    if gathered.last is None or verified is None:
        return []
    words = page.catalogue
    given = {
        "figure": quoted(gathered.last.claim, words), "day": words.short_day(gathered.last.day),
        "verified": words.number(verified),
    }  # fmt: skip
    return [filled(words.gettext("Counted as the %(figure)s of %(day)s, they were %(verified)s that day."), given)]


def _row(page: Page, gathered: Gathered, statement: Statement, mains: Sequence[str]) -> list[Markup | str]:
    words = page.catalogue
    _ = words.gettext
    claim, beside = statement.claim, gathered.beside.get(statement.id)
    figure = quoted(claim, words)
    address = page.address(f"/claims/{statement.id}", pinned(page))
    said = Markup("{}, {}").format(named(page, claim["claimant"]), words.said_at(claim["stated_at"], page.zone))
    cells: list[Markup | str] = [
        said,
        beginnings(statement, words),
        linked(figure, address, _("%(figure)s: see the claim") % {"figure": figure}),
    ]
    verified = verified_beside(beside)
    if beside is None or verified is None:
        cells.append(_("not comparable") if beside is not None or not statement.beginnings else _("see the claim"))
        return [*cells, *("" for _slug in mains)]
    count = page_of(page, beside["then"].get("permalink"))
    text = words.number(verified)
    cells.append(linked(text, count, _("%(number)s verified: see the count") % {"number": text}))
    return [*cells, *(words.number(beside["then"]["by_source"].get(slug, 0)) for slug in mains)]
