"""A folder of folders, one for each revision: each is written under another name first, and is whole or not there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.exchange.count_files.files import COUNTS, described, digest_of
from app.exchange.imports.faults import BadFile
from app.exchange.package import DESCRIPTOR

LATEST = "latest"  # beside the folders, which are called by their revision: a link to the newest
_LOCK, _DRAFT, _LINK = ".lock", ".draft", ".link"
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
    if descriptor is None or name not in (DESCRIPTOR, COUNTS, *descriptor.digests):
        return None
    path = of_revision / name
    if path.resolve() != path or not path.is_file():  # a link may lead anywhere
        return None
    return GivenFile(path, descriptor.digests.get(name) or digest_of(path))


@contextmanager
def alone(folder: Path, modes: Modes) -> Iterator[None]:
    """The folder, for one process at a time: a clock may start the next before the last one is through. Raises BadFile
    where others may enter a folder that is its owner's alone."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(modes.folder)
    elif not modes.folder & _OTHERS and folder.stat().st_mode & _OTHERS:
        raise BadFile("too_open", f"Others of this machine may enter {folder}: chmod {modes.folder:o} {folder}")
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def new_draft(folder: Path) -> Path:
    """An empty folder to write into."""
    draft = folder / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was ended
    draft.mkdir(mode=PRIVATE.folder)
    return draft


def keep_part(before: Path, after: Path, digest: str) -> bool:
    """Let a file of a folder before stand in a draft too, if it is there and still as the descriptor there says."""
    if not before.is_file() or digest_of(before) != digest:
        return False
    link_or_copy(before, after)
    return True


def link_or_copy(before: Path, after: Path) -> None:
    """Give a file a second name; on a file system that has no such thing, its content."""
    try:
        os.link(before, after)
    except OSError:
        shutil.copyfile(before, after)


def publish(draft: Path, revision: int, modes: Modes, *, is_other_log: bool = False) -> Path:
    """Give a draft its name, and let LATEST point to it. A folder of that revision of another log, or of other rules,
    goes. Raises BadFile as `point` does, and then leaves the draft."""
    done = draft.with_name(str(revision))
    if not is_other_log:
        _require_newest(done)
    for path in draft.iterdir():
        path.chmod(modes.file)
    draft.chmod(modes.folder)
    shutil.rmtree(done, ignore_errors=True)
    draft.rename(done)
    point(done, is_other_log=is_other_log)
    return done


def point(folder: Path, *, is_other_log: bool = False) -> None:
    """Let LATEST point to a folder. Raises BadFile where it points to a later revision, unless that is of another log:
    the registry has not its entry any more."""
    if not is_other_log:
        _require_newest(folder)
    link = folder.with_name(_LINK)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.with_name(LATEST))


def _require_newest(folder: Path) -> None:
    newest = folder.with_name(LATEST).resolve()
    if newest.is_dir() and newest.name.isdigit() and int(newest.name) > int(folder.name):
        raise BadFile(
            "older",
            f"{folder.parent} has files of revision {newest.name}, and these would be of revision {folder.name}: "
            "another process wrote newer ones meanwhile, or an earlier copy of the database answers. Write again.",
        )


def remove_others(folder: Path) -> None:
    """Remove the folders of other revisions."""
    for other in folder.parent.iterdir():
        if other.name.isdigit() and other != folder:
            shutil.rmtree(other)
