"""How long a connection may keep a server waiting, on a clock of the tests: nothing here waits for real."""

import asyncio
import resource
from collections.abc import Callable, Coroutine
from typing import Any

import h11
import pytest
import uvicorn
from uvicorn.server import ServerState

from app.cli.http_protocol import (
    ARRIVAL_SECONDS,
    BODY_TIMEOUT_SECONDS,
    HEADER_TIMEOUT_SECONDS,
    KEEP_ALIVE_SECONDS,
    REFUSED_BODY_TIMEOUT_SECONDS,
    RESERVED_FILES,
    RESPONSE_TIMEOUT_SECONDS,
    TIMEOUT_CHECK_SECONDS,
    BoundedProtocol,
    TooFewFiles,
    raise_file_limit,
)
from tests.deploy.before_it import DEPLOY

HALF_HEADER = b"GET /v1/sources HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
MANY = 800
WHOLE = b"GET /v1/sources HTTP/1.1\r\nHost: x\r\n\r\n"


class Clock:
    """The loop of a protocol: what it wants to do later is done when the clock has come that far."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, Callable[[], None], list[bool]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, act: Callable[[], None]) -> Any:
        cancelled: list[bool] = []
        self._timers.append((self.now + seconds, act, cancelled))
        return type("Handle", (), {"cancel": lambda _self: cancelled.append(True)})()

    def create_task(self, coroutine: Coroutine[Any, Any, None], **_named: Any) -> Any:
        coroutine.close()  # the request is not answered unless the test says so
        return type("Task", (), {"add_done_callback": lambda _self, _act: None})()

    def go_on(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= until]:
            timer = min(due, key=lambda each: each[0])
            self._timers.remove(timer)
            self.now = max(self.now, timer[0])
            if not timer[2]:
                timer[1]()
        self.now = until


class Transport(asyncio.Transport):
    """A connection whose client is the test."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.7", 9), "sockname": ("127.0.0.1", 8000)})
        self.ended = False
        self.unsent = 0

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

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Connection:
    """A protocol with its transport."""

    def __init__(self, clock: Clock, state: ServerState, most: int) -> None:
        config = uvicorn.Config(lambda _scope: None, log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS)
        self.protocol: Any = BoundedProtocol(config, state, {}, max_connections=most, _loop=clock)
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    @property
    def ended(self) -> bool:
        return self.transport.ended

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def answer(self) -> None:
        """The response has been sent whole."""
        cycle = self.protocol.cycle
        cycle.response_started = cycle.response_complete = True
        self.protocol.conn.send(h11.Response(status_code=401, headers=[("content-length", "0")]))
        self.protocol.conn.send(h11.EndOfMessage())
        self.protocol.on_response_complete()

    def leave(self) -> None:
        """The connection is lost to the server, as it is once it has been cut."""
        self.protocol.connection_lost(None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Callable[[], Connection]:
    return connecting(clock, most=MANY)


def connecting(clock: Clock, most: int) -> Callable[[], Connection]:
    """By which clients of a server connect that has `most` connections at once."""
    state = ServerState()
    return lambda: Connection(clock, state, most)


def drip(clock: Clock, connection: Connection, byte: bytes, every: float, seconds: float) -> None:
    """Send a byte now and then, for so long or until the connection has been cut."""
    until = clock.now + seconds
    while clock.now < until and not connection.ended:
        connection.send(byte)
        clock.go_on(every)


def test_who_says_nothing_is_let_go_of(clock: Clock, connect: Callable[[], Connection]) -> None:
    connection = connect()
    clock.go_on(HEADER_TIMEOUT_SECONDS - 1)
    assert not connection.ended
    clock.go_on(TIMEOUT_CHECK_SECONDS + 1)
    assert connection.ended


def test_a_header_that_drips_is_cut_off_however_often_a_byte_comes(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    connection = connect()
    connection.send(HALF_HEADER)
    drip(clock, connection, b"x", 1, HEADER_TIMEOUT_SECONDS - 2)
    assert not connection.ended
    drip(clock, connection, b"x", 1, TIMEOUT_CHECK_SECONDS + 3)
    assert connection.ended


def test_the_header_of_a_later_request_has_as_long(clock: Clock, connect: Callable[[], Connection]) -> None:
    connection = connect()
    connection.send(WHOLE)
    clock.go_on(1_000)  # the answer is ours to give
    connection.answer()
    clock.go_on(3)
    connection.send(HALF_HEADER)
    drip(clock, connection, b"x", 1, HEADER_TIMEOUT_SECONDS - 2)
    assert not connection.ended
    drip(clock, connection, b"x", 1, TIMEOUT_CHECK_SECONDS + 3)
    assert connection.ended


def test_a_slow_body_may_take_hours_as_long_as_it_never_falls_silent(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    connection = connect()
    connection.send(BODY)
    drip(clock, connection, b"x", BODY_TIMEOUT_SECONDS - TIMEOUT_CHECK_SECONDS - 1, 7_200)
    assert not connection.ended
    clock.go_on(BODY_TIMEOUT_SECONDS + 2 * TIMEOUT_CHECK_SECONDS)
    assert connection.ended


def test_the_rest_of_a_refused_body_is_thrown_away_for_so_long_and_no_longer(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    connection = connect()
    connection.send(BODY)
    connection.answer()
    drip(clock, connection, b"x", 1, REFUSED_BODY_TIMEOUT_SECONDS - 2)
    assert not connection.ended
    drip(clock, connection, b"x", 1, 2 * TIMEOUT_CHECK_SECONDS + 3)
    assert connection.ended


def test_nobody_is_cut_off_while_the_answer_or_the_room_for_a_body_is_ours_to_give(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    asking, sending = connect(), connect()
    asking.send(WHOLE)
    sending.send(BODY + b"x" * 70_000)  # more than is taken in before the body is asked for
    clock.go_on(3_600)
    assert not asking.ended
    assert not sending.ended


def test_who_takes_an_answer_slowly_gets_it_and_who_takes_nothing_of_it_does_not(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    slow, deaf = connect(), connect()
    for each in (slow, deaf):
        each.send(WHOLE)
        each.transport.unsent = 1_000_000
    for _ in range(20):
        slow.transport.unsent -= 5_000
        clock.go_on(60)
    assert not slow.ended
    assert deaf.ended
    clock.go_on(RESPONSE_TIMEOUT_SECONDS + 2 * TIMEOUT_CHECK_SECONDS)
    assert slow.ended


def test_of_too_many_the_one_that_has_asked_nothing_for_longest_makes_room(clock: Clock) -> None:
    connect = connecting(clock, most=3)
    busy, first = connect(), connect()
    busy.send(WHOLE)
    clock.go_on(1)
    second = connect()
    clock.go_on(ARRIVAL_SECONDS + 1)
    third = connect()
    assert (busy.ended, first.ended, second.ended, third.ended) == (False, True, False, False)


def test_for_each_who_comes_another_makes_room(clock: Clock) -> None:
    connect = connecting(clock, most=2)
    there = [connect(), connect()]
    clock.go_on(ARRIVAL_SECONDS + 1)
    newcomers = [connect(), connect()]
    assert all(each.ended for each in there)
    assert not any(each.ended for each in newcomers)


def test_who_has_begun_to_ask_makes_room_only_where_nobody_rests(clock: Clock) -> None:
    connect = connecting(clock, most=2)
    half = connect()
    half.send(HALF_HEADER)
    clock.go_on(3)
    rests = connect()
    rests.send(WHOLE)
    rests.answer()
    clock.go_on(ARRIVAL_SECONDS + 1)
    newcomer = connect()
    assert (half.ended, rests.ended, newcomer.ended) == (False, True, False)
    newcomer.send(WHOLE)
    rests.leave()
    later = connect()
    assert (half.ended, newcomer.ended, later.ended) == (True, False, False)


def test_of_many_who_come_at_once_none_is_cut_off_whose_request_may_be_on_its_way(clock: Clock) -> None:
    connect = connecting(clock, most=3)
    rested = connect()
    rested.send(WHOLE)
    rested.answer()
    clock.go_on(ARRIVAL_SECONDS / 2)
    there = [rested, connect(), connect()]
    newcomer = connect()
    assert newcomer.ended
    assert not any(each.ended for each in there)


def test_where_everybody_is_busy_a_newcomer_is_turned_away(clock: Clock) -> None:
    connect = connecting(clock, most=1)
    busy = connect()
    busy.send(WHOLE)
    clock.go_on(ARRIVAL_SECONDS + 1)
    assert connect().ended
    assert not busy.ended


def test_who_was_answered_may_rest_longer_than_proxies_do_but_not_in_the_middle_of_a_header(
    clock: Clock, connect: Callable[[], Connection]
) -> None:
    rests, half = connect(), connect()
    for each in (rests, half):
        each.send(WHOLE)
    half.send(HALF_HEADER)  # before the answer, as in a row
    for each in (rests, half):
        each.answer()
    clock.go_on(HEADER_TIMEOUT_SECONDS + 2 * TIMEOUT_CHECK_SECONDS)
    assert (rests.ended, half.ended) == (False, True)
    clock.go_on(KEEP_ALIVE_SECONDS - HEADER_TIMEOUT_SECONDS - 3 * TIMEOUT_CHECK_SECONDS)
    assert not rests.ended
    clock.go_on(3 * TIMEOUT_CHECK_SECONDS)
    assert rests.ended


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


def test_a_stop_cuts_half_a_body_off_and_lets_an_answer_come_to_its_end(connect: Callable[[], Connection]) -> None:
    half, asked, silent = connect(), connect(), connect()
    half.send(BODY + b"x")
    asked.send(WHOLE)
    for each in (half, asked, silent):
        each.protocol.shutdown()
    assert (half.ended, asked.ended, silent.ended) == (True, False, True)
