"""Words that the pages of claims share: who a source is, and of which days a figure is.

What a claim says of itself, in words: what it counts, of which days, of whom, and where it was published.

How a claim stands to others: what corrects it, what it corrects, repeats, derives from or is a part of."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app import dates
from app.formats import lowered
from app.queries.terms import each
from app.vocabulary import Measure, SourceKind, Stage
from app.web.asking import Refused
from app.web.page import Page
from app.web.rendering import Catalogue, figure_of


def is_independent(page: Page, slug: str) -> bool:
    """Whether a source counts as independent; one that is not known does not."""
    return slug in page.sources and bool(page.sources[slug]["independent"])


def tag_of(page: Page, slug: str | None) -> str:
    """The tag of a source that does not count as independent."""
    _ = page.catalogue.gettext
    if slug is None or slug not in page.sources or page.sources[slug]["independent"]:
        return ""
    return _("government") if page.sources[slug]["kind"] == SourceKind.GOVERNMENT else _("not independent")


def since_when(words: Catalogue, day: str, *, short: bool = False) -> str:
    """Since when a figure counts, from a day, a month or a year: "since 8 January 2026", "since December 2025"."""
    _, told = words.gettext, words.day(day) if short else words.long_day(day)
    if len(day) == dates.DAY_LENGTH:
        return _("since %(day)s") % {"day": told}
    return _("since %(month)s") % {"month": told}


def beginnings_of(starts: Sequence[str], words: Catalogue, *, short: bool = False) -> str:
    """Since when a figure counts, with every beginning that was printed with it."""
    told = [words.day(start) if short else words.long_day(start) for start in starts]
    if not told:
        return words.gettext("does not say since when")
    if len(told) == 1:
        return since_when(words, starts[0], short=short)
    if short:
        return words.listed(told)
    return words.ngettext(
        "printed with %(number)s beginning: %(days)s", "printed with %(number)s beginnings: %(days)s", len(told)
    ) % {"number": in_words(len(told), words), "days": words.listed(told)}


def in_words(number: int, words: Catalogue) -> str:
    """A small number as a word; nothing that is counted is told so in a table."""
    _ = words.gettext
    small = [_("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine")]
    return small[number - 2] if 2 <= number < 2 + len(small) else words.number(number)


def until_when(words: Catalogue, day: str) -> str:
    """Until a day, or until a month or a year."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("until %(day)s") % {"day": words.long_day(day)}
    return _("until %(month)s") % {"month": words.long_day(day)}


def of_days(words: Catalogue, start: str | None, end: str | None) -> str:
    """Since when and until when, where they are said: "since December 2025 until 9 February 2026", "on 8 January"."""
    if start and start == end:
        return words.gettext("on %(start)s") % {"start": words.day_in_sentence(start)}
    days = [since_when(words, start) if start else "", until_when(words, end) if end else ""]
    return " ".join(filter(None, days))


def claimant_of(page: Page, claim: Mapping[str, Any]) -> str:
    """Whoever a claim is credited to; else whoever printed it."""
    _ = page.catalogue.gettext
    names = [page.name_of(slug) for slug in (claim["claimant"], *claim.get("joint_with", ())) if slug]
    if names:
        return page.catalogue.listed(names)
    return _("Somebody not named")


def said_when(page: Page, claim: Mapping[str, Any]) -> str:
    """When a figure was stated, with its hour if it has one."""
    stated = claim["stated_at"]
    return page.catalogue.said_at(stated, page.zone) if stated else page.catalogue.gettext("without a date")


def by_organisation(page: Page, claim: Mapping[str, Any]) -> bool:
    """Whether whoever gives a figure counts as independent, and so is no authority whose word is put beside others."""
    return claim["claimant"] is not None and is_independent(page, claim["claimant"])


def quoted(words: Catalogue, text: str) -> Markup:
    """What somebody else wrote, in a language that nobody has told the registry."""
    return Markup('<span lang="">{}</span>').format(words.gettext("“%(text)s”") % {"text": text})


def of_day(words: Catalogue, day: str) -> str:
    """Of a day, or of a month or a year."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("of %(day)s") % {"day": words.long_day(day)}
    return _("of %(month)s") % {"month": words.long_day(day)}


def told_number(words: Catalogue, bounds: Mapping[str, Any]) -> str:
    """A number, or what is known of one: the lowest and the highest that it may be."""
    _ = words.gettext
    low, high = bounds["low"], bounds["high"]
    if low == high:
        return _("no number") if low is None else words.number(low)
    given = {name: words.number(each) for name, each in (("low", low), ("high", high)) if each is not None}
    if high is None:
        return _("at least %(low)s") % given
    return (_("at most %(high)s") if low is None else _("between %(low)s and %(high)s")) % given


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


# Other claims that the page of one reads: each is a question. A figure that is a part of more wholes is unheard of.
MOST_RELATED = 8


@dataclass(frozen=True)
class Relation:
    """Another claim and how this one stands to it. `corrects`: it stands for this one by now."""

    how: str
    figure: str
    address: str
    name: str
    tag: str
    when: str
    corrects: bool = False


async def relations_of(page: Page, claim: Mapping[str, Any]) -> list[Relation]:
    """The other claims that a claim names, and those that correct it, as they stand at the page's revision."""
    named = list(_named(page, claim))[:MOST_RELATED]
    asked = [page.api.get(f"/v1/claims/{other}") for _how, other, _corrects in named]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    relations = []
    for (how, _other, corrects), answer in zip(named, answers, strict=True):
        if isinstance(answer, Refused):  # recalled since, or not yet filed at that revision
            continue
        if isinstance(answer, BaseException):
            raise answer
        relations.append(
            Relation(
                how,
                figure_of(answer, page.catalogue),
                page.address(f"/claims/{answer['id']}"),
                claimant_of(page, answer),
                tag_of(page, answer["claimant"]),
                said_when(page, answer),
                corrects,
            )
        )
    return relations


def _named(page: Page, claim: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """How, to which claim, and whether that corrects this one."""
    _ = page.catalogue.gettext
    for other in claim["superseded_by"]:
        yield _("It was corrected. By now there stands:"), other, True
    for other in claim["supersedes"]:
        yield _("It corrects:"), other, False
    if claim["same_as"]:
        yield _("It prints the same figure again as:"), claim["same_as"], False
    if claim["derived_from"]:
        yield _("It derives from:"), claim["derived_from"], False
    whole = (claim["definition"] or {}).get("subset_of")
    if whole:
        yield _("It counts a part of those in:"), whole, False
    for other in dict.fromkeys(part["claim"] for part in claim["part_of"]):
        yield _("It is a part of:"), other, False
