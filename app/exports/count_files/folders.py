"""A folder of folders, one for each revision: each is written under another name first, and is whole or not there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.db.files import flush_to_disk
from app.exports.count_files.files import (
    COUNTS_SQL_FILENAME,
    ParquetFile,
    digest_file,
    load_counts_descriptor,
    read_format_version,
)
from app.exports.package import DESCRIPTOR_FILENAME
from app.imports.faults import BadFile

LATEST_LINK = "latest"  # beside the folders, which are called by their revision: a link to the newest
_LOCK_NAME, _DRAFT_NAME, _LINK_NAME, _REMOVED_NAME = ".lock", ".draft", ".link", ".removed"
_OTHER_USERS_MASK = 0o077  # what the owner's group and everybody else may do


class FileModes(NamedTuple):
    """Who may read what is written."""

    file: int
    folder: int


PUBLIC_MODES = FileModes(
    0o644, 0o755
)  # whoever gives the folder to others, or copies it, may be another user of the machine
PRIVATE_MODES = FileModes(0o600, 0o700)


class PublicFile(NamedTuple):
    """A file that everybody may read, and its digest."""

    path: Path
    digest: str


class CountFilesNotWritten(Exception):
    """Files cannot be written; the text says what to do. What stood there before stands."""


@contextmanager
def translate_disk_errors(folder: Path) -> Iterator[None]:
    """Whatever a disk refuses, told as Unwritten."""
    try:
        yield
    except OSError as error:
        raise CountFilesNotWritten(
            f"{error.filename or folder} cannot be written ({error.strerror or type(error).__name__}): see that its "
            "disk has room and that this user may write there, then write again. What stood there before stands."
        ) from None


def require_separate_folders(public: Path, personal: Path) -> None:
    """Raises BadFile where the folder that everybody may copy and the one of personal parts are the same, or one lies
    in the other."""
    public_path, personal_path = public.resolve(), personal.resolve()
    if public_path.is_relative_to(personal_path) or personal_path.is_relative_to(public_path):
        raise BadFile(
            "not_apart",
            f"{personal} and {public} are the same folder, or one lies in the other: whoever copies the one would have "
            "personal values too. Give personal parts a folder elsewhere.",
        )


def find_public_file(folder: Path, revision: str, name: str) -> PublicFile | None:
    """The file of a revision, or of LATEST, that everybody may read: a descriptor of count files, or what stands in it.
    None for whatever else lies there."""
    root = folder.resolve()
    revision_folder = (root / LATEST_LINK).resolve() if revision == LATEST_LINK else root / revision
    descriptor = (
        load_counts_descriptor(revision_folder)
        if revision_folder.parent == root and revision_folder.name.isdigit()
        else None
    )
    if descriptor is None or name not in (DESCRIPTOR_FILENAME, COUNTS_SQL_FILENAME, *descriptor.files):
        return None
    path = revision_folder / name
    if path.resolve() != path or not path.is_file():  # a link may lead anywhere
        return None
    file = descriptor.files.get(name)
    return PublicFile(path, digest_file(path) if file is None else file.hash)


@contextmanager
def lock_folder(folder: Path, modes: FileModes) -> Iterator[None]:
    """The folder, for one process at a time: a clock may start the next before the last one is through. What was left
    half, by a process that was ended or by a failure, goes. Raises BadFile where others may enter a folder that is its
    owner's alone, and OSError."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(modes.folder)
    elif not modes.folder & _OTHER_USERS_MASK and folder.stat().st_mode & _OTHER_USERS_MASK:
        raise BadFile("too_open", f"Others of this machine may enter {folder}: chmod {modes.folder:o} {folder}")
    with (folder / _LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in (_DRAFT_NAME, _REMOVED_NAME):
            if (folder / name).exists():
                shutil.rmtree(folder / name)
        try:
            yield
        finally:
            shutil.rmtree(folder / _DRAFT_NAME, ignore_errors=True)  # of a full disk it would keep what was free


def create_draft(folder: Path) -> Path:
    """An empty folder to write into."""
    draft = folder / _DRAFT_NAME
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was ended
    draft.mkdir(mode=PRIVATE_MODES.folder)
    return draft


def reuse_part(source_folder: Path, draft: Path, file: ParquetFile) -> bool:
    """Let a file of a folder before stand in a draft too, if it is there and still as the descriptor there says."""
    if not file.is_intact(source_folder):
        return False
    link_or_copy(source_folder / file.path, draft / file.path)
    return True


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; on a file system that has no such thing, its content."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def publish_draft(draft: Path, revision: int, modes: FileModes, *, is_other_log: bool = False) -> Path:
    """Give a draft its name once all of it is on the disk, and let LATEST point to it. A folder of that revision of
    another log, of other rules or under another licence goes. Raises BadFile as `point_latest` does, and then leaves the
    draft."""
    target = draft.with_name(str(revision))
    if not is_other_log:
        _require_newest(target)
    for path in draft.iterdir():
        path.chmod(modes.file)
        flush_to_disk(path)
    draft.chmod(modes.folder)
    flush_to_disk(draft)
    is_there = target.exists()
    if is_there:
        target.rename(target.with_name(_REMOVED_NAME))
    draft.rename(target)
    flush_to_disk(target.parent)
    point_latest(target, is_other_log=is_other_log)
    if is_there:
        shutil.rmtree(target.with_name(_REMOVED_NAME))
    return target


def point_latest(folder: Path, *, is_other_log: bool = False) -> None:
    """Let LATEST point to a folder, if it does not yet. Raises BadFile where it points to a later revision, unless that
    is of another log: the registry has not its entry any more."""
    latest, link = folder.with_name(LATEST_LINK), folder.with_name(_LINK_NAME)
    if latest.is_symlink() and latest.readlink() == Path(folder.name):
        return
    if not is_other_log:
        _require_newest(folder)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(latest)
    flush_to_disk(folder.parent)


def _require_newest(folder: Path) -> None:
    newest = folder.with_name(LATEST_LINK).resolve()
    if newest.is_dir() and newest.name.isdigit() and int(newest.name) > int(folder.name):
        raise BadFile(
            "older",
            f"{folder.parent} has files of revision {newest.name}, and these would be of revision {folder.name}: "
            "another process wrote newer ones meanwhile, or an earlier copy of the database answers. Write again.",
        )


def remove_old_folders(newest: Path, max_folders: int = 1) -> None:
    """Keep so many folders: the newest, to which LATEST points, and those of the revisions just before it. Folders of
    later revisions are of a log that an earlier copy of the database replaced, and go too."""
    other_folders = [other for other in _list_revision_folders(newest.parent) if other != newest]
    older_folders = [other for other in other_folders if int(other.name) < int(newest.name)]
    older_folders.sort(key=lambda path: int(path.name), reverse=True)
    for other in other_folders:
        if other not in older_folders[: max_folders - 1]:
            _remove_folder(other)


def remove_all_folders(folder: Path) -> None:
    """Remove the folders of every revision."""
    for revision_folder in _list_revision_folders(folder):
        _remove_folder(revision_folder)


def _remove_folder(folder: Path) -> None:
    """Remove a folder: under another name, so that a half of it is never taken for the whole."""
    renamed_folder = folder.rename(folder.with_name(_REMOVED_NAME))
    shutil.rmtree(renamed_folder)


def _list_revision_folders(folder: Path) -> list[Path]:
    """The folders of revisions, and nothing else that somebody keeps under a number."""
    numbered_folders = [path for path in folder.iterdir() if path.name.isdecimal() and not path.is_symlink()]
    return [path for path in numbered_folders if read_format_version(path) is not None]
