"""Write the server log, a line of JSON for each event, and measure the current request.

A line has an instant, a level, a logger, an event, the `fields` of the record, and the id of the request. No line
identifies a person: the text of an exception may contain a name or a whole row, so only its type and frames are
written. The measurements of a request reveal neither its sender nor the person that it is about.
"""

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

# The id of the current request; empty outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


def create_request_id() -> str:
    """Create a random id, which says nothing about the request, and make it current for the rest of it."""
    new_id = secrets.token_hex(REQUEST_ID_BYTES)
    request_id.set(new_id)
    return new_id


def log_unforeseen_error(error: Exception, activity: str) -> None:
    """Log an unforeseen error. `activity`: what the server was doing, in words."""
    log.error(
        "unforeseen %s in %s", type(error).__name__, activity, extra={"frames": _format_frames(error.__traceback__)}
    )


def _format_frames(trace: TracebackType | None) -> list[str]:
    """Return the lines of code that an exception passed, without its values."""
    return [line.strip() for line in traceback.format_tb(trace)]


class JsonLineFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "where": record.name,
            "event": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= getattr(record, "fields", {})
        frames = getattr(record, "frames", None)
        if record.exc_info and record.exc_info[0] is not None:
            line["event"] = f"{line['event']} ({record.exc_info[0].__name__})"
            frames = _format_frames(record.exc_info[2])
        if frames:
            line["frames"] = frames
        return json.dumps(line, ensure_ascii=False)


# The logging configuration of a server: warnings and worse of all loggers, as lines of JSON.
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonLineFormatter}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["lines"], "level": "WARNING"},
}


NO_LABEL = "none"  # no route was reached, or the request needed no limiter


@dataclass(slots=True)
class RequestStats:
    """Measurements of one request.

    `route`: the template of its address; `lane`: the limiter that it passed; `waited`: seconds, by what it waited for;
    `held`: seconds in which it occupied a place of the limiter; `refusal`: the code of its error response, if any.
    """

    route: str = NO_LABEL
    lane: str = NO_LABEL
    waited: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    held: float = 0.0
    refusal: str = NO_LABEL
    statements: int = 0

    @contextmanager
    def time_wait(self, place: str) -> Iterator[None]:
        """Add the duration of the block to the time spent waiting at a place."""
        began = perf_counter()
        try:
            yield
        finally:
            self.waited[place] += perf_counter() - began

    @contextmanager
    def time_hold(self) -> Iterator[None]:
        """Add the duration of the block to the time spent in the limiter."""
        began = perf_counter()
        try:
            yield
        finally:
            self.held += perf_counter() - began

    def to_dict(self) -> dict[str, Any]:
        """Return the measurements as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    def merge(self, reported: dict[str, Any]) -> None:
        """Add the measurements of another process that answered part of the request."""
        self.route, self.refusal = reported["route"], reported["refusal"]
        self.statements += reported["statements"]
        for place, seconds in reported["waited"].items():
            self.waited[place] += seconds


# Threads that work for a request share its measurements.
_current_stats: ContextVar[RequestStats | None] = ContextVar("measure", default=None)


def start_request_stats() -> RequestStats:
    """Start the measurements of a new request, and make them current for the rest of it."""
    stats = RequestStats()
    _current_stats.set(stats)
    return stats


def get_request_stats() -> RequestStats:
    """Return the measurements of the current request; outside of requests an object that nobody reads."""
    return _current_stats.get() or RequestStats()


def count_statement() -> None:
    """Count an SQL statement of the current request."""
    stats = _current_stats.get()
    if stats is not None:
        stats.statements += 1
