"""The garbage collector, which serves the whole process: stopped for a while, and spared what stays anyway."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

_TURN = Lock()
_stopping = 0
_ran = False


@contextmanager
def collecting_later() -> Iterator[None]:
    """Stop it while rows by the ten thousand are read or filed: they are freed without it, and looking for cycles among
    them takes a third of the time, or more. Whoever has it stopped does so with others who do: it runs again once
    nobody does."""
    global _stopping, _ran
    with _TURN:
        if not _stopping:
            _ran = gc.isenabled()
            gc.disable()
        _stopping += 1
    try:
        yield
    finally:
        with _TURN:
            _stopping -= 1
            if not _stopping and _ran:
                gc.enable()


@cache  # once in a process: an application that has ended would never be freed
def leave_alone_what_stays() -> None:
    """Look for no cycles any more among all that there is now. A server that is ready has 200,000 objects, of
    its modules, shapes and routes, which it never gives up; one look at them all takes 150 ms of whichever question
    comes then."""
    gc.collect()
    gc.freeze()
