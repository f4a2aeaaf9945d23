"""Clients on loopback that each send the next request once the last is answered, at little cost to the machine."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.reading.servers import PATIENCE, Server

CLIENTS = 8
END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Told:
    """What requests came to: seconds each, of processor time of the server in all, and over how long they went."""

    seconds: list[float] = field(default_factory=list)
    processor: float = 0.0
    lasted: float = 0.0

    def add(self, other: "Told") -> None:
        self.seconds += other.seconds
        self.processor += other.processor
        self.lasted += other.lasted

    @property
    def number(self) -> int:
        return len(self.seconds)

    def late(self, share: float) -> float:
        """The seconds within which that share of the requests was answered."""
        return sorted(self.seconds)[min(self.number - 1, int(self.number * share))]


class Line(asyncio.Protocol):
    """A connection that is kept open, with one request on it at a time."""

    def __init__(self) -> None:
        self._come = bytearray()
        self._whole: asyncio.Future[bytes] | None = None
        self._length: int | None = None  # of the answer with its head; -1: it comes in chunks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes) -> bytes:
        """The answer, head and body."""
        self._come.clear()
        self._length = None
        self._whole = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._whole

    def data_received(self, data: bytes) -> None:
        self._come += data
        if self._length is None and (end := self._come.find(END)) > 0:
            self._length = _length(bytes(self._come[:end]).lower(), end + len(END))
        if self._length is None or self._whole is None:
            return
        if self._come.endswith(LAST_CHUNK) if self._length < 0 else len(self._come) >= self._length:
            self._whole.set_result(bytes(self._come))
            self._whole = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(error or ConnectionError("the server hung up"))


def _length(head: bytes, after: int) -> int:
    if head.startswith(b"http/1.1 304"):
        return after
    _before, found, rest = head.partition(b"content-length:")
    return after + int(rest.split(b"\r", 1)[0]) if found else -1


def request(path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n.replace('_', '-')}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def line_to(server: Server) -> Line:
    _transport, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", server.port)
    return line


def status_of(answer: bytes) -> int:
    return int(answer[9:12])


async def again_and_again(server: Server, asked: bytes, seconds: float, status: int = 200) -> Told:
    """One request, from CLIENTS at once, for so long. Raises RuntimeError for another status."""
    told = Told()
    lines = [await line_to(server) for _ in range(CLIENTS)]
    spent, begun = server.processor_seconds(), time.perf_counter()
    until = begun + seconds

    async def client(line: Line) -> None:
        sent = time.perf_counter()
        while sent < until:
            _require(await line.ask(asked), status, server, asked)
            answered = time.perf_counter()
            told.seconds.append(answered - sent)
            sent = answered

    await asyncio.gather(*map(client, lines))
    told.lasted = time.perf_counter() - begun
    told.processor = server.processor_seconds() - spent
    for line in lines:
        line.transport.close()
    return told


async def one_by_one(server: Server, paths: Iterable[str], **headers: str) -> Told:
    """Each request once, one after another."""
    told, line = Told(), await line_to(server)
    spent = server.processor_seconds()
    for path in paths:
        asked, sent = request(path, **headers), time.perf_counter()
        _require(await asyncio.wait_for(line.ask(asked), PATIENCE), 200, server, asked)
        told.seconds.append(time.perf_counter() - sent)
    told.processor = server.processor_seconds() - spent
    told.lasted = sum(told.seconds)
    line.transport.close()
    return told


async def answer_to(server: Server, path: str, **headers: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of one answer that comes whole."""
    line = await line_to(server)
    asked = request(path, **headers)
    head, _end, body = (_require(await line.ask(asked), 200, server, asked)).partition(END)
    line.transport.close()
    pairs = [one.partition(": ") for one in head.decode().splitlines()[1:]]
    return {name.lower(): value for name, _colon, value in pairs}, body


def _require(answer: bytes, status: int, server: Server, asked: bytes) -> bytes:
    if status_of(answer) != status:
        raise RuntimeError(f"{server.name} answered {asked.split(b' ')[1]!r} with {answer[:600]!r}")
    return answer
