"""Published figures: the list of them, and each one beside what was verified."""

from fastapi import APIRouter, Response

from app.vocabulary import Measure
from app.web.claims.asked import ask
from app.web.claims.claim_page import MOST_SHOWN, view
from app.web.claims.listing import FILTERS, NEWEST, OLDEST, choices, countries, days, further, question
from app.web.claims.reconciliation import figure_of_reconciliation
from app.web.claims.relations import relations_of
from app.web.claims.then_and_now import then_and_now_of
from app.web.page import Opened, PageRoute

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
