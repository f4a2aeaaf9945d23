"""How much memory a process can still take before the system ends it, and handing back what it no longer uses."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

UNLIMITED = "max"


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that are free, or are made free when they are wanted, on the machine and in every control group (v2) that
    bounds this process. None where the system tells neither."""
    return min([*_of_machine(root), *_of_groups(root)], default=None)


def give_back() -> None:
    """Hand to the system what was freed between other things that stay: the C library of Linux (glibc) keeps it for the
    process otherwise. Another one does as it pleases."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _of_machine(root: Path) -> Iterator[int]:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _colon, amount = line.partition(":")
            if name == "MemAvailable":  # what is free, and the copies of files that the system would give up
                yield int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        if "SC_AVPHYS_PAGES" in os.sysconf_names:
            yield os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups(root: Path) -> Iterator[int]:
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
            yield from _of_group(folder)
            if folder == top:
                break


def _of_group(folder: Path) -> Iterator[int]:
    try:
        most = (folder / "memory.max").read_text().strip()
        if most == UNLIMITED:
            return
        used = int((folder / "memory.current").read_text())
        amounts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        # Copies of files count as used until somebody wants their place.
        yield int(most) - used + int(amounts["inactive_file"]) + int(amounts["active_file"])
    except (OSError, ValueError, KeyError):
        return
