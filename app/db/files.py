"""Check, copy and replace the file of a SQLite database as a whole."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pysqlite3

from app.db import wal_check

# Releases with the WAL-reset bug can lose committed writes; these are the first without it.
SAFE_SQLITE = (3, 51, 3)
SAFE_BACKPORTS: dict[tuple[int, ...], int] = {(3, 50): 7, (3, 44): 6}
WAL_CHECK_SCRIPT = Path(wal_check.__file__)
WAL_SUFFIXES = ("-wal", "-shm")  # files of SQLite next to an open database
STRAY_WAL = (
    "{path}-wal does not belong to {path}: most likely a copy was put back beside the log of another, or the database "
    "is damaged. Nothing was written. To put a backup back, run: recuento restore BACKUP --replace. If {path} is what "
    "you mean to start with, move {path}-wal and {path}-shm to another folder first."
)


class UnfitFile(RuntimeError):
    """A file that may not be opened, written or put in place; the message says what to do."""


def check_sqlite_version(version: tuple[int, ...]) -> None:
    """Refuse a SQLite library that can lose committed writes (see SAFE_SQLITE)."""
    patch = SAFE_BACKPORTS.get(version[:2])
    if version >= SAFE_SQLITE or (patch is not None and version[2] >= patch):
        return
    number = ".".join(map(str, version))
    raise RuntimeError(f"SQLite {number} can lose committed writes (WAL-reset bug): install pysqlite3>=0.6.1.")


class BackupHead(NamedTuple):
    """The head of a copy of a database, and the fingerprint of its secret."""

    revision: int
    leaf: str
    secret_check: str


def run_wal_check(path: Path) -> str:
    """Return the result of `wal_check`, which runs in a process of its own and changes nothing."""
    command = [sys.executable, "-P", str(WAL_CHECK_SCRIPT), str(path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own file, no shell
    try:
        return str(json.loads(process.stdout))
    except ValueError:
        return wal_check.UNREADABLE


def refuse_stray_wal(path: Path) -> None:
    """Raise UnfitFile if the write-ahead log next to the file belongs to another.

    After an orderly end there is none, and while the database is open its log is in use. So this check runs only after
    a crash.
    """
    with suppress(FileNotFoundError):
        if Path(f"{path}-wal").stat().st_size and path.stat().st_size and run_wal_check(path) == wal_check.STRAY:
            raise UnfitFile(STRAY_WAL.format(path=path))


def back_up_database(source: Path, target: Path) -> BackupHead:
    """Write the database as it is now, even while a server uses it, into a new file that only its owner may read.

    Raises UnfitFile if the file exists, or the copy differs from the database.
    """
    if not source.is_file():
        raise UnfitFile(f"There is no database {source}: check RECUENTO_DATABASE_URL.")
    refuse_stray_wal(source)
    with _create_whole_file(target) as draft:
        with closing(_connect_file(source, "rw")) as database, closing(pysqlite3.connect(draft)) as copy:
            # In one step: no writer comes in between, and none has to wait.
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        backup = read_backup(draft)
        with closing(_connect_file(source, "rw")) as database:
            if _find_leaf_hash(database, backup.revision) != backup.leaf:
                raise UnfitFile(f"The copy is another than the database: was {source} put back meanwhile? Try again.")
    return backup


def read_backup(path: Path) -> BackupHead:
    """Check a copy completely, and return its head. Raises UnfitFile if it is none."""
    if not path.is_file():
        raise UnfitFile(f"There is no file {path}.")
    for suffix in WAL_SUFFIXES:
        if Path(f"{path}{suffix}").exists():
            raise UnfitFile(f"{path}{suffix} lies beside {path}: this is no backup, but a database in use or its rest.")
    try:
        with closing(_connect_file(path, "ro&immutable=1")) as copy:
            if copy.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
                raise UnfitFile(f"{path} is damaged: take another backup.")
            revision, secret_check = copy.execute("SELECT revision, secret_check FROM head").fetchone()
            return BackupHead(revision, _find_leaf_hash(copy, revision), secret_check)
    except pysqlite3.DatabaseError as error:
        raise UnfitFile(f"{path} is no backup of a registry, or of a much older version, or damaged.") from error


def read_leaf_hash(path: Path, revision: int) -> str:
    """Return the leaf hash of an entry of a copy, in hexadecimal; empty if the copy has no such entry."""
    with closing(_connect_file(path, "ro&immutable=1")) as copy:
        return _find_leaf_hash(copy, revision)


def query_rows(path: Path, query: str, *parameters: object) -> list[tuple[Any, ...]] | None:
    """Return the rows of a query on a whole database that nobody has open; None if it lacks the table or column."""
    try:
        with closing(_connect_file(path, "rw")) as database:  # reads its write-ahead log too
            return list(map(tuple, database.execute(query, parameters)))
    except pysqlite3.Error:
        return None


def restore_backup(copy: Path, target: Path) -> None:
    """Replace a database that nobody has open with a copy."""
    draft = target.with_name(f"{target.name}.restoring")
    try:
        draft.unlink(missing_ok=True)  # left by an interrupted attempt
        with copy.open("rb") as source, os.fdopen(_create_file(draft), "wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        # If the power fails here, the next start finds these files and refuses.
        for suffix in WAL_SUFFIXES:
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        flush_to_disk(target.parent)
    except OSError as error:
        raise UnfitFile(f"{target} cannot be written: is there room for it, and may you write there?") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _create_whole_file(target: Path) -> Iterator[Path]:
    """Yield a draft that becomes the file, whole and on disk, or nothing. The name is reserved at once: a second writer
    is refused."""
    draft = target.with_name(f"{target.name}.draft")
    try:
        os.close(_create_file(target))
        os.close(_create_file(draft))
    except FileExistsError as error:
        raise UnfitFile(f"{error.filename} exists already and is not written over: give another name.") from error
    except OSError as error:
        raise UnfitFile(f"{target} cannot be written ({error.strerror}).") from error
    try:
        yield draft
        flush_to_disk(draft)
        draft.replace(target)
        flush_to_disk(target.parent)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        if isinstance(error, (OSError, pysqlite3.OperationalError)):
            raise UnfitFile(f"{target} cannot be written: is there room for it?") from error
        raise


def _create_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def flush_to_disk(path: Path) -> None:
    """Force a file, or the entries of a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connect_file(path: Path, mode: str) -> pysqlite3.Connection:
    return pysqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True)


def _find_leaf_hash(database: pysqlite3.Connection, revision: int) -> str:
    row = database.execute("SELECT leaf_hash FROM entry WHERE revision = ?", (revision,)).fetchone()
    return "" if row is None else bytes(row[0]).hex()
