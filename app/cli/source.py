"""`recuento source`: who reports and who claims."""

from typing import Annotated

import typer
from sqlalchemy import select
from sqlmodel import col

from app.cli.database import opened
from app.cli.output import AsJson, console, now, show
from app.config import Settings
from app.descriptions import of_field
from app.log.entries import lock_head
from app.models import OPEN, Source
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn
from app.vocabulary import Role, SourceKind

commands = typer.Typer()
source_commands = typer.Typer(help="Sources: who reports and who claims.", no_args_is_help=True)
commands.add_typer(source_commands, name="source")


@source_commands.command("add")
def add_source(
    slug: str,
    name: Annotated[str, typer.Option(help=of_field("SourceIn", "name"))],
    kind: Annotated[SourceKind, typer.Option(help=of_field("SourceIn", "kind"))],
    country: Annotated[str | None, typer.Option(help=of_field("SourceIn", "country"))] = None,
    independent: Annotated[bool | None, typer.Option(help=of_field("SourceIn", "independent"))] = None,
    definition: Annotated[str | None, typer.Option(help=of_field("SourceIn", "definition"))] = None,
    quarantined: Annotated[bool, typer.Option("--quarantined", help=of_field("SourceIn", "quarantined"))] = False,
) -> None:
    """Add a source."""
    settings = Settings()
    body = SourceIn(
        slug=slug,
        name=name,
        kind=kind,
        country=country,
        independent=independent,
        quarantined=quarantined,
        definition=definition,
    )
    with opened(settings) as session:
        lock_head(session)  # as for every entry, the clock is read in its turn
        context = WriteContext(session, Reader(Role.ADMIN), now(), settings.secret_key())
        outcome = directory.add_source(context, body)
    console.print(f"Added {slug} at revision {outcome.revision}.")


@source_commands.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources."""
    with opened(Settings()) as session:
        rows = session.scalars(select(Source).where(col(Source.until) == OPEN).order_by(col(Source.slug))).all()
        columns = ("slug", "name", "kind", "independent", "quarantined")
        sources = [{column: getattr(row, column) for column in columns} for row in rows]
    show(sources, as_json=as_json)
