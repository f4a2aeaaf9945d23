"""`recuento serve --workers`: whichever worker answers, nobody is told of less than was acknowledged before, and what
is sent to one is worked on once."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from app.config import Settings
from tests.cli.test_metrics_port import SQLITE, served
from tests.databases import ENGINES, Templates, settings_of
from tests.support import PATIENCE, World, make_report

WORKERS = 3
MOST_LINES = 200  # until each worker has one
COUNT = "/v1/counts/releases"
LIST = "Nombre,País,Fecha de detención,Fecha de liberación,Fecha de nacimiento\n" + "".join(
    f"Casilda Peñaranda {letter}zo,VE,2025-03-01,2026-01-09,{1930 + 5 * number}\n"
    for number, letter in enumerate("ABCDEF")
)


class Line:
    """A connection, which one worker has."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._line.connect()
        self.worker = _whose(self._line.sock.getsockname()[1], port)

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._line.request("GET" if body is None else "POST", path, body, given)
        answer = self._line.getresponse()
        told = json.loads(answer.read())
        assert answer.status < 300, told
        return told

    def close(self) -> None:
        self._line.close()


def _whose(client: int, server: int) -> int:
    """The process that has the server's end of a connection between two ports."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ends = {row[9] for row in rows if (_port(row[1]), _port(row[2])) == (server, client)}
        sockets = {f"socket:[{inode}]" for inode in ends - {"0"}}  # 0: nobody has taken it up yet
        for process in _processes():
            if not sockets.isdisjoint(_files(process)):
                return process
    raise AssertionError("nobody took the connection up")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _processes() -> Iterator[int]:
    """All that this test has started, and what these have."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
        yield from more


def _files(process: int) -> set[str]:
    found = set()
    for file in Path(f"/proc/{process}/fd").glob("*"):
        try:
            found.add(str(file.readlink()))
        except OSError:
            continue
    return found


@contextmanager
def lines(settings: Settings, folder: Path) -> Iterator[list[Line]]:
    """One connection to each worker."""
    with served(settings, folder, "--workers", str(WORKERS)) as address, ExitStack() as open_lines:
        by_worker: dict[int, Line] = {}
        for _each in range(MOST_LINES):
            line = Line(int(address.rpartition(":")[2]))
            open_lines.callback(line.close)
            by_worker.setdefault(line.worker, line)
            if len(by_worker) == WORKERS:
                break
        assert len(by_worker) == WORKERS
        yield [*by_worker.values()]


@pytest.fixture(scope="module", params=ENGINES)
def running(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Line], World]]:
    """Workers that several tests ask, since to start them takes longer than to ask them, and their registry."""
    template, keys = templates.world(request.param)
    with templates.copy(request.param, template) as url:
        settings = settings_of(url)
        with lines(settings, tmp_path_factory.mktemp("running")) as workers:
            yield workers, World(settings, keys=keys)


def test_what_one_worker_acknowledged_every_worker_tells_at_once_also_where_it_kept_an_answer(
    running: tuple[list[Line], World],
) -> None:
    workers, world = running
    key = world.headers("foro")["Authorization"]
    before = workers[0].ask(COUNT)["total"]["cases"]
    for number in range(4 * WORKERS):
        kept = [worker.ask(COUNT) for worker in workers for _again in range(2)]
        assert {answer["total"]["cases"] for answer in kept} == {before + number}
        report = make_report(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", detainee__birth_date="1950")
        writer = workers[number % WORKERS]
        body = json.dumps(report).encode()
        writer.ask("/v1/releases", body, Authorization=key, Content_Type="application/json")
        assert {worker.ask(COUNT)["total"]["cases"] for worker in workers} == {before + number + 1}


def test_a_list_that_one_worker_took_in_is_filed_once(running: tuple[list[Line], World]) -> None:
    workers, world = running
    key = world.headers("foro")["Authorization"]
    before = workers[0].ask(COUNT)["total"]["cases"]
    for worker in workers:
        worker.ask("/v1/imports?confirm=true", LIST.encode(), Authorization=key, Content_Type="text/csv")
    world.settle()
    assert {worker.ask(COUNT)["total"]["cases"] for worker in workers} == {before + LIST.count("\n") - 1}


@SQLITE
def test_a_stop_that_reaches_all_processes_at_once_ends_them_well(
    settings: Settings, resting: World, tmp_path: Path
) -> None:
    """As systemd and a terminal send it. `served` sees to the server's own end."""
    with lines(settings, tmp_path) as workers:
        for worker in workers:
            os.kill(worker.worker, signal.SIGTERM)
    assert [worker.worker for worker in workers if Path(f"/proc/{worker.worker}").exists()] == []
