"""How fast single reports are stored, each durably and answered, in a registry of so many people on SQLite: by clients
who send one after another, by reports that arrive at a pace, and beside a list that is filed.

    python -m bench.posts FOLDER [PEOPLE]

FOLDER keeps the registry, which is made at the first run. Every report is of somebody new; one in ten is then sent
again, unchanged.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.flood import PATIENCE, Watch, registry, serving
from bench.invented import Crowd, csv_of

CLIENTS, SECONDS = 8, 10.0
PACE = 150  # reports a second
LIST_ROWS = 10_000
BESIDE_A_LIST = 10  # reports a second
AGAIN = 10  # of so many reports one is sent again


class Client:
    """One connection that is kept."""

    def __init__(self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._key = key
        self._reader = reader
        self._writer = writer

    async def ask(self, method: str, path: str, body: bytes = b"", media: str = "application/json") -> tuple[int, Any]:
        """`(status, answer)`."""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n"
        head += f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{head}\r\n".encode() + body)
        status, length = int((await self._reader.readline()).split()[1]), 0
        while line := (await self._reader.readline()).strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return status, json.loads(await self._reader.readexactly(length) or b"null")


@asynccontextmanager
async def connected(port: int, key: str) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(key, reader, writer)
    finally:
        writer.close()


def reports(seed: int) -> Iterator[bytes]:
    for number, (name, born) in enumerate(Crowd(seed).people(100_000)):
        person = {"full_name": name, "birth_date": str(born or 1980)}
        detention = {"detained_on": "2025-06-03", "country": "VE"}
        report = {"source_record_id": f"P-{seed}-{number}", "detainee": person, "detention": detention}
        body = json.dumps({**report, "release": {"released_on": "2026-01-11"}}).encode()
        yield from [body] * (1 + (number % AGAIN == 0))


async def send(client: Client, body: bytes, watch: Watch, due: float | None = None) -> None:
    begun = due or time.monotonic()
    status, _answer = await asyncio.wait_for(client.ask("POST", "/v1/releases", body), PATIENCE)
    watch.note("post", status, time.monotonic() - begun)


async def sustained(port: int, key: str, bodies: Iterator[bytes]) -> str:
    """By clients who send one report after another."""
    watch, until = Watch(), time.monotonic() + SECONDS

    async def work() -> None:
        async with connected(port, key) as client:
            while time.monotonic() < until:
                await send(client, next(bodies), watch)

    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return f"{len(watch.waits['post']) / SECONDS:,.0f} posts/s by {CLIENTS} clients\n{watch.lines()}"


async def arriving(port: int, key: str, bodies: Iterator[bytes]) -> str:
    """At a pace, whether or not those before are answered: each waits from when it was due."""
    watch, begun = Watch(), time.monotonic()
    due: asyncio.Queue[float] = asyncio.Queue()

    async def work() -> None:
        async with connected(port, key) as client:
            while (at := await due.get()) >= 0:
                await send(client, next(bodies), watch, at)

    workers = [asyncio.ensure_future(work()) for _ in range(4 * CLIENTS)]
    for number in range(int(PACE * SECONDS)):
        at = begun + number / PACE
        await asyncio.sleep(at - time.monotonic())
        due.put_nowait(at)
    for _ in workers:
        due.put_nowait(-1)
    await asyncio.gather(*workers)
    return f"{PACE} posts/s arriving\n{watch.lines()}"


async def listed(port: int, key: str, bodies: Iterator[bytes], seed: int, *, posting: bool) -> str:
    """While a list is filed; or the list alone."""
    watch, begun = Watch(), time.monotonic()
    async with connected(port, key) as sender, connected(port, key) as client:
        data = csv_of(LIST_ROWS, seed, crowd=True)
        _status, job = await sender.ask("POST", "/v1/imports?confirm=true", data, "text/csv")
        while True:
            _status, now = await sender.ask("GET", f"/v1/imports/{job['id']}")
            if now["state"] not in ("waiting", "running"):
                break
            if posting:
                await send(client, next(bodies), watch)
            await asyncio.sleep(1 / BESIDE_A_LIST)
    rows = f"a list of {LIST_ROWS:,}: {LIST_ROWS / (time.monotonic() - begun):,.0f} rows/s, {now['state']}"
    return f"{rows}, with posts beside it\n{watch.lines()}" if posting else f"{rows}, alone\n"


def main() -> None:
    url, key = registry(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    seed = int(time.time())
    bodies = reports(seed)
    with serving(url, RECUENTO_RATE_BY_CLIENT="0", RECUENTO_RATE_BY_KEY="0") as (port, _pid):
        sys.stdout.write(asyncio.run(sustained(port, key, bodies)))
        sys.stdout.write(asyncio.run(arriving(port, key, bodies)))
        sys.stdout.write(asyncio.run(listed(port, key, bodies, seed, posting=False)))
        sys.stdout.write(asyncio.run(listed(port, key, bodies, seed + 1, posting=True)))


if __name__ == "__main__":
    main()
