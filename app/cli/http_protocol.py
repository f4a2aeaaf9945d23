"""Limit the connections of uvicorn's HTTP/1.1: their number, and how long each may be silent.

uvicorn 0.54 limits the bytes of a header and the time between requests, but not the time of a header, a body or a
response. Field offices send over lines that carry 5 KB a second and fall silent for seconds. So silence is limited; the
total time is limited only for the header, which is a few hundred bytes.
"""

import asyncio
import resource
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.config import Settings

# Open files of a process besides its connections: of the database, of uploaded lists, and of the libraries.
RESERVED_FILES = 224
# A sent request is read within this time, even behind many others: before that no connection counts as idle.
ARRIVAL_SECONDS = 1.0
# Longer than proxies keep idle connections (nginx and Varnish 60 seconds, Caddy 120). If the server closes first, a
# request in transit is lost, and a proxy does not repeat a POST.
KEEP_ALIVE_SECONDS = 150
HEADER_TIMEOUT_SECONDS = 30.0  # from its first byte to its last: three round trips by satellite
# Without a byte of a body. `recuento import --to` gives up a line after twenty (`imports.client.TIMEOUT_SECONDS`).
BODY_TIMEOUT_SECONDS = 60.0
# For the rest of a refused body, which is discarded: cutting the connection at once may lose the response.
REFUSED_BODY_TIMEOUT_SECONDS = 30.0
# Without a byte of a response taken. The system buffers megabytes, which a slow line takes minutes to carry.
RESPONSE_TIMEOUT_SECONDS = 600.0
TIMEOUT_CHECK_SECONDS = 5.0  # the precision of the timeouts
# For requests to finish when the server stops. Queries that are running then still get their time.
SHUTDOWN_TIMEOUT_SECONDS = 5


class TooFewFiles(RuntimeError):
    """The system allows a process fewer open files than its connections need."""


class BoundedProtocol(H11Protocol):
    """One connection with timeouts. `max_connections`: of a process."""

    _waiting_since = 0.0  # when the current wait began, or last made progress
    _has_begun = False  # whether the first bytes of another request have come
    _unsent_bytes = 0  # bytes of the response that the client had not taken at the last check
    _check_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, max_connections: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._max_connections = max_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # as it is for every stream
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        if len(self.connections) > self._max_connections:
            self._make_room()
        self._schedule_check()

    def _make_room(self) -> None:
        """Close the connection that has been idle longest.

        If all have begun a request, close the one that began first, since half headers must not keep others out. If
        every request is in progress or may be in transit, close this newest connection.
        """
        idle_before = self.loop.time() - ARRIVAL_SECONDS
        protocols = [protocol for protocol in self.connections if isinstance(protocol, BoundedProtocol)]
        open_protocols = [protocol for protocol in protocols if not protocol.transport.is_closing()]
        idle_protocols = [
            protocol for protocol in open_protocols if protocol.is_idle and protocol._waiting_since < idle_before
        ]
        min(
            idle_protocols, key=lambda protocol: (protocol._has_begun, protocol._waiting_since), default=self
        ).transport.abort()

    @property
    def is_idle(self) -> bool:
        """Return whether no request is in progress."""
        return bool(getattr(self.cycle, "response_complete", True))  # there is no cycle before the first request

    def data_received(self, data: bytes) -> None:
        if not self.is_idle or not self._has_begun:
            self._waiting_since = self.loop.time()  # not with each byte of a header
        self._has_begun = True
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._waiting_since = self.loop.time()
        self._has_begun = bool(self.conn.trailing_data[0])
        self.cycle.body = bytearray()  # the rest of a refused body
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._check_timer is not None:
            self._check_timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Drop a body that is only half here: the client sends it again."""
        if not self.is_idle and self.cycle.more_body:
            self.transport.abort()
        else:
            super().shutdown()

    def _schedule_check(self) -> None:
        self._check_timer = self.loop.call_later(TIMEOUT_CHECK_SECONDS, self._check_timeout)

    def _check_timeout(self) -> None:
        """Close the connection if the current wait has made no progress for too long."""
        now, unsent_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        if unsent_bytes != self._unsent_bytes or self._is_waiting_for_server(unsent_bytes):
            self._unsent_bytes, self._waiting_since = unsent_bytes, now
        if now - self._waiting_since > self._timeout_seconds(unsent_bytes):
            self.transport.abort()
        else:
            self._schedule_check()

    def _is_waiting_for_server(self, unsent_bytes: int) -> bool:
        """Return whether the client waits for the server: for a response, or for the server to read on."""
        return not unsent_bytes and not self.is_idle and (not self.cycle.more_body or self.flow.read_paused)

    def _timeout_seconds(self, unsent_bytes: int) -> float:
        """Return the timeout of the current wait."""
        if unsent_bytes:
            return RESPONSE_TIMEOUT_SECONDS
        if not self.is_idle:
            return BODY_TIMEOUT_SECONDS
        if self.conn.their_state is h11.SEND_BODY:
            return REFUSED_BODY_TIMEOUT_SECONDS
        return KEEP_ALIVE_SECONDS if self._is_keep_alive_idle else HEADER_TIMEOUT_SECONDS

    @property
    def _is_keep_alive_idle(self) -> bool:
        """Return whether a request has been answered and no other has begun."""
        return self.timeout_keep_alive_task is not None and not self._has_begun


def raise_file_limit(connections: int) -> None:
    """Raise the limit of open files of this process and its children to what so many connections need. Raises
    TooFewFiles."""
    needed_files = connections + RESERVED_FILES
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit >= needed_files:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed_files, hard_limit))
    except (OSError, ValueError) as error:
        raise TooFewFiles(
            f"{connections} connections need {needed_files} files, and the system lets a process have {hard_limit}: "
            "raise that (LimitNOFILE= for systemd, ulimit -n in a shell), or lower RECUENTO_CONNECTIONS."
        ) from error


def build_uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Return our options of uvicorn. No access log: nothing about a client is logged. No header names the server."""
    return {
        "http": partial(BoundedProtocol, max_connections=settings.connections),
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": SHUTDOWN_TIMEOUT_SECONDS,
    }
