"""`recuento serve` waits for a PostgreSQL server that is coming up, and for nothing else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread, Timer
from time import monotonic

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.cli import database
from app.cli.database import wait_for_database
from tests.cut_line import CutLine
from tests.support import World

TLS_ASKED = 80_877_103  # the number by which a client asks for TLS before it says who it is


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STARTUP_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(database, "STARTUP_POLL_SECONDS", 0.1)


def error(code: str) -> bytes:
    """An answer of PostgreSQL that refuses (protocol, ErrorResponse)."""
    fields = b"SFATAL\0VFATAL\0C" + code.encode() + b"\0Mno\0\0"
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


@contextmanager
def refusing(*answers: bytes) -> Iterator[str]:
    """The address of what answers each message of a client with the next of these."""

    def answer() -> None:
        while True:
            try:
                client, _address = listening.accept()
            except OSError:
                return
            with client:
                for said in answers:
                    while (asked := client.recv(1000)) and asked[4:8] == TLS_ASKED.to_bytes(4, "big"):
                        client.sendall(b"N")
                    client.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=answer, daemon=True).start()
        yield f"postgresql://somebody:guess@127.0.0.1:{listening.getsockname()[1]}/recuento"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"postgresql://somebody@127.0.0.1:{free.getsockname()[1]}/recuento"


def told_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_server_that_refuses_the_line_is_waited_for_and_told_of_once(
    nowhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        wait_for_database(nowhere)
    waits, gives_up = told_of(capsys)
    assert "waiting for it, 1 seconds at most" in waits
    assert gives_up.startswith("recuento: The database did not come up")


def test_a_server_that_says_it_is_starting_is_waited_for() -> None:
    begun = monotonic()
    with refusing(error("57P03")) as address, pytest.raises(SystemExit):
        wait_for_database(address)
    assert monotonic() - begun > database.STARTUP_TIMEOUT_SECONDS


def test_a_wrong_password_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    asks_for_password = b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big")
    begun = monotonic()
    with refusing(asks_for_password, error("28P01")) as address, pytest.raises(OperationalError):
        wait_for_database(address)
    assert monotonic() - begun < database.STARTUP_TIMEOUT_SECONDS
    assert told_of(capsys) == []


@pytest.mark.parametrize(
    "address",
    ["postgres and then some", "postgresql://somebody@127.0.0.1/recuento?wait=yes", "sqlite:////nowhere/a.db"],
)
def test_what_is_wrong_in_the_address_is_refused_at_once(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SQLAlchemyError):
        wait_for_database(address)
    assert told_of(capsys) == []


def test_a_server_that_comes_up_meanwhile_is_served_from(
    world: World, nowhere: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.engine.dialect.name != "postgresql":
        return
    monkeypatch.setattr(database, "STARTUP_TIMEOUT_SECONDS", 30.0)
    lines: list[CutLine] = []
    server = make_url(world.settings.database_url)
    starting = Timer(0.5, lambda: lines.append(CutLine(server, make_url(nowhere).port or 0)))
    starting.start()
    here = {name: value for name, value in server.query.items() if name != "host"}
    address = server.set(host="127.0.0.1", port=make_url(nowhere).port, query=here)
    wait_for_database(address.render_as_string(hide_password=False))
    starting.join()
    lines[0].close()
    assert told_of(capsys) == ["The database does not answer yet: waiting for it, 30 seconds at most."]
