"""Who writes to a file of SQLite takes turns with the others of its process here.

Who waits for SQLite's own lock looks for it ever more seldom, in the end each tenth of a second, while it lies idle;
and who takes it again at once, as a list does, may keep it for as long as it likes. Here the next one is woken at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine


class _Turns:
    """The turn on one engine, and how many wait for it."""

    def __init__(self) -> None:
        self.turn = Lock()
        self._counting = Lock()
        self.waiting = 0

    def wait(self, seconds: float) -> bool:
        with self._counting:
            self.waiting += 1
        try:
            return self.turn.acquire(timeout=seconds)
        finally:
            with self._counting:
                self.waiting -= 1


_TURNS: WeakKeyDictionary[Engine, _Turns] = WeakKeyDictionary()


@contextmanager
def turn(engine: Engine, seconds: float) -> Iterator[bool]:
    """Whether it came within so many seconds: then nobody else of this process writes on the engine meanwhile."""
    turns = _TURNS.setdefault(engine, _Turns())
    came = turns.wait(seconds)
    try:
        yield came
    finally:
        if came:
            turns.turn.release()


def others_wait(engine: Engine) -> bool:
    """Whether anybody of this process waits for a turn on the engine."""
    return engine in _TURNS and _TURNS[engine].waiting > 0
