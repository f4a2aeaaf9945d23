"""A line that cuts, resets, stalls and refuses: a proxy before a real server, whose whims are drawn by seed.

Each connection gets a fate and a number of bytes after which it meets it, one for what goes up and one for what comes
down: so a request is lost half-way, or is done and its answer is lost. What came until then is passed on.
"""

import asyncio
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Self

FATES, WEIGHTS = ("cut", "reset", "stall", "refused"), (3, 3, 1, 1)  # none is spared: one good line would carry it all
CHUNK = 1_024  # bytes read at a time: small, so that a slow line is slow
NO_LINGER = struct.pack("ii", 1, 0)  # a socket closed with this sends RST


@dataclass
class BadLine:
    """A proxy to `port` on this machine; use as a context manager. `up`, `down`: the most bytes of a connection before
    its fate; `rate`: bytes a second each way, None for as fast as it goes. `met`: fates, and how many were `spared`."""

    port: int
    seed: int
    up: int
    down: int
    rate: int | None = None
    met: Counter[str] = field(default_factory=Counter)
    sent_up: int = 0
    sent_down: int = 0

    def __post_init__(self) -> None:
        self._pick = random.Random(self.seed)
        self._ready = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="bad line")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._own_port}"

    @property
    def broken(self) -> int:
        """How many connections met a bad end."""
        return self.met.total() - self.met["spared"]

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._call, "127.0.0.1", 0, limit=CHUNK)
        self._own_port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the other side went first, or nobody is there; or it is all over
        finally:
            writer.transport.abort()
            self._calls.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = self._pick.choices(FATES, WEIGHTS)[0]
        up, down = self._pick.randint(0, self.up), self._pick.randint(0, self.down)
        if fate == "refused":
            self.met[fate] += 1
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port, limit=CHUNK)
        try:
            ways = [
                asyncio.ensure_future(self._way(reader, far_writer, up, upward=True)),
                asyncio.ensure_future(self._way(far_reader, writer, down, upward=False)),
            ]
            done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if any(not way.cancelled() and way.exception() is None and way.result() for way in done):
                self.met[fate] += 1
                if fate == "stall":
                    await reader.read()  # until the client hangs up
                elif fate == "reset":
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            else:
                self.met["spared"] += 1
        finally:
            far_writer.transport.abort()

    async def _way(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int, *, upward: bool
    ) -> bool:
        """Pass on at most so many bytes; whether that was the end of it."""
        while most > 0:
            data = await reader.read(min(CHUNK, most))
            if not data:
                return False
            if self.rate is not None:
                await asyncio.sleep(len(data) / self.rate)
            writer.write(data)
            await writer.drain()
            most -= len(data)
            if upward:
                self.sent_up += len(data)
            else:
                self.sent_down += len(data)
        return True
