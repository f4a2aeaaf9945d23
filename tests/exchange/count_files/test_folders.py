"""Folders of count files: apart from personal ones, never older than before, and whole on every file system."""

import os
from pathlib import Path

import pytest

from app.exchange.count_files.files import digest_of
from app.exchange.count_files.folders import (
    LATEST,
    PRIVATE,
    PUBLIC,
    alone,
    keep_part,
    link_or_copy,
    new_draft,
    point,
    publish,
    require_apart,
)
from app.exchange.imports.faults import BadFile


def published(folder: Path, revision: int, *, is_other_log: bool = False) -> Path:
    return publish(new_draft(folder), revision, PUBLIC, is_other_log=is_other_log)


@pytest.mark.parametrize(
    "public, personal",
    [("data", "data"), ("data", "data/personal"), ("all/data", "all"), ("data", "link/personal")],
)
def test_personal_parts_lie_in_no_folder_that_others_copy(tmp_path: Path, public: str, personal: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    with pytest.raises(BadFile, match="elsewhere"):
        require_apart(tmp_path / public, tmp_path / personal)


def test_two_folders_beside_each_other_are_apart(tmp_path: Path) -> None:
    require_apart(tmp_path / "data", tmp_path / "data-personal")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_no_place_for_personal_parts(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(BadFile, match=f"chmod 700 {tmp_path}"), alone(tmp_path, PRIVATE):
        pass
    with alone(tmp_path, PUBLIC):
        pass
    tmp_path.chmod(0o700)
    with alone(tmp_path, PRIVATE):
        pass


def test_latest_does_not_go_back(tmp_path: Path) -> None:
    newest = published(tmp_path, 12)
    with pytest.raises(BadFile, match="revision 12"):
        published(tmp_path, 11)
    assert not (tmp_path / "11").exists()
    (tmp_path / "11").mkdir()
    with pytest.raises(BadFile, match="revision 12"):
        point(tmp_path / "11")
    assert (tmp_path / LATEST).resolve() == newest
    assert published(tmp_path, 12) == newest


def test_it_does_where_the_newest_entry_is_of_another_log(tmp_path: Path) -> None:
    """An earlier copy of the database was put back."""
    published(tmp_path, 12)
    assert (tmp_path / LATEST).resolve() != published(tmp_path, 11, is_other_log=True).parent
    assert (tmp_path / LATEST).resolve().name == "11"


def test_a_newest_folder_that_was_deleted_is_in_nobodys_way(tmp_path: Path) -> None:
    published(tmp_path, 12).rmdir()
    assert published(tmp_path, 11) == (tmp_path / LATEST).resolve()


def test_without_hard_links_a_part_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(before: Path, after: Path) -> None:
        raise PermissionError

    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(b"rows")
    monkeypatch.setattr(os, "link", refused)
    link_or_copy(before, after)
    assert after.read_bytes() == b"rows"


def test_a_part_is_kept_only_as_its_descriptor_says(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    assert not keep_part(before, after, "sha256:00")
    before.write_bytes(b"rows")
    digest = digest_of(before)
    before.write_bytes(b"half")
    assert not keep_part(before, after, digest)
    assert not after.exists()
    before.write_bytes(b"rows")
    assert keep_part(before, after, digest)
    assert after.samefile(before)
