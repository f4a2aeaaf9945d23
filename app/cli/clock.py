"""`recuento clock`: what the clocks say, and how to go on after one was wrong."""

from typing import Annotated

import typer

from app.cli.database import opened
from app.cli.output import now
from app.config import Settings
from app.dates import format_instant
from app.db.engine import clock_of
from app.log.entries import head, lock_head, pin_clock

commands = typer.Typer()


@commands.command()
def clock(
    pin: Annotated[
        bool, typer.Option("--pin", help="This machine's clock is right, and the last entry was dated ahead of it.")
    ] = False,
) -> None:
    """Say what this machine's clock, the database's and the last entry say. With --pin go on after an entry that was
    dated ahead: what follows is dated just after it, until the clock has come that far."""
    with opened(Settings(), finishing=False) as session:
        lock_head(session)
        lines = [f"This machine: {format_instant(now())}"]
        database = clock_of(session.connection())
        lines += [f"The database: {format_instant(database)}"] if database else []
        revision, last = head(session)
        lines += [f"The last entry: {format_instant(last)}"] if revision else []
        if pin:
            lines.append(f"What follows is dated after {format_instant(pin_clock(session))} until the clock is there.")
    print("\n".join(lines))  # noqa: T201 - this is the output
