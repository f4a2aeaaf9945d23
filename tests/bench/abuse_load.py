"""What one machine, or one source, does to the waits of others: a server on loopback, a flood, and honest requests.

Each function returns a `Load`: the 99th percentile of honest requests while nobody else asks, and beside the flood.
Where there is nginx, it stands before the server as deploy/ configures it; else clients are named by a trusted proxy.
Floods run in a process of their own, for bounded times.
"""

import asyncio
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session

from app.db.engine import make_engine, migrate_database
from app.demo.run import load_replay
from app.registry import api_keys
from app.vocabulary import Role
from bench.drill_import import SECRET, now
from bench.flood import serving
from bench.invented import csv_of
from tests.deploy import before_it

SECONDS = 12.0  # of each run
MAX_REQUESTS = 20_000  # of one flood
SLOW_UPLOADS, PAGE_CONNECTIONS, PICTURE_CLIENTS = 820, 40, 10
ATTACKER_LISTS, ATTACKER_ROWS, HONEST_ROWS = 5, 4_000, 1_500
HONEST = "198.51.100.9"
ATTACKER_NETWORK = "203.0.113."  # one machine's: all addresses of its network
ANSWER_SECONDS = 60.0
SOURCES = ("foro-penal", "jep")  # the attacker's, and another


@dataclass(frozen=True)
class Registry:
    """A server to ask. `header`: names a client's address; `keys`: of SOURCES."""

    port: int
    header: str
    keys: tuple[str, str]


@dataclass
class Load:
    """Seconds of honest requests: quiet, and beside the flood. `statuses`: of both; `flood`: of the flood."""

    quiet: list[float] = field(default_factory=list)
    attacked: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    flood: Counter[int] = field(default_factory=Counter)

    @property
    def ratio(self) -> float:
        return find_p99(self.attacked) / find_p99(self.quiet)

    def format(self) -> str:
        quiet, attacked = find_p99(self.quiet), find_p99(self.attacked)
        told = f"{dict(self.statuses)}, flood {dict(self.flood)}"
        return f"p99 quiet {quiet:.3f} s ({len(self.quiet)}), attacked {attacked:.3f} s ({len(self.attacked)}), {told}"


def find_p99(seconds: list[float]) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else float("inf")


@contextmanager
def served_registry() -> Iterator[Registry]:
    """Serve the demo's month in a new database, behind nginx where there is one."""
    has_nginx = before_it.missing("nginx") is None
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/registry.db"
        engine = make_engine(url)
        migrate_database(engine)
        with Session(engine) as session:
            load_replay(session, SECRET)
            first, second = (api_keys.create_key(session, Role.REPORTER, slug, 1, now()) for slug in SOURCES)
            session.commit()
        engine.dispose()
        with serving(url, RECUENTO_RATE_BY_CLIENT="0", RECUENTO_RATE_BY_KEY="0") as (port, _pid):
            before = before_it.standing_before("nginx", port, Path(folder) / "before") if has_nginx else nullcontext()
            with before as standing:
                yield (
                    Registry(port, "X-Forwarded-For", (first, second))
                    if standing is None
                    else Registry(standing.ask.port, before_it.AT_HEADER, (first, second))
                )


def build_request(
    registry: Registry, path: str, client: str, *, body: bytes = b"", length: int | None = None, key: str = "",
    media_type: str = "application/json",
) -> bytes:  # fmt: skip
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: registry.example", "Connection: close"]
    lines += [f"{registry.header}: {client}"] + [f"Authorization: Bearer {key}"] * bool(key)
    if body:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(registry: Registry, request: bytes) -> tuple[int, bytes]:
    """Return `(status, body)` of a request on a connection of its own; status 0 where no answer came."""
    with suppress(OSError, TimeoutError, IndexError, ValueError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", registry.port)
            try:
                writer.write(request)
                answer = await reader.read(-1)
            finally:
                writer.close()
        return int(answer.split(maxsplit=2)[1]), answer.partition(b"\r\n\r\n")[2]
    return 0, b""


def list_windows(year: int) -> Iterator[str]:
    """Yield ever other first days of a window, so that no answer is stored."""
    for number in range(MAX_REQUESTS):
        yield f"{year + number // 336 % 25}-{1 + number // 28 % 12:02}-{1 + number % 28:02}"


async def repeat(until: float, asking: Callable[[], Awaitable[tuple[int, bytes]]], statuses: Counter[int]) -> None:
    while time.monotonic() < until:
        statuses[(await asking())[0]] += 1


async def trickle(registry: Registry, client: str, until: float, statuses: Counter[int]) -> None:
    """Upload a byte now and then without a key, and begin again where that is refused."""
    path = "/v1/objections" if int(client.rpartition(".")[2]) % 2 else "/v1/imports"
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", registry.port)
        except OSError:
            statuses[0] += 1
            await asyncio.sleep(0.2)
            continue
        reading = asyncio.create_task(reader.read(64))
        writer.write(build_request(registry, path, client, body=b"{", length=20_000))
        with suppress(OSError):
            while not reading.done() and time.monotonic() < until:
                await asyncio.wait([reading], timeout=0.5)
                writer.write(b" ")
        writer.transport.abort()
        with suppress(OSError, asyncio.CancelledError):
            if not reading.done():
                reading.cancel()
            answer = await reading
            statuses[int(answer.split()[1]) if answer else 0] += 1
        await asyncio.sleep(0.2)


async def flood_uploads(registry: Registry, until: float, statuses: Counter[int]) -> None:
    clients = [f"{ATTACKER_NETWORK}{1 + number % 41}" for number in range(SLOW_UPLOADS)]
    await asyncio.gather(*(trickle(registry, client, until, statuses) for client in clients))


async def _flood_addresses(
    registry: Registry, until: float, statuses: Counter[int], path: str, connections: int, clients: int
) -> None:
    windows = list_windows(2000)

    def asking(client: str) -> Callable[[], Awaitable[tuple[int, bytes]]]:
        return lambda: ask(registry, build_request(registry, path + next(windows), client))

    addresses = [f"{ATTACKER_NETWORK}{1 + number % clients}" for number in range(connections)]
    await asyncio.gather(*(repeat(until, asking(address), statuses) for address in addresses))


async def flood_pages(registry: Registry, until: float, statuses: Counter[int]) -> None:
    await _flood_addresses(registry, until, statuses, "/es/?country=VE&released_from=", PAGE_CONNECTIONS, 4)


async def flood_pictures(registry: Registry, until: float, statuses: Counter[int]) -> None:
    path = "/es/figures/funnel.png?country=VE&released_from="
    await _flood_addresses(registry, until, statuses, path, PICTURE_CLIENTS, PICTURE_CLIENTS)


FLOODS = {"uploads": flood_uploads, "pages": flood_pages, "pictures": flood_pictures}
HONEST_PATHS = {
    "uploads": ("/es/?country=VE", "/v1/sources", "/v1/releases?limit=20"),
    "pages": ("/es/?country=VE&released_from={}", "/v1/sources"),
    "pictures": ("/es/figures/funnel.png?country=VE&released_from={}",),
}


def _run_flood(name: str, registry: Registry, seconds: float, results: "multiprocessing.Queue[Counter[int]]") -> None:
    statuses: Counter[int] = Counter()
    results.put(statuses)  # it begins
    asyncio.run(FLOODS[name](registry, time.monotonic() + seconds, statuses))
    results.put(statuses)


async def _ask_honestly(
    registry: Registry, paths: Iterator[str], windows: Iterator[str], seconds: float, load: Load
) -> list[float]:
    """Return the seconds of one reader's requests, one after another with a pause."""
    waits, until = list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        request = build_request(registry, next(paths).format(next(windows)), HONEST)
        begun = time.monotonic()
        status, _body = await ask(registry, request)
        waits.append(time.monotonic() - begun)
        load.statuses[status] += 1
        await asyncio.sleep(0.05)
    return waits


def measure(name: str, registry: Registry, seconds: float = SECONDS) -> Load:
    """Return the waits of an honest reader, quiet and beside a flood: `uploads`, `pages` or `pictures`."""
    load, context = Load(), multiprocessing.get_context("spawn")
    ask_honestly = partial(_ask_honestly, registry, cycle(HONEST_PATHS[name]), list_windows(1970))
    asyncio.run(ask_honestly(2.0, Load()))  # so that nothing is read for the first time
    load.quiet = asyncio.run(ask_honestly(seconds, load))
    results: multiprocessing.Queue[Counter[int]] = context.Queue()
    flood = context.Process(target=_run_flood, args=(name, registry, seconds + 5, results))
    flood.start()
    results.get(timeout=ANSWER_SECONDS)
    time.sleep(3)  # until all of its connections are there
    load.attacked = asyncio.run(ask_honestly(seconds, load))
    load.flood = results.get(timeout=ANSWER_SECONDS * 2)
    flood.join()
    return load


async def _send_list(registry: Registry, key: str, rows: int, first: int) -> str:
    data = csv_of(first + rows, crowd=True)
    lines = data.decode().splitlines(keepends=True)
    data = "".join([lines[0], *lines[1 + first :]]).encode()
    boundary = "recuento"
    disposition = 'Content-Disposition: form-data; name="file"; filename="l.csv"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n"
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    request = build_request(
        registry, "/v1/imports?confirm=true", HONEST, body=body, key=key,
        media_type=f"multipart/form-data; boundary={boundary}",
    )  # fmt: skip
    status, answer = await ask(registry, request)
    assert status == 202, (status, answer)
    return str(json.loads(answer)["id"])


async def _wait_for_list(registry: Registry, key: str, import_id: str, seconds: float) -> float:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        _status, answer = await ask(registry, build_request(registry, f"/v1/imports/{import_id}", HONEST, key=key))
        state = json.loads(answer)["state"] if answer else ""
        if state in ("done", "failed", "questioned"):
            assert state == "done", answer
            return time.monotonic() - begun
        await asyncio.sleep(0.1)
    raise TimeoutError(import_id)


async def _measure_lists(registry: Registry, rows: int) -> tuple[float, float]:
    attacker, other = registry.keys
    quiet = await _wait_for_list(registry, other, await _send_list(registry, other, rows, 0), 300)
    for number in range(ATTACKER_LISTS):
        await _send_list(registry, attacker, ATTACKER_ROWS, 50_000 + number * ATTACKER_ROWS)
    await asyncio.sleep(1)
    beside = await _wait_for_list(registry, other, await _send_list(registry, other, rows, rows), 300)
    return rows / quiet, rows / beside


def measure_lists(registry: Registry, rows: int = HONEST_ROWS) -> tuple[float, float]:
    """Return the rows a second of a source's list: quiet, and beside five lists of another source."""
    return asyncio.run(_measure_lists(registry, rows))


def main() -> None:
    names = sys.argv[1:] or [*FLOODS, "lists"]
    for name in names:
        with served_registry() as registry:
            if name == "lists":
                quiet, beside = measure_lists(registry)
                told = (
                    f"{quiet:.0f} rows/s quiet, {beside:.0f} rows/s beside another source's lists: {beside / quiet:.2f}"
                )
            else:
                load = measure(name, registry)
                told = f"{load.ratio:.1f} times: {load.format()}"
            sys.stdout.write(f"{name}: {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
