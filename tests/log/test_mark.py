"""The file of the mark stays the server's, whoever rewrites it."""

import json
import os
from pathlib import Path

import pytest

from app.log.mark import HighWaterMark

SERVER, ITS_GROUP = 61_234, 62_345  # ids of nobody
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


def test_a_new_file_is_its_owners_alone_and_one_that_is_rewritten_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.head"
    HighWaterMark(path).record_fork(5)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    HighWaterMark(path).record_fork(4)
    assert path.stat().st_mode & 0o777 == 0o640
    assert json.loads(path.read_text())["forked_at"] == 4


@as_root
def test_what_root_rewrites_still_belongs_to_the_server(tmp_path: Path) -> None:
    path = tmp_path / "a.head"
    HighWaterMark(path).record_fork(5)
    os.chown(path, SERVER, ITS_GROUP)
    HighWaterMark(path).record_fork(4)
    assert owner(path) == (SERVER, ITS_GROUP)


@as_root
def test_what_root_makes_first_belongs_to_whoever_has_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, SERVER, ITS_GROUP)
    HighWaterMark(tmp_path / "a.head").record_fork(5)
    assert owner(tmp_path / "a.head") == (SERVER, ITS_GROUP)


def test_who_may_not_give_a_file_away_writes_it_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)
    HighWaterMark(tmp_path / "a.head").record_fork(5)
    assert json.loads((tmp_path / "a.head").read_text())["forked_at"] == 5
