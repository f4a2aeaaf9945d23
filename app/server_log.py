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
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Any

REQUEST_ID_BYTES = 8  # enough that no two requests of a year are likely to share one

log = logging.getLogger("recuento")

# The id of the request that is being answered; empty outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def create_request_id() -> str:
    """A random id, which tells nothing about the request, made current for the rest of it."""
    new_id = secrets.token_hex(REQUEST_ID_BYTES)
    request_id.set(new_id)
    return new_id


def log_unforeseen_error(error: Exception, activity: str) -> None:
    """Write that something failed which nobody foresaw. `activity`: in what, in words."""
    log.error(
        "unforeseen %s in %s", type(error).__name__, activity, extra={"frames": _format_frames(error.__traceback__)}
    )


def _format_frames(trace: TracebackType | None) -> list[str]:
    """The lines of code that an exception passed, without its values."""
    return [line.strip() for line in traceback.format_tb(trace)]


class JsonLineFormatter(logging.Formatter):
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
        frames = getattr(record, "frames", None)
        if record.exc_info and record.exc_info[0] is not None:
            line["event"] = f"{line['event']} ({record.exc_info[0].__name__})"
            frames = _format_frames(record.exc_info[2])
        if frames:
            line["frames"] = frames
        return json.dumps(line, ensure_ascii=False)


# What the server is started with: everything that is logged in its process leaves as such lines, warnings and worse.
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonLineFormatter}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["lines"], "level": "WARNING"},
}


NO_LABEL = "none"  # no route was reached, no lane taken


@dataclass(slots=True)
class RequestStats:
    """Of one request. `route`: the template of its address; `waited`: seconds, by what it waited for; `held`: seconds
    in which it had a place in its lane; `refusal`: the code of its refusal, if it was refused."""

    route: str = NO_LABEL
    lane: str = NO_LABEL
    waited: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    held: float = 0.0
    refusal: str = NO_LABEL
    statements: int = 0

    @contextmanager
    def time_wait(self, place: str) -> Iterator[None]:
        """Meanwhile it waits for its turn at a place."""
        began = perf_counter()
        try:
            yield
        finally:
            self.waited[place] += perf_counter() - began

    @contextmanager
    def time_hold(self) -> Iterator[None]:
        """Meanwhile it has a place in its lane."""
        began = perf_counter()
        try:
            yield
        finally:
            self.held += perf_counter() - began

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    def merge(self, reported: dict[str, Any]) -> None:
        """What another process told of the part of the request that it answered."""
        self.route, self.refusal = reported["route"], reported["refusal"]
        self.statements += reported["statements"]
        for place, seconds in reported["waited"].items():
            self.waited[place] += seconds


# Threads that work for a request have the same measure.
_current_stats: ContextVar[RequestStats | None] = ContextVar("measure", default=None)


def start_request_stats() -> RequestStats:
    """A new measure, made current for the rest of the request."""
    stats = RequestStats()
    _current_stats.set(stats)
    return stats


def get_request_stats() -> RequestStats:
    """That of the request that is being answered; outside of requests one that nobody reads."""
    return _current_stats.get() or RequestStats()


def count_statement() -> None:
    """Count a statement for whoever has it run."""
    stats = _current_stats.get()
    if stats is not None:
        stats.statements += 1
