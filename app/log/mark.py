"""Persist the highest revision served in a file outside the database, and detect that the log went backwards.

A database restored from an earlier copy looks like any other. Compared with the mark, its log ends before the highest
revision served, or has another entry there. The file also records where the log forked when the operator accepted a
loss, and which records were erased, since an earlier copy contains their values again.
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

from app.db.engine import split_into_chunks
from app.errors import Problem
from app.models import Entry, Head, Record
from app.translations import Message

MARK_OPTION = "recuento_mark"  # the engine's execution option in which `lock_head` finds the mark
ACCEPT_LOSS_COMMAND = "recuento restore --accept-loss"


class LogWentBackwards(Problem):
    status, code, title = 503, "went_backwards", "The log went backwards"

    def __init__(self) -> None:
        super().__init__(
            Message(
                "This registry has answered with entries that its database no longer has: an earlier copy was put "
                "back. Until whoever runs it says so nothing is written, and nobody who was erased since is shown. "
                "Whoever runs it: put the newest copy back, or accept the loss: {command}",
                command=ACCEPT_LOSS_COMMAND,
            )
        )


class UnreadableMark(RuntimeError):
    """The mark file cannot be read or written, or has other contents."""


class ObservedHead(NamedTuple):
    """The head of a log, and the leaf hash of its entry at the mark; empty if the log is shorter."""

    revision: int
    leaf: str
    leaf_at_mark: str


@dataclass(frozen=True)
class MarkFile:
    """The contents of the mark file.

    `forked_at`: revision numbers after it belonged to other entries before a loss was accepted. `erased_records`: the
    ids of the records erased so far."""

    revision: int = 0
    leaf: str = ""
    forked_at: int | None = None
    erased_records: tuple[str, ...] = ()

    def is_in_log(self, head: ObservedHead) -> bool:
        """Return whether the log contains the entry of the mark, and so everything up to it."""
        return head.revision >= self.revision and head.leaf_at_mark == self.leaf


class HighWaterMark:
    """The mark of one database, shared by several processes.

    A database in memory has no path and no mark: it cannot be restored. `has_lost_entries`: the log lacks entries that
    were served. `exposes_erased`: it also contains values of people who were erased since.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.stored = MarkFile() if path is None else _read_mark_file(path)
        self.has_lost_entries = self.exposes_erased = False
        self._write_lock = Lock()

    def check_log(self, session: Session) -> None:
        """Compare the mark with the log, and advance it to the head. Raises UnreadableMark.

        The session must not have read yet, so that the mark read here is no newer than the session's snapshot."""
        if self.path is None:
            return
        stored = self.stored = _read_mark_file(self.path)  # another process may have moved it, or accepted a loss
        head = _observe_head(session, stored.revision)
        if stored.is_in_log(head):
            self.has_lost_entries = self.exposes_erased = False
            self._advance(session, stored, head)
        else:
            self.has_lost_entries, self.exposes_erased = True, bool(find_unrepeated_erasures(session, stored))

    def require_revision(self, revision: int) -> None:
        """Raise LogWentBackwards unless entries may be appended after `revision`, the locked head's."""
        if self.has_lost_entries or revision < self.stored.revision:
            raise LogWentBackwards

    def require_erasures(self) -> None:
        """Raise LogWentBackwards if a response could show somebody who was erased."""
        if self.exposes_erased:
            raise LogWentBackwards

    def can_settle(self, session: Session, revision: int, *, is_pinned: bool) -> bool:
        """Return whether a response at that revision may be cached as immutable.

        The mark is advanced first, so that the revision cannot be lost unnoticed afterwards. `is_pinned`: the address
        contains the leaf hash of the revision's entry."""
        stored = self.stored  # other threads replace it
        if self.path is None:
            return True
        if self.has_lost_entries or (stored.forked_at is not None and revision > stored.forked_at and not is_pinned):
            return False
        if revision <= stored.revision:
            return True
        head = _observe_head(session, stored.revision)
        if not stored.is_in_log(head):
            return False
        try:
            self._advance(session, stored, head)
        except UnreadableMark:
            return False
        return True

    def record_fork(self, revision: int) -> None:
        """Record that revision numbers after this one belonged to other entries before."""
        if self.path is not None:
            forked_at = revision if self.stored.forked_at is None else min(revision, self.stored.forked_at)
            self._write(replace(self.stored, forked_at=forked_at))

    def accept_loss(self, session: Session) -> None:
        """Move the mark to the head, whatever was lost."""
        if self.path is not None:
            head = _observe_head(session, 0)
            self._write(replace(self.stored, revision=head.revision, leaf=head.leaf))
            self.has_lost_entries = self.exposes_erased = False

    def _advance(self, session: Session, stored: MarkFile, head: ObservedHead) -> None:
        """Advance the mark to a head that follows it."""
        if head.revision > stored.revision:
            erased_records = dict.fromkeys(
                [*stored.erased_records, *_list_erased_records(session, stored.revision, head.revision)]
            )
            advanced = replace(stored, revision=head.revision, leaf=head.leaf, erased_records=tuple(erased_records))
            self._write(advanced, unless_revision=head.revision)

    def _write(self, mark_file: MarkFile, unless_revision: int | None = None) -> None:
        """Write the file atomically and in turn with other processes, unless it has reached `unless_revision`."""
        assert self.path is not None
        with self._write_lock, _lock_folder(self.path.parent):
            current = _read_mark_file(self.path)
            if unless_revision is None or current.revision < unless_revision:
                _replace_mark_file(self.path, mark_file)
                current = mark_file
            self.stored = current


def attach_mark(engine: Engine, path: Path | None) -> HighWaterMark:
    """Attach the mark of its database to an engine. From now on `lock_head` refuses a head below the mark."""
    mark = HighWaterMark(path)
    engine.update_execution_options(**{MARK_OPTION: mark})
    return mark


def get_mark(session: Session) -> HighWaterMark | None:
    """Return the mark attached to the session's engine, if any."""
    return session.connection().get_execution_options().get(MARK_OPTION)


def find_unrepeated_erasures(session: Session, mark_file: MarkFile) -> list[UUID]:
    """Return the records that were erased according to the mark, and whose values this log contains again."""
    erased_ids = [UUID(record) for record in mark_file.erased_records]
    return [
        record
        for chunk in split_into_chunks(erased_ids)
        for record in session.scalars(
            select(col(Record.id)).where(col(Record.id).in_(chunk), col(Record.redacted).is_(False))
        )
    ]


def _observe_head(session: Session, mark_revision: int) -> ObservedHead:
    revision = session.execute(select(col(Head.revision))).scalar_one()
    entries = select(col(Entry.revision), col(Entry.leaf_hash)).where(
        col(Entry.revision).in_([revision, mark_revision])
    )
    leaves = {entry_revision: bytes(leaf).hex() for entry_revision, leaf in session.execute(entries)}
    return ObservedHead(int(revision), leaves.get(revision, ""), leaves.get(mark_revision, ""))


def _list_erased_records(session: Session, after_revision: int, until_revision: int) -> list[str]:
    """Return the records erased by entries after one revision, up to another."""
    conditions = (
        col(Entry.revision) > after_revision,
        col(Entry.revision) <= until_revision,
        col(Entry.kind) == "redaction",
    )
    bodies = session.scalars(select(col(Entry.body)).where(*conditions).order_by(col(Entry.revision)))
    return [record for body in bodies for record in json.loads(body)["records"]]


def _read_mark_file(path: Path) -> MarkFile:
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


def _replace_mark_file(path: Path, mark_file: MarkFile) -> None:
    content = {
        "revision": mark_file.revision,
        "leaf_hash": mark_file.leaf,
        "forked_at": mark_file.forked_at,
        "erased": [*mark_file.erased_records],
    }
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            _copy_ownership(path, file.fileno())
            file.write(json.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnreadableMark(f"{path} cannot be written: name a place for it in RECUENTO_HEAD_FILE.") from error


def _copy_ownership(path: Path, draft: int) -> None:
    """Copy owner and mode of the replaced file to the draft, or the folder's owner if there is no file yet.

    A command run by root must not take the mark away from the server's user. Other users cannot change the owner."""
    exists = path.exists()
    owner = (path if exists else path.parent).stat()
    if exists:
        os.fchmod(draft, S_IMODE(owner.st_mode))
    with suppress(OSError):
        os.fchown(draft, owner.st_uid, owner.st_gid)


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes that write a mark, and sync it so that the rename survives a power cut."""
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
