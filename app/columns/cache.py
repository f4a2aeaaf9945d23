"""Cache columns in a directory of this machine, from which starting processes memory-map them.

Mapping avoids reading every row from the tables, and processes share the mapped memory. The columns saved at one head
are a generation: a directory with one plain array per column and a description whose digest is part of the directory's
name. A generation is written under a draft name, renamed when complete, and never changed. Mappings are
copy-on-write."""

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
from app.columns.loader import Columns, ReadCancelled, drop_unused_values
from app.columns.rows import Array
from app.columns.table import (
    ALL_TABLES,
    NEWEST_ARRAY,
    PREVIOUS_ARRAY,
    SINCE_COLUMN,
    UNTIL_COLUMN,
    Codes,
    Table,
    compute_capacity,
)
from app.config import OTHER_USERS_MASK
from app.db.engine import find_newest_schema
from app.models import CURRENT_CLASSES
from app.models.log import RowsVersion

COLUMNS_DIRECTORY_OPTION = "recuento_columns"  # execution option of an engine: the columns directory of its database
FILE_FORMAT = 2  # version of the file format; other versions are ignored
DESCRIPTION_FILE, CLASSES_FILE, DRAFT_FOLDER = "columns.json", "classes", "draft"
READ_LOCK_FILE, WRITE_LOCK_FILE = "reading.lock", "writing.lock"
_GENERATION_NAME = re.compile(r"(\d+)-[0-9a-f]{64}")
LOCK_POLL_SECONDS = 0.2  # another process takes seconds to a minute

log = logging.getLogger("recuento")


class UnusableDirectory(RuntimeError):
    """The columns directory cannot be used, or other users can access it."""


class UnusableGeneration(ValueError):
    """A saved generation that is damaged or was made by another version."""


class Generation(NamedTuple):
    """Columns saved at a head."""

    head: int
    name: str


class ColumnsDirectory:
    """The directory in which all processes of a machine save the columns of one database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def require_usable(self) -> None:
        """Create the directory if missing. Raise UnusableDirectory."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode
        except OSError as error:
            raise UnusableDirectory(
                f"{self.path} cannot be made: check RECUENTO_COLUMNS_DIR and its folder."
            ) from error
        if mode & OTHER_USERS_MASK:
            raise UnusableDirectory(f"Others can read {self.path}, where columns are saved: chmod 700 it.")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise UnusableDirectory(f"{self.path} cannot be written: check RECUENTO_COLUMNS_DIR.")

    def find_newest(self) -> Generation | None:
        """Return the generation with the latest head; None if there is none or the directory is missing."""
        try:
            return max(self._list_generations(), default=None)
        except OSError:
            return None

    def map_newest(self) -> Columns | None:
        """Map the columns of the newest generation.

        Return None, and log the reason, if there is no usable one. The caller must check that the columns belong to its
        database."""
        newest = self.find_newest()
        if newest is None:
            return None
        try:
            return _map_generation(self.path / newest.name)
        except UnusableGeneration as error:
            log.warning("The saved columns are not used, since they %s", error)
        except OSError as error:
            if self.find_newest() == newest:  # otherwise a newer one was saved meanwhile
                log.warning("The saved columns are not used, since they cannot be read (%s)", _describe_error(error))
        return None

    def save(self, columns: Columns, read_last_erasure: Callable[[], int]) -> None:
        """Save columns, which must not change meanwhile, and remove older generations.

        Does nothing if another process is saving. `read_last_erasure`: returns the revision of the last erasure; older
        columns are not saved."""
        try:
            with self._acquire_lock(WRITE_LOCK_FILE, lambda: True) as has_lock:
                if has_lock:
                    self._save(columns, read_last_erasure)
        except OSError as error:
            log.warning("Columns cannot be saved (%s)", _describe_error(error))

    def _save(self, columns: Columns, read_last_erasure: Callable[[], int]) -> None:
        draft = self.path / DRAFT_FOLDER
        _remove_folder(draft)
        draft.mkdir(mode=0o700)  # before reading the last erasure, so that a concurrent erasure sees the draft
        try:
            if columns.head < read_last_erasure():
                return
            target = self.path / _write_generation(columns, draft)
            _remove_folder(target)  # same content, damaged since
            draft.rename(target)
            _sync_folder(self.path)
        finally:
            _remove_folder(draft)
        for other in self._list_generations():
            if other.name != target.name:
                _remove_folder(self.path / other.name)

    def delete_before(self, erasure_revision: int) -> bool:
        """Delete everything saved before an erasure. Return False if that must be retried.

        A process that has mapped a deleted generation uses it until it advances to the head."""
        try:
            if not self.path.is_dir():
                return True
            if not self._list_outdated(erasure_revision):
                return True
            with self._acquire_lock(WRITE_LOCK_FILE, lambda: True) as has_lock:
                if not has_lock:
                    return False
                for path in self._list_outdated(erasure_revision):
                    _remove_folder(path)
                _sync_folder(self.path)
        except OSError:
            return False
        return True

    @contextmanager
    def take_reading_turn(self, is_cancelled: Callable[[], bool]) -> Iterator[None]:
        """Take the lock of the one process that reads all columns from the tables. Raise ReadCancelled."""
        with ExitStack() as stack:
            with suppress(OSError):  # without the directory nobody can save for others, so each process reads
                if not stack.enter_context(self._acquire_lock(READ_LOCK_FILE, is_cancelled)):
                    raise ReadCancelled
            yield

    @contextmanager
    def _acquire_lock(self, name: str, should_give_up: Callable[[], bool]) -> Iterator[bool]:
        """Yield whether this process holds the lock. The system releases it when the process ends."""
        handle = os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            has_lock = _try_lock(handle)
            while not has_lock and not should_give_up():
                sleep(LOCK_POLL_SECONDS)
                has_lock = _try_lock(handle)
            yield has_lock
        finally:
            os.close(handle)

    def _list_generations(self) -> list[Generation]:
        names = (entry.name for entry in os.scandir(self.path))
        return [Generation(int(match[1]), match[0]) for match in map(_GENERATION_NAME.fullmatch, names) if match]

    def _list_outdated(self, erasure_revision: int) -> list[Path]:
        """Return what may contain an erased person, including an abandoned draft."""
        drafts = [path for path in (self.path / DRAFT_FOLDER,) if path.exists()]
        return drafts + [
            self.path / generation.name for generation in self._list_generations() if generation.head < erasure_revision
        ]


def attach_columns_directory(engine: Engine, path: Path | None) -> ColumnsDirectory | None:
    """Set the directory in which an engine's columns are saved; None disables saving."""
    directory = None if path is None else ColumnsDirectory(path)
    engine.update_execution_options(**{COLUMNS_DIRECTORY_OPTION: directory})
    return directory


def get_columns_directory(engine: Engine) -> ColumnsDirectory | None:
    """Return the columns directory of an engine, if any."""
    return engine.get_execution_options().get(COLUMNS_DIRECTORY_OPTION)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe_layout() -> dict[str, Any]:
    """Return everything that determines the meaning of the arrays."""
    return {
        "format": FILE_FORMAT,
        "version": __version__,
        "schema": find_newest_schema(),
        "classes": [*CURRENT_CLASSES],
        "tables": {spec.name: spec.columns for spec in ALL_TABLES},
    }


def _write_generation(columns: Columns, folder: Path) -> str:
    """Write columns into a folder and return the name of their generation."""
    arrays = {CLASSES_FILE: _write_array(folder / CLASSES_FILE, columns.classes, len(columns.classes))}
    for name, table in columns.tables.items():
        for column, array in table.export_arrays().items():
            capacity = len(array) if column == NEWEST_ARRAY else compute_capacity(len(table))
            arrays[f"{name}.{column}"] = _write_array(folder / f"{name}.{column}", array, capacity)
    description = {
        "made_by": _describe_layout(),
        "head": columns.head,
        "version": columns.version,
        "leaves": {revision: leaf.hex() for revision, leaf in columns.leaves.items()},
        "codes": columns.codes.texts(),
        "values": drop_unused_values(columns.tables, columns.values).texts(),
        "lengths": {name: len(table) for name, table in columns.tables.items()},
        "arrays": arrays,
    }
    text = json.dumps(description).encode()
    with _create_file(folder / DESCRIPTION_FILE) as file:
        file.write(text)
    _sync_folder(folder)
    return f"{columns.head}-{sha256(text).hexdigest()}"


def _write_array(path: Path, array: Array, capacity: int) -> list[Any]:
    """Write an array followed by spare room, which takes no disk space until it is written."""
    data = np.ascontiguousarray(array)
    with _create_file(path) as file:
        file.write(data.data)
        file.truncate(capacity * data.itemsize)
    return [data.dtype.str, len(data), capacity, crc32(data.data)]


def _map_generation(folder: Path) -> Columns:
    """Map the columns of a generation. Raise UnusableGeneration or OSError."""
    text = (folder / DESCRIPTION_FILE).read_bytes()
    if not folder.name.endswith(sha256(text).hexdigest()):
        raise UnusableGeneration("are damaged")
    description = json.loads(text)
    if description["made_by"] != _describe_layout():
        raise UnusableGeneration("are of another version")
    arrays = {name: _map_array(folder / name, *layout) for name, layout in description["arrays"].items()}
    tables = {}
    for spec in ALL_TABLES:
        table_arrays = {
            name: arrays[f"{spec.name}.{name}"]
            for name in (SINCE_COLUMN, UNTIL_COLUMN, *spec.columns, NEWEST_ARRAY, PREVIOUS_ARRAY)
        }
        tables[spec.name] = Table.from_saved(description["head"], table_arrays, description["lengths"][spec.name])
    return Columns(
        head=description["head"],
        version=RowsVersion(*description["version"]),
        leaves={int(revision): bytes.fromhex(leaf) for revision, leaf in description["leaves"].items()},
        tables=tables,
        classes=arrays[CLASSES_FILE],
        codes=Codes(description["codes"]),
        values=Codes(description["values"]),
        generation=folder.name,
    )


def _map_array(path: Path, dtype: str, length: int, capacity: int, checksum: int) -> Array:
    """Map an array copy-on-write. Raise UnusableGeneration."""
    if path.stat().st_size != capacity * np.dtype(dtype).itemsize:
        raise UnusableGeneration("are damaged")
    array = np.asarray(np.memmap(path, dtype, "c", shape=(capacity,)))
    if crc32(array[:length].data) != checksum:
        raise UnusableGeneration("are damaged")
    return array


@contextmanager
def _create_file(path: Path) -> Iterator[BinaryIO]:
    """Create a file readable only by its owner; sync it to disk at the end."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that its names survive a power failure."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _describe_error(error: OSError) -> str:
    """Return a description for the log, without paths or content."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
