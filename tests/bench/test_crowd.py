"""The short form of `make crowd`, and what it finds."""

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from bench import crowd, crowd_clients
from bench.crowd_clients import Client, Told

CONNECTIONS, SECONDS, LINES = 60, 3.0, 40


def test_a_crowd_is_answered_without_a_failure_and_with_nothing_stale(database_url: str, tmp_path: Path) -> None:
    keys = crowd.two_keys(database_url)
    server = crowd.serve(database_url, tmp_path, CONNECTIONS)
    try:
        told = asyncio.run(crowd.crowd(server, keys, CONNECTIONS, SECONDS, LINES))
    finally:
        server.stop()
    assert told.faults == []
    assert len(told.watch.waits["poll"]) >= CONNECTIONS / 2
    assert set(told.watch.waits) == {*crowd_clients.ALLOWED}
    assert told.revision > len(keys)


def answer(status: int = 200, revision: int = 7, said: int = 7, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} So\r\nrecuento-revision: {revision}\r\n{more}\r\n"
    return f'{head}{{"at":{{"revision":{said},"rules":5}}}}'.encode()


@pytest.mark.parametrize("kind, answered, fault", [
    ("poll", answer(), None),
    ("poll", answer(304), None),
    ("poll", answer(revision=6, said=6), "poll was told of 6 after somebody had been told of 7"),
    ("poll", answer(304, revision=6), "poll was told of 6 after somebody had been told of 7"),
    ("poll", answer(said=6), "poll has another revision than its header, 7"),
    ("poll", answer(503), "poll was answered with 503"),
    ("poll", answer(429, more="retry-after: 3\r\n"), "poll was answered with 429"),
    ("poll", b"HTTP/1.1 304 Not Modified\r\n\r\n", "poll was not told of its revision"),
    ("poll", ConnectionResetError("cut"), "poll was not answered: ConnectionResetError cut"),
    ("post", answer(500), "post was answered with 500"),
    ("costly", answer(429, more="retry-after: 3\r\n"), None),
    ("costly", answer(429), "costly was answered with 429"),
    ("costly", answer(revision=6), "costly was told of 6 after somebody had been told of 7"),
])  # fmt: skip
def test_an_answer_that_must_not_be_is_found(
    kind: str, answered: bytes | Exception, fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Mock(ask=AsyncMock(side_effect=[answered]))
    monkeypatch.setattr(crowd_clients, "line_to", AsyncMock(return_value=line))
    told = Told(revision=7)
    asyncio.run(Client(Mock(), told).ask(kind, b""))
    assert [one[: len(fault or "")] for one in told.faults] == ([fault] if fault else [])
