"""Folders of count files: whole or not there, nothing personal in them, and only what is new is written."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.errors import Conflict
from app.exchange.count_files import parts
from app.exchange.count_files.folders import LATEST
from app.exchange.count_files.licences import Licence
from app.exchange.count_files.load import CountFiles
from app.exchange.count_files.parquet import read_rows
from app.exchange.count_files.tables import EVERY, OPENING
from app.exchange.count_files.write import Wanted, write_count_files
from tests.support import World


def wanted(folder: Path, personal: Path | None = None) -> Wanted:
    return Wanted(folder, Licence.CC_BY, "https://registry.example", "America/Caracas", "list", personal)


def write(world: World, folder: Path, personal: Path | None = None) -> Path:
    return write_count_files(world.engine, wanted(folder, personal))


def said_in(folder: Path) -> str:
    """All that stands in the files of a folder: of Parquet every value of every row, which lie packed on the disk."""
    read = [str(duckdb.read_parquet(str(path)).fetchall()) for path in folder.glob("*.parquet")]
    return "".join([*read, *(path.read_text() for path in folder.iterdir() if path.suffix != ".parquet")])


def descriptor_in(folder: Path) -> dict[str, Any]:
    described: dict[str, Any] = json.loads((folder / "datapackage.json").read_text())
    return described


def test_the_descriptor_says_what_each_file_is_and_under_which_licence(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path)
    described = descriptor_in(done)
    assert described["licenses"] == [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}]
    assert described["version"] == done.name == (tmp_path / LATEST).resolve().name
    assert described["homepage"] == "https://registry.example"
    named = {resource["path"] for resource in described["resources"]}
    assert named == {path.name for path in done.glob("*.parquet")}
    for resource in described["resources"]:
        data = (done / resource["path"]).read_bytes()
        assert resource["bytes"] == len(data)
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert all(field["description"] for field in resource["schema"]["fields"])


def test_a_file_has_the_columns_that_the_descriptor_says(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path)
    columns = {table.name: (*OPENING, *table.columns) for table in EVERY}
    for resource in descriptor_in(done)["resources"]:
        table = resource["name"].split("-")[0]
        if table in columns:
            said = [field["name"] for field in resource["schema"]["fields"]]
            assert said == [column.name for column in columns[table]]
            assert [*read_rows([done / resource["path"]], columns[table])] != [] or table.startswith("un")


def test_no_file_names_anybody_or_has_an_address_of_a_record(world: World, tmp_path: Path) -> None:
    answer = world.file(
        detainee__full_name="Zzcanary Zzpersona", detention__facility="Zzcanary Prison", source_record_id="Zzcase-17"
    )
    ids = [answer[thing]["id"] for thing in ("release", "detainee", "report")]
    said = said_in(write(world, tmp_path))
    assert "verified" in said
    for marked in ("Zzcanary", "Zzcase", *ids):
        assert marked not in said


def test_numbers_of_people_are_none_of_the_registrys_own_keys(world: World, tmp_path: Path) -> None:
    """A key is the revision of a person's first report, by which rows could be joined to lists."""
    for name in ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada"):
        world.file(detainee__full_name=name)
    people = next(table for table in EVERY if table.name == "people")
    path = next(write(world, tmp_path).glob("people-*.parquet"))
    assert [row["detainee"] for row in read_rows([path], people.columns)] == [1, 2, 3]


def test_a_folder_that_is_there_is_not_written_again(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in done.iterdir()}
    assert write(world, tmp_path) == done
    assert {path: path.stat().st_mtime_ns for path in done.iterdir()} == before


def test_parts_of_the_folder_before_are_the_same_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SMALLEST", 2)
    world.file(detainee__full_name="Abelardo Quintero")
    first = write(world, tmp_path)
    world.file(detainee__full_name="Berenice Urdaneta")
    second = write(world, tmp_path)
    shared = {path.name for path in first.iterdir()} & {path.name for path in second.iterdir()}
    kept = {name for name in shared if (first / name).samefile(second / name)}
    assert {name for name in kept if name.startswith("releases-")}
    assert not (first / "datapackage.json").samefile(second / "datapackage.json")
    CountFiles.newest_in(tmp_path).require_whole()


def test_files_of_another_log_lend_no_parts(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an earlier copy was put back: the same revisions are other entries."""
    monkeypatch.setattr(parts, "SMALLEST", 2)
    world.file(detainee__full_name="Abelardo Quintero")
    first = write(world, tmp_path)
    described = descriptor_in(first)
    described["recuento"]["leaf_hash"] = "00" * 32
    (first / "datapackage.json").write_text(json.dumps(described))
    old = next(first.glob("releases-*.parquet"))
    marked = old.stat().st_ino
    again = write(world, tmp_path)
    assert (again / old.name).stat().st_ino != marked


def test_nothing_is_written_before_the_first_entry(tmp_path: Path, empty: Any) -> None:
    with pytest.raises(Conflict):
        write_count_files(empty, wanted(tmp_path / "files"))
    assert [path.name for path in (tmp_path / "files").iterdir()] == [".lock"]


def test_everybody_may_read_a_folder(world: World, tmp_path: Path) -> None:
    """Though whatever else a command makes is its owner's alone."""
    world.file()
    before = os.umask(0o077)
    try:
        done = write(world, tmp_path / "files")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in done.iterdir()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in (done, done.parent)} == {0o755}


def test_what_an_ended_process_left_is_in_nobodys_way(world: World, tmp_path: Path) -> None:
    world.file()
    folder = tmp_path / "files"
    (folder / ".draft").mkdir(parents=True)
    (folder / ".draft" / "releases-1-5.parquet").write_bytes(b"half")
    (folder / ".link").symlink_to("nowhere")
    done = write(world, folder)
    CountFiles.newest_in(folder).require_whole()
    assert {path.name for path in folder.iterdir()} == {done.name, "latest", ".lock"}


def test_an_erased_person_was_in_no_file_and_counts_stay(world: World, tmp_path: Path) -> None:
    answer = world.file(detainee__full_name="Zzcanary Zzpersona", detainee__gender="female")
    before = write(world, tmp_path)
    assert world.post(f"/v1/detainees/{answer['detainee']['id']}/redaction", {}, "admin").status_code == 201
    after = write(world, tmp_path)
    assert after != before
    for folder in (before, after):
        assert "Zzcanary" not in said_in(folder)
        assert "female" not in said_in(folder)
