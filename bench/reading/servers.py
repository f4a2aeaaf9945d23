"""The servers that are compared, each a process of its own with one worker, and what a process cost (Linux)."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench.drill_import import SECRET
from bench.reading.plain import FILE

PATIENCE = 600.0  # seconds for a server to come up, or for its first answer
TICKS = os.sysconf("SC_CLK_TCK")  # of processor time a second, as the kernel tells it
# Everybody is one client here, and every question is to be answered however long it takes.
UNBOUNDED = {
    "RECUENTO_RATE_BY_CLIENT": "0",
    "RECUENTO_RATE_BY_KEY": "0",
    "RECUENTO_RATE_OF_SEARCHES": "0",
    "RECUENTO_QUESTION_SECONDS": str(PATIENCE),
}


class Memory(NamedTuple):
    """MiB that a process holds: in all, and of its own alone."""

    resident: float
    private: float


class Server:
    """A process that answers at a port of 127.0.0.1. `ready`: seconds from its start to the answer at `first`."""

    def __init__(self, name: str, command: list[str], first: str, environment: dict[str, str], log: Path) -> None:
        self.name, self._first = name, first
        self.port = free_port()
        begun = time.monotonic()
        told = [word.replace("PORT", str(self.port)) for word in command]
        with log.open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603
                told, env={**os.environ, **environment}, stdout=said, stderr=said
            )
        try:
            self._wait(begun + PATIENCE)
        except BaseException:
            self.stop()
            raise
        self.ready = time.monotonic() - begun

    def _wait(self, until: float) -> None:
        address = f"http://127.0.0.1:{self.port}{self._first}"
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(address, timeout=PATIENCE):
                return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} did not come up: servers.log in the folder says why.")

    def processor_seconds(self) -> float:
        """Processor time spent so far, of all its processes and threads."""
        stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in self._processes()]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS

    def memory(self) -> list[Memory]:
        """Of each of its processes; what they share is in each."""
        return [_memory(process) for process in self._processes()]

    def _processes(self) -> list[int]:
        found = [self._process.pid]
        for process in found:  # which grows meanwhile
            for thread in Path(f"/proc/{process}/task").glob("*/children"):
                found += map(int, thread.read_text().split())
        return found

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _memory(process: int) -> Memory:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(kib["Rss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ours(registry: Path, first: str, columns: Path | None) -> Server:
    """`columns`: where it saves them, or finds them saved."""
    environment = {"RECUENTO_DATABASE_URL": f"sqlite:///{registry}", "RECUENTO_SECRET": SECRET.decode(), **UNBOUNDED}
    if columns is not None:
        environment["RECUENTO_COLUMNS_DIR"] = str(columns)
    return Server(
        "Recuento", [sys.executable, "-m", "app.cli", "serve", "--port", "PORT"], first, environment, _log(registry)
    )


def obvious(plain: Path, first: str) -> Server:
    return Server("FastAPI + SQLModel", _uvicorn("bench.reading.obvious:app"), first, {FILE: str(plain)}, _log(plain))


def bare(answer: Path) -> Server:
    return Server("uvicorn, the same bytes", _uvicorn("bench.reading.bare:app"), "/", {FILE: str(answer)}, _log(answer))


def datasette(program: Path, plain: Path, first: str) -> Server:
    """As its manual has it fastest: the file is said not to change."""
    command = [str(program), "serve", "-i", str(plain), "-p", "PORT", "--setting", "sql_time_limit_ms", "600000"]
    return Server("Datasette", command, first, {}, _log(plain))


def _log(beside: Path) -> Path:
    return beside.with_name("servers.log")


def _uvicorn(app: str) -> list[str]:
    return [sys.executable, "-m", "uvicorn", app, "--port", "PORT", "--log-level", "warning"]
