"""recuento: the command line. Exit status 0 only when all of it worked; errors are one clear line on stderr."""

import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from app import cli_estimate, cli_export, cli_facility, cli_import, cli_match, cli_status
from app.cli_database import database, opened
from app.cli_export import ExportForm
from app.config import Settings, UnreadableSecret
from app.counts.estimates import BadTable
from app.database import reading
from app.demo import run as replay
from app.errors import Problem
from app.exchange.client import Stopped
from app.exchange.imports import stored
from app.exchange.imports.faults import BadFile
from app.log.entries import head, lock_head
from app.log.head import OtherRules, WrongSecret
from app.main import create_app
from app.models import OPEN, ApiKey, Source
from app.registry import directory, keys
from app.registry.policy import Reader
from app.registry.rebuild import rebuild as rebuild_rows
from app.registry.schemas import SourceIn
from app.registry.write import Desk
from app.vocabulary import Language, Role, SourceKind

DEMO_DATABASE = "sqlite:///recuento-demo.db"
FIRST_COUNT = "/v1/counts/releases?country=VE&released_from=2026-01-08&group_by=source"

cli = typer.Typer(help="A registry of political prisoners that anyone can count from.", no_args_is_help=True,
                  add_completion=False, pretty_exceptions_enable=False)  # fmt: skip
source_cli = typer.Typer(help="Sources: who reports and who claims.", no_args_is_help=True)
key_cli = typer.Typer(help="Keys: who may write, and who sees restricted fields.", no_args_is_help=True)
cli.add_typer(source_cli, name="source")
cli.add_typer(key_cli, name="key")
cli.add_typer(cli_facility.facility_cli, name="facility")
cli.command("estimate")(cli_estimate.estimate_table)
cli.command("match")(cli_match.match_lists)
cli.command("template")(cli_match.write_template)
console = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def main() -> None:
    """The entry point: turns every foreseeable failure into one line, with status 1, or 2 for a wrong command."""
    try:
        # Not alone: what was typed wrongly is told here like all else, in one line and no box around it.
        sys.exit(cli(standalone_mode=False))
    except typer.TyperException as error:
        print(f"recuento: {error.format_message()}", file=sys.stderr)  # noqa: T201 - this is the output
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except Problem as refusal:
        _fail(" ".join(dict.fromkeys([refusal.detail, *(one["detail"] for one in refusal.extra.get("errors", []))])))
    except ValidationError as error:
        _fail("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
    except (WrongSecret, OtherRules, UnreadableSecret, replay.NotADemo, BadTable, BadFile, Stopped) as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        _fail(f"The database refused ({type(error).__name__}): is RECUENTO_DATABASE_URL right, and writable?")


def _fail(line: str) -> NoReturn:
    print(f"recuento: {line}", file=sys.stderr)  # noqa: T201 - this is the output
    sys.exit(1)


def _now() -> datetime:
    return datetime.now(UTC)


def _settings(**given: Any) -> Settings:
    """Settings from the environment, with the flags that were given on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [RECUENTO_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [RECUENTO_PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [RECUENTO_WORKERS].")] = None,
) -> None:
    """Bring the database to the newest schema, then serve."""
    _serve(_settings(host=host, port=port, workers=workers))


def _require_port(settings: Settings) -> None:
    """Fail where nothing can be served, before anything is printed that sends people there."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        _fail(f"Nothing can be served at {settings.host} port {settings.port} ({error.strerror}): give another --port.")


def _serve(settings: Settings) -> None:
    """Nothing about a client is logged: no access log, and no header that names the server."""
    _require_port(settings)
    options: dict[str, Any] = {"access_log": False, "server_header": False, "log_level": "warning"}
    console.print(f"Recuento serves {settings.address()} (addresses: /openapi.json; stop with Ctrl-C)", soft_wrap=True)
    if settings.workers > 1:
        with opened(settings):
            pass  # migrated and its secret known before the workers come, so that what is wrong is said once
        os.environ |= {"RECUENTO_DATABASE_URL": settings.database_url, "RECUENTO_PORT": str(settings.port)}
        make = "app.main:app"
        uvicorn.run(make, host=settings.host, port=settings.port, workers=settings.workers, **options)
    else:
        uvicorn.run(create_app(settings), host=settings.host, port=settings.port, **options)


@cli.command()
def demo(
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Fill the database and stop.")] = False,
) -> None:
    """Replay January 2026: real published figures, invented people."""
    url = os.environ.get("RECUENTO_DATABASE_URL", DEMO_DATABASE)
    settings = _settings(port=port, database_url=url)
    if not no_serve:
        _require_port(settings)
    with console.status("Replaying January 2026 …"), opened(settings) as session:
        revision = replay.load(session, settings.secret_key())
        key = replay.guest_key(session, _now())
    console.print(f"[bold]DEMO[/bold] Real figures, invented people. Revision {revision}, in {make_url(url)!r}")
    console.print("A reporter's key, for the invented source example-ngo:")
    print(key, flush=True)  # noqa: T201 - this is the output
    if not no_serve:
        console.print(f"A count to begin with: {settings.address()}{FIRST_COUNT}", soft_wrap=True)
        _serve(settings)


@source_cli.command("add")
def add_source(
    slug: str,
    name: Annotated[str, typer.Option(help="The name shown.")],
    kind: Annotated[SourceKind, typer.Option(help="What kind of body it is.")],
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2.")] = None,
    independent: Annotated[bool | None, typer.Option(help="Default: yes, except for governments.")] = None,
    definition: Annotated[str | None, typer.Option(help="Whom it lists.")] = None,
) -> None:
    """Add a source."""
    settings = _settings()
    body = SourceIn(slug=slug, name=name, kind=kind, country=country, independent=independent, definition=definition)
    with opened(settings) as session:
        lock_head(session)  # as for every entry, the clock is read in its turn
        desk = Desk(session, Reader(Role.ADMIN), _now(), settings.secret_key())
        outcome = directory.add_source(desk, body)
    console.print(f"Added {slug} at revision {outcome.revision}.")


@source_cli.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources."""
    with opened(_settings()) as session:
        rows = session.scalars(select(Source).where(col(Source.until) == OPEN).order_by(col(Source.slug))).all()
        found = [{"slug": r.slug, "name": r.name, "kind": r.kind, "independent": r.independent} for r in rows]
    _show(found, as_json=as_json)


@key_cli.command("create")
def create_key(
    source: Annotated[str | None, typer.Argument(help="Slug of the source; a reporter's key needs one.")] = None,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.REPORTER,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 365,
) -> None:
    """Make a key and print it, alone on stdout. It cannot be shown again."""
    with opened(_settings()) as session:
        key = keys.create(session, role, source, days, _now())
    print(key)  # noqa: T201 - this is the output


@key_cli.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys: never their secrets."""
    with opened(_settings()) as session:
        slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
        rows = session.scalars(select(ApiKey).order_by(col(ApiKey.created_at))).all()
        found = [
            {
                "id": key.id,
                "role": key.role,
                "source": slugs.get(key.source) if key.source is not None else None,
                "expires_at": key.expires_at.isoformat(),
                "revoked": key.revoked_at is not None,
            }
            for key in rows
        ]
    _show(found, as_json=as_json)


@key_cli.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The eight characters after rcn_.")]) -> None:
    """End a key at once."""
    with opened(_settings()) as session:
        keys.revoke(session, key_id, _now())
    console.print(f"Revoked {key_id}.")


@cli.command()
def export(
    form: Annotated[
        ExportForm, typer.Option("--format", help="csv, jsonl or ftm (FollowTheMoney).")
    ] = ExportForm.JSONL,
    source: Annotated[str | None, typer.Option(help="Slug of a source: its own reports, whole.")] = None,
    to: Annotated[Path | None, typer.Option(file_okay=False, help="A new folder for all that is public.")] = None,
    as_of: Annotated[int | None, typer.Option(min=0, help="A revision; default the newest.")] = None,
) -> None:
    """Write all public releases to stdout, everything public into a folder, or a source's own reports to stdout."""
    left, settings = None, _settings()
    with opened(settings):
        pass  # migrated, and its rows known to be of today's rules
    with database(settings) as engine, reading(engine) as session:
        newest = head(session)[0]
        if as_of is not None and as_of > newest:
            _fail(f"The registry is at revision {newest}: ask for that or an earlier one.")
        revision = newest if as_of is None else as_of
        if to is not None and source is not None:
            _fail("A folder holds what is public: leave out --to for a source's own reports.")
        if to is not None:
            cli_export.copy(session, to, revision)
        elif source is not None:
            left = cli_export.of_source(session, source, form, revision)
        else:
            cli_export.public(session, form, revision)
    if left is not None:
        _fail(left)


@cli.command("import")
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
        Path | None, typer.Option(exists=True, dir_okay=False, help="Which column is what, TOML.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each row; store nothing.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="File nothing if any row is in error.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Yes to what was asked about this list.")] = False,
    lang: Annotated[Language | None, typer.Option(help="en or es; by default this machine's.")] = None,
    as_json: AsJson = False,
) -> None:
    """File a list as a source's reports: here as --source, or --to a registry elsewhere, over whatever line there is.

    Killed and run again, it goes on where it stopped.
    """
    settings = _settings()
    if file.is_dir():
        if source or to or mapping or dry_run or strict or confirm:
            raise typer.BadParameter("a copy is read whole, into an empty registry here: leave the other options out")
        with opened(settings) as session:
            cli_export.read_copy(Desk(session, Reader(Role.ADMIN), _now(), settings.secret_key()), file)
        return
    sent = stored.Sent(dry_run, strict, confirm, cli_import.mapping_of(mapping))
    told = cli_import.Telling(lang or cli_import.reader_language(), as_json)
    if to is not None:
        left = cli_import.send_list(to, settings.sending_key(), source, file, sent, _now(), told)
        if left is not None:
            _fail(left)
        return
    if source is None:
        raise typer.BadParameter("say whose list it is with --source, or send it --to a registry")
    with opened(settings):
        pass  # migrated, and the secret known to be the right one
    with database(settings) as engine:
        left = cli_import.import_list(engine, settings.secret_key(), _now, source, file, sent, told)
    if left is not None:
        _fail(left)


@cli.command()
def rebuild() -> None:
    """Make every row anew from the log and the sealed values, under this version's rules. Under unchanged rules the
    rows are the same as before."""
    with console.status("Replaying the log …"), opened(_settings(), any_rules=True) as session:
        number = rebuild_rows(session)
    console.print(f"Replayed {number} entries.")


@cli.command()
def status(as_json: AsJson = False) -> None:
    """Say how far the registry has come, what waits for a curator, and what somebody should look at."""
    with opened(_settings()) as session:
        found = cli_status.status(session)
    print(json.dumps(found) if as_json else "\n".join(cli_status.lines(found)))  # noqa: T201 - this is the output


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(Settings(database_url="sqlite://")).openapi()
    print(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True))  # noqa: T201 - this is the output


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))  # noqa: T201 - this is the output
        return
    table = Table()
    for heading in rows[0] if rows else ["nothing yet"]:
        table.add_column(heading, overflow="fold")  # a slug cut short could not be typed again
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
