"""The code lists of lists on their way in; served with all others (`vocabulary`)."""

from enum import StrEnum


class ImportState(StrEnum):
    """How far a list has got."""

    WAITING = "waiting"
    CHECKING = "checking"
    RUNNING = "running"
    DONE = "done"
    QUESTIONED = "questioned"
    FAILED = "failed"


class ImportOutcome(StrEnum):
    """What became of a row of a list."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LINKED = "linked"
    NEEDS_REVIEW = "needs_review"
    WAITING = "waiting"
    ERROR = "error"
