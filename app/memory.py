"""Control the garbage collector and the memory of the process: pause, freeze, measure, return."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

_LOCK = Lock()
_pause_count = 0
_was_enabled = False


@contextmanager
def pause_collection() -> Iterator[None]:
    """Pause the garbage collector while rows by the ten thousand are read or filed.

    They are freed without it, and looking for cycles among them takes a third of the time, or more. Several threads may
    pause at once: it runs again when none does.
    """
    global _pause_count, _was_enabled
    with _LOCK:
        if not _pause_count:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pause_count += 1
    try:
        yield
    finally:
        with _LOCK:
            _pause_count -= 1
            if not _pause_count and _was_enabled:
                gc.enable()


@cache  # once per process: a second call would also freeze what remains of an application that has ended
def freeze_live_objects() -> None:
    """Exclude all live objects from garbage collection.

    A server that is ready has 200,000 objects of modules, schemas and routes, which it never frees. One collection over
    all of them would delay some request by 150 ms.
    """
    gc.collect()
    gc.freeze()


def measure_free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process can still take: the minimum over the machine and its control groups (v2).

    Memory that is freed on demand counts as free. None if the system reports neither.
    """
    return min([*_read_machine_memory(root), *_read_all_group_memory(root)], default=None)


def return_freed_memory() -> None:
    """Return freed memory to the system. The C library of Linux (glibc) otherwise keeps memory between live objects;
    other libraries do as they please."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _read_machine_memory(root: Path) -> Iterator[int]:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _colon, amount = line.partition(":")
            if name == "MemAvailable":  # free memory, and copies of files that the system would give up
                yield int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        if "SC_AVPHYS_PAGES" in os.sysconf_names:
            yield os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _read_all_group_memory(root: Path) -> Iterator[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    top = root / "sys/fs/cgroup"
    for line in lines:
        if not line.startswith("0::"):  # a group of the first version
            continue
        group = top / line.removeprefix("0::").strip("/")
        for folder in [group, *group.parents]:  # a limit of a group also limits the groups below it
            yield from _read_group_memory(folder)
            if folder == top:
                break


def _read_group_memory(folder: Path) -> Iterator[int]:
    try:
        limit = (folder / "memory.max").read_text().strip()
        if limit == "max":  # no limit
            return
        used = int((folder / "memory.current").read_text())
        amounts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        # Copies of files count as used until their memory is needed.
        yield int(limit) - used + int(amounts["inactive_file"]) + int(amounts["active_file"])
    except (OSError, ValueError, KeyError):
        return
