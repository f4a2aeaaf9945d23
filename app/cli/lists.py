"""`recuento import`: a list as a source's reports, here or over a line; or a copy into an empty registry."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import export, importing
from app.cli.database import database, opened
from app.cli.output import AsJson, fail, now
from app.config import Settings
from app.descriptions import of_parameter
from app.imports import stored
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Language, Role

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
    sent = stored.Sent(dry_run, strict, confirm, importing.mapping_of(mapping))
    told = importing.Telling(lang or importing.reader_language(), as_json)
    if to is not None:
        left = importing.send_list(to, settings.sending_key(), source, file, sent, now(), told)
        if left is not None:
            fail(left)
        return
    if source is None:
        raise typer.BadParameter("say whose list it is with --source, or send it --to a registry")
    with opened(settings):
        pass  # migrated, and the secret known to be the right one
    with database(settings) as engine:
        left = importing.import_list(engine, settings.secret_key(), now, settings.names, source, file, sent, told)
    if left is not None:
        fail(left)
