"""`recuento source` and `recuento facility`: manage sources and facilities."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlmodel import col

from app.cli.database import open_session
from app.cli.output import AsJson, console, print_rows, utc_now
from app.config import Settings
from app.demo.people import FACILITIES_FILE
from app.descriptions import describe_field_option
from app.errors import Problem
from app.imports import facilities
from app.imports.faults import BadFile
from app.log.entries import lock_head
from app.models import OPEN, Source
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.review import limits
from app.registry.write import WriteContext
from app.schemas.reports import FacilityIn, SourceIn
from app.vocabulary import FacilityKind, Role, SourceKind

commands = typer.Typer()
source_commands = typer.Typer(help="Sources: who reports and who claims.", no_args_is_help=True)
commands.add_typer(source_commands, name="source")


TRUST_HELP = "How many of its reports may count everywhere before a curator reviews them: 20 for a new source."
TRUST_QUESTION = "How many of its reports may count before a curator reviews them (a new source: 20)"


@source_commands.command("add")
def add_source(
    slug: str,
    name: Annotated[str, typer.Option(help=describe_field_option("SourceIn", "name"))],
    kind: Annotated[SourceKind, typer.Option(help=describe_field_option("SourceIn", "kind"))],
    country: Annotated[str | None, typer.Option(help=describe_field_option("SourceIn", "country"))] = None,
    independent: Annotated[bool | None, typer.Option(help=describe_field_option("SourceIn", "independent"))] = None,
    definition: Annotated[str | None, typer.Option(help=describe_field_option("SourceIn", "definition"))] = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help=describe_field_option("SourceIn", "quarantined"))
    ] = False,
    trust: Annotated[int | None, typer.Option(min=0, help=TRUST_HELP)] = None,
) -> None:
    """Add a source. On a terminal it asks how far to trust it: a new one, or one whose lists are known."""
    settings = Settings()
    if trust is None and sys.stdin.isatty():
        trust = typer.prompt(TRUST_QUESTION, default=limits.DEFAULT_UNREVIEWED_LIMIT, type=int)
    body = SourceIn(
        slug=slug,
        name=name,
        kind=kind,
        country=country,
        independent=independent,
        quarantined=quarantined,
        definition=definition,
    )
    with open_session(settings) as session:
        lock_head(session)  # as for every entry, the clock is read after the lock
        context = WriteContext(session, Reader(Role.ADMIN), utc_now(), settings.secret_key())
        outcome = directory.add_source(context, body)
        if trust is not None:
            directory.trust_source(session, slug, trust)
    console.print(f"Added {slug} at revision {outcome.revision}.")


@source_commands.command("trust")
def trust_source(
    slug: str,
    number: Annotated[int, typer.Argument(min=0, help=TRUST_HELP)],
) -> None:
    """Set how many reports of a source count in combined numbers before a curator reviews them.

    A new source has 20. Denials, and custody without a release, stay at 20 for every source."""
    with open_session(Settings()) as session:
        lock_head(session)
        directory.trust_source(session, slug, number)
    console.print(f"Up to {number} reports of {slug} count before a curator reviews them.")


@source_commands.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources."""
    with open_session(Settings()) as session:
        rows = session.scalars(select(Source).where(col(Source.until) == OPEN).order_by(col(Source.slug))).all()
        columns = ("slug", "name", "kind", "independent", "quarantined")
        sources = [{column: getattr(row, column) for column in columns} for row in rows]
    print_rows(sources, as_json=as_json)


facility_commands = typer.Typer(help="Facilities: where people are held.", no_args_is_help=True)
commands.add_typer(facility_commands, name="facility")
BUNDLED_LISTS = {"venezuela": FACILITIES_FILE}  # lists that are installed with the program


@facility_commands.command("add")
def add_facility(
    slug: str,
    name: Annotated[str, typer.Option(help=describe_field_option("FacilityIn", "name"))],
    country: Annotated[str, typer.Option(help=describe_field_option("FacilityIn", "country"))],
    kind: Annotated[FacilityKind, typer.Option(help=describe_field_option("FacilityIn", "kind"))] = FacilityKind.PRISON,
    area: Annotated[str | None, typer.Option(help=describe_field_option("FacilityIn", "area"))] = None,
    also: Annotated[list[str] | None, typer.Option(help="Another name of it; may be repeated.")] = None,
) -> None:
    """Register a facility: reports that name it, before or after, are placed there."""
    body = FacilityIn(slug=slug, name=name, names=also or [], kind=kind, area=area, country=country)
    settings = Settings()
    with open_session(settings) as session:
        lock_head(session)  # as for every entry, the clock is read after the lock
        context = WriteContext(session, Reader(Role.CURATOR), utc_now(), settings.secret_key())
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
        facility_list = facilities.parse_facility_list(
            (file if file.exists() else BUNDLED_LISTS.get(str(file), file)).read_bytes()
        )
    except OSError as error:
        raise BadFile("unreadable", f"Cannot read {file}: {error.strerror}.") from error
    settings = Settings()
    change_counts = {"registered": 0, "changed": 0, "unchanged": 0}
    mistakes = facility_list.errors
    with open_session(settings) as session:
        revision, _recorded_at = lock_head(session)
        context = WriteContext(session, Reader(Role.CURATOR), utc_now(), settings.secret_key())
        context.require_unfrozen()  # each line would be refused
        for line, body in facility_list.bodies.items():
            try:
                outcome = directory.put_facility(context, body)
            except Problem as refusal:
                mistakes += [f"line {line}: {detail}" for detail in facilities.collect_details(refusal)]
                continue
            change = (
                "registered" if outcome.status == 201 else "changed" if outcome.revision > revision else "unchanged"
            )
            change_counts[change] += 1
        head = context.log.revision
        if mistakes:
            for mistake in mistakes:
                print(f"recuento: {mistake}", file=sys.stderr)  # noqa: T201 - this is the output
            print("recuento: Nothing was registered: mend this and run it again.", file=sys.stderr)  # noqa: T201
            raise typer.Exit(1)  # inside the session, so that the transaction is rolled back
    counts = ", ".join(f"{number} {change}" for change, number in change_counts.items())
    console.print(f"{len(facility_list.bodies)} facilities: {counts}. Revision {head}.", soft_wrap=True)
