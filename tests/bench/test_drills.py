"""Short forms of `make drill-kill`, `make drill-disk` and `make drill-io`; shorter still outside campaigns."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import drill_disk, drill_kill
from tests.databases import ENGINES
from tests.drawn import scale

HERE = Path(__file__).resolve().parents[2]


def test_nothing_acknowledged_is_lost_doubled_or_halved_by_a_kill(database_url: str, tmp_path: Path) -> None:
    told = drill_kill.drill(tmp_path, database_url, rounds=scale(8), seed=7)
    assert told["writes acknowledged"] > 0


def test_a_full_disk_refuses_writes_and_nothing_else(tmp_path: Path) -> None:
    try:
        told = drill_disk.drill("sqlite", tmp_path, rounds=1, seed=7)
    except drill_disk.NoDisk as none:
        pytest.skip(str(none))
    assert told["reads on a full disk"] == len(drill_disk.READS)


@pytest.mark.parametrize("kind", ENGINES)
def test_whatever_write_of_the_file_fails_what_was_answered_is_so(kind: str) -> None:
    """In a process of its own: the library that makes calls fail is loaded before everything else."""
    command = [sys.executable, "-m", "bench.drill_io", kind, str(scale(20))]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if "needs a C compiler" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert "what was answered was so" in done.stdout
