"""Build the view of one claim: its figure, what was verified on its own count, and why other figures differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import dates
from app.formats import lower_first_letter
from app.vocabulary import Measure, Qualifier, Reason
from app.web.claims.data import ReconciledClaim
from app.web.claims.figures import describe_possible_number, format_remainder
from app.web.claims.reason_texts import ReasonText, format_message, format_reason
from app.web.claims.text import (
    describe_claim_measure,
    format_attribution,
    format_bounds,
    format_claimant,
    format_publication_link,
    format_since,
    format_source_tag,
    format_statement_date,
    format_term_name,
    format_window,
    is_by_organisation,
    list_claim_facts,
)
from app.web.page import Page
from app.web.rendering import Catalogue, format_claim_figure

MAX_SHOWN_FIGURES = 8  # rows of a table shown at once; the others are a click away


@dataclass(frozen=True)
class WeightedReason:
    """A listed reason. `weight`: how many releases it explains, in words; empty if that cannot be counted."""

    title: str
    text: str
    weight: str = ""


@dataclass(frozen=True)
class OtherFigure:
    """Another published figure: its claimant and date, and how its count differs."""

    figure: str
    address: str
    name: str
    tag: str
    statement_date: str
    difference: str
    measure_label: str


@dataclass(frozen=True)
class FigureSum:
    """The sum of a claim's parts."""

    partition: str
    parts: Sequence[OtherFigure]
    total: str
    verdict: str
    is_mixed: bool  # whether the parts count different things


@dataclass(frozen=True)
class ClaimPage:
    """Everything on the page of a claim except its drawings."""

    name: str
    attribution: str  # who filed hearsay, and what they cite; empty for a confirmed claim
    has_several_claimants: bool  # a joint statement of several claimants
    tag: str
    is_by_organisation: bool
    figure: str
    statement_date: str
    verified_number: int | None  # None if the two cannot be compared
    is_lower_bound: bool  # values that the claim asks for are unknown or may not be shown
    is_as_stated: bool  # the number is of the hour of the statement, not of now
    hindrance: str  # the first reason why they cannot be compared
    lead: Sequence[str]
    reasons: Sequence[WeightedReason]
    remarks: Sequence[str]
    same_count: Sequence[OtherFigure]
    other_counts: Sequence[OtherFigure]
    sums: Sequence[FigureSum]
    facts: Sequence[tuple[str, str]]
    link: tuple[str, str] | None  # address and shown text of its publication
    published_on: str | None


def build_claim_page(page: Page, reconciled_claim: ReconciledClaim) -> ClaimPage:
    """Build the page of a claim from the API's answers."""
    words, claim = page.catalogue, reconciled_claim.claim
    reasons = [format_reason(page, reason) for reason in reconciled_claim.reconciliation["reasons"]]
    other_figures = [
        _build_other_figure(page, claim, figure) for figure in reconciled_claim.reconciliation["published"]
    ]
    return ClaimPage(
        name=format_claimant(page, claim),
        attribution=format_attribution(page, claim),
        has_several_claimants=bool(claim["claimant"] and claim["joint_with"]),
        tag=format_source_tag(page, claim["claimant"]),
        is_by_organisation=is_by_organisation(page, claim),
        figure=format_claim_figure(claim, words),
        statement_date=format_statement_date(page, claim),
        verified_number=reconciled_claim.verified_number if reconciled_claim.is_comparable else None,
        is_lower_bound=reconciled_claim.hidden_number > 0,
        is_as_stated=reconciled_claim.is_as_stated,
        hindrance="" if reconciled_claim.is_comparable else _explain_hindrance(words, reconciled_claim, reasons),
        lead=_describe_comparison(page, reconciled_claim) if reconciled_claim.is_comparable else [],
        reasons=[*_weigh_reasons(page, reconciled_claim, reasons), *_describe_unexplained(page, reconciled_claim)],
        remarks=[format_message(page, remark) for remark in reconciled_claim.reconciliation["remarks"]],
        same_count=[other for other in other_figures if not other.difference],
        other_counts=[other for other in other_figures if other.difference],
        sums=[_build_sum(page, arithmetic) for arithmetic in reconciled_claim.reconciliation["arithmetic"]],
        facts=list_claim_facts(page, claim),
        link=format_publication_link(claim),
        published_on=(claim["citation"] or {}).get("published_on"),
    )


def _explain_hindrance(words: Catalogue, reconciled_claim: ReconciledClaim, reasons: Sequence[ReasonText]) -> str:
    """Explain why the claim cannot be compared."""
    _ = words.gettext
    if reconciled_claim.claim["qualifier"] == Qualifier.UNQUANTIFIED:
        return _("It gives no number that could be compared.")
    if reconciled_claim.reconciliation["comparable"]:
        return _("There is no count to put beside it.")
    return reasons[0].text if reasons else ""


def _describe_comparison(page: Page, reconciled_claim: ReconciledClaim) -> list[str]:
    """Describe the comparison: what is counted, for which days, and as known when."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim = reconciled_claim.claim
    values = {"count": _describe_claim_count(words, claim)}
    if not reconciled_claim.is_as_stated:
        sentence = _("The comparison is made as the figure was: %(count)s, with what is known today.")
    elif "T" in (claim["stated_at"] or ""):
        values["hour"] = words.hour(claim["stated_at"], page.zone)
        sentence = _("The comparison is made as the figure was: %(count)s, with what was known at %(hour)s that day.")
    elif dates.is_month_or_year(claim["stated_at"]):
        values["month"] = words.long_day(claim["stated_at"])
        sentence = _(
            "The comparison is made as the figure was: %(count)s, with what was known by the end of %(month)s."
        )
    else:
        sentence = _("The comparison is made as the figure was: %(count)s, with what was known that day.")
    lead = [sentence % values]
    if reconciled_claim.hidden_number:
        lead.append(describe_possible_number(words, reconciled_claim))
    usual = reconciled_claim.usual_figure
    if usual is not None:
        values = {"figure": format_claim_figure(usual, words), "since": format_since(words, usual["window_from"])}
        lead.append(
            _("The %(figure)s published beside it are counted %(since)s: no other opinion, another count.") % values
        )
        lead += _explain_rearrests(page, reconciled_claim)
    return lead


def _describe_claim_count(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """Describe what a claim counts, and for which days; it ends at its statement unless it says otherwise."""
    subject = describe_claim_measure(words, claim)
    end = claim["window_to"] or (claim["stated_at"] or "")[: dates.DAY_LENGTH]
    if claim["measure"] == Measure.HELD:
        values = {"things": subject, "day": words.day_in_sentence(end)}
        return words.gettext("%(things)s on %(day)s") % values if end else subject
    return ", ".join(filter(None, [subject, format_window(words, claim["window_from"], end)]))


def _explain_rearrests(page: Page, reconciled_claim: ReconciledClaim) -> list[str]:
    """Explain why the main source's count here is lower than the figure it published for its own window."""
    words, _ = page.catalogue, page.catalogue.gettext
    net, gross = reconciled_claim.main_verified_usual, reconciled_claim.main_verified_usual_gross
    if reconciled_claim.main_source is None or gross is None or gross == net:
        return []
    values = {
        "figure": format_claim_figure(reconciled_claim.claim, words),
        "source": page.get_source_name(reconciled_claim.main_source),
        "net": words.number(net),
        "gross": words.number(gross),
    }
    return [
        _("The figure of %(figure)s leaves out who was taken again, and so does the comparison: of those days "
          "%(source)s stands here with %(net)s; with whoever was taken again it would be %(gross)s.") % values
    ]  # fmt: skip


def _weigh_reasons(
    page: Page, reconciled_claim: ReconciledClaim, reasons: Sequence[ReasonText]
) -> list[WeightedReason]:
    """Return the known reasons with their weights. The reason about days weighs as much as the main source verified
    in the days that it leaves out."""
    words = page.catalogue
    weighted_reasons = []
    for reason in reasons:
        weight = "" if reason.weight is None else words.number(reason.weight)
        text = reason.text
        earlier = reconciled_claim.main_verified - reconciled_claim.main_verified_usual
        if reason.code == Reason.WINDOW and reconciled_claim.usual_figure is not None and earlier:
            weight = words.number(earlier)
            text = f"{text} {_describe_earlier_days(page, reconciled_claim, weight)}"
        weighted_reasons.append(WeightedReason(reason.title, text, weight))
    return weighted_reasons


def _describe_earlier_days(page: Page, reconciled_claim: ReconciledClaim, weight: str) -> str:
    words, _ = page.catalogue, page.catalogue.gettext
    assert reconciled_claim.main_source is not None
    assert reconciled_claim.usual_start is not None
    values = {
        "source": page.get_source_name(reconciled_claim.main_source),
        "number": words.number(reconciled_claim.main_verified),
        "usual": words.number(reconciled_claim.main_verified_usual),
        "since": format_since(words, reconciled_claim.usual_start),
    }
    text = _("On this count %(source)s itself had verified %(number)s, and not the %(usual)s %(since)s.") % values
    distance = (
        reconciled_claim.usual_figure["distance"]
        if reconciled_claim.usual_figure is not None
        else {"low": None, "high": None}
    )
    if distance["low"] is not None and distance["low"] == distance["high"] and distance["low"] > 0:
        distance_values = {"distance": words.number(distance["low"]), "weight": weight}
        text += (
            " "
            + _("Of the %(distance)s that seem to lie between the two, %(weight)s are of earlier days.")
            % distance_values
        )
    return text


def _describe_unexplained(page: Page, reconciled_claim: ReconciledClaim) -> list[WeightedReason]:
    """Describe the remaining difference if claim and count are of the same thing."""
    words, _ = page.catalogue, page.catalogue.gettext
    remainder = format_remainder(words, reconciled_claim)
    if not reconciled_claim.is_comparable or remainder is None or reconciled_claim.base is None:
        return []
    sentences = []
    low, high = reconciled_claim.base["gap"]["low"], reconciled_claim.base["gap"]["high"]
    if None not in (low, high) and low != high and reconciled_claim.claim["low"] == reconciled_claim.claim["high"]:
        values = {"most": words.number(high), "least": words.number(low)}
        sentence = _("%(most)s if only the verified are counted; %(least)s with those only reported.")
        if reconciled_claim.hidden_number:
            sentence = _("%(most)s if only the verified are counted; %(least)s with all whom it may be.")
        sentences.append(sentence % values)
        remainder = _("%(least)s to %(most)s") % values
    if is_by_organisation(page, reconciled_claim.claim) or reconciled_claim.claim["measure"] == Measure.HELD:
        sentences.append(_("They do not stand here one by one."))
    else:
        sentences.append(_("Nothing here says that they happened, nor that they did not."))
    return [WeightedReason(_("Without a known reason"), " ".join(sentences), remainder)]


def _build_other_figure(page: Page, claim: Mapping[str, Any], figure: Mapping[str, Any]) -> OtherFigure:
    """Build a row for another figure, with its difference if the API classifies it."""
    words = page.catalogue
    codes = figure.get("reasons", ())
    return OtherFigure(
        format_claim_figure(figure, words),
        page.address(f"/claims/{figure['id']}"),
        format_claimant(page, figure),
        format_source_tag(page, figure["claimant"]),
        format_statement_date(page, figure),
        "; ".join(_describe_difference(page, figure, code, is_held=claim["measure"] == Measure.HELD) for code in codes),
        lower_first_letter(words.label("measures", figure["measure"])),
    )


def _describe_difference(page: Page, figure: Mapping[str, Any], code: str, *, is_held: bool) -> str:
    words, _ = page.catalogue, page.catalogue.gettext
    if code == Reason.WINDOW and is_held:
        return _("is of another day")
    if code == Reason.WINDOW:
        if figure["window_from"] is None:
            return _("does not say since when it counts")
        return _("counts %(days)s") % {"days": format_window(words, figure["window_from"], figure["window_to"])}
    if code == Reason.DEFINITION and figure["except_for"]:
        return _("counts the same except for one thing: %(term)s") % {
            "term": format_term_name(page, figure["except_for"])
        }
    descriptions = {
        Reason.POPULATION: _("counts another population"),
        Reason.DEFINITION: _("is limited to something else"),
        Reason.STAGE: _("counts another stage: announced, ordered or carried out"),
        Reason.GROSS_NET: _("one of the two leaves out who was taken again"),
        Reason.CONSENT: _("counts those it names, and families may ask that somebody is not named"),
    }
    return descriptions.get(Reason(code), words.label("reasons", code))


def _build_sum(page: Page, arithmetic: Mapping[str, Any]) -> FigureSum:
    words, _ = page.catalogue, page.catalogue.gettext
    parts = [_build_other_figure(page, {"measure": None}, part) for part in arithmetic["parts"]]
    total = format_bounds(words, arithmetic["sum"])
    if not arithmetic["agrees"]:
        verdict = _("The parts do not add up to the figure.")
    elif arithmetic["parts_complete"]:
        verdict = _("The parts add up to the figure.")
    else:
        verdict = _("Not all of its parts are known, and these are no more than the figure.")
    is_mixed = len({part["measure"] for part in arithmetic["parts"]}) > 1
    return FigureSum(arithmetic["partition"], parts, total, verdict, is_mixed)
