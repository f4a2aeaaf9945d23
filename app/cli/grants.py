"""`recuento grants`: what the role that serves a PostgreSQL database may do."""

from typing import Annotated

import typer

from app.cli.output import fail
from app.db.guards import grants
from app.models import metadata

commands = typer.Typer()


@commands.command("grants")
def print_grants(role: Annotated[str, typer.Argument(help="The role of PostgreSQL that will serve.")]) -> None:
    """Print the SQL that lets a role serve a PostgreSQL database without being able to rewrite its log."""
    try:
        statements = grants(role, metadata.tables)
    except ValueError as error:
        fail(str(error))
    for statement in statements:
        print(f"{statement};")  # noqa: T201 - this is the output
