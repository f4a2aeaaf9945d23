"""What `recuento import` does and prints: a line for each row that needs somebody, and the receipt."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine

from app.database import reading
from app.exchange.imports import local, stored
from app.exchange.imports.mapping import Mapping
from app.exchange.imports.stored import Sent
from app.import_codes import ImportOutcome
from app.models import ListImport

# Rows read at a time for printing.
PAGE = 1_000
TOLD = ("error", "needs_review")  # all else went by itself


def mapping_of(path: Path | None) -> Mapping | None:
    return None if path is None else Mapping.read(path.read_text(encoding="utf-8"))


def import_list(
    engine: Engine, secret: bytes, clock: Callable[[], datetime], slug: str, path: Path, sent: Sent, *, as_json: bool
) -> str | None:
    """File a list and print what became of it; a line that says what is left to do, if anything is."""
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Trying" if sent.dry_run else "Filing", total=None)

        def tell(job: ListImport) -> None:
            bar.update(task, total=job.rows, completed=stored.shape(job)["settled"])

        job = local.file_list(engine, secret, clock, slug, path.read_bytes(), sent, tell)
    _print_rows(engine, job, as_json=as_json)
    receipt = stored.shape(job)
    if as_json:
        _line(json.dumps(receipt, ensure_ascii=False, default=str))
    else:
        _print_receipt(receipt)
    return _left_to_do(receipt)


def _left_to_do(receipt: stored.Row) -> str | None:
    if receipt["problem"]:
        return str(receipt["problem"]["detail"])
    if receipt["questions"]:
        asked = " ".join(question["detail"] for question in receipt["questions"])
        return f"Nothing was filed. {asked} (--confirm)"
    if receipt["state"] != "done":
        return "Somebody else is filing this list: wait for them, or run it again."
    wrong = receipt["counts"]["error"]
    return f"{wrong} rows are in error: correct them and import the file again." if wrong else None


def _print_rows(engine: Engine, job: ListImport, *, as_json: bool) -> None:
    after = 0
    while True:
        with reading(engine) as session:
            rows = stored.rows_of(session, job.id, after, PAGE)
        for row in rows:
            if as_json:
                _line(json.dumps(row, ensure_ascii=False, default=str))
            elif row["outcome"] in TOLD:
                _line(f"row {row['row']}: {row['outcome'].replace('_', ' ')}")
                for error in row["errors"]:
                    column = f"column {error['column']}: " if error["column"] else ""
                    _line(f"  {column}{error['detail']}")
        if len(rows) < PAGE:
            return
        after = rows[-1]["row"]


def _print_receipt(receipt: stored.Row) -> None:
    left_out = [
        f"{one['column']} ({one['heading']})" for one in receipt["columns"] if not one["fields"] and one["heading"]
    ]
    if left_out:
        _line(f"Columns that were not read: {', '.join(left_out)}.")
    if receipt["other_sheets"]:
        _line(f"Only the sheet {receipt['sheet']} was read; the others were not: {', '.join(receipt['other_sheets'])}.")
    if receipt["derived_case_numbers"]:
        _line(
            f"{receipt['derived_case_numbers']} rows have no case number: theirs were made from name, birth and day of "
            "detention. Whoever corrects one of these makes a new record: add a column of case numbers."
        )
    counts = ", ".join(f"{receipt['counts'][one]} {one.replace('_', ' ')}" for one in ImportOutcome)
    what = "would become" if receipt["dry_run"] else "became"
    _line(f"{receipt['settled']} of {receipt['rows'] or 0} rows {what}: {counts}.")
    if receipt["first_revision"] and not receipt["dry_run"]:
        _line(f"Revisions {receipt['first_revision']} to {receipt['last_revision']}; file {receipt['digest']}.")
    if receipt["dry_run"] and receipt["state"] == "done":
        _line("Nothing was stored. Leave --dry-run out to file it.")


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
