"""A reader follows its folder, and never answers from files that are damaged or not of its rules."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import reader as reader_module
from app.config import Settings
from app.db.engine import open_write_session
from app.exports.count_files.folders import point_latest, remove_old_folders
from app.exports.count_files.load import CountFiles
from app.imports.faults import BadFile
from app.log.entries import LEAF_DIGITS
from app.reader import create_reader
from app.vocabulary import Role
from tests.exports.count_files.altered import described_anew, with_rows
from tests.exports.count_files.test_write import write
from tests.support import Body, World

COUNT = "/v1/counts/releases"
OTHER_LEAF = "0f" * 32


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    world.file()
    return write(world, tmp_path / "files").parent


@pytest.fixture
def reader(folder: Path) -> Iterator[TestClient]:
    with TestClient(create_reader(folder, Settings())) as client:
        yield client


def follow(reader: TestClient) -> None:
    reader.app.state.followed.follow()  # type: ignore[attr-defined]


def releases(client: Any, **params: Any) -> int:
    number: int = client.get(COUNT, params=params).json()["total"]["cases"]
    return number


def test_newer_files_are_taken_up(world: World, folder: Path, reader: TestClient) -> None:
    assert releases(reader) == 1
    world.now += timedelta(hours=1)
    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    assert releases(reader) == 1
    follow(reader)
    assert releases(reader) == 2
    then = reader.get(COUNT).json()["at"]["revision"] - 1
    assert (
        reader.get(COUNT, params={"as_of": f"r{then}"}).json()["total"] == world.get(COUNT, as_of=then).json()["total"]
    )


def test_a_reader_goes_on_though_its_folder_is_deleted(world: World, folder: Path, reader: TestClient) -> None:
    first = (folder / "latest").resolve()
    part = next(first.glob("people-*.parquet")).open("rb")
    world.file(detainee__full_name="Berenice Urdaneta")
    remove_old_folders(write(world, folder))
    assert not first.exists()
    with part:
        assert part.read().endswith(b"PAR1")
    assert releases(reader) == 1
    follow(reader)
    assert releases(reader) == 2


def test_a_folder_that_is_deleted_while_it_is_read_is_read_no_further(
    world: World, folder: Path, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_whole = CountFiles.require_intact

    def deleted(files: CountFiles) -> None:
        require_whole(files)
        world.file(detainee__full_name="Casimiro Lozada")
        remove_old_folders(write(world, folder))

    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    with monkeypatch.context() as deleting:
        deleting.setattr(CountFiles, "require_intact", deleted)
        with pytest.raises(BadFile):
            follow(reader)
    assert releases(reader) == 1
    follow(reader)
    assert releases(reader) == 3


def test_an_answer_that_a_dashboard_polls_is_renewed_with_the_files(
    world: World, folder: Path, reader: TestClient
) -> None:
    tag = reader.get(COUNT).headers["ETag"]
    assert reader.get(COUNT, headers={"If-None-Match": tag}).status_code == 304
    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    follow(reader)
    again = reader.get(COUNT, headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json()["total"]["cases"] == 2


def test_damaged_files_are_refused(folder: Path) -> None:
    path = next((folder / "latest").glob("releases-*.parquet"))
    path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8)
    with pytest.raises(BadFile, match="damaged"):
        create_reader(folder, Settings())


def test_a_folder_copied_in_part_is_refused(folder: Path) -> None:
    next((folder / "latest").glob("closed-releases-*.parquet")).unlink()
    with pytest.raises(BadFile, match="missing or damaged"):
        create_reader(folder, Settings())


def test_files_of_other_rules_are_refused(folder: Path) -> None:
    path = folder / "latest" / "datapackage.json"
    described = json.loads(path.read_text())
    described["recuento"]["rules"] += 1
    path.write_text(json.dumps(described))
    with pytest.raises(BadFile, match="rules"):
        create_reader(folder, Settings())


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"recuento": 1}', '{"recuento": {"rules": 5}}', '{"a": '])
def test_a_folder_without_a_descriptor_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "latest").mkdir()
        (tmp_path / "latest" / "datapackage.json").write_text(text)
    with pytest.raises(BadFile):
        create_reader(tmp_path, Settings())


def test_a_reader_leaves_nothing_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(beside))
    with TestClient(create_reader(folder, Settings())) as client:
        assert releases(client) == 1
        assert [*beside.iterdir()] != []
    assert [*beside.iterdir()] == []


def test_files_of_another_log_take_the_place_of_all_before(world: World, folder: Path, reader: TestClient) -> None:
    """An earlier copy of the database was put back, and the same revision is another entry."""
    before = reader.get(COUNT).json()
    with_rows(folder / "latest", "entries", f"SELECT * REPLACE ('{OTHER_LEAF}' AS leaf_hash) FROM {{file}}")
    described_anew(folder / "latest", lambda said: said["recuento"].update(leaf_hash=OTHER_LEAF))
    follow(reader)
    after = reader.get(COUNT).json()
    assert after["at"] == before["at"]
    assert after["links"]["permalink"] != before["links"]["permalink"]
    assert after["links"]["cite"] != before["links"]["cite"]
    other_log = {"as_of": f"r{before['at']['revision']}", "leaf": OTHER_LEAF[:LEAF_DIGITS]}
    assert reader.get(COUNT, params=other_log).status_code == 200


def test_a_later_revision_of_another_log_is_no_continuation(world: World, folder: Path, reader: TestClient) -> None:
    first = reader.get(COUNT).json()["at"]["revision"]
    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    other = f"CASE revision WHEN {first} THEN '{OTHER_LEAF}' ELSE leaf_hash END"
    with_rows(folder / "latest", "entries", f"SELECT * REPLACE ({other} AS leaf_hash) FROM {{file}}")
    follow(reader)
    assert releases(reader) == 2
    assert reader.get(COUNT, params={"as_of": f"r{first}", "leaf": OTHER_LEAF[:LEAF_DIGITS]}).status_code == 200


def test_an_earlier_revision_is_followed(world: World, folder: Path, reader: TestClient) -> None:
    earlier = (folder / "latest").resolve()
    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    follow(reader)
    assert releases(reader) == 2
    point_latest(earlier, is_other_log=True)
    follow(reader)
    assert releases(reader) == 1
    assert reader.get(COUNT, params={"as_of": f"r{int(earlier.name) + 1}"}).json()["code"] == "ahead_of_head"


def test_so_are_another_address_and_zone_of_the_same_revision(folder: Path, reader: TestClient) -> None:
    """Though an answer is kept by the head, which is the same."""
    count = reader.get(COUNT)
    assert "https://registry.example" in count.text
    last_day = {"as_of": count.json()["at"]["recorded_at"][:10]}
    assert reader.get(COUNT, params=last_day).json()["code"] == "ahead_of_head"

    def moved(descriptor: dict[str, Any]) -> None:
        descriptor["homepage"] = "https://elsewhere.example"
        descriptor["recuento"]["zone"] = "Pacific/Kiritimati"  # where that day has ended

    described_anew(folder / "latest", moved)
    follow(reader)
    assert "https://elsewhere.example" in reader.get(COUNT).text
    assert "https://registry.example" not in reader.get(COUNT).text
    assert reader.get(COUNT, params=last_day).status_code == 200


def test_a_recalled_version_of_a_figure_is_not_told_as_confirmed(
    world: World, folder: Path, reader: TestClient
) -> None:
    """Though a newer version, which nobody has confirmed, is current."""
    figure: Body = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "series": "cumulative",
                    "window_from": "2026-01-08", "stated_at": "2026-03-01", "country": "VE",
                    "source_record_id": "F-1"}  # fmt: skip
    asked = {"interval": "month", "country": "VE", "released_from": "2026-01-08", "claims": "true"}
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.REPORTER, "foro", "Somebody robbed")

    def drawn(client: Any) -> list[int]:
        return [claim["low"] for claim in client.get("/v1/counts/series", params=asked).json()["claims"]]

    filed = world.post("/v1/claims", {**figure, "said": 808}, "thief").json()
    assert world.post(f"/v1/claims/{filed['id']}/confirmation", None, "curator").status_code == 201
    world.post("/v1/claims", {**figure, "said": 40}, "foro")
    write(world, folder)
    follow(reader)
    assert drawn(reader) == drawn(world.client) == [808]
    stolen: Body = {"key_id": world.keys["thief"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", stolen, "admin").status_code == 200
    write(world, folder)
    follow(reader)
    assert drawn(reader) == drawn(world.client) == []


def test_files_that_cannot_be_followed_leave_the_answers_as_they_were(
    world: World, folder: Path, reader: TestClient
) -> None:
    world.file(detainee__full_name="Berenice Urdaneta")
    with_rows(write(world, folder), "claims", "SELECT 1 AS key")
    with pytest.raises(BadFile):
        follow(reader)
    assert releases(reader) == 1


@pytest.mark.parametrize(
    "error",
    [
        KeyError,
        MemoryError,
        *(pytest.param(error, marks=pytest.mark.campaign) for error in (IndexError, OSError, ValueError, RuntimeError)),
    ],
)
def test_whatever_goes_wrong_the_reader_goes_on_to_follow(
    world: World,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    monkeypatch.setattr(reader_module, "FOLDER_INTERVAL_SECONDS", 0.01)
    with TestClient(create_reader(folder, Settings())) as client:
        newest_in, failed = CountFiles.open_newest, Event()

        def failing(*folders: Path) -> Any:
            if not failed.is_set():
                failed.set()
                raise error("Berenice")
            return newest_in(*folders)

        monkeypatch.setattr(CountFiles, "open_newest", failing)
        world.file(detainee__full_name="Berenice Urdaneta")
        write(world, folder)
        eventually(lambda: releases(client) == 2)
        assert failed.is_set()
    assert error.__name__ in caplog.text
    assert "Berenice" not in caplog.text


def test_a_folder_that_is_removed_is_followed_once_it_is_back(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "FOLDER_INTERVAL_SECONDS", 0.01)
    with TestClient(create_reader(folder, Settings())) as client:
        away = folder.rename(folder.with_name("away"))
        sleep(0.1)
        assert releases(client) == 1
        world.file(detainee__full_name="Berenice Urdaneta")
        write(world, away)
        away.rename(folder)
        eventually(lambda: releases(client) == 2)


def test_a_reader_that_stops_waits_for_its_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would write into a database that is cleaned away."""
    monkeypatch.setattr(reader_module, "FOLDER_INTERVAL_SECONDS", 0.01)
    app = create_reader(folder, Settings())
    begun, ended = Event(), Event()

    def slow() -> None:
        begun.set()
        sleep(0.3)
        ended.set()

    app.state.followed.follow = slow
    with TestClient(app):
        assert begun.wait(10)
    assert ended.is_set()


def test_a_day_of_which_the_files_may_not_know_all_is_refused(folder: Path, reader: TestClient) -> None:
    recorded_at = reader.get(COUNT).json()["at"]["recorded_at"]
    for moment, status in ((recorded_at, 200), (recorded_at[:10], 422), ("2025-12-31", 200)):
        answer = reader.get(COUNT, params={"as_of": moment})
        assert answer.status_code == status, answer.text
        assert status == 200 or answer.json()["code"] == "ahead_of_head"


def test_a_day_of_custody_is_judged_by_the_calendar(world: World, folder: Path, reader: TestClient) -> None:
    """Files of last week can be asked who, as far as they know, is held today."""
    question = "/v1/counts/held"
    reader.app.state.clock = lambda: world.now + timedelta(days=7)  # type: ignore[attr-defined]
    later = (world.now + timedelta(days=6)).date().isoformat()
    assert reader.get(question, params={"held_on": later}).status_code == 200
    never = (world.now + timedelta(days=20)).date().isoformat()
    assert reader.get(question, params={"held_on": never}).json()["errors"][0]["code"] == "in_future"


def test_a_reader_may_map_what_it_counts_from(world: World, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "columns"
    with TestClient(create_reader(folder, Settings(columns_dir=place))) as mapping:
        (_engine, columns) = mapping.app.state.followed._current_columns  # type: ignore[attr-defined]
        assert columns.generation is not None, "it is of mapped files"
        assert releases(mapping) == 1
        world.now += timedelta(hours=1)
        world.file(detainee__full_name="Berenice Urdaneta")
        write(world, folder)
        follow(mapping)
        assert releases(mapping) == 2
    assert not [*place.iterdir()]


def test_a_reader_asks_no_database_of_a_registry(folder: Path) -> None:
    away = Settings(
        database_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
        database_read_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
    )
    app = create_reader(folder, away)
    with TestClient(app) as client:
        assert releases(client) == 1
    assert app.state.replica is None


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so: some seconds on a busy machine."""
    for _try in range(600):
        if is_so():
            return
        sleep(0.05)
    raise AssertionError
