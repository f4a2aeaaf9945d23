"""What a claim says of itself, in words: what it counts, of which days, of whom, and where it was published."""

from collections.abc import Mapping
from typing import Any

from app.formats import lowered
from app.queries.terms import each
from app.vocabulary import Measure, Stage
from app.web.catalogue import Catalogue
from app.web.claims.words import of_day, of_days, quoted
from app.web.page import Page

LONGEST_LINK = 60  # characters of an address as it is shown
MANY = 2  # for a sentence about releases of which nobody says how many
# In which list of the vocabulary a term of a claim's definition has its codes, or None where its value is a name.
TERMS = {
    "kind": "release_kinds", "status": "statuses", "condition": "conditions", "age_group": "age_groups",
    "group": "groups", "designation": "designations", "legal_status": "legal_statuses", "gender": "genders",
    "category": "categories",
}  # fmt: skip


def counted_thing(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """What a claim counts, in words."""
    _ = words.gettext
    if claim["measure"] != Measure.RELEASED:
        return lowered(words.label("measures", claim["measure"]))
    stage = ((claim["definition"] or {}).get("terms") or {}).get("stage", Stage.CARRIED_OUT)
    return {
        Stage.ANNOUNCED: _("releases announced"),
        Stage.ORDERED: _("releases ordered"),
        Stage.CARRIED_OUT: _("releases carried out"),
    }[Stage(stage)]


def window_of(words: Catalogue, claim: Mapping[str, Any]) -> str:
    """Since when, and until when, a claim counts; nothing where it does not say."""
    start, end = claim["window_from"], claim["window_to"]
    if claim["measure"] == Measure.HELD:
        return of_day(words, end) if end else ""
    return of_days(words, start, end)


def facts_of(page: Page, claim: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was said, and how it was filed."""
    words, _ = page.catalogue, page.catalogue.gettext
    definition, citation = claim["definition"] or {}, claim["citation"] or {}
    unsaid = _("it does not say")
    facts = [(_("What it counts"), counted_thing(words, claim))]
    if claim["measure"] == Measure.HELD:
        facts.append((_("On which day"), window_of(words, claim) or _("the day on which it was stated")))
    else:
        facts.append((_("Since when it counts"), window_of(words, claim) or unsaid))
    if claim["window_said"]:
        facts.append((_("In the words of the publication"), quoted(words, claim["window_said"])))
    facts += [(_("Only of"), value) for value in limits(page, definition.get("terms") or {})]
    if definition.get("population"):
        facts.append((_("Whom it counts"), quoted(words, definition["population"])))
    if definition.get("net") is not None:
        net = _("leaves out who was taken again") if definition["net"] else _("counts who was taken again too")
        facts.append((_("Gross or net"), net))
    if claim["series"]:
        facts.append((_("Kind of figure"), words.label("series", claim["series"])))
    if claim["country"]:
        facts.append((_("Country"), words.country(claim["country"])))
    facts.append((_("List of names"), _("published") if claim["named"] else _("none was published")))
    if citation.get("quote"):
        facts.append((_("Quotation"), quoted(words, citation["quote"])))
    if claim["filed_by"]:
        facts.append((_("Filed by"), page.name_of(claim["filed_by"])))
    return facts


def limits(page: Page, terms: Mapping[str, Any]) -> list[str]:
    """The terms by which a claim counts some people only, in words."""
    words, _ = page.catalogue, page.catalogue.gettext
    limits: list[str] = []
    for name, value in terms.items():
        values = value if isinstance(value, list) else [value]
        if name == "stage":
            continue
        if name in TERMS:
            limits.append(words.listed([words.label(TERMS[name], code) for code in values]))
        elif name == "nationality":
            limits.append(words.listed([words.country(code) for code in values]))
        elif name in ("any_of", "all_of"):
            sources = {"source": words.listed([page.name_of(slug) for slug in values])}
            limits.append(words.ngettext("verified by %(source)s", "verified by %(source)s", MANY) % sources)
        elif name == "min_sources":
            limits.append(_("verified by at least %(number)s sources") % {"number": words.number(value)})
        else:  # a facility, an area or a destination, which have names
            limits.append(words.listed([words.quoted(str(name)) for name in values]))
    return limits


def counts_alike(claim: Mapping[str, Any], terms: Mapping[str, Any]) -> bool:
    """Whether a claim of released people counts by the terms of a count, as an answer echoes them, from whatever day
    each counts."""
    definition = claim.get("definition") or {}
    own = {"stage": Stage.CARRIED_OUT, "net": bool(definition.get("net")), "country": claim["country"],
           "released_to": claim["window_to"], **(definition.get("terms") or {})}  # fmt: skip
    of_others = bool(definition.get("population") or definition.get("subset_of"))
    return not of_others and _compared(own) == _compared(terms)


def _compared(terms: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        name: sorted(map(str, each(value)))
        for name, value in terms.items()
        if value is not None and name not in ("released_from", "group_by")
    }


def counted_by(page: Page, claim: Mapping[str, Any], days: str) -> str:
    """What a claim of released people counts, by all of its own terms. `days`: since when and until when, in words."""
    words, _ = page.catalogue, page.catalogue.gettext
    thing, definition = counted_thing(words, claim), claim["definition"] or {}
    if claim["country"]:
        thing = _("%(things)s in %(country)s") % {"things": thing, "country": words.country(claim["country"])}
    said = [f"{thing} {days}".strip(), *limits(page, definition.get("terms") or {})]
    if definition.get("population"):
        said.append(_("people whom it describes in its own words"))
    if definition.get("subset_of"):
        said.append(_("a part of another figure"))
    if definition.get("net"):
        said.append(_("leaves out who was taken again"))
    return "; ".join(said)


def link_of(claim: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where it was published, without what makes an address long."""
    url = (claim["citation"] or {}).get("url")
    if not url:
        return None
    shown = url.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    return url, shown if len(shown) <= LONGEST_LINK else shown[:LONGEST_LINK] + "…"
