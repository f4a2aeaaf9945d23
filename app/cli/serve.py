"""`recuento serve` and `recuento demo`; `recuento openapi` prints what is served."""

import json
import os
import signal
import socket
import sys
from typing import Annotated, Any

import typer
import uvicorn

from app.cli.connections import options
from app.cli.database import located, opened
from app.cli.output import console, fail, now
from app.config import Settings
from app.demo import run as replay
from app.main import create_app

DEMO_DATABASE = "sqlite:///recuento-demo.db"
FIRST_COUNT = "/v1/counts/releases?country=VE&released_from=2026-01-08&group_by=source"

commands = typer.Typer()


def _settings(**given: Any) -> Settings:
    """Settings from the environment, with the flags that were given on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


@commands.command()
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
        fail(f"Nothing can be served at {settings.host} port {settings.port} ({error.strerror}): give another --port.")


def _serve(settings: Settings) -> None:
    _require_port(settings)
    # uvicorn ends what is being answered and raises the signal again, which would end this process as if it had failed.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    given = {**options(settings), "host": settings.host, "port": settings.port, "log_level": "warning"}
    console.print(f"Recuento serves {settings.address()} (addresses: /openapi.json; stop with Ctrl-C)", soft_wrap=True)
    if settings.workers > 1:
        with opened(settings):
            pass  # migrated and its secret known before the workers come, so that what is wrong is said once
        os.environ |= {"RECUENTO_DATABASE_URL": settings.database_url, "RECUENTO_PORT": str(settings.port)}
        uvicorn.run("app.main:app", workers=settings.workers, **given)
    else:
        uvicorn.run(create_app(settings), **given)


@commands.command()
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
        key = replay.guest_key(session, now())
    console.print(
        f"[bold]DEMO[/bold] Real figures, invented people. Revision {revision}, in {located(url)}", soft_wrap=True
    )
    console.print("A reporter's key, for the invented source example-ngo:")
    print(key, flush=True)  # noqa: T201 - this is the output
    if not no_serve:
        console.print(f"A count to begin with: {settings.address()}{FIRST_COUNT}", soft_wrap=True)
        _serve(settings)


@commands.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(Settings(database_url="sqlite://")).openapi()
    print(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True))  # noqa: T201 - this is the output
