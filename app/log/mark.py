"""The high-water mark: the newest head that this machine answered with, in a small file outside the database.

A database that was put back from an earlier copy looks like any other. Beside the mark it does not: its log ends before
the revision that was answered with, or has another entry there. The file also says where the log forked when a loss was
accepted, and which records were erased, since an earlier copy has their values again.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_IMODE
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.db.engine import chunks
from app.errors import Problem
from app.models import Entry, Head, Record

MARK = "recuento_mark"  # the execution option by which whoever locks the head finds the mark of its database
ACCEPT = "recuento restore --accept-loss"


class WentBackwards(Problem):
    status, code, title = 503, "went_backwards", "The log went backwards"

    def __init__(self) -> None:
        super().__init__(
            "This registry has answered with entries that its database no longer has: an earlier copy was put back. "
            "Until whoever runs it says so nothing is written, and nobody who was erased since is shown. Whoever runs "
            f"it: put the newest copy back, or accept the loss: {ACCEPT}"
        )


class UnreadableMark(RuntimeError):
    """The file of the mark cannot be read or written, or holds something else."""


class HeadSeen(NamedTuple):
    """The head of a log, and the leaf hash of its entry at the mark, if it has come that far."""

    revision: int
    leaf: str
    at_mark: str


@dataclass(frozen=True)
class MarkFile:
    """What the file says. `forked`: after that revision, numbers were given to other entries before; `erased`: the
    records erased so far."""

    revision: int = 0
    leaf: str = ""
    forked: int | None = None
    erased: tuple[str, ...] = ()

    def follows(self, head: HeadSeen) -> bool:
        """Whether the log has the entry of the mark, and so everything up to it."""
        return head.revision >= self.revision and head.at_mark == self.leaf


class Mark:
    """The mark of one database, which several processes share. Without a path, of a database in memory, there is
    none: it cannot be put back.

    `lost`: the log lacks entries that were answered with; `exposes`: and has values of people erased since.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.kept = MarkFile() if path is None else _read(path)
        self.lost = self.exposes = False
        self._writing = Lock()

    def look(self, session: Session) -> None:
        """Compare the mark with the log, and move it on to the head. The session must not have read yet: what the file
        said before is then no newer than what the session sees. Raises UnreadableMark."""
        if self.path is None:
            return
        kept = self.kept = _read(self.path)  # another process may have moved it, or accepted a loss
        head = _head_seen(session, kept.revision)
        if kept.follows(head):
            self.lost = self.exposes = False
            self._move(session, kept, head)
        else:
            self.lost, self.exposes = True, bool(unrepeated(session, kept))

    def require(self, revision: int) -> None:
        """Raises WentBackwards where the head, as its lock shows it, is not one to write after."""
        if self.lost or revision < self.kept.revision:
            raise WentBackwards

    def require_erased(self) -> None:
        """Raises WentBackwards where reading would show somebody who was erased."""
        if self.exposes:
            raise WentBackwards

    def settles(self, session: Session, revision: int, *, named: bool) -> bool:
        """Whether an answer of that revision may be called immutable. The mark is moved on first, so that the revision
        cannot be lost unnoticed afterwards. `named`: its address says which entry the revision is."""
        kept = self.kept  # other threads move it
        if self.path is None:
            return True
        if self.lost or (kept.forked is not None and revision > kept.forked and not named):
            return False
        if revision <= kept.revision:
            return True
        head = _head_seen(session, kept.revision)
        if not kept.follows(head):
            return False
        try:
            self._move(session, kept, head)
        except UnreadableMark:
            return False
        return True

    def fork(self, revision: int) -> None:
        """Remember that after this revision numbers were given to other entries before."""
        if self.path is not None:
            forked = revision if self.kept.forked is None else min(revision, self.kept.forked)
            self._write(replace(self.kept, forked=forked))

    def accept(self, session: Session) -> None:
        """Take the head for the newest, whatever was lost."""
        if self.path is not None:
            head = _head_seen(session, 0)
            self._write(replace(self.kept, revision=head.revision, leaf=head.leaf))
            self.lost = self.exposes = False

    def _move(self, session: Session, kept: MarkFile, head: HeadSeen) -> None:
        """Move the mark on to a head that follows it."""
        if head.revision > kept.revision:
            erased = dict.fromkeys([*kept.erased, *_erased(session, kept.revision, head.revision)])
            moved = replace(kept, revision=head.revision, leaf=head.leaf, erased=tuple(erased))
            self._write(moved, unless_at=head.revision)

    def _write(self, kept: MarkFile, unless_at: int | None = None) -> None:
        """Write the file whole or not at all, in turn with other processes; not where it is as far as `unless_at`."""
        assert self.path is not None
        with self._writing, _alone(self.path.parent):
            written = _read(self.path)
            if unless_at is None or written.revision < unless_at:
                _replace(self.path, kept)
                written = kept
            self.kept = written


def attach(engine: Engine, path: Path | None) -> Mark:
    """The mark of an engine's database. From now on whoever locks the head must find it no lower than the mark."""
    mark = Mark(path)
    engine.update_execution_options(**{MARK: mark})
    return mark


def of(session: Session) -> Mark | None:
    """The mark of the session's database, where one was attached."""
    return session.connection().get_execution_options().get(MARK)


def unrepeated(session: Session, kept: MarkFile) -> list[UUID]:
    """The records that were erased by what the mark says, and of which this log has the values again."""
    open_again = (col(Record.id), col(Record.redacted).is_(False))
    known = [UUID(record) for record in kept.erased]
    return [
        record
        for some in chunks(known)
        for record in session.scalars(select(open_again[0]).where(open_again[0].in_(some), open_again[1]))
    ]


def _head_seen(session: Session, marked: int) -> HeadSeen:
    revision = session.execute(select(col(Head.revision))).scalar_one()
    entries = select(col(Entry.revision), col(Entry.leaf_hash)).where(col(Entry.revision).in_([revision, marked]))
    leaves = {at: bytes(leaf).hex() for at, leaf in session.execute(entries)}
    return HeadSeen(int(revision), leaves.get(revision, ""), leaves.get(marked, ""))


def _erased(session: Session, after: int, until: int) -> list[str]:
    """The records that entries of these revisions erased."""
    between = (col(Entry.revision) > after, col(Entry.revision) <= until, col(Entry.kind) == "redaction")
    bodies = session.scalars(select(col(Entry.body)).where(*between).order_by(col(Entry.revision)))
    return [record for body in bodies for record in json.loads(body)["records"]]


def _read(path: Path) -> MarkFile:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        return MarkFile(
            int(content["revision"]), str(content["leaf_hash"]), content["forked_at"], tuple(content["erased"])
        )
    except FileNotFoundError:
        return MarkFile()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableMark(
            f"{path} says up to which revision this machine has answered, and cannot be read: check the file and "
            "RECUENTO_HEAD_FILE. Move it away only if no newer entries were ever answered with."
        ) from error


def _replace(path: Path, kept: MarkFile) -> None:
    content = {"revision": kept.revision, "leaf_hash": kept.leaf, "forked_at": kept.forked, "erased": [*kept.erased]}
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            _belong_as(path, file.fileno())
            file.write(json.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnreadableMark(f"{path} cannot be written: name a place for it in RECUENTO_HEAD_FILE.") from error


def _belong_as(path: Path, draft: int) -> None:
    """Give a draft the owner and the mode of the file that it replaces, and a first one the owner of the folder: a
    command that root runs must not take the mark from the server's user. Who is not root keeps what is their own."""
    there = path.exists()
    owner = (path if there else path.parent).stat()
    if there:
        os.fchmod(draft, S_IMODE(owner.st_mode))
    with suppress(OSError):
        os.fchown(draft, owner.st_uid, owner.st_gid)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only one of several processes that writes a mark in a folder; that the renaming outlasts a power cut."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UnreadableMark(f"{folder} cannot be read: name a place for the mark in RECUENTO_HEAD_FILE.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)
