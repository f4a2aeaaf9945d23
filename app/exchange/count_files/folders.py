"""A folder of folders, one for each revision: each is written under another name first, and is whole or not there."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

LATEST = "latest"  # beside the folders, which are called by their revision: a link to the newest
_LOCK, _DRAFT, _LINK = ".lock", ".draft", ".link"


class Modes(NamedTuple):
    """Who may read what is written."""

    file: int
    folder: int


PUBLIC = Modes(0o644, 0o755)  # whoever gives the folder to others, or copies it, may be another user of the machine
PRIVATE = Modes(0o600, 0o700)


@contextmanager
def alone(folder: Path, modes: Modes) -> Iterator[None]:
    """The folder, for one process at a time: a clock may start the next before the last one is through."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(modes.folder)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def new_draft(folder: Path) -> Path:
    """An empty folder to write into."""
    draft = folder / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was ended
    draft.mkdir(mode=PRIVATE.folder)
    return draft


def publish(draft: Path, revision: int, modes: Modes) -> Path:
    """Give a draft its name, and let LATEST point to it. A folder of that revision of another log, or of other rules,
    goes."""
    done = draft.with_name(str(revision))
    for path in draft.iterdir():
        path.chmod(modes.file)
    draft.chmod(modes.folder)
    shutil.rmtree(done, ignore_errors=True)
    draft.rename(done)
    point(done)
    return done


def point(folder: Path) -> None:
    """Let LATEST point to a folder."""
    link = folder.with_name(_LINK)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.with_name(LATEST))


def remove_others(folder: Path) -> None:
    """Remove the folders of other revisions."""
    for other in folder.parent.iterdir():
        if other.name.isdigit() and other != folder:
            shutil.rmtree(other)
