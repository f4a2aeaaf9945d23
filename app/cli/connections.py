"""uvicorn's HTTP/1.1 with bounds: on how many are connected, and on how long a connection may keep everybody waiting.

uvicorn 0.54 bounds the bytes of a header, and the time between requests; not how long a header, a body or an answer
takes. Field offices send over lines that carry 5 KB a second and fall silent for seconds: what is bounded is silence,
and in all only the header, which is a few hundred bytes.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.config import Settings

# Of one process. Many systems let a process have 1,024 files, and the database needs some.
MOST_CONNECTIONS = 800
HEADER_SECONDS = 30.0  # from its first byte to its last: three round trips by satellite
# Without a byte of a body. Whoever sends lists with `recuento` takes a line for dead after twenty (client.STALLED).
BODY_SECONDS = 60.0
# For the rest of a body that was refused, which is thrown away: a connection that is cut at once may lose the refusal.
REFUSED_SECONDS = 30.0
# Without a byte of an answer taken. The system buffers megabytes, which a slow line takes minutes to carry.
ANSWER_SECONDS = 600.0
LOOKS_EVERY = 5.0  # seconds: bounds are kept as exactly as that
# That a stop lets requests come to their end. Questions that are being answered then still get their time.
STOP_SECONDS = 5


class BoundedProtocol(H11Protocol):
    """One connection."""

    _since = 0.0  # when what is waited for now began, or last moved on
    _unsent = 0  # bytes of the answer that the client had not taken then
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # as it is for every stream
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()
        self._look_again()

    def _make_room(self) -> None:
        """Close whoever has been without a request for longest: half headers must not keep others out."""
        idle = [each for each in self.connections if isinstance(each, BoundedProtocol) and each.is_idle]
        min(idle, key=lambda each: each._since).transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return bool(getattr(self.cycle, "response_complete", True))  # before the first one there is none

    def data_received(self, data: bytes) -> None:
        if self.is_idle and self.timeout_keep_alive_task is not None:
            self._since = self.loop.time()  # the first byte of another request
        elif not self.is_idle:
            self._since = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        self.cycle.body = bytearray()  # what came of a refused body
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """A body that is only half here is let go of: whoever sent it sends it again."""
        if not self.is_idle and self.cycle.more_body:
            self.transport.abort()
        else:
            super().shutdown()

    def _look_again(self) -> None:
        self._look = self.loop.call_later(LOOKS_EVERY, self._end_in_time)

    def _end_in_time(self) -> None:
        """Cut the connection if what is waited for has not moved for too long."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if unsent != self._unsent or self._is_our_turn(unsent):
            self._unsent, self._since = unsent, now
        if now - self._since > self._patience(unsent):
            self.transport.abort()
        else:
            self._look_again()

    def _is_our_turn(self, unsent: int) -> bool:
        """Whether the client waits for us: for its answer, or until we read on."""
        return not unsent and not self.is_idle and (not self.cycle.more_body or self.flow.read_paused)

    def _patience(self, unsent: int) -> float:
        """Seconds that what is waited for may take."""
        if unsent:
            return ANSWER_SECONDS
        if not self.is_idle:
            return BODY_SECONDS
        return REFUSED_SECONDS if self.conn.their_state is h11.SEND_BODY else HEADER_SECONDS


def options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves us. Nothing about a client is logged: no access log, and no header that names the server."""
    return {
        "http": BoundedProtocol,
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": STOP_SECONDS,
    }
