"""`recuento files`: written by hand or by a clock, and served without a database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.cli import export
from app.config import Settings
from app.exports.count_files import files as parts
from app.exports.count_files import folders
from app.exports.count_files.files import load_counts_descriptor
from app.exports.count_files.load import CountFiles
from app.reader import create_reader
from tests.cli.test_commands import Ran, Run, recuento, refused
from tests.exports.count_files.altered import with_rows
from tests.exports.count_files.test_write import full, said_in
from tests.support import World

__all__ = ["recuento"]  # the fixture


def test_files_are_written_under_a_licence(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    ran = recuento("files", "write", "data", "--licence", "CC0-1.0")
    assert ran.status == 0
    said = load_counts_descriptor(tmp_path / "data" / "latest")
    assert said is not None
    assert f"revision {said.recuento.revision}" in ran.err + ran.out


def test_without_a_licence_nothing_is_written(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    for given in ((), ("--licence", "mine")):
        ran = recuento("files", "write", "data", *given)
        assert ran.status == 2
        assert "CC-BY-4.0" in ran.err
    assert not (tmp_path / "data").exists()


def test_of_an_empty_registry_there_is_nothing_to_write(recuento: Run, settings: object) -> None:
    assert "nothing to count" in refused(recuento("files", "write", "data", "--licence", "CC0-1.0"))


def test_a_folder_without_files_is_not_served(recuento: Run, tmp_path: Path) -> None:
    assert "There are no count files in" in refused(recuento("files", "serve", str(tmp_path)))


def test_files_that_cannot_be_read_are_told_in_one_line(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    assert recuento("files", "write", "data", "--licence", "CC0-1.0").status == 0
    with_rows((tmp_path / "data" / "latest").resolve(), "releases", "SELECT 'Abelardo' AS person")
    line = refused(recuento("files", "serve", "data"))
    assert "releases-" in line
    assert "again" in line
    assert "Abelardo" not in line


def test_a_folder_that_cannot_be_written_is_told_in_one_line(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    (tmp_path / "file").write_text("kept")
    line = refused(recuento("files", "write", "file/data", "--licence", "CC0-1.0"))
    assert line.startswith("recuento: file/data cannot be written (Not a directory): see that ")


def test_a_full_disk_is_told_in_one_line(
    recuento: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    monkeypatch.setattr(folders, "flush_to_disk", full)
    line = refused(recuento("files", "write", "data", "--licence", "CC0-1.0"))
    assert "cannot be written (No space left on device): see that its disk has room" in line
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".lock"]


@pytest.fixture
def going_on(recuento: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`going_on(first, second, options=(...))` runs `files write --every 60`, acts between its turns, and ends it."""

    def run(*between: Callable[[], object], options: tuple[str, ...] = ()) -> Ran:
        acts = iter(between)

        def next_turn(seconds: float) -> None:
            assert seconds == 60
            act = next(acts, None)
            if act is None:
                raise KeyboardInterrupt
            act()

        monkeypatch.setattr(export, "sleep", next_turn)
        return recuento("files", "write", "data", "--licence", "CC0-1.0", "--every", "60", *options)

    return run


def revisions_in(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def test_it_goes_on_after_a_disk_that_was_full(
    going_on: Callable[..., Ran], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    before = int(world.get("/v1/counts/releases").json()["at"]["revision"])
    has_room = True

    def flush(path: Path) -> None:
        if not has_room:
            full(path)

    def fill() -> None:
        nonlocal has_room
        has_room = False
        world.file(detainee__full_name="Berenice Urdaneta")

    def empty() -> None:
        nonlocal has_room
        assert revisions_in(tmp_path / "data") == [before]
        has_room = True

    monkeypatch.setattr(folders, "flush_to_disk", flush)
    ran = going_on(fill, lambda: None, empty)
    assert ran.err.count("No space left on device") == 2
    assert revisions_in(tmp_path / "data") == [before, before + 1]
    CountFiles.open_newest(tmp_path / "data").require_intact()


def test_it_says_each_revision_once(going_on: Callable[..., Ran], world: World) -> None:
    world.file()
    ran = going_on(lambda: None, lambda: world.file(detainee__full_name="Berenice Urdaneta"), lambda: None)
    assert ran.err.count("Count files of revision") == 2


def test_it_keeps_as_many_revisions_as_it_is_told(going_on: Callable[..., Ran], world: World, tmp_path: Path) -> None:
    world.file()
    before = int(world.get("/v1/counts/releases").json()["at"]["revision"])
    names = ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada", "Dorotea Bracho")
    going_on(*(lambda name=name: world.file(detainee__full_name=name) for name in names), options=("--keep", "3"))
    assert revisions_in(tmp_path / "data") == [before + 2, before + 3, before + 4]
    assert (tmp_path / "data" / "latest").resolve().name == str(before + 4)


def test_the_folder_that_somebody_reads_is_kept(recuento: Run, world: World) -> None:
    world.file()
    ran = recuento("files", "write", "data", "--licence", "CC0-1.0", "--keep", "1")
    assert ran.status == 2
    assert "2" in ran.err


MARKED: dict[str, Any] = {
    "detainee__full_name": "Zzcanary Zzpersona",
    "detainee__gender": "female",
    "detainee__nationalities": ["NI"],
    "detainee__birth_date": "1961-07-09",
    "detention__facility": "Zzcanary Prison",
    "source_record_id": "Zzcase-17",
}


@pytest.fixture
def giving(world: World, tmp_path: Path) -> Iterator[World]:
    """A registry whose server gives the folder."""
    before = world.app.state.settings
    world.app.state.settings = before.model_copy(update={"count_files": tmp_path / "data"})
    yield world
    world.app.state.settings = before


def test_an_erased_person_is_in_no_file_that_is_served_a_minute_later(
    going_on: Callable[..., Ran], giving: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in those of earlier revisions either, which stay, nor in parts that folders share; nor in an answer of a
    reader who had the personal parts."""
    monkeypatch.setattr(parts, "SMALLEST_PART", 2)
    giving.file(detainee__full_name="Abelardo Quintero")
    answer = giving.file(**MARKED)
    ids = [answer[thing]["id"] for thing in ("release", "detainee", "report")]
    values = ["Zzcanary", "Zzcase", "'NI'", '"NI"', "female", "1961", *ids]
    readers: list[FastAPI] = []
    nationalities = "/v1/counts/releases?group_by=nationality"

    def begin_to_read() -> None:
        assert "NI" in said_in((tmp_path / "personal" / "latest").resolve())
        readers.append(create_reader(tmp_path / "data", Settings(names="list"), tmp_path / "personal"))
        assert '"NI"' in TestClient(readers[0]).get(nationalities).text
        giving.file(detainee__full_name="Berenice Urdaneta")

    def erase() -> None:
        erased = giving.post(f"/v1/detainees/{answer['detainee']['id']}/redaction", {}, "admin")
        assert erased.status_code == 200

    going_on(begin_to_read, erase, options=("--personal", str(tmp_path / "personal")))
    readers[0].state.followed.follow()
    assert '"NI"' not in TestClient(readers[0]).get(nationalities).text
    readers[0].state.followed.close()
    revisions = revisions_in(tmp_path / "data")
    assert len(revisions) == 3
    shared = [path for path in (tmp_path / "data" / str(revisions[-1])).iterdir() if path.stat().st_nlink > 1]
    assert shared
    for revision in revisions:
        served = giving.client.get(f"/data/{revision}/").json()
        told = said_in(tmp_path / "data" / str(revision)) + str(served)
        assert {file["path"] for file in served["resources"]} == {
            path.name for path in (tmp_path / "data" / str(revision)).glob("*.parquet")
        }
        assert [value for value in values if value in told] == []
    kept = [path for path in (tmp_path / "personal").rglob("*") if path.is_file() and not path.is_symlink()]
    assert {path.parent.name for path in kept} == {"personal", str(revisions[-1])}
    assert {path.stat().st_nlink for path in kept} == {1}
    told = said_in(tmp_path / "personal" / str(revisions[-1]))
    assert [value for value in values if value in told] == []
