"""The garbage collector, stopped for a while. It serves the whole process, so that whoever has it stopped does so with
others who do: it runs again once nobody does."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_TURN = Lock()
_stopping = 0
_ran = False


@contextmanager
def collecting_later() -> Iterator[None]:
    """Stop it while rows by the ten thousand are read or filed: they are freed without it, and looking for cycles among
    them takes a third of the time, or more."""
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
