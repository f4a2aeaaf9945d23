"""What of the registry can be downloaded, under which licence, how it is cited, and how often it changes; and the same
for machines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import LIVE
from app.errors import NotFound
from app.web.asking import Refused, together
from app.web.data.dataset import About, Table, croissant_of, dataset_of
from app.web.page import Opened, Page, PageRoute, sent

data = APIRouter(include_in_schema=False, route_class=PageRoute)

MEDIA = "application/ld+json"
NEWEST_FILES = "/data/latest/"


@dataclass(frozen=True)
class Found:
    """What the page tells. `files`: the descriptor of the newest count files, if this registry gives any."""

    count: Mapping[str, Any]
    countries: tuple[str, ...]
    lists: tuple[Table, ...]
    counts: tuple[Table, ...]
    files: Mapping[str, Any] | None
    licence: Mapping[str, Any] | None

    @property
    def size(self) -> int:
        """Of all count files, in bytes."""
        return sum(file["bytes"] for file in self.files["resources"]) if self.files else 0


@data.get("/data")
async def read_data(page: Opened) -> Response:
    """Data and licence."""
    page.section = "/data"
    page.take_only()
    found = await find(page)
    return await page.show("data.html", found=found, dataset=dataset_of(*described(page, found)))


@data.get("/data/dataset.jsonld")
async def read_dataset(page: Opened) -> Response:
    """The lists and counts for machines."""
    page.take_only()
    return _json_ld(page, dataset_of(*described(page, await find(page))))


@data.get("/data/count-files.jsonld")
async def read_count_files(page: Opened) -> Response:
    """The newest count files for machines."""
    page.take_only()
    found = await find(page)
    if found.files is None:
        raise NotFound("This registry gives no count files.")
    about, _tables, _recorded_at = described(page, found)
    # A citation is of the revision that it was made at.
    is_of_page = found.files["version"] == str(page.revision)
    return _json_ld(page, croissant_of(about, found.files, found.count["citation"]["bibtex"] if is_of_page else None))


def _json_ld(page: Page, description: Mapping[str, Any]) -> Response:
    return sent(page.request, json.dumps(description, ensure_ascii=False, indent=1).encode(), MEDIA, LIVE)


async def find(page: Page) -> Found:
    """Ask what there is."""
    count, by_country, files = await together(
        page.api.get("/v1/counts/releases"),
        page.api.get("/v1/counts/releases", group_by="country"),
        newest_files(page),
    )
    countries = tuple(group["country"] for group in by_country["groups"] if group["country"])
    licences = files.get("licenses", []) if files else []
    return Found(count, countries, lists(page), counts(page), files, licences[0] if licences else None)


async def newest_files(page: Page) -> Mapping[str, Any] | None:
    """The descriptor of the newest count files; None where this registry gives none."""
    try:
        await page.api.get(NEWEST_FILES)
    except Refused as elsewhere:
        if "location" not in elsewhere.headers:
            return None
        descriptor: Mapping[str, Any] = await page.api.get(elsewhere.headers["location"])
        return descriptor
    return None


def lists(page: Page) -> tuple[Table, ...]:
    """The lists, each with what a row of it is."""
    _ = page.catalogue.gettext
    return (
        Table("releases", _("a release, as all sources together say it"), "/v1/releases"),
        Table("people", _("a person, with what may be shown of them"), "/v1/detainees"),
        Table("detentions", _("a detention, as all sources together say it"), "/v1/detentions"),
        Table("claims", _("a published figure, as it was said"), "/v1/claims"),
        Table("corrections", _("what was taken back or changed"), "/v1/corrections"),
        Table("sources", _("a source, and whom it counts"), "/v1/sources"),
        Table("facilities", _("a place where people are held"), "/v1/facilities"),
    )


def counts(page: Page) -> tuple[Table, ...]:
    """Counts, whose terms can be changed in their addresses."""
    _ = page.catalogue.gettext
    return (
        Table("counts-by-source", _("releases by source"), "/v1/counts/releases?group_by=source"),
        Table(
            "counts-by-month", _("releases by month and status"), "/v1/counts/releases?group_by=month&group_by=status"
        ),
        Table("overlap", _("which sources verified the same"), "/v1/counts/overlap"),
        Table("series", _("how the count grew, month by month"), "/v1/counts/series?interval=month"),
        Table("held", _("who is held, by source"), "/v1/counts/detentions?group_by=source"),
    )


def described(page: Page, found: Found) -> tuple[About, tuple[Table, ...], str | None]:
    """The registry in the words of a language, its tables, and when it last changed."""
    _, words = page.catalogue.gettext, page.catalogue
    demo = _("A demonstration with invented people.") if page.is_demo else ""
    description = _(
        "Who was detained and released for political reasons, by whose word, and as known when: each release with the "
        "sources that verified it, the published figures beside it, and every correction. Nobody is named against "
        "their will."
    )
    about = About(
        base=page.request.app.state.public_url,
        page=page.address("/data"),
        language=page.language,
        name=_("Recuento: releases of political prisoners, and who verified them"),
        description=f"{demo} {description}".strip(),
        keywords=[_("political prisoners"), _("releases from prison"), _("human rights"), _("verification")],
        countries=[words.country(code) for code in found.countries],
        sources=[source["name"] for source in page.sources.values()],
    )
    return about, (*found.lists, *found.counts), found.count["recorded_at"]
