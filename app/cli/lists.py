"""How `recuento import` prints a receipt: how columns were read, what is asked and what is wrong, and what became of
the rows.

What `recuento import` does and prints: rows that need somebody, what is wrong by kind, and the receipt.

`recuento import`: a list as a source's reports, here or over a line; or a copy into an empty registry."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine

from app.cli import export
from app.cli.database import database, opened
from app.cli.output import AsJson, fail, now
from app.config import Names, Settings
from app.db.engine import reading
from app.descriptions import of_parameter
from app.imports import filing, receipts, remote, stored
from app.imports.client import Line, Stopped
from app.imports.faults import BadFile, confirmed, line, place_of, problem
from app.imports.formats.template import named
from app.imports.lists import open_list
from app.imports.mapping import Groups, Mapping, decoded
from app.imports.mapping import shapes as group_shapes
from app.imports.receipts import Receipt
from app.imports.rows import MOST_SHOWN
from app.imports.stored import Sent
from app.models import ListImport
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.imports import ImportColumn, ImportGroup, ImportRowShape, ImportWarning, RowError
from app.vocabulary import ImportOutcome, Language, Role

# What an outcome is called, where a word of the same name says more.
OUTCOMES = {ImportOutcome.NEEDS_REVIEW: "to_review"}


def print_groups(groups: list[ImportGroup], lang: Language) -> None:
    """What is asked, then what is wrong: each kind once, with the first few rows."""
    for name, questions in (("asked", True), ("wrong", False)):
        some = [group for group in groups if group["question"] is questions]
        if some:
            put(line(name, lang))
        for group in some:
            put(line("group", lang, count=group["count"], code=group["code"], where=_where(group, lang)))
            put(f"    {group['detail']}")
            _print_examples(group, lang)


def _print_examples(group: ImportGroup | ImportWarning, lang: Language) -> None:
    for example in group["examples"]:
        value = f": {example['value']}" if example["value"] else ""
        put(line("example", lang, row=example["row"], value=value))
    more = group["count"] - len(group["examples"])
    if more > 0:
        put(line("more", lang, count=more))


def _where(group: ImportGroup, lang: Language) -> str:
    if group["column"] is None:
        return ""
    heading = f' "{group["heading"]}"' if group["heading"] else ""
    field = line("read_as", lang, field=named(group["field"], lang)) if group["field"] else ""
    return line("where", lang, column=group["column"], heading=heading, field=field)


def _print_columns(receipt: Receipt, lang: Language) -> None:
    """Print how each column was read; a column without a heading only where it has values."""
    unread = {column["column"]: column["count"] for column in receipt["unread"]}
    if receipt["columns"]:
        put(line("columns", lang))
    for column in receipt["columns"]:
        count = unread.get(column["column"], 0)
        if not (column["heading"] or column["fields"] or count):
            continue
        fields = ", ".join(named(name, lang) for name in column["fields"])
        if count:
            fields = "; ".join(filter(None, (fields, line("unread_cells", lang, count=count))))
        heading = column["heading"] or line("no_heading", lang)
        put(line("column", lang, column=column["column"], heading=heading, fields=fields or line("unread", lang)))


def _print_warnings(warnings: list[ImportWarning], lang: Language) -> None:
    """What was accepted and may not be what was meant."""
    if warnings:
        put(line("warned", lang))
    for warning in warnings:
        put(line("group", lang, count=warning["count"], code=warning["code"], where=""))
        put(f"    {line(warning['code'], lang)}")
        _print_examples(warning, lang)


def print_receipt(receipt: Receipt, outcomes: Counter[str], lang: Language) -> None:
    if receipt["rows"] is None:
        return  # the file could not be read: there is nothing to tell but why
    _print_columns(receipt, lang)
    _print_warnings(receipt["warnings"], lang)
    if receipt["unsaid"]:
        words = ", ".join(f'{cell["column"]} "{cell["word"]}" × {cell["count"]}' for cell in receipt["unsaid"])
        put(line("unsaid", lang, words=words))
    left_out = receipt["left_out"]
    if left_out["count"]:
        rows = ", ".join(map(str, left_out["rows"])) + (", …" if left_out["count"] > len(left_out["rows"]) else "")
        put(line("left_out", lang, count=left_out["count"], rows=rows))
    if receipt["other_sheets"]:
        put(line("other_sheets", lang, sheet=receipt["sheet"], others=", ".join(receipt["other_sheets"])))
    if receipt["derived_case_numbers"]:
        put(line("derived", lang, count=receipt["derived_case_numbers"]))
    # Of a strict list that failed in its trial the receipt counts errors only. From afar only those are asked for.
    refused = receipt["state"] == "failed" and not receipt["dry_run"] and outcomes.total() > receipt["settled"]
    counted = outcomes if refused else receipt["counts"]
    counts = ", ".join(line(OUTCOMES.get(key, key.value), lang, count=counted[key]) for key in ImportOutcome)
    what = "would_have_become" if refused else "would_become" if receipt["dry_run"] else "became"
    put(line(what, lang, told=sum(counted.values()), count=receipt["rows"], counts=counts))
    if refused:
        put(line("nothing_filed", lang))
    elif receipt["releases"] or receipt["held"]:
        about = {name: line(name, lang, count=receipt[name]) for name in ("releases", "held")}
        put(line("about", lang, **about))
        _print_changes(receipt, lang)
    if receipt["first_revision"] and not receipt["dry_run"]:
        first, last = receipt["first_revision"], receipt["last_revision"]
        put(line("revisions", lang, first=first, last=last, digest=receipt["digest"]))
    if receipt["dry_run"] and receipt["state"] == "done":
        put(line("nothing_stored", lang))


def _print_changes(receipt: Receipt, lang: Language) -> None:
    """What is taken back and added, and how many of the held count as held."""
    for change in ("lost", "gained"):
        told = [f"{line(kind, lang)} {number}" for kind, number in receipt[change].items() if number]
        if told:
            put(line(change, lang, told=", ".join(told)))
    if receipt["held"]:
        people = line("people", lang, count=receipt["held"])
        put(line("held_counted", lang, count=receipt["held_counted"], people=people))
    if receipt["held_not_counted"]:
        reasons = ", ".join(line(why, lang, count=number) for why, number in receipt["held_not_counted"].items())
        put(line("held_not_counted", lang, reasons=reasons))


def put(text: str) -> None:
    sys.stdout.write(text + "\n")


# Rows read at a time for printing.
PAGE = 1_000
PLACE = "detention.facility"
GOES_ON = "What is in stays in: run the same command again, and it goes on where it stopped."


@dataclass(frozen=True)
class Telling:
    """How what became of a list is told."""

    lang: Language
    as_json: bool


def mapping_of(path: Path | None) -> Mapping | None:
    """The mapping in a file, if one is given. Raises BadFile."""
    return None if path is None else Mapping.read(decoded(path.read_bytes()))


def at_column(error: RowError) -> str:
    """What is wrong with a row, at its column; a line of JSON has none."""
    column = f"column {error['column']}: " if error["column"] else ""
    return f"{column}{error['detail']}"


def reader_language() -> Language:
    """The language of whoever sits at this machine, where we have it (POSIX.1-2017, section 8.2)."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "es" if locale.lower().startswith("es") else "en"


def file_list(
    engine: Engine,
    secret: bytes,
    clock: Callable[[], datetime],
    names: Names,
    slug: str,
    path: Path,
    sent: Sent,
    told: Telling,
) -> str | None:
    """File a list and print what became of it; a line that says what is left to do, if anything is."""
    with _bar() as bar:
        task = bar.add_task("Trying" if sent.dry_run else "Filing", total=None)

        def tell(job: ListImport) -> None:
            bar.update(task, total=job.rows, completed=sum(json.loads(job.counts).values()))

        job = filing.file_list(engine, secret, clock, names, slug, path.read_bytes(), sent, tell)
    rows = _rows(engine, secret, job, told.lang)
    return _print(rows, receipts.shape(job, secret, told.lang), _Cells(path, sent), told)


def upload_list(
    to: str, key: str | None, slug: str | None, path: Path, sent: Sent, now: datetime, told: Telling
) -> str | None:
    """Send a list to a registry elsewhere and print what became of it; a line that says what is left to do."""
    if key is None:
        raise Stopped("Set RECUENTO_KEY, or RECUENTO_KEY_FILE, to the key that your registry gave you.")
    with _bar() as bar:
        watch = _Watch(bar, "Trying" if sent.dry_run else "Sending")
        try:
            with Line(to, key, watch.say, told.lang) as sender:
                receipt, rows = remote.file_list(
                    sender, _journals(), path, sent, now, watch, source=slug, every=told.as_json
                )
        except BadFile as fault:
            raise BadFile(fault.code, problem(fault.shape(), told.lang)["detail"], fault.row) from None
        except Stopped as stopped:
            raise Stopped(f"{stopped} {GOES_ON}" if watch.begun else str(stopped)) from None
        except KeyboardInterrupt:
            return f"Stopped. {GOES_ON}"
    return _print(rows, receipt, _Cells(path, sent), told)


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


class _Cells:
    """What stands in the cells of the list, read once more where something is wrong with them: a registry keeps no
    names."""

    def __init__(self, path: Path, sent: Sent) -> None:
        self._path, self._mapping = path, sent.mapping

    def of(self, wanted: set[int]) -> dict[int, list[str]]:
        if not wanted:
            return {}
        with suppress(BadFile, OSError):
            opened = open_list(self._path.read_bytes(), self._mapping)
            rows = () if opened.cells is None else opened.cells()
            return {row.number: row.texts for row in rows if row.number in wanted}
        return {}

    def places_of(self, wanted: set[int], columns: list[ImportColumn]) -> dict[int, str]:
        """What rows call the place where somebody is held: in a column, or in the mapping for every row."""
        place = next((place_of(column["column"]) for column in columns if PLACE in column["fields"]), None)
        same = self._mapping.constants.get(PLACE) if self._mapping else None
        if place is None:
            return dict.fromkeys(wanted, same) if same else {}
        return {row: texts[place].strip()[:MOST_SHOWN] for row, texts in self.of(wanted).items() if place < len(texts)}


def _print(rows: Iterable[ImportRowShape], receipt: Receipt, cells: _Cells, told: Telling) -> str | None:
    outcomes, groups, values = _print_rows(rows, told)
    texts = cells.of(groups.rows())

    def value_of(row: int, column: str) -> str | None:
        place, cell_texts = place_of(column), texts.get(row, [])
        return values.get((row, column)) or (
            cell_texts[place].strip()[:MOST_SHOWN] if place < len(cell_texts) else None
        )

    grouped = group_shapes(groups.kept(), receipt["columns"], value_of)
    _name_places(receipt, cells)
    if told.as_json:
        put(json.dumps({**receipt, "groups": grouped}, ensure_ascii=False, default=str))
    else:
        print_groups(grouped, told.lang)
        print_receipt(receipt, outcomes, told.lang)
    return _left_to_do(receipt, told.lang)


def _name_places(receipt: Receipt, cells: _Cells) -> None:
    """Say of the rows that name a place which nobody has registered what they call it: a registry keeps no names."""
    examples = [example for warning in receipt["warnings"] for example in warning["examples"]]
    named = cells.places_of({example["row"] for example in examples}, receipt["columns"])
    for example in examples:
        example["value"] = named.get(example["row"])


def _left_to_do(receipt: Receipt, lang: Language) -> str | None:
    if receipt["problem"]:
        return str(receipt["problem"]["detail"])
    if receipt["questions"]:
        questions = " ".join(question["detail"] for question in receipt["questions"])
        filed = line("nothing_more_filed" if receipt["last_revision"] else "nothing_filed", lang)
        return f"{filed} {questions}{' (--confirm)' if confirmed(receipt['questions']) else ''}"
    if receipt["state"] != "done":
        return line("somebody_else", lang)
    wrong = receipt["counts"][ImportOutcome.ERROR]
    return line("wrong_rows", lang, count=wrong) if wrong else None


def _rows(engine: Engine, secret: bytes, job: ListImport, lang: Language) -> Iterator[ImportRowShape]:
    after = 0
    while True:
        with reading(engine) as session:
            rows = receipts.rows_of(session, secret, job.id, after, PAGE, lang=lang)
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["row"]


def _print_rows(
    rows: Iterable[ImportRowShape], told: Telling
) -> tuple[Counter[str], Groups, dict[tuple[int, str | None], str | None]]:
    """Print the rows that a curator looks at, for machines all of them. How many of all had which outcome, and what is
    wrong with rows, with what stands in their cells."""
    outcomes: Counter[str] = Counter()
    groups = Groups()
    values: dict[tuple[int, str | None], str | None] = {}
    for row in rows:
        outcomes[row["outcome"]] += 1
        groups.add(row["row"], row["errors"])
        if row["row"] in groups.rows():
            values |= {(row["row"], error["column"]): error.get("value") for error in row["errors"]}
        if told.as_json:
            put(json.dumps(row, ensure_ascii=False, default=str))
        elif row["outcome"] == ImportOutcome.NEEDS_REVIEW:
            put(line("row", told.lang, row=row["row"], outcome=line("needs_review", told.lang)))
    return outcomes, groups, values


commands = typer.Typer()


@commands.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(exists=True, help="CSV, XLSX, ODS or JSON Lines; or the folder of a copy.")],
    source: Annotated[str | None, typer.Option(help="Slug of the source whose list it is; a copy has its own.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="Send it to the registry at this address, with the key in RECUENTO_KEY or RECUENTO_KEY_FILE."
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help=of_parameter("send_list", "mapping"))
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=of_parameter("send_list", "dry_run"))] = False,
    strict: Annotated[bool, typer.Option("--strict", help=of_parameter("send_list", "strict"))] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help=of_parameter("send_list", "confirm"))] = False,
    lang: Annotated[Language | None, typer.Option(help="en or es; by default this machine's.")] = None,
    as_json: AsJson = False,
) -> None:
    """File a list as a source's reports: here as --source, or --to a registry elsewhere, over whatever line there is.

    Killed and run again, it goes on where it stopped.
    """
    settings = Settings()
    if file.is_dir():
        if source or to or mapping or dry_run or strict or confirm:
            raise typer.BadParameter("a copy is read whole, into an empty registry here: leave the other options out")
        with opened(settings) as session:
            export.read_copy(WriteContext(session, Reader(Role.ADMIN), now(), settings.secret_key()), file)
        return
    sent = stored.Sent(dry_run, strict, confirm, mapping_of(mapping))
    told = Telling(lang or reader_language(), as_json)
    if to is not None:
        left = upload_list(to, settings.sending_key(), source, file, sent, now(), told)
        if left is not None:
            fail(left)
        return
    if source is None:
        raise typer.BadParameter("say whose list it is with --source, or send it --to a registry")
    with opened(settings):
        pass  # migrated, and the secret known to be the right one
    with database(settings) as engine:
        left = file_list(engine, settings.secret_key(), now, settings.names, source, file, sent, told)
    if left is not None:
        fail(left)
