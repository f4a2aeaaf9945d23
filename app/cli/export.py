"""`recuento export` and `recuento files`: write public data, a source's own reports, or count files; serve count
files."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from sqlmodel import Session

from app.cli.database import open_database, open_session
from app.cli.http_protocol import build_uvicorn_options
from app.cli.output import console, exit_with_error
from app.cli.rule_change import build_write_options
from app.config import Settings
from app.db.engine import open_read_session
from app.exports import lists, package, sidecar
from app.exports.count_files.files import Licence
from app.exports.count_files.folders import CountFilesNotWritten, require_separate_folders
from app.exports.count_files.write import write_count_files
from app.imports.faults import BadFile
from app.log.entries import read_head
from app.log.mark import UnreadableMark
from app.moments import format_revision, parse_revision
from app.queries.parameters import TABLE_MEDIA_TYPES, TableFormat
from app.reader import create_reader
from app.registry.publication.permissions import Reader, load_reporter_by_slug
from app.registry.write import WriteContext
from app.server_log import CONFIGURATION
from app.tables import BYTE_ORDER_MARK


class ExportForm(StrEnum):
    """The forms of an export."""

    CSV = TableFormat.CSV.value
    EXCEL_CSV = TableFormat.EXCEL_CSV.value
    JSONL = TableFormat.JSONL.value
    FTM = "ftm"


EXPORT_MEDIA_TYPES = {**TABLE_MEDIA_TYPES, ExportForm.FTM: TABLE_MEDIA_TYPES[TableFormat.JSONL]}

commands = typer.Typer()


@commands.command()
def export(
    form: Annotated[
        ExportForm,
        typer.Option("--format", help="csv, excel.csv (with a byte order mark), jsonl or ftm (FollowTheMoney)."),
    ] = ExportForm.JSONL,
    source: Annotated[str | None, typer.Option(help="Slug of a source: its own reports, whole.")] = None,
    to: Annotated[Path | None, typer.Option(file_okay=False, help="A new folder for all that is public.")] = None,
    as_of: Annotated[str | None, typer.Option(help="A revision, such as r812; default the newest.")] = None,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="A new file instead of stdout; FILE.json says what is in it.")
    ] = None,
) -> None:
    """Write all public releases, everything public into a folder, or a source's own reports."""
    failure, settings = None, Settings()
    public_reader = Reader(names=settings.names)
    with open_session(settings):
        pass  # migrates the database, and checks the rules of its rows
    with open_database(settings) as engine, open_read_session(engine) as session:
        newest = read_head(session)[0]
        revision = newest if as_of is None else parse_revision(as_of)
        if revision is None:
            exit_with_error("Write the revision as r812.")
        if revision > newest:
            exit_with_error(
                f"The registry is at revision {newest}: ask for {format_revision(newest)} or an earlier one."
            )
        if to is not None and source is not None:
            exit_with_error("A folder holds what is public: leave out --to for a source's own reports.")
        if to is not None and output is not None:
            exit_with_error("A folder has a description of its own: leave out --output.")
        target = _Target(session, form, revision, output)
        if to is not None:
            write_public_copy(session, to, public_reader, revision)
        elif source is not None:
            failure = write_source_export(target, load_reporter_by_slug(session, source, settings.names))
        else:
            write_public_export(target, public_reader)
    if failure is not None:
        exit_with_error(failure)


@dataclass(frozen=True)
class _Target:
    """Where an export is written: to stdout, or into a file with a description (`sidecar.py`)."""

    session: Session
    form: ExportForm
    revision: int
    file: Path | None

    def write(self, texts: Iterable[str], terms: Mapping[str, Any]) -> None:
        """Write the texts of an export. `terms`: what is exported. Raises BadFile."""
        marked_texts = chain([BYTE_ORDER_MARK], texts) if self.form is ExportForm.EXCEL_CSV else texts
        if self.file is None:
            sys.stdout.writelines(marked_texts)
            return
        description = sidecar.write_described_file(
            self.session, self.file, marked_texts, EXPORT_MEDIA_TYPES[self.form], self.revision, terms
        )
        _print_notice(f"Revision {self.revision} in {self.file}; {description} says of when and by which rules.")


def write_public_copy(session: Session, folder: Path, reader: Reader, revision: int) -> None:
    """Write a copy into a folder that is new or empty. Raises BadFile."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadFile("not_empty", "There is something in this folder: name a new one for the copy.")
    description = package.write_package(session, folder, reader, revision)
    withheld = description["recuento"]["withheld"]["releases"]
    _print_notice(
        f"Revision {revision} in {folder}. In no table, as in no list: the people behind {withheld} releases."
    )


def import_public_copy(context: WriteContext, folder: Path) -> None:
    """File the reports of a copy, and print its sources. Raises BadFile, Conflict."""
    filed_copy = package.file_public_copy(context, folder)
    source_labels = [
        f"{slug} ({'' if is_independent else 'not '}independent)" for slug, is_independent in filed_copy.sources.items()
    ]
    _print_notice(f"It speaks for {', '.join(source_labels) or 'nobody'}: read a copy only from whom you trust.")
    _print_notice(f"Filed {filed_copy.reports} reports of a copy.")


def write_public_export(target: _Target, reader: Reader) -> None:
    """Write all public releases, or all people with names."""
    session, form, revision = target.session, target.form, target.revision
    if form is not ExportForm.FTM:
        texts = lists.export_releases(session, TableFormat(form.value), reader, revision)
        target.write(texts, {"list": "releases", **lists.ALL_RELEASES})
        return
    losses: Counter[str] = Counter()
    target.write(lists.export_entities(session, reader, revision, losses), {"list": "entities"})
    _print_notice(f"Left out: {losses['nameless']} people who are listed without a name.")


def write_source_export(target: _Target, source: Reader) -> str | None:
    """Write a source's own reports; return a message about what the format cannot carry, if anything."""
    if target.form is ExportForm.FTM:
        return "A source's own reports are written as jsonl or csv."
    losses = lists.ExportLosses()
    form = TableFormat(target.form.value)
    texts = lists.export_own_reports(target.session, source, form, target.revision, losses)
    target.write(texts, {"list": "reports", "source": source.slug})
    if losses.dependent_reports:
        _print_notice(
            f"{losses.dependent_reports} reports only point at somebody whom others report: no other registry can read "
            "those."
        )
    if not losses.lost_values:
        return None
    lost_fields = ", ".join(f"{name} ({number})" for name, number in sorted(losses.lost_values.items()))
    return (
        f"Cells cannot carry all of it: {lost_fields}. Imported again, this file would take that back: use --format "
        "jsonl."
    )


def _print_notice(line: str) -> None:
    Console(stderr=True).print(line, soft_wrap=True, highlight=False)


# Readers of the newest folder keep using it while the next is written.
MIN_RETAINED_REVISIONS = 2
file_commands = typer.Typer(
    help="Count files: everything that public counts read, for whoever counts elsewhere.", no_args_is_help=True
)
commands.add_typer(file_commands, name="files")

FolderArgument = Annotated[Path, typer.Argument(file_okay=False, help="The folder of all count files.")]
PersonalOption = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Another folder, for what counts of personal dimensions read beside: for readers whom you trust with it.",
    ),
]


@file_commands.command("write")
def write_files(
    folder: FolderArgument,
    licence: Annotated[Licence, typer.Option(help="Under which licence everybody may use them (SPDX).")],
    personal: PersonalOption = None,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on: look every so many seconds whether there is something new.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=MIN_RETAINED_REVISIONS,
            help="Delete the oldest folders, so that so many revisions stay. Without it all stay.",
        ),
    ] = None,
) -> None:
    """Write the count files of the newest revision into a folder of their own under FOLDER.

    What stands there already is not written again."""
    settings = Settings()
    with open_session(settings) as session:
        write_request = build_write_options(session, settings, folder, licence, personal, keep)
    with open_database(settings, finish_erasures=False) as engine:
        previous_folder = None
        while True:
            try:
                written_folder = write_count_files(engine, write_request)
                if written_folder != previous_folder:
                    console.print(f"Count files of revision {written_folder.name} in {written_folder}", soft_wrap=True)
                previous_folder = written_folder
            except (CountFilesNotWritten, UnreadableMark) as error:  # a full disk may have room later
                if every is None:
                    raise
                console.print(str(error), soft_wrap=True, markup=False)
            if every is None:
                return
            sleep(every)


@file_commands.command("serve")
def serve_files(
    folder: FolderArgument,
    personal: PersonalOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [RECUENTO_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [RECUENTO_PORT].")] = None,
) -> None:
    """Answer every public count from count files, without a database; newer files in FOLDER are taken up."""
    overrides: dict[str, Any] = {
        name: value for name, value in {"host": host, "port": port}.items() if value is not None
    }
    settings = Settings(**overrides)
    if personal is not None:
        require_separate_folders(folder, personal)
    app = create_reader(folder, settings, personal)
    console.print(f"Recuento counts from files at {settings.address()} (stop with Ctrl-C)", soft_wrap=True)
    uvicorn.run(
        app,
        **build_uvicorn_options(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        log_config=CONFIGURATION,
    )
