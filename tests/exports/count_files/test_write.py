"""Folders of count files: whole or not there, nothing personal in them, and only what is new is written."""

import errno
import hashlib
import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlmodel import Session

from app.errors import Conflict
from app.exports.count_files import files
from app.exports.count_files import folders as folders_module
from app.exports.count_files import write as write_module
from app.exports.count_files.files import Licence, ParquetFile, SnapshotInfo
from app.exports.count_files.folders import LATEST_LINK, CountFilesNotWritten
from app.exports.count_files.load import CountFiles
from app.exports.count_files.parquet import read_rows
from app.exports.count_files.tables import OPENED_ROW_COLUMNS, PART_TABLES
from app.exports.count_files.write import WriteOptions, write_count_files
from app.imports.faults import BadFile
from tests.exports.count_files.altered import described_anew
from tests.support import World


def wanted(folder: Path, personal: Path | None = None) -> WriteOptions:
    return WriteOptions(folder, Licence.CC_BY, "https://registry.example", "America/Caracas", "list", personal)


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
    assert described["version"] == done.name == (tmp_path / LATEST_LINK).resolve().name
    assert described["homepage"] == "https://registry.example"
    named = {file["path"] for file in described["resources"]}
    assert named == {path.name for path in done.glob("*.parquet")}
    for file in described["resources"]:
        data = (done / file["path"]).read_bytes()
        assert file["bytes"] == len(data)
        assert file["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert all(field["description"] for field in file["schema"]["fields"])


def test_a_file_has_the_columns_that_the_descriptor_says(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path)
    columns = {table.name: (*OPENED_ROW_COLUMNS, *table.columns) for table in PART_TABLES}
    for described in descriptor_in(done)["resources"]:
        table = described["name"].split("-")[0]
        if table in columns:
            file = ParquetFile.model_validate(described)
            said = [field["name"] for field in described["schema"]["fields"]]
            assert said == [column.name for column in columns[table]]
            assert len([*read_rows(done, [file], columns[table])]) == file.rows
            assert file.rows or table.startswith("un") or table == "possible_duplicates"


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
    people = next(table for table in PART_TABLES if table.name == "people")
    done = write(world, tmp_path)
    file = ParquetFile.from_path(next(done.glob("people-*.parquet")), 3)
    assert [row["detainee"] for row in read_rows(done, [file], people.columns)] == [1, 2, 3]


def test_a_folder_that_is_there_is_not_written_again(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in done.iterdir()}
    assert write(world, tmp_path) == done
    assert {path: path.stat().st_mtime_ns for path in done.iterdir()} == before


def test_where_no_entry_came_nothing_is_read_and_nothing_is_written(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    folders = tmp_path / "files", tmp_path / "personal"
    write(world, *folders)

    def looked_at() -> dict[Path, tuple[int, int]]:
        every = [path for folder in folders for path in (folder, *folder.rglob("*")) if path.name != ".lock"]
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in every}

    def read(_session: Session) -> None:
        raise AssertionError

    before = looked_at()
    monkeypatch.setattr(write_module, "get_columns", read)
    write(world, *folders)
    assert looked_at() == before


def test_parts_of_the_folder_before_are_the_same_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SMALLEST_PART", 2)
    world.file(detainee__full_name="Abelardo Quintero")
    first = write(world, tmp_path)
    world.file(detainee__full_name="Berenice Urdaneta")
    second = write(world, tmp_path)
    shared = {path.name for path in first.iterdir()} & {path.name for path in second.iterdir()}
    kept = {name for name in shared if (first / name).samefile(second / name)}
    assert {name for name in kept if name.startswith("releases-")}
    assert not (first / "datapackage.json").samefile(second / "datapackage.json")
    CountFiles.open_newest(tmp_path).require_intact()


def test_files_of_another_log_lend_no_parts(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an earlier copy was put back: the same revisions are other entries."""
    monkeypatch.setattr(files, "SMALLEST_PART", 2)
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
    CountFiles.open_newest(folder).require_intact()
    assert {path.name for path in folder.iterdir()} == {done.name, "latest", ".lock"}


def test_an_erased_person_was_in_no_file_and_counts_stay(world: World, tmp_path: Path) -> None:
    answer = world.file(detainee__full_name="Zzcanary Zzpersona", detainee__gender="female")
    before = write(world, tmp_path)
    assert world.post(f"/v1/detainees/{answer['detainee']['id']}/redaction", {}, "admin").status_code == 200
    after = write(world, tmp_path)
    assert after != before
    for folder in (before, after):
        assert "Zzcanary" not in said_in(folder)
        assert "female" not in said_in(folder)


def test_personal_parts_lie_apart(world: World, tmp_path: Path) -> None:
    """Whoever gives or copies the one folder must not give the other."""
    world.file()
    for personal in (tmp_path / "files", tmp_path / "files" / "personal", tmp_path):
        with pytest.raises(BadFile, match="elsewhere"):
            write(world, tmp_path / "files", personal)
    assert not (tmp_path / "files").exists()


def test_files_are_of_one_state_of_the_database(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though somebody files a report between two looks at it."""
    world.file()
    about_head = write_module.build_head_info

    def filing_meanwhile(session: Session, zone: str) -> SnapshotInfo:
        about = about_head(session, zone)
        world.file(detainee__full_name="Berenice Urdaneta")
        return about

    monkeypatch.setattr(write_module, "build_head_info", filing_meanwhile)
    done = write(world, tmp_path / "files")
    people = duckdb.read_parquet(str(done / "people-*.parquet")).fetchall()
    assert len(people) == 1
    assert int(done.name) == world.client.get("/v1/counts/releases").json()["at"]["revision"] - 1


def test_a_part_that_was_damaged_is_written_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SMALLEST_PART", 2)
    world.file(detainee__full_name="Abelardo Quintero")
    first = write(world, tmp_path / "files")
    damaged = first / "releases-3-4.parquet"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + b"?")
    world.file(detainee__full_name="Berenice Urdaneta")
    second = write(world, tmp_path / "files")
    assert (second / damaged.name).read_bytes() == content
    assert damaged.read_bytes() != content


def test_another_licence_makes_the_folder_anew(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path / "files")
    changed = replace(wanted(tmp_path / "files"), licence=Licence.CC0)
    assert write_count_files(world.engine, changed) == done
    assert descriptor_in(done)["licenses"][0]["name"] == "CC0-1.0"


def test_files_of_a_log_that_was_put_back_replace_newer_ones(world: World, tmp_path: Path) -> None:
    world.file()
    done = write(world, tmp_path / "files")
    later = done.rename(done.with_name(str(int(done.name) + 5)))
    (tmp_path / "files" / "latest").unlink()
    (tmp_path / "files" / "latest").symlink_to(later.name)
    described_anew(later, lambda descriptor: descriptor["recuento"].update(leaf_hash="00" * 32))
    assert write(world, tmp_path / "files") == done
    assert (tmp_path / "files" / "latest").resolve() == done


def all_in(folder: Path) -> dict[str, bytes]:
    """All files under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def full(_path: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let no file become longer, as on a disk that has no more room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [300, 5_000])
def test_on_a_full_disk_all_stays_as_it_was(world: World, tmp_path: Path, size: int) -> None:
    """Whether the Parquet or the descriptor finds no room."""
    world.file()
    folders = tmp_path / "files", tmp_path / "personal"
    write(world, *folders)
    before = [all_in(folder) for folder in folders]
    world.file(detainee__full_name="Berenice Urdaneta")
    for given in (folders[:1], folders):
        with (
            longest_file(size),
            pytest.raises(CountFilesNotWritten, match=r"File too large\): see that its disk has room"),
        ):
            write(world, *given)
    assert [all_in(folder) for folder in folders] == before
    CountFiles.open_newest(*folders).require_intact()
    write(world, *folders)
    CountFiles.open_newest(*folders).require_intact()


def test_what_reached_no_disk_has_no_name(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file()
    with monkeypatch.context() as without_room:
        without_room.setattr(folders_module, "flush_to_disk", full)
        with pytest.raises(CountFilesNotWritten, match="No space left on device"):
            write(world, tmp_path / "files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == [".lock"]


def test_a_folder_that_vanishes_on_the_way_is_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    about_head = write_module.build_head_info

    def without_folder(session: Session, zone: str) -> SnapshotInfo:
        shutil.rmtree(tmp_path / "files")
        return about_head(session, zone)

    with monkeypatch.context() as vanishing:
        vanishing.setattr(write_module, "build_head_info", without_folder)
        with pytest.raises(CountFilesNotWritten, match=r"\.draft cannot be written \(No such file or directory\)"):
            write(world, tmp_path / "files")
    CountFiles.open_newest(write(world, tmp_path / "files").parent).require_intact()


def test_as_many_folders_stay_as_the_operator_wants(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose parts the others have too, as the same files."""
    monkeypatch.setattr(files, "SMALLEST_PART", 2)
    folder = tmp_path / "files"
    kept = replace(wanted(folder), max_folders=2)
    done = []
    for name in ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada"):
        world.file(detainee__full_name=name)
        done.append(write_count_files(world.engine, kept))
    assert {path.name for path in folder.iterdir()} == {done[1].name, done[2].name, "latest", ".lock"}
    CountFiles.open_newest(folder).require_intact()
    write_count_files(world.engine, replace(kept, max_folders=1))
    assert {path.name for path in folder.iterdir()} == {done[2].name, "latest", ".lock"}
    CountFiles.open_newest(folder).require_intact()
