"""The registry as machines look for data (pure): its lists and counts as schema.org's Dataset, and its count files as a
Croissant 1.0 dataset (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

They are two, because whoever runs the registry gives count files under a licence, and lists of people under none.

What of the registry can be downloaded, under which licence, how it is cited, and how often it changes; and the same
for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.api.responses import LIVE
from app.errors import NotFound
from app.web.asking import Refused, together
from app.web.page import Opened, Page, PageRoute, sent

CROISSANT = "http://mlcommons.org/croissant/1.0"
SCHEMA_ORG = "https://schema.org/"
# What the words of a description mean, as the specification gives it: its first appendix, and the terms it adds.
CONTEXT: Mapping[str, Any] = {
    "@vocab": SCHEMA_ORG,
    "sc": SCHEMA_ORG,
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
            "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
            "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
            "transform",
        )
    },
}  # fmt: skip
# The types of Data Package in schema.org's words; whatever else there is, is text.
TYPES = {"integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
         "datetime": "sc:DateTime"}  # fmt: skip
PARQUET = "application/x-parquet"  # as readers of Croissant know it, which was before IANA named it
FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}
# Of so many files the columns are told, each for itself: a registry of half a million entries. Beyond, the description
# would be longer than the descriptor, which tells them in any case.
MOST_DESCRIBED = 600


@dataclass(frozen=True)
class Table:
    """A table that can be downloaded: what it is called in files, what a row is, and where the API gives it."""

    name: str
    row: str
    address: str

    def in_format(self, form: str) -> str:
        return f"{self.address}{'&' if '?' in self.address else '?'}format={form}"


@dataclass(frozen=True)
class About:
    """What is said of the registry as a whole. `base`: its public address, which may be empty; `page`: that of the page
    about its data."""

    base: str
    page: str
    language: str
    name: str
    description: str
    keywords: Sequence[str]
    countries: Sequence[str]
    sources: Sequence[str]


def dataset_of(about: About, tables: Sequence[Table], recorded_at: str | None) -> dict[str, Any]:
    """The lists and counts, as they are now."""
    files = [
        {
            "@type": "DataDownload",
            "name": f"{table.name}.{form}",
            "description": table.row,
            "contentUrl": about.base + table.in_format(form),
            "encodingFormat": media,
        }
        for table in tables
        for form, media in FORMATS.items()
    ]
    dated = {} if recorded_at is None else {"dateModified": recorded_at}
    return {"@context": SCHEMA_ORG, "@type": "Dataset", **_of_registry(about, ""), **dated, "distribution": files}


def croissant_of(about: About, files: Mapping[str, Any], bibtex: str | None) -> dict[str, Any]:
    """The count files of a revision. `files`: their descriptor."""
    folder = f"{about.base}/data/{files['version']}/"
    resources = files["resources"]
    return {
        "@context": {"@language": about.language, **CONTEXT},
        "@type": "sc:Dataset",
        "conformsTo": CROISSANT,
        **_of_registry(about, "sc:"),
        # Entries are only added: another revision has all of this one. Other rules may count the same otherwise.
        "version": f"{files['recuento']['rules']}.{files['version']}.0",
        "datePublished": files["created"],
        "license": [licence["path"] for licence in files["licenses"]],
        **({} if bibtex is None else {"citeAs": bibtex}),
        "sameAs": folder,  # the same in the words of Data Package
        "distribution": [_file(folder, resource) for resource in resources],
        **({"recordSet": [_rows(resource) for resource in resources]} if len(resources) <= MOST_DESCRIBED else {}),
    }


def _of_registry(about: About, prefix: str) -> dict[str, Any]:
    return {
        "name": about.name,
        "description": about.description,
        "url": about.base + about.page,
        "creator": [{"@type": f"{prefix}Organization", "name": name} for name in about.sources],
        "publisher": {"@type": f"{prefix}Organization", "name": "Recuento", "url": f"{about.base}/"},
        "keywords": list(about.keywords),
        "spatialCoverage": list(about.countries),
        "isAccessibleForFree": True,
    }


def _file(folder: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": resource["path"],
        "name": resource["path"],
        "description": resource["title"],
        "contentUrl": folder + resource["path"],
        "contentSize": f"{resource['bytes']} B",
        "encodingFormat": PARQUET,
        "sha256": resource["hash"].removeprefix("sha256:"),
    }


def _rows(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a file, by its columns."""
    return {
        "@type": "cr:RecordSet",
        "@id": resource["name"],
        "name": resource["name"],
        "description": resource["title"],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{resource['name']}/{column['name']}",
                "name": column["name"],
                "description": column.get("description", column["name"]),
                "dataType": TYPES.get(column["type"], "sc:Text"),
                "source": {"fileObject": {"@id": resource["path"]}, "extract": {"column": column["name"]}},
            }
            for column in resource["schema"]["fields"]
        ],
    }


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
