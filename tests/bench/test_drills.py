"""The short forms of `make drill-kill` and `make drill-disk`."""

from pathlib import Path

import pytest

from bench import drill_disk, drill_kill


def test_nothing_acknowledged_is_lost_doubled_or_halved_by_a_kill(database_url: str, tmp_path: Path) -> None:
    told = drill_kill.drill(tmp_path, database_url, rounds=2, seed=7)
    assert told["writes acknowledged"] > 0


def test_a_full_disk_refuses_writes_and_nothing_else(tmp_path: Path) -> None:
    try:
        told = drill_disk.drill("sqlite", tmp_path, rounds=1, seed=7)
    except drill_disk.NoDisk as none:
        pytest.skip(str(none))
    assert told["reads on a full disk"] == len(drill_disk.READS)
