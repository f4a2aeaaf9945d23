"""`recuento serve` has a process of its own count: it is started again when it ends, and ends with the server."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy.engine import make_url

from app.cli import count_process
from app.config import Settings
from tests.cli.test_commands import ROOT, SECRET, answered, free_port
from tests.cli.test_metrics_port import SQLITE, served
from tests.support import PATIENCE, World

COUNTING = b"app.cli.count_process"


def processes_that_count() -> dict[int, int]:
    """Each that has started from these tests, and its niceness."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if COUNTING in (folder / "cmdline").read_bytes().split(b"\0"):
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[16])
        except OSError:
            continue  # it has ended meanwhile
    return found


def until(is_so: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not is_so():
        assert monotonic() < end
        sleep(0.05)


def total(address: str, query: str) -> int:
    with urllib.request.urlopen(f"{address}/v1/counts/releases?{query}", timeout=PATIENCE) as answer:
        return int(json.load(answer)["total"]["cases"])


@SQLITE
def test_a_process_that_counts_is_started_again_and_counts_are_answered_meanwhile(
    settings: Settings, resting: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUENTO_COUNTING_APART", "1")
    resting.file()
    resting.app.state.head_watcher.close()
    resting.engine.dispose()
    before = processes_that_count().keys()

    def ours() -> set[int]:
        return processes_that_count().keys() - before

    with served(settings, tmp_path) as address:
        until(lambda: len(ours()) == 1)
        (first,) = ours()
        assert total(address, "net=true") == 1
        until(lambda: processes_that_count()[first] >= count_process.NICENESS)
        os.kill(first, signal.SIGKILL)
        assert total(address, "net=false") == 1
        until(lambda: bool(ours() - {first}))
        assert total(address, "group_by=source") == 1
    assert not ours()
    file = Path(str(make_url(settings.database_url).database))
    assert not file.with_name(f"{file.name}-wal").exists(), "whoever closed it last wrote everything into the file"


@SQLITE
def test_processes_that_count_end_with_the_server_however_it_ends(
    settings: Settings, resting: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUENTO_COUNTING_APART", "1")
    resting.file()
    before, port = processes_that_count().keys(), str(free_port())
    environment = {**os.environ, "RECUENTO_DATABASE_URL": settings.database_url, "RECUENTO_SECRET": SECRET}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", port, "--workers", "2"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
        process_group=0,
        text=True,
    ) as server:
        try:
            answered(f"http://127.0.0.1:{port}/readyz", server)
            until(lambda: bool(processes_that_count().keys() - before))
            assert total(f"http://127.0.0.1:{port}", "net=true") == 1
        finally:
            os.killpg(server.pid, signal.SIGKILL)
    until(lambda: not processes_that_count().keys() - before)
