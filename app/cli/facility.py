"""`recuento facility`: places of detention, one by one or from a list."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.database import opened
from app.cli.output import console, now
from app.config import Settings
from app.demo.people import FILE as OF_VENEZUELA
from app.descriptions import of_field
from app.errors import Problem
from app.exports import facilities
from app.imports.faults import BadFile
from app.log.entries import lock_head
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import FacilityIn
from app.vocabulary import FacilityKind, Role

commands = typer.Typer()
facility_commands = typer.Typer(help="Facilities: where people are held.", no_args_is_help=True)
commands.add_typer(facility_commands, name="facility")
# Lists that come with the program, by the name under which they can be asked for wherever it is installed.
SHIPPED = {"venezuela": OF_VENEZUELA}


@facility_commands.command("add")
def add_facility(
    slug: str,
    name: Annotated[str, typer.Option(help=of_field("FacilityIn", "name"))],
    country: Annotated[str, typer.Option(help=of_field("FacilityIn", "country"))],
    kind: Annotated[FacilityKind, typer.Option(help=of_field("FacilityIn", "kind"))] = FacilityKind.PRISON,
    area: Annotated[str | None, typer.Option(help=of_field("FacilityIn", "area"))] = None,
    also: Annotated[list[str] | None, typer.Option(help="Another name of it; may be repeated.")] = None,
) -> None:
    """Register a facility: reports that name it, before or after, are placed there."""
    body = FacilityIn(slug=slug, name=name, names=also or [], kind=kind, area=area, country=country)
    settings = Settings()
    with opened(settings) as session:
        lock_head(session)  # as for every entry, the clock is read in its turn
        context = WriteContext(session, Reader(Role.CURATOR), now(), settings.secret_key())
        outcome = directory.add_facility(context, body)
    console.print(f"Registered {slug} at revision {outcome.revision}.")


@facility_commands.command("import")
def import_facilities(
    file: Annotated[Path, typer.Argument(help="CSV or JSON Lines; or `venezuela`, the list that comes with the demo.")],
) -> None:
    """Register every facility of a list, or none: each mistake is told in a line of its own.

    Run again, it changes nothing. What stands is brought up to the list; a name that it has is never taken from it.
    """
    try:
        listed = facilities.read((file if file.exists() else SHIPPED.get(str(file), file)).read_bytes())
    except OSError as error:
        raise BadFile("unreadable", f"Cannot read {file}: {error.strerror}.") from error
    settings = Settings()
    became = {"registered": 0, "changed": 0, "unchanged": 0}
    mistakes = listed.mistakes
    with opened(settings) as session:
        revision, _recorded = lock_head(session)
        context = WriteContext(session, Reader(Role.CURATOR), now(), settings.secret_key())
        for line, body in listed.bodies.items():
            try:
                outcome = directory.put_facility(context, body)
            except Problem as refusal:
                mistakes += [f"line {line}: {detail}" for detail in facilities.details(refusal)]
                continue
            what = "registered" if outcome.status == 201 else "changed" if outcome.revision > revision else "unchanged"
            became[what] += 1
        head = context.log.revision
        if mistakes:
            for mistake in mistakes:
                print(f"recuento: {mistake}", file=sys.stderr)  # noqa: T201 - this is the output
            print("recuento: Nothing was registered: mend this and run it again.", file=sys.stderr)  # noqa: T201
            raise typer.Exit(1)  # inside, so that the transaction is left undone
    counts = ", ".join(f"{number} {what}" for what, number in became.items())
    console.print(f"{len(listed.bodies)} facilities: {counts}. Revision {head}.", soft_wrap=True)
