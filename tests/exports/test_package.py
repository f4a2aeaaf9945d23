"""The public registry as a folder of tables: what lists show and nothing else, told of exactly, the same every time."""

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import open_read_session
from app.exports import package
from app.exports.table_schema import TABLES
from app.projection import RULES
from tests.support import ANYONE, NOW, World

Row = dict[str, str]
# Of somebody who may only be counted, and of what is never public of anybody.
MARKED = ("Nadia Secreta", "1999-09-09", "Calle Falsa", "V-99999999", "Casa Segura", "Padre Secreto", "nota secreta")


def written(world: World, folder: Path, revision: int | None = None) -> package.Descriptor:
    folder.mkdir()
    with open_read_session(world.engine) as session:
        return package.write_package(session, folder, ANYONE, world.revision if revision is None else revision)


def rows(folder: Path, name: str) -> list[Row]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def people(lasting: World) -> World:
    """Two sources of one named man, one of an unnamed woman, and somebody who may only be counted."""
    world = lasting
    world.now = NOW
    world.add_facility(names=["Rodeo Uno"], point={"lat": 10.4, "lon": -66.6})
    first = world.file(verification__evidence=[{"url": "https://example.org/a"}], detainee__aliases=["Tomasito"])
    world.verify(first["release"]["id"], "jep", verdict="disputed", method="lawyer")
    world.file("jep", detainee__full_name="Elvira Sin Nombre", detainee__publish="anonymous",
               detainee__birth_date="1999-09-09", detainee__father_name="Padre Secreto", detainee__gender="female",
               detention__place="Calle Falsa", detention__facility="Casa Segura", note="nota secreta")  # fmt: skip
    hidden = {
        "detainee__full_name": "Nadia Secreta",
        "detainee__publish": "counted",
        "release__released_on": "2026-01-31",
    }
    world.file("pud", detainee__national_id="V-99999999", **hidden)
    world.file_detention("jep", detainee__full_name="=Otilio Ramos Paz", detention__ended={"how": "escaped"})
    return world


def test_nobody_who_is_only_counted_and_nothing_that_is_never_public_is_in_it(people: World, tmp_path: Path) -> None:
    described = written(people, tmp_path / "a")
    assert described["recuento"] == {"revision": people.revision, "rules": RULES, "withheld": {"releases": 1}}
    for file in (tmp_path / "a").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [mark for mark in (*MARKED, "Elvira", "2026-01-31") if mark in text], file.name
    assert [len(rows(tmp_path / "a", name)) for name in ("detainees", "detentions", "releases", "reports")] == [
        3,
        3,
        2,
        4,
    ]


def test_it_shows_what_the_lists_show(people: World, tmp_path: Path) -> None:
    written(people, tmp_path / "a")
    for name in ("detainees", "detentions", "releases"):
        listed = people.get(f"/v1/{name}", limit=200).json()["data"]
        found = rows(tmp_path / "a", name)
        assert [row["id"] for row in found] == [row["id"] for row in listed]
        for name_ in ("name", "facility", "status", "released_on", "gender", "age"):
            assert [row.get(name_, "") for row in found] == [unrun(row.get(name_)) for row in listed]
    for release in rows(tmp_path / "a", "releases"):
        listed = people.get(f"/v1/releases/{release['id']}/verifications").json()["data"]
        verdicts = [row for row in rows(tmp_path / "a", "verifications") if row["release_id"] == release["id"]]
        assert [(row["id"], row["verdict"]) for row in verdicts] == [(row["id"], row["verdict"]) for row in listed]


def unrun(value: Any) -> str:
    """A value as a cell has it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith("=") else text


def test_a_revision_is_the_same_bytes_each_time(world: World, tmp_path: Path) -> None:
    filed = world.file()
    then = world.revision
    written(world, tmp_path / "a", then)
    world.verify(filed["release"]["id"], "jep", verdict="disputed", method="lawyer")
    world.file("pud", detainee__full_name="Rosa Inés Valdivia")
    described = written(world, tmp_path / "b", then)
    assert described["version"] == str(then)
    assert described["created"] == world.get("/v1/counts/releases", as_of=then).json()["at"]["recorded_at"]
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_the_descriptor_tells_of_each_table_what_is_in_it(people: World, tmp_path: Path) -> None:
    described = written(people, tmp_path / "a")
    assert described == json.loads((tmp_path / "a" / "datapackage.json").read_text(encoding="utf-8"))
    found = {one["name"]: rows(tmp_path / "a", one["name"]) for one in described["resources"]}
    assert found.keys() == TABLES.keys()
    for one in described["resources"]:
        data = (tmp_path / "a" / one["path"]).read_bytes()
        assert (one["bytes"], one["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
        header = data.decode().split("\r\n")[0].split(",")
        assert header == [field["name"] for field in one["schema"]["fields"]]
        keys = [row[one["schema"]["primaryKey"][0]] for row in found[one["name"]]]
        assert len(keys) == len(set(keys))
        for field in one["schema"]["fields"]:
            for value in {row[field["name"]] for row in found[one["name"]]} - {""}:
                fits(field, value)
        for key in one["schema"].get("foreignKeys", ()):
            there = {row[key["reference"]["fields"][0]] for row in found[key["reference"]["resource"]]}
            assert {row[key["fields"][0]] for row in found[one["name"]]} - {""} <= there


def fits(field: dict[str, Any], value: str) -> None:
    rules = field.get("constraints", {})
    assert value in rules.get("enum", [value]), field
    assert re.fullmatch(rules.get("pattern", ".*"), value), field
    shape = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "boolean": "true|false"}.get(field["type"], ".*")
    assert re.fullmatch(shape, value, re.DOTALL), field


def test_an_empty_registry_is_a_copy_too(world: World, tmp_path: Path) -> None:
    described = written(world, tmp_path / "a", 0)
    assert "created" not in described
    assert not any(rows(tmp_path / "a", name) for name in TABLES)
