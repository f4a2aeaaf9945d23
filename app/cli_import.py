"""What `recuento import` does and prints: a line for each row that needs somebody, and the receipt."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine

from app.database import reading
from app.exchange.client import Line, Stopped
from app.exchange.imports import local, remote, stored
from app.exchange.imports.mapping import Mapping, decoded
from app.exchange.imports.questions import confirmed
from app.exchange.imports.stored import Sent
from app.import_codes import ImportOutcome
from app.models import ListImport

# Rows read at a time for printing.
PAGE = 1_000
# What an outcome is called, where its name alone alarms.
LINES = {
    ImportOutcome.NEEDS_REVIEW: "needs review (nothing for you to do: a curator looks whether it is somebody known)"
}
# Why somebody held is not counted so.
WHY_NOT_HELD = {
    "no_day_of_arrest": "have no day of arrest and no day on which they were last known held",
    "day_not_past": "have only a day so vague that it may be yet to come",
    "not_asserted": "are denied or withdrawn",
}
GOES_ON = "What is in stays in: run the same command again, and it goes on where it stopped."


def mapping_of(path: Path | None) -> Mapping | None:
    """The mapping in a file, if one is given. Raises BadFile."""
    return None if path is None else Mapping.read(decoded(path.read_bytes()))


def at_column(error: stored.Row) -> str:
    """What is wrong with a row, at its column; a line of JSON has none."""
    column = f"column {error['column']}: " if error["column"] else ""
    return f"{column}{error['detail']}"


def import_list(
    engine: Engine, secret: bytes, clock: Callable[[], datetime], slug: str, path: Path, sent: Sent, *, as_json: bool
) -> str | None:
    """File a list and print what became of it; a line that says what is left to do, if anything is."""
    with _bar() as bar:
        task = bar.add_task("Trying" if sent.dry_run else "Filing", total=None)

        def tell(job: ListImport) -> None:
            bar.update(task, total=job.rows, completed=stored.shape(job)["settled"])

        job = local.file_list(engine, secret, clock, slug, path.read_bytes(), sent, tell)
    return _print(_rows(engine, job), stored.shape(job), as_json=as_json)


def send_list(
    to: str, key: str | None, slug: str | None, path: Path, sent: Sent, now: datetime, *, as_json: bool
) -> str | None:
    """Send a list to a registry elsewhere and print what became of it; a line that says what is left to do."""
    if key is None:
        raise Stopped("Set RECUENTO_KEY, or RECUENTO_KEY_FILE, to the key that your registry gave you.")
    with _bar() as bar:
        watch = _Watch(bar, "Trying" if sent.dry_run else "Sending")
        try:
            with Line(to, key, watch.say) as line:
                receipt, rows = remote.file_list(line, _journals(), path, sent, now, watch, source=slug, every=as_json)
        except Stopped as stopped:
            raise Stopped(f"{stopped} {GOES_ON}" if watch.begun else str(stopped)) from None
        except KeyboardInterrupt:
            return f"Stopped. {GOES_ON}"
    return _print(rows, receipt, as_json=as_json)


def _journals() -> Path:
    """Where programs keep what must outlast a restart (XDG Base Directory Specification)."""
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "recuento" / "uploads"


def _bar() -> Progress:
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)


class _Watch:
    """Shows how far an upload is, and what the line does: beside the bar, or in lines where nobody watches a bar."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._what = bar, what
        self._task = bar.add_task(what, total=None)
        self.begun = False

    def say(self, text: str) -> None:
        if self._bar.disable:
            self._bar.console.print(text, soft_wrap=True)
        else:
            self._bar.update(self._task, description=text)

    def moved(self, settled: int, rows: int) -> None:
        self.begun = True
        self._bar.update(self._task, description=self._what, completed=settled, total=rows)


def _print(rows: Iterable[stored.Row], receipt: stored.Row, *, as_json: bool) -> str | None:
    outcomes = _print_rows(rows, as_json=as_json)
    if as_json:
        _line(json.dumps(receipt, ensure_ascii=False, default=str))
    else:
        _print_receipt(receipt, outcomes)
    return _left_to_do(receipt)


def _left_to_do(receipt: stored.Row) -> str | None:
    if receipt["problem"]:
        return str(receipt["problem"]["detail"])
    if receipt["questions"]:
        asked = " ".join(question["detail"] for question in receipt["questions"])
        filed = "Nothing more was filed." if receipt["last_revision"] else "Nothing was filed."
        return f"{filed} {asked}{' (--confirm)' if confirmed(receipt['questions']) else ''}"
    if receipt["state"] != "done":
        return "Somebody else is filing this list: wait for them, or run it again."
    wrong = receipt["counts"]["error"]
    if not wrong:
        return None
    what = "1 row is in error: correct it" if wrong == 1 else f"{wrong} rows are in error: correct them"
    return f"{what} and import the file again."


def _rows(engine: Engine, job: ListImport) -> Iterator[stored.Row]:
    after = 0
    while True:
        with reading(engine) as session:
            rows = stored.rows_of(session, job.id, after, PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["row"]


def _print_rows(rows: Iterable[stored.Row], *, as_json: bool) -> Counter[str]:
    """Print the rows that need somebody, for machines all of them; how many of all had which outcome."""
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes[row["outcome"]] += 1
        if as_json:
            _line(json.dumps(row, ensure_ascii=False, default=str))
        elif row["outcome"] in remote.TOLD:
            _line(f"row {row['row']}: {LINES.get(row['outcome'], row['outcome'])}")
            for error in row["errors"]:
                _line(f"  {at_column(error)}")
    return outcomes


def _print_receipt(receipt: stored.Row, outcomes: Counter[str]) -> None:
    if receipt["rows"] is None:
        return  # the file could not be read: there is nothing to tell but why
    left_out = [
        f"{one['column']} ({one['heading']})" for one in receipt["columns"] if not one["fields"] and one["heading"]
    ]
    if left_out:
        _line(f"Columns that were not read: {', '.join(left_out)}.")
    if receipt["other_sheets"]:
        _line(f"Only the sheet {receipt['sheet']} was read; the others were not: {', '.join(receipt['other_sheets'])}.")
    if receipt["derived_case_numbers"]:
        number = receipt["derived_case_numbers"]
        _line(
            f"{number} {'row has' if number == 1 else 'rows have'} no case number: it was made from name, birth and "
            "day of detention. Whoever corrects one of these makes a new record: add a column of case numbers."
        )
    # Of a strict list that failed in its trial the receipt counts errors only. From afar only those are asked for.
    refused = receipt["state"] == "failed" and not receipt["dry_run"] and outcomes.total() > receipt["settled"]
    told = outcomes if refused else receipt["counts"]
    counts = ", ".join(f"{told[one]} {one.replace('_', ' ')}" for one in ImportOutcome)
    what = "would have become" if refused else "would become" if receipt["dry_run"] else "became"
    _line(f"{sum(told.values())} of {receipt['rows']} rows {what}: {counts}.")
    if refused:
        _line("Nothing was filed.")
    elif receipt["releases"] or receipt["held"]:
        _line(f"Of these {receipt['releases']} are releases, and {receipt['held']} say that somebody is held.")
        _print_changes(receipt)
    if receipt["first_revision"] and not receipt["dry_run"]:
        _line(f"Revisions {receipt['first_revision']} to {receipt['last_revision']}; file {receipt['digest']}.")
    if receipt["dry_run"] and receipt["state"] == "done":
        _line("Nothing was stored. Leave --dry-run out to file it.")


def _print_changes(receipt: stored.Row) -> None:
    """What is taken back and added, and who is held and not counted so."""
    for change, what in (("lost", "Said before, and no longer"), ("gained", "Not said before")):
        told = [f"{kind} {number}" for kind, number in receipt[change].items() if number]
        if told:
            _line(f"{what}: {', '.join(told)}.")
    if receipt["held_not_counted"]:
        reasons = ", ".join(f"{number} {WHY_NOT_HELD[why]}" for why, number in receipt["held_not_counted"].items())
        _line(f"{receipt['held_counted']} of {receipt['held']} count as held by your word today: {reasons}.")


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
