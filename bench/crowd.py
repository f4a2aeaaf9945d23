"""A crowd takes nothing from anybody: how long dashboards, reporters and whoever asks what costs most wait while all of
them are there at once, and whether anybody is told of less than somebody was told before.

    python -m bench.crowd FOLDER [--people N] [--connections N] [--seconds S] [--lines N]

Dashboards poll one count, a reporter sends a list, another files reports one by one, and sixteen clients ask costly
questions, each of them once. FOLDER keeps the registry of so many people, which is made at the first run; for none it
is the demo's. Prints a table, and exits with 1 where something was answered that must not be: times are for people to
judge.
"""

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from app.db.engine import make_engine, migrate_database, open_write_session
from app.registry import api_keys, directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn
from app.vocabulary import Role, SourceKind
from bench.crowd_clients import EVERY, Client, Told, ask_costly, costly, poll, post, reports, send_list, tell_late
from bench.drill_import import SECRET, now
from bench.reading.questions import WARM
from bench.reading.run import registry_of, say
from bench.reading.servers import Server
from bench.reading.tables import machine, table

PEOPLE, CONNECTIONS, SECONDS, LINES = 20_000, 2_000, 60.0, 10_000
COSTLY_CLIENTS = 16
POSTS = 5  # a second, each on a connection of its own
SPARE_FILES = 200  # that each side opens beside the connections of dashboards
MOST_FAULTS = 20  # that are printed
WANTED = "p99 of a poll under 250 ms, of a post under 1,000 ms"


async def crowd(server: Server, keys: tuple[str, str], connections: int, seconds: float, lines: int) -> Told:
    """Let all of them ask for so long; what they were told. `keys`: of two reporters."""
    told, begun = Told(), time.monotonic()
    until, questions, bodies = begun + seconds, costly(), reports()
    clients = [Client(server, told) for _ in range(connections + POSTS + 1 + COSTLY_CLIENTS)]
    of = iter(clients)
    tasks = [poll(next(of), until, begun + EVERY * one / connections) for one in range(connections)]
    tasks += [post(next(of), until, begun + one / POSTS, keys[0], bodies) for one in range(POSTS)]
    tasks += [ask_costly(next(of), until, questions) for _ in range(COSTLY_CLIENTS)]
    await asyncio.gather(*tasks, send_list(next(of), told, until, keys[1], lines), tell_late(told, until))
    for client in clients:
        client.close()
    return told


def serve(url: str, folder: Path, connections: int) -> Server:
    """One process with room for them all. Every client is the same here, and has no rate; a question has its bound."""
    environment = {
        "RECUENTO_DATABASE_URL": url,
        "RECUENTO_SECRET": SECRET.decode(),
        "RECUENTO_HEAD_FILE": str(folder / "head"),
        "RECUENTO_RATE_BY_CLIENT": "0",
        "RECUENTO_RATE_BY_KEY": "0",
        "RECUENTO_CONNECTIONS": str(connections + SPARE_FILES),
    }
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "PORT"]
    return Server("Recuento", command, WARM, environment, folder / "servers.log")


def allow_files(number: int) -> None:
    """Let this process, and those that it starts, have so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def registry(kept: Path, people: int, folder: Path) -> str:
    """The address of a registry of so many people that may be written to; of none, of the demo."""
    file = folder / "crowd.db"
    if people:
        shutil.copyfile(registry_of(kept, people), file)
    else:
        replay(file)
    return f"sqlite:///{file}"


def replay(file: Path) -> None:
    """Make the registry of the demo."""
    environment = {"RECUENTO_DATABASE_URL": f"sqlite:///{file}", "RECUENTO_SECRET": SECRET.decode()}
    command = [sys.executable, "-m", "app.cli", "demo", "--no-serve"]
    subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)  # noqa: S603


def two_keys(url: str) -> tuple[str, str]:
    """Keys of reporters of two new sources."""
    engine = make_engine(url)
    migrate_database(engine)
    with open_write_session(engine) as session:
        context = WriteContext(session, Reader(Role.ADMIN), now(), SECRET)
        for slug in ("crowd-one", "crowd-two"):
            directory.add_source(context, SourceIn(slug=slug, name=slug.title(), kind=SourceKind.NGO))
        one, two = (api_keys.create_key(session, Role.REPORTER, slug, 1, now()) for slug in ("crowd-one", "crowd-two"))
    engine.dispose()
    return one, two


def told_in_words(told: Told) -> str:
    rows = []
    for kind, waits in {**told.watch.waits, "(clocks here are late by)": told.late}.items():
        waits.sort()
        at = [waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1]]
        statuses = ", ".join(f"{number:,} × {status}" for status, number in sorted(told.watch.statuses[kind].items()))
        rows.append([kind, f"{len(waits):,}", statuses, *(f"{one * 1000:,.0f}" for one in at)])
    filed = f"{told.filed:,} rows of the list filed, {told.filed / max(told.filed_in, 0.001):,.0f} a second"
    more = f"{filed}; {told.anew:,} connections made anew; the newest revision told: {told.revision:,}."
    return "\n\n".join([table(["request", "number", "statuses", "p50 ms", "p99 ms", "longest ms"], rows), more])


def main() -> None:
    read = argparse.ArgumentParser(prog="python -m bench.crowd")
    read.add_argument("folder", type=Path)
    for name, default in (("people", PEOPLE), ("connections", CONNECTIONS), ("lines", LINES)):
        read.add_argument(f"--{name}", type=int, default=default)
    read.add_argument("--seconds", type=float, default=SECONDS)
    given = read.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    allow_files(given.connections + SPARE_FILES)
    with TemporaryDirectory(prefix="crowd-", dir=given.folder) as place:
        folder = Path(place)
        url = registry(given.folder, given.people, folder)
        keys, server = two_keys(url), serve(url, folder, given.connections)
        try:
            told = asyncio.run(crowd(server, keys, given.connections, given.seconds, given.lines))
            spent, memory = server.processor_seconds(), sum(one.private for one in server.memory())
        finally:
            server.stop()
    say(f"Measured on: {machine()}.\n\n{told_in_words(told)}")
    say(f"The server took {spent:.0f} s of processor time and {memory:,.0f} MiB. Wanted: {WANTED}.")
    for fault in told.faults[:MOST_FAULTS]:
        say(f"- {fault}")
    if told.faults:
        sys.exit(f"{len(told.faults)} times something was so that must not be")


if __name__ == "__main__":
    main()
