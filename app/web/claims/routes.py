"""The list of published figures as a chronology: day by day, with who said each and since when it counts.

Published figures: the list of them, and each one beside what was verified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Response

from app import dates
from app.formats import lowered
from app.vocabulary import Measure, Stage
from app.web.claims.claim_page import MOST_SHOWN, view
from app.web.claims.data import ask
from app.web.claims.figures import figure_of_reconciliation, then_and_now_of
from app.web.claims.words import claimant_of, counted_thing, limits, relations_of, tag_of, window_of
from app.web.page import Opened, Page, PageRoute
from app.web.rendering import Catalogue, figure_of

PER_PAGE = 100  # figures: four weeks of January 2026, as one reads a chronology
NEWEST, OLDEST = "-recorded", "recorded"
FILTERS = ("claimant", "measure", "country")


@dataclass(frozen=True)
class Published:
    """One figure in the list. `window`: since when it counts; `notes`: what is odd about it."""

    figure: str
    address: str
    name: str
    tag: str
    hour: str
    thing: str
    window: str
    printed: str
    notes: Sequence[str]


@dataclass(frozen=True)
class Day:
    """The figures of one day. `told`: the day in words."""

    told: str
    figures: Sequence[Published]


@dataclass(frozen=True)
class Choice:
    """What a filter can be set to."""

    value: str
    told: str
    chosen: bool


def question(terms: Mapping[str, Any]) -> dict[str, Any]:
    """What the list asks of the API: the newest first, unless the address says otherwise."""
    asked = {name: terms.get(name) for name in (*FILTERS, "cursor")}
    return {**asked, "sort": terms.get("sort", NEWEST), "limit": PER_PAGE}


def days(page: Page, claims: Sequence[Mapping[str, Any]], *, newest_first: bool) -> list[Day]:
    """The figures of a page of the list by the days on which they were stated; those without a day last."""
    words = page.catalogue
    corrected = {other for claim in claims for other in claim["supersedes"]}
    several = len({claim["country"] for claim in claims}) > 1
    dated = sorted(claims, key=lambda claim: (claim["stated_at"] or "", claim["since"]), reverse=newest_first)
    ordered = sorted(dated, key=lambda claim: claim["stated_at"] is None)
    grouped = groupby(ordered, key=lambda claim: (claim["stated_at"] or "")[: dates.DAY_LENGTH])
    return [
        Day(
            words.long_day(day) if day else words.gettext("Without a date"),
            [_published(page, claim, corrected=claim["id"] in corrected, placed=several) for claim in figures],
        )
        for day, figures in grouped
    ]


def _published(page: Page, claim: Mapping[str, Any], *, corrected: bool, placed: bool) -> Published:
    words, _ = page.catalogue, page.catalogue.gettext
    stated = claim["stated_at"] or ""
    window = window_of(words, claim)
    if not window and claim["measure"] != Measure.HELD:
        window = _("it does not say since when")
    printed = _("Printed by %(printed)s") % {"printed": claim["reported_by"]} if claim["reported_by"] else ""
    url = (claim["citation"] or {}).get("url")
    if url and not printed:
        printed = _("Published at") + f" {urlsplit(url).hostname or ''}"
    return Published(
        figure=figure_of(claim, words),
        address=page.address(f"/claims/{claim['id']}"),
        name=claimant_of(page, claim),
        tag=tag_of(page, claim["claimant"]),
        hour=words.hour(stated, page.zone) if "T" in stated else "",
        thing=_thing(page, claim, placed=placed),
        window=window,
        printed=printed,
        notes=list(_notes(words, claim, corrected=corrected)),
    )


def _thing(page: Page, claim: Mapping[str, Any], *, placed: bool) -> str:
    """What a figure counts, in short: a release is one that was carried out, unless it says otherwise."""
    words = page.catalogue
    terms = (claim["definition"] or {}).get("terms") or {}
    carried_out = claim["measure"] == Measure.RELEASED and terms.get("stage", Stage.CARRIED_OUT) == Stage.CARRIED_OUT
    thing = words.gettext("releases") if carried_out else counted_thing(words, claim)
    only = limits(page, terms)
    if only:
        thing = f"{thing} ({', '.join(map(lowered, only))})"
    return f"{words.country(claim['country'])}: {thing}" if placed and claim["country"] else thing


def _notes(words: Catalogue, claim: Mapping[str, Any], *, corrected: bool) -> Iterable[str]:
    _ = words.gettext
    if claim["misprint"]:
        yield _("a misprint")
    if corrected:
        yield _("corrected since")
    if claim["supersedes"]:
        yield _("corrects an earlier one")
    if claim["same_as"]:
        yield _("printed before too")
    if claim["part_of"]:
        yield _("a part of another")
    if claim["named"]:
        yield _("with a list of names")


def choices(page: Page, name: str, codes: Iterable[str]) -> list[Choice]:
    """What a filter offers, by its words; what is chosen is always among it."""
    words, chosen = page.catalogue, page.terms.get(name)
    told = {
        "claimant": page.name_of,
        "measure": lambda code: words.label("measures", code),
        "country": words.country,
    }[name]
    known = {code: told(code) for code in codes}
    if isinstance(chosen, str) and chosen not in known:
        known[chosen] = chosen
    return [Choice(code, text, code == chosen) for code, text in sorted(known.items(), key=lambda option: option[1])]


def further(page: Page, following: str | None) -> str | None:
    """The address of the next page of the list, of the same revision."""
    if following is None:
        return None
    given = {name: values[0] for name, values in parse_qs(urlsplit(following).query).items()}
    kept = {name: page.terms[name] for name in (*FILTERS, "sort") if name in page.terms}
    return page.address("/claims", {**kept, "cursor": given["cursor"], "as_of": page.revision})


def countries(page: Page, claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """The countries that a reader may ask for: of the sources, and of what is listed."""
    known = {placed["country"] for placed in (*page.sources.values(), *claims)}
    return [country for country in known if country]


claims = APIRouter(include_in_schema=False, route_class=PageRoute)
SECTION = "/claims"


@claims.get("/claims")
async def list_claims(page: Opened) -> Response:
    """The published figures of a country, a measure and a claimant, day by day."""
    page.section = SECTION
    page.take_only(*FILTERS, "sort", "cursor")
    listed = await page.api.get("/v1/claims", question(page.terms))
    newest_first = page.terms.get("sort", NEWEST) == NEWEST
    filters = {
        "claimant": choices(page, "claimant", page.sources),
        "measure": choices(page, "measure", Measure),
        "country": choices(page, "country", countries(page, listed["data"])),
    }
    kept = {name: page.terms[name] for name in (*FILTERS, "as_of") if name in page.terms}
    return await page.show(
        "claims.html",
        days=days(page, listed["data"], newest_first=newest_first),
        filters=filters,
        newest_first=newest_first,
        other_way_round=page.address(SECTION, {**kept, "sort": OLDEST if newest_first else NEWEST}),
        following=further(page, listed["next"]),
        kept=kept,
    )


@claims.get("/claims/{claim_id}")
async def read_claim(page: Opened, claim_id: str) -> Response:
    """One claim."""
    page.section = SECTION
    page.take_only()
    asked = await ask(page, claim_id)
    page.shared = figure_of_reconciliation(page, asked)
    return await page.show(
        "claim.html",
        claim=asked.claim,
        asked=asked,
        view=view(page, asked),
        relations=await relations_of(page, asked.claim),
        figure=page.shared,
        then_and_now=then_and_now_of(page, asked),
        most_shown=MOST_SHOWN,
    )
