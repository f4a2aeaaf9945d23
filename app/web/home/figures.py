"""Build the contested series: lines, bars, window rows, caption and table from the API's answers."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from markupsafe import Markup

from app.moments import format_revision
from app.vocabulary import Qualifier
from app.web.charts import contested
from app.web.charts.marks import NARROW, WIDE, ClaimBar, ClaimsChart, Frame, Gap, Line, Reference, WindowRow
from app.web.charts.text import choose_day_ticks
from app.web.claims.text import format_since
from app.web.figure import Figure, render_drawing
from app.web.home.data import (
    NO_BREAK,
    HomeData,
    assign_styles,
    build_page_address,
    build_published_values,
    explain_short_names,
    fill_sentence,
    format_beginnings,
    format_numbers,
    format_source_name,
    get_verified_count,
    link_number,
    quote_figure,
    shorten_source_name,
)
from app.web.home.statements import Statement, rank_statements
from app.web.home.texts import compute_unverified, format_remainder_name, get_pinned_terms
from app.web.page import Page
from app.web.rendering import describe_under_review

MOMENT = attrgetter("moment")


def has_earlier_window(data: HomeData) -> bool:
    """Return whether a figure's window begins before the series."""
    points = data.series["points"]
    return bool(points) and any(
        _parse_first_day(beginning) < _parse_first_day(points[0]["on"])
        for statement in data.statements
        for beginning in statement.beginnings
    )


def build_window_rows(
    page: Page, data: HomeData, ranked_statements: Sequence[Statement], first: float, *, is_narrow: bool
) -> tuple[WindowRow, ...]:  # fmt: skip
    """Return the sources' window, then each figure's by hour. In narrow drawings, figures with equal windows share a
    row."""
    words = page.catalogue
    _ = words.gettext
    if not ranked_statements:
        return ()
    released_from = data.question.released_from
    text = format_since(words, released_from) if released_from else _("without a beginning")
    sentence = _("the organisations, %(since)s") % {"since": text}
    rows = [
        WindowRow(
            "",
            sentence if is_narrow else _("the organisations"),
            (_parse_first_day(released_from) if released_from else first,),
            None,
            False,
        )
    ]
    groups: dict[Any, list[Statement]] = {}
    for statement in sorted(ranked_statements, key=MOMENT):
        groups.setdefault(statement.beginnings if is_narrow else statement.id, []).append(statement)
    for group in groups.values():
        figures = words.listed([quote_figure(statement.claim, words) for statement in group])
        window_starts = tuple(_parse_first_day(beginning) for beginning in group[0].beginnings)
        rows.append(
            WindowRow(
                figures, ": " + format_beginnings(group[0], words, short=is_narrow), window_starts, group[-1].moment
            )
        )
    return tuple(rows)


def _parse_first_day(text: str) -> float:
    """Return the first day of a partial date."""
    year, month, day = (*(int(part) for part in text.split("-")), 1, 1)[:3]
    return float(date(year, month, day).toordinal())


MARGIN = 0.045  # share of the axis after the last change and claim
MIN_AXIS_DAYS = 3.0  # a shorter axis would need hours
MONTH_TICKS_THRESHOLD = 400.0  # days: a longer axis has ticks for months, with years
TICKS = {WIDE: 9, NARROW: 6}
NAME = "contested"

Steps = tuple[tuple[float, int], ...]


def build_contested_figure(page: Page, data: HomeData) -> Figure:
    """Build the figure of the contested series."""
    words = page.catalogue
    _ = words.gettext
    ranked_statements = rank_statements(data.statements, data.contested_statement, data.last_comparable)
    bars = tuple(_build_claim_bar(page, data, statement) for statement in ranked_statements)
    finding, mains = _format_finding(page, data), [slug for slug, style in assign_styles(data).items() if style == 1]
    drawings = {
        frame: render_drawing(
            NAME, words, finding=finding, prefix=f"{NAME}-{frame.id_prefix}",
            canvas=contested.draw_claims_chart(
                _build_claims_chart(page, data, ranked_statements, bars, frame), frame, f"{NAME}-{frame.id_prefix}",
            ),
        )
        for frame in (WIDE, NARROW)
    }  # fmt: skip
    terms = data.question.terms
    pinned_terms = {**terms, "as_of": format_revision(data.count_now["at"]["revision"])}
    csv_terms = {"interval": data.series["terms"]["interval"], "claims": "true"}
    csv = page.address("/counts/series.csv", {**pinned_terms, **csv_terms})
    return Figure(
        name=NAME,
        heading=_("Releases of political prisoners: what the government said, and what each organisation verified")
        if data.statements
        else _("Releases of political prisoners, as each organisation verified them"),
        finding=finding,
        wide=drawings[WIDE],
        narrow=drawings[NARROW],
        caption=_format_caption(page, data),
        short_names=explain_short_names(page, data),
        columns=[
            _("Who, and when"),
            _("Counts since"),
            _("What it said"),
            _("Verified by at least one, on its own window"),
            *(page.get_source_name(slug) for slug in mains),
        ],
        rows=[_build_table_row(page, data, statement, mains) for statement in sorted(data.statements, key=MOMENT)],
        terms=terms,
        files=[(_("Every point (CSV)"), f"/v1{csv.removeprefix('/' + page.language)}")],
    )  # fmt: skip


def _build_claims_chart(
    page: Page, data: HomeData, ranked_statements: Sequence[Statement], bars: tuple[ClaimBar, ...], frame: Frame
) -> ClaimsChart:  # fmt: skip
    words, series, looks = page.catalogue, data.series, assign_styles(data)
    _, moments = words.gettext, _compute_change_moments(series["points"])
    lines = tuple(
        _build_source_line(page, data, group, looks[group["by"]["source"]], moments) for group in data.drawn_groups
    )
    first = float(int(moments[0])) if moments else 0.0
    last = _compute_axis_end(lines, ranked_statements[: frame.max_bars], first, moments)
    verified_by_one = [point["verified"] + point["contested"] for point in series["points"]]
    by_three = data.series_by_three
    band = (
        _build_band(moments, [point["cases"] for point in by_three["points"]], verified_by_one, last)
        if by_three is not None and data.drawn_groups and any(verified_by_one)
        else ()
    )
    return ClaimsChart(
        first=first,
        last=last,
        ticks=tuple(
            (float(day.toordinal()), words.short_day(day.isoformat()) if last - first < MONTH_TICKS_THRESHOLD
             else words.day(day.isoformat()[:7]))
            for day in choose_day_ticks(first, last, TICKS[frame])
        ),
        unit=_("releases"),
        lines=lines,
        band=band,
        band_label=_("grey band: from %(low)s (three sources) to %(high)s (at least one)")
        % {"low": words.number(band[-1][1]), "high": words.number(band[-1][2])}
        if band
        else "",
        published_values=tuple(
            figure for slug in (group["by"]["source"] for group in data.drawn_groups)
            for figure in build_published_values(data, slug, looks[slug], page.zone, words)
            if first <= figure.start <= last
        ),
        bars=bars,
        gap=_build_gap(page, data),
        reference=_build_reference(page, data, first, last),
        event=_find_announcement(page, data, first, last),
        windows_heading=_("Since when each figure counts"),
        list_window_rows=lambda ids: build_window_rows(
            page, data, [statement for statement in ranked_statements if statement.id in ids], first,
            is_narrow=frame is NARROW,
        ),
        format_number=words.number,
    )  # fmt: skip


def _compute_change_moments(points: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return when each point's change is drawn: mid-interval, like a claim without an hour."""
    ends = [date.fromisoformat(point["on"]).toordinal() + 1.0 for point in points]
    starts = [ends[0] - 1.0, *ends[:-1]] if ends else []
    return [(start + end) / 2 for start, end in zip(starts, ends, strict=True)]


def _build_daily_steps(moments: Sequence[float], values: Sequence[int]) -> Steps:
    """Return the steps from zero at the start of the first day, each change once."""
    steps = [(float(int(moments[0])), 0)] if moments else []
    for moment, value in zip(moments, values, strict=True):
        if value != steps[-1][1]:
            steps.append((moment, value))
    return tuple(steps)


def _build_source_line(
    page: Page, data: HomeData, group: Mapping[str, Any], style: int, moments: Sequence[float]
) -> Line:
    words, slug = page.catalogue, group["by"]["source"]
    points = next(line["points"] for line in data.series["series"] if line["source"] == slug)
    number, name = words.number(group["counts"]["verified"]), page.get_source_name(slug)
    return Line(
        style=style,
        name=name,
        short_name=shorten_source_name(slug, name),
        steps=_build_daily_steps(moments, [point["verified"] for point in points]),
        number=number,
        address=build_page_address(page, group["list"]),
        link_name=words.gettext("%(number)s, %(source)s: see the list") % {"number": number, "source": name},
    )


def _compute_axis_end(
    lines: Sequence[Line], ranked_statements: Sequence[Statement], first: float, moments: Sequence[float]
) -> float:
    """Return the end of the axis: a little after the last change and the last claim, and not far beyond the newest
    data."""
    changes = [line.steps[-1][0] for line in lines] + [statement.moment + 0.5 for statement in ranked_statements]
    latest = max(changes, default=moments[-1] if moments else first)
    return max(latest + (latest - first) * MARGIN, first + MIN_AXIS_DAYS)


def _build_band(moments: Sequence[float], low: Sequence[int], high: Sequence[int], last: float) -> tuple[Any, ...]:
    steps = [(float(int(moments[0])), 0, 0)]
    for moment, low_value, high_value in zip(moments, low, high, strict=False):
        if (low_value, high_value) != steps[-1][1:] and moment <= last:
            steps.append((moment, low_value, high_value))
    return tuple(steps)


def _build_reference(page: Page, data: HomeData, first: float, last: float) -> Reference | None:
    if data.reference_series is None or data.claims_released_from is None:
        return None
    words, points = page.catalogue, data.reference_series["points"]
    steps = _build_daily_steps(_compute_change_moments(points), [point["cases"] for point in points])
    earlier_values = [value for moment, value in steps if moment <= first]
    visible_steps = (
        (first, earlier_values[-1] if earlier_values else 0),
        *(step for step in steps if first < step[0] <= last),
    )
    number = words.number(visible_steps[-1][1])
    _ = words.gettext
    label = _("%(number)s %(since)s") % {
        "number": number,
        "since": format_since(words, data.claims_released_from, short=True),
    }
    description = _("by at least one source, gross")
    verified_count = (
        get_verified_count(data.reconciliations.get(data.last_comparable.id)) if data.last_comparable else None
    )
    if data.last_comparable is not None and verified_count not in (
        None,
        visible_steps[-1][1],
    ):  # the other number is above the chart
        values = {"verified": words.number(verified_count), "figure": quote_figure(data.last_comparable.claim, words)}
        description = _("by at least one source; %(verified)s counted as the %(figure)s") % values
    return Reference(visible_steps, label, description)


def _build_claim_bar(page: Page, data: HomeData, statement: Statement) -> ClaimBar:
    words, claim = page.catalogue, statement.claim
    _ = words.gettext
    claimant, stated_on = page.get_source_name(claim["claimant"]), words.short_day(statement.day).replace(" ", NO_BREAK)
    note = "" if statement.beginnings else _("does not say since when")
    replaced_claim = _find_replaced_claim(data, statement)
    if replaced_claim:
        note = _("had said %(figure)s before") % {"figure": quote_figure(replaced_claim, words)}
    return ClaimBar(
        id=statement.id,
        day=statement.moment,
        low=claim["low"],
        high=claim["high"],
        is_about=claim["qualifier"] == Qualifier.ABOUT,
        verified_count=get_verified_count(data.reconciliations.get(statement.id)),
        number=quote_figure(claim, words),
        claimant=claimant,
        stated_on=stated_on,
        note=note,
        address=page.address(f"/claims/{statement.id}", get_pinned_terms(page)),
        link_name=_("%(figure)s, %(who)s, %(day)s: see the claim")
        % {"figure": quote_figure(claim, words), "who": claimant, "day": stated_on},
    )


def _find_replaced_claim(data: HomeData, statement: Statement) -> Mapping[str, Any] | None:
    """Return the claim that a statement replaced, if its figure differed."""
    by_id = {str(claim["id"]): claim for claim in data.claims}
    superseded_claims = [
        by_id[str(claim_id)] for claim_id in by_id.get(statement.id, {}).get("supersedes", ()) if str(claim_id) in by_id
    ]
    figure = statement.claim["low"], statement.claim["high"]
    return next((claim for claim in superseded_claims if (claim["low"], claim["high"]) != figure), None)


def _build_gap(page: Page, data: HomeData) -> Gap | None:
    reconciliation = data.reconciliations.get(data.last_comparable.id) if data.last_comparable else None
    if data.last_comparable is None or reconciliation is None:
        return None
    number, is_lower_bound = compute_unverified(reconciliation)
    if number is None or number <= 0:
        return None
    words = page.catalogue
    _ = words.gettext
    text = words.number(number)
    return Gap(
        bar_id=data.last_comparable.id,
        number=_("at least %(low)s") % {"low": text} if is_lower_bound else text,
        text=_("that no independent source had verified"),
        hatch_legend=_("Hatched: what nobody had verified of that same count"),
        address=page.address(f"/claims/{data.last_comparable.id}", get_pinned_terms(page)),
        link_name=format_remainder_name(number, page),
    )


def _find_announcement(page: Page, data: HomeData, first: float, last: float) -> tuple[float, str] | None:
    """Return the first day on which an authority announced releases without a number."""
    words = page.catalogue
    for claim in sorted(data.claims, key=lambda claim: claim["stated_at"] or ""):
        if claim["qualifier"] == Qualifier.UNQUANTIFIED and claim["country"] == data.question.country:
            day = (claim["stated_at"] or "")[:10]
            if len(day) == len("2026-01-08") and first <= date.fromisoformat(day).toordinal() <= last:
                text = words.gettext("%(day)s: announced, no number") % {"day": words.short_day(day)}
                return float(date.fromisoformat(day).toordinal()), text
    return None


def _format_finding(page: Page, data: HomeData) -> str:
    words = page.catalogue
    _ = words.gettext
    if not data.drawn_groups:
        return _("No independent source has verified a release here.")
    values = {
        "names": words.listed([page.get_source_name(group["by"]["source"]) for group in data.drawn_groups]),
        "numbers": format_numbers((group["counts"]["verified"] for group in data.drawn_groups), words),
        "since": format_since(words, data.question.released_from) if data.question.released_from else "",
    }
    verified_text = (_("%(names)s verified %(numbers)s %(since)s") % values).strip()
    if data.last_comparable is None:
        return verified_text + "."
    values = {
        "figure": quote_figure(data.last_comparable.claim, words),
        "since": format_since(words, data.last_comparable.claim["window_from"]),
        "who": page.get_source_name(data.last_comparable.claim["claimant"]),
    }
    return f"{verified_text}; " + _("%(who)s said %(figure)s, counted %(since)s.") % values


def _format_caption(page: Page, data: HomeData) -> Markup:
    """Explain how to read the chart, and what each mark means."""
    _ = page.catalogue.gettext
    lines_text = _(
        "<b>Lines:</b> what each organisation had verified by the end of each day; a change stands in the middle of "
        "its day, and after the last day that is drawn nothing changed. <b>Dots:</b> the figure that it published; as "
        "wide as the day where it gave no hour."
    )
    parts = [fill_sentence(lines_text, {})]
    if data.drawn_groups and data.series_by_three is not None:
        parts.append(
            fill_sentence(_("<b>Grey band:</b> from what three sources verified to what at least one did."), {})
        )
    if data.statements:
        bars_text = _(
            "<b>Bars:</b> what an authority said, on the day it said it; open where it said “more than”, dashed where "
            "it cannot be compared. <b>Hatched:</b> what nobody had verified of that same count."
        )
        parts.append(fill_sentence(bars_text, {}))
    if data.reference_series is not None and data.claims_released_from is not None:
        dotted_line_text = _("<b>Dotted line:</b> verified by at least one source %(since)s, gross.")
        parts.append(
            fill_sentence(dotted_line_text, {"since": format_since(page.catalogue, data.claims_released_from)})
        )
        parts += _format_last_comparison(page, data)
    if has_earlier_window(data):
        windows_text = _(
            "<b>Since when:</b> what began before the chart stands at its edge, in its order and without a scale."
        )
        parts.append(fill_sentence(windows_text, {}))
    parts.append(Markup.escape(describe_under_review(data.count_now["caveats"], page.catalogue)))
    return Markup(" ").join(filter(None, parts))


def _format_last_comparison(page: Page, data: HomeData) -> list[Markup]:
    """State the verified count on the terms of the last comparable claim, which may be net, or of another hour."""
    verified_count = (
        get_verified_count(data.reconciliations.get(data.last_comparable.id)) if data.last_comparable else None
    )
    if data.last_comparable is None or verified_count is None:
        return []
    words = page.catalogue
    values = {
        "figure": quote_figure(data.last_comparable.claim, words), "day": words.short_day(data.last_comparable.day),
        "verified": words.number(verified_count),
    }  # fmt: skip
    return [
        fill_sentence(words.gettext("Counted as the %(figure)s of %(day)s, they were %(verified)s that day."), values)
    ]


def _build_table_row(page: Page, data: HomeData, statement: Statement, mains: Sequence[str]) -> list[Markup | str]:
    words = page.catalogue
    _ = words.gettext
    claim, reconciliation = statement.claim, data.reconciliations.get(statement.id)
    figure = quote_figure(claim, words)
    address = page.address(f"/claims/{statement.id}", get_pinned_terms(page))
    source_cell = Markup("{}, {}").format(
        format_source_name(page, claim["claimant"]), words.statement_date(claim["stated_at"], page.zone)
    )
    cells: list[Markup | str] = [
        source_cell,
        format_beginnings(statement, words),
        link_number(figure, address, _("%(figure)s: see the claim") % {"figure": figure}),
    ]
    verified_count = get_verified_count(reconciliation)
    if reconciliation is None or verified_count is None:
        cells.append(
            _("not comparable") if reconciliation is not None or not statement.beginnings else _("see the claim")
        )
        return [*cells, *("" for _slug in mains)]
    count = build_page_address(page, reconciliation["then"]["permalink"])
    text = words.number(verified_count)
    cells.append(link_number(text, count, _("%(number)s verified: see the count") % {"number": text}))
    return [*cells, *(words.number(reconciliation["then"]["by_source"].get(slug, 0)) for slug in mains)]
