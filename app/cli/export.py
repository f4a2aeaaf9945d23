"""`recuento export`: public releases, entities, a whole copy, or one source's own reports. A copy is read back here.

`recuento files`: everything that public counts read, as files that anyone can take home and count from."""

import sys
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from sqlmodel import Session

from app.cli.database import database, opened
from app.cli.http_protocol import options
from app.cli.output import console, fail
from app.config import Settings
from app.db.engine import reading
from app.demo import plan
from app.exports import exports, package
from app.exports.count_files.files import Licence
from app.exports.count_files.folders import Unwritten, require_apart
from app.exports.count_files.write import Wanted, write_count_files
from app.imports.faults import BadFile
from app.log.entries import head
from app.log.head import is_demo
from app.log.mark import UnreadableMark
from app.queries.parameters import Form
from app.reader import create_reader
from app.registry.publication.permissions import Reader, reporter_by_slug
from app.registry.write import WriteContext
from app.server_log import CONFIGURATION


class ExportForm(StrEnum):
    """The forms of an export."""

    CSV = Form.CSV.value
    JSONL = Form.JSONL.value
    FTM = "ftm"


commands = typer.Typer()


@commands.command()
def export(
    form: Annotated[
        ExportForm, typer.Option("--format", help="csv, jsonl or ftm (FollowTheMoney).")
    ] = ExportForm.JSONL,
    source: Annotated[str | None, typer.Option(help="Slug of a source: its own reports, whole.")] = None,
    to: Annotated[Path | None, typer.Option(file_okay=False, help="A new folder for all that is public.")] = None,
    as_of: Annotated[int | None, typer.Option(min=0, help="A revision; default the newest.")] = None,
) -> None:
    """Write all public releases to stdout, everything public into a folder, or a source's own reports to stdout."""
    left, settings = None, Settings()
    anyone = Reader(names=settings.names)
    with opened(settings):
        pass  # migrated, and its rows known to be of today's rules
    with database(settings) as engine, reading(engine) as session:
        newest = head(session)[0]
        if as_of is not None and as_of > newest:
            fail(f"The registry is at revision {newest}: ask for that or an earlier one.")
        revision = newest if as_of is None else as_of
        if to is not None and source is not None:
            fail("A folder holds what is public: leave out --to for a source's own reports.")
        if to is not None:
            copy(session, to, anyone, revision)
        elif source is not None:
            left = of_source(session, reporter_by_slug(session, source, settings.names), form, revision)
        else:
            public(session, form, anyone, revision)
    if left is not None:
        fail(left)


def copy(session: Session, folder: Path, reader: Reader, revision: int) -> None:
    """Write a copy into a folder that is new or empty. Raises BadFile."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadFile("not_empty", "There is something in this folder: name a new one for the copy.")
    described = package.write(session, folder, reader, revision)
    withheld = described["recuento"]["withheld"]["releases"]
    _tell(f"Revision {revision} in {folder}. In no table, as in no list: the people behind {withheld} releases.")


def read_copy(context: WriteContext, folder: Path) -> None:
    """Read a copy back, and say for whom it speaks. Raises BadFile, Conflict."""
    copy = package.read(context, folder)
    named = [f"{slug} ({'' if alone else 'not '}independent)" for slug, alone in copy.sources.items()]
    _tell(f"It speaks for {', '.join(named) or 'nobody'}: read a copy only from whom you trust.")
    _tell(f"Filed {copy.reports} reports of a copy.")


def public(session: Session, form: ExportForm, reader: Reader, revision: int) -> None:
    """Write everything public of releases, or of people with names, to stdout."""
    if form is not ExportForm.FTM:
        _write(exports.releases(session, Form(form.value), reader, revision))
        return
    told: Counter[str] = Counter()
    _write(exports.entities(session, reader, revision, told))
    _tell(f"Left out: {told['nameless']} people who are listed without a name.")


def of_source(session: Session, source: Reader, form: ExportForm, revision: int) -> str | None:
    """Write a source's own reports to stdout; a line that says what the form could not carry, if anything."""
    if form is ExportForm.FTM:
        return "A source's own reports are written as jsonl or csv."
    told = exports.Losses()
    _write(exports.reports(session, source, Form(form.value), revision, told))
    if told.pointing:
        _tell(f"{told.pointing} reports only point at somebody whom others report: no other registry can read those.")
    if not told.lost:
        return None
    lost = ", ".join(f"{name} ({number})" for name, number in sorted(told.lost.items()))
    return f"Cells cannot carry all of it: {lost}. Imported again, this file would take that back: use --format jsonl."


def _write(texts: Iterable[str]) -> None:
    for text in texts:
        sys.stdout.write(text)


def _tell(line: str) -> None:
    Console(stderr=True).print(line, soft_wrap=True, highlight=False)


# Folders that are kept at least: whoever reads or copies the newest goes on with it while the next is written.
FEWEST_KEPT = 2
file_commands = typer.Typer(
    help="Count files: everything that public counts read, for whoever counts elsewhere.", no_args_is_help=True
)
commands.add_typer(file_commands, name="files")

Folder = Annotated[Path, typer.Argument(file_okay=False, help="The folder of all count files.")]
Personal = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Another folder, for what counts of personal dimensions read beside: for readers whom you trust with it.",
    ),
]


@file_commands.command("write")
def write_files(
    folder: Folder,
    licence: Annotated[Licence, typer.Option(help="Under which licence everybody may use them (SPDX).")],
    personal: Personal = None,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on: look every so many seconds whether there is something new.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=FEWEST_KEPT, help="Delete the oldest folders, so that so many revisions stay. Without it all stay."
        ),
    ] = None,
) -> None:
    """Write the count files of the newest revision into a folder of their own under FOLDER.

    What stands there already is not written again."""
    settings = Settings()
    with opened(settings) as session:
        demo = is_demo(session)
    zone = settings.zone or (plan.ZONE if demo else "UTC")
    public_url = settings.public_url or (settings.address() if demo else "")
    wanted = Wanted(folder, licence, public_url, zone, settings.names, personal, keep)
    with database(settings, finishing=False) as engine:
        before = None
        while True:
            try:
                done = write_count_files(engine, wanted)
                if done != before:
                    console.print(f"Count files of revision {done.name} in {done}", soft_wrap=True)
                before = done
            except (Unwritten, UnreadableMark) as error:  # a disk that is full may have room later
                if every is None:
                    raise
                console.print(str(error), soft_wrap=True, markup=False)
            if every is None:
                return
            sleep(every)


@file_commands.command("serve")
def serve_files(
    folder: Folder,
    personal: Personal = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [RECUENTO_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [RECUENTO_PORT].")] = None,
) -> None:
    """Answer every public count from count files, without a database; newer files in FOLDER are taken up."""
    given: dict[str, Any] = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    settings = Settings(**given)
    if personal is not None:
        require_apart(folder, personal)
    app = create_reader(folder, settings, personal)
    console.print(f"Recuento counts from files at {settings.address()} (stop with Ctrl-C)", soft_wrap=True)
    uvicorn.run(
        app,
        **options(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        log_config=CONFIGURATION,
    )
