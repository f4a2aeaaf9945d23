"""`recuento serve` and `recuento demo`: run the server; `recuento openapi`: print an OpenAPI document."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
import uvicorn
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from sqlmodel import Session

from app.api.middleware.metrics import StatusCollector
from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH, divide_document
from app.cli.count_process import METRICS_FOLDER_VARIABLE, run_count_workers
from app.cli.database import format_database_address, open_session, wait_for_database
from app.cli.http_protocol import build_uvicorn_options, raise_file_limit
from app.cli.output import console, exit_with_error, utc_now
from app.config import Settings, is_loopback
from app.demo import run as replay
from app.log.entries import read_head
from app.log.head import is_demo
from app.main import create_app
from app.operator import UnreadableAboutFile, load_operator
from app.server_log import CONFIGURATION

DEMO_DATABASE = "sqlite:///recuento-demo.db"
EXAMPLE_COUNT = "/v1/counts/releases?country=VE&released_from=2026-01-08&group_by=source"

METRICS_HOST = "127.0.0.1"  # the proxy connects from there too, but only to the other port
# Linux's folder of files in memory. Workers write metrics as memory-mapped files: on a full disk the signal of a failed
# write would end the worker.
SHARED_MEMORY_FOLDER = "/dev/shm"  # noqa: S108 - used for a private folder with a random name

FIRST_PAGE_QUESTIONS = {
    "RECUENTO_COUNTRY": "Country of the first page, such as VE (empty: where two sources verify most releases)",
    "RECUENTO_RELEASED_FROM": "First day of the releases that it counts, such as 2026-01-08 (empty: every day)",
}

MAX_JSON_LINE_LENGTH = 160
STALE_AGE = timedelta(days=1)  # of the last entry, after which the start prints a notice

commands = typer.Typer()


def _build_settings(**overrides: Any) -> Settings:
    """Build settings from the environment, overridden by command-line options."""
    return Settings(**{name: value for name, value in overrides.items() if value is not None})


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [RECUENTO_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [RECUENTO_PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [RECUENTO_WORKERS].")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of 127.0.0.1 to tell metrics at [RECUENTO_METRICS_PORT].")
    ] = None,
) -> None:
    """Bring the database to the newest schema, then serve."""
    _run_server(_build_settings(host=host, port=port, workers=workers, metrics_port=metrics_port))


def _require_free_ports(settings: Settings) -> None:
    """Exit if a port is taken, before anything is printed that sends people there."""
    _require_free_port(settings.host, settings.port, "--port")
    if settings.metrics_port is not None:
        _require_free_port(METRICS_HOST, settings.metrics_port, "--metrics-port")


def _require_free_port(host: str, port: int, option: str) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        exit_with_error(f"Nothing can be served at {host} port {port} ({error.strerror}): give another {option}.")


def _warn_if_stale(session: Session) -> None:
    """Print the age of the last entry, if it is old. Either the registry rested or the clock is ahead: the operator
    knows."""
    revision, last = read_head(session)
    age = utc_now() - last
    if revision and age > STALE_AGE and not is_demo(session):
        console.print(
            f"The last entry is {age.days} days old by this machine's clock: if that is not so, stop, set the clock, "
            "and start again.",
            soft_wrap=True,
        )


def _ask_about_first_page(session: Session, settings: Settings) -> Settings:
    """Return the settings with the country and the first day of the first page, for which an empty registry asks.

    Without a terminal the server starts without asking, and says which settings are missing."""
    if settings.country is not None or read_head(session)[0]:
        return settings
    if not sys.stdin.isatty():
        console.print("Set RECUENTO_COUNTRY and RECUENTO_RELEASED_FROM: they say what the first page is about.")
        return settings
    answers = {
        name: typer.prompt(question, default="", show_default=False).strip()
        for name, question in FIRST_PAGE_QUESTIONS.items()
    }
    answers = {name: answer for name, answer in answers.items() if answer}
    os.environ |= answers  # for the worker processes
    validated = Settings()
    for name, answer in answers.items():
        console.print(f"So that the next start keeps it, set {name}={answer}")
    return settings.model_copy(update={"country": validated.country, "released_from": validated.released_from})


def _require_operator(settings: Settings) -> None:
    """Exit if a public registry does not say who runs it, or its about file has a fault."""
    if settings.public_url is not None and settings.about_file is None:
        exit_with_error(
            "RECUENTO_PUBLIC_URL is set, so readers will find this registry: say who runs it in a file, and set "
            "RECUENTO_ABOUT_FILE to it (an example is deploy/about.toml)."
        )
    if settings.about_file is not None:
        try:
            load_operator(settings.about_file)
        except UnreadableAboutFile as error:
            exit_with_error(str(error))


def _run_server(settings: Settings) -> None:
    _require_operator(settings)
    _require_free_ports(settings)
    raise_file_limit(settings.connections)
    wait_for_database(settings.database_url)
    # uvicorn finishes current requests and raises the signal again, which would end this process as if it had failed.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    uvicorn_options = {
        **build_uvicorn_options(settings),
        "host": settings.host,
        "port": settings.port,
        "log_level": "warning",
        "log_config": CONFIGURATION,
    }
    console.print(f"Recuento serves {settings.address()} (addresses: /openapi.json; stop with Ctrl-C)", soft_wrap=True)
    if not is_loopback(settings.host):
        console.print(
            f"It answers the proxies at {settings.trusted_proxies or 'no address'} alone (RECUENTO_TRUSTED_PROXIES).",
            soft_wrap=True,
        )
    with open_session(settings, finish_erasures=False) as session:  # before the workers, so that errors appear once
        _warn_if_stale(session)
        settings = _ask_about_first_page(session, settings)
    os.environ |= {  # for the worker processes
        "RECUENTO_DATABASE_URL": settings.database_url,
        "RECUENTO_HOST": settings.host,
        "RECUENTO_PORT": str(settings.port),
    }
    with run_count_workers(settings) as settings:
        if settings.workers > 1:
            with _serve_worker_metrics(settings):
                uvicorn.run("app.main:app", workers=settings.workers, **uvicorn_options)
        else:
            app = create_app(settings)
            with _serve_metrics(settings.metrics_port, StatusCollector(app.state), app.state.metrics.registry):
                uvicorn.run(app, **uvicorn_options)


@contextmanager
def _serve_metrics(port: int | None, status_collector: StatusCollector, registry: CollectorRegistry) -> Iterator[None]:
    """Serve metrics and the state of the registry on a port; without a port do nothing."""
    if port is None:
        yield
        return
    registry.register(status_collector)
    server, thread = start_http_server(port, METRICS_HOST, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _serve_worker_metrics(settings: Settings) -> Iterator[None]:
    """Serve the metrics of all workers from this process, if the settings name a port.

    The workers write metrics into files, which contain only what is served, and are deleted at the end.
    """
    if settings.metrics_port is None:
        yield
        return
    app = create_app(settings)  # answers no requests; it provides the state of the registry
    registry = CollectorRegistry()
    try:
        parent_folder = SHARED_MEMORY_FOLDER if os.access(SHARED_MEMORY_FOLDER, os.W_OK) else None
        with TemporaryDirectory(prefix="recuento-metrics-", dir=parent_folder) as folder:
            MultiProcessCollector(registry, path=folder)
            os.environ[METRICS_FOLDER_VARIABLE] = folder
            with _serve_metrics(settings.metrics_port, StatusCollector(app.state), registry):
                yield
    finally:
        app.state.engine.dispose()


@commands.command()
def demo(
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Fill the database and stop.")] = False,
) -> None:
    """Replay January 2026: real published figures, invented people."""
    url = os.environ.get("RECUENTO_DATABASE_URL", DEMO_DATABASE)
    settings = _build_settings(port=port, database_url=url)
    if not no_serve:
        _require_free_ports(settings)
    with console.status("Replaying January 2026 …"), open_session(settings) as session:
        revision = replay.load_replay(session, settings.secret_key())
        key = replay.create_guest_key(session, utc_now())
    console.print(
        f"[bold]DEMO[/bold] Real figures, invented people. Revision {revision}, in {format_database_address(url)}",
        soft_wrap=True,
    )
    console.print("A reporter's key, for the invented source example-ngo:")
    print(key, flush=True)  # noqa: T201 - this is the output
    if not no_serve:
        console.print(f"A count to begin with: {settings.address()}{EXAMPLE_COUNT}", soft_wrap=True)
        _run_server(settings)


@commands.command()
def openapi(
    desk: Annotated[bool, typer.Option("--desk", help="Print the document of uploads, matching and curation.")] = False,
) -> None:
    """Print the OpenAPI document of reading and reporting."""
    documents = divide_document(create_app(Settings(database_url="sqlite://")).openapi())
    print(_format_json(documents[DESK_OPENAPI_PATH if desk else OPENAPI_PATH]))  # noqa: T201 - this is the output


def _format_json(node: Any) -> str:
    """Format JSON with one line for each part that fits, so that the file stays short and its changes readable."""
    line = json.dumps(node, ensure_ascii=False, separators=(",", ":"))
    if len(line) <= MAX_JSON_LINE_LENGTH or not isinstance(node, dict | list):
        return line
    opening, closing = "{}" if isinstance(node, dict) else "[]"
    parts = (
        [f"{json.dumps(key)}:{_format_json(value)}" for key, value in node.items()]
        if isinstance(node, dict)
        else [_format_json(value) for value in node]
    )
    lines = ",\n".join(parts)
    return f"{opening}\n{lines}\n{closing}"
