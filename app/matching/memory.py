"""What was made of a text, remembered within one act: a request, a list that is filed, a chore.

The names of a report are read several times, and those of a list recur. But a memory that all requests shared would
tell by the clock whose name was read before: who is hidden, and whom others look for. So each act has its own; a
command, which nobody times from afar, has that of its process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# A function → the same, with what it gave before.
Memory = dict[Callable[..., Any], Callable[..., Any]]

_OF_THE_PROCESS: Memory = {}
_current: ContextVar[Memory] = ContextVar("memory", default=_OF_THE_PROCESS)


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the last results of a pure function, so many at most."""

    def remembering(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def recall(*args: P.args, **named: P.kwargs) -> R:
            memory = _current.get()
            known = memory.get(function)
            if known is None:
                known = memory.setdefault(function, lru_cache(most)(function))
            result: R = known(*args, **named)
            return result

        return recall

    return remembering


def begin_anew() -> None:
    """From here on, in this task and its threads, nothing is remembered from before."""
    _current.set({})


@contextmanager
def memory_of(memory: Memory) -> Iterator[None]:
    """Remember there meanwhile."""
    before = _current.set(memory)
    try:
        yield
    finally:
        _current.reset(before)
