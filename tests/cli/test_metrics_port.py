"""`recuento serve --metrics-port`: one port of this machine alone tells what all workers counted together."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from app.cli import serve
from app.config import Settings
from tests.cli.test_commands import ROOT, SECRET, Run, answered, free_port, recuento, refused
from tests.support import PATIENCE

__all__ = ["recuento"]  # the fixture
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ASKED = 24
PAUSE = 0.1  # seconds


@contextmanager
def served(settings: Settings, folder: Path, *options: str) -> Iterator[str]:
    """The address of `recuento serve`, which ends well when it is told to."""
    port = str(free_port())
    environment = {
        **os.environ,
        "RECUENTO_DATABASE_URL": settings.database_url,
        "RECUENTO_SECRET": SECRET,
        "RECUENTO_RATE_BY_CLIENT": "0",
        "RECUENTO_COUNTRY": "VE",
        "RECUENTO_RELEASED_FROM": "2026-01-08",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.cli", "serve", "--port", port, *options]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            answered(f"http://127.0.0.1:{port}/readyz", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
        _out, err = server.communicate(timeout=60)
    assert server.returncode == 0, err
    # As on a machine with much else to do, and of a registry that tests filled in another year.
    expected = ("slow request", "The last entry is", "a process that counts ended", "It answers the proxies")
    lines = [line for line in err.splitlines() if not any(text in line for text in expected)]
    assert len(lines) == 1, err


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return str(response.read().decode())


def ask(address: str) -> None:
    """Ask ASKED questions, each on a connection of its own, which any worker takes."""
    for number in range(ASKED):
        urllib.request.urlopen(f"{address}/v1/sources?limit={1 + number}", timeout=10).close()


@SQLITE
def test_what_was_asked_and_how_the_registry_stands_is_told(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    with served(settings, tmp_path, "--metrics-port", str(port)) as address:
        ask(address)
        asked = f'recuento_requests_total{{method="GET",route="/v1/sources",status="2xx"}} {ASKED}.0'
        until = monotonic() + PATIENCE
        while asked not in (told := scraped(port)):  # the last answer is counted once it is sent
            assert monotonic() < until, told
    assert f'recuento_request_seconds_count{{lane="reads"}} {ASKED}.0' in told
    assert 'recuento_lane_places{lane="reads"} 2.0' in told
    assert "recuento_ready 1.0" in told


@SQLITE
def test_what_several_workers_counted_adds_up_also_when_one_was_killed_and_nothing_of_it_stays(
    settings: Settings, tmp_path: Path
) -> None:
    port, before = free_port(), folders()
    with served(settings, tmp_path, "--workers", "2", "--metrics-port", str(port)) as address:
        (ours,) = folders() - before
        asked = ask_until(2, ours, address)
        assert f'route="/v1/sources",status="2xx"}} {asked}.0' in scraped(port)
        os.kill(min(processes(ours)), signal.SIGKILL)
        asked += ask_until(3, ours, address)  # another works in its place
        told = scraped(port)
    assert f'route="/v1/sources",status="2xx"}} {asked}.0' in told
    assert 'recuento_lane_places{lane="reads"} 4.0' in told
    assert not ours.exists()


def ask_until(workers: int, folder: Path, address: str) -> int:
    """Ask until so many workers have counted something in a folder; how often it was asked."""
    asked = 0
    while len(processes(folder)) < workers:
        ask(address)
        asked += ASKED
        sleep(PAUSE)
    return asked


def folders() -> set[Path]:
    """Where workers of a server count."""
    return {*Path(serve.SHARED_MEMORY_FOLDER).glob("recuento-metrics-*")}


def processes(folder: Path) -> set[int]:
    """The workers that counted something in a folder."""
    return {int(file.stem.removeprefix("counter_")) for file in folder.glob("counter_*.db")}


@SQLITE
def test_metrics_are_told_to_this_machine_alone_and_at_no_address_of_the_registry(
    settings: Settings, tmp_path: Path
) -> None:
    port = free_port()
    with served(settings, tmp_path, "--host", "0.0.0.0", "--metrics-port", str(port)) as address:
        assert "recuento_ready" in scraped(port)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/metrics", timeout=10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port))  # of every other address of the machine


@SQLITE
def test_without_the_setting_no_port_tells_anything(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    with served(settings, tmp_path), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@SQLITE
def test_where_another_program_has_the_port_the_server_does_not_start(recuento: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for workers in ("1", "2"):
            line = refused(recuento("serve", "--port", str(free_port()), "--workers", workers, "--metrics-port", port))
            assert port in line
            assert "--metrics-port" in line
