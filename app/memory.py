"""The garbage collector, which serves the whole process: stopped for a while, and spared what stays anyway.

How much memory a process can still take before the system ends it, and handing back what it no longer uses."""

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
    """Stop it while rows by the ten thousand are read or filed: they are freed without it, and looking for cycles among
    them takes a third of the time, or more. Whoever has it stopped does so with others who do: it runs again once
    nobody does."""
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


@cache  # once in a process: an application that has ended would never be freed
def freeze_live_objects() -> None:
    """Look for no cycles any more among all that there is now. A server that is ready has 200,000 objects, of
    its modules, shapes and routes, which it never gives up; one look at them all takes 150 ms of whichever question
    comes then."""
    gc.collect()
    gc.freeze()


NO_LIMIT = "max"


def measure_free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that are free, or are made free when they are wanted, on the machine and in every control group (v2) that
    bounds this process. None where the system tells neither."""
    return min([*_read_machine_memory(root), *_read_all_group_memory(root)], default=None)


def return_freed_memory() -> None:
    """Hand to the system what was freed between other things that stay: the C library of Linux (glibc) keeps it for the
    process otherwise. Another one does as it pleases."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _read_machine_memory(root: Path) -> Iterator[int]:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _colon, amount = line.partition(":")
            if name == "MemAvailable":  # what is free, and the copies of files that the system would give up
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
        if not line.startswith("0::"):  # of the first version
            continue
        group = top / line.removeprefix("0::").strip("/")
        for folder in [group, *group.parents]:  # a limit holds for all below it
            yield from _read_group_memory(folder)
            if folder == top:
                break


def _read_group_memory(folder: Path) -> Iterator[int]:
    try:
        limit = (folder / "memory.max").read_text().strip()
        if limit == NO_LIMIT:
            return
        used = int((folder / "memory.current").read_text())
        amounts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        # Copies of files count as used until somebody wants their place.
        yield int(limit) - used + int(amounts["inactive_file"]) + int(amounts["active_file"])
    except (OSError, ValueError, KeyError):
        return
