"""Limit the connections of uvicorn's HTTP/1.1: their number, and off loopback their peers.

The proxy before the server bounds the time of a header, a body and a response (deploy/nginx.conf). Here only the number
of connections is bounded. uvicorn's own limit refuses the newest, which would be anybody's.
"""

import asyncio
import resource
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.middleware.rate_limits import SCOPE_CONNECTION, UNLIMITED_PATH
from app.config import Settings, is_loopback
from app.fair_queue import Client
from app.lanes import Admission

# Open files of a process besides its connections: of the database, of uploaded lists, and of the libraries.
RESERVED_FILES = 224
# Longer than proxies keep idle connections (nginx and Varnish 60 seconds, Caddy 120). If the server closes first, a
# request in transit is lost, and a proxy does not repeat a POST.
KEEP_ALIVE_SECONDS = 150
# For requests to finish when the server stops. Queries that are running then still get their time.
SHUTDOWN_TIMEOUT_SECONDS = 5
NEW_CLIENT: Client = ("new",)  # of a connection whose first request has not come

Networks = Sequence[IPv4Network | IPv6Network]


class TooFewFiles(RuntimeError):
    """The system allows a process fewer open files than its connections need."""


class SharedProtocol(H11Protocol):
    """One connection of a process that clients share.

    `admission`: of all connections. `peers`: the networks that are answered; None answers everybody. A loopback address
    that is not among them is that of the health check.
    """

    def __init__(self, *args: Any, admission: Admission, peers: Networks | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._admission, self._peers, self._client, self._is_health_check = admission, peers, NEW_CLIENT, False
        self._inner_app, self.app = self.app, self._run_app

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # as it is for every stream
        super().connection_made(transport)
        if self._peers is not None and self.client is not None:
            address = ip_address(self.client[0].partition("%")[0])
            is_peer = any(address in network for network in self._peers)
            self._is_health_check = not is_peer and address.is_loopback
            if not is_peer and not self._is_health_check:
                self.close()
                return
        self._admission.admit(self._client, self.close)

    async def _run_app(self, scope: Any, receive: Any, send: Any) -> None:
        if self._is_health_check and scope["path"] != UNLIMITED_PATH:
            self.close()
            return
        await self._inner_app({**scope, SCOPE_CONNECTION: self}, receive, send)

    def note_client(self, client: Client) -> None:
        """Count the connection for the client of its current request."""
        if client != self._client and not self.transport.is_closing():
            self._admission.end(self._client, self.close)
            self._client = client
            self._admission.admit(client, self.close)

    def close(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._admission.end(self._client, self.close)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Drop a body that is only half here: the client sends it again."""
        if not getattr(self.cycle, "response_complete", True) and self.cycle.more_body:
            self.close()
        else:
            super().shutdown()


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
    peers = None if is_loopback(settings.host) else list_trusted_networks(settings)
    return {
        "http": partial(SharedProtocol, admission=Admission(settings.connections), peers=peers),
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": SHUTDOWN_TIMEOUT_SECONDS,
    }


def list_trusted_networks(settings: Settings) -> Networks:
    """Return the networks of the trusted proxies."""
    return [ip_network(network) for network in filter(None, map(str.strip, settings.trusted_proxies.split(",")))]
