"""`recuento key`: who may write, and who sees restricted fields."""

from typing import Annotated

import typer
from sqlalchemy import select
from sqlmodel import col

from app.cli.database import opened
from app.cli.output import AsJson, console, now, show
from app.config import Settings
from app.models import ApiKey, Source
from app.registry import api_keys
from app.vocabulary import Role

commands = typer.Typer()
key_commands = typer.Typer(help="Keys: who may write, and who sees restricted fields.", no_args_is_help=True)
commands.add_typer(key_commands, name="key")


@key_commands.command("create")
def create_key(
    source: Annotated[str | None, typer.Argument(help="Slug of the source; a reporter's key needs one.")] = None,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.REPORTER,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 365,
) -> None:
    """Make a key and print it, alone on stdout. It cannot be shown again."""
    with opened(Settings()) as session:
        key = api_keys.create(session, role, source, days, now())
    print(key)  # noqa: T201 - this is the output


@key_commands.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys: never their secrets."""
    with opened(Settings()) as session:
        slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
        rows = session.scalars(select(ApiKey).order_by(col(ApiKey.created_at))).all()
        made = [
            {
                "id": key.id,
                "role": key.role,
                "source": slugs.get(key.source) if key.source is not None else None,
                "expires_at": key.expires_at.isoformat(),
                "revoked": key.revoked_at is not None,
            }
            for key in rows
        ]
    show(made, as_json=as_json)


@key_commands.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The eight characters after rcn_.")]) -> None:
    """End a key at once."""
    with opened(Settings()) as session:
        api_keys.revoke(session, key_id, now())
    console.print(f"Revoked {key_id}.")
