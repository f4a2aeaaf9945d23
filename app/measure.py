"""What is measured of the request that is being answered: where it waited, worked and failed. Nothing of it tells who
asks, or for whom."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

NONE = "none"  # no route was reached, no lane taken


@dataclass(slots=True)
class Measure:
    """Of one request. `route`: the template of its address; `waited`: seconds, by what it waited for; `held`: seconds
    in which it had a place in its lane; `refusal`: the code of its refusal, if it was refused."""

    route: str = NONE
    lane: str = NONE
    waited: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    held: float = 0.0
    refusal: str = NONE
    statements: int = 0

    @contextmanager
    def waiting(self, place: str) -> Iterator[None]:
        """Meanwhile it waits for its turn at a place."""
        began = perf_counter()
        try:
            yield
        finally:
            self.waited[place] += perf_counter() - began

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Meanwhile it has a place in its lane."""
        began = perf_counter()
        try:
            yield
        finally:
            self.held += perf_counter() - began

    def told(self) -> dict[str, Any]:
        """As values of JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    def take(self, other: dict[str, Any]) -> None:
        """What another process told of the part of the request that it answered."""
        self.route, self.refusal = other["route"], other["refusal"]
        self.statements += other["statements"]
        for place, seconds in other["waited"].items():
            self.waited[place] += seconds


# Threads that work for a request have the same measure.
_this: ContextVar[Measure | None] = ContextVar("measure", default=None)


def begin() -> Measure:
    """A new measure, made current for the rest of the request."""
    made = Measure()
    _this.set(made)
    return made


def this() -> Measure:
    """That of the request that is being answered; outside of requests one that nobody reads."""
    return _this.get() or Measure()


def count_statement() -> None:
    """Count a statement for whoever has it run."""
    measure = _this.get()
    if measure is not None:
        measure.statements += 1
