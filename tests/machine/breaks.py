"""Ways to break the app, each against one rule; a machine that does not notice them tells nothing.

`python -m tests.machine.breaks` says after how many histories each is noticed, or the one that is named.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import false

from app.log.entries import Log
from app.models import CURRENT_CLASSES, OPEN
from app.projection.statements import Statement
from app.queries.selection import visibility
from app.registry import reprojection
from app.registry.publication import classes, objections
from tests.databases import Templates
from tests.machine.campaign import difference
from tests.machine.machine import machine

MOST = 16  # batches of the numbers 1 to so many
HISTORIES, STEPS = 8, 25  # of a batch: that of number 1 is the short form on SQLite


def the_most_open_class_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(classes, "find_strictest_class", lambda classes: min(classes, key=CURRENT_CLASSES.index))


def a_consent_answers_no_earlier_wish(patch: pytest.MonkeyPatch) -> None:
    def for_ever_new(_statement: Statement) -> int:
        return OPEN

    patch.setattr(classes, "_find_wish_revision", for_ever_new)


def an_objection_hides_nobody(patch: pytest.MonkeyPatch) -> None:
    def of_nobody(*given: Any) -> Any:
        return ((*person, False) for *person, _is_hidden in people(*given))

    people = reprojection._iterate_people
    patch.setattr(reprojection, "_iterate_people", of_nobody)


def an_answer_is_forgotten_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(objections, "QUIET_PERIOD", timedelta(0))


def what_was_withdrawn_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Statement, "is_retracted", False)


def the_past_is_read_from_the_newest_rows(patch: pytest.MonkeyPatch) -> None:
    def newest(table: Any, _revision: int) -> Any:
        return table.until == OPEN

    _everywhere(patch, visibility.valid_at, newest)


def a_clock_set_back_moves_the_past(patch: pytest.MonkeyPatch) -> None:
    begin = Log.__init__

    def begin_now(log: Log, session: Any, now: datetime) -> None:
        begin(log, session, now)
        log.recorded_at = now

    patch.setattr(Log, "__init__", begin_now)


def who_is_shown_again_is_not_told(patch: pytest.MonkeyPatch) -> None:
    def never(*_asked: Any) -> Any:
        return false()

    patch.setattr(visibility, "permission_may_have_changed", never)


BREAKS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    the_most_open_class_wins,
    a_consent_answers_no_earlier_wish,
    an_objection_hides_nobody,
    an_answer_is_forgotten_at_once,
    what_was_withdrawn_counts,
    the_past_is_read_from_the_newest_rows,
    a_clock_set_back_moves_the_past,
    who_is_shown_again_is_not_told,
)


def _everywhere(patch: pytest.MonkeyPatch, function: Callable[..., Any], broken: Callable[..., Any]) -> None:
    """In every module that imported the function."""
    for module in [module for name, module in sys.modules.items() if name.startswith("app.")]:
        if getattr(module, function.__name__, None) is function:
            patch.setattr(module, function.__name__, broken)


def main() -> int:
    missed = 0
    with tempfile.TemporaryDirectory() as folder, closing(Templates(Path(folder))) as templates:
        templates.world("sqlite")
        for broken in [broken for broken in BREAKS if sys.argv[1:] in ([], [broken.__name__])]:
            machines = machine(templates, "sqlite")
            with pytest.MonkeyPatch.context() as patch:
                broken(patch)
                batches = (difference(machines, seed, HISTORIES, STEPS, shortest=False) for seed in range(1, MOST + 1))
                found = any(batches)
            missed += not found
            histories = machines.done["histories"] - found  # the last was played once more
            told = "noticed in" if found else "NOT NOTICED in"
            sys.stdout.write(f"{broken.__name__}: {told} {histories} histories\n")
            sys.stdout.flush()
    return missed


if __name__ == "__main__":
    sys.exit(main())
