"""`recuento files`: everything that public counts read, as files that anyone can take home and count from."""

from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
import uvicorn

from app.cli.database import database, opened
from app.cli.http_protocol import options
from app.cli.output import console
from app.config import Settings
from app.demo import plan
from app.exports.count_files.files import Licence
from app.exports.count_files.folders import Unwritten, require_apart
from app.exports.count_files.write import Wanted, write_count_files
from app.log.head import is_demo
from app.log.mark import UnreadableMark
from app.reader import create_reader
from app.server_log import CONFIGURATION

# Folders that are kept at least: whoever reads or copies the newest goes on with it while the next is written.
FEWEST_KEPT = 2

commands = typer.Typer()
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
