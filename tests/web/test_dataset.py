"""What can be downloaded, under which licence, and the same for machines that look for data."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.web.dataset import (
    CONTEXT,
    CROISSANT,
    MAX_DESCRIBED_FILES,
    DataTable,
    RegistryDescription,
    build_croissant,
    build_dataset,
)
from tests.exports.count_files.test_write import write
from tests.support import World

PAGE = {"accept": "text/html"}
ABOUT = RegistryDescription(
    "https://r.example", "/en/data", "en", "name", "description", ["word"], ["Venezuela"], ["Foro"]
)
# What Croissant 1.0 asks of every dataset, besides the distribution.
REQUIRED = {
    "@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished",
}  # fmt: skip


@pytest.fixture
def giving(world: World, tmp_path: Path) -> Iterator[World]:
    """A registry with a release, which gives count files under a licence."""
    before = world.app.state.settings
    world.app.state.settings = before.model_copy(update={"count_files": tmp_path / "files"})
    world.file()
    write(world, tmp_path / "files")
    yield world
    world.app.state.settings = before


def read(world: World, path: str) -> dict[str, Any]:
    answer = world.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ld+json")
    return dict(json.loads(answer.text))


def descriptor(files: int = 1) -> dict[str, Any]:
    column = {"name": "until", "type": "integer", "description": "until when"}
    return {
        "version": "9", "created": "2026-01-01T00:00:00Z", "title": "files", "recuento": {"rules": 5},
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
        "resources": [
            {"name": f"a-{n}", "path": f"a-{n}.parquet", "title": "rows", "bytes": 3, "hash": "sha256:00",
             "schema": {"fields": [column]}}
            for n in range(files)
        ],
    }  # fmt: skip


def test_every_file_that_the_page_names_can_be_downloaded(world: World) -> None:
    world.file()
    page = world.client.get("/es/data", headers=PAGE)
    assert page.status_code == 200
    addresses = {
        found.replace("&amp;", "&") for found in re.findall(r'href="(/v1/[^"]+|/docs|/openapi[-a-z]*.json)"', page.text)
    }
    assert len(addresses) > 30
    for address in addresses:
        assert world.client.get(address).status_code == 200, address


def test_without_count_files_no_licence_is_made_up(world: World) -> None:
    world.file()
    page = world.client.get("/es/data", headers=PAGE).text
    assert "Este registro no ofrece archivos de recuento." in page
    assert "no ha dicho con qué licencia ofrece sus datos" in page
    assert "creativecommons" not in page
    described = read(world, "/es/data/dataset.jsonld")
    assert not {"license", "conformsTo"} & described.keys()
    assert world.client.get("/es/data/count-files.jsonld").status_code == 404


def test_the_licence_of_count_files_is_theirs_alone(giving: World) -> None:
    page = giving.client.get("/es/data", headers=PAGE).text
    licence = giving.client.get("/data/latest/").json()["licenses"][0]
    assert f'<a href="{licence["path"]}" rel="license">{licence["name"]}</a>' in page
    assert "license" not in read(giving, "/es/data/dataset.jsonld")
    assert read(giving, "/es/data/count-files.jsonld")["license"] == [licence["path"]]


def test_count_files_are_described_as_croissant_asks(giving: World) -> None:
    described = read(giving, "/en/data/count-files.jsonld")
    assert described.keys() >= REQUIRED
    assert described["conformsTo"] == CROISSANT
    assert described["citeAs"].startswith("@misc{recuento-")
    for file in described["distribution"]:
        content = giving.client.get(file["contentUrl"]).content
        assert (file["contentSize"], file["sha256"]) == (f"{len(content)} B", hashlib.sha256(content).hexdigest())
    files = {file["@id"] for file in described["distribution"]}
    for rows in described["recordSet"]:
        assert {column["source"]["fileObject"]["@id"] for column in rows["field"]} <= files
    types = {column["@id"]: column["dataType"] for rows in described["recordSet"] for column in rows["field"]}
    assert types["claims/low"] == "sc:Integer"
    assert (types["claims/window_from"], types["claims/stated_at"]) == ("sc:Date", "sc:DateTime")
    for table in ("releases", "detentions"):
        assert {of for name, of in types.items() if name.startswith(f"{table}-") and name.endswith("/status")} == {
            "sc:Text"
        }
    ids = [one["@id"] for one in [*described["distribution"], *described["recordSet"]]]
    ids += [column["@id"] for rows in described["recordSet"] for column in rows["field"]]
    assert len(ids) == len(set(ids))
    assert giving.client.get(described["sameAs"]).json()["name"] == "recuento-counts"


def test_every_word_of_a_description_is_in_its_context() -> None:
    described = build_croissant(ABOUT, descriptor(), "@misc{}")
    assert {"recordSet", "field", "dataType", "source", "fileObject", "extract", "column", "citeAs"} <= CONTEXT.keys()
    assert described["@context"]["@language"] == "en"
    assert described["@context"]["conformsTo"] == "dct:conformsTo"
    assert described["@context"]["recordSet"] == "cr:recordSet"


def test_another_revision_is_a_minor_version_and_other_rules_a_major_one() -> None:
    assert build_croissant(ABOUT, descriptor(), None)["version"] == "5.9.0"
    assert "citeAs" not in build_croissant(ABOUT, descriptor(), None)


def test_of_very_many_files_the_columns_stand_in_their_descriptor_alone() -> None:
    assert "recordSet" in build_croissant(ABOUT, descriptor(MAX_DESCRIBED_FILES), None)
    many = build_croissant(ABOUT, descriptor(MAX_DESCRIBED_FILES + 1), None)
    assert "recordSet" not in many
    assert len(many["distribution"]) == MAX_DESCRIBED_FILES + 1


def test_lists_and_counts_are_told_with_their_public_addresses() -> None:
    tables = [
        DataTable("releases", "a release", "/v1/releases"),
        DataTable("held", "held", "/v1/counts/held?group_by=source"),
    ]
    described = build_dataset(ABOUT, tables, None)
    assert "dateModified" not in described
    assert [(file["contentUrl"], file["encodingFormat"]) for file in described["distribution"]] == [
        ("https://r.example/v1/releases.csv", "text/csv"),
        ("https://r.example/v1/releases.jsonl", "application/jsonl"),
        ("https://r.example/v1/counts/held.csv?group_by=source", "text/csv"),
        ("https://r.example/v1/counts/held.jsonl?group_by=source", "application/jsonl"),
    ]


def test_the_page_holds_the_description_as_data_that_no_name_can_break_out_of(world: World) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    assert world.client.patch("/v1/sources/jep", json={"name": hostile}, headers=world.headers("admin")).is_success
    page = world.client.get("/en/data", headers=PAGE).text
    blocks = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert [attributes.strip() for attributes, _text in blocks] == ['type="application/ld+json"']
    assert hostile in [creator["name"] for creator in json.loads(blocks[0][1])["creator"]]


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_empty_registry_has_its_page_too(world: World, language: str) -> None:
    assert world.client.get(f"/{language}/data", headers=PAGE).status_code == 200
    assert read(world, f"/{language}/data/dataset.jsonld")["@type"] == "Dataset"
    for path in ("sources", "corrections"):
        assert world.client.get(f"/{language}/{path}", headers=PAGE).status_code == 200
