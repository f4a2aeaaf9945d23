"""Routes of published figures: a chronology by day, and the page of each figure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Response

from app import dates
from app.api.routes.directory import list_claims
from app.formats import lower_first_letter
from app.vocabulary import Measure, Stage
from app.web.claims.claim_page import MAX_SHOWN_FIGURES, build_claim_page
from app.web.claims.data import fetch_reconciled_claim
from app.web.claims.figures import draw_claim_then_and_now, draw_reconciliation
from app.web.claims.text import (
    describe_claim_measure,
    describe_limits,
    fetch_claim_relations,
    format_attribution,
    format_claim_window,
    format_claimant,
    format_source_tag,
)
from app.web.page import CurrentPage, Page, PageRoute
from app.web.rendering import Catalogue, format_claim_figure

PER_PAGE = 100  # figures, about four weeks of January 2026
NEWEST, OLDEST = "-added", "added"
FILTERS = ("claimant", "measure", "country")


@dataclass(frozen=True)
class ListedFigure:
    """A figure in the list. `window`: its beginning; `attribution`: who filed hearsay; `notes`: its
    peculiarities."""

    figure: str
    address: str
    name: str
    tag: str
    hour: str
    subject: str
    window: str
    publication: str
    attribution: str
    notes: Sequence[str]


@dataclass(frozen=True)
class ClaimDay:
    """The figures of one day. `label`: the day in words."""

    label: str
    figures: Sequence[ListedFigure]


@dataclass(frozen=True)
class Choice:
    """An option of a filter."""

    value: str
    label: str
    is_chosen: bool


def build_list_query(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Build the API query of the list: newest first by default."""
    filters = {name: terms.get(name) for name in (*FILTERS, "cursor")}
    return {**filters, "sort": terms.get("sort", NEWEST), "limit": PER_PAGE}


def group_by_day(page: Page, claims: Sequence[Mapping[str, Any]], *, newest_first: bool) -> list[ClaimDay]:
    """Group a page of the list by day of statement; figures without a day come last."""
    words = page.catalogue
    corrected_ids = {str(other) for claim in claims for other in claim["supersedes"]}
    has_several_countries = len({claim["country"] for claim in claims}) > 1
    sorted_claims = sorted(claims, key=lambda claim: (claim["stated_at"] or "", claim["since"]), reverse=newest_first)
    ordered_claims = sorted(sorted_claims, key=lambda claim: claim["stated_at"] is None)
    groups = groupby(ordered_claims, key=lambda claim: (claim["stated_at"] or "")[: dates.DAY_LENGTH])
    return [
        ClaimDay(
            words.long_day(day) if day else words.gettext("Without a date"),
            [
                _build_listed_figure(
                    page, claim, is_corrected=str(claim["id"]) in corrected_ids, is_country_shown=has_several_countries
                )
                for claim in figures
            ],
        )
        for day, figures in groups
    ]


def _build_listed_figure(
    page: Page, claim: Mapping[str, Any], *, is_corrected: bool, is_country_shown: bool
) -> ListedFigure:
    words, _ = page.catalogue, page.catalogue.gettext
    stated_at = claim["stated_at"] or ""
    window = format_claim_window(words, claim)
    if not window and claim["measure"] != Measure.HELD:
        window = _("it does not say since when")
    publication = _("Printed by %(printed)s") % {"printed": claim["reported_by"]} if claim["reported_by"] else ""
    url = (claim["citation"] or {}).get("url")
    if url and not publication:
        publication = _("Published at") + f" {urlsplit(url).hostname or ''}"
    return ListedFigure(
        figure=format_claim_figure(claim, words),
        address=page.address(f"/claims/{claim['id']}"),
        name=format_claimant(page, claim),
        tag=format_source_tag(page, claim["claimant"]),
        hour=words.hour(stated_at, page.zone) if "T" in stated_at else "",
        subject=_describe_subject(page, claim, is_country_shown=is_country_shown),
        window=window,
        publication=publication,
        attribution=format_attribution(page, claim),
        notes=list(_list_notes(words, claim, is_corrected=is_corrected)),
    )


def _describe_subject(page: Page, claim: Mapping[str, Any], *, is_country_shown: bool) -> str:
    """Describe briefly what a figure counts: releases carried out, unless it says otherwise."""
    words = page.catalogue
    terms = (claim["definition"] or {}).get("terms") or {}
    is_carried_out = claim["measure"] == Measure.RELEASED and terms.get("stage", Stage.CARRIED_OUT) == Stage.CARRIED_OUT
    subject = words.gettext("releases") if is_carried_out else describe_claim_measure(words, claim)
    restrictions = describe_limits(page, terms)
    if restrictions:
        subject = f"{subject} ({', '.join(map(lower_first_letter, restrictions))})"
    return f"{words.country(claim['country'])}: {subject}" if is_country_shown and claim["country"] else subject


def _list_notes(words: Catalogue, claim: Mapping[str, Any], *, is_corrected: bool) -> Iterable[str]:
    _ = words.gettext
    if claim["misprint"]:
        yield _("a misprint")
    if is_corrected:
        yield _("corrected since")
    if claim["supersedes"]:
        yield _("corrects an earlier one")
    if claim["same_as"]:
        yield _("printed before too")
    if claim["part_of"]:
        yield _("a part of another")
    if claim["named"]:
        yield _("with a list of names")


def build_choices(page: Page, name: str, codes: Iterable[str]) -> list[Choice]:
    """Return the options of a filter, including the current one."""
    words, chosen_code = page.catalogue, page.terms.get(name)
    format_code = {
        "claimant": page.get_source_name,
        "measure": lambda code: words.label("measures", code),
        "country": words.country,
    }[name]
    labels = {code: format_code(code) for code in codes}
    if isinstance(chosen_code, str) and chosen_code not in labels:
        labels[chosen_code] = chosen_code
    return [
        Choice(code, text, code == chosen_code) for code, text in sorted(labels.items(), key=lambda option: option[1])
    ]


def build_next_address(page: Page, following: str | None) -> str | None:
    """Return the address of the next page of the list, at the same revision."""
    if following is None:
        return None
    query = {name: values[0] for name, values in parse_qs(urlsplit(following).query).items()}
    retained_terms = {name: page.terms[name] for name in (*FILTERS, "sort") if name in page.terms}
    return page.address("/claims", {**retained_terms, "cursor": query["cursor"], "as_of": page.as_of})


def list_claim_countries(page: Page, claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the countries to choose from: of the sources, and of the listed figures."""
    codes = {record["country"] for record in (*page.sources.values(), *claims)}
    return [country for country in codes if country]


claims = APIRouter(include_in_schema=False, route_class=PageRoute)
CLAIMS_PATH = "/claims"


@claims.get("/claims")
async def show_claims(page: CurrentPage) -> Response:
    """Show published figures of a country, a measure and a claimant by day."""
    page.section = CLAIMS_PATH
    page.allow_only_terms(*FILTERS, "sort", "cursor")
    answer = await page.api.read(list_claims, build_list_query(page.terms))
    newest_first = page.terms.get("sort", NEWEST) == NEWEST
    filters = {
        "claimant": build_choices(page, "claimant", page.sources),
        "measure": build_choices(page, "measure", Measure),
        "country": build_choices(page, "country", list_claim_countries(page, answer["data"])),
    }
    retained_terms = {name: page.terms[name] for name in (*FILTERS, "as_of") if name in page.terms}
    return await page.show(
        "claims.html",
        days=group_by_day(page, answer["data"], newest_first=newest_first),
        filters=filters,
        newest_first=newest_first,
        other_way_round=page.address(CLAIMS_PATH, {**retained_terms, "sort": OLDEST if newest_first else NEWEST}),
        following=build_next_address(page, answer["next"]),
        retained_terms=retained_terms,
    )


@claims.get("/claims/{claim_id}")
async def read_claim(page: CurrentPage, claim_id: str) -> Response:
    """Show one claim."""
    page.section = CLAIMS_PATH
    page.allow_only_terms()
    reconciled_claim = await fetch_reconciled_claim(page, claim_id)
    page.shared_figure = draw_reconciliation(page, reconciled_claim)
    return await page.show(
        "claim.html",
        claim=reconciled_claim.claim,
        reconciled_claim=reconciled_claim,
        view=build_claim_page(page, reconciled_claim),
        relations=await fetch_claim_relations(page, reconciled_claim.claim),
        figure=page.shared_figure,
        then_and_now=draw_claim_then_and_now(page, reconciled_claim),
        max_shown=MAX_SHOWN_FIGURES,
    )
