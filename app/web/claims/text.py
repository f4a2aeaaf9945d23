"""Format claims: source tags, windows and dates, what a claim counts, and its relations to other claims."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from app import dates
from app.api.routes.directory import read_claim
from app.claims.figures import translate_definition_terms
from app.errors import Problem
from app.formats import lower_first_letter
from app.queries.addresses import list_values
from app.queries.dimensions import STAGES_BY_EVENT, get_stage_event
from app.vocabulary import Measure, SourceKind, Stage
from app.web.count_text import TermFormatter
from app.web.page import Page
from app.web.rendering import Catalogue, format_claim_figure


def is_independent(page: Page, slug: str) -> bool:
    """Return whether a source counts as independent; unknown sources do not."""
    return slug in page.sources and bool(page.sources[slug]["independent"])


def format_source_tag(page: Page, slug: str | None) -> str:
    """Return the tag of a source that is not independent."""
    _ = page.catalogue.gettext
    if slug is None or slug not in page.sources or page.sources[slug]["independent"]:
        return ""
    return _("government") if page.sources[slug]["kind"] == SourceKind.GOVERNMENT else _("not independent")


def format_since(words: Catalogue, day: str, *, short: bool = False) -> str:
    """Format the beginning of a figure, a partial date: "since 8 January 2026", "since December 2025"."""
    _, formatted = words.gettext, words.day(day) if short else words.long_day(day)
    if len(day) == dates.DAY_LENGTH:
        return _("since %(day)s") % {"day": formatted}
    return _("since %(month)s") % {"month": formatted}


def format_starts(starts: Sequence[str], words: Catalogue, *, short: bool = False) -> str:
    """Format the beginning of a figure, with every published beginning."""
    formatted = [words.day(start) if short else words.long_day(start) for start in starts]
    if not formatted:
        return words.gettext("does not say since when")
    if len(formatted) == 1:
        return format_since(words, starts[0], short=short)
    if short:
        return words.listed(formatted)
    return words.ngettext(
        "printed with %(number)s beginning: %(days)s", "printed with %(number)s beginnings: %(days)s", len(formatted)
    ) % {"number": spell_number(len(formatted), words), "days": words.listed(formatted)}


def spell_number(number: int, words: Catalogue) -> str:
    """Spell a small number as a word. Do not use it in tables."""
    _ = words.gettext
    small = [_("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine")]
    return small[number - 2] if 2 <= number < 2 + len(small) else words.number(number)


def format_until(words: Catalogue, day: str) -> str:
    """Format the end of a figure, a partial date."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("until %(day)s") % {"day": words.long_day(day)}
    return _("until %(month)s") % {"month": words.long_day(day)}


def format_window(words: Catalogue, start: str | None, end: str | None) -> str:
    """Format a window with known ends: "since December 2025 until 9 February 2026", "on 8 January"."""
    if start and start == end:
        _ = words.gettext
        phrase = _("on %(start)s") if len(start) == dates.DAY_LENGTH else _("in %(start)s")
        return phrase % {"start": words.day_in_sentence(start)}
    days = [format_since(words, start) if start else "", format_until(words, end) if end else ""]
    return " ".join(filter(None, days))


def format_claimant(page: Page, claim: Mapping[str, Any]) -> str:
    """Return the name of the claimant, or else of the publisher."""
    _ = page.catalogue.gettext
    names = [page.get_source_name(slug) for slug in (claim["claimant"], *claim.get("joint_with", ())) if slug]
    if names:
        return page.catalogue.listed(names)
    return _("Somebody not named")


def format_attribution(page: Page, claim: Mapping[str, Any]) -> str:
    """Name the filer and the publication of hearsay; empty for a confirmed claim."""
    if claim["confirmed"]:
        return ""
    _ = page.catalogue.gettext
    filer = page.get_source_name(claim["filed_by"]) if claim["filed_by"] else _("a curator")
    publication = urlsplit((claim["citation"] or {}).get("url") or "").hostname or claim["reported_by"]
    if publication is None:
        return _("as filed by %(filer)s, without a citation") % {"filer": filer}
    return _("as filed by %(filer)s, citing %(publication)s") % {"filer": filer, "publication": publication}


def format_statement_date(page: Page, claim: Mapping[str, Any]) -> str:
    """Format when a figure was stated, with its hour if known."""
    stated_at = claim["stated_at"]
    return (
        page.catalogue.statement_date(stated_at, page.zone) if stated_at else page.catalogue.gettext("without a date")
    )


def is_by_organisation(page: Page, claim: Mapping[str, Any]) -> bool:
    """Return whether the claimant is an independent source, as opposed to an authority."""
    return claim["claimant"] is not None and is_independent(page, claim["claimant"])


def format_quotation(words: Catalogue, text: str) -> Markup:
    """Quote a text whose language is unknown."""
    return Markup('<span lang="">{}</span>').format(words.gettext("“%(text)s”") % {"text": text})


def format_of_day(words: Catalogue, day: str) -> str:
    """Format a partial date as an attribute: "of 13 January"."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("of %(day)s") % {"day": words.long_day(day)}
    return _("of %(month)s") % {"month": words.long_day(day)}


def format_bounds(words: Catalogue, bounds: Mapping[str, Any]) -> str:
    """Format a number, or its known lower and upper bound."""
    _ = words.gettext
    low, high = bounds["low"], bounds["high"]
    if low == high:
        return _("no number") if low is None else words.number(low)
    values = {name: words.number(bound) for name, bound in (("low", low), ("high", high)) if bound is not None}
    if high is None:
        return _("at least %(low)s") % values
    return (_("at most %(high)s") if low is None else _("between %(low)s and %(high)s")) % values


LONGEST_LINK = 60  # characters of a shown address
# The code list of each term in a claim's definition; None if its value is a name.
TERM_CODE_LISTS = {
    "kind": "release_kinds", "status": "statuses", "condition": "conditions", "age_group": "age_groups",
    "group": "groups", "designation": "designations", "legal_status": "legal_statuses", "gender": "genders",
    "category": "categories",
}  # fmt: skip


def describe_claim_measure(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """Describe what a claim counts."""
    _ = words.gettext
    if claim["measure"] != Measure.RELEASED:
        return lower_first_letter(words.label("measures", claim["measure"]))
    stage = ((claim["definition"] or {}).get("terms") or {}).get("stage", Stage.CARRIED_OUT)
    return {
        Stage.ANNOUNCED: _("releases announced"),
        Stage.ORDERED: _("releases ordered"),
        Stage.CARRIED_OUT: _("releases carried out"),
    }[Stage(stage)]


def format_claim_window(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """Format the window of a claim; empty if it states none."""
    start, end = claim["window_from"], claim["window_to"]
    if claim["measure"] == Measure.HELD:
        return format_of_day(words, end) if end else ""
    return format_window(words, start, end)


def list_claim_facts(page: Page, claim: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was stated, and how it was filed, as (label, value)."""
    words, _ = page.catalogue, page.catalogue.gettext
    definition, citation = claim["definition"] or {}, claim["citation"] or {}
    not_stated = _("it does not say")
    facts = [(_("What it counts"), describe_claim_measure(words, claim))]
    if claim["measure"] == Measure.HELD:
        facts.append((_("On which day"), format_claim_window(words, claim) or _("the day on which it was stated")))
    else:
        facts.append((_("Since when it counts"), format_claim_window(words, claim) or not_stated))
    if claim["window_said"]:
        facts.append((_("In the words of the publication"), format_quotation(words, claim["window_said"])))
    facts += [(_("Only of"), value) for value in describe_limits(page, definition.get("terms") or {})]
    if definition.get("population"):
        facts.append((_("Whom it counts"), format_quotation(words, definition["population"])))
    if definition.get("net") is not None:
        net = _("leaves out who was taken again") if definition["net"] else _("counts who was taken again too")
        facts.append((_("Gross or net"), net))
    if claim["series"]:
        facts.append((_("Kind of figure"), words.label("series", claim["series"])))
    if claim["country"]:
        facts.append((_("Country"), words.country(claim["country"])))
    facts.append((_("List of names"), _("published") if claim["named"] else _("none was published")))
    if citation.get("quote"):
        facts.append((_("Quotation"), format_quotation(words, citation["quote"])))
    if claim["filed_by"]:
        facts.append((_("Filed by"), page.get_source_name(claim["filed_by"])))
    return facts


def describe_limits(page: Page, terms: Mapping[str, Any]) -> list[str]:
    """Describe the terms that limit a claim to some people."""
    words, _ = page.catalogue, page.catalogue.gettext
    descriptions: list[str] = []
    for name, value in terms.items():
        values = value if isinstance(value, list) else [value]
        if name == "stage":
            continue
        if name in TERM_CODE_LISTS:
            descriptions.append(words.listed([words.label(TERM_CODE_LISTS[name], code) for code in values]))
        elif name == "house_arrest":
            text = _("with those released to house arrest") if value else _("without those released to house arrest")
            descriptions.append(text)
        elif name == "nationality":
            descriptions.append(words.listed([words.country(code) for code in values]))
        elif name in ("any_of", "all_of"):
            sources = {"source": words.listed([page.get_source_name(slug) for slug in values])}
            descriptions.append(
                # 2: the plural, because the number of releases is unknown.
                words.ngettext("verified by %(source)s", "verified by %(source)s", 2) % sources
            )
        elif name == "min_sources":
            descriptions.append(_("verified by at least %(number)s sources") % {"number": words.number(value)})
        else:  # a facility, an area or a destination: values are names
            descriptions.append(words.listed([words.quote(str(name)) for name in values]))
    return descriptions


def format_term_name(page: Page, name: str) -> str:
    """Return the label of a term for a sentence."""
    return lower_first_letter(TermFormatter(page.catalogue, {}, {}).labels[name])


def is_same_count(claim: Mapping[str, Any], terms: Mapping[str, Any]) -> bool:
    """Return whether a claim of releases counts by the echoed terms of a count, whatever their beginnings."""
    definition = claim.get("definition") or {}
    own = {
        "stage": Stage.CARRIED_OUT,
        "net": bool(definition.get("net")),
        "country": claim["country"],
        **translate_definition_terms(definition.get("terms") or {}),
    }
    own[f"{get_stage_event(str(own['stage']))}_to"] = claim["window_to"]
    has_own_population = bool(definition.get("population") or definition.get("subset_of"))
    return not has_own_population and _normalize_terms(own) == _normalize_terms(terms)


WINDOW_STARTS = tuple(f"{event}_from" for event in STAGES_BY_EVENT)


def _normalize_terms(terms: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        name: sorted(map(str, list_values(value)))
        for name, value in terms.items()
        if value is not None and name not in (*WINDOW_STARTS, "group_by")
    }


def describe_claim_terms(page: Page, claim: Mapping[str, Any], days: str) -> str:
    """Describe all terms of a claim of releases. `days`: its window in words."""
    words, _ = page.catalogue, page.catalogue.gettext
    subject, definition = describe_claim_measure(words, claim), claim["definition"] or {}
    if claim["country"]:
        subject = _("%(things)s in %(country)s") % {"things": subject, "country": words.country(claim["country"])}
    parts = [f"{subject} {days}".strip(), *describe_limits(page, definition.get("terms") or {})]
    if definition.get("population"):
        parts.append(_("people whom it describes in its own words"))
    if definition.get("subset_of"):
        parts.append(_("a part of another figure"))
    if definition.get("net"):
        parts.append(_("leaves out who was taken again"))
    return "; ".join(parts)


def format_publication_link(claim: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the address of the publication, and a shortened text for it."""
    url = (claim["citation"] or {}).get("url")
    if not url:
        return None
    text = url.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    return url, text if len(text) <= LONGEST_LINK else text[:LONGEST_LINK] + "…"


# Related claims that a page reads: each is a request, and no known claim has more.
MAX_RELATIONS = 8


@dataclass(frozen=True)
class ClaimRelation:
    """A related claim. `is_correction`: it has replaced this claim."""

    description: str
    figure: str
    address: str
    name: str
    tag: str
    statement_date: str
    is_correction: bool = False


async def fetch_claim_relations(page: Page, claim: Mapping[str, Any]) -> list[ClaimRelation]:
    """Fetch the claims that a claim names, and those that correct it, at the page's revision."""
    related = list(_list_related_claims(page, claim))[:MAX_RELATIONS]
    requests = [page.api.read(read_claim, claim_id=claim_id) for _description, claim_id, _is_correction in related]
    answers = await asyncio.gather(*requests, return_exceptions=True)
    relations = []
    for (description, _claim_id, is_correction), answer in zip(related, answers, strict=True):
        if isinstance(answer, Problem):  # recalled, or not yet filed at that revision
            continue
        if isinstance(answer, BaseException):
            raise answer
        relations.append(
            ClaimRelation(
                description,
                format_claim_figure(answer, page.catalogue),
                page.address(f"/claims/{answer['id']}"),
                format_claimant(page, answer),
                format_source_tag(page, answer["claimant"]),
                format_statement_date(page, answer),
                is_correction,
            )
        )
    return relations


def _list_related_claims(page: Page, claim: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield (relation, claim id, whether it corrects this claim)."""
    _ = page.catalogue.gettext
    for claim_id in claim["superseded_by"]:
        yield _("It was corrected. By now there stands:"), claim_id, True
    for claim_id in claim["supersedes"]:
        yield _("It corrects:"), claim_id, False
    if claim["same_as"]:
        yield _("It prints the same figure again as:"), claim["same_as"], False
    if claim["derived_from"]:
        yield _("It derives from:"), claim["derived_from"], False
    whole = (claim["definition"] or {}).get("subset_of")
    if whole:
        yield _("It counts a part of those in:"), whole, False
    for claim_id in dict.fromkeys(part["claim"] for part in claim["part_of"]):
        yield _("It is a part of:"), claim_id, False
