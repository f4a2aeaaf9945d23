"""`recuento import`: file a list here or send it to a remote registry, and print the receipt; or import a public
copy."""

import json
import os
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

from app.cli import export, list_undo
from app.cli.database import open_database, open_session
from app.cli.list_answers import (
    ask_questions,
    find_answers_file,
    is_interactive,
    load_answers,
    write_answers,
)
from app.cli.list_receipt import print_groups, print_line, print_receipt
from app.cli.output import AsJson, detect_language, exit_with_error, utc_now
from app.config import Names, Settings
from app.db.engine import open_read_session
from app.descriptions import describe_parameter_option
from app.imports.fault_groups import FaultGroups, build_group_shapes
from app.imports.faults import BadFile, format_line, is_answered_by_confirming, parse_column_letters, translate_problem
from app.imports.filing import import_store, receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from app.imports.filing.receipts import Receipt
from app.imports.reader.list_reader import open_list
from app.imports.reader.rows import MAX_SHOWN_CHARACTERS
from app.imports.upload import remote
from app.imports.upload.client import PermanentError, RegistryClient
from app.models import ListImport
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.imports import ImportColumn, ImportRowShape, RowError
from app.vocabulary import ImportOutcome, Language, Role

PRINT_PAGE_ROWS = 1_000
FACILITY_FIELD = "detention.facility"
RESUME_HINT = "What is in stays in: run the same command again, and it goes on where it stopped."


@dataclass(frozen=True)
class OutputOptions:
    """How the result of a list is printed."""

    lang: Language
    as_json: bool


def format_row_error(error: RowError) -> str:
    """Format an error of a row with its column; a line of JSON has none."""
    column = f"column {error['column']}: " if error["column"] else ""
    return f"{column}{error['detail']}"


def import_list_locally(
    engine: Engine,
    secret: bytes,
    clock: Callable[[], datetime],
    names: Names,
    slug: str,
    path: Path,
    import_options: ImportOptions,
    output_options: OutputOptions,
) -> tuple[Receipt, str | None]:
    """File a list and print the result; return the receipt, and a message about what is left to do, if anything."""
    with _build_progress_bar() as bar:
        task = bar.add_task("Trying" if import_options.dry_run else "Filing", total=None)

        def show_progress(job: ListImport) -> None:
            bar.update(task, total=job.rows, completed=sum(json.loads(job.counts).values()))

        job = row_filing.file_local_list(
            engine, secret, clock, names, slug, path.read_bytes(), import_options, show_progress
        )
    rows = _read_rows(engine, secret, job, output_options.lang)
    receipt = receipts.build_receipt(job, secret, output_options.lang)
    return receipt, _print_result(rows, receipt, _ListCells(path, import_options), output_options)


def upload_list(
    registry_url: str,
    key: str | None,
    slug: str | None,
    path: Path,
    import_options: ImportOptions,
    now: datetime,
    output_options: OutputOptions,
) -> tuple[Receipt | None, str | None]:
    """Send a list to a remote registry and print the result; return the receipt, and a message about what is left to
    do."""
    if key is None:
        raise PermanentError("Set RECUENTO_KEY, or RECUENTO_KEY_FILE, to the key that your registry gave you.")
    with _build_progress_bar() as bar:
        progress = _UploadProgress(bar, "Trying" if import_options.dry_run else "Sending")
        try:
            with RegistryClient(registry_url, key, progress.show_status, output_options.lang) as client:
                receipt, rows = remote.file_remote_list(
                    client,
                    _find_journal_folder(),
                    path,
                    import_options,
                    now,
                    progress,
                    source=slug,
                    all_rows=output_options.as_json,
                )
        except BadFile as fault:
            raise BadFile(
                fault.code, translate_problem(fault.shape(), output_options.lang)["detail"], fault.row
            ) from None
        except PermanentError as error:
            raise PermanentError(f"{error} {RESUME_HINT}" if progress.has_begun else str(error)) from None
        except KeyboardInterrupt:
            return None, f"Stopped. {RESUME_HINT}"
    return receipt, _print_result(rows, receipt, _ListCells(path, import_options), output_options)


def _find_journal_folder() -> Path:
    """Return the folder for state that must outlast a restart (XDG Base Directory Specification)."""
    state_home = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state_home if state_home.is_absolute() else Path.home() / ".local" / "state") / "recuento" / "uploads"


def _build_progress_bar() -> Progress:
    console = Console(stderr=True)
    bar_columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*bar_columns, console=console, transient=True, disable=not console.is_terminal)


class _UploadProgress:
    """Shows the progress of an upload and the state of the line: in a progress bar, or in lines if stderr is no
    terminal."""

    def __init__(self, bar: Progress, description: str) -> None:
        self._bar, self._description = bar, description
        self._task = bar.add_task(description, total=None)
        self.has_begun = False

    def show_status(self, text: str) -> None:
        if self._bar.disable:
            self._bar.console.print(text, soft_wrap=True)
        else:
            self._bar.update(self._task, description=text)

    def show_progress(self, settled_rows: int, rows: int) -> None:
        self.has_begun = True
        self._bar.update(self._task, description=self._description, completed=settled_rows, total=rows)


class _ListCells:
    """The cells of the list, read again to show the faulty ones: a registry stores no names."""

    def __init__(self, path: Path, import_options: ImportOptions) -> None:
        self._path, self._mapping = path, import_options.mapping

    def read_rows(self, row_numbers: set[int]) -> dict[int, list[str]]:
        if not row_numbers:
            return {}
        with suppress(BadFile, OSError):
            opened_list = open_list(self._path.read_bytes(), self._mapping)
            rows = () if opened_list.cells is None else opened_list.cells()
            return {row.number: row.texts for row in rows if row.number in row_numbers}
        return {}

    def find_place_names(self, row_numbers: set[int], columns: list[ImportColumn]) -> dict[int, str]:
        """Return the place of custody that rows name, in a column or by the mapping's constant."""
        column_index = next(
            (parse_column_letters(column["column"]) for column in columns if FACILITY_FIELD in column["fields"]), None
        )
        constant_place = self._mapping.constants.get(FACILITY_FIELD) if self._mapping else None
        if column_index is None:
            return dict.fromkeys(row_numbers, constant_place) if constant_place else {}
        return {
            row: texts[column_index].strip()[:MAX_SHOWN_CHARACTERS]
            for row, texts in self.read_rows(row_numbers).items()
            if column_index < len(texts)
        }


def _print_result(
    rows: Iterable[ImportRowShape], receipt: Receipt, cells: _ListCells, output_options: OutputOptions
) -> str | None:
    outcomes, groups, values = _print_rows(rows, output_options)
    texts = cells.read_rows(groups.list_example_rows())

    def find_cell_value(row: int, column: str) -> str | None:
        column_index, cell_texts = parse_column_letters(column), texts.get(row, [])
        return values.get((row, column)) or (
            cell_texts[column_index].strip()[:MAX_SHOWN_CHARACTERS] if column_index < len(cell_texts) else None
        )

    printed_groups = build_group_shapes(groups.to_stored(), receipt["columns"], find_cell_value)
    _fill_place_names(receipt, cells)
    if output_options.as_json:
        print_line(json.dumps({**receipt, "groups": printed_groups}, ensure_ascii=False, default=str))
    else:
        print_groups(printed_groups, receipt["sheet_names"], output_options.lang)
        print_receipt(receipt, outcomes, output_options.lang)
    return _describe_remaining_work(receipt, output_options.lang)


def _fill_place_names(receipt: Receipt, cells: _ListCells) -> None:
    """Add to rows with an unregistered place the name that they use: a registry stores no names."""
    examples = [example for warning in receipt["warnings"] for example in warning["examples"]]
    place_names = cells.find_place_names({example["row"] for example in examples}, receipt["columns"])
    for example in examples:
        example["value"] = place_names.get(example["row"])


def _describe_remaining_work(receipt: Receipt, lang: Language) -> str | None:
    if receipt["problem"]:
        return str(receipt["problem"]["detail"])
    if receipt["questions"]:
        questions = " ".join(question["detail"] for question in receipt["questions"])
        filed_sentence = format_line("nothing_more_filed" if receipt["last_revision"] else "nothing_filed", lang)
        return (
            f"{filed_sentence} {questions}{' (--confirm)' if is_answered_by_confirming(receipt['questions']) else ''}"
        )
    if receipt["state"] != "done":
        return format_line("somebody_else", lang)
    wrong_rows = receipt["counts"][ImportOutcome.ERROR]
    return format_line("wrong_rows", lang, count=wrong_rows) if wrong_rows else None


def _read_rows(engine: Engine, secret: bytes, job: ListImport, lang: Language) -> Iterator[ImportRowShape]:
    after_row = 0
    while True:
        with open_read_session(engine) as session:
            rows = receipts.list_row_outcomes(session, secret, job, after_row, PRINT_PAGE_ROWS, lang=lang)
        yield from rows
        if len(rows) < PRINT_PAGE_ROWS:
            return
        after_row = rows[-1]["row"]


def _format_row(row: ImportRowShape) -> str:
    """Return a row with the name in its report: "Detenidos!14 (Juana Paz)"."""
    label = row["label"] or str(row["row"])
    return f"{label} ({row['name']})" if row["name"] else label


def _print_rows(
    rows: Iterable[ImportRowShape], output_options: OutputOptions
) -> tuple[Counter[str], FaultGroups, dict[tuple[int, str | None], str | None]]:
    """Print the rows for a curator, or all rows as JSON.

    Returns the number of rows by outcome, the errors by kind, and the values of the faulty cells.
    """
    lang, outcomes, groups = output_options.lang, Counter[str](), FaultGroups()
    values: dict[tuple[int, str | None], str | None] = {}
    for row in rows:
        outcomes[row["outcome"]] += 1
        groups.add(row["row"], row["errors"])
        if row["row"] in groups.list_example_rows():
            values |= {(row["row"], error["column"]): error.get("value") for error in row["errors"]}
        if output_options.as_json:
            print_line(json.dumps(row, ensure_ascii=False, default=str))
        elif row["outcome"] == ImportOutcome.NEEDS_REVIEW:
            outcome = format_line("needs_review", lang)
            print_line(format_line("row", lang, row=_format_row(row), outcome=outcome))
    return outcomes, groups, values


commands = typer.Typer()


@commands.command("import", cls=list_undo.ImportCommand)
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
        Path | None, typer.Option(exists=True, dir_okay=False, help=describe_parameter_option("send_list", "mapping"))
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=describe_parameter_option("send_list", "dry_run"))] = False,
    strict: Annotated[bool, typer.Option("--strict", help=describe_parameter_option("send_list", "strict"))] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help=describe_parameter_option("send_list", "confirm"))] = False,
    lang: Annotated[Language | None, typer.Option(help="en or es; by default this machine's.")] = None,
    as_json: AsJson = False,
) -> None:
    """File a list as a source's reports: here as --source, or --to a registry elsewhere, over whatever line there is.

    Killed and run again, it goes on where it stopped. `recuento import undo ID` undoes a list.
    """
    settings = Settings()
    if file.is_dir():
        if source or to or mapping or dry_run or strict or confirm:
            raise typer.BadParameter("a copy is read whole, into an empty registry here: leave the other options out")
        with open_session(settings) as session:
            export.import_public_copy(WriteContext(session, Reader(Role.ADMIN), utc_now(), settings.secret_key()), file)
        return
    output_options = OutputOptions(lang or detect_language(), as_json)
    if to is None and source is None:
        raise typer.BadParameter("say whose list it is with --source, or send it --to a registry")
    if mapping is None and find_answers_file(file).exists():
        mapping = find_answers_file(file)

    def send(answers_file: Path | None) -> tuple[Receipt | None, str | None]:
        import_options = import_store.ImportOptions(dry_run, strict, confirm, load_answers(answers_file))
        if to is not None:
            return upload_list(to, settings.sending_key(), source, file, import_options, utc_now(), output_options)
        assert source is not None
        with open_session(settings):
            pass  # migrates the database, and checks the secret
        with open_database(settings) as engine:
            return import_list_locally(
                engine, settings.secret_key(), utc_now, settings.names, source, file, import_options, output_options
            )

    receipt, remaining_work = send(mapping)
    prompted_places: set[str] = set()
    while receipt and is_interactive() and not as_json:
        questions = [question for question in receipt["questions"] if question["place"] not in {None, *prompted_places}]
        if not questions:
            break
        prompted_places |= {str(question["place"]) for question in questions}
        mapping = write_answers(file, mapping, ask_questions(questions, output_options.lang), output_options.lang)
        receipt, remaining_work = send(mapping)
    if remaining_work is not None:
        exit_with_error(remaining_work)
