"""Which connections a process has, and whose gives way: on a loop and a transport of the tests."""

import asyncio
import resource
from collections.abc import Callable, Coroutine
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.api.middleware.rate_limits import SCOPE_CONNECTION
from app.cli.http_protocol import (
    KEEP_ALIVE_SECONDS,
    RESERVED_FILES,
    SharedProtocol,
    TooFewFiles,
    build_uvicorn_options,
    raise_file_limit,
)
from app.config import Settings
from app.fair_queue import Client
from app.lanes import Admission
from tests.deploy.before_it import DEPLOY

BODY = b"POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
WHOLE = b"GET /v1/sources HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PROXY, STRANGER, HERE = "172.30.0.2", "203.0.113.7", "127.0.0.1"
ATTACKER, FAMILY = ("203.0.113.0/24", "203.0.113.7"), ("198.51.100.0/24", "198.51.100.9")


class Loop:
    """The loop of a protocol. A request is answered by the next `run` of the test."""

    def __init__(self) -> None:
        self._tasks: list[Coroutine[Any, Any, None]] = []

    def create_task(self, coroutine: Coroutine[Any, Any, None], **_named: Any) -> Any:
        self._tasks.append(coroutine)
        return type("Task", (), {"add_done_callback": lambda _self, _act: None})()

    def run(self) -> None:
        async def run_all() -> None:
            await asyncio.gather(*self._tasks)

        asyncio.run(run_all())
        self._tasks.clear()

    def call_later(self, _seconds: float, _act: Callable[[], None]) -> Any:
        return type("Handle", (), {"cancel": lambda _self: None})()


class Transport(asyncio.Transport):
    """A connection whose client is the test."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 9), "sockname": ("172.30.0.3", 8000)})
        self.ended = False

    def write(self, data: Any) -> None:
        pass

    def close(self) -> None:
        self.ended = True

    abort = close

    def is_closing(self) -> bool:
        return self.ended

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Server:
    """A process that has `most` connections at once. `scopes`: of the requests that came to the application."""

    def __init__(self, most: int, peers: Any = None) -> None:
        self.loop, self.scopes = Loop(), list[Any]()
        self._state, self._admission, self._peers = ServerState(), Admission(most), peers

    async def _answer(self, scope: Any, _receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def connect(self, client: Client | None = None, peer: str = PROXY) -> "Connection":
        """Return a connection, with a request under way of a client."""
        config = uvicorn.Config(self._answer, log_config=None, proxy_headers=False, interface="asgi3")
        protocol: Any = SharedProtocol(
            config, self._state, {}, _loop=self.loop, admission=self._admission, peers=self._peers
        )
        connection = Connection(protocol, peer)
        if client is not None:
            connection.protocol.note_client(client)
        return connection


class Connection:
    """A protocol with its transport."""

    def __init__(self, protocol: Any, peer: str) -> None:
        self.protocol, self.transport = protocol, Transport(peer)
        protocol.connection_made(self.transport)

    @property
    def is_closed(self) -> bool:
        if self.transport.ended:
            self.protocol.connection_lost(None)
        return self.transport.ended


def test_of_too_many_the_newest_connection_of_the_network_with_most_is_closed_and_not_the_slowest() -> None:
    server = Server(4)
    slow = server.connect(FAMILY)
    slow.protocol.data_received(BODY)
    first, second, third = (server.connect(ATTACKER) for _number in range(3))
    newcomer = server.connect(("192.0.2.0/24", "192.0.2.1"))
    assert [each.is_closed for each in (slow, first, second, third, newcomer)] == [False, False, False, True, False]
    fourth = server.connect(ATTACKER)
    assert [each.is_closed for each in (slow, first, second, fourth, newcomer)] == [False, False, True, False, False]
    server.loop.run()


def test_a_connection_that_ends_makes_room() -> None:
    server = Server(2)
    first, second = server.connect(ATTACKER), server.connect(FAMILY)
    first.protocol.connection_lost(None)
    assert not server.connect(ATTACKER).is_closed
    assert not second.is_closed


def test_a_connection_counts_for_the_client_of_its_last_request() -> None:
    server = Server(2)
    shared = server.connect(ATTACKER)
    shared.protocol.note_client(FAMILY)
    first, second = server.connect(ATTACKER), server.connect(ATTACKER)
    assert [each.is_closed for each in (shared, first, second)] == [False, False, True]


def test_the_application_is_told_by_which_connection_a_request_came() -> None:
    server = Server(2)
    connection = server.connect()
    connection.protocol.data_received(WHOLE)
    server.loop.run()
    assert [scope[SCOPE_CONNECTION] for scope in server.scopes] == [connection.protocol]


@pytest.mark.parametrize(
    "peer,request_bytes,is_answered",
    [(PROXY, WHOLE, True), (STRANGER, WHOLE, False), (HERE, WHOLE, False), (HERE, HEALTH, True)],
    ids=["proxy", "stranger", "this machine", "health check"],
)
def test_off_loopback_only_trusted_proxies_are_answered_and_the_health_check(
    peer: str, request_bytes: bytes, is_answered: bool
) -> None:
    server = Server(2, peers=[ip_network("172.30.0.0/24")])
    connection = server.connect(peer=peer)
    if not connection.transport.ended:
        connection.protocol.data_received(request_bytes)
        server.loop.run()
    assert (len(server.scopes), connection.transport.ended) == (int(is_answered), not is_answered)


@pytest.mark.parametrize("host,is_bounded", [("127.0.0.1", False), ("::1", False), ("localhost", False),
    ("0.0.0.0", True), ("::", True), ("192.0.2.1", True), ("registry.example", True)])  # fmt: skip
def test_who_is_answered_depends_on_the_address_to_listen_on(host: str, is_bounded: bool) -> None:
    peers = build_uvicorn_options(Settings(host=host, trusted_proxies="172.30.0.2"))["http"].keywords["peers"]
    assert peers == ([ip_network("172.30.0.2")] if is_bounded else None)


def test_each_proxy_lets_go_of_a_connection_before_the_registry_does() -> None:
    """Our configurations leave that as it is: 120 seconds by Caddy, 60 by nginx and Varnish."""
    for proxy in ("Caddyfile", "nginx.conf", "varnish.vcl"):
        assert not {"keepalive", "keepalive_timeout", "backend_idle_timeout"} & {*(DEPLOY / proxy).read_text().split()}
    assert KEEP_ALIVE_SECONDS > 120


def test_a_process_is_let_have_the_files_that_its_connections_need(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 4_096))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: allowed.append(limits))
    raise_file_limit(32)
    assert allowed == []
    raise_file_limit(800)
    assert allowed == [(800 + RESERVED_FILES, 4_096)]


def test_a_server_that_may_not_have_the_files_says_what_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    _allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(TooFewFiles, match=r"LimitNOFILE=.*RECUENTO_CONNECTIONS"):
        raise_file_limit(most + 1)


def test_a_stop_cuts_half_a_body_off_and_lets_an_answer_come_to_its_end() -> None:
    server = Server(3)
    half, asked, silent = server.connect(), server.connect(), server.connect()
    half.protocol.data_received(BODY + b"x")
    asked.protocol.data_received(WHOLE)
    for each in (half, asked, silent):
        each.protocol.shutdown()
    assert [each.transport.ended for each in (half, asked, silent)] == [True, False, True]
    server.loop.run()
