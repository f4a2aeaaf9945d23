"""Publish folders of count files, one for each revision; each appears whole or not at all."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.db.files import flush_to_disk
from app.exports.count_files.files import (
    COUNTS_SQL_FILENAME,
    MOVED_COUNTS_FILENAME,
    ParquetFile,
    digest_file,
    load_counts_descriptor,
    read_format_version,
)
from app.exports.package import DESCRIPTOR_FILENAME
from app.imports.faults import BadFile

# A folder of the rows of earlier rules: the number of the rules, and the last revision under them.
ARCHIVE_NAME = re.compile(r"rules-([0-9]{1,4})-([0-9]{1,16})")
LATEST_LINK = "latest"  # a link to the newest of the folders, which are named by their revision
_LOCK_NAME, _DRAFT_NAME, _LINK_NAME, _REMOVED_NAME = ".lock", ".draft", ".link", ".removed"
_OTHER_USERS_MASK = 0o077  # mode bits of the group and of everyone else


class FileModes(NamedTuple):
    """The modes of files and folders."""

    file: int
    folder: int


PUBLIC_MODES = FileModes(0o644, 0o755)  # a web server or a copying job may be another user of the machine
PRIVATE_MODES = FileModes(0o600, 0o700)


class PublicFile(NamedTuple):
    """A file that everybody may read, and its digest."""

    path: Path
    digest: str


class CountFilesNotWritten(Exception):
    """Files cannot be written; the message says what to do. Former files remain."""


@contextmanager
def translate_disk_errors(folder: Path) -> Iterator[None]:
    """Raise CountFilesNotWritten for any error of a disk."""
    try:
        yield
    except OSError as error:
        raise CountFilesNotWritten(
            f"{error.filename or folder} cannot be written ({error.strerror or type(error).__name__}): see that its "
            "disk has room and that this user may write there, then write again. What stood there before stands."
        ) from None


def require_separate_folders(public: Path, personal: Path) -> None:
    """Raise BadFile if the public folder and the folder of personal parts are the same, or one is inside the other."""
    public_path, personal_path = public.resolve(), personal.resolve()
    if public_path.is_relative_to(personal_path) or personal_path.is_relative_to(public_path):
        raise BadFile(
            "not_apart",
            f"{personal} and {public} are the same folder, or one lies in the other: whoever copies the one would have "
            "personal values too. Give personal parts a folder elsewhere.",
        )


def find_public_file(folder: Path, revision: str, name: str) -> PublicFile | None:
    """Return the public file of a revision, of an archive or of LATEST: a descriptor, or a file that it names.

    None for anything else in the folder.
    """
    root = folder.resolve()
    revision_folder = (root / LATEST_LINK).resolve() if revision == LATEST_LINK else root / revision
    descriptor = (
        load_counts_descriptor(revision_folder)
        if revision_folder.parent == root
        and (revision_folder.name.isdigit() or ARCHIVE_NAME.fullmatch(revision_folder.name))
        else None
    )
    if descriptor is None or name not in (
        DESCRIPTOR_FILENAME,
        COUNTS_SQL_FILENAME,
        MOVED_COUNTS_FILENAME,
        *descriptor.files,
    ):
        return None
    path = revision_folder / name
    if path.resolve() != path or not path.is_file():  # a link may lead anywhere
        return None
    file = descriptor.files.get(name)
    return PublicFile(path, digest_file(path) if file is None else file.hash)


@contextmanager
def lock_folder(folder: Path, modes: FileModes) -> Iterator[None]:
    """Lock the folder for one process at a time, and delete the remains of interrupted processes.

    A scheduler may start the next process before the last one ends. Raises OSError, and BadFile if others may enter a
    private folder.
    """
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
            shutil.rmtree(
                folder / _DRAFT_NAME, ignore_errors=True
            )  # on a full disk the remains would occupy the free space


def create_draft(folder: Path) -> Path:
    """Create an empty folder to write into."""
    draft = folder / _DRAFT_NAME
    shutil.rmtree(draft, ignore_errors=True)  # left by an interrupted process
    draft.mkdir(mode=PRIVATE_MODES.folder)
    return draft


def reuse_part(source_folder: Path, draft: Path, file: ParquetFile) -> bool:
    """Add a file of the previous folder to a draft, if the file is there and matches its descriptor."""
    if not file.is_intact(source_folder):
        return False
    link_or_copy(source_folder / file.path, draft / file.path)
    return True


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; copy it on a file system without hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def publish_draft(draft: Path, revision: int, modes: FileModes, *, is_other_log: bool = False) -> Path:
    """Give a draft its name once it is all on the disk, and point LATEST to it.

    An existing folder of that revision (of another log, other rules or another licence) is replaced. Raises BadFile as
    `point_latest` does, and then leaves the draft.
    """
    target = draft.with_name(str(revision))
    if not is_other_log:
        _require_newest(target)
    flush_draft(draft, modes)
    is_there = target.exists()
    if is_there:
        target.rename(target.with_name(_REMOVED_NAME))
    draft.rename(target)
    flush_to_disk(target.parent)
    point_latest(target, is_other_log=is_other_log)
    if is_there:
        shutil.rmtree(target.with_name(_REMOVED_NAME))
    return target


def flush_draft(draft: Path, modes: FileModes) -> None:
    """Bring a draft to the disk, with its modes."""
    for path in draft.iterdir():
        path.chmod(modes.file)
        flush_to_disk(path)
    draft.chmod(modes.folder)
    flush_to_disk(draft)


def point_latest(folder: Path, *, is_other_log: bool = False) -> None:
    """Point LATEST to a folder.

    Raises BadFile if LATEST points to a later revision, unless that is of another log, whose entry the registry no
    longer has.
    """
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
    """Keep the newest folder, and those of the revisions just before it, `max_folders` in all.

    Folders of later revisions are removed too: they are of a log that an earlier copy of the database replaced.
    """
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
    """Remove a folder under another name, so that half of it is never mistaken for the whole."""
    renamed_folder = folder.rename(folder.with_name(_REMOVED_NAME))
    shutil.rmtree(renamed_folder)


def _list_revision_folders(folder: Path) -> list[Path]:
    """List the folders of revisions, but no other folders whose name is a number."""
    numbered_folders = [path for path in folder.iterdir() if path.name.isdecimal() and not path.is_symlink()]
    return [path for path in numbered_folders if read_format_version(path) is not None]
