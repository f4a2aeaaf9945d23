"""Folders of count files: apart from personal ones, never older than before, and whole on every file system."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.exports.count_files import folders
from app.exports.count_files.files import ParquetFile
from app.exports.count_files.folders import (
    LATEST_LINK,
    PRIVATE_MODES,
    PUBLIC_MODES,
    create_draft,
    link_or_copy,
    lock_folder,
    point_latest,
    publish_draft,
    remove_old_folders,
    require_separate_folders,
    reuse_part,
)
from app.imports.faults import BadFile


def published(folder: Path, revision: int, *, is_other_log: bool = False) -> Path:
    draft = create_draft(folder)
    (draft / "datapackage.json").write_text('{"recuento": {"format": 1}}')
    return publish_draft(draft, revision, PUBLIC_MODES, is_other_log=is_other_log)


def revisions_in(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


@pytest.mark.parametrize(
    "public, personal",
    [("data", "data"), ("data", "data/personal"), ("all/data", "all"), ("data", "link/personal")],
)
def test_personal_parts_lie_in_no_folder_that_others_copy(tmp_path: Path, public: str, personal: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    with pytest.raises(BadFile, match="elsewhere"):
        require_separate_folders(tmp_path / public, tmp_path / personal)


def test_two_folders_beside_each_other_are_apart(tmp_path: Path) -> None:
    require_separate_folders(tmp_path / "data", tmp_path / "data-personal")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_no_place_for_personal_parts(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(BadFile, match=f"chmod 700 {tmp_path}"), lock_folder(tmp_path, PRIVATE_MODES):
        pass
    with lock_folder(tmp_path, PUBLIC_MODES):
        pass
    tmp_path.chmod(0o700)
    with lock_folder(tmp_path, PRIVATE_MODES):
        pass


def test_latest_does_not_go_back(tmp_path: Path) -> None:
    newest = published(tmp_path, 12)
    with pytest.raises(BadFile, match="revision 12"):
        published(tmp_path, 11)
    assert not (tmp_path / "11").exists()
    (tmp_path / "11").mkdir()
    with pytest.raises(BadFile, match="revision 12"):
        point_latest(tmp_path / "11")
    assert (tmp_path / LATEST_LINK).resolve() == newest
    assert published(tmp_path, 12) == newest


def test_it_does_where_the_newest_entry_is_of_another_log(tmp_path: Path) -> None:
    """An earlier copy of the database was put back."""
    published(tmp_path, 12)
    assert (tmp_path / LATEST_LINK).resolve() != published(tmp_path, 11, is_other_log=True).parent
    assert (tmp_path / LATEST_LINK).resolve().name == "11"


def test_a_newest_folder_that_was_deleted_is_in_nobodys_way(tmp_path: Path) -> None:
    shutil.rmtree(published(tmp_path, 12))
    assert published(tmp_path, 11) == (tmp_path / LATEST_LINK).resolve()


def test_without_hard_links_a_part_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(before: Path, after: Path) -> None:
        raise PermissionError

    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(b"rows")
    monkeypatch.setattr(os, "link", refused)
    link_or_copy(before, after)
    assert after.read_bytes() == b"rows"


def test_a_part_is_kept_only_as_its_descriptor_says(tmp_path: Path) -> None:
    before, draft = tmp_path / "before", tmp_path / "draft"
    before.mkdir()
    draft.mkdir()
    part = before / "releases-1-2.parquet"
    part.write_bytes(b"rows")
    file = ParquetFile.from_path(part, 1)
    for content in (b"half", b"longer rows"):
        part.write_bytes(content)
        assert not reuse_part(before, draft, file)
    part.unlink()
    assert not reuse_part(before, draft, file)
    assert [*draft.iterdir()] == []
    part.write_bytes(b"rows")
    assert reuse_part(before, draft, file)
    assert (draft / part.name).samefile(part)


@pytest.mark.parametrize(
    "kept, stay", [(1, [20]), (2, [12, 20]), (3, [7, 12, 20]), (4, [3, 7, 12, 20]), (9, [3, 7, 12, 20])]
)
def test_the_oldest_folders_are_removed(tmp_path: Path, kept: int, stay: list[int]) -> None:
    newest = [published(tmp_path, revision) for revision in (3, 7, 12, 20)][-1]
    remove_old_folders(newest, kept)
    assert revisions_in(tmp_path) == stay
    assert (tmp_path / LATEST_LINK).resolve() == newest


def test_the_folder_of_latest_stays_though_others_have_later_revisions(tmp_path: Path) -> None:
    """An earlier copy of the database was put back: what came after it is no part of this log."""
    for revision in (9, 12, 20):
        published(tmp_path, revision)
    newest = published(tmp_path, 11, is_other_log=True)
    remove_old_folders(newest, 2)
    assert revisions_in(tmp_path) == [9, 11]
    assert (tmp_path / LATEST_LINK).resolve() == newest


def test_what_somebody_else_keeps_under_a_number_stays(tmp_path: Path) -> None:
    (tmp_path / "2024" / "pictures").mkdir(parents=True)
    (tmp_path / "5").symlink_to("2024")
    published(tmp_path, 11)
    remove_old_folders(published(tmp_path, 12))
    assert revisions_in(tmp_path) == [5, 12, 2024]


def test_a_folder_that_was_removed_in_part_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was ended between two files."""
    old, newest = published(tmp_path, 11), published(tmp_path, 12)
    (old / "people-1-11.parquet").write_bytes(b"rows")

    def ended(folder: Path, **_how: Any) -> None:
        (folder / "people-1-11.parquet").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as ending:
        ending.setattr(shutil, "rmtree", ended)
        with pytest.raises(KeyboardInterrupt):
            remove_old_folders(newest)
    assert revisions_in(tmp_path) == [12]
    with lock_folder(tmp_path, PUBLIC_MODES):
        assert {path.name for path in tmp_path.iterdir()} == {"12", LATEST_LINK, ".lock"}


def test_a_folder_that_is_replaced_is_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same revision, under another licence."""
    old = published(tmp_path, 12)
    (old / "people-1-12.parquet").write_bytes(b"rows")

    def ended(_folder: Path, **_how: Any) -> None:
        raise KeyboardInterrupt

    draft = create_draft(tmp_path)
    (draft / "datapackage.json").write_text("{}")
    with monkeypatch.context() as ending:
        ending.setattr(shutil, "rmtree", ended)
        with pytest.raises(KeyboardInterrupt):
            publish_draft(draft, 12, PUBLIC_MODES)
    assert [path.name for path in (tmp_path / LATEST_LINK).resolve().iterdir()] == ["datapackage.json"]
    with lock_folder(tmp_path, PUBLIC_MODES):
        assert {path.name for path in tmp_path.iterdir()} == {"12", LATEST_LINK, ".lock"}


def test_all_of_a_folder_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut it would be taken for whole."""
    flushed: list[str] = []
    monkeypatch.setattr(folders, "flush_to_disk", lambda path: flushed.append(f"{path.name} {revisions_in(tmp_path)}"))
    published(tmp_path, 12)
    assert flushed[:2] == ["datapackage.json []", ".draft []"]
    assert flushed[2:] == [f"{tmp_path.name} [12]"] * 2
