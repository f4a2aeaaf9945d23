"""The registry as machines look for data (pure): its lists and counts as schema.org's Dataset, and its count files as a
Croissant 1.0 dataset (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

They are two, because whoever runs the registry gives count files under a licence, and lists of people under none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
