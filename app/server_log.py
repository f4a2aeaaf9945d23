"""The server's log: a line of JSON for each event, which names nobody.

A line holds an instant, a level, a place, an event, what else is told of it (`told`) and, inside a request, the id that
the answer carried. The text of an exception may hold a name or a whole row, so a line has its kind and the frames
alone.

What is measured of the request that is being answered: where it waited, worked and failed. Nothing of it tells who
asks, or for whom."""

import json
import logging
import secrets
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Any

REQUEST_ID_BYTES = 8  # enough that no two requests of a year are likely to share one

log = logging.getLogger("recuento")

# The id of the request that is being answered; empty outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def new_request_id() -> str:
    """A random id, which tells nothing about the request, made current for the rest of it."""
    made = secrets.token_hex(REQUEST_ID_BYTES)
    request_id.set(made)
    return made


def unforeseen(error: Exception, where: str) -> None:
    """Write that something failed which nobody foresaw. `where`: in what, in words."""
    log.error("unforeseen %s in %s", type(error).__name__, where, extra={"frames": _frames(error.__traceback__)})


def _frames(trace: TracebackType | None) -> list[str]:
    """The lines of code that an exception passed, without its values."""
    return [line.strip() for line in traceback.format_tb(trace)]


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "where": record.name,
            "event": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= getattr(record, "told", {})
        passed = getattr(record, "frames", None)
        if record.exc_info and record.exc_info[0] is not None:
            line["event"] = f"{line['event']} ({record.exc_info[0].__name__})"
            passed = _frames(record.exc_info[2])
        if passed:
            line["frames"] = passed
        return json.dumps(line, ensure_ascii=False)


# What the server is started with: everything that is logged in its process leaves as such lines, warnings and worse.
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonLines}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["lines"], "level": "WARNING"},
}


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
