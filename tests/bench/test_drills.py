"""The short form of `make drill-kill`."""

from pathlib import Path

from bench import drill_kill


def test_nothing_acknowledged_is_lost_doubled_or_halved_by_a_kill(database_url: str, tmp_path: Path) -> None:
    told = drill_kill.drill(tmp_path, database_url, rounds=2, seed=7)
    assert told["writes acknowledged"] > 0
