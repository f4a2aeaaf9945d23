"""Sixteen anonymous clients with one costly question, and what writers, cheap reads and health checks wait meanwhile;
then the memory of many unfinished uploads, and connections that never finish their header.

    python -m bench.flood FOLDER

FOLDER keeps the registry, which is made at the first run. Each client says an address of its own behind a trusted
proxy, as in the field.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from app.db.engine import make_engine, open_write_session
from app.imports.filing import row_filing
from app.imports.filing.import_store import ImportOptions
from app.models import ApiKey
from app.registry import api_keys
from app.vocabulary import Role
from bench.drill_import import SECRET, SOURCE, now, prepare
from bench.invented import Crowd, csv_of

PEOPLE = 20_000
CLIENTS, SECONDS = 16, 45.0
COSTLY = "/v1/counts/releases?group_by=source&group_by=day&group_by=age_group"
CHEAP = "/v1/releases?limit=50"
UPLOADS, UPLOAD_BYTES = 60, 10 * 1024 * 1024
HALF_HEADERS, HALF_SECONDS = 200, 60.0
PATIENCE = 90.0  # seconds for a server to come up, or for one answer


@dataclass
class Watch:
    """What was answered, and after how long."""

    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    waits: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, what: str, status: int, seconds: float) -> None:
        self.statuses[what][status] += 1
        self.waits[what].append(seconds)

    def lines(self) -> str:
        told = []
        for what, waits in sorted(self.waits.items()):
            waits.sort()
            median, late = waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
            numbers = f"p50 {median:.3f} s, p99 {late:.3f} s, longest {waits[-1]:.3f} s"
            told.append(f"{what:<8} {dict(self.statuses[what])} {numbers}")
        return "\n".join(told) + "\n"


async def ask(port: int, path: str, client: str, key: str | None = None, body: bytes = b"") -> tuple[int, int]:
    """`(status, seconds of Retry-After)` of one request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head("POST" if body else "GET", path, client, key, len(body)) + body)
        first = await reader.readline()
        after = 0
        while line := (await reader.readline()).strip().lower():
            if line.startswith(b"retry-after:"):
                after = int(line.partition(b":")[2])
        while await reader.read(65_536):
            pass
        return int(first.split()[1]), after
    finally:
        writer.close()


def head(method: str, path: str, client: str, key: str | None, length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"X-Forwarded-For: {client}"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += ["Content-Type: application/json", f"Content-Length: {length}"] if length else []
    return "\r\n".join([*lines, "", ""]).encode()


async def again_and_again(
    watch: Watch, what: str, until: float, pause: float, asking: Callable[[], Awaitable[tuple[int, int]]]
) -> None:
    while time.monotonic() < until:
        begun = time.monotonic()
        status, after = await asyncio.wait_for(asking(), PATIENCE)
        watch.note(what, status, time.monotonic() - begun)
        await asyncio.sleep(after if what == "costly" and after else pause)


async def flood(port: int, key: str, seconds: float) -> Watch:
    watch, until = Watch(), time.monotonic() + seconds
    people = Crowd(int(time.time())).people(10_000)

    def report() -> bytes:
        name, born = next(people)
        person = {"full_name": name, "birth_date": str(born or 1980)}
        detention = {"detained_on": "2025-06-03", "country": "VE"}
        body = {"source_record_id": f"F-{time.monotonic_ns()}", "detainee": person, "detention": detention}
        return json.dumps({**body, "release": {"released_on": "2026-01-11"}}).encode()

    clients = [partial(ask, port, COSTLY, f"203.0.113.{number}") for number in range(CLIENTS)]
    await asyncio.gather(
        *(again_and_again(watch, "costly", until, 0, client) for client in clients),
        again_and_again(watch, "write", until, 0.5, lambda: ask(port, "/v1/releases", "198.51.100.1", key, report())),
        again_and_again(watch, "cheap", until, 0.1, lambda: ask(port, CHEAP, "198.51.100.2")),
        again_and_again(watch, "health", until, 0.1, lambda: ask(port, "/healthz", "198.51.100.3")),
        again_and_again(watch, "ready", until, 0.5, lambda: ask(port, "/readyz", "198.51.100.3")),
    )
    return watch


async def unfinished(port: int, key: str, pid: int) -> str:
    """Memory while many uploads lack their last byte, each sent by another address with the same key."""
    before, sent, connections = memory(pid), 0, []
    piece = b"x" * 65_536
    for number in range(UPLOADS):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("POST", "/v1/imports", f"203.0.113.{number}", key, UPLOAD_BYTES))
        connections.append(writer)

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        left = UPLOAD_BYTES - 1
        while left:
            writer.write(piece[:left])
            await writer.drain()
            sent += min(left, len(piece))
            left -= min(left, len(piece))

    sending = [asyncio.ensure_future(send(writer)) for writer in connections]
    await asyncio.wait(sending, timeout=15)
    held = memory(pid)
    for task, writer in zip(sending, connections, strict=True):
        task.cancel()
        writer.transport.abort()
    await asyncio.gather(*sending, return_exceptions=True)
    return f"{UPLOADS} unfinished uploads: {sent / 2**20:.0f} MiB sent, memory {before:.0f} to {held:.0f} MiB\n"


async def half_headers(port: int) -> str:
    """How long connections stay that send half a header and then a byte now and then, and whether health answers."""
    begun, lasted = time.monotonic(), []

    async def drip() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/sources HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        ended = asyncio.ensure_future(reader.read())
        with suppress(OSError):
            while not ended.done() and time.monotonic() - begun < HALF_SECONDS:
                await asyncio.wait([ended], timeout=2)
                writer.write(b"x")
        if ended.done():
            lasted.append(time.monotonic() - begun)
        ended.cancel()
        writer.transport.abort()

    watch = Watch()
    health = again_and_again(
        watch, "health", begun + HALF_SECONDS / 2, 0.1, lambda: ask(port, "/healthz", "198.51.100.3")
    )
    await asyncio.gather(health, *(drip() for _ in range(HALF_HEADERS)))
    longest = f", the last after {max(lasted):.0f} s" if lasted else ""
    return f"{HALF_HEADERS} half headers: {len(lasted)} closed{longest}\n{watch.lines()}"


def memory(pid: int) -> float:
    """MiB that a process holds (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def registry(folder: Path, people: int = PEOPLE) -> tuple[str, str]:
    """The address of a registry of so many people, made if it is not there yet, and a new key."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{people}.db"
    url = f"sqlite:///{file}"
    if not file.exists():
        prepare(url)
        engine = make_engine(url)
        data, options = csv_of(people, crowd=True), ImportOptions(confirmed=True)
        row_filing.file_local_list(engine, SECRET, now, "list", SOURCE, data, options, lambda _job: None)
        engine.dispose()
    engine = make_engine(url)
    with open_write_session(engine) as session:
        for old in session.scalars(select(col(ApiKey.id))).all():
            api_keys.revoke_key(session, old, now())
        key = api_keys.create_key(session, Role.REPORTER, SOURCE, 1, now())
    engine.dispose()
    return url, key


@contextmanager
def serving(url: str, **settings: str) -> Iterator[tuple[int, int]]:
    """The port and the process of a server on a registry, which is stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "RECUENTO_DATABASE_URL": url, "RECUENTO_SECRET": SECRET.decode(), **settings}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment)  # noqa: S603
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                break
            time.sleep(0.1)
        yield port, server.pid
    finally:
        begun = time.monotonic()
        server.terminate()
        status = server.wait()
        sys.stdout.write(f"stopped with {status} after {time.monotonic() - begun:.1f} s\n")


def main() -> None:
    url, key = registry(Path(sys.argv[1]))
    parts = sys.argv[2:] or ["flood", "uploads", "headers"]
    with serving(url) as (port, pid):
        if "flood" in parts:
            sys.stdout.write(asyncio.run(flood(port, key, SECONDS)).lines())
        if "uploads" in parts:
            sys.stdout.write(asyncio.run(unfinished(port, key, pid)))
        if "headers" in parts:
            sys.stdout.write(asyncio.run(half_headers(port)))


if __name__ == "__main__":
    main()
