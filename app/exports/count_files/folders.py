"""A folder of folders, one for each revision: each is written under another name first, and is whole or not there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.db.files import flush
from app.exports.count_files.files import COUNTS, File, described, digest_of, format_of
from app.exports.package import DESCRIPTOR
from app.imports.faults import BadFile

LATEST = "latest"  # beside the folders, which are called by their revision: a link to the newest
_LOCK, _DRAFT, _LINK, _REMOVED = ".lock", ".draft", ".link", ".removed"
_OTHERS = 0o077  # what the owner's group and everybody else may do


class Modes(NamedTuple):
    """Who may read what is written."""

    file: int
    folder: int


PUBLIC = Modes(0o644, 0o755)  # whoever gives the folder to others, or copies it, may be another user of the machine
PRIVATE = Modes(0o600, 0o700)


class GivenFile(NamedTuple):
    """A file that everybody may read, and its digest."""

    path: Path
    digest: str


class Unwritten(Exception):
    """Files cannot be written; the text says what to do. What stood there before stands."""


@contextmanager
def as_unwritten(folder: Path) -> Iterator[None]:
    """Whatever a disk refuses, told as Unwritten."""
    try:
        yield
    except OSError as error:
        raise Unwritten(
            f"{error.filename or folder} cannot be written ({error.strerror or type(error).__name__}): see that its "
            "disk has room and that this user may write there, then write again. What stood there before stands."
        ) from None


def require_apart(public: Path, personal: Path) -> None:
    """Raises BadFile where the folder that everybody may copy and the one of personal parts are the same, or one lies
    in the other."""
    given, kept = public.resolve(), personal.resolve()
    if given.is_relative_to(kept) or kept.is_relative_to(given):
        raise BadFile(
            "not_apart",
            f"{personal} and {public} are the same folder, or one lies in the other: whoever copies the one would have "
            "personal values too. Give personal parts a folder elsewhere.",
        )


def given_file(folder: Path, revision: str, name: str) -> GivenFile | None:
    """The file of a revision, or of LATEST, that everybody may read: a descriptor of count files, or what stands in it.
    None for whatever else lies there."""
    root = folder.resolve()
    of_revision = (root / LATEST).resolve() if revision == LATEST else root / revision
    descriptor = described(of_revision) if of_revision.parent == root and of_revision.name.isdigit() else None
    if descriptor is None or name not in (DESCRIPTOR, COUNTS, *descriptor.files):
        return None
    path = of_revision / name
    if path.resolve() != path or not path.is_file():  # a link may lead anywhere
        return None
    file = descriptor.files.get(name)
    return GivenFile(path, digest_of(path) if file is None else file.hash)


@contextmanager
def alone(folder: Path, modes: Modes) -> Iterator[None]:
    """The folder, for one process at a time: a clock may start the next before the last one is through. What was left
    half, by a process that was ended or by a failure, goes. Raises BadFile where others may enter a folder that is its
    owner's alone, and OSError."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(modes.folder)
    elif not modes.folder & _OTHERS and folder.stat().st_mode & _OTHERS:
        raise BadFile("too_open", f"Others of this machine may enter {folder}: chmod {modes.folder:o} {folder}")
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in (_DRAFT, _REMOVED):
            if (folder / name).exists():
                shutil.rmtree(folder / name)
        try:
            yield
        finally:
            shutil.rmtree(folder / _DRAFT, ignore_errors=True)  # of a full disk it would keep what was free


def new_draft(folder: Path) -> Path:
    """An empty folder to write into."""
    draft = folder / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was ended
    draft.mkdir(mode=PRIVATE.folder)
    return draft


def keep_part(before: Path, draft: Path, file: File) -> bool:
    """Let a file of a folder before stand in a draft too, if it is there and still as the descriptor there says."""
    if not file.is_whole(before):
        return False
    link_or_copy(before / file.path, draft / file.path)
    return True


def link_or_copy(before: Path, after: Path) -> None:
    """Give a file a second name; on a file system that has no such thing, its content."""
    try:
        os.link(before, after)
    except OSError:
        shutil.copyfile(before, after)


def publish(draft: Path, revision: int, modes: Modes, *, is_other_log: bool = False) -> Path:
    """Give a draft its name once all of it is on the disk, and let LATEST point to it. A folder of that revision of
    another log, of other rules or under another licence goes. Raises BadFile as `point` does, and then leaves the
    draft."""
    done = draft.with_name(str(revision))
    if not is_other_log:
        _require_newest(done)
    for path in draft.iterdir():
        path.chmod(modes.file)
        flush(path)
    draft.chmod(modes.folder)
    flush(draft)
    is_there = done.exists()
    if is_there:
        done.rename(done.with_name(_REMOVED))
    draft.rename(done)
    flush(done.parent)
    point(done, is_other_log=is_other_log)
    if is_there:
        shutil.rmtree(done.with_name(_REMOVED))
    return done


def point(folder: Path, *, is_other_log: bool = False) -> None:
    """Let LATEST point to a folder, if it does not yet. Raises BadFile where it points to a later revision, unless that
    is of another log: the registry has not its entry any more."""
    latest, link = folder.with_name(LATEST), folder.with_name(_LINK)
    if latest.is_symlink() and latest.readlink() == Path(folder.name):
        return
    if not is_other_log:
        _require_newest(folder)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(latest)
    flush(folder.parent)


def _require_newest(folder: Path) -> None:
    newest = folder.with_name(LATEST).resolve()
    if newest.is_dir() and newest.name.isdigit() and int(newest.name) > int(folder.name):
        raise BadFile(
            "older",
            f"{folder.parent} has files of revision {newest.name}, and these would be of revision {folder.name}: "
            "another process wrote newer ones meanwhile, or an earlier copy of the database answers. Write again.",
        )


def remove_others(newest: Path, kept: int = 1) -> None:
    """Keep so many folders: the newest, to which LATEST points, and those of the revisions just before it. Folders of
    later revisions are of a log that an earlier copy of the database replaced, and go too."""
    others = [other for other in _folders_in(newest.parent) if other != newest]
    before = [other for other in others if int(other.name) < int(newest.name)]
    before.sort(key=lambda path: int(path.name), reverse=True)
    for other in others:
        if other not in before[: kept - 1]:
            _remove(other)


def remove_all(folder: Path) -> None:
    """Remove the folders of every revision."""
    for of_revision in _folders_in(folder):
        _remove(of_revision)


def _remove(folder: Path) -> None:
    """Remove a folder: under another name, so that a half of it is never taken for the whole."""
    removed = folder.rename(folder.with_name(_REMOVED))
    shutil.rmtree(removed)


def _folders_in(folder: Path) -> list[Path]:
    """The folders of revisions, and nothing else that somebody keeps under a number."""
    numbered = [path for path in folder.iterdir() if path.name.isdecimal() and not path.is_symlink()]
    return [path for path in numbered if format_of(path) is not None]
