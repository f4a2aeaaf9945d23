"""Personal parts: for the operator's own readers, of the newest revision alone."""

import shutil
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import reader as reader_module
from app.clock import read_elapsed_seconds
from app.config import Settings
from app.exports.count_files import folders
from app.exports.count_files.folders import CountFilesNotWritten
from app.exports.count_files.load import CountFiles
from app.imports.faults import BadFile
from app.reader import create_reader
from tests.exports.count_files.altered import described_anew, with_rows
from tests.exports.count_files.test_write import full, said_in, write
from tests.support import World

QUESTIONS = (
    "/v1/counts/releases?group_by=gender",
    "/v1/counts/releases?group_by=nationality&group_by=source",
    "/v1/counts/releases?gender=female&as_of=r{then}",
    "/v1/counts/releases?group_by=facility&as_of=r{then}",
    "/v1/counts/held?group_by=area&held_on=2026-01-02",
)


def write_both(world: World, folder: Path) -> Path:
    done = write(world, folder / "files", folder / "personal")
    return folder / "personal" / done.name


@pytest.fixture
def filed(world: World) -> World:
    return fill(world)


@pytest.fixture(scope="module")
def parts(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_both(fill(shared), tmp_path_factory.mktemp("parts"))


@pytest.fixture
def newest(parts: Path, tmp_path: Path) -> Path:
    """A copy of the personal parts, to be changed, with the public ones beside them."""
    shutil.copytree(parts.parents[1], tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "personal" / parts.name


def fill(world: World) -> World:
    """A registry with three people, of whom one may only be counted and one is named by consent."""
    world.app.state.zone = world.settings.zone or world.app.state.zone
    world.add_facility()
    world.file(detainee__full_name="Abelardo Quintero")
    world.file(detainee__full_name="Berenice Urdaneta", detainee__gender="female", detainee__publish="anonymous")
    world.file(
        "jep", detainee__full_name="Casimiro Lozada", detainee__publish="counted", detainee__nationalities=["AR"]
    )
    return world


def same(world: World, folder: Path) -> None:
    """Expect of a trusted reader what the registry answers, apart from what tells the two registries apart."""
    then = world.get("/v1/counts/releases").json()["at"]["revision"] - 1
    for place in (None, folder / "columns"):
        settings = Settings(names="list", columns_dir=place)
        with TestClient(create_reader(folder / "files", settings, folder / "personal")) as reader:
            assert place is None or not [*place.iterdir()], "what is mapped has no name"
            for question in QUESTIONS:
                asked = question.format(then=then)
                given, wanted = reader.get(asked).json(), world.client.get(asked).json()
                del given["links"]["cite"], wanted["links"]["cite"]  # the only part with the address of the registry
                assert given == wanted, asked


def test_a_trusted_reader_counts_personal_dimensions(filed: World, tmp_path: Path) -> None:
    write_both(filed, tmp_path)
    same(filed, tmp_path)


def test_it_follows_consent_at_every_revision(filed: World, tmp_path: Path) -> None:
    write_both(filed, tmp_path)
    person = filed.get("/v1/detainees", q="Berenice Urdaneta", who="curator").json()["data"][0]["id"]
    filed.consent(person, "counted")
    write_both(filed, tmp_path)
    same(filed, tmp_path)


def test_an_erasure_leaves_nothing_of_the_person(filed: World, tmp_path: Path) -> None:
    answer = filed.file("pud", detainee__full_name="Dorotea Bracho", detainee__nationalities=["NI"])
    before = write_both(filed, tmp_path)
    assert "'NI'" in said_in(before)
    assert filed.post(f"/v1/detainees/{answer['detainee']['id']}/redaction", {}, "admin").status_code == 200
    after = write_both(filed, tmp_path)
    assert not before.exists()
    assert "'NI'" not in said_in(after)
    assert {path.name for path in after.parent.iterdir()} == {after.name, "latest", ".lock"}
    same(filed, tmp_path)


def test_the_erased_leave_the_disk_though_newer_parts_cannot_be_written(
    filed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = filed.file("pud", detainee__full_name="Dorotea Bracho", detainee__nationalities=["NI"])
    write_both(filed, tmp_path)
    assert filed.post(f"/v1/detainees/{answer['detainee']['id']}/redaction", {}, "admin").status_code == 200
    with monkeypatch.context() as without_room:
        without_room.setattr(folders, "flush_to_disk", full)
        with pytest.raises(CountFilesNotWritten):
            write_both(filed, tmp_path)
    assert {path.name for path in (tmp_path / "personal").iterdir()} == {"latest", ".lock"}
    write_both(filed, tmp_path)
    same(filed, tmp_path)


def test_what_an_ended_process_left_of_removed_parts_goes(filed: World, tmp_path: Path) -> None:
    before = write_both(filed, tmp_path)
    left = before.with_name(".removed")
    left.mkdir()
    (left / "traits.parquet").write_bytes(b"NI")
    assert write_both(filed, tmp_path) == before
    assert not left.exists()


def test_nobody_else_may_read_them(filed: World, tmp_path: Path) -> None:
    done = write_both(filed, tmp_path)
    assert {path.stat().st_mode & 0o777 for path in done.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (done, done.parent)} == {0o700}
    assert "Abelardo" not in said_in(done)


def test_parts_of_another_revision_are_refused(filed: World, tmp_path: Path) -> None:
    write_both(filed, tmp_path)
    filed.file(detainee__full_name="Evaristo Marcano")
    write(filed, tmp_path / "files")
    with pytest.raises(BadFile, match="together"):
        create_reader(tmp_path / "files", Settings(), tmp_path / "personal")


def test_damaged_parts_are_refused(newest: Path, tmp_path: Path) -> None:
    (newest / "placements.parquet").write_bytes(b"")
    with pytest.raises(BadFile, match="damaged"):
        create_reader(tmp_path / "files", Settings(), tmp_path / "personal")


@pytest.mark.parametrize(
    "table, query",
    [
        ("traits", "SELECT * REPLACE (0 AS person) FROM {file}"),
        ("traits", "SELECT * REPLACE (1000000 AS detention) FROM {file}"),
        ("traits", "SELECT * REPLACE (revision AS until) FROM {file}"),
        ("source_traits", "SELECT * REPLACE (1000000 AS source) FROM {file}"),
        ("placements", "SELECT * REPLACE (1000000 AS record) FROM {file}"),
        ("placements", "SELECT * REPLACE (1000 AS class) FROM {file}"),
        ("placements", "SELECT 1 AS other"),
    ],
)
def test_parts_that_no_registry_writes_are_refused(newest: Path, tmp_path: Path, table: str, query: str) -> None:
    with_rows(newest, table, query)
    with pytest.raises(BadFile, match="again"):
        create_reader(tmp_path / "files", Settings(), tmp_path / "personal")


def test_parts_of_another_format_are_refused(newest: Path, tmp_path: Path) -> None:
    described_anew(newest, lambda descriptor: descriptor["recuento"].update(format=2))
    with pytest.raises(BadFile, match="the version that wrote them"):
        create_reader(tmp_path / "files", Settings(), tmp_path / "personal")


GENDER = "/v1/counts/releases?group_by=gender"


def test_what_was_personal_is_let_go_of_where_newer_parts_cannot_be_read(
    filed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consent that was withdrawn since may be in them."""
    write_both(filed, tmp_path)
    with TestClient(create_reader(tmp_path / "files", Settings(), tmp_path / "personal")) as reader:
        followed = reader.app.state.followed  # type: ignore[attr-defined]

        def minutes_later(minutes: float) -> None:
            now = read_elapsed_seconds() + minutes * 60
            monkeypatch.setattr(reader_module, "read_elapsed_seconds", lambda: now)
            followed.withhold_outdated()

        public = reader.get("/v1/counts/releases").json()
        newest = (tmp_path / "personal" / "latest").resolve()
        away = newest.rename(tmp_path / "away")
        minutes_later(reader_module.PERSONAL_MINUTES - 1)
        assert reader.get(GENDER).status_code == 200
        with pytest.raises(BadFile):
            followed.follow()
        minutes_later(reader_module.PERSONAL_MINUTES + 1)
        assert reader.get(GENDER).json()["code"] == "not_in_files"
        assert reader.get("/v1/counts/releases").json() == public
        assert followed._current_columns[1].values.texts() == [None]
        away.rename(newest)
        followed.follow()
        assert reader.get(GENDER).status_code == 200


def test_parts_that_are_still_the_newest_are_told_however_old_they_are(
    filed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_both(filed, tmp_path)
    with TestClient(create_reader(tmp_path / "files", Settings(), tmp_path / "personal")) as reader:
        later = read_elapsed_seconds() + 60 * 60
        monkeypatch.setattr(reader_module, "read_elapsed_seconds", lambda: later)
        followed = reader.app.state.followed  # type: ignore[attr-defined]
        (tmp_path / "files" / "latest").unlink()
        with pytest.raises(BadFile):
            followed.follow()
        followed.withhold_outdated()
        assert reader.get(GENDER).status_code == 200


def test_it_is_let_go_of_even_while_a_folder_does_not_answer(
    filed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a share of a machine that is away, whose files are waited for without an end."""
    write_both(filed, tmp_path)
    with TestClient(create_reader(tmp_path / "files", Settings(), tmp_path / "personal")) as reader:
        followed = reader.app.state.followed  # type: ignore[attr-defined]
        filed.file(detainee__full_name="Evaristo Marcano")
        write_both(filed, tmp_path)
        fill, waiting, back = CountFiles.fill_database, Event(), Event()

        def filling(*given: Any) -> None:
            waiting.set()
            assert back.wait(60)
            fill(*given)

        monkeypatch.setattr(CountFiles, "fill_database", filling)
        thread = Thread(target=followed.follow)
        thread.start()
        assert waiting.wait(60)
        later = read_elapsed_seconds() + (reader_module.PERSONAL_MINUTES + 1) * 60
        monkeypatch.setattr(reader_module, "read_elapsed_seconds", lambda: later)
        followed.withhold_outdated()
        assert reader.get(GENDER).json()["code"] == "not_in_files"
        back.set()
        thread.join()
        assert reader.get(GENDER).json()["total"]["cases"] == 4
