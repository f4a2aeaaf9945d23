"""What was taken back or changed, newest first, in words: by whom, what stood before, and what stands now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from app.api.responses import UNCACHED
from app.vocabulary import CorrectionKind
from app.web.corrections.told import Teller, Told
from app.web.page import Opened, Page, PageRoute

corrections = APIRouter(include_in_schema=False, route_class=PageRoute)

FILTERS = ("kind", "source", "country", "since")
MOST_CLAIMS = 200  # one page of their list: a figure that is older is told by its numbers


@corrections.get("/corrections")
async def read_corrections(page: Opened) -> Response:
    """The chronology, a page of it at a time."""
    page.section = "/corrections"
    found = await page.api.get("/v1/corrections", page.terms)
    filters = {name: page.terms[name] for name in FILTERS if name in page.terms}
    return await page.show(
        "corrections/list.html",
        caching=UNCACHED,  # whoever stands here may ask tomorrow not to be shown
        months=by_month(await told(page, found["data"]), page),
        found=found,
        filters=filters,
        kinds=list(CorrectionKind),
        countries=sorted({source["country"] for source in page.sources.values()} - {None}),
        feed=feed_address(page, filters),
        older=page.behind(found["next"]) if found["next"] else None,
    )


async def told(page: Page, found: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Corrections of the API's list in words; one question more where any is of a figure."""
    claims: dict[str, Mapping[str, Any]] = {}
    if any(correction["claim_ids"] for correction in found):
        newest = await page.api.get("/v1/claims", sort="-recorded", limit=MOST_CLAIMS)
        claims = {claim["id"]: claim for claim in newest["data"]}
    teller = Teller(page.catalogue, page.zone, page.name_of, page.address, claims)
    return [teller.told(correction) for correction in found]


def by_month(corrections: Sequence[Told], page: Page) -> list[tuple[str, list[Told]]]:
    """Corrections in the order given under the months in which they were recorded, where the registry is."""

    def month(correction: Told) -> str:
        local = datetime.fromisoformat(correction.recorded_at).astimezone(page.zone)
        return page.catalogue.long_day(f"{local:%Y-%m}")

    return [(name, list(some)) for name, some in groupby(corrections, month)]


def feed_address(page: Page, filters: Mapping[str, Any]) -> str:
    """The same as a feed to subscribe to, in a language that feeds have."""
    asked = {name: term for name, term in filters.items() if name != "since"}
    return f"/v1/corrections.atom?{urlencode({**asked, 'lang': page.catalogue.spoken}, doseq=True)}"
