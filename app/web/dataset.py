"""The page of data: downloads, licence, citation and update frequency, and the same as JSON-LD.

There are two machine-readable descriptions because the operator licenses count files, but not lists of people: lists
and counts as a schema.org `Dataset`, and count files as a Croissant 1.0 dataset
(https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from app.api.responses import CACHE_SHORT
from app.api.routes.counts import count_releases
from app.api.table_routes import build_table_address
from app.errors import NotFound
from app.exports.count_files.folders import LATEST_LINK, find_public_file
from app.exports.package import DESCRIPTOR_FILENAME
from app.queries.parameters import TABLE_MEDIA_TYPES, TableFormat
from app.web.api_client import gather
from app.web.count_text import fetch_citation
from app.web.page import CurrentPage, Page, PageRoute, build_response

CROISSANT = "http://mlcommons.org/croissant/1.0"
SCHEMA_ORG = "https://schema.org/"
# JSON-LD context of Croissant 1.0: the first appendix of the specification, and the terms it adds.
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
# Data Package types as schema.org types; all others are text.
SCHEMA_TYPES = {"integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
         "datetime": "sc:DateTime"}  # fmt: skip
PARQUET = "application/x-parquet"  # the name that Croissant readers expect; IANA's is newer
# Columns are described for up to so many files, enough for half a million log entries. With more, the description would
# be longer than the descriptor, which has the columns anyway.
MAX_DESCRIBED_FILES = 600


@dataclass(frozen=True)
class DataTable:
    """A downloadable table: its name in files, the meaning of a row, and its API address."""

    name: str
    row: str
    address: str

    def build_file_address(self, extension: str) -> str:
        return build_table_address(self.address, extension)


@dataclass(frozen=True)
class RegistryDescription:
    """A description of the whole registry. `base`: its public address, possibly empty; `page`: the address of its
    data page."""

    base: str
    page: str
    language: str
    name: str
    description: str
    keywords: Sequence[str]
    countries: Sequence[str]
    sources: Sequence[str]


def build_dataset(
    registry: RegistryDescription, tables: Sequence[DataTable], recorded_at: str | None
) -> dict[str, Any]:
    """Describe the current lists and counts as a `Dataset`."""
    files = [
        {
            "@type": "DataDownload",
            "name": f"{table.name}.{extension}",
            "description": table.row,
            "contentUrl": registry.base + table.build_file_address(extension),
            "encodingFormat": TABLE_MEDIA_TYPES[extension],
        }
        for table in tables
        for extension in (TableFormat.CSV, TableFormat.JSONL)
    ]
    modified = {} if recorded_at is None else {"dateModified": recorded_at}
    return {
        "@context": SCHEMA_ORG,
        "@type": "Dataset",
        **_build_common_fields(registry, ""),
        **modified,
        "distribution": files,
    }


def build_croissant(registry: RegistryDescription, files: Mapping[str, Any], bibtex: str | None) -> dict[str, Any]:
    """Describe the count files of a revision. `files`: their descriptor."""
    folder = f"{registry.base}/data/{files['version']}/"
    resources = files["resources"]
    return {
        "@context": {"@language": registry.language, **CONTEXT},
        "@type": "sc:Dataset",
        "conformsTo": CROISSANT,
        **_build_common_fields(registry, "sc:"),
        # Entries are only added, so a later revision is a compatible version; other counting rules are not.
        "version": f"{files['recuento']['rules']}.{files['version']}.0",
        "datePublished": files["created"],
        "license": [licence["path"] for licence in files["licenses"]],
        **({} if bibtex is None else {"citeAs": bibtex}),
        "sameAs": folder,  # the same as a Data Package
        "distribution": [_build_file_object(folder, resource) for resource in resources],
        **(
            {"recordSet": [_build_record_set(resource) for resource in resources]}
            if len(resources) <= MAX_DESCRIBED_FILES
            else {}
        ),
    }


def _build_common_fields(registry: RegistryDescription, prefix: str) -> dict[str, Any]:
    return {
        "name": registry.name,
        "description": registry.description,
        "url": registry.base + registry.page,
        "creator": [{"@type": f"{prefix}Organization", "name": name} for name in registry.sources],
        "publisher": {"@type": f"{prefix}Organization", "name": "Recuento", "url": f"{registry.base}/"},
        "keywords": list(registry.keywords),
        "spatialCoverage": list(registry.countries),
        "isAccessibleForFree": True,
    }


def _build_file_object(folder: str, resource: Mapping[str, Any]) -> dict[str, Any]:
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


def _build_record_set(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the rows of a file by its columns."""
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
                "dataType": SCHEMA_TYPES.get(column["type"], "sc:Text"),
                "source": {"fileObject": {"@id": resource["path"]}, "extract": {"column": column["name"]}},
            }
            for column in resource["schema"]["fields"]
        ],
    }


data = APIRouter(include_in_schema=False, route_class=PageRoute)

JSON_LD = "application/ld+json"


@dataclass(frozen=True)
class DataOverview:
    """The data of the page. `files`: the descriptor of the newest count files, None if the registry publishes
    none."""

    count: Mapping[str, Any]
    citation: Mapping[str, str]
    countries: tuple[str, ...]
    lists: tuple[DataTable, ...]
    counts: tuple[DataTable, ...]
    files: Mapping[str, Any] | None
    licence: Mapping[str, Any] | None

    @property
    def size(self) -> int:
        """The size of all count files in bytes."""
        return sum(file["bytes"] for file in self.files["resources"]) if self.files else 0


@data.get("/data")
async def read_data(page: CurrentPage) -> Response:
    """Show the page of data and licence."""
    page.section = "/data"
    page.allow_only_terms()
    overview = await fetch_overview(page)
    return await page.show("data.html", overview=overview, dataset=build_dataset(*describe_registry(page, overview)))


@data.get("/data/dataset.jsonld")
async def read_dataset(page: CurrentPage) -> Response:
    """Return the description of lists and counts."""
    page.allow_only_terms()
    return _build_json_ld_response(page, build_dataset(*describe_registry(page, await fetch_overview(page))))


@data.get("/data/count-files.jsonld")
async def read_count_files(page: CurrentPage) -> Response:
    """Return the description of the newest count files."""
    page.allow_only_terms()
    overview = await fetch_overview(page)
    if overview.files is None:
        raise NotFound("This registry gives no count files.")
    registry, _tables, _recorded_at = describe_registry(page, overview)
    # A citation names the revision of its count.
    is_of_page = overview.files["version"] == str(page.revision)
    return _build_json_ld_response(
        page, build_croissant(registry, overview.files, overview.citation["bibtex"] if is_of_page else None)
    )


def _build_json_ld_response(page: Page, description: Mapping[str, Any]) -> Response:
    return build_response(
        page.request, json.dumps(description, ensure_ascii=False, indent=1).encode(), JSON_LD, CACHE_SHORT
    )


async def fetch_overview(page: Page) -> DataOverview:
    """Fetch what can be downloaded."""
    count, by_country, files = await gather(
        page.api.read(count_releases),
        page.api.read(count_releases, group_by="country"),
        fetch_newest_files(page),
    )
    countries = tuple(group["by"]["country"] for group in by_country["groups"] if group["by"]["country"])
    licences = files.get("licenses", []) if files else []
    return DataOverview(
        count,
        await fetch_citation(page, count),
        countries,
        build_list_tables(page),
        build_count_tables(page),
        files,
        licences[0] if licences else None,
    )


async def fetch_newest_files(page: Page) -> Mapping[str, Any] | None:
    """Return the descriptor of the newest count files; None if the registry publishes none."""
    folder = page.request.app.state.settings.count_files
    file = (
        None if folder is None else await run_in_threadpool(find_public_file, folder, LATEST_LINK, DESCRIPTOR_FILENAME)
    )
    descriptor: Mapping[str, Any] | None = None if file is None else json.loads(file.path.read_bytes())
    return descriptor


def build_list_tables(page: Page) -> tuple[DataTable, ...]:
    """Return the lists, each with the meaning of a row."""
    _ = page.catalogue.gettext
    return (
        DataTable("releases", _("a release, as all sources together say it"), "/v1/releases"),
        DataTable("people", _("a person, with what may be shown of them"), "/v1/detainees"),
        DataTable("detentions", _("a detention, as all sources together say it"), "/v1/detentions"),
        DataTable("claims", _("a published figure, as it was said"), "/v1/claims"),
        DataTable("corrections", _("what was taken back or changed"), "/v1/corrections"),
        DataTable("sources", _("a source, and whom it counts"), "/v1/sources"),
        DataTable("facilities", _("a place where people are held"), "/v1/facilities"),
    )


def build_count_tables(page: Page) -> tuple[DataTable, ...]:
    """Return the counts, whose terms can be changed in their addresses."""
    _ = page.catalogue.gettext
    return (
        DataTable("counts-by-source", _("releases by source"), "/v1/counts/releases?group_by=source"),
        DataTable(
            "counts-by-month", _("releases by month and status"), "/v1/counts/releases?group_by=month&group_by=status"
        ),
        DataTable("overlap", _("which sources verified the same"), "/v1/counts/overlap"),
        DataTable("series", _("how the count grew, month by month"), "/v1/counts/series?interval=month"),
        DataTable("held", _("who is held, by source"), "/v1/counts/held?group_by=source"),
    )


def describe_registry(
    page: Page, overview: DataOverview
) -> tuple[RegistryDescription, tuple[DataTable, ...], str | None]:
    """Return a description of the registry in the page's language, its tables, and the time of its last change."""
    _, words = page.catalogue.gettext, page.catalogue
    demo = _("A demonstration with invented people.") if page.is_demo else ""
    description = _(
        "Who was detained and released for political reasons, by whose word, and as known when: each release with the "
        "sources that verified it, the published figures beside it, and every correction. Nobody is named against "
        "their will."
    )
    registry = RegistryDescription(
        base=page.request.app.state.public_url,
        page=page.address("/data"),
        language=page.language,
        name=_("Recuento: releases of political prisoners, and who verified them"),
        description=f"{demo} {description}".strip(),
        keywords=[_("political prisoners"), _("releases from prison"), _("human rights"), _("verification")],
        countries=[words.country(code) for code in overview.countries],
        sources=[source["name"] for source in page.sources.values()],
    )
    return registry, (*overview.lists, *overview.counts), overview.count["at"]["recorded_at"]
