"""Figures of one claim: its reconciliation with what was verified, and its count when stated and now."""

from typing import Any

from markupsafe import Markup

from app.dates import is_month_or_year
from app.formats import capitalize_first_letter
from app.moments import format_revision
from app.queries.dimensions import get_window_start_name
from app.vocabulary import Qualifier
from app.web.api_client import Terms
from app.web.charts.reconciliation import ClaimComparison, Kind, Segment, lay_out_horizontal_bar, lay_out_vertical_bar
from app.web.charts.then_and_now import ClaimLine, DotLabels, ThenAndNowRow, lay_out_then_and_now
from app.web.claims.data import ReconciledClaim, fetch_reconciled_claim, get_verified_number, not_compared
from app.web.claims.text import format_bounds, format_claimant, format_since, format_source_tag, is_by_organisation
from app.web.figure import FULL_WIDTH, PHONE_WIDTH, Figure, render_drawing
from app.web.page import Page
from app.web.rendering import Catalogue, format_claim_figure

RECONCILIATION = "reconciliation"


async def build_reconciliation_figure(page: Page, terms: Terms) -> Figure:
    """Build the reconciliation of the claim with the id `claim`. Raises NotFound."""
    figure = draw_reconciliation(page, await fetch_reconciled_claim(page, str(terms.get("claim"))))
    if figure is None:
        raise not_compared()
    return figure


def draw_reconciliation(page: Page, reconciled_claim: ReconciledClaim) -> Figure | None:
    """Build the reconciliation from fetched data; None for hearsay, or if the claim cannot be compared."""
    if not (reconciled_claim.is_comparable and reconciled_claim.claim["confirmed"]):
        return None
    words, _ = page.catalogue, page.catalogue.gettext
    chart_data = build_chart_data(page, reconciled_claim)
    name, figure = format_claimant(page, reconciled_claim.claim), format_claim_figure(reconciled_claim.claim, words)
    values = {"name": name, "figure": figure, "number": chart_data.verified_segment.number_text}
    finding = _("%(name)s said %(figure)s; on the same count, %(number)s verified by at least one source.") % values
    if reconciled_claim.hidden_number:
        finding += f" {describe_possible_number(words, reconciled_claim)}"
    if chart_data.remainder is not None:
        finding += f" {chart_data.remainder.number_text} {chart_data.remainder.text}."

    def draw(template: str, layout: Any) -> Markup:
        prefix = f"{template}-{str(reconciled_claim.claim['id'])[:8]}"
        return render_drawing(
            template, words, drawn=layout(chart_data), comparison=chart_data, finding=finding, prefix=prefix
        )

    rows: list[list[str | int | Markup]] = [[capitalize_first_letter(chart_data.text), figure]]
    rows += [[segment.text, _link_segment(segment)] for segment in chart_data.segments]
    rows.append([chart_data.verified_segment.text, _link_segment(chart_data.verified_segment)])
    if chart_data.remainder is not None:
        rows.append([chart_data.remainder.text, chart_data.remainder.number_text])
    return Figure(
        name=RECONCILIATION,
        heading=capitalize_first_letter(
            _("%(figure)s, beside what was verified on the same count") % {"figure": figure}
        ),
        finding=finding,
        wide=draw("reconciliation-lying", lay_out_horizontal_bar),
        narrow=draw("reconciliation-standing", lay_out_vertical_bar),
        caption=_build_reconciliation_caption(words, reconciled_claim, chart_data),
        columns=[_("Part"), _("Number")],
        rows=rows,
        terms={"claim": str(reconciled_claim.claim["id"])},
    )


def describe_possible_number(words: Catalogue, reconciled_claim: ReconciledClaim) -> str:
    """Describe how many it may be on the claim's count, if some values are unknown or may not be shown."""
    number = reconciled_claim.hidden_number
    values = {
        "low": words.number(reconciled_claim.counted_number),
        "high": words.number(reconciled_claim.counted_number + number),
        "number": words.number(number),
    }
    sentence = words.ngettext(
        "The registry counts %(low)s to %(high)s: of %(number)s a value that the claim asks for is not known or may "
        "not be shown.",
        "The registry counts %(low)s to %(high)s: of %(number)s a value that the claim asks for is not known or may "
        "not be shown.",
        number,
    )
    return sentence % values


def _link_segment(segment: Segment) -> str | Markup:
    if segment.address is None:
        return segment.number_text
    return Markup('<a class="number" href="{}" aria-label="{}">{}</a>').format(
        segment.address, segment.link_name, segment.number_text
    )


def build_chart_data(page: Page, reconciled_claim: ReconciledClaim) -> ClaimComparison:
    """Return the data of the drawing."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim = reconciled_claim.claim
    text = _("according to %(name)s") % {"name": format_claimant(page, claim)}
    if claim["stated_at"]:
        text += f", {words.short_day(claim['stated_at'][:10])}"
    if claim["window_from"]:
        text += ", " + _("counted %(since)s") % {"since": format_since(words, claim["window_from"])}
    verified_list = _build_list_address(page, reconciled_claim, min_sources=1)
    return ClaimComparison(
        figure_text=format_claim_figure(claim, words),
        text=text,
        low=claim["low"],
        high=claim["high"],
        is_about=claim["qualifier"] == Qualifier.ABOUT,
        segments=_build_segments(page, reconciled_claim),
        remainder=_build_remainder(page, reconciled_claim),
        verified_segment=_build_segment(
            page, "main", reconciled_claim.verified_number, _describe_verified(words, reconciled_claim), verified_list
        ),
        is_by_authority=not is_by_organisation(page, claim),
    )


def _describe_verified(words: Catalogue, reconciled_claim: ReconciledClaim) -> str:
    ngettext, number = words.ngettext, reconciled_claim.verified_number
    if not reconciled_claim.is_as_stated:
        return ngettext(
            "verified by at least one independent source, on the same count, as known today",
            "verified by at least one independent source, on the same count, as known today",
            number,
        )
    if "T" in (reconciled_claim.claim["stated_at"] or ""):
        return ngettext(
            "verified by at least one independent source, on the same count, as known at that hour",
            "verified by at least one independent source, on the same count, as known at that hour",
            number,
        )
    stated_at = reconciled_claim.claim["stated_at"]
    if stated_at is None or is_month_or_year(stated_at):
        return ngettext(
            "verified by at least one independent source, on the same count, as known by then",
            "verified by at least one independent source, on the same count, as known by then",
            number,
        )
    return ngettext(
        "verified by at least one independent source, on the same count, as known that day",
        "verified by at least one independent source, on the same count, as known that day",
        number,
    )


def _build_segments(page: Page, reconciled_claim: ReconciledClaim) -> list[Segment]:
    """Split the registry's count into parts without overlap."""
    ngettext = page.catalogue.ngettext
    hidden_number = reconciled_claim.hidden_number
    hidden_segment = _build_segment(
        page,
        "hidden",
        hidden_number,
        ngettext(
            "of whom a value is not known or may not be shown",
            "of whom a value is not known or may not be shown",
            hidden_number,
        ),
        None,
    )
    reported_number = reconciled_claim.counted_number - reconciled_claim.verified_number
    reported_text = ngettext("only reported", "only reported", reported_number)
    reported_segment = _build_segment(
        page, "reported", reported_number, reported_text, _build_list_address(page, reconciled_claim, status="reported")
    )
    if reconciled_claim.main_source is None:
        verified_text = ngettext(
            "verified by at least one source", "verified by at least one source", reconciled_claim.verified_number
        )
        verified_segment = _build_segment(
            page,
            "main",
            reconciled_claim.verified_number,
            verified_text,
            _build_list_address(page, reconciled_claim, min_sources=1),
        )
        return [segment for segment in (verified_segment, reported_segment, hidden_segment) if segment.number]
    other_number = reconciled_claim.verified_number - reconciled_claim.main_verified
    other_text = ngettext("verified only by other sources", "verified only by other sources", other_number)
    segments = [
        *_build_main_segments(page, reconciled_claim),
        _build_segment(page, "others", other_number, other_text, None),
        reported_segment,
        hidden_segment,
    ]
    return [segment for segment in segments if segment.number]


def _build_main_segments(page: Page, reconciled_claim: ReconciledClaim) -> list[Segment]:
    """Return what the main source verified: in the days that it counts itself, and in the others."""
    words, ngettext = page.catalogue, page.catalogue.ngettext
    source = {"source": page.get_source_name(reconciled_claim.main_source or "")}
    if reconciled_claim.usual_start is None:
        text = ngettext("verified by %(source)s", "verified by %(source)s", reconciled_claim.main_verified) % source
        return [
            _build_segment(
                page,
                "main",
                reconciled_claim.main_verified,
                text,
                _build_list_address(page, reconciled_claim, verified_by=reconciled_claim.main_source),
            )
        ]
    usual, rest = (
        reconciled_claim.main_verified_usual,
        reconciled_claim.main_verified - reconciled_claim.main_verified_usual,
    )
    values = {**source, "since": format_since(words, reconciled_claim.usual_start)}
    text = ngettext("verified by %(source)s, %(since)s", "verified by %(source)s, %(since)s", usual) % values
    start_name = get_window_start_name(reconciled_claim.terms or {})
    address = _build_list_address(
        page,
        reconciled_claim,
        **{"verified_by": reconciled_claim.main_source, start_name: reconciled_claim.usual_start},
    )
    rest_text = ngettext(
        "verified by %(source)s, of the days before that", "verified by %(source)s, of the days before that", rest
    )
    return [
        _build_segment(page, "main", usual, text, address),
        _build_segment(page, "rest", rest, rest_text % source, None),
    ]


def _build_segment(page: Page, kind: Kind, number: int, text: str, address: str | None) -> Segment:
    formatted = page.catalogue.number(number)
    name = page.catalogue.gettext("%(number)s %(what)s: see the list") % {"number": formatted, "what": text}
    return Segment(kind, number, formatted, text, address=address, link_name=name)


def _build_list_address(page: Page, reconciled_claim: ReconciledClaim, **filters: Any) -> str | None:
    """Return the page that lists a part of the count; None for people held on a day, who have no list."""
    if (
        reconciled_claim.terms is None
        or reconciled_claim.base is None
        or "/releases" not in (reconciled_claim.path or "")
    ):
        return None
    return page.address(
        "/releases",
        {**reconciled_claim.terms, **filters, "as_of": format_revision(reconciled_claim.base["at"]["revision"])},
    )


def _build_remainder(page: Page, reconciled_claim: ReconciledClaim) -> Segment | None:
    """Return the rest of the claim: a minimum, a maximum, or an interval."""
    words, _ = page.catalogue, page.catalogue.gettext
    formatted = format_remainder(words, reconciled_claim)
    if formatted is None:
        return None
    counted_number = reconciled_claim.counted_number + reconciled_claim.hidden_number
    number = max(0, (reconciled_claim.claim["low"] or 0) - counted_number)
    if is_by_organisation(page, reconciled_claim.claim):
        return Segment("remainder", number, formatted, _("that do not stand here one by one"))
    note = "" if _is_about_held(reconciled_claim) else _("It does not mean that they did not happen")
    return Segment("remainder", number, formatted, _("that no independent source has verified"), note=note)


def format_remainder(words: Catalogue, reconciled_claim: ReconciledClaim) -> str | None:
    """Format how many people of a claim no source has reported, as precisely as the claim allows; None if it may be
    nobody."""
    gap = (reconciled_claim.base or {}).get("gap") or {}
    if reconciled_claim.hidden_number and (gap.get("low") or 0) <= 0:
        return None
    remaining = {name: gap[name] if gap.get(name) and gap[name] > 0 else None for name in ("low", "high")}
    if remaining["low"] is not None and reconciled_claim.claim["low"] == reconciled_claim.claim["high"]:
        return words.number(remaining["low"])
    return format_bounds(words, remaining) if any(remaining.values()) else None


def _is_about_held(reconciled_claim: ReconciledClaim) -> bool:
    return bool(reconciled_claim.claim["measure"] == "held")


def _build_reconciliation_caption(
    words: Catalogue, reconciled_claim: ReconciledClaim, chart_data: ClaimComparison
) -> str:
    """Explain how to read the bar."""
    _ = words.gettext
    sentences = []
    if chart_data.remainder is None and reconciled_claim.hidden_number:
        sentences.append(_("The bar is as long as the registry's count can be."))
    elif chart_data.remainder is None:
        sentences.append(_("The bar is as long as the registry's count, which holds more than the claim."))
    values = {"number": chart_data.verified_segment.number_text, "figure": chart_data.figure_text}
    if not chart_data.is_by_authority:
        sentences.append(
            _("An organisation counts whom its own definition means: what only others verified need not be in it.")
        )
    elif reconciled_claim.claim["named"]:
        sentences.append(
            _("The claim counts people it names; whom it leaves out of the %(number)s is not drawn.") % values
        )
    else:
        unknown_sentence = _(
            "The registry does not know whether %(figure)s includes all of them: there is no list to compare."
        )
        sentences.append(unknown_sentence % values)
    if reconciled_claim.is_as_stated and reconciled_claim.base is not None and reconciled_claim.base["basis"] == "said":
        sentences.append(_("What was known then is told by the days that sources give: the registry began later."))
    return " ".join(sentences)


CLAIM_THEN_AND_NOW = "claim-then-and-now"
MAX_SOURCE_THRESHOLD = 3  # rows from "at least one source" to "at least three"


async def build_claim_then_and_now_figure(page: Page, terms: Terms) -> Figure:
    """Build the figure of who had verified what the claim `claim` counts, when stated and now. Raises NotFound."""
    figure = draw_claim_then_and_now(page, await fetch_reconciled_claim(page, str(terms.get("claim"))))
    if figure is None:
        raise not_compared()
    return figure


def draw_claim_then_and_now(page: Page, reconciled_claim: ReconciledClaim) -> Figure | None:
    """Build the same figure from fetched data; None if the state at the statement is not known."""
    stated_count, current_count = reconciled_claim.reconciliation["then"], reconciled_claim.reconciliation["now"]
    if (
        not (reconciled_claim.is_comparable and reconciled_claim.claim["confirmed"])
        or stated_count is None
        or current_count is None
        or not get_verified_number(current_count)
    ):
        return None
    words, _ = page.catalogue, page.catalogue.gettext
    figure = format_claim_figure(reconciled_claim.claim, words)
    headings = DotLabels(
        words.short_day(reconciled_claim.claim["stated_at"][:10]), page.catalogue.gettext("today"), words.number
    )  # fmt: skip
    rows = [*_build_threshold_rows(page, reconciled_claim), *_build_source_rows(page, reconciled_claim)]
    line = ClaimLine(figure, reconciled_claim.claim["low"], reconciled_claim.claim["high"])
    values = {
        "day": headings.then_label,
        "then": words.number(get_verified_number(stated_count)),
        "now": words.number(get_verified_number(current_count)),
        "figure": figure,
    }
    finding = _("Verified by at least one source: %(then)s on %(day)s, %(now)s today. The claim: %(figure)s.") % values

    def draw(width: int) -> Markup:
        return render_drawing(
            "then-and-now",
            words,
            chart=lay_out_then_and_now(rows, headings, width, line),
            finding=finding,
            labels=headings,
        )

    return Figure(
        name=CLAIM_THEN_AND_NOW,
        heading=_("Who had verified it on this count, then and today"),
        finding=finding,
        wide=draw(FULL_WIDTH),
        narrow=draw(PHONE_WIDTH),
        caption=_("Hollow dot: what was known on %(day)s. Filled dot: what is known today of the same days. The line "
                  "is the claim. Sources overlap: they do not add up.") % values,
        columns=[_("Verified by"), headings.then_label, headings.now_label],
        rows=[[row.label, words.number(row.then_count), words.number(row.now_count)] for row in rows],
        terms={"claim": str(reconciled_claim.claim["id"])},
    )  # fmt: skip


def _build_threshold_rows(page: Page, reconciled_claim: ReconciledClaim) -> list[ThenAndNowRow]:
    """Return rows for at least one source, at least two, at least three."""
    words = page.catalogue
    stated_numbers, current_numbers = (
        reconciled_claim.reconciliation[name]["total"]["by_min_sources"] for name in ("then", "now")
    )
    return [
        ThenAndNowRow(
            words.ngettext("At least %(number)s source", "At least %(number)s sources", threshold)
            % {"number": words.number(threshold)},
            stated_numbers.get(str(threshold), 0),
            current_numbers.get(str(threshold), 0),
            is_derived=True,
        )
        for threshold in range(1, MAX_SOURCE_THRESHOLD + 1)
        if current_numbers.get(str(threshold), 0)
    ]


def _build_source_rows(page: Page, reconciled_claim: ReconciledClaim) -> list[ThenAndNowRow]:
    """Return a row for each source on its own dates, largest first."""
    stated_numbers, current_numbers = (reconciled_claim.reconciliation[name]["by_source"] for name in ("then", "now"))
    slugs = sorted(
        {**stated_numbers, **current_numbers},
        key=lambda slug: (-current_numbers.get(slug, 0), page.get_source_name(slug)),
    )
    return [
        ThenAndNowRow(
            page.get_source_name(slug),
            stated_numbers.get(slug, 0),
            current_numbers.get(slug, 0),
            tag=format_source_tag(page, slug),
        )
        for slug in slugs
    ]
