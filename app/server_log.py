"""The server's log: a line of JSON for each event, which names nobody.

A line holds an instant, a level, a place, an event, what else is told of it (`told`) and, inside a request, the id that
the answer carried. The text of an exception may hold a name or a whole row, so a line has its kind and the frames
alone.
"""

import json
import logging
import secrets
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
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
