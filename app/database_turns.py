"""Who writes to a file of SQLite takes turns with the others of its process here.

Who waits for SQLite's own lock looks for it ever more seldom, in the end each tenth of a second, while it lies idle;
and who takes it again at once, as a list does, may keep it for as long as it likes. Here the next one is woken at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

_TURNS: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()


@contextmanager
def turn(engine: Engine, seconds: float) -> Iterator[bool]:
    """Whether it came within so many seconds: then nobody else of this process writes on the engine meanwhile."""
    one_writer = _TURNS.setdefault(engine, Lock())
    came = one_writer.acquire(timeout=seconds)
    try:
        yield came
    finally:
        if came:
            one_writer.release()
