"""What the garbage collector is spared.

Free memory is what the machine and every control group around the process leave."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from app.memory import measure_free_memory, return_freed_memory

SERVED = """
import gc
from fastapi.testclient import TestClient
from app.config import Settings
from app.main import create_app

with TestClient(create_app(Settings(database_url="sqlite://"))):
    left = len(gc.get_objects())
print(gc.get_freeze_count() > 10 * left)
"""


def test_a_server_that_has_started_has_hardly_anything_that_is_looked_through_for_cycles() -> None:
    told = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "True", told.stderr
    assert gc.isenabled()


MB = 1 << 20


def machine(root: Path, free: int) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable:  {free // 1024} kB\n")


def group(root: Path, path: str, most: str, used: int = 0, of_files: int = 0) -> None:
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\ninactive_file {of_files}\nactive_file {of_files}\n")


def inside(root: Path, path: str) -> None:
    (root / "proc/self/cgroup").write_text(f"4:memory:/old\n0::/{path}\n")


def test_a_machine_without_groups_has_what_it_can_make_free(tmp_path: Path) -> None:
    machine(tmp_path, 100 * MB)
    assert measure_free_memory(tmp_path) == 100 * MB


@pytest.mark.parametrize("most, left", [("max", 100 * MB), (str(50 * MB), 30 * MB), (str(500 * MB), 100 * MB)])
def test_a_group_leaves_what_it_does_not_use_copies_of_files_aside(tmp_path: Path, most: str, left: int) -> None:
    machine(tmp_path, 100 * MB)
    inside(tmp_path, "recuento.service")
    group(tmp_path, "recuento.service", most, used=40 * MB, of_files=10 * MB)
    assert measure_free_memory(tmp_path) == left


def test_a_limit_holds_for_the_groups_below_it(tmp_path: Path) -> None:
    machine(tmp_path, 100 * MB)
    inside(tmp_path, "system.slice/recuento.service")
    group(tmp_path, "system.slice/recuento.service", "max")
    group(tmp_path, "system.slice", str(60 * MB), used=20 * MB)
    assert measure_free_memory(tmp_path) == 40 * MB


def test_a_container_sees_its_own_group_as_the_top(tmp_path: Path) -> None:
    machine(tmp_path, 100 * MB)
    inside(tmp_path, "")
    group(tmp_path, "", str(60 * MB), used=20 * MB)
    assert measure_free_memory(tmp_path) == 40 * MB


def test_this_machine_tells() -> None:
    assert (measure_free_memory() or 0) > 0


def test_what_was_freed_between_other_things_is_handed_back() -> None:
    def resident() -> int:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024

    pieces = [bytearray(64_000) for _piece in range(1_600)]  # each too small for a mapping of its own
    stays = bytearray(64_000)
    before = resident()
    del pieces
    return_freed_memory()
    assert before - resident() > 80 * MB
    assert len(stays) == 64_000
