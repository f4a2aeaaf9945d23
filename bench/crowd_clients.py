"""The clients of a crowd (`bench.crowd`): each has a connection of its own, and all have one book, in which stands
whatever was answered that must not be."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bench.flood import Watch
from bench.invented import Crowd, csv_of
from bench.reading.load import END, Line, line_to, request, status_of
from bench.reading.questions import COUNT, OVERLAP, WARM, windows, years
from bench.reading.servers import Server

EVERY = 4.0  # seconds between two polls of a dashboard: uvicorn hangs up after five without a request
LOOKS_EVERY = 0.5  # seconds between two looks at how far the list has got
PATIENCE = 90.0  # seconds for one answer: longer than a costly question may wait and take
HUNG_UP = 0  # as a status: the server closed the connection instead of answering
# What may be answered. Refused for want of room, with the time to ask again, are costly questions alone.
ALLOWED = {"poll": {200, 304}, "post": {201}, "list": {202}, "follow": {200}, "costly": {200, 429}}


@dataclass
class Told:
    """What the crowd was told. `revision`: the newest that anybody was told of; `late`: the seconds by which clocks of
    the clients themselves were late; `anew`: how often a connection was made in place of one that had ended between
    requests; `filed`: rows of the list, within so many seconds."""

    watch: Watch = field(default_factory=Watch)
    faults: list[str] = field(default_factory=list)
    revision: int = 0
    late: list[float] = field(default_factory=list)
    anew: int = 0
    filed: int = 0
    filed_in: float = 0.0


class Client:
    """A client with one connection."""

    def __init__(self, server: Server, told: Told) -> None:
        self._server, self._told = server, told
        self._line: Line | None = None

    async def ask(self, kind: str, asked: bytes) -> tuple[int, dict[str, str], bytes]:
        """`(status, headers, body)`. Notes the wait, and what must not be. `kind`: of ALLOWED."""
        told, known, begun = self._told, self._told.revision, time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                if self._line is None or self._line.transport.is_closing():
                    told.anew += self._line is not None
                    self._line = await line_to(self._server)
                answer = await self._line.ask(asked)
        except OSError as error:  # TimeoutError is one
            self._fault(kind, f"was not answered: {type(error).__name__} {error}")
            told.watch.note(kind, HUNG_UP, time.monotonic() - begun)
            if self._line is not None:
                self._line.transport.abort()
            return HUNG_UP, {}, b""
        told.watch.note(kind, status_of(answer), time.monotonic() - begun)
        head, _end, body = answer.partition(END)
        pairs = [line.partition(": ") for line in head.decode("latin-1").splitlines()[1:]]
        headers = {name.lower(): value for name, _colon, value in pairs}
        self._look(kind, status_of(answer), headers, body, known)
        return status_of(answer), headers, body

    def _look(self, kind: str, status: int, headers: dict[str, str], body: bytes, known: int) -> None:
        """Note what must not be in an answer. `known`: the newest revision told to anybody before it was asked for."""
        if status not in ALLOWED[kind] or (status == 429 and "retry-after" not in headers):
            self._fault(kind, f"was answered with {status}: {body[:300]!r}")
        revision = headers.get("recuento-revision")
        if revision is None:
            if kind in ("poll", "follow") or (kind == "costly" and status == 200):
                self._fault(kind, "was not told of its revision")
            return
        if int(revision) < known:
            self._fault(kind, f"was told of {revision} after somebody had been told of {known}")
        if kind == "poll" and status == 200 and b'"at":{"revision":%d,' % int(revision) not in body:
            self._fault(kind, f"has another revision than its header, {revision}: {body[:40]!r}")
        self.learn(int(revision))

    def learn(self, revision: int) -> None:
        """Whoever asks from now on must be told of at least this revision."""
        self._told.revision = max(self._told.revision, revision)

    def _fault(self, kind: str, what: str) -> None:
        self._told.faults.append(f"{kind} {what}")

    def close(self) -> None:
        if self._line is not None:
            self._line.transport.close()


def sent(path: str, key: str, body: bytes, kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", f"Content-Type: {kind}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def poll(client: Client, until: float, begins: float) -> None:
    """A dashboard."""
    tag: dict[str, str] = {}
    while begins < until:
        await asyncio.sleep(begins - time.monotonic())
        status, headers, _body = await client.ask("poll", request(WARM, **tag))
        if status == 200:
            tag = {"If_None_Match": headers["etag"]}
        begins = max(begins + EVERY, time.monotonic())


async def post(client: Client, until: float, begins: float, key: str, bodies: Iterator[bytes]) -> None:
    while begins < until:
        await asyncio.sleep(begins - time.monotonic())
        status, _headers, body = await client.ask("post", sent("/v1/releases", key, next(bodies)))
        if status == 201:
            client.learn(json.loads(body)["receipt"]["revision"])
        begins = max(begins + 1, time.monotonic())


async def send_list(client: Client, told: Told, until: float, key: str, lines: int) -> None:
    """Send a list, and follow it."""
    mark = "a-mark-that-stands-in-no-list"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="l.csv"\r\n\r\n'.encode()
    form = head + csv_of(lines, crowd=True) + f"\r\n--{mark}--\r\n".encode()
    kind = f"multipart/form-data; boundary={mark}"
    status, headers, body = await client.ask("list", sent("/v1/imports?confirm=true", key, form, kind))
    begun = time.monotonic()
    if status != 202:
        return
    while time.monotonic() < until:
        asked = request(headers["location"], Authorization=f"Bearer {key}")
        status, _headers, body = await client.ask("follow", asked)
        if status == 200:
            job = json.loads(body)
            client.learn(job["last_revision"] or 0)
            told.filed, told.filed_in = job["settled"], time.monotonic() - begun
            if job["state"] in ("failed", "questioned") or job["counts"]["error"]:
                told.faults.append(f"the list is not filed: {job['state']}, {job['counts']}, {job['problem']}")
            if job["finished_at"] is not None:
                return
        await asyncio.sleep(LOOKS_EVERY)


async def ask_costly(client: Client, until: float, paths: Iterator[str]) -> None:
    while time.monotonic() < until:
        status, headers, _body = await client.ask("costly", request(next(paths)))
        await asyncio.sleep(int(headers.get("retry-after", "1")) if status != 200 else 0)


async def tell_late(told: Told, until: float) -> None:
    """How late clocks are here, which every wait holds in it."""
    while (now := time.monotonic()) < until:
        await asyncio.sleep(0.05)
        told.late.append(time.monotonic() - now - 0.05)


def costly() -> Iterator[str]:
    """What costs most, of everybody, none of it twice."""
    three = windows(COUNT, group_by=["source", "day", "age_group"], net="true")
    places = windows(COUNT, group_by=["source", "facility", "month"], net="true")
    shared, daily = windows(OVERLAP, net="true"), years(by="event")
    for _turn in count():
        yield from (next(three), next(shared), next(places), next(daily))


def reports() -> Iterator[bytes]:
    for number, (name, born) in enumerate(Crowd(2).people(100_000)):
        body = {
            "source_record_id": f"crowd-{number}",
            "detainee": {"full_name": name, "birth_date": str(born or 1980)},
            "detention": {"detained_on": "2025-06-03", "country": "VE"},
            "release": {"released_on": "2026-01-11"},
        }
        yield json.dumps(body).encode()
