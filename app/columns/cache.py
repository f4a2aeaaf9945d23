"""Columns saved in a directory of this machine: a process that starts maps them in place of reading every row from the
tables, and all processes share the memory of what they have mapped.

What is saved at one head is a generation: a directory of its own, with one plain array for each column and one
description, whose digest stands in the name. It is written whole under another name, and never changed. A process that
writes into what it has mapped writes to memory of its own."""

import errno
import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

import numpy as np
from sqlalchemy import Engine

from app import __version__
from app.columns.loader import Columns, Released, said_still
from app.columns.rows import Array
from app.columns.table import EVERY, NEWEST, PREVIOUS, SINCE, UNTIL, Codes, Table, with_room
from app.config import OTHERS
from app.db.engine import newest_schema
from app.models import CLASSES_OF_TODAY

SAVED = "recuento_columns"  # the execution option of an engine: where the columns of its database are saved
FORMAT = 1  # of the files; another one is not mapped
DESCRIPTION, CLASSES, DRAFT = "columns.json", "classes", "draft"
READING, WRITING = "reading.lock", "writing.lock"
_NAME = re.compile(r"(\d+)-[0-9a-f]{64}")
PAUSE = 0.2  # seconds between two looks whether another process is through: it takes seconds, or a minute

log = logging.getLogger("recuento")


class UnfitDirectory(RuntimeError):
    """The directory for columns cannot be used, or others may use it too."""


class Unfit(ValueError):
    """What was saved is damaged, or was made by another version."""


class Generation(NamedTuple):
    """Columns that were saved at a head."""

    head: int
    name: str


class Directory:
    """Where the columns of one database are saved, by all processes of one machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def require_fit(self) -> None:
        """Make the directory where there is none. Raises UnfitDirectory."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode
        except OSError as error:
            raise UnfitDirectory(f"{self.path} cannot be made: check RECUENTO_COLUMNS_DIR and its folder.") from error
        if mode & OTHERS:
            raise UnfitDirectory(f"Others can read {self.path}, where columns are saved: chmod 700 it.")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise UnfitDirectory(f"{self.path} cannot be written: check RECUENTO_COLUMNS_DIR.")

    def newest(self) -> Generation | None:
        """The generation with the latest head; None where there is none, or the directory is gone."""
        try:
            return max(self._generations(), default=None)
        except OSError:
            return None

    def mapped(self) -> Columns | None:
        """The columns of the newest generation, over files that are mapped; None where there is none, or none that can
        be believed, which the log is told. Of which database they are is for the caller to find out."""
        newest = self.newest()
        if newest is None:
            return None
        try:
            return _mapped(self.path / newest.name)
        except Unfit as error:
            log.warning("The saved columns are not used, since they %s", error)
        except OSError as error:
            if self.newest() == newest:  # else a newer one was saved meanwhile
                log.warning("The saved columns are not used, since they cannot be read (%s)", _kind(error))
        return None

    def save(self, columns: Columns, erased: Callable[[], int]) -> None:
        """Save columns, which nobody changes meanwhile, in place of all that was saved before, unless another process
        is at it. `erased`: asks for the revision of the last erasure, before which nothing is saved."""
        try:
            with self._alone(WRITING, lambda: True) as ours:
                if ours:
                    self._save(columns, erased)
        except OSError as error:
            log.warning("Columns cannot be saved (%s)", _kind(error))

    def _save(self, columns: Columns, erased: Callable[[], int]) -> None:
        draft = self.path / DRAFT
        _remove(draft)
        draft.mkdir(mode=0o700)  # before the question, so that whoever erases meanwhile sees that somebody is at it
        try:
            if columns.head < erased():
                return
            saved = self.path / _write(columns, draft)
            _remove(saved)  # of the same content, and damaged since
            draft.rename(saved)
            _settle(self.path)
        finally:
            _remove(draft)
        for other in self._generations():
            if other.name != saved.name:
                _remove(self.path / other.name)

    def forget(self, erased: int) -> bool:
        """Leave nothing in the directory that was saved before an erasure; False where that has to be tried again.
        Whoever has mapped it goes on until it has come to the head."""
        try:
            if not self.path.is_dir():
                return True
            if not self._before(erased):
                return True
            with self._alone(WRITING, lambda: True) as ours:
                if not ours:
                    return False
                for path in self._before(erased):
                    _remove(path)
                _settle(self.path)
        except OSError:
            return False
        return True

    @contextmanager
    def reader(self, is_released: Callable[[], bool]) -> Iterator[None]:
        """The turn of the one process that reads all columns from the tables. Raises Released."""
        with ExitStack() as turn:
            with suppress(OSError):  # without the directory nobody can save for others, and each reads
                if not turn.enter_context(self._alone(READING, is_released)):
                    raise Released
            yield

    @contextmanager
    def _alone(self, name: str, gives_up: Callable[[], bool]) -> Iterator[bool]:
        """Whether the lock of this name is ours. The system takes it from a process that ends."""
        handle = os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            ours = _lock(handle)
            while not ours and not gives_up():
                sleep(PAUSE)
                ours = _lock(handle)
            yield ours
        finally:
            os.close(handle)

    def _generations(self) -> list[Generation]:
        names = (entry.name for entry in os.scandir(self.path))
        return [Generation(int(found[1]), found[0]) for found in map(_NAME.fullmatch, names) if found]

    def _before(self, erased: int) -> list[Path]:
        """What may hold somebody who was erased; a draft too, whoever left it."""
        drafts = [path for path in (self.path / DRAFT,) if path.exists()]
        return drafts + [self.path / each.name for each in self._generations() if each.head < erased]


def attach(engine: Engine, path: Path | None) -> Directory | None:
    """Have the columns of an engine's database saved in a directory, or not at all."""
    directory = None if path is None else Directory(path)
    engine.update_execution_options(**{SAVED: directory})
    return directory


def directory_of(engine: Engine) -> Directory | None:
    """Where the columns of an engine's database are saved, if they are."""
    return engine.get_execution_options().get(SAVED)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _made_by() -> dict[str, Any]:
    """What must be the same for the arrays to mean the same."""
    return {
        "format": FORMAT,
        "version": __version__,
        "schema": newest_schema(),
        "classes": [*CLASSES_OF_TODAY],
        "tables": {kept.name: kept.columns for kept in EVERY},
    }


def _write(columns: Columns, folder: Path) -> str:
    """Write columns into a folder; the name for it."""
    arrays = {CLASSES: _write_array(folder / CLASSES, columns.classes, len(columns.classes))}
    for name, table in columns.tables.items():
        for column, array in table.as_saved().items():
            room = len(array) if column == NEWEST else with_room(len(table))
            arrays[f"{name}.{column}"] = _write_array(folder / f"{name}.{column}", array, room)
    described = {
        "made_by": _made_by(),
        "head": columns.head,
        "rules": columns.rules,
        "leaves": {revision: leaf.hex() for revision, leaf in columns.leaves.items()},
        "codes": columns.codes.texts(),
        "values": said_still(columns.tables, columns.values).texts(),
        "lengths": {name: len(table) for name, table in columns.tables.items()},
        "arrays": arrays,
    }
    text = json.dumps(described).encode()
    with _new(folder / DESCRIPTION) as file:
        file.write(text)
    _settle(folder)
    return f"{columns.head}-{sha256(text).hexdigest()}"


def _write_array(path: Path, array: Array, room: int) -> list[Any]:
    """Write an array with room behind it, which takes none on the disk until something stands there."""
    data = np.ascontiguousarray(array)
    with _new(path) as file:
        file.write(data.data)
        file.truncate(room * data.itemsize)
    return [data.dtype.str, len(data), room, crc32(data.data)]


def _mapped(folder: Path) -> Columns:
    """The columns of a generation. Raises Unfit, and OSError."""
    text = (folder / DESCRIPTION).read_bytes()
    if not folder.name.endswith(sha256(text).hexdigest()):
        raise Unfit("are damaged")
    described = json.loads(text)
    if described["made_by"] != _made_by():
        raise Unfit("are of another version")
    arrays = {name: _map_array(folder / name, *of) for name, of in described["arrays"].items()}
    tables = {}
    for kept in EVERY:
        own = {name: arrays[f"{kept.name}.{name}"] for name in (SINCE, UNTIL, *kept.columns, NEWEST, PREVIOUS)}
        tables[kept.name] = Table.saved(described["head"], own, described["lengths"][kept.name])
    return Columns(
        head=described["head"],
        rules=described["rules"],
        leaves={int(revision): bytes.fromhex(leaf) for revision, leaf in described["leaves"].items()},
        tables=tables,
        classes=arrays[CLASSES],
        codes=Codes(described["codes"]),
        values=Codes(described["values"]),
        generation=folder.name,
    )


def _map_array(path: Path, kind: str, length: int, room: int, checksum: int) -> Array:
    """An array whose changes are this process's own. Raises Unfit."""
    if path.stat().st_size != room * np.dtype(kind).itemsize:
        raise Unfit("are damaged")
    array = np.asarray(np.memmap(path, kind, "c", shape=(room,)))
    if crc32(array[:length].data) != checksum:
        raise Unfit("are damaged")
    return array


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone, on the disk once it is left."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """See to it that the names in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _kind(error: OSError) -> str:
    """What is logged of a failure: no path, and nothing that stands in a file."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
