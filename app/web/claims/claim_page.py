"""The page of one claim: what it says, what was verified on its own count, and why other figures are others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import dates
from app.formats import lowered
from app.vocabulary import Measure, Qualifier, Reason
from app.web.claims.data import Asked
from app.web.claims.figures import told_remainder
from app.web.claims.reasons import Told, sentence_of, told
from app.web.claims.words import (
    by_organisation,
    claimant_of,
    counted_thing,
    facts_of,
    link_of,
    of_days,
    said_when,
    since_when,
    tag_of,
    told_number,
)
from app.web.page import Page
from app.web.rendering import Catalogue, figure_of

MOST_SHOWN = 8  # other figures that stand in a table at once: the others are a click away


@dataclass(frozen=True)
class Weighed:
    """A reason as the page lists it. `weight`: how many it explains, in words; nothing where nobody can count it."""

    title: str
    text: str
    weight: str = ""


@dataclass(frozen=True)
class Other:
    """Another published figure: who gave it and when, and why it is no figure of the same count."""

    figure: str
    address: str
    name: str
    tag: str
    when: str
    why: str
    thing: str


@dataclass(frozen=True)
class Sum:
    """What the parts of a claim add up to."""

    partition: str
    parts: Sequence[Other]
    total: str
    verdict: str
    mixed: bool  # whether they are numbers of different things


@dataclass(frozen=True)
class ClaimPage:
    """Everything that the page of a claim shows besides its drawings."""

    name: str
    several: bool  # several claimants gave it together
    tag: str
    by_organisation: bool
    figure: str
    when: str
    verified: int | None  # None where the two cannot be compared
    then: bool  # whether that is what was known when the figure was stated, and not what is known now
    hindrance: str  # the first reason why not
    lead: Sequence[str]
    reasons: Sequence[Weighed]
    remarks: Sequence[str]
    same_count: Sequence[Other]
    other_counts: Sequence[Other]
    sums: Sequence[Sum]
    facts: Sequence[tuple[str, str]]
    link: tuple[str, str] | None  # the address of its publication, and as it is shown
    published_on: str | None


def view(page: Page, asked: Asked) -> ClaimPage:
    """The page of a claim from the answers of the API."""
    words, claim = page.catalogue, asked.claim
    reasons = [told(page, reason) for reason in asked.reconciliation["reasons"]]
    others = [_other(page, claim, figure) for figure in asked.reconciliation["published"]]
    return ClaimPage(
        name=claimant_of(page, claim),
        several=bool(claim["claimant"] and claim["joint_with"]),
        tag=tag_of(page, claim["claimant"]),
        by_organisation=by_organisation(page, claim),
        figure=figure_of(claim, words),
        when=said_when(page, claim),
        verified=asked.verified if asked.comparable else None,
        then=asked.then,
        hindrance="" if asked.comparable else _hindrance(words, asked, reasons),
        lead=_lead(page, asked) if asked.comparable else [],
        reasons=[*_weighed(page, asked, reasons), *_unexplained(page, asked)],
        remarks=[sentence_of(page, remark) for remark in asked.reconciliation["remarks"]],
        same_count=[other for other in others if not other.why],
        other_counts=[other for other in others if other.why],
        sums=[_sum(page, arithmetic) for arithmetic in asked.reconciliation["arithmetic"]],
        facts=facts_of(page, claim),
        link=link_of(claim),
        published_on=(claim["citation"] or {}).get("published_on"),
    )


def _hindrance(words: Catalogue, asked: Asked, reasons: Sequence[Told]) -> str:
    """Why no number stands beside the claim."""
    _ = words.gettext
    if asked.claim["qualifier"] == Qualifier.UNQUANTIFIED:
        return _("It gives no number that could be compared.")
    if asked.reconciliation["comparable"]:
        return _("There is no count to put beside it.")
    return reasons[0].text if reasons else ""


def _lead(page: Page, asked: Asked) -> list[str]:
    """How the comparison is made: what is counted, of which days, and as known when."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim = asked.claim
    given = {"count": _count_of(words, claim)}
    if not asked.then:
        how = _("The comparison is made as the figure was: %(count)s, with what is known today.")
    elif "T" in (claim["stated_at"] or ""):
        given["hour"] = words.hour(claim["stated_at"], page.zone)
        how = _("The comparison is made as the figure was: %(count)s, with what was known at %(hour)s that day.")
    else:
        how = _("The comparison is made as the figure was: %(count)s, with what was known that day.")
    lead = [how % given]
    usual = asked.usual_figure
    if usual is not None:
        given = {"figure": figure_of(usual, words), "since": since_when(words, usual["window_from"])}
        lead.append(
            _("The %(figure)s published beside it are counted %(since)s: no other opinion, another count.") % given
        )
        lead += _taken_again(page, asked)
    return lead


def _count_of(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """What a claim counts, and of which days; until it was stated, if it does not say otherwise."""
    thing = counted_thing(words, claim)
    end = claim["window_to"] or (claim["stated_at"] or "")[: dates.DAY_LENGTH]
    if claim["measure"] == Measure.HELD:
        on = {"things": thing, "day": words.day_in_sentence(end)}
        return words.gettext("%(things)s on %(day)s") % on if end else thing
    return ", ".join(filter(None, [thing, of_days(words, claim["window_from"], end)]))


def _taken_again(page: Page, asked: Asked) -> list[str]:
    """Why the main source has fewer here in the days that it counts itself than it published of them."""
    words, _ = page.catalogue, page.catalogue.gettext
    net, gross = asked.by_main_usually, asked.by_main_usually_gross
    if asked.main is None or gross is None or gross == net:
        return []
    given = {
        "figure": figure_of(asked.claim, words),
        "source": page.name_of(asked.main),
        "net": words.number(net),
        "gross": words.number(gross),
    }
    return [
        _("The figure of %(figure)s leaves out who was taken again, and so does the comparison: of those days "
          "%(source)s stands here with %(net)s; with whoever was taken again it would be %(gross)s.") % given
    ]  # fmt: skip


def _weighed(page: Page, asked: Asked, reasons: Sequence[Told]) -> list[Weighed]:
    """Each known reason. That of the days weighs as much as the main source itself has in the days that it leaves
    out."""
    words = page.catalogue
    weighed = []
    for reason in reasons:
        weight = "" if reason.weight is None else words.number(reason.weight)
        text = reason.text
        earlier = asked.by_main - asked.by_main_usually
        if reason.code == Reason.WINDOW and asked.usual_figure is not None and earlier:
            weight = words.number(earlier)
            text = f"{text} {_of_the_days(page, asked, weight)}"
        weighed.append(Weighed(reason.title, text, weight))
    return weighed


def _of_the_days(page: Page, asked: Asked, weight: str) -> str:
    words, _ = page.catalogue, page.catalogue.gettext
    assert asked.main is not None
    assert asked.usual_from is not None
    given = {
        "source": page.name_of(asked.main),
        "number": words.number(asked.by_main),
        "usual": words.number(asked.by_main_usually),
        "since": since_when(words, asked.usual_from),
    }
    text = _("On this count %(source)s itself had verified %(number)s, and not the %(usual)s %(since)s.") % given
    distance = asked.usual_figure["distance"] if asked.usual_figure is not None else {"low": None, "high": None}
    if distance["low"] is not None and distance["low"] == distance["high"] and distance["low"] > 0:
        apart = {"distance": words.number(distance["low"]), "weight": weight}
        text += " " + _("Of the %(distance)s that seem to lie between the two, %(weight)s are of earlier days.") % apart
    return text


def _unexplained(page: Page, asked: Asked) -> list[Weighed]:
    """What is left when the claim and the count are of the same thing."""
    words, _ = page.catalogue, page.catalogue.gettext
    remainder = told_remainder(words, asked)
    if not asked.comparable or remainder is None or asked.base is None:
        return []
    said = []
    low, high = asked.base["gap"]["low"], asked.base["gap"]["high"]
    if None not in (low, high) and low != high and asked.claim["low"] == asked.claim["high"]:
        given = {"most": words.number(high), "least": words.number(low)}
        said.append(_("%(most)s if only the verified are counted; %(least)s with those only reported.") % given)
        remainder = _("%(least)s to %(most)s") % given
    if by_organisation(page, asked.claim) or asked.claim["measure"] == Measure.HELD:
        said.append(_("They do not stand here one by one."))
    else:
        said.append(_("Nothing here says that they happened, nor that they did not."))
    return [Weighed(_("Without a known reason"), " ".join(said), remainder)]


def _other(page: Page, claim: Mapping[str, Any], figure: Mapping[str, Any]) -> Other:
    """A figure in a list of others. What differs is told of it, where the API says of what kind it is."""
    words = page.catalogue
    codes = figure.get("reasons", ())
    return Other(
        figure_of(figure, words),
        page.address(f"/claims/{figure['id']}"),
        claimant_of(page, figure),
        tag_of(page, figure["claimant"]),
        said_when(page, figure),
        "; ".join(_difference(words, figure, code, held=claim["measure"] == Measure.HELD) for code in codes),
        lowered(words.label("measures", figure["measure"])),
    )


def _difference(words: Catalogue, figure: Mapping[str, Any], code: str, *, held: bool) -> str:
    _ = words.gettext
    if code == Reason.WINDOW and held:
        return _("is of another day")
    if code == Reason.WINDOW:
        if figure["window_from"] is None:
            return _("does not say since when it counts")
        return _("counts %(days)s") % {"days": of_days(words, figure["window_from"], figure["window_to"])}
    said = {
        Reason.STAGE: _("counts another stage: announced, ordered or carried out"),
        Reason.GROSS_NET: _("one of the two leaves out who was taken again"),
        Reason.CONSENT: _("counts those it names, and families may ask that somebody is not named"),
    }
    return said.get(Reason(code), words.label("reasons", code))


def _sum(page: Page, arithmetic: Mapping[str, Any]) -> Sum:
    words, _ = page.catalogue, page.catalogue.gettext
    parts = [_other(page, {"measure": None}, part) for part in arithmetic["parts"]]
    total = told_number(words, arithmetic["sum"])
    verdict = (
        _("The parts add up to the figure.") if arithmetic["agrees"] else _("The parts do not add up to the figure.")
    )
    mixed = len({part["measure"] for part in arithmetic["parts"]}) > 1
    return Sum(arithmetic["partition"], parts, total, verdict, mixed)
