"""A reader follows its folder, and never answers from files that are damaged or not of its rules."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.exchange.imports.faults import BadFile
from app.reader import create_reader
from tests.exchange.count_files.test_write import write
from tests.support import World

COUNT = "/v1/counts/releases"


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    world.file()
    write(world, tmp_path)
    return tmp_path


@pytest.fixture
def reader(folder: Path) -> Iterator[TestClient]:
    with TestClient(create_reader(folder, Settings())) as client:
        yield client


def follow(reader: TestClient) -> None:
    reader.app.state.followed.follow()  # type: ignore[attr-defined]


def releases(client: Any, **params: Any) -> int:
    number: int = client.get(COUNT, params=params).json()["total"]["releases"]
    return number


def test_newer_files_are_taken_up(world: World, folder: Path, reader: TestClient) -> None:
    assert releases(reader) == 1
    world.now += timedelta(hours=1)
    world.file(detainee__full_name="Berenice Urdaneta")
    write(world, folder)
    assert releases(reader) == 1
    follow(reader)
    assert releases(reader) == 2
    then = reader.get(COUNT).json()["revision"] - 1
    assert reader.get(COUNT, params={"as_of": then}).json()["total"] == world.get(COUNT, as_of=then).json()["total"]


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
    assert again.json()["total"]["releases"] == 2


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
